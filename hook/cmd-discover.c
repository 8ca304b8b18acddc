/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "discover.h"
#include "program.h"

int cmd_discover(int root, int argc, char **argv, struct error *error)
{
    _cleanup_(cleanup_free) char *text = NULL;
    size_t length = 0;
    int first = command_operands(argc, argv, error);
    if (first < 0)
        return first;
    int result = discover_pool(root, argv + first, (size_t)(argc - first), &text, &length, error);
    return result < 0 ? result : program_print(text, length, error);
}
