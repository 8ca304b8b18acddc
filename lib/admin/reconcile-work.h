/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* reconcile-work - what the parts of reconcile share */
#ifndef VFPOOL_RECONCILE_WORK_H
#define VFPOOL_RECONCILE_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "claim.h"
#include "error.h"
#include "gate.h"
#include "host.h"
#include "pool.h"
#include "vf.h"

struct work {
    int root;
    bool dry_run;
    struct lines *done;
    struct error *error;
    struct error failure; /* the last one; those before are notes */
    /* The end of all calls of libvirt, of io_now_ms(): past it, or once it was silent, none is begun any more. */
    int64_t deadline;
    bool silent;
    struct error silence; /* the one failure of it, said at the end */
    char *passed;         /* what was not looked at for that, as words; NULL: nothing */
    struct host host;
    struct pools pools;
    struct pool *instead; /* of a dry run: a pool as it would be, which goes into the pools; NULL: none */
    const char *gone;     /* of a dry run: one that would be gone; NULL: none */
    struct vf_table *tables;
    /* What was true at one time after another, each before the next: */
    struct claim **claims;
    size_t claim_count;
    struct gate_ports *ports; /* of each pool; NULL: libvirt was not asked */
    bool *listed;             /* of each pool: libvirt said what ports its network has */
    bool changed;             /* claims: of guests that were gone, and of those that had none */
    bool again;               /* offers are made a second time, and were said the first */
    char *guests;             /* the answer to "domains"; NULL: there was none */
};

/** work_fail() - remember what went wrong; the others go on */
void work_fail(struct work *work, const struct error *problem) nonnull(1, 2);

/** work_may_ask() - whether another call of libvirt may be begun */
bool work_may_ask(struct work *work) must_check nonnull(1);

/** work_time() - so many milliseconds, or what is left to the deadline if that is less; at least one */
int work_time(const struct work *work, int most_ms) must_check nonnull(1);

/** work_heard() - what a call of libvirt returned: -ETIMEDOUT means that it is silent. Return: @result */
int work_heard(struct work *work, int result) nonnull(1);

/** work_ask() - as gate_ask(), until @deadline or the work's, and @most_ms at most */
int work_ask(struct work *work, const char *const *arguments, const char *input, int64_t deadline, int most_ms,
             char **answer, struct error *error) must_check nonnull(1, 2, 6, 7);

/** work_pass() - remember what is not looked at, as libvirt is not asked any more; once is enough */
void work_pass(struct work *work, const char *what) nonnull(1, 2);

/** work_is_gone() - whether a claim's guest did not run when libvirt was asked after the claim was read */
bool work_is_gone(const struct work *work, const struct claim *claim) must_check nonnull(1, 2);

/** work_has_guest() - whether libvirt said "running UUID" or "defined UUID" of a guest; @word is one of the gate's */
bool work_has_guest(const struct work *work, const char *word, const char *uuid) must_check nonnull(1, 2, 3);

/**
 * reconcile_define() - have libvirt have a pool's network as the pool wants it, or, in a dry run, say so
 * @vfs: how many it has then; a dry run counts those that would be made
 *
 * Return: 0, 1 when there was no such network, 2 when it is another one now, or a negative errno value.
 */
int reconcile_define(struct work *work, const struct vf_table *table, size_t *vfs, struct error *error) must_check
    nonnull(1, 2, 3, 4);

/**
 * reconcile_networks() - each pool's network as the pool wants it, and each VF with a port or offered; see struct work
 * @withdrawn: of those only whose offer is withdrawn
 */
void reconcile_networks(struct work *work, bool withdrawn) nonnull(1);

/** reconcile_adopt() - claim what libvirt gave to running guests without a claim. Return: whether any has one now. */
bool reconcile_adopt(struct work *work) must_check nonnull(1);

/** reconcile_again() - look once more at the ports of networks that are offered */
void reconcile_again(struct work *work) nonnull(1);

/** reconcile_open_networks() - every VF that vfpool blocks goes back to libvirt's own choice; @all: of pools, too, and
 * not of networks alone whose pool file is gone */
void reconcile_open_networks(struct work *work, bool all) nonnull(1);

#endif
