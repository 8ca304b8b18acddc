/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "returns.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "io.h"
#include "ledger.h"
#include "memory.h"

#define NEW_FILE "returned.new"

struct returns_vf {
    uint64_t key; /* of the address */
    uint32_t number;
};

void returns_free(struct returns *returns)
{
    free(steal(returns->vfs));
    returns->count = 0;
}

static int by_key(const void *a, const void *b)
{
    const struct returns_vf *first = a, *second = b;
    if (first->key != second->key)
        return first->key < second->key ? -1 : 1;
    return (first->number > second->number) - (first->number < second->number);
}

static int by_number(const void *a, const void *b)
{
    const struct returns_vf *first = a, *second = b;
    return (first->number > second->number) - (first->number < second->number);
}

/* A line that is no address was cut off by a full disk. */
static void parse(char *text, size_t length, struct returns *returns)
{
    char *rest = NULL;
    uint32_t number = 0;
    struct pciaddr address;
    size_t kept = 0;
    returns->vfs = memory_new(length / (PCIADDR_SIZE - 4) + 1, sizeof *returns->vfs);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (pciaddr_parse(line, &address) == 0)
            returns->vfs[returns->count++] = (struct returns_vf){.key = pciaddr_key(&address), .number = ++number};
    if (returns->count == 0)
        return;
    qsort(returns->vfs, returns->count, sizeof *returns->vfs, by_key);
    for (size_t i = 0; i < returns->count; i++)
        if (i + 1 == returns->count || returns->vfs[i].key != returns->vfs[i + 1].key)
            returns->vfs[kept++] = returns->vfs[i];
    returns->count = kept;
}

static void read_file(int directory, const char *path, struct returns *returns)
{
    _cleanup_(cleanup_free) char *text = NULL;
    size_t length = 0;
    *returns = (struct returns){0};
    if (io_read_file(directory, path, RETURNS_MAX + PCIADDR_SIZE, &text, &length) == 0)
        parse(text, length, returns);
}

void returns_read(int root, struct returns *returns)
{
    read_file(root, LEDGER_DIRECTORY "/" RETURNS_FILE, returns);
}

/* A file that cannot be made shorter goes. */
static void shorten(int directory)
{
    struct returns returns;
    char line[PCIADDR_SIZE];
    read_file(directory, RETURNS_FILE, &returns);
    _cleanup_(cleanup_free) char *text = memory_new(returns.count + 1, PCIADDR_SIZE + 1);
    size_t used = 0, first = returns.count > RETURNS_MAX / 2 / PCIADDR_SIZE ? returns.count / 2 : 0;
    if (returns.count > 0)
        qsort(returns.vfs, returns.count, sizeof *returns.vfs, by_number);
    for (size_t i = first; i < returns.count; i++) {
        struct pciaddr address = pciaddr_from_key(returns.vfs[i].key);
        used += (size_t)sprintf(text + used, "%s\n", pciaddr_format(&address, line));
    }
    if (io_replace_file(directory, NEW_FILE, RETURNS_FILE, text, used) < 0)
        unlinkat(directory, RETURNS_FILE, 0);
    returns_free(&returns);
}

void returns_add(int directory, const struct pciaddr *address)
{
    char text[PCIADDR_SIZE], line[PCIADDR_SIZE + 1];
    struct stat status;
    int length = snprintf(line, sizeof line, "%s\n", pciaddr_format(address, text));
    _cleanup_(cleanup_close) int fd =
        openat(directory, RETURNS_FILE, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || io_write(fd, line, (size_t)length) < 0 || fstat(fd, &status) < 0)
        return;
    if ((size_t)status.st_size > RETURNS_MAX - PCIADDR_SIZE)
        shorten(directory);
}

uint32_t returns_find(const struct returns *returns, const struct pciaddr *address)
{
    uint64_t key = pciaddr_key(address);
    size_t low = 0, high = returns->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (returns->vfs[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < returns->count && returns->vfs[low].key == key ? returns->vfs[low].number : 0;
}
