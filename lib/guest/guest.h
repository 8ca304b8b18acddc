/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* guest - the life of one guest: what libvirt calls its hook for, and what vfpool does then */
#ifndef VFPOOL_GUEST_H
#define VFPOOL_GUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/* libvirt's operations (https://libvirt.org/hooks.html) that something is done at. */
enum guest_operation {
    GUEST_PREPARE,
    GUEST_START,
    GUEST_RELEASE,
    GUEST_RECONNECT,
    GUEST_ATTACH,
    GUEST_MIGRATE,
    GUEST_RESTORE,
    GUEST_OPERATIONS, /* any other: nothing is done, and nothing can fail */
};

/** guest_operation() - the operation of this name, or GUEST_OPERATIONS */
enum guest_operation guest_operation(const char *name) must_check nonnull(1);

/** guest_may_fail() - whether a failure of this operation may be told to libvirt, which then ends the guest (F10) */
bool guest_may_fail(enum guest_operation operation);

/**
 * guest_run() - do what an operation means
 * @root:      a descriptor of $VFPOOL_ROOT
 * @operation: less than GUEST_OPERATIONS
 * @data:      the domain's XML, as libvirt hands it to a hook
 * @text:      what to print: NULL for nothing; else the caller frees it
 * @changed:   whether offers may be due (offer.h), also after a failure: the caller has somebody settle (settle.h)
 *
 * prepare claims VFs for all interfaces or for none; start, reconnect and attach make the claim what the guest really
 * has; release drops the claim; migrate and restore print what libvirt shall take instead, and claim nothing.
 *
 * Return: 0, or a negative errno value; then nothing changed.
 */
int guest_run(int root, enum guest_operation operation, const char *data, size_t length, char **text,
              size_t *text_length, bool *changed, struct error *error) must_check nonnull(3, 5, 6, 7, 8);

/**
 * guest_show() - what guest_run() would print at this moment, for prepare, migrate and restore
 *
 * Claims nothing. A domain that would stay as it is comes back byte for byte.
 */
int guest_show(int root, enum guest_operation operation, const char *data, size_t length, char **text,
               size_t *text_length, struct error *error) must_check nonnull(3, 5, 6, 7);

/** guest_undo() - take back a prepare whose result could not be handed over. Return: as guest_run(). */
int guest_undo(int root, const char *data, size_t length, struct error *error) must_check nonnull(2, 4);

#endif
