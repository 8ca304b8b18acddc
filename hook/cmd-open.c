/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "program.h"
#include "reconcile.h"

int cmd_open(int root, int argc, char **argv, struct error *error)
{
    (void)argv;
    if (argc != 1)
        return command_usage(error, "open takes no arguments");
    int result = reconcile_open(root, error);
    return result < 0 ? result : program_report(error);
}
