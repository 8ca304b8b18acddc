/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* define - a pool's file, as virsh has networks: what is wrong with one; it is put in its place, and taken away */
#ifndef VFPOOL_DEFINE_H
#define VFPOOL_DEFINE_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

struct define_options {
    const char *name; /* the pool that it has to be; NULL: any */
    bool alone;       /* without this host: neither its cards nor its other pools are looked at */
    bool dry_run;     /* say what would be done, and change nothing */
    bool force;       /* also while guests have VFs of the pool */
};

/**
 * define_check() - what is wrong with the text of a pool file, wherever that is
 * @path: names it in the error
 *
 * What it says that is without effect is a note of the error's.
 *
 * Return: 0; -EINVAL when it is no pool file; and, unless it is checked alone, -EEXIST when it has a VF of another
 * pool, -ENOENT or -ENODEV when it names a PF that is not there, or does not do what is asked; or another negative
 * errno value.
 */
int define_check(int root, const char *data, size_t length, const char *path, bool alone,
                 struct error *error) must_check nonnull(2, 4, 6);

/**
 * define_pool() - check the text of a pool file, put it in its place by one rename, and reconcile
 * @done: what was done, or would be, is added
 *
 * What was there before is beside it then, as NAME.xml.old, until the next one.
 *
 * Return: as define_check(), or as reconcile(): the file is in its place then.
 */
int define_pool(int root, const char *data, size_t length, const char *path, const struct define_options *options,
                struct lines *done, struct error *error) must_check nonnull(2, 4, 5, 6, 7);

/**
 * define_read() - the text of a pool's file
 * @data: the caller frees it
 *
 * Return: 0; -ENOENT when there is no such pool; or another negative errno value.
 */
int define_read(int root, const char *name, char **data, size_t *length, struct error *error) must_check
    nonnull(2, 3, 4, 5);

/**
 * undefine_pool() - take a pool's file away, and reconcile: libvirt picks by itself on its network
 *
 * It is NAME.xml.old then.
 *
 * Return: 0; -ENOENT when there is no such pool; -EBUSY when guests have VFs of it; or as reconcile().
 */
int undefine_pool(int root, const char *name, const struct define_options *options, struct lines *done,
                  struct error *error) must_check nonnull(2, 3, 4, 5);

#endif
