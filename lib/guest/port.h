/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * port - the VFs that libvirt gives a guest when it starts: those that it would choose are the first that are open
 *
 * Theory of operation
 *
 * The port of a VF on its pool's network is in one of three states. libvirt gives a guest the first VF that is open;
 * its network hook tells which, and the claim follows (allocation.h).
 *
 *   state    libvirt's port becomes  by whom, with the turn of the network (turn.h) alone, where it is vfpool
 *   blocked  ours           open     reconcile and settling, of what is free; port_open(), of what was chosen
 *   open     none           given    libvirt, when a guest starts or is plugged an interface
 *                           blocked  port_open(), of what is before the chosen ones and nobody's;
 *                                    reconcile and settling, of what is of no use, or not for everybody
 *   given    the guest's    open     libvirt, at stop, at unplug, or when a start fails
 *
 * A guest starts in one way. It shares the turn with others while it chooses and claims, and where what it chose is
 * just what libvirt would give of all that is open, that is all. Else it has the turn alone for the moment in which it
 * blocks what is open before its own and nobody's; what others have claimed, and wait for, stays open beside it. So
 * guests of all policies start side by side, and each gets one of the VFs that was chosen for any of them. Only who
 * must have its own and no others (plan_is_exact()) waits until nobody waits for libvirt, and keeps the turn until it
 * has them.
 *
 * A VF that a guest asks for by its address has no port of the guest's: it is blocked all the time (F23); the offer is
 * withdrawn, and it is blocked when that is made again.
 *
 * What a kill leaves is an offer that is withdrawn or narrowed (offer.h): the next one who settles makes it anew. A VF
 * that is open for nobody is no harm: it is any guest's. A network that was ended and not started again:
 * hook/libvirt-network.h.
 */
#ifndef VFPOOL_PORT_H
#define VFPOOL_PORT_H

#include "claim.h"
#include "error.h"
#include "plan.h"

struct port_session;

/**
 * port_begin() - wait for the turn of the networks that the guest's interfaces are on
 * @plan:    loaded; it has to outlive the session
 * @open:    what it chooses shall be opened for it; else it shares the turn where it can
 * @session: the caller ends it with port_end()
 *
 * Return: 0; -ENOENT where libvirt
 * would not tell what it gives (witness.h); -EAGAIN when too many others are being started; or another negative errno
 * value.
 */
int port_begin(int root, struct plan *plan, bool open, struct port_session **session, struct error *error) must_check
    nonnull(2, 4, 5);

/** port_follows() - whether the guest's claim follows whatever libvirt gives; else it is to get just what it claims */
bool port_follows(const struct port_session *session) must_check nonnull(1);

/**
 * port_suits() - whether what the plan chose can be claimed: libvirt gives just that of all that is open, or it is
 * going to be opened
 *
 * While a monolithic libvirtd starts its guests it cannot be called, and gives what is open (F12). Then this is whether
 * the guest may have that, instead of what was chosen: it need not have just its own, and may have the first of all
 * that is open.
 *
 * Another guest may be given one of them first; then this one gets that guest's, and both claims follow. To be called
 * with the ledger locked, before the claim.
 */
bool port_suits(const struct port_session *session) must_check nonnull(1);

/**
 * port_open() - have libvirt give the guest what the plan chose for its interfaces
 *
 * The plan is chosen, and claimed in the ledger.
 *
 * Return: 0; -EBUSY when libvirt has given one of them to somebody whom the ledger does not know: that is in the plan
 * now, so that it chooses another; -ETIMEDOUT when libvirt is silent; or another negative errno value.
 */
int port_open(struct port_session *session, struct error *error) must_check nonnull(1, 2);

/** port_end() - let the next ones in; NULL does nothing */
void port_end(struct port_session *session);

static inline void cleanup_port_session(struct port_session **session)
{
    port_end(*session);
}

/**
 * port_withdraw() - before a claim of VFs that the guest names itself: their networks' offers are not what they were
 *
 * Return: 0 or a negative errno value.
 */
int port_withdraw(int root, const struct plan *plan, struct error *error) must_check nonnull(2, 3);

/**
 * port_look() - find out what would make port_open() choose again
 *
 * Where that is not to be known, a note says so.
 */
void port_look(int root, struct plan *plan, struct error *error) nonnull(2, 3);

/**
 * port_close() - before a guest's claim goes: offers of what libvirt does not tell of are not what they were
 *
 * Never fails: what went wrong is a note.
 */
void port_close(int root, const struct claim *claim, struct error *error) nonnull(2, 3);

#endif
