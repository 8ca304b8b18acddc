/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * history - which guest had which VF when, and who was refused: var/lib/vfpool/history
 *
 * Each is a line of the host's log as well (log.h), with who asked for it (actor.h), and counted (tally.h).
 *
 * A journal of whole lines, written with the ledger locked after what they tell of was done; when it is full it becomes
 * history.1, and what was that goes. So between 1 and 2 MiB of it are there, some 6,000 lines each.
 */
#ifndef VFPOOL_HISTORY_H
#define VFPOOL_HISTORY_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <sys/types.h>

#include "claim.h"
#include "cleanup.h"
#include "error.h"

/**
 * history_change() - a guest's claim has changed
 * @old, @new: what it held before, and holds now; NULL: nothing
 * @reason:    why it has given back what it has, where that is not its own end; else NULL
 *
 * "claimed", "held" when the guest is seen with it, "returned" after that, and "dropped" without. The first one of a VF
 * tells why the guest has just this one.
 */
void history_change(int root, const struct claim *old, const struct claim *new, const char *reason);

/**
 * history_refuse() - a guest was refused, for this reason
 * @locked: whether the ledger is; else the host's log alone has the line
 */
void history_refuse(int root, bool locked, const char *uuid, const char *name, const struct error *reason)
    nonnull(3, 4, 5);

/**
 * history_device() - something was done with a PF or VF that is no guest's: "drained", "undrained"
 * @locked: as history_refuse()'s
 * @pf:     its name; empty: that is not known
 */
void history_device(int root, bool locked, const char *event, const struct pciaddr *address, const char *pf,
                    const char *reason) nonnull(3, 4, 5, 6);

/* What of it is wanted; NULL and 0: it does not matter. */
struct history_filter {
    const char *of;    /* a guest's name or UUID, or a VF's address as pciaddr_parse_any() takes it */
    const char *guest; /* a name or UUID */
    const char *vf;    /* an address, or the PF's name and the VF's number, as "eth3/0" */
    const char *pool;
    const char *since; /* of history_since() */
    size_t last;       /* of those, the last so many */
};

/* How far it was read. */
struct history_place {
    ino_t inode; /* of the file; 0: nothing was read yet */
    off_t offset;
};

/**
 * history_since() - a time as a person says it: 2026-11-29, 2026-11-29T12:00:00Z, or 30s, 15m, 2h, 7d before now
 *
 * Return: 0 or -EINVAL.
 */
int history_since(const char *text, char since[CLAIM_TIME_SIZE]) must_check nonnull(1, 2);

/**
 * history_read() - what is there, the oldest first
 * @place: only what is behind it, all of it at first, when it is zero; it is where that ends then
 * @doc: the caller frees it; NULL when it fails: <history of=''><event time='' event='' guest='' uuid='' address=''
 * pf='' vf='' pool='' mac='' reason='' actor=''/></history>, without what does not apply
 *
 * Return: 0, also where nothing was recorded, or a negative errno value when what was cannot be read.
 */
int history_read(int root, const struct history_filter *filter, struct history_place *place, xmlDocPtr *doc,
                 struct error *error) must_check nonnull(2, 3, 4, 5);

#endif
