/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "io.h"
#include "memory.h"
#include "trust.h"

struct line {
    const char *text;
    size_t length, key, number;
};

int journal_directory(int root)
{
    if (faccessat(root, "var/lib", F_OK, 0) < 0 &&
        ((mkdirat(root, "var", 0755) < 0 && errno != EEXIST) || mkdirat(root, "var/lib", 0755) < 0))
        return -1;
    _cleanup_(error_free) struct error ignored = {0};
    int directory = trust_way(root, "var/lib", &ignored) < 0 ? -1 : io_open_directory(root, JOURNAL_DIRECTORY, true);
    return directory < 0 ? -1 : directory;
}

static void with_suffix(const char *name, const char *suffix, char path[NAME_MAX])
{
    snprintf(path, NAME_MAX, "%s%s", name, suffix);
}

/* Return: a descriptor, or -1 when what is there is no file, or nothing can be there. */
static int open_file(int directory, const char *name, struct stat *status)
{
    int fd =
        openat(directory, name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd < 0 || (fstat(fd, status) == 0 && S_ISREG(status->st_mode)))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

/* Whether opening or reading fails so because what is there is no regular file. */
static bool is_no_file(int failure)
{
    return failure == ELOOP || failure == EISDIR || failure == ENXIO || failure == EINVAL;
}

bool journal_add(int directory, const char *name, const char *line)
{
    struct stat status;
    size_t length = strlen(line);
    char bad[NAME_MAX];
    int opened = open_file(directory, name, &status);
    if (opened < 0 && is_no_file(errno)) {
        with_suffix(name, ".bad", bad);
        opened = renameat(directory, name, directory, bad) == 0 ? open_file(directory, name, &status) : -1;
    }
    _cleanup_(cleanup_close) int fd = opened;
    if (fd < 0)
        return false;
    /* Half a line would be taken for something else with the next one behind it. */
    char end = '\n';
    bool half = status.st_size > 0 && pread(fd, &end, 1, status.st_size - 1) == 1 && end != '\n';
    if (((half && io_write(fd, "\n", 1) < 0) || io_write(fd, line, length) < 0) && ftruncate(fd, status.st_size) < 0)
        return true;
    return (size_t)status.st_size + 2 * length > JOURNAL_MAX;
}

int journal_read(int directory, const char *path, char **text)
{
    size_t length = 0;
    *text = NULL;
    int result = io_read_file(directory, path, 2 * JOURNAL_MAX, text, &length);
    if (result == 0)
        return 0;
    *text = NULL;
    return result == -ENOENT || result == -ENOTDIR || is_no_file(-result) ? 0 : result;
}

static int compare_keys(const struct line *a, const struct line *b)
{
    return memcmp(a->text, b->text, a->key);
}

static int by_key(const void *a, const void *b)
{
    const struct line *first = a, *second = b;
    int order = compare_keys(first, second);
    return order ? order : (first->number > second->number) - (first->number < second->number);
}

static int by_number(const void *a, const void *b)
{
    const struct line *first = a, *second = b;
    return (first->number > second->number) - (first->number < second->number);
}

/* Return: how many lines are long enough. */
static size_t split(char *text, size_t key, struct line *lines)
{
    char *rest = NULL;
    size_t count = 0;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (strlen(line) >= key) {
            lines[count] = (struct line){.text = line, .length = strlen(line), .key = key, .number = count};
            count++;
        }
    return count;
}

/* A file that cannot be made shorter goes. */
void journal_shorten(int directory, const char *name, size_t key)
{
    _cleanup_(cleanup_free) char *text = NULL;
    char new[NAME_MAX];
    size_t kept = 0, bytes = 0, used = 0;
    (void)journal_read(directory, name, &text);
    if (!text) {
        unlinkat(directory, name, 0);
        return;
    }
    _cleanup_(cleanup_free) char *shorter = memory_new(strlen(text) + 2, 1);
    _cleanup_(cleanup_free) struct line *lines = memory_new(strlen(text) / (key + 1) + 1, sizeof *lines);
    size_t count = split(text, key, lines);
    if (count > 0)
        qsort(lines, count, sizeof *lines, by_key);
    for (size_t i = 0; i < count; i++)
        if (i + 1 == count || compare_keys(&lines[i], &lines[i + 1]) != 0) {
            lines[kept++] = lines[i];
            bytes += lines[i].length + 1;
        }
    if (kept > 0)
        qsort(lines, kept, sizeof *lines, by_number);
    for (size_t i = bytes > JOURNAL_MAX / 2 ? kept / 2 : 0; i < kept; i++) {
        memcpy(shorter + used, lines[i].text, lines[i].length);
        used += lines[i].length;
        shorter[used++] = '\n';
    }
    with_suffix(name, ".new", new);
    if (io_replace_file(directory, new, name, shorter, used, 0600) < 0)
        unlinkat(directory, name, 0);
}

void journal_turn(int directory, const char *name)
{
    char old[NAME_MAX];
    with_suffix(name, ".1", old);
    if (renameat(directory, name, directory, old) < 0)
        unlinkat(directory, name, 0);
}
