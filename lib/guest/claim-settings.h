/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * claim-settings - what is set on the VFs of a claim: as they were, as they are to be, and as they were again
 *
 * Theory of operation
 *
 * libvirt sets an interface's MAC address and VLAN between prepare and start, and puts both back between stopped and
 * release. What it sets besides, and what else anybody changes, is put back here. What was set is recorded in the claim
 * when the claim is made, and where libvirt gives another VF than was claimed, by its network hook, before libvirt
 * changes anything. It is recorded once, and stays as long as the claim has the VF. At start, what is wanted is set. A
 * VF leaves a claim when it is as it was (handback.h); killed at any point before, the claim is there, and so is the
 * record.
 */
#ifndef VFPOOL_CLAIM_SETTINGS_H
#define VFPOOL_CLAIM_SETTINGS_H

#include "claim.h"
#include "error.h"

/**
 * claim_settings_record() - record what is set on VFs of a claim of which that is not known
 * @address: of one of them; NULL: of each
 * @started: libvirt may have set MAC addresses and VLANs, and puts them back: they are left out
 *
 * Return: whether anything was recorded; or a negative errno value when it cannot be known of a VF for which settings
 * are wanted. That of others is not known then, and not put back.
 */
int claim_settings_record(int root, struct claim *claim, const struct pciaddr *address, bool started,
                          struct error *error) must_check nonnull(2, 5);

/**
 * claim_settings_apply() - set what is wanted of VFs of a claim
 * @address: of one of them; NULL: of each
 * @started: libvirt has set MAC addresses and VLANs; else all is set but these
 *
 * Return: 0; or a negative errno value, with what the card did not take: then all are set as they were.
 */
int claim_settings_apply(int root, const struct claim *claim, const struct pciaddr *address, bool started,
                         struct error *error) must_check nonnull(2, 5);

/**
 * claim_settings_restore() - set a VF to what was recorded
 *
 * @running: the guest has it, and goes on with it: MAC address and VLAN are libvirt's, which puts them back at the end
 *
 * A VF that is gone, and one of which nothing is recorded, is as it was.
 *
 * Return: 1 when something was set; 0; of one that no guest is @running with -EBUSY when a process has it open, and
 * something would have to be set; or what setting it says.
 */
int claim_settings_restore(int root, const struct claim_vf *vf, bool running, struct error *error) must_check
    nonnull(2, 4);

/** claim_settings_foresee() - what claim_settings_restore() would return, if the card took it; sets nothing */
int claim_settings_foresee(int root, const struct claim_vf *vf, bool running, struct error *error) must_check
    nonnull(2, 4);

#endif
