/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "deadline.h"
#include "io.h"

#define MARK_SIZE 24

int lock_take(int fd, bool exclusive, int64_t deadline)
{
    int operation = exclusive ? LOCK_EX : LOCK_SH;
    if (flock(fd, operation | LOCK_NB) == 0)
        return 0;
    struct deadline timer;
    int result = deadline_begin(&timer, io_now_ms(), deadline);
    if (result < 0)
        return result;
    while (result == 0 && flock(fd, operation) < 0) {
        if (errno != EINTR)
            result = -errno;
        else if (io_now_ms() >= deadline)
            result = -ETIMEDOUT;
    }
    deadline_end(&timer, io_now_ms());
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
