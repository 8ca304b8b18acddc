/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>

#include "deadline.h"
#include "memory.h"

int64_t io_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int io_wait_readable(int fd, int64_t deadline_ms)
{
    for (;;) {
        int64_t left = deadline_ms - io_now_ms();
        struct pollfd item = {.fd = fd, .events = POLLIN};
        int ready = poll(&item, 1, left > 0 ? (int)left : 0);
        if (ready > 0)
            return 0;
        if (ready == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

/* @deadline: of io_now_ms(); INT64_MAX: none */
static int read_all(int fd, size_t max, int64_t deadline, char **data, size_t *length)
{
    size_t size = 16384, used = 0;
    _cleanup_(cleanup_free) char *buffer = memory_new(size, 1);
    for (;;) {
        if (size - used < 2) {
            size *= 2;
            buffer = memory_resize(buffer, size, 1);
        }
        int ready = deadline == INT64_MAX ? 0 : io_wait_readable(fd, deadline);
        if (ready < 0)
            return ready;
        ssize_t count = read(fd, buffer + used, size - used - 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -errno;
        if (count == 0)
            break;
        used += (size_t)count;
        if (used > max)
            return -EFBIG;
    }
    buffer[used] = '\0';
    *data = steal(buffer);
    *length = used;
    return 0;
}

int io_read(int fd, size_t max, int timeout_ms, char **data, size_t *length)
{
    if (timeout_ms == IO_NO_DEADLINE)
        return read_all(fd, max, INT64_MAX, data, length);
    /* Somebody else who has the descriptor may read what poll(2) saw: read(2) waits then. */
    struct deadline timer;
    int64_t now = io_now_ms(), end = now + timeout_ms;
    int result = deadline_begin(&timer, now, end);
    if (result < 0)
        return result;
    result = read_all(fd, max, end, data, length);
    deadline_end(&timer, io_now_ms());
    return result;
}

int io_read_file(int directory, const char *path, size_t max, char **data, size_t *length)
{
    _cleanup_(cleanup_close) int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    return io_read(fd, max, IO_NO_DEADLINE, data, length);
}

int io_write(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t count = write(fd, data, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -errno;
        if (count == 0)
            return -EIO;
        data += count;
        length -= (size_t)count;
    }
    return 0;
}

static int write_new_file(int directory, const char *path, const char *data, size_t length, mode_t mode)
{
    int fd = openat(directory, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return -errno;
    int result = io_write(fd, data, length);
    if (result == 0 && fsync(fd) < 0)
        result = -errno;
    if (close(fd) < 0 && result == 0)
        result = -errno;
    return result;
}

int io_replace_file(int directory, const char *temporary, const char *path, const char *data, size_t length,
                    mode_t mode)
{
    if (unlinkat(directory, temporary, 0) < 0 && errno != ENOENT)
        return -errno;
    int result = write_new_file(directory, temporary, data, length, mode);
    if (result == 0 && renameat(directory, temporary, directory, path) < 0)
        result = -errno;
    if (result < 0) {
        unlinkat(directory, temporary, 0);
        return result;
    }
    /* Past the rename the file is in place: a directory that cannot be synced changes nothing about that. */
    fsync(directory);
    return 0;
}

int io_open_directory(int parent, const char *path, bool make)
{
    if (make && mkdirat(parent, path, 0700) < 0 && errno != EEXIST)
        return -errno;
    int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ELOOP ? -ENOTDIR : -errno;
    struct stat status;
    int result = 0;
    if (fstat(fd, &status) < 0)
        result = -errno;
    else if (status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)))
        result = -EPERM;
    if (result == 0)
        return fd;
    close(fd);
    return result;
}

bool io_may_be(int parent, const char *path)
{
    return faccessat(parent, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool io_stamp(int parent, const char *path, char stamp[IO_STAMP_SIZE])
{
    struct stat status;
    stamp[0] = '\0';
    if (fstatat(parent, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    snprintf(stamp, IO_STAMP_SIZE, "%ju.%jd.%ld", (uintmax_t)status.st_ino, (intmax_t)status.st_mtim.tv_sec,
             status.st_mtim.tv_nsec);
    return true;
}

/* It takes no directory to begin from. */
int io_watch(int watch, int parent, const char *path, uint32_t events)
{
    char name[sizeof "/proc/self/fd/" + 11];
    _cleanup_(cleanup_close) int file = openat(parent, path, O_PATH | O_CLOEXEC);
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    return file < 0 || inotify_add_watch(watch, name, events) < 0 ? -errno : 0;
}

DIR *io_list(int parent, const char *path)
{
    int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (directory || fd < 0)
        return directory;
    if (errno == ENOMEM)
        memory_end();
    int failure = errno;
    close(fd);
    errno = failure;
    return NULL;
}

struct dirent *io_next_entry(DIR *directory, int *result)
{
    errno = 0;
    struct dirent *entry = readdir(directory);
    if (!entry && errno != 0)
        *result = -errno;
    return entry;
}
