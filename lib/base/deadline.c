/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deadline.h"

#include <errno.h>
#include <stddef.h>

#define TICK_US 50000

static void interrupt(int number)
{
    (void)number;
}

int deadline_begin(struct deadline *deadline, int64_t now, int64_t end)
{
    /*
     * The first signal comes at the deadline, as each one takes who waits for a lock out of the kernel's queue and puts
     * it behind the others. From then on the timer repeats: a signal that comes just before the call would be lost.
     */
    int64_t left_us = end > now ? (end - now) * 1000 : 1;
    struct sigaction action = {.sa_handler = interrupt};
    struct itimerval tick = {.it_interval.tv_usec = TICK_US,
                             .it_value = {.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000}};
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    deadline->began_ms = now;
    if (sigaction(SIGALRM, &action, &deadline->action) < 0)
        return -errno;
    /* A caller's mask is inherited: were it blocked, there would be no deadline. */
    sigprocmask(SIG_UNBLOCK, &alarm, &deadline->mask);
    if (setitimer(ITIMER_REAL, &tick, &deadline->timer) == 0)
        return 0;
    int result = -errno;
    sigprocmask(SIG_SETMASK, &deadline->mask, NULL);
    sigaction(SIGALRM, &deadline->action, NULL);
    return result;
}

void deadline_end(const struct deadline *deadline, int64_t now)
{
    struct itimerval rest = deadline->timer;
    setitimer(ITIMER_REAL, &(const struct itimerval){0}, NULL);
    sigprocmask(SIG_SETMASK, &deadline->mask, NULL);
    sigaction(SIGALRM, &deadline->action, NULL);
    /* Behind the old action: the caller's own timer, alarm(2)'s say, may be due. */
    if (rest.it_value.tv_sec || rest.it_value.tv_usec) {
        int64_t left_us =
            rest.it_value.tv_sec * INT64_C(1000000) + rest.it_value.tv_usec - (now - deadline->began_ms) * 1000;
        if (left_us < 1)
            left_us = 1;
        rest.it_value = (struct timeval){.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000};
    }
    setitimer(ITIMER_REAL, &rest, NULL);
}
