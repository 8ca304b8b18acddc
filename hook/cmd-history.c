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

/* Return: 0 or COMMAND_USAGE. */
static int set_filter(const struct command_flags *flags, struct history_filter *filter, char since[CLAIM_TIME_SIZE],
                      struct error *error)
{
    char *end = NULL;
    filter->guest = flags->guest;
    filter->vf = flags->vf;
    filter->pool = flags->pool;
    if (flags->since && history_since(flags->since, since) < 0)
        return command_usage(error,
                             "--since takes a date, 2026-11-29, a time, 2026-11-29T12:00:00Z, or an age as 15m, "
                             "2h or 7d, not '%s'",
                             flags->since);
    filter->since = flags->since ? since : NULL;
    if (flags->last)
        filter->last = strtoul(flags->last, &end, 10);
    if (flags->last && (flags->last[0] < '1' || flags->last[0] > '9' || *end))
        return command_usage(error, "--last takes a number, 1 or more, not '%s'", flags->last);
    return 0;
}

static int print(int root, const struct command_flags *flags, const struct history_filter *filter,
                 struct history_place *place, struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    int result = history_read(root, filter, place, &doc, error);
    if (result < 0 || (flags->follow && !xmlDocGetRootElement(doc)->children))
        return result;
    return command_print(flags, doc, error);
}

/* Until somebody ends it. What is written between a look and the next is behind the place. */
static int follow(int root, const struct command_flags *flags, struct history_filter *filter,
                  struct history_place *place, struct error *error)
{
    char events[4096];
    _cleanup_(cleanup_close) int watch = inotify_init1(IN_CLOEXEC);
    int watched = watch < 0 ? -errno : io_watch(watch, root, JOURNAL_DIRECTORY, IN_MODIFY | IN_CREATE | IN_MOVED_TO);
    if (watched < 0)
        return error_set(error, -watched, "cannot watch /" JOURNAL_DIRECTORY ": %s", strerror(-watched));
    filter->last = 0;
    while (true) {
        int result = print(root, flags, filter, place, error);
        if (result < 0)
            return result;
        if (read(watch, events, sizeof events) < 0 && errno != EINTR)
            return error_set(error, errno, "cannot watch /" JOURNAL_DIRECTORY ": %s", strerror(errno));
    }
}

int cmd_history(int root, int argc, char **argv, struct error *error)
{
    struct command_flags flags = {0};
    struct history_filter filter = {0};
    struct history_place place = {0};
    char since[CLAIM_TIME_SIZE];
    int first = command_flags(argc, argv, "color follow format guest last pool since vf", &flags, error);
    if (first < 0 || set_filter(&flags, &filter, since, error) < 0)
        return COMMAND_USAGE;
    if (argc - first > 1)
        return command_usage(error, "history takes one guest or VF at most");
    filter.of = argv[first];
    int result = print(root, &flags, &filter, &place, error);
    return result == 0 && flags.follow ? follow(root, &flags, &filter, &place, error) : result;
}
