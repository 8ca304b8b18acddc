/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * drained - VFs that no guest is to get from now on, before work on their card: var/lib/vfpool/drained/ADDRESS
 *
 * A file is that of a PF, and all its VFs, or of one VF; its name alone says which, so that one which cannot be read
 * drains all the same.
 */
#ifndef VFPOOL_DRAINED_H
#define VFPOOL_DRAINED_H

#include <stddef.h>

#include "error.h"
#include "pciaddr.h"

#define DRAINED_DIRECTORY "var/lib/vfpool/drained"
#define DRAINED_REASON_SIZE 161 /* with the NUL */
#define DRAINED_WORDS_SIZE 400

struct drained_device {
    struct pciaddr address;
    char *words; /* one printable line, DRAINED_WORDS_SIZE at most: when, who and why: "since 2026-11-29T12:00:00Z, by
                    root: new firmware" */
};

struct drained {
    struct drained_device *devices;
    size_t count;
};

/** drained_load() - which there are; the caller frees with drained_free(), also after a failure. Return: 0 or a
 * negative errno value. */
int drained_load(int root, struct drained *drained, struct error *error) must_check nonnull(2, 3);
void drained_free(struct drained *drained) nonnull(1);

/** drained_find() - the words of a VF that is drained, by itself or with its PF; NULL: it is not */
const char *drained_find(const struct drained *drained, const struct pciaddr *pf, const struct pciaddr *vf) must_check
    nonnull(1, 2, 3);

/**
 * drained_add() - drain a PF or a VF
 * @words:  as of struct drained_device
 *
 * Return: 0, -EEXIST when it is drained, or another negative errno value.
 */
int drained_add(int root, const struct pciaddr *address, const char *words, struct error *error) must_check
    nonnull(2, 3, 4);

/** drained_remove() - Return: 0, -ENOENT when it is not drained, or another negative errno value. */
int drained_remove(int root, const struct pciaddr *address, struct error *error) must_check nonnull(2, 3);

#endif
