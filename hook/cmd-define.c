/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "command.h"
#include "define.h"

int cmd_define(int root, int argc, char **argv, struct error *error)
{
    struct command_flags flags = {0};
    int first = command_flags(argc, argv, "alone dry-run format", &flags, error);
    if (first < 0 || command_takes_one(argc - first, "define takes one pool file, or - for standard input", error) < 0)
        return COMMAND_USAGE;
    const struct define_options options = {.alone = flags.alone, .dry_run = flags.dry_run};
    _cleanup_(lines_free) struct lines done = {NULL};
    _cleanup_(cleanup_free) char *data = NULL;
    size_t length = 0;
    const char *file = argv[first], *path = strcmp(file, "-") == 0 ? "standard input" : file;
    int result = command_read(file, &data, &length, error);
    if (result == 0)
        result = define_pool(root, data, length, path, &options, &done, error);
    return command_report(&flags, &done, "nothing changed", result, error);
}
