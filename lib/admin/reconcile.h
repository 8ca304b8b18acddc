/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* reconcile - make ledger, libvirt's networks and their ports agree; what was done, or would be, is added to @done */
#ifndef VFPOOL_RECONCILE_H
#define VFPOOL_RECONCILE_H

#include <stdbool.h>

#include "error.h"
#include "pool.h"

/*
 * So many seconds for what libvirt is asked, all in all: the turn of one network (TURN_WAIT_MS), and as long as its
 * list of guests may take (GATE_LIST_MS). Past it nothing more is begun; the network at hand is finished, as one that
 * was ended and not started again has no guests' ports: each call as late as it may be, and guests that are waited for.
 * After one call that is not answered in time there is none any more.
 */
#define RECONCILE_S 150
#define RECONCILE_FINISH_S 105

/**
 * reconcile() - repair what a crash left behind, and set up what is missing
 * @dry_run: say what would be done, and do nothing
 * @wait_s:  so many seconds at most for libvirt to answer: it does not while it starts its guests (F12); 0: the time
 *           of a call
 *
 * In this order: PFs get what the pool files ask for (sriov.h); links of the ledger that say nothing go,
 * missing ones come back; claims of guests that are gone are dropped, and of those that run what they never got; VFs
 * that libvirt gave to running guests without a claim are claimed; each pool's network is defined, started and
 * autostarted; every VF of it that is not a guest's is open or blocked (offer.h); guests that wait for that are started
 * (autostart.h).
 *
 * It takes @wait_s and a call, SRIOV_WAIT_S (sriov.h), RECONCILE_S, RECONCILE_FINISH_S and AUTOSTART_S at most, and
 * what this host needs to set VFs. What libvirt's silence kept it from is one failure, which names it.
 *
 * Where libvirt cannot be asked, a guest counts as gone as absent.h says. A claim stays as long as libvirt has a port
 * of its guest's, or, running, does not say.
 *
 * Return: 0 or a negative errno value.
 */
int reconcile(int root, bool dry_run, int wait_s, struct lines *done, struct error *error) must_check nonnull(4, 5);

/**
 * reconcile_try() - what reconcile() would do if a pool had another file, or none
 * @pool: as it would be; freed; NULL: none is another one
 * @gone: the name of the one without a file; NULL: none is
 *
 * Return: as reconcile().
 */
int reconcile_try(int root, struct pool *pool, const char *gone, struct lines *done, struct error *error) must_check
    nonnull(4, 5);

/**
 * reconcile_boot() - give PFs what the pool files ask for, before libvirt starts; libvirt is not asked, as it would be
 * started for that, and wait for this
 * @wait_s: for PFs that come late, and for all of it, seconds
 *
 * Return: 0, or a negative errno value when a PF is not as it should be; the others are.
 */
int reconcile_boot(int root, bool dry_run, int wait_s, struct lines *done, struct error *error) must_check
    nonnull(4, 5);

/**
 * reconcile_offers() - set the ports of networks whose offer is withdrawn, and offer their free VFs again
 * @dry_run: say what would be done if the offers of all were withdrawn, and do nothing
 *
 * Claims of guests that are gone for certain (absent.h), and have no port in libvirt, are dropped before that.
 *
 * It takes RECONCILE_S and RECONCILE_FINISH_S at most.
 *
 * Return: as reconcile().
 */
int reconcile_offers(int root, bool dry_run, struct lines *done, struct error *error) must_check nonnull(3, 4);

/**
 * reconcile_open() - open every VF that vfpool blocks on libvirt's networks: libvirt picks by itself
 * @settings: put back what was set on the VFs of guests as well, as nobody will when vfpool is gone; but for MAC
 * address and VLAN of guests that run, which are libvirt's
 *
 * It takes as long as reconcile_offers() at most, and what this host needs to set VFs.
 *
 * Return: as reconcile().
 */
int reconcile_open(int root, bool settings, bool dry_run, struct lines *done, struct error *error) must_check
    nonnull(4, 5);

#endif
