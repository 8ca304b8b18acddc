/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "guest.h"
#include "io.h"
#include "program.h"
#include "xml.h"

static int read_domain(const char *file, char **data, size_t *length, struct error *error)
{
    bool standard = strcmp(file, "-") == 0;
    const char *name = standard ? "standard input" : file;
    _cleanup_(cleanup_close) int fd = standard ? -1 : open(file, O_RDONLY | O_CLOEXEC);
    if (!standard && fd < 0)
        return error_set(error, errno, "cannot open %s: %s", name, strerror(errno));
    int result = io_read(standard ? STDIN_FILENO : fd, XML_MAX_BYTES, IO_NO_DEADLINE, data, length);
    if (result == -EFBIG)
        return error_set(error, EFBIG, "%s is larger than %zu MiB", name, XML_MAX_BYTES >> 20);
    return result < 0 ? error_set(error, -result, "cannot read %s: %s", name, strerror(-result)) : 0;
}

int cmd_transform(int root, int argc, char **argv, struct error *error)
{
    static const struct option options[] = {{"op", required_argument, NULL, 'o'}, {0}};
    _cleanup_(cleanup_free) char *data = NULL, *text = NULL;
    size_t length = 0, text_length = 0;
    enum guest_operation operation = GUEST_PREPARE;
    for (int option; (option = getopt_long(argc, argv, "o:", options, NULL)) != -1;) {
        if (option != 'o')
            return command_usage(error, "transform does not know that option");
        operation = guest_operation(optarg);
        if (operation != GUEST_PREPARE && operation != GUEST_RESTORE && operation != GUEST_MIGRATE)
            return command_usage(error, "transform --op takes prepare, restore or migrate, not '%s'", optarg);
    }
    if (argc - optind != 1)
        return command_usage(error, "transform takes one file, or - for standard input");
    int result = read_domain(argv[optind], &data, &length, error);
    if (result == 0)
        result = guest_show(root, operation, data, length, &text, &text_length, error);
    return result < 0 ? result : program_print(text, text_length, error);
}
