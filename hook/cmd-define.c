/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>
#include <string.h>

#include "command.h"
#include "define.h"
#include "program.h"

int cmd_define(int root, int argc, char **argv, struct error *error)
{
    static const struct option known[] = {{"alone", no_argument, NULL, 'a'}, {"dry-run", no_argument, NULL, 'n'}, {0}};
    struct define_options options = {.dry_run = false};
    for (int option; (option = command_option(argc, argv, ":n", known, error)) != -1;) {
        if (option == COMMAND_USAGE)
            return option;
        if (option == 'n')
            options.dry_run = true;
        else
            options.alone = true;
    }
    if (argc - optind != 1)
        return command_usage(error, "define takes one pool file, or - for standard input");
    _cleanup_(lines_free) struct lines done = {NULL};
    _cleanup_(cleanup_free) char *data = NULL;
    size_t length = 0;
    const char *file = argv[optind], *path = strcmp(file, "-") == 0 ? "standard input" : file;
    int result = command_read(file, &data, &length, error);
    if (result < 0)
        return result;
    result = define_pool(root, data, length, path, &options, &done, error);
    if (result == 0 && !done.text && !error->notes.text)
        lines_add(&done, "nothing changed");
    return program_report(&done, result, error);
}
