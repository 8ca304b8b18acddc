/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * absent - guests that hold VFs and do not run any more: their release was killed, or never came
 *
 * Theory of operation
 *
 * What is looked at asks nobody, so that a hook can: libvirt keeps a file of each guest that runs, from a moment after
 * its start hook to a moment before it takes the guest's ports back (qemuProcessLaunch(),
 * qemuProcessRemoveDomainStatus() of libvirt 11.3.0; read). So a guest that was seen with its VFs some time ago has
 * none of these files and no process has a VF of it open, when it is gone. One that claimed VFs, and was never seen
 * with them, may still be on its way.
 */
#ifndef VFPOOL_ABSENT_H
#define VFPOOL_ABSENT_H

#include <stdbool.h>
#include <stdint.h>

#include "claim.h"
#include "host.h"

#define ABSENT_HELD_MS 30000     /* from start to libvirt's file; it takes a second */
#define ABSENT_CLAIMED_MS 600000 /* from prepare to start: no start takes as long */

/** absent_after_ms() - for how long from now a claim's guest may still be on its way. Return: at most 0: it is not. */
int64_t absent_after_ms(const struct claim *claim) must_check nonnull(1);

/** absent_is() - whether a claim's guest is certainly gone; what cannot be seen says no */
bool absent_is(int root, const struct host *host, const struct claim *claim) must_check nonnull(2, 3);

#endif
