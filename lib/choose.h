/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* choose - which VF each request of one guest gets: a pure function of the VFs and the requests */
#ifndef VFPOOL_CHOOSE_H
#define VFPOOL_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>

#include "pciaddr.h"
#include "vf.h"

struct choose_request {
    const struct vf_table *table; /* the pool's */
    const struct vf *wanted;      /* this very VF of it; NULL: any */
    const char *mac;              /* what the VF will be told; empty or NULL: nothing */
    const struct vf *granted;     /* the answer */
};

/**
 * choose() - grant all requests, or none
 * @requests: of one guest; granted is set in each; after a failure nothing is granted, and what the requests before the
 *            failed one would have got is left in them, for choose_reason()
 * @failed:   after a failure, the index of the first request that no VF is left for
 *
 * A request for one VF gets it unless it is taken: whether it works is for libvirt and its administrator to know.
 * A request for any VF gets the first usable one in the order of its pool that no other request has, one that something
 * speaks against (enum vf_doubt) only when there is no other; where the pool
 * asks for it, one on a PF that the guest has no interface on yet is preferred. It never gets one on a PF where the
 * guest has an interface with the same MAC address: the card would refuse that.
 *
 * Return: 0 or -ENOSPC.
 */
int choose(struct choose_request *requests, size_t count, size_t *failed) must_check nonnull(3);

/**
 * choose_reason() - why a request did not get a VF of its pool, as a clause in @text
 * @index: of the request; after choose(), successful or not
 *
 * Return: @text; empty when it did get that VF.
 */
const char *choose_reason(const struct choose_request *requests, size_t count, size_t index, const struct vf *vf,
                          char *text, size_t size) nonnull(1, 4, 5);

/**
 * choose_excludes() - whether a request cannot have a VF though it is free, as the card would refuse: see choose()
 * @index: of the request; after choose(), successful or not
 */
bool choose_excludes(const struct choose_request *requests, size_t count, size_t index, const struct vf *vf) must_check
    nonnull(1, 4);

#endif
