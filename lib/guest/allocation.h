/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * allocation - libvirt gave a guest a VF of a pool's network, or took it back: the claim follows
 *
 * libvirt's network hook tells it of every network port, whichever way it came: at a guest's start, at a hot-plug, by
 * another client, and again for each port when the daemon starts (https://libvirt.org/hooks.html). It is told after
 * libvirt chose the VF, and before anything is done with it. The network is locked meanwhile: nothing here calls
 * libvirt.
 */
#ifndef VFPOOL_ALLOCATION_H
#define VFPOOL_ALLOCATION_H

#include <stdbool.h>
#include <stddef.h>

#include "domain.h"
#include "error.h"
#include "pciaddr.h"

struct allocation {
    const char *network;
    char owner[UUID_SIZE]; /* the guest's */
    char *name;            /* the guest's */
    char *portgroup;       /* NULL: none */
    char mac[MAC_SIZE];
    struct pciaddr address;
};

/**
 * allocation_read() - read what libvirt hands to the hook
 * @network:    kept, not copied
 * @allocation: the caller frees with allocation_free(), also after a failure
 *
 * Return: 1; 0 when it is not about a guest's PCI device, or about a port of vfpool's own; or -EINVAL.
 */
int allocation_read(const char *network, const char *data, size_t length, struct allocation *allocation,
                    struct error *error) must_check nonnull(1, 2, 4, 5);
void allocation_free(struct allocation *allocation) nonnull(1);

/**
 * allocation_made() - the guest's claim says what libvirt gave it
 * @certain: the port of a guest that runs is not to be undone; a VF that another guest has is then a note
 *
 * What the guest had claimed for this interface, and did not get, is free again, or goes to the guest that had claimed
 * what this one got, where that one takes whatever is offered. A VF of nobody's that a running guest gets, is plugged
 * into it now. A guest that is defined, and neither runs nor has a claim, was started past the qemu hook: refused.
 * Whoever else has no claim is no guest, and has none afterwards. A VF that is reserved for another guest (pool.h) is
 * refused; and so is, in place of one that was claimed, one that the pool does not have, which is libvirt's affair
 * otherwise.
 *
 * The network's offer is withdrawn, to be made again by settling, where a VF is refused, or is given to who is no
 * guest, or was the last one while others are blocked only as better ones were free.
 *
 * Return: 0; -EBUSY when another guest has the VF, or is to have it: libvirt shall undo it; or another negative errno
 * value.
 */
int allocation_made(int root, const struct allocation *allocation, bool certain, struct error *error) must_check
    nonnull(2, 4);

/**
 * allocation_ended() - the guest's claim loses what libvirt took back
 *
 * Not while a process has the device open: then somebody took the port away, and not the device.
 *
 * The network's offer is withdrawn, to be made again by settling, where the guest keeps the VF, and where it was
 * nobody's whom the ledger knows.
 *
 * Return: 0 or a negative errno value.
 */
int allocation_ended(int root, const struct allocation *allocation, struct error *error) must_check nonnull(2, 3);

#endif
