/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "define.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"
#include "io.h"
#include "ledger.h"
#include "memory.h"
#include "pf.h"
#include "pool.h"
#include "reconcile.h"
#include "trust.h"
#include "vf.h"

#define PLACE_SIZE (NAME_MAX + 1)

/* ---- what is wrong ---- */

static bool no_guests(int root, const char *pool)
{
    (void)root;
    (void)pool;
    return false;
}

/* That its PFs are there, and make as many VFs as it asks for. */
static int check_sources(const struct host *host, const struct pool *pool, struct error *error)
{
    struct pf_finder finder = {.host = host};
    int result = 0;
    for (size_t i = 0; i < pool->source_count && result == 0; i++) {
        const struct pool_source *source = &pool->sources[i];
        _cleanup_(cleanup_free) struct host_pf *pfs = NULL;
        size_t count = 0;
        if (source->pf)
            result = pf_find(&finder, source, &pfs, &count, error);
        for (size_t j = 0; j < count && result == 0; j++) {
            host_pf_examine(host, &pfs[j]);
            if (pfs[j].vf_total == 0)
                result = error_set(error, ENODEV, "%s does not do SR-IOV", pfs[j].name);
            else if (pfs[j].vf_total > 0 && source->vf_wanted > (unsigned int)pfs[j].vf_total)
                result = error_set(error, ENODEV, "PF %s makes %d VFs at most, and the file asks for %u", pfs[j].name,
                                   pfs[j].vf_total, source->vf_wanted);
        }
    }
    pf_finder_free(&finder);
    return result;
}

/* Beside this host's other pools, which were there before. @pool: goes into the array. */
static int check_here(int root, struct pool *pool, struct error *error)
{
    struct pools pools;
    struct host host = {.sys = -1};
    _cleanup_(cleanup_free) char *name = memory_copy(pool->name), *path = memory_copy(pool->path);
    pool->written.tv_sec = INT32_MAX;
    int result = pools_load(root, &pools, error);
    pools_put(&pools, pool);
    if (result == 0)
        result = host_open(root, &host, error);
    if (result == 0) {
        struct vf_table *tables = vf_tables_load(&host, &pools, no_guests);
        const struct pool *put = pools_find(&pools, name);
        result = put->fault.code ? error_set(error, put->fault.code, "%s: %s", path, put->fault.message)
                                 : check_sources(&host, put, error);
        if (result < 0 && !put->fault.code)
            result = error_prefix(error, "%s", path);
        vf_tables_free(tables, pools.count);
        host_close(&host);
    }
    pools_free(&pools);
    return result;
}

/* By itself. @wanted: the pool that it has to be; NULL: any */
static int check_alone(const struct pool *pool, const char *path, const char *wanted, struct error *error)
{
    if (pool->fault.code)
        return error_set(error, pool->fault.code, "%s", pool->fault.message);
    if (wanted && strcmp(pool->name, wanted) != 0)
        return error_set(error, EINVAL, "this is pool '%s', not '%s': define that one, and undefine this", pool->name,
                         wanted);
    if (pool->ignored)
        error_note(error, "%s: without effect on a VF: %s", path, pool->ignored);
    return 0;
}

/* @name: the pool's, which the caller frees; NULL: it does not matter */
static int check(int root, const char *data, size_t length, const char *path, bool alone, const char *wanted,
                 char **name, struct error *error)
{
    struct pool pool;
    pool_read(data, length, path, &pool);
    int result = check_alone(&pool, path, wanted, error);
    if (name)
        *name = result < 0 ? NULL : memory_copy(pool.name);
    if (result == 0 && !alone)
        return check_here(root, &pool, error);
    pool_free(&pool);
    return result;
}

int define_check(int root, const char *data, size_t length, const char *path, bool alone, struct error *error)
{
    return check(root, data, length, path, alone, NULL, NULL, error);
}

/* ---- the file ---- */

/* Names of a pool's file, of the one before it, and of either while it is written; the name fits, as a file's does. */
static int place(const char *name, const char *form, char path[PLACE_SIZE], struct error *error)
{
    int length = snprintf(path, PLACE_SIZE, form, name);
    return length < PLACE_SIZE && name[0] != '.' && !strchr(name, '/')
               ? 0
               : error_set(error, EINVAL, "'%.64s' is no name of a pool's file", name);
}

