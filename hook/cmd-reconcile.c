/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>
#include <stdio.h>

#include "command.h"
#include "program.h"
#include "reconcile.h"

int cmd_reconcile(int root, int argc, char **argv, struct error *error)
{
    static const struct option options[] = {{"dry-run", no_argument, NULL, 'n'}, {0}};
    bool dry_run = false;
    for (int option; (option = getopt_long(argc, argv, "n", options, NULL)) != -1;) {
        if (option != 'n')
            return command_usage(error, "reconcile does not know that option");
        dry_run = true;
    }
    if (optind != argc)
        return command_usage(error, "reconcile takes no arguments");
    int result = reconcile(root, dry_run, error);
    if (result < 0)
        return result;
    if (!error->notes)
        error_note(error, "nothing to repair");
    return program_report(error);
}
