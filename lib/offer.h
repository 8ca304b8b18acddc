/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * offer - which VFs of a pool's network libvirt may give as it likes
 *
 * Theory of operation
 *
 * A network is either held or offered. On a held one every VF has a port of ours, but for the moments in which a
 * guest's own ones are open (port.h, turn.h). On an offered one every VF that a guest might get has none, in the steady
 * state: libvirt gives the first of them by itself, its network hook tells which, and the claim follows (allocation.h).
 * So a start and a stop call libvirt not at all, and what is plugged into a running guest works as on libvirt's own
 * pool. Only VFs that not every guest should get are held: such as are of no use now, such as a guest has by their
 * addresses, and such as are reserved for a guest. These last ones are in the file also while their guest has them, so
 * that the offer is withdrawn, and they are held again, when it lets go of them.
 *
 * That is so as long as the hooks are called (witness.h); the file of a network, run/vfpool/offers/NETWORK, has the
 * mark of the witness, and which VFs are held. Who changes ports, or makes a claim that libvirt is not to follow,
 * withdraws the offer before, and it is made again by who has looked at all of them: reconcile, or settling.
 */
#ifndef VFPOOL_OFFER_H
#define VFPOOL_OFFER_H

#include <stdbool.h>

#include "error.h"
#include "ledger.h"
#include "pciaddr.h"

#define OFFER_DIRECTORY LEDGER_DIRECTORY "/offers" /* a file for each network */

/** offer_exists() - whether the network is an offered one, even if the offer is withdrawn now */
bool offer_exists(int root, const char *network) must_check nonnull(2);

/** offer_is_watched() - whether it is one, and libvirt's hooks tell of what it gives */
bool offer_is_watched(int root, const char *network) must_check nonnull(2);

/**
 * offer_read() - the offer of a network that holds now
 * @held: the VFs that are not in it; the caller frees with pciaddr_set_free()
 *
 * Return: false when there is none, or it was withdrawn, or its witness is not to be relied on.
 */
bool offer_read(int root, const char *network, struct pciaddr_set *held) must_check nonnull(2, 3);

/** offer_is_made() - whether the network has an offer that is not withdrawn, whatever its witness is worth now */
bool offer_is_made(int root, const char *network) must_check nonnull(2);

/** offer_is_due() - whether any network is an offered one, and its offer is withdrawn or old */
bool offer_is_due(int root) must_check;

/**
 * offer_make() - from now on libvirt may give all VFs of the network but those
 * @mark: of the witness, from before the ports were looked at
 *
 * Return: 0 or a negative errno value.
 */
int offer_make(int root, const char *network, const char *mark, const struct pciaddr *held, size_t count,
               struct error *error) must_check nonnull(2, 3, 6);

/** offer_withdraw() - nobody relies on the offer from now on; where there is none, nothing. Return: 0 or a negative
 * errno value. */
int offer_withdraw(int root, const char *network, struct error *error) must_check nonnull(2, 3);

/** offer_withdraw_all() - the same of each network's. Return: 0 or a negative errno value. */
int offer_withdraw_all(int root, struct error *error) must_check nonnull(2);

/** offer_end() - the network is a held one */
void offer_end(int root, const char *network) nonnull(2);

#endif