static int open_pools(int root, bool make, struct error *error)
{
    if (make && mkdirat(root, "etc", 0755) < 0 && errno != EEXIST)
        return error_set(error, errno, "cannot make /etc: %s", strerror(errno));
    if (make && mkdirat(root, POOL_DIRECTORY, 0755) < 0 && errno != EEXIST)
        return error_set(error, errno, "cannot make /" POOL_DIRECTORY ": %s", strerror(errno));
    int result = trust_way(root, POOL_DIRECTORY, error);
    if (result < 0)
        return result;
    int fd = openat(root, POOL_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? error_set(error, errno, "cannot open /" POOL_DIRECTORY ": %s", strerror(errno)) : fd;
}

static int read_place(int directory, const char *file, char **data, size_t *length, struct error *error)
{
    int result = trust_read_file(directory, file, POOL_MAX_BYTES, data, length);
    return result < 0 ? error_set(error, -result, "cannot read /" POOL_DIRECTORY "/%s: %s", file, trust_words(result))
                      : 0;
}

static int write_place(int directory, const char *name, const char *file, const char *data, size_t length,
                       struct error *error)
{
    char temporary[PLACE_SIZE];
    int result = place(name, ".%s.new", temporary, error);
    if (result < 0)
        return result;
    result = io_replace_file(directory, temporary, file, data, length, 0600);
    /* Whoever may look at the host may read what its pools are. */
    if (result == 0 && fchmodat(directory, file, 0644, 0) < 0)
        result = -errno;
    return result < 0 ? error_set(error, -result, "cannot write /" POOL_DIRECTORY "/%s: %s", file, strerror(-result))
                      : 0;
}

/* Return: 1 when it was put there, 0 when it is there already, or a negative errno value. */
static int put(int directory, const char *name, const char *data, size_t length, bool dry_run, struct lines *done,
               struct error *error)
{
    _cleanup_(cleanup_free) char *before = NULL;
    _cleanup_(error_free) struct error none = {0};
    char file[PLACE_SIZE], old[PLACE_SIZE];
    size_t before_length = 0;
    int result = place(name, "%s.xml.old", old, error);
    if (result == 0)
        result = place(name, "%s.xml", file, error);
    if (result < 0)
        return result;
    /* Of a dry run there may be no directory. */
    result = directory < 0 ? -ENOENT : read_place(directory, file, &before, &before_length, &none);
    if (result < 0 && result != -ENOENT)
        return error_set(error, none.code, "%s", none.message);
    if (before && before_length == length && memcmp(before, data, length) == 0)
        return 0;
    if (!dry_run && before && (result = write_place(directory, name, old, before, before_length, error)) < 0)
        return result;
    if (!dry_run && (result = write_place(directory, name, file, data, length, error)) < 0)
        return result;
    lines_add(done,
              before ? "pool '%s' changed: /" POOL_DIRECTORY "/%s; as it was: %s"
                     : "pool '%s' defined: /" POOL_DIRECTORY "/%s",
              name, file, old);
    return 1;
}

int define_pool(int root, const char *data, size_t length, const char *path, const struct define_options *options,
                struct lines *done, struct error *error)
{
    _cleanup_(cleanup_free) char *name = NULL;
    int result = check(root, data, length, path, options->alone, options->name, &name, error);
    if (result < 0 || !name)
        return result;
    _cleanup_(cleanup_close) int directory = open_pools(root, !options->dry_run, error);
    if (directory < 0 && !(options->dry_run && directory == -ENOENT))
        return directory;
    result = put(directory, name, data, length, options->dry_run, done, error);
    if (result < 0)
        return result;
    if (!options->dry_run)
        return reconcile(root, false, 0, done, error);
    struct pool pool;
    pool_read(data, length, path, &pool);
    return reconcile_try(root, &pool, NULL, done, error);
}

int define_read(int root, const char *name, char **data, size_t *length, struct error *error)
{
    char file[PLACE_SIZE];
    int result = place(name, "%s.xml", file, error);
    if (result < 0)
        return result;
    _cleanup_(cleanup_close) int directory = open_pools(root, false, error);
    if (directory == -ENOENT || (directory >= 0 && !io_may_be(directory, file)))
        return error_set(error, ENOENT, "there is no pool '%s'", name);
    return directory < 0 ? directory : read_place(directory, file, data, length, error);
}

int undefine_pool(int root, const char *name, const struct define_options *options, struct lines *done,
                  struct error *error)
{
    _cleanup_(cleanup_free) char *data = NULL;
    char file[PLACE_SIZE], old[PLACE_SIZE];
    size_t length = 0;
    int result = define_read(root, name, &data, &length, error);
    if (result == -ENOENT)
        return result;
    if (!options->force && ledger_has_pool(root, name))
        return error_set(error, EBUSY, "guests have VFs of pool '%s': shut them down, or take it away with --force",
                         name);
    result = place(name, "%s.xml", file, error);
    if (result == 0)
        result = place(name, "%s.xml.old", old, error);
    _cleanup_(cleanup_close) int directory = result < 0 ? result : open_pools(root, false, error);
    if (directory < 0)
        return directory;
    if (!options->dry_run && renameat(directory, file, directory, old) < 0)
        return error_set(error, errno, "cannot rename /" POOL_DIRECTORY "/%s: %s", file, strerror(errno));
    lines_add(done, "pool '%s' undefined; its file is /" POOL_DIRECTORY "/%s", name, old);
    return options->dry_run ? reconcile_try(root, NULL, name, done, error) : reconcile(root, false, 0, done, error);
}
