/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* choose - which VF each request of one guest gets: a pure function of the VFs and the requests */
#ifndef VFPOOL_CHOOSE_H
#define VFPOOL_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>

#include "assignment.h"

/**
 * choose() - grant all requests, or none
 * @requests: of one guest; granted is set in each; after a failure nothing is granted, and what the requests before the
 *            failed one would have got is left in them, for choose_reason()
 * @failed:   after a failure, the index of the first request that no VF is left for
 *
 * A request for one VF gets it unless it is taken: whether it works is for libvirt and its administrator to know.
 * Those for any VF of a pool get usable ones, all together the best by what follows, the weightiest first:
 *
 *   few that something speaks against (enum vf_doubt)
 *   many that are reserved for the guest
 *   separate   different PFs
 *   numa       PFs on the nodes where the guest runs, then those of which the node is not known
 *   sticky     those that its interfaces had last
 *   order      spread: PFs with a large share of free VFs; pack: with a small one; lru: what came back long ago
 *   the first ones in the pool's list
 *
 * What the pool requires is never left out; nor is a request given a VF on a PF where the guest has an interface with
 * the same MAC address: the card would refuse that. Of what one pool grants, an earlier request has what is earlier in
 * the list, as libvirt gives it.
 *
 * Return: 0 or -ENOSPC.
 */
int choose(struct assignment *requests, size_t count, size_t *failed) must_check nonnull(3);

/**
 * choose_shares() - what choose_reason() compares of the PFs
 *
 * Return: for all VFs of this request, freed by the caller; NULL: nothing is compared.
 */
long *choose_shares(const struct assignment *requests, size_t count, size_t index) must_check nonnull(1);

/**
 * choose_reason() - why a request did not get a VF of its pool, as a clause in @text
 * @index:  of the request; after choose(), successful or not
 * @shares: choose_shares() of that request; where it was not granted any, NULL will do
 *
 * Return: @text; empty when it did get that VF.
 */
const char *choose_reason(const struct assignment *requests, size_t count, size_t index, const struct vf *vf,
                          const long *shares, char *text, size_t size) nonnull(1, 4, 6);

/**
 * choose_excludes() - whether a request cannot have a VF though it is free, as the card would refuse: see choose()
 * @index: of the request; after choose(), successful or not
 */
bool choose_excludes(const struct assignment *requests, size_t count, size_t index, const struct vf *vf) must_check
    nonnull(1, 4);

#endif
