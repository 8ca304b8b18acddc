/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* reconcile-work - what the parts of reconcile share */
#ifndef VFPOOL_RECONCILE_WORK_H
#define VFPOOL_RECONCILE_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "claim.h"
#include "error.h"
#include "gate.h"
#include "host.h"
#include "pool.h"
#include "vf.h"

struct work {
    int root;
    bool dry_run;
    struct error *error;  /* what was done is in its notes */
    struct error failure; /* the last one; those before are notes */
    struct host host;
    struct pools pools;
    struct vf_table *tables;
    /* What was true at one time after another, each before the next: */
    struct claim **claims;
    size_t claim_count;
    struct gate_ports *ports; /* of each pool; NULL: libvirt was not asked */
    bool *unpruned; /* of each pool: a port of a guest that is gone may be left, of which only the claim tells */
    bool dropped;   /* claims of guests that were gone */
    char *guests;   /* the answer to "domains"; NULL: there was none */
};

/** work_note() - say what was done, or would be */
void work_note(struct work *work, const char *format, ...) nonnull(1, 2) printf_like(2, 3);

/** work_fail() - remember what went wrong; the others go on */
void work_fail(struct work *work, const struct error *problem) nonnull(1, 2);

/** work_is_gone() - whether a claim's guest did not run when libvirt was asked after the claim was read */
bool work_is_gone(const struct work *work, const struct claim *claim) must_check nonnull(1, 2);

/** work_has_guest() - whether libvirt said "running UUID" or "defined UUID" of a guest; @word is one of the gate's */
bool work_has_guest(const struct work *work, const char *word, const char *uuid) must_check nonnull(1, 2, 3);

/**
 * reconcile_networks() - each pool's network as the pool wants it, and each VF with a port or offered; see struct work
 * @withdrawn: of those only whose offer is withdrawn
 */
void reconcile_networks(struct work *work, bool withdrawn) nonnull(1);

/** reconcile_again() - look once more at the ports of networks that are offered */
void reconcile_again(struct work *work) nonnull(1);

/** reconcile_open_networks() - every VF that vfpool holds goes back to libvirt's own choice; @all: of pools, too, and
 * not of networks alone whose pool file is gone */
void reconcile_open_networks(struct work *work, bool all) nonnull(1);

#endif
