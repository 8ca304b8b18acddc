/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "guest.h"
#include "program.h"

int cmd_transform(int root, int argc, char **argv, struct error *error)
{
    static const struct option options[] = {{"op", required_argument, NULL, 'o'}, {0}};
    _cleanup_(cleanup_free) char *data = NULL, *text = NULL;
    size_t length = 0, text_length = 0;
    enum guest_operation operation = GUEST_PREPARE;
    for (int option; (option = command_option(argc, argv, ":o:", options, error)) != -1;) {
        if (option == COMMAND_USAGE)
            return option;
        operation = guest_operation(optarg);
        if (operation != GUEST_PREPARE && operation != GUEST_RESTORE && operation != GUEST_MIGRATE)
            return command_usage(error, "transform --op takes prepare, restore or migrate, not '%s'", optarg);
    }
    if (argc - optind != 1)
        return command_usage(error, "transform takes one file, or - for standard input");
    int result = command_read(argv[optind], &data, &length, error);
    if (result == 0)
        result = guest_show(root, operation, data, length, &text, &text_length, error);
    return result == 0 ? program_print(text, text_length, error) : result;
}
