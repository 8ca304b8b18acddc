/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "drain.h"

int cmd_undrain(int root, int argc, char **argv, struct error *error)
{
    struct command_flags flags = {0};
    int first = command_flags(argc, argv, "dry-run format", &flags, error);
    if (first < 0 ||
        command_takes_one(argc - first, "undrain takes one PF or VF, by its address or the PF's name", error) < 0)
        return COMMAND_USAGE;
    _cleanup_(lines_free) struct lines done = {NULL};
    int result = undrain(root, argv[first], flags.dry_run, &done, error);
    return command_report(&flags, &done, "nothing changed", result, error);
}
