/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "program.h"
#include "release.h"

int cmd_release(int root, int argc, char **argv, struct error *error)
{
    static const struct option known[] = {{"force", no_argument, NULL, 'f'}, {"dry-run", no_argument, NULL, 'n'}, {0}};
    struct release_options options = {.force = false};
    for (int option; (option = command_option(argc, argv, ":n", known, error)) != -1;) {
        if (option == COMMAND_USAGE)
            return option;
        if (option == 'n')
            options.dry_run = true;
        else
            options.force = true;
    }
    if (argc - optind != 1)
        return command_usage(error, "release takes one guest, by name or UUID, or one VF's address");
    _cleanup_(lines_free) struct lines done = {NULL};
    int result = release_by_hand(root, argv[optind], &options, &done, error);
    return program_report(&done, result, error);
}
