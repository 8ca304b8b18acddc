/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* deadline - calls that wait in the kernel, and know of no time at which to end */
#ifndef VFPOOL_DEADLINE_H
#define VFPOOL_DEADLINE_H

#include <signal.h>
#include <stdint.h>
#include <sys/time.h>

#include "cleanup.h"

/* What there was before, of the caller's own. */
struct deadline {
    struct sigaction action;
    struct itimerval timer;
    sigset_t mask;
    int64_t began_ms;
};

/**
 * deadline_begin() - from a time on, a call that waits ends with EINTR, and so does each later one
 * @now, @end: of io_now_ms()
 *
 * By a timer (ITIMER_REAL, SIGALRM), which is the process's one. After success the caller ends it with deadline_end().
 *
 * Return: 0 or a negative errno value.
 */
int deadline_begin(struct deadline *deadline, int64_t now, int64_t end) must_check nonnull(1);

/** deadline_end() - timer, action and mask are what they were; of the caller's own timer the time in between is gone */
void deadline_end(const struct deadline *deadline, int64_t now) nonnull(1);

#endif
