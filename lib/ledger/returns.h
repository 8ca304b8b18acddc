/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * returns - in which order VFs came back from their guests: run/vfpool/returned
 *
 * A journal with a line for each return, its VF's address, written with the ledger locked; only each VF's last one
 * counts. A VF that is not there counts as one that never was away.
 */
#ifndef VFPOOL_RETURNS_H
#define VFPOOL_RETURNS_H

#include "cleanup.h"
#include "pciaddr.h"
#include "vf.h"

#define RETURNS_FILE "returned"

/** returns_add() - the VF came back just now; @directory: of the ledger, which is locked */
void returns_add(int directory, const struct pciaddr *address) nonnull(2);

/** returns_mark() - when the VFs of a pool whose order is lru came back; of others it does not matter */
void returns_mark(int root, struct vf_table *table) nonnull(2);

#endif
