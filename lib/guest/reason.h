/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* reason - why a guest has just this VF: one clause, which is kept with its claim and told by the history */
#ifndef VFPOOL_REASON_H
#define VFPOOL_REASON_H

#include "assignment.h"
#include "claim.h"

/**
 * reason_of_choice() - what a VF was chosen by, and what was passed over, counted by kind
 * @choice: granted, at once after it was
 *
 * "separate='prefer' numa='prefer' sticky='no' order='first'; passed over: 3 held by guests, 4 whose PF is down
 * (eth3)": of the whole pool, as one behind the chosen VF would have come before it by many a policy. It looks at no
 * VF: what the choice did not need to know is not said. Nor is what has no room in @text any more.
 */
void reason_of_choice(const struct assignment *choice, char text[CLAIM_REASON_SIZE]) nonnull(1, 2);

/**
 * reason_of_gift() - libvirt gave a VF that was not chosen
 * @awaited: instead of this one; NULL: of none
 * @state:   the guest's; one that is held was running
 */
void reason_of_gift(const struct claim_vf *awaited, enum claim_state state, char text[CLAIM_REASON_SIZE]) nonnull(3);

#endif
