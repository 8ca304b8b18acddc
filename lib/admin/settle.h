/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * settle - make an offer anew that is due, when nobody waits for it
 *
 * A guest that had its VFs opened has others blocked, a guest that named a VF itself has one that should be blocked,
 * and a daemon that was started or reloaded may have lost count. What each of them leaves is due (offer.h); a process
 * of its own looks at all the network's VFs, sets their ports, and offers what is free. Then it starts the guests that
 * had to wait for that. What it does not come to, the next one does, and reconcile.
 */
#ifndef VFPOOL_SETTLE_H
#define VFPOOL_SETTLE_H

#include "cleanup.h"
#include "error.h"

#define SETTLE_S 420 /* for each look at all networks, with its retries, and guests to start (autostart.h) */

/** settle_later() - start that process if any network's offer is due, or a guest waits, and libvirt tells what it gives
 * (witness.h). What it cannot do it says to the host's log (log.h). */
void settle_later(int root);

/**
 * settle_stop() - wait until nobody settles, and let nobody begin; what is wished of that is forgotten
 * @lock: nobody begins until the caller closes it; -1 where nobody ever did
 *
 * One that is at work gives up once our hooks are gone; it has SETTLE_S at most.
 *
 * Return: 0, or a negative errno value.
 */
int settle_stop(int root, int *lock, struct error *error) must_check nonnull(2, 3);

#endif
