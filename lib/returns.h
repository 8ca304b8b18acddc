/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * returns - in which order VFs came back from their guests: run/vfpool/returned
 *
 * A journal with a line for each return, its VF's address, written with the ledger locked; only each VF's last one
 * counts. A VF that is not there counts as one that never was away.
 */
#ifndef VFPOOL_RETURNS_H
#define VFPOOL_RETURNS_H

#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "pciaddr.h"

#define RETURNS_FILE "returned"

struct returns {
    struct returns_vf *vfs; /* in the order of their addresses */
    size_t count;
};

/** returns_add() - the VF came back just now; @directory: of the ledger, which is locked */
void returns_add(int directory, const struct pciaddr *address) nonnull(2);

/** returns_read() - @returns: the caller frees with returns_free() */
void returns_read(int root, struct returns *returns) nonnull(2);
void returns_free(struct returns *returns) nonnull(1);

/** returns_find() - the return's number: the later, the larger; 0: the VF was not away, as far as is known */
uint32_t returns_find(const struct returns *returns, const struct pciaddr *address) must_check nonnull(1, 2);

#endif
