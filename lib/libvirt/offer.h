/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * offer - which VFs of a pool's network are open: libvirt may give them as it likes
 *
 * Theory of operation
 *
 * In the steady state every VF that a guest might get is open: it has no port of ours, libvirt gives the first of them
 * by itself, its network hook tells which, and the claim follows (allocation.h). So a start and a stop call libvirt not
 * at all, and what is plugged into a running guest works as on libvirt's own pool. Only VFs that not every guest should
 * get are blocked: such as are of no use now, such as a guest has by their addresses, and such as are reserved for a
 * guest. These last ones are in the offer also while their guest has them, so that it is withdrawn, and they are
 * blocked again, when it lets go of them. For a guest that is to have others than the first ones, those before them are
 * blocked: the offer is narrowed, until it is made anew.
 *
 * The offer of a network is its file, run/vfpool/offers/NETWORK: the mark of the witness (witness.h), by which it is
 * old as soon as libvirt forgets what it gave, and the VFs that are blocked. Who changes ports, or makes a claim that
 * libvirt is not to follow, withdraws it before, and it is made again by who has looked at all of the VFs: reconcile,
 * or settling. Others withdraw it meanwhile, without the network's turn, as what was looked at is another thing then:
 * each withdrawal is a file of its own, and an offer takes the place of its maker's alone.
 */
#ifndef VFPOOL_OFFER_H
#define VFPOOL_OFFER_H

#include <stdbool.h>

#include "error.h"
#include "io.h"
#include "ledger.h"
#include "pciaddr.h"

#define OFFER_DIRECTORY LEDGER_DIRECTORY "/offers" /* a file for each network */
#define OFFER_AWAIT_MS                                                                                                 \
    30000 /* for libvirt to give its VF to a guest that claims it; then that guest counts as gone                      \
           */

/**
 * offer_read() - the offer of a network
 * @blocked: the VFs that are not in it; the caller frees with pciaddr_set_free()
 *
 * Return: false when there is none that holds now: it was withdrawn, or is old.
 */
bool offer_read(int root, const char *network, struct pciaddr_set *blocked) must_check nonnull(2, 3);

/**
 * offer_is_due() - whether an offer is to be made anew: of this network, or, NULL, of any that ever had one
 *
 * Not a narrowed one, as long as guests wait for libvirt to give them what they claim of it.
 */
bool offer_is_due(int root, const char *network) must_check;

/** offer_withdraw() - nobody relies on the offer from now on; where there is none, nothing. Return: 0 or a negative
 * errno value. */
int offer_withdraw(int root, const char *network, struct error *error) must_check nonnull(2, 3);

/**
 * offer_begin() - the same, for who is going to make it; where there was none, one is due from now on
 * @stamp: of this withdrawal
 *
 * Return: 0 or a negative errno value.
 */
int offer_begin(int root, const char *network, char stamp[IO_STAMP_SIZE], struct error *error) must_check
    nonnull(2, 3, 4);

struct offer {
    const char *mark;  /* of the witness, from before the ports were looked at */
    const char *stamp; /* of offer_begin(), from before claims and ports were looked at */
    const struct pciaddr *blocked;
    size_t count;
    bool narrowed; /* it is due again at once */
};

/**
 * offer_make() - from now on libvirt may give all VFs of the network but those
 *
 * Return: 0; 1 when somebody has withdrawn it meanwhile: there is none; or a negative errno value.
 */
int offer_make(int root, const char *network, const struct offer *offer, struct error *error) must_check
    nonnull(2, 3, 4);

/** offer_withdraw_all() - the same of each network's. Return: 0 or a negative errno value. */
int offer_withdraw_all(int root, struct error *error) must_check nonnull(2);

/** offer_end() - the network is no pool's any more */
void offer_end(int root, const char *network) nonnull(2);

#endif
