/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * assignment - the best VFs for all interfaces of a guest at once
 *
 * Theory of operation
 *
 * The VFs of a pool are gathered in bins, one a PF, each with its best ones in front; and a bin says what its first n
 * VFs cost, as a row of numbers of which an earlier one outweighs all later ones. So the cheapest way to take k VFs is
 * found from bin to bin: for each number of VFs up to k the cheapest so far. That is exact, for any cost that depends
 * on how many VFs of a PF are taken, and takes (PFs x k x k) steps. No two results are equally good: within a PF each
 * VF costs more than the one before it, and the last of the numbers is the place in the list, which no other VF has.
 * A VF that a request wants by its address is in no bin, and counts as one of its PF that the guest has.
 *
 * libvirt gives the interfaces of a guest on one network their VFs in the order of its list. That matters only where a
 * PF is forbidden to an interface, as another one with the same MAC address is on it. Then the bins are the runs of a
 * PF's VFs in the list, in their order, each takes the next interfaces in theirs, and none that it must not; of what is
 * equally good, the last runs take the fewest. Two of one MAC address may still meet on a PF, by two pools or two runs,
 * and so may any two that a pool requires to be on different PFs: then one of them is forbidden the PF, and it is tried
 * again, and so the other one; the cheaper result counts. What is found is possible, and what is possible is found,
 * in as many tries as there may be; only there, and in a list that comes back to a PF behind another one, "separate"
 * and "spread" are counted run by run, so that the best may be missed.
 */
#ifndef VFPOOL_ASSIGNMENT_H
#define VFPOOL_ASSIGNMENT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "vf.h"

/* One interface, and its VF. */
struct assignment {
    const struct vf_table *table; /* the pool's */
    const struct vf *wanted;      /* this very VF of it; NULL: any */
    const char *mac;              /* what the VF will be told; empty or NULL: nothing */
    const struct vf *granted;     /* the answer */
};

/** assignment_share_mac() - whether two different ones have one MAC address */
static inline bool assignment_share_mac(const struct assignment *a, const struct assignment *b)
{
    return a != b && a->mac && b->mac && a->mac[0] && strcmp(a->mac, b->mac) == 0;
}

/**
 * assignment_find() - grant the first requests their VFs, at the lowest cost, or none
 * @count:  of the requests; those that want one VF keep it for themselves, also behind @first
 * @first:  how many are granted one; granted becomes NULL in the others
 *
 * Return: 0 or -ENOSPC.
 */
int assignment_find(struct assignment *requests, size_t count, size_t first) must_check;

/**
 * assignment_shares() - of each PF of the pool, how many of its VFs no guest has and no request wants, in millionths
 *
 * Return: as many as there are PFs, which the caller frees; never NULL.
 */
long *assignment_shares(const struct assignment *requests, size_t count, const struct vf_table *table) must_check
    nonnull(3);

#endif
