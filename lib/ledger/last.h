/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * last - the VF that a guest's interface had last, and in which order VFs were last had: var/lib/vfpool/last
 *
 * A journal with a line for each time that a guest began to run with a VF, and that it gave it back: its UUID, the
 * interface's MAC address, the VF's address. Some 15,000 lines fit; of more, each interface keeps its last one, and of
 * still more those go that did not run for longest. A VF without a line counts as one that never was away.
 */
#ifndef VFPOOL_LAST_H
#define VFPOOL_LAST_H

#include <stdbool.h>

#include "cleanup.h"
#include "pciaddr.h"
#include "vf.h"

/** last_add() - the interface has this VF now, or had it until now; @directory: journal_directory()'s; @mac: empty
 * where it has none */
void last_add(int directory, const char *uuid, const char *mac, const struct pciaddr *address) nonnull(2, 3, 4);

struct last {
    char *text; /* NULL: nothing is known */
};

/** last_read() - @last: the caller frees with last_free() */
void last_read(int root, struct last *last) nonnull(2);
void last_free(struct last *last) nonnull(1);

/** last_find() - Return: whether it is known which VF the interface had */
bool last_find(const struct last *last, const char *uuid, const char *mac, struct pciaddr *address) must_check
    nonnull(1, 2, 3, 4);

/** last_mark() - when the VFs of a pool came back: each one's number, the later the larger; 0: it was never away */
void last_mark(const struct last *last, struct vf_table *table) nonnull(1, 2);

#endif
