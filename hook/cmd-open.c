/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "program.h"
#include "reconcile.h"
#include "settle.h"

int cmd_open(int root, int argc, char **argv, struct error *error)
{
    static const struct option options[] = {{"settings", no_argument, NULL, 's'}, {0}};
    bool settings = false;
    for (int option; (option = command_option(argc, argv, ":", options, error)) != -1;) {
        if (option == COMMAND_USAGE)
            return option;
        settings = true;
    }
    if (optind != argc)
        return command_usage(error, "open takes no arguments");
    _cleanup_(cleanup_close) int settling = -1;
    _cleanup_(lines_free) struct lines done = {NULL};
    int result = settle_stop(root, &settling, error);
    if (result == 0)
        result = reconcile_open(root, settings, &done, error);
    return program_report(&done, result, error);
}
