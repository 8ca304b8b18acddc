/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deferral.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "ledger.h"
#include "lock.h"
#include "memory.h"

#define DIRECTORY LEDGER_DIRECTORY "/deferred"
#define MAX_NAME_BYTES 65536 /* libvirt's messages have room for no longer one */

int deferral_add(int root, const char *uuid, const char *name)
{
    char temporary[32];
    _cleanup_(cleanup_close) int directory = ledger_directory(root, "deferred");
    snprintf(temporary, sizeof temporary, ".%ld", (long)getpid());
    return directory < 0 ? directory : io_replace_file(directory, temporary, uuid, name, strlen(name), 0600);
}

void deferral_drop(int root, const char *uuid)
{
    char path[sizeof DIRECTORY + UUID_SIZE];
    snprintf(path, sizeof path, DIRECTORY "/%.36s", uuid);
    /* Of most guests there is none, and they change nothing. */
    if (io_may_be(root, path))
        (void)unlinkat(root, path, 0);
}

/* What a killed writer left, and whatever else is there, is no guest. Return: whether there is another one. */
static bool next(DIR *directory, char uuid[UUID_SIZE], int *result)
{
    for (struct dirent *entry; (entry = io_next_entry(directory, result));)
        if (domain_parse_uuid(entry->d_name, uuid) == 0 && strcmp(entry->d_name, uuid) == 0)
            return true;
    return false;
}

bool deferral_any(int root)
{
    char uuid[UUID_SIZE];
    int result = 0;
    _cleanup_(cleanup_dir) DIR *directory = io_list(root, DIRECTORY);
    return directory && next(directory, uuid, &result);
}

static void add(int directory, const char *uuid, struct deferral **deferrals, size_t *count)
{
    struct deferral deferral = {.name = NULL};
    size_t length = 0;
    snprintf(deferral.uuid, sizeof deferral.uuid, "%s", uuid);
    int result = io_read_file(directory, uuid, MAX_NAME_BYTES, &deferral.name, &length);
    /* Prepared meanwhile. */
    if (result == -ENOENT)
        return;
    if (result < 0 || length == 0) {
        free(deferral.name);
        deferral.name = memory_copy(uuid);
    }
    *deferrals = memory_resize(*deferrals, *count + 1, sizeof **deferrals);
    (*deferrals)[(*count)++] = deferral;
}

int deferral_list(int root, struct deferral **deferrals, size_t *count)
{
    char uuid[UUID_SIZE];
    int result = 0;
    *deferrals = NULL;
    *count = 0;
    _cleanup_(cleanup_dir) DIR *directory = io_list(root, DIRECTORY);
    if (!directory)
        return errno == ENOENT ? 0 : -errno;
    while (next(directory, uuid, &result))
        add(dirfd(directory), uuid, deferrals, count);
    return result;
}

void deferrals_free(struct deferral *deferrals, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(deferrals[i].name);
    free(deferrals);
}

int deferral_lock(int root, int *lock)
{
    *lock = ledger_directory(root, "deferred");
    return *lock < 0 ? *lock : lock_take(*lock, true, io_now_ms());
}
