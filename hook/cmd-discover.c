/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "discover.h"
#include "program.h"

int cmd_discover(int root, int argc, char **argv, struct error *error)
{
    _cleanup_(cleanup_free) char *text = NULL;
    size_t length = 0;
    int result = discover_pool(root, argv + 1, (size_t)argc - 1, &text, &length, error);
    return result < 0 ? result : program_print(text, length, error);
}
