/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>

#include "command.h"
#include "define.h"
#include "program.h"

int cmd_undefine(int root, int argc, char **argv, struct error *error)
{
    static const struct option known[] = {{"force", no_argument, NULL, 'f'}, {"dry-run", no_argument, NULL, 'n'}, {0}};
    struct define_options options = {.force = false};
    for (int option; (option = command_option(argc, argv, ":n", known, error)) != -1;) {
        if (option == COMMAND_USAGE)
            return option;
        if (option == 'n')
            options.dry_run = true;
        else
            options.force = true;
    }
    if (argc - optind != 1)
        return command_usage(error, "undefine takes one pool");
    _cleanup_(lines_free) struct lines done = {NULL};
    int result = undefine_pool(root, argv[optind], &options, &done, error);
    return program_report(&done, result, error);
}
