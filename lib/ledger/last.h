/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * last - the VF that a guest's interface had last: var/lib/vfpool/last
 *
 * A journal with a line for each time a guest ran with a VF: its UUID, the interface's MAC address, the VF's address.
 * Some 15,000 interfaces fit; of more, those that did not run for longest are forgotten.
 */
#ifndef VFPOOL_LAST_H
#define VFPOOL_LAST_H

#include <stdbool.h>

#include "cleanup.h"
#include "pciaddr.h"

/** last_add() - the interface has this VF now; @directory: journal_directory()'s */
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

#endif
