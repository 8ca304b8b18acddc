/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * handback - VFs leave their guest's claim, once they are set as they were
 *
 * One that cannot be set so stays in the claim, stuck, with the reason: nobody gets it, whatever becomes of the guest,
 * until it is given back in vain no more (reconcile), or a person releases it.
 */
#ifndef VFPOOL_HANDBACK_H
#define VFPOOL_HANDBACK_H

#include "claim.h"
#include "error.h"
#include "ledger.h"

/**
 * handback_try() - set VFs of a claim as they were
 * @address: of one of them; NULL: all
 *
 * Those that could not be are stuck then. One that another guest holds by now, whatever this one's file says, is left
 * alone.
 *
 * Return: how many are stuck.
 */
size_t handback_try(struct ledger *ledger, int root, struct claim *claim, const struct pciaddr *address,
                    struct error *error) must_check nonnull(1, 3, 5);

/** handback_keep() - add the VFs that are stuck in @old to a new claim of the guest; a NULL claim has none */
void handback_keep(const struct claim *old, struct claim *claim) nonnull(2);

/**
 * handback_guest() - all that a guest has goes back
 *
 * Return: 0, also when some are stuck, which is a note; or a negative errno value.
 */
int handback_guest(struct ledger *ledger, int root, const char *uuid, struct error *error) must_check nonnull(1, 3, 4);

/**
 * handback_vf() - one of a guest's VFs goes back
 * @stuck: whether it could not
 *
 * Return: 0 or a negative errno value.
 */
int handback_vf(struct ledger *ledger, int root, struct claim *claim, const struct pciaddr *address, bool *stuck,
                struct error *error) must_check nonnull(1, 3, 4, 5, 6);

#endif
