/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* io - whole files, deadlines, and replacement of a file by one rename */
#ifndef VFPOOL_IO_H
#define VFPOOL_IO_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cleanup.h"

#define IO_NO_DEADLINE (-1)

/** io_now_ms() - milliseconds of the monotonic clock */
int64_t io_now_ms(void);

/** io_wait_readable() - wait until a descriptor can be read, or io_now_ms() is past @deadline_ms. Return: 0,
 * -ETIMEDOUT, or what poll(2) says. */
int io_wait_readable(int fd, int64_t deadline_ms) must_check;

/**
 * io_read() - read a descriptor to its end
 * @max:        the most bytes taken; one more is -EFBIG
 * @timeout_ms: from now to the end of the data, or IO_NO_DEADLINE
 * @data:       the caller frees it; a NUL follows the @length bytes
 *
 * Return: 0, -EFBIG, -ETIMEDOUT, or what read(2) and poll(2) say.
 */
int io_read(int fd, size_t max, int timeout_ms, char **data, size_t *length) must_check nonnull(4, 5);

/** io_read_file() - the same for a file; a symbolic link is not followed (-ELOOP) */
int io_read_file(int directory, const char *path, size_t max, char **data, size_t *length) must_check nonnull(2, 4, 5);

/** io_write() - write all of it, however often the kernel takes only a part. Return: 0 or a negative errno value. */
int io_write(int fd, const char *data, size_t length) must_check nonnull(2);

/**
 * io_replace_file() - put a whole file in place by one rename
 * @temporary: a name in the same file system; an old one of that name (left by a crash) is removed first
 * @mode:      as open(2) takes it
 *
 * Whoever reads @path sees the old content or the new, never a part. On failure @path is what it was.
 *
 * Return: 0 or a negative errno value.
 */
int io_replace_file(int directory, const char *temporary, const char *path, const char *data, size_t length,
                    mode_t mode) must_check nonnull(2, 3, 4);

/**
 * io_open_directory() - open a directory that only its owner writes to
 * @make: create it (0700) when it is missing
 *
 * Return: a descriptor, or -ENOTDIR for a link or a file, -EPERM when it is not this user's or others may write to it,
 * or what mkdirat(2) and openat(2) say.
 */
int io_open_directory(int parent, const char *path, bool make) must_check nonnull(2);

static inline void cleanup_dir(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

/**
 * io_may_be() - whether there is something at a path, a link itself; an error while looking is no "no"
 *
 * Return: false only where there is nothing.
 */
bool io_may_be(int parent, const char *path) must_check nonnull(2);

#define IO_STAMP_SIZE 64

/**
 * io_stamp() - what tells a file from each other one that has its name before or after it, where each comes to it by
 * io_replace_file()
 *
 * Return: false where there is none, or it cannot be seen: @stamp is empty.
 */
bool io_stamp(int parent, const char *path, char stamp[IO_STAMP_SIZE]) nonnull(2, 3);

/**
 * io_watch() - have inotify(7) tell of a directory, or a file, below another
 * @watch:  of inotify_init1()
 * @events: as inotify_add_watch(2) takes them
 *
 * Return: 0 or a negative errno value.
 */
int io_watch(int watch, int parent, const char *path, uint32_t events) nonnull(3);

/**
 * io_list() - open a directory to read its entries; a symbolic link is not followed
 *
 * Return: what the caller closes with closedir(), or NULL with errno set.
 */
DIR *io_list(int parent, const char *path) must_check nonnull(2);

/**
 * io_next_entry() - the next entry of a directory
 * @result: becomes readdir's errno value, negative, when reading fails: that is not the directory's end
 *
 * Return: the entry, as readdir(3)'s; NULL at the end and after a failure.
 */
struct dirent *io_next_entry(DIR *directory, int *result) must_check nonnull(1, 2);

#endif
