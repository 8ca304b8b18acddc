/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>

#include "command.h"
#include "discover.h"
#include "program.h"

int cmd_discover(int root, int argc, char **argv, struct error *error)
{
    _cleanup_(cleanup_free) char *text = NULL;
    size_t length = 0;
    static const struct option known[] = {{"name", required_argument, NULL, 'N'}, {0}};
    const char *name = "passthrough";
    for (int option; (option = command_option(argc, argv, ":", known, error)) != -1;) {
        if (option == COMMAND_USAGE)
            return option;
        name = optarg;
    }
    int result = discover_pool(root, name, argv + optind, (size_t)(argc - optind), &text, &length, error);
    return result < 0 ? result : program_print(text, length, error);
}
