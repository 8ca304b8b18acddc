/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * port - how one guest gets its VFs: those that libvirt gives by itself, or its own, whose network ports are freed at
 * prepare and held again at release
 *
 * Theory of operation
 *
 * The port of a VF on its pool's network is in one of these states. libvirt gives a guest the first VF that is open.
 * Where its hooks tell which, free VFs are offered, and the claim follows (offer.h, allocation.h); else one guest's VFs
 * are open at a time, in that guest's turn (turn.h).
 *
 *   state    libvirt's port  claim    becomes  by whom, under which lock
 *   offered  none            none,    given    libvirt, when a guest starts or is plugged an interface: the network
 *                            claimed           hook gives the VF its claim
 *                                     held     port_open() of a guest that needs a VF behind it, with the turn, once no
 *                                              guest awaits what is offered; reconcile and settling, with the turn, of
 *                                              what is of no use
 *   held     ours            none     offered  reconcile and settling, with the turn
 *                                     open     port_open() at prepare, once the claim is there, with the turn of the
 *                                              network, which is written down before
 *   open     none            claimed  given    libvirt, when the guest starts; the turn ends at start, where the claim
 *                                              becomes held
 *                                     held     port_open() that fails, of what it opened itself; port_return() at
 *                                              start, of what libvirt did not take; port_close() at release of a
 *                                              guest that did not start: holding needs no turn
 *   given    the guest's     held     offered  libvirt, at stop or unplug, where free VFs are: the claim loses it
 *                                     leaving  port_leave() at stopped, when no VF of the network is open
 *   leaving  the guest's,    held     held     port_close() at release, before the claim goes; port_left() after that
 *            then none
 *
 * A VF that a guest asks for by its address has no port of the guest's: it stays held all the time (F23);
 * one that was offered withdraws the offer, and is held when that is made again.
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

/* How a guest gets its VFs. */
enum port_way {
    PORT_NONE,    /* libvirt is not there, or the guest asks for nothing that it gives */
    PORT_BLIND,   /* libvirt cannot be called now (F12): it gives what is open, whatever that is */
    PORT_OFFERED, /* libvirt gives the first VFs of the offer by itself (offer.h) */
    PORT_ALONE,   /* the guest's own VFs are opened, in its turn, and no others */
};

struct port_session;

/**
 * port_begin() - find out how the guest gets its VFs, and wait for its turns
 * @plan:    loaded; it has to outlive the session
 * @alone:   not of the offers, as what was chosen is not what they come to
 * @session: the caller ends it with port_end()
 *
 * Return: 0; -EAGAIN when too many others are being started; or another negative errno value.
 */
int port_begin(int root, struct plan *plan, bool alone, struct port_session **session, struct error *error) must_check
    nonnull(2, 4, 5);

enum port_way port_way(const struct port_session *session) must_check nonnull(1);

/**
 * port_is_offered() - whether libvirt gives, of all that is open, just what the plan chose
 *
 * Another guest may be given one of them first; then this one gets that guest's, and both claims follow. Of a way that
 * is not PORT_OFFERED the answer is yes. To be called with the ledger locked, before the claim.
 */
bool port_is_offered(const struct port_session *session) must_check nonnull(1);

/**
 * port_open() - let libvirt give the guest just what the plan chose for its interfaces
 *
 * The plan is chosen, and claimed in the ledger. Where the guest's VFs are opened alone, every other VF that libvirt
 * might give before them is held, and the chosen ones are freed.
 *
 * Return: 0; -EBUSY when libvirt has given one of them to somebody whom the ledger does not know: that is in the plan
 * now, so that it chooses another; -ETIMEDOUT when libvirt is silent; or another negative errno value, then what was
 * freed is held again.
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
 * port_return() - hold what was opened for a guest and is not among what it has now
 * @before: its claim until now
 * @now:    its claim; NULL: nothing
 *
 * Never fails: the next guest's port_open() holds what is not. What went wrong is a note.
 */
void port_return(int root, const struct claim *before, const struct claim *now, struct error *error) nonnull(2, 4);

/**
 * port_was_unseen() - whether libvirt gave a guest VFs of the offer, and its network hook did not tell
 * @before: the guest's claim when it starts
 *
 * Then no offer is relied on any more.
 */
bool port_was_unseen(int root, const struct claim *before) must_check nonnull(2);

/**
 * port_leave() - before libvirt frees the ports of a guest that stops: not while it may give a VF to another guest
 *
 * Never fails. port_close() and port_left() follow.
 */
void port_leave(int root, const struct claim *claim) nonnull(2);

/**
 * port_close() - hold a guest's VFs again where they are not offered, before its claim goes
 *
 * Never fails: the next guest's port_open() holds what is not. What went wrong is a note.
 */
void port_close(int root, const struct claim *claim, struct error *error) nonnull(2, 3);

/** port_left() - the guest's claim is gone, if it can go: whoever waits for its end is let in, and finds its VFs free
 */
void port_left(int root, const char *uuid) nonnull(2);

#endif
