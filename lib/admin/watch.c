/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "watch.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drained.h"
#include "host.h"
#include "io.h"
#include "ledger.h"
#include "offer.h"
#include "pool.h"

/* Not the ledger's lock, which looking at it takes. */
static const char *const directories[] = {LEDGER_DIRECTORY "/guests", LEDGER_DIRECTORY "/vfs", OFFER_DIRECTORY,
                                          POOL_DIRECTORY, DRAINED_DIRECTORY};

/* One that is watched already stays so; one that cannot be is looked at by the clock. */
static void watch_directories(int root, int files)
{
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
        io_watch(files, root, directories[i], IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE);
}

/* That something is news is enough; what it is, is looked at (rtnetlink(7)). Return: -1 where it cannot be had. */
static int watch_links(void)
{
    const struct sockaddr_nl links = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&links, sizeof links) == 0)
        return fd;
    cleanup_close(&fd);
    return -1;
}

int watch_open(int root, struct watch *watch, struct error *error)
{
    struct host host = {.sys = -1};
    *watch = WATCH_NONE;
    watch->files = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->files < 0)
        return error_set(error, errno, "cannot watch the ledger: %s", strerror(errno));
    watch_directories(root, watch->files);
    int result = host_open(root, &host, error);
    if (result == 0 && host.running)
        watch->links = watch_links();
    host_close(&host);
    return result;
}

static void take_away(int fd)
{
    char news[4096];
    while (fd >= 0 && (read(fd, news, sizeof news) > 0 || errno == ENOBUFS || errno == EINTR))
        continue;
}

void watch_settle(int root, const struct watch *watch)
{
    watch_directories(root, watch->files);
    take_away(watch->files);
    take_away(watch->links);
}

void watch_close(struct watch *watch)
{
    cleanup_close(&watch->files);
    cleanup_close(&watch->links);
    *watch = WATCH_NONE;
}
