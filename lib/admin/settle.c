/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settle.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "actor.h"
#include "autostart.h"
#include "deferral.h"
#include "detach.h"
#include "hooks.h"
#include "io.h"
#include "ledger.h"
#include "lock.h"
#include "log.h"
#include "memory.h"
#include "offer.h"
#include "reconcile.h"
#include "tally.h"
#include "witness.h"

#define LOCK_FILE LEDGER_DIRECTORY "/settle"
#define RETRY_MS 30000
#define PAUSE_MS 200
#define WISH_FILE LEDGER_DIRECTORY "/unsettled"

/* The last try begins RETRY_MS after the first one; the kernel's alarm would end it in the middle of a network. */
static_assert(SETTLE_S > RETRY_MS / 1000 + RECONCILE_S + RECONCILE_FINISH_S + AUTOSTART_S, "the last try has its time");

static void log_lines(int root, int level, const struct lines *lines)
{
    size_t length;
    for (const char *at = NULL; (length = lines_next(lines, &at)) > 0;) {
        _cleanup_(cleanup_free) char *line = memory_copy_part(at, length);
        log_line(root, level, line);
    }
}

/* A daemon that is only starting does not answer yet. */
static int settle_once(int root)
{
    int64_t deadline = io_now_ms() + RETRY_MS;
    int result = 0;
    do {
        _cleanup_(lines_free) struct lines done = {NULL};
        _cleanup_(error_free) struct error error = {0};
        if (result < 0)
            poll(NULL, 0, PAUSE_MS);
        result = reconcile_offers(root, false, &done, &error);
        log_lines(root, LOG_INFO, &done);
        log_lines(root, LOG_INFO, &error.notes);
        if (result < 0 && io_now_ms() >= deadline) {
            tally_add(root, TALLY_SETTLING_FAILED);
            (void)error_prefix(&error, "free VFs are not offered (run 'vfpool reconcile')");
            log_line(root, LOG_WARNING, error.message);
        }
        /* Removed meanwhile: there is nothing to offer, and who removes it waits for this one. */
    } while (result < 0 && io_now_ms() < deadline && hooks_are_put(root));
    if (result == 0)
        tally_add(root, TALLY_SETTLED);
    return result;
}

static void start_guests(int root)
{
    _cleanup_(lines_free) struct lines done = {NULL};
    _cleanup_(error_free) struct error error = {0};
    autostart_deferred(root, false, &done, &error);
    log_lines(root, LOG_INFO, &done);
    log_lines(root, LOG_WARNING, &error.notes);
}

/* One at a time. Who comes while another one is at work has left a wish, and finds it done, or does it. */
static void settle(int root)
{
    int64_t deadline = io_now_ms() + SETTLE_S * 1000;
    _cleanup_(cleanup_close) int lock = openat(root, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    _cleanup_(error_free) struct error problem = {0};
    actor_be("vfpool");
    int result = lock < 0 ? -errno : lock_take(lock, true, deadline);
    if (result < 0) {
        (void)error_set(&problem, -result, "cannot lock /" LOCK_FILE ": %s", strerror(-result));
        log_line(root, LOG_WARNING, problem.message);
    }
    while (result == 0 && unlinkat(root, WISH_FILE, 0) == 0) {
        /* Who waited for the lock has as much time as another. */
        alarm(SETTLE_S);
        result = settle_once(root);
        if (result == 0)
            start_guests(root);
    }
}

void settle_later(int root)
{
    if ((!offer_is_due(root, NULL) && !deferral_any(root)) || !witness_regain(root))
        return;
    _cleanup_(cleanup_close) int wish = openat(root, WISH_FILE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    /* Without it, or without a process, the next one does it. */
    if (wish < 0 || detach(root, SETTLE_S) <= 0)
        return;
    settle(DETACH_FD);
    _exit(0);
}

int settle_stop(int root, int *lock, struct error *error)
{
    *lock = openat(root, LOCK_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    int result = *lock < 0 ? -errno : lock_take(*lock, true, io_now_ms() + SETTLE_S * 1000);
    if (result == -ENOENT)
        return 0;
    if (result < 0)
        return error_set(error, -result, "cannot lock /" LOCK_FILE ": %s",
                         result == -ETIMEDOUT ? "a process has settled for too long" : strerror(-result));
    if (unlinkat(root, WISH_FILE, 0) < 0 && errno != ENOENT)
        return error_set(error, errno, "cannot remove /" WISH_FILE ": %s", strerror(errno));
    return 0;
}
