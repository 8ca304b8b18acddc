/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "offer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "io.h"
#include "memory.h"
#include "witness.h"

#define PATH_SIZE (sizeof OFFER_DIRECTORY + NAME_MAX + 2)
#define MAX_OFFER_BYTES ((size_t)4 * 1024 * 1024)
#define NARROWED "narrowed"

static int offer_path(const char *network, char path[PATH_SIZE])
{
    int length = snprintf(path, PATH_SIZE, OFFER_DIRECTORY "/%s", network);
    return length < 0 || (size_t)length >= PATH_SIZE || strchr(network, '/') ? -EINVAL : 0;
}

/* @narrowed: whether it is due, though it holds */
static bool read_offer(int root, const char *network, struct pciaddr_set *blocked, bool *narrowed)
{
    char path[PATH_SIZE], mark[WITNESS_MARK_SIZE];
    _cleanup_(cleanup_free) char *text = NULL;
    size_t length = 0;
    *blocked = (struct pciaddr_set){0};
    *narrowed = false;
    if (offer_path(network, path) < 0 || io_read_file(root, path, MAX_OFFER_BYTES, &text, &length) < 0)
        return false;
    char *rest = NULL, *line = strtok_r(text, "\n", &rest);
    if (!line || !witness_mark(root, mark) || strcmp(line, mark) != 0)
        return false;
    while ((line = strtok_r(NULL, "\n", &rest))) {
        struct pciaddr address;
        if (strcmp(line, NARROWED) == 0)
            *narrowed = true;
        else if (pciaddr_parse(line, &address) == 0)
            pciaddr_set_add(blocked, &address);
        else
            return false;
    }
    return true;
}

bool offer_read(int root, const char *network, struct pciaddr_set *blocked)
{
    bool narrowed;
    return read_offer(root, network, blocked, &narrowed);
}

/* A narrowed one is not while guests wait for what was opened for them: the last of them finds it due. */
static bool is_due(int root, const char *network)
{
    _cleanup_(pciaddr_set_free) struct pciaddr_set blocked = {0}, awaited = {0};
    bool narrowed;
    if (!read_offer(root, network, &blocked, &narrowed))
        return true;
    return narrowed && (ledger_awaited(root, network, "", OFFER_AWAIT_MS, &awaited) < 0 || awaited.count == 0);
}

bool offer_is_due(int root, const char *network)
{
    int result = 0;
    if (network)
        return is_due(root, network);
    _cleanup_(cleanup_dir) DIR *directory = io_list(root, OFFER_DIRECTORY);
    for (struct dirent *entry; directory && (entry = io_next_entry(directory, &result));)
        if (entry->d_name[0] != '.' && is_due(root, entry->d_name))
            return true;
    return false;
}

static int replace(int root, const char *network, const char *text, struct error *error)
{
    char temporary[32];
    _cleanup_(cleanup_close) int directory = ledger_directory(root, "offers");
    snprintf(temporary, sizeof temporary, ".%ld", (long)getpid());
    int result = directory < 0          ? directory
                 : strchr(network, '/') ? -EINVAL
                                        : io_replace_file(directory, temporary, network, text, strlen(text));
    return result < 0
               ? error_set(error, -result, "cannot write /" OFFER_DIRECTORY "/%.64s: %s", network, strerror(-result))
               : 0;
}

int offer_make(int root, const char *network, const char *mark, const struct pciaddr *blocked, size_t count,
               bool narrowed, struct error *error)
{
    _cleanup_(cleanup_free) char *text = memory_new(strlen(mark) + sizeof NARROWED + count * PCIADDR_SIZE + 2, 1);
    size_t used = (size_t)sprintf(text, "%s\n%s", mark, narrowed ? NARROWED "\n" : "");
    for (size_t i = 0; i < count; i++) {
        char address[PCIADDR_SIZE];
        used += (size_t)sprintf(text + used, "%s\n", pciaddr_format(&blocked[i], address));
    }
    return replace(root, network, text, error);
}

/* An empty file: no mark is like it. Where there is no room for a new one, the old one is cut: who reads it just then
 * may see a part of it, and so does too much, or finds it empty. */
int offer_want(int root, const char *network, struct error *error)
{
    char path[PATH_SIZE];
    _cleanup_(error_free) struct error full = {0};
    int result = replace(root, network, "", &full);
    if (result == 0)
        return 0;
    _cleanup_(cleanup_close) int file = -1;
    if (result == -ENOSPC && offer_path(network, path) == 0)
        file = openat(root, path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW);
    return file < 0 ? error_set(error, full.code, "%s", full.message) : 0;
}

int offer_withdraw(int root, const char *network, struct error *error)
{
    char path[PATH_SIZE];
    bool there = offer_path(network, path) == 0 && io_may_be(root, path);
    return there ? offer_want(root, network, error) : 0;
}

int offer_withdraw_all(int root, struct error *error)
{
    int result = 0;
    _cleanup_(cleanup_dir) DIR *directory = io_list(root, OFFER_DIRECTORY);
    for (struct dirent *entry; directory && result == 0 && (entry = io_next_entry(directory, &result));)
        if (entry->d_name[0] != '.')
            result = offer_withdraw(root, entry->d_name, error);
    return result;
}

void offer_end(int root, const char *network)
{
    char path[PATH_SIZE];
    if (offer_path(network, path) == 0)
        unlinkat(root, path, 0);
}
