/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "queue.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>

#include "io.h"
#include "ledger.h"
#include "lock.h"

static int open_file(int root, const char *pool, struct error *error)
{
    _cleanup_(cleanup_close) int directory = ledger_directory(root, "waiting");
    if (directory < 0)
        return error_set(error, -directory, "cannot use /" LEDGER_DIRECTORY "/waiting: %s", strerror(-directory));
    int file = openat(directory, pool, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    return file < 0
               ? error_set(error, errno, "cannot open /" LEDGER_DIRECTORY "/waiting/%.64s: %s", pool, strerror(errno))
               : file;
}

int queue_pass(int root, const char *pool, struct queue *queue, struct error *error)
{
    int file = open_file(root, pool, error);
    if (file < 0)
        return file;
    if (flock(file, LOCK_SH | LOCK_NB) == 0) {
        queue->file = file;
        return 0;
    }
    int failure = errno;
    close(file);
    return failure == EWOULDBLOCK ? 1
                                  : error_set(error, failure, "cannot lock /" LEDGER_DIRECTORY "/waiting/%.64s: %s",
                                              pool, strerror(failure));
}

/* Where it cannot be watched, it is looked at. */
static int watch_links(int root)
{
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch >= 0 && io_watch(watch, root, LEDGER_DIRECTORY "/vfs", IN_DELETE) < 0)
        cleanup_close(&watch);
    return watch;
}

int queue_take(int root, const char *pool, int64_t deadline, struct queue *queue, struct error *error)
{
    int file = open_file(root, pool, error);
    if (file < 0)
        return file;
    int result = lock_take(file, true, deadline);
    if (result == 0) {
        queue->file = file;
        queue->watch = watch_links(root);
        return 0;
    }
    close(file);
    return result == -ETIMEDOUT ? result
                                : error_set(error, -result, "cannot lock /" LEDGER_DIRECTORY "/waiting/%.64s: %s", pool,
                                            strerror(-result));
}

void queue_wait(const struct queue *queue, int64_t deadline)
{
    char events[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
    struct pollfd poll_for = {.fd = queue->watch, .events = POLLIN};
    int64_t left = deadline - io_now_ms();
    if (left <= 0)
        return;
    if (poll(&poll_for, 1, left < QUEUE_LOOK_MS ? (int)left : QUEUE_LOOK_MS) > 0)
        while (read(queue->watch, events, sizeof events) > 0)
            continue;
}

void queue_leave(struct queue *queue)
{
    cleanup_close(&queue->file);
    cleanup_close(&queue->watch);
    *queue = QUEUE_NONE;
}
