/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "offer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "lock.h"
#include "memory.h"
#include "witness.h"

#define PATH_SIZE (sizeof OFFER_DIRECTORY + NAME_MAX + 2)
#define MAX_OFFER_BYTES ((size_t)4 * 1024 * 1024)
#define NARROWED "narrowed"
#define LOCK_FILE ".lock"
#define LOCK_MS 2000 /* who has it writes one file */

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

/* Each change is made with the lock, as who makes an offer looks at the file first. */
static int replace(int root, const char *network, const char *stamp, const char *text, struct error *error)
{
    char temporary[32], now[IO_STAMP_SIZE];
    _cleanup_(cleanup_close) int directory = ledger_directory(root, "offers");
    _cleanup_(cleanup_close) int lock = -1;
    snprintf(temporary, sizeof temporary, ".%ld", (long)getpid());
    int result = directory < 0 ? directory : strchr(network, '/') ? -EINVAL : 0;
    if (result == 0)
        lock = openat(directory, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (result == 0)
        result = lock < 0 ? -errno : lock_take(lock, true, io_now_ms() + LOCK_MS);
    if (result == 0 && stamp && (!io_stamp(directory, network, now) || strcmp(stamp, now) != 0))
        return 1;
    if (result == 0)
        result = io_replace_file(directory, temporary, network, text, strlen(text), 0600);
    return result < 0
               ? error_set(error, -result, "cannot write /" OFFER_DIRECTORY "/%.64s: %s", network, strerror(-result))
               : 0;
}

/* An empty file: no mark is like it. Where there is no room for a new one, the old one is cut: who reads it just then
 * may see a part of it, and so does too much, or finds it empty. */
static int want(int root, const char *network, struct error *error)
{
    char path[PATH_SIZE];
    _cleanup_(error_free) struct error full = {0};
    int result = replace(root, network, NULL, "", &full);
    if (result == 0)
        return 0;
    _cleanup_(cleanup_close) int file = -1;
    if (result == -ENOSPC && offer_path(network, path) == 0)
        file = openat(root, path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW);
    return file < 0 ? error_set(error, full.code, "%s", full.message) : 0;
}

int offer_begin(int root, const char *network, char stamp[IO_STAMP_SIZE], struct error *error)
{
    char path[PATH_SIZE];
    int result = want(root, network, error);
    if (result < 0)
        return result;
    /* Who withdraws it right now has not changed what is going to be looked at. */
    if (offer_path(network, path) < 0 || !io_stamp(root, path, stamp))
        return error_set(error, ENOENT, "cannot read /" OFFER_DIRECTORY "/%.64s: it is gone", network);
    return 0;
}

int offer_make(int root, const char *network, const struct offer *offer, struct error *error)
{
    _cleanup_(cleanup_free) char *text =
        memory_new(strlen(offer->mark) + sizeof NARROWED + offer->count * PCIADDR_SIZE + 2, 1);
    size_t used = (size_t)sprintf(text, "%s\n%s", offer->mark, offer->narrowed ? NARROWED "\n" : "");
    for (size_t i = 0; i < offer->count; i++) {
        char address[PCIADDR_SIZE];
        used += (size_t)sprintf(text + used, "%s\n", pciaddr_format(&offer->blocked[i], address));
    }
    return replace(root, network, offer->stamp, text, error);
}

int offer_withdraw(int root, const char *network, struct error *error)
{
    char path[PATH_SIZE];
    bool there = offer_path(network, path) == 0 && io_may_be(root, path);
    return there ? want(root, network, error) : 0;
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
