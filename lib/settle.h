/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * settle - make a withdrawn offer again, when nobody waits for it
 *
 * A guest that got its VFs alone has held others, a guest that named a VF itself has one that should be held, and a
 * daemon that was started or reloaded may have lost count. What each of them leaves is withdrawn (offer.h); a process
 * of its own looks at all the network's VFs, sets their ports, and offers what is free. What it does not come to, the
 * next one does, and reconcile.
 */
#ifndef VFPOOL_SETTLE_H
#define VFPOOL_SETTLE_H

#include "cleanup.h"

#define SETTLE_S 120 /* in all, for one that waits for its turns and for libvirt */

/** settle_later() - start that process if any network's offer is withdrawn, and could be made. What it cannot do it
 * says to syslog(3). */
void settle_later(int root);

#endif
