/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plan - what a guest asks for, and which VFs it would get at this moment */
#ifndef VFPOOL_PLAN_H
#define VFPOOL_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "choose.h"
#include "claim.h"
#include "domain.h"
#include "error.h"
#include "host.h"
#include "ledger.h"
#include "pool.h"
#include "settings.h"
#include "vf.h"
#include "whole.h"

enum plan_kind {
    PLAN_START,  /* prepare: every interface on a pool, and every device of a pool that is asked for by its address */
    PLAN_FILTER, /* migrate and restore: hostdev interfaces of a pool keep their VF, or get another of that pool */
    PLAN_ADOPT,  /* start and reconnect: the devices of pools that the guest has, as they are */
};

struct plan {
    int root;
    enum plan_kind kind;
    struct domain domain;
    struct host host;
    struct pools pools;
    struct vf_table *tables; /* of each pool */
    size_t count;            /* of the domain's requests for VFs of pools, in their order */
    const struct request **requests;
    struct assignment *choices; /* of each request */
    struct whole *wholes;       /* the PFs that it asks for, whose VFs are a pool's; not among the requests above */
    size_t whole_count;
    struct settings *wanted; /* of each request's VF; of PLAN_START alone */
    const struct pool
        *exhausted; /* after -EBUSY: the pool that has no VF for a request of any; NULL: it is another's */
};

/**
 * plan_load() - read the domain, and what the pools have for it
 * @plan:  the caller frees with plan_free(), also after a failure
 * @draft: as domain_read()'s
 *
 * Takes no lock. A guest without an interface on a pool and without a PCI device costs one parse.
 *
 * Return: 0 or a negative errno value.
 */
int plan_load(struct plan *plan, int root, enum plan_kind kind, bool draft, const char *data, size_t length,
              struct error *error) must_check nonnull(1, 5, 7);
void plan_free(struct plan *plan) nonnull(1);

/** plan_table() - the VFs of a pool, as the plan sees them */
static inline struct vf_table *plan_table(const struct plan *plan, const struct pool *pool)
{
    return &plan->tables[pool - plan->pools.pools];
}

/** plan_is_empty() - whether the guest asks for nothing of a pool */
static inline bool plan_is_empty(const struct plan *plan)
{
    return plan->count == 0 && plan->whole_count == 0;
}

/** plan_has() - whether a request of the domain concerns a pool in service */
bool plan_has(const struct plan *plan, const struct request *request) must_check nonnull(1, 2);

/**
 * plan_choose() - choose VFs for all requests, or none
 * @ledger: locked
 * @own:    what the guest holds already, which counts as free; may be NULL
 *
 * Return: 0; -EBUSY, with every obstacle and holder, when a request cannot be granted; or another negative errno value.
 */
int plan_choose(struct plan *plan, struct ledger *ledger, const struct claim *own, struct error *error) must_check
    nonnull(1, 2, 4);

/**
 * plan_take_left() - give back what guests that are gone have left claimed of the VFs that were chosen (absent.h), and
 * withdraw the offers of their pools
 * @ledger: locked for writing
 *
 * Return: 0 or a negative errno value.
 */
int plan_take_left(const struct plan *plan, struct ledger *ledger, struct error *error) must_check nonnull(1, 2, 3);

/**
 * plan_is_exact() - whether the guest must have just the VFs that are chosen for it: where the pool, or the guest,
 * requires a near PF or different ones, and there are others; where two of its interfaces have the same MAC address,
 * which one PF does not take; and where VFs are reserved for it
 *
 * Else what is chosen is the best of what there is, and any will do.
 */
bool plan_is_exact(const struct plan *plan) must_check nonnull(1);

/** plan_claim() - the plan's choice as a claim, which the caller frees with claim_free(); never NULL */
struct claim *plan_claim(const struct plan *plan) must_check nonnull(1);

/**
 * plan_format() - the domain XML with the chosen VFs
 * @text: the caller frees it; NULL when nothing changes
 */
int plan_format(const struct plan *plan, int root, const char *operation, char **text, size_t *length,
                struct error *error) must_check nonnull(1, 3, 4, 5, 6);

#endif
