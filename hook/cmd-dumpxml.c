/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "program.h"
#include "status.h"

int cmd_dumpxml(int root, int argc, char **argv, struct error *error)
{
    _cleanup_(cleanup_free) char *text = NULL;
    size_t length = 0;
    int first = command_operands(argc, argv, error);
    if (first < 0 || command_takes_one(argc - first, "dumpxml takes one pool", error) < 0)
        return COMMAND_USAGE;
    int result = status_network(root, argv[first], false, &text, &length, error);
    return result < 0 ? result : program_print(text, length, error);
}
