/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is looked up without the lock: whether it is worth taking, and who waits for libvirt. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "io.h"
#include "ledger-file.h"
#include "lock.h"

#define GUESTS LEDGER_DIRECTORY "/guests"
#define FILE_PATH_SIZE (sizeof GUESTS + GUEST_NAME_SIZE + 1)

static const char *file_of(const char *uuid, const char *suffix, char path[FILE_PATH_SIZE])
{
    snprintf(path, FILE_PATH_SIZE, GUESTS "/%.36s.%.3s", uuid, suffix);
    return path;
}

/* Each change of a claim is a new file. */
void ledger_stamp(int root, const char *uuid, char stamp[IO_STAMP_SIZE])
{
    char path[FILE_PATH_SIZE];
    io_stamp(root, file_of(uuid, "xml", path), stamp);
}

int ledger_directory(int root, const char *name)
{
    if (mkdirat(root, "run", 0755) < 0 && errno != EEXIST)
        return -errno;
    _cleanup_(cleanup_close) int ledger = io_open_directory(root, LEDGER_DIRECTORY, true);
    return ledger < 0 ? ledger : io_open_directory(ledger, name, true);
}

bool ledger_has_file(int root, const char *uuid)
{
    char path[FILE_PATH_SIZE];
    return io_may_be(root, file_of(uuid, "xml", path)) || io_may_be(root, file_of(uuid, "bad", path));
}

bool ledger_has_link(int root, const struct pciaddr *address)
{
    char path[sizeof LEDGER_DIRECTORY "/vfs/" + PCIADDR_SIZE], text[PCIADDR_SIZE];
    snprintf(path, sizeof path, LEDGER_DIRECTORY "/vfs/%s", pciaddr_format(address, text));
    return io_may_be(root, path);
}

bool ledger_is_interrupted(int root)
{
    _cleanup_(cleanup_close) int lock = openat(root, LEDGER_DIRECTORY "/" LOCK, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    /* Not by the PID, which may be another process's by now: who writes has the lock. */
    return lock >= 0 && lock_pid(lock) != 0 && flock(lock, LOCK_SH | LOCK_NB) == 0;
}

/* Return: whether there are any. */
static bool add_awaited(const struct claim *claim, const char *pool, struct pciaddr_set *set)
{
    bool any = false;
    for (size_t i = 0; claim->state == CLAIM_CLAIMED && i < claim->vf_count; i++) {
        const struct claim_vf *vf = &claim->vfs[i];
        if (vf->given || vf->by_address || vf->stuck || strcmp(vf->pool, pool) != 0)
            continue;
        any = true;
        if (set)
            pciaddr_set_add(set, &vf->address);
    }
    return any;
}

/* A claim of which the file has these words, as most are not worth being understood. Return: NULL, also of a file that
 * cannot be. */
static struct claim *read_with(int root, const char *uuid, const char *words)
{
    char path[FILE_PATH_SIZE];
    _cleanup_(cleanup_free) char *data = NULL;
    _cleanup_(error_free) struct error ignored = {0};
    struct claim *claim = NULL;
    size_t length = 0;
    if (io_read_file(root, file_of(uuid, "xml", path), MAX_GUEST_BYTES, &data, &length) < 0 || !strstr(data, words) ||
        claim_parse(data, length, uuid, path, &claim, &ignored) < 0)
        return NULL;
    return claim;
}

/* One that libvirt is to give VFs for. */
static struct claim *read_awaiting(int root, const char *uuid)
{
    return read_with(root, uuid, claim_state_name(CLAIM_CLAIMED));
}

bool ledger_awaits(int root, const char *uuid, const char *pool)
{
    _cleanup_(cleanup_claim) struct claim *claim = read_awaiting(root, uuid);
    return claim && add_awaited(claim, pool, NULL);
}

/* The next guest that has a file, in @uuid. Return: whether there is one; see io_next_entry(). */
static bool next_guest(DIR *directory, char uuid[UUID_SIZE], int *result)
{
    for (struct dirent *entry; (entry = io_next_entry(directory, result));) {
        if (strlen(entry->d_name) != GUEST_NAME_SIZE - 1 || strcmp(entry->d_name + UUID_SIZE - 1, ".xml") != 0)
            continue;
        snprintf(uuid, UUID_SIZE, "%.36s", entry->d_name);
        return true;
    }
    return false;
}

int ledger_awaited(int root, const char *pool, const char *except, int64_t age_ms, struct pciaddr_set *set)
{
    char uuid[UUID_SIZE];
    int result = 0;
    *set = (struct pciaddr_set){0};
    _cleanup_(cleanup_dir) DIR *directory = io_list(root, GUESTS);
    if (!directory)
        return errno == ENOENT ? 0 : -errno;
    while (next_guest(directory, uuid, &result)) {
        _cleanup_(cleanup_claim) struct claim *claim = strcmp(uuid, except) == 0 ? NULL : read_awaiting(root, uuid);
        /* The clock of the host may be set meanwhile; a file's times are its. */
        if (claim && io_now_ms() - claim->clock < age_ms)
            add_awaited(claim, pool, set);
    }
    return result;
}

/* What is quarantined no guest has any more. */
static bool is_on_pool(const struct claim *claim, const char *pool)
{
    for (size_t i = 0; claim && i < claim->vf_count; i++)
        if (!claim->vfs[i].stuck && strcmp(claim->vfs[i].pool, pool) == 0)
            return true;
    return false;
}

bool ledger_has_pool(int root, const char *pool)
{
    char uuid[UUID_SIZE];
    int result = 0;
    bool found = false;
    _cleanup_(cleanup_dir) DIR *directory = io_list(root, GUESTS);
    while (directory && !found && next_guest(directory, uuid, &result)) {
        _cleanup_(cleanup_claim) struct claim *claim = read_with(root, uuid, "");
        found = is_on_pool(claim, pool);
    }
    return found;
}
