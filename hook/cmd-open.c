/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "reconcile.h"
#include "settle.h"

int cmd_open(int root, int argc, char **argv, struct error *error)
{
    struct command_flags flags = {0};
    int first = command_flags(argc, argv, "settings dry-run format", &flags, error);
    if (first < 0)
        return first;
    if (first != argc)
        return command_usage(error, "open takes no arguments");
    _cleanup_(cleanup_close) int settling = -1;
    _cleanup_(lines_free) struct lines done = {NULL};
    int result = flags.dry_run ? 0 : settle_stop(root, &settling, error);
    if (result == 0)
        result = reconcile_open(root, flags.settings, flags.dry_run, &done, error);
    return command_report(&flags, &done, NULL, result, error);
}
