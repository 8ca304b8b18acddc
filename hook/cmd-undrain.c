/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>

#include "command.h"
#include "drain.h"
#include "program.h"

int cmd_undrain(int root, int argc, char **argv, struct error *error)
{
    static const struct option known[] = {{"dry-run", no_argument, NULL, 'n'}, {0}};
    bool dry_run = false;
    for (int option; (option = command_option(argc, argv, ":n", known, error)) != -1;) {
        if (option == COMMAND_USAGE)
            return option;
        dry_run = true;
    }
    if (argc - optind != 1)
        return command_usage(error, "undrain takes one PF or VF, by its address or the PF's name");
    _cleanup_(lines_free) struct lines done = {NULL};
    int result = undrain(root, argv[optind], dry_run, &done, error);
    if (result == 0 && !done.text)
        lines_add(&done, "nothing changed");
    return program_report(&done, result, error);
}
