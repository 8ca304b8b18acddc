/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "release.h"

int cmd_release(int root, int argc, char **argv, struct error *error)
{
    struct command_flags flags = {0};
    int first = command_flags(argc, argv, "force dry-run format", &flags, error);
    if (first < 0 ||
        command_takes_one(argc - first, "release takes one guest, by name or UUID, or one VF's address", error) < 0)
        return COMMAND_USAGE;
    const struct release_options options = {.force = flags.force, .dry_run = flags.dry_run};
    _cleanup_(lines_free) struct lines done = {NULL};
    int result = release_by_hand(root, argv[first], &options, &done, error);
    return command_report(&flags, &done, NULL, result, error);
}
