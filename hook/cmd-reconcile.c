/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "program.h"
#include "upkeep.h"

int cmd_reconcile(int root, int argc, char **argv, struct error *error)
{
    (void)argv;
    if (argc != 1)
        return command_usage(error, "reconcile takes no arguments");
    int result = upkeep_reconcile(root, error);
    if (result < 0)
        return result;
    if (!error->notes[0])
        error_note(error, "nothing to repair");
    return program_report(error);
}
