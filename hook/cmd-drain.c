/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "drain.h"

int cmd_drain(int root, int argc, char **argv, struct error *error)
{
    struct command_flags flags = {.longest_wait_s = DRAIN_LONGEST_WAIT_S};
    int first = command_flags(argc, argv, "reason wait dry-run format", &flags, error);
    if (first < 0 ||
        command_takes_one(argc - first, "drain takes one PF or VF, by its address or the PF's name", error) < 0)
        return COMMAND_USAGE;
    const struct drain_options options = {flags.reason, flags.wait_s, flags.dry_run};
    _cleanup_(lines_free) struct lines done = {NULL};
    int result = drain(root, argv[first], &options, &done, error);
    return command_report(&flags, &done, "nothing changed", result, error);
}
