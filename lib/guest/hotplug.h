/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hotplug - the settings of a VF that is plugged into a running guest
 *
 * No qemu hook is called for it (F29). When libvirt's network hook is, libvirt has set nothing on the VF; what it will
 * set, MAC address and VLAN, may undo what is set before. So all but the VLAN is set at once, that the VF is never the
 * guest's without, and all once QEMU has the VF open, by a process of its own. Where that was killed, reconcile does
 * it: the claim says that it is due ("late").
 */
#ifndef VFPOOL_HOTPLUG_H
#define VFPOOL_HOTPLUG_H

#include "claim.h"
#include "error.h"
#include "ledger.h"
#include "pool.h"
#include "settings.h"

/**
 * hotplug_find_wanted() - what is wanted for a running guest's new interface
 * @portgroup: NULL: none was named
 *
 * What the guest says itself is read from what libvirt keeps of it; where that cannot be read it says nothing.
 *
 * Return: 0, or as wanted_find().
 */
int hotplug_find_wanted(int root, const struct pool *pool, const char *guest, const char *mac, const char *portgroup,
                        struct settings *wanted, struct error *error) must_check nonnull(2, 3, 4, 6, 7);

/** hotplug_finish() - set what is late on a guest's VF, if QEMU has it. Return: 1 when it is set, 0 when there is
 * nothing to set or not yet, or a negative errno value. */
int hotplug_finish(struct ledger *ledger, int root, const char *uuid, const struct pciaddr *address,
                   struct error *error) must_check nonnull(1, 3, 4, 5);

/** hotplug_finish_later() - start a process that waits for QEMU and does that. What it cannot do it says to
 * the host's log (log.h). */
void hotplug_finish_later(int root, const char *uuid, const struct pciaddr *address) nonnull(2, 3);

#endif
