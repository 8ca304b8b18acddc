/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pf - which PFs of this host a pool file means
 *
 * The name of a network interface changes with an update or another driver, a PCI address with a card more in the
 * machine; what is burnt into the card stays.
 */
#ifndef VFPOOL_PF_H
#define VFPOOL_PF_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "host.h"
#include "pool.h"

/* What was seen of the host, from one source of a pool to the next one. */
struct pf_finder {
    const struct host *host;
    struct host_pf *all; /* every PF with a network interface, once it was looked for */
    size_t count;
    bool looked;
};

/**
 * pf_find() - the PFs that a source of a pool means; by vendor and device there may be several
 * @finder: only its host is set at first; the caller frees with pf_finder_free()
 * @source: one with a PF
 * @pfs:    in the order of their addresses; the caller frees them, also after a failure
 *
 * An interface that has another name now is looked for where the name says where it was (rename.h), to say so.
 *
 * Return: 0, -ENOENT when there is none, -ENODEV when it is none, -EEXIST when it may be more than one, or what reading
 * says; with the reason.
 */
int pf_find(struct pf_finder *finder, const struct pool_source *source, struct host_pf **pfs, size_t *count,
            struct error *error) must_check nonnull(1, 2, 3, 4, 5);
void pf_finder_free(struct pf_finder *finder) nonnull(1);

#endif
