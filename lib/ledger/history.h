/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * history - which guest had which VF when, and who was refused: var/lib/vfpool/history
 *
 * A journal of whole lines, written with the ledger locked after what they tell of was done; when it is full it becomes
 * history.1, and what was that goes. So between 1 and 2 MiB of it are there, some 6,000 lines each.
 */
#ifndef VFPOOL_HISTORY_H
#define VFPOOL_HISTORY_H

#include <libxml/tree.h>
#include <stdbool.h>

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

/** history_refuse() - a guest was refused, for this reason */
void history_refuse(int root, const char *uuid, const char *name, const char *reason) nonnull(2, 3, 4);

/**
 * history_read() - what is there, the oldest first
 * @of: a guest's name or UUID, or a VF's address as pciaddr_parse_any() takes it; NULL: everything
 * @doc: the caller frees it; NULL when it fails: <history of=''><event time='' event='' guest='' uuid='' address=''
 * pf='' vf='' pool='' mac='' reason=''/></history>, without what does not apply
 *
 * Return: 0, also where nothing was recorded, or a negative errno value when what was cannot be read.
 */
int history_read(int root, const char *of, xmlDocPtr *doc, struct error *error) must_check nonnull(3, 4);

#endif
