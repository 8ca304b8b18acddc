/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "command.h"
#include "history.h"
#include "journal.h"
#include "xml.h"

struct options {
    struct history_filter filter;
    const char *format;
    char since[CLAIM_TIME_SIZE];
    bool follow;
};

/* Return: 0 or COMMAND_USAGE. */
static int set_option(struct options *options, int option, struct error *error)
{
    char *end = NULL;
    switch (option) {
    case 'f':
        options->format = optarg;
        return command_has_format(optarg) ? 0 : command_usage(error, "history --format takes table, json or xml");
    case 's':
        options->filter.since = options->since;
        return history_since(optarg, options->since) == 0
                   ? 0
                   : command_usage(error,
                                   "--since takes a date, 2026-11-29, a time, 2026-11-29T12:00:00Z, or an age as 15m, "
                                   "2h or 7d, not '%s'",
                                   optarg);
    case 'n':
        options->filter.last = strtoul(optarg, &end, 10);
        return optarg[0] >= '1' && optarg[0] <= '9' && !*end
                   ? 0
                   : command_usage(error, "--last takes a number, 1 or more, not '%s'", optarg);
    case 'F':
        options->follow = true;
        break;
    case 'g':
        options->filter.guest = optarg;
        break;
    case 'v':
        options->filter.vf = optarg;
        break;
    default:
        options->filter.pool = optarg;
    }
    return 0;
}

static int print(int root, const struct options *options, struct history_place *place, bool also_none,
                 struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    int result = history_read(root, &options->filter, place, &doc, error);
    if (result < 0 || (!also_none && !xmlDocGetRootElement(doc)->children))
        return result;
    return command_print(options->format, doc, error);
}

/* Until somebody ends it. What is written between a look and the next is behind the place. */
static int follow(int root, struct options *options, struct history_place *place, struct error *error)
{
    char path[sizeof "/proc/self/fd//" JOURNAL_DIRECTORY + 16], events[4096];
    snprintf(path, sizeof path, "/proc/self/fd/%d/" JOURNAL_DIRECTORY, root);
    _cleanup_(cleanup_close) int watch = inotify_init1(IN_CLOEXEC);
    if (watch < 0 || inotify_add_watch(watch, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
        return error_set(error, errno, "cannot watch /" JOURNAL_DIRECTORY ": %s", strerror(errno));
    options->filter.last = 0;
    while (true) {
        int result = print(root, options, place, false, error);
        if (result < 0)
            return result;
        if (read(watch, events, sizeof events) < 0 && errno != EINTR)
            return error_set(error, errno, "cannot watch /" JOURNAL_DIRECTORY ": %s", strerror(errno));
    }
}

int cmd_history(int root, int argc, char **argv, struct error *error)
{
    static const struct option known[] = {
        {"format", required_argument, NULL, 'f'}, {"since", required_argument, NULL, 's'},
        {"last", required_argument, NULL, 'n'},   {"follow", no_argument, NULL, 'F'},
        {"guest", required_argument, NULL, 'g'},  {"vf", required_argument, NULL, 'v'},
        {"pool", required_argument, NULL, 'p'},   {0}};
    struct options options = {.format = "table"};
    struct history_place place = {0};
    for (int option; (option = command_option(argc, argv, ":f:n:", known, error)) != -1;)
        if (option == COMMAND_USAGE || set_option(&options, option, error) < 0)
            return COMMAND_USAGE;
    if (argc - optind > 1)
        return command_usage(error, "history takes one guest or VF at most");
    options.filter.of = argv[optind];
    int result = print(root, &options, &place, !options.follow, error);
    return result == 0 && options.follow ? follow(root, &options, &place, error) : result;
}
