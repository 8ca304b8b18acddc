/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/time.h>

#include "io.h"

#define TICK_US 50000
#define MARK_SIZE 24

static void interrupt(int number)
{
    (void)number;
}

/* What is left of the caller's own timer, alarm(2)'s say: the time that was waited counts. */
static void set_rest(struct itimerval *timer, int64_t waited_ms)
{
    int64_t left_us = timer->it_value.tv_sec * INT64_C(1000000) + timer->it_value.tv_usec - waited_ms * 1000;
    if (timer->it_value.tv_sec || timer->it_value.tv_usec) {
        if (left_us < 1)
            left_us = 1;
        timer->it_value = (struct timeval){.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000};
    }
    setitimer(ITIMER_REAL, timer, NULL);
}

int lock_take(int fd, bool exclusive, int64_t deadline)
{
    int operation = exclusive ? LOCK_EX : LOCK_SH;
    if (flock(fd, operation | LOCK_NB) == 0)
        return 0;
    /*
     * The first signal comes at the deadline, as each one takes a waiter out of the kernel's queue and puts it behind
     * the others. From then on the timer repeats: a signal that comes just before the call would be lost.
     */
    int64_t began_ms = io_now_ms(), left_us = (deadline - began_ms) * 1000;
    if (left_us < 1)
        left_us = 1;
    struct sigaction action = {.sa_handler = interrupt}, old_action;
    struct itimerval tick = {.it_interval.tv_usec = TICK_US,
                             .it_value = {.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000}},
                     old_tick;
    sigset_t alarm, old_mask;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    if (sigaction(SIGALRM, &action, &old_action) < 0)
        return -errno;
    /* A caller's mask is inherited: were it blocked, there would be no deadline. */
    sigprocmask(SIG_UNBLOCK, &alarm, &old_mask);
    int result = setitimer(ITIMER_REAL, &tick, &old_tick) < 0 ? -errno : 0;
    while (result == 0 && flock(fd, operation) < 0) {
        if (errno != EINTR)
            result = -errno;
        else if (io_now_ms() >= deadline)
            result = -ETIMEDOUT;
    }
    setitimer(ITIMER_REAL, &(const struct itimerval){0}, NULL);
    sigprocmask(SIG_SETMASK, &old_mask, NULL);
    sigaction(SIGALRM, &old_action, NULL);
    /* Behind the old action: it may be due. */
    set_rest(&old_tick, io_now_ms() - began_ms);
    return result;
}

pid_t lock_pid(int fd)
{
    char text[32];
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    if (length <= 0)
        return 0;
    text[length] = '\0';
    return (pid_t)strtol(text, NULL, 10);
}

int lock_mark(int fd, pid_t pid)
{
    char text[MARK_SIZE + 1] = "";
    if (pid)
        snprintf(text, sizeof text, "%ld", (long)pid);
    memset(text + strlen(text), ' ', MARK_SIZE - strlen(text));
    text[MARK_SIZE - 1] = '\n';
    /* One write over what is there: of a mark there is all or nothing, and a full file system has room for it. */
    ssize_t written = pwrite(fd, text, MARK_SIZE, 0);
    return written == MARK_SIZE ? 0 : written < 0 ? -errno : -EIO;
}
