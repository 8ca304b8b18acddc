/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "io.h"

static bool is_ours(const struct stat *status)
{
    return (status->st_uid == 0 || status->st_uid == geteuid()) && !(status->st_mode & (S_IWGRP | S_IWOTH));
}

int trust_way(int root, const char *path, struct error *error)
{
    char part[PATH_MAX] = "";
    size_t length = 0;
    do {
        bool last = path[length] == '\0';
        struct stat status;
        int flags = (length ? 0 : AT_EMPTY_PATH) | (last ? AT_SYMLINK_NOFOLLOW : 0);
        snprintf(part, sizeof part, "%.*s", (int)length, path);
        if (fstatat(root, part, &status, flags) == 0 && !S_ISLNK(status.st_mode) && !is_ours(&status))
            return error_set(
                error, EPERM,
                "/%s belongs to another user, or others may write to it: chown root:root /%s; chmod go-w /%s", part,
                part, part);
        if (last)
            break;
        length += path[length] == '/';
        length += strcspn(path + length, "/");
    } while (true);
    return 0;
}

int trust_read_file(int directory, const char *path, size_t max, char **data, size_t *length)
{
    _cleanup_(cleanup_close) int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    return is_ours(&status) ? io_read(fd, max, IO_NO_DEADLINE, data, length) : -EPERM;
}

const char *trust_words(int result)
{
    return result == -ELOOP   ? "it is a symbolic link, which is not followed"
           : result == -EPERM ? "it belongs to another user, or others may write to it: chown root:root, chmod go-w"
           : result == -EFBIG ? "it is too large"
                              : strerror(-result);
}
