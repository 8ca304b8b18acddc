/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "define.h"

int cmd_undefine(int root, int argc, char **argv, struct error *error)
{
    struct command_flags flags = {0};
    int first = command_flags(argc, argv, "force dry-run format", &flags, error);
    if (first < 0 || command_takes_one(argc - first, "undefine takes one pool", error) < 0)
        return COMMAND_USAGE;
    const struct define_options options = {.force = flags.force, .dry_run = flags.dry_run};
    _cleanup_(lines_free) struct lines done = {NULL};
    int result = undefine_pool(root, argv[first], &options, &done, error);
    return command_report(&flags, &done, NULL, result, error);
}
