/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * port - the network ports of one guest's VFs: freed for libvirt to take at prepare, held again at release
 *
 * Theory of operation
 *
 * The port of a VF on its pool's network is in one of these states. libvirt gives a guest the first VF that is open, so
 * one guest's VFs are open at a time, in that guest's turn (turn.h).
 *
 *   state    libvirt's port  claim    becomes  by whom, under which lock
 *   held     ours            none     open     port_open() at prepare, once the claim is there, with the turn of the
 *                                              network, which is written down before
 *   open     none            claimed  given    libvirt, when the guest starts; the turn ends at start, where the claim
 *                                              becomes held
 *                                     held     port_open() that fails, of what it opened itself; port_return() at
 *                                              start, of what libvirt did not take; port_close() at release of a
 *                                              guest that did not start: holding needs no turn
 *   given    the guest's     held     leaving  port_leave() at stopped, when no VF of the network is open
 *   leaving  the guest's,    held     held     port_close() at release, before the claim goes
 *            then none
 *
 * A VF that a guest asks for by its address has no port of the guest's: it stays held all the time (F23).
 *
 * What a kill leaves, and what mends it: an open VF without a turn, or whose turn is older than TURN_OPEN_MS, is held
 * by the next port_open(), which holds every other VF before it frees its own, and by reconcile; a guest that never
 * comes to its release is leaving for TURN_OPEN_MS. A network that was ended and not started again:
 * hook/gate-restart.h.
 */
#ifndef VFPOOL_PORT_H
#define VFPOOL_PORT_H

#include "claim.h"
#include "error.h"
#include "plan.h"

/**
 * port_open() - let libvirt give the guest just what the plan chose for its interfaces
 * @plan: chosen, and claimed in the ledger
 *
 * Waits for the guest's turn on each network, holds every other VF of its pools, and frees the chosen ones. Where there
 * is no libvirt, or it cannot be called now (F12), nothing is done.
 *
 * A guest on several networks has all their turns before it opens anything.
 *
 * Return: 0; -EBUSY when libvirt has given one of them to somebody whom the ledger does not know: that is in the plan
 * now, so that it chooses another; -ETIMEDOUT when libvirt is silent; or another negative errno value, then what was
 * freed is held again.
 */
int port_open(int root, struct plan *plan, struct error *error) must_check nonnull(2, 3);

/**
 * port_look() - find out what would make port_open() choose again
 *
 * Where that is not to be known, a note says so.
 */
void port_look(int root, struct plan *plan, struct error *error) nonnull(2, 3);

/**
 * port_return() - hold what was opened for a guest and is not among what it has now
 * @before: its claim until now
 * @now:    its claim; NULL: nothing
 *
 * Never fails: the next guest's port_open() holds what is not. What went wrong is a note.
 */
void port_return(int root, const struct claim *before, const struct claim *now, struct error *error) nonnull(2, 4);

/**
 * port_leave() - before libvirt frees the ports of a guest that stops: not while it may give a VF to another guest
 *
 * Never fails. port_close() follows.
 */
void port_leave(int root, const struct claim *claim) nonnull(2);

/**
 * port_close() - hold a guest's VFs again, before its claim goes
 *
 * Never fails: the next guest's port_open() holds what is not. What went wrong is a note.
 */
void port_close(int root, const struct claim *claim, struct error *error) nonnull(2, 3);

#endif
