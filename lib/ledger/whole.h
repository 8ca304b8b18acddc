/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whole - PFs that guests have as they are
 *
 * A PF that is bound to VFIO takes its VFs along. So a guest that asks for a PF of a pool by its address claims it as
 * it would a VF, under the PF's own address (claim.h), and as long as it has it nobody is given one of its VFs.
 */
#ifndef VFPOOL_WHOLE_H
#define VFPOOL_WHOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "claim.h"
#include "domain.h"
#include "host.h"
#include "ledger.h"
#include "pciaddr.h"
#include "vf.h"

/* A PF that a guest asks for. */
struct whole {
    const struct request *request;
    const struct vf_table *table; /* of the first pool that has its VFs */
    uint16_t pf;                  /* index into the table's */
};

/** whole_pf() - the PF that is asked for */
static inline const struct host_pf *whole_pf(const struct whole *whole)
{
    return &whole->table->pfs[whole->pf];
}

/**
 * whole_find() - the PF that a request is for, if it is one of the table's
 *
 * Who has it by macvtap shares it with its VFs, and leaves it to its driver.
 *
 * Return: whether it is one.
 */
bool whole_find(const struct vf_table *table, const struct request *request, uint16_t *pf) must_check nonnull(1, 2, 3);

/**
 * whole_holder() - which guest has a PF
 * @except: a guest's UUID, which does not count; NULL: each does
 *
 * Return: what to say behind the PF's name ("is held whole by guest 'g2'"), also where that cannot be read, which the
 * caller frees; NULL: none has it.
 */
char *whole_holder(struct ledger *ledger, const struct pciaddr *pf, const char *except) must_check nonnull(1, 2);

/**
 * whole_rival() - which other guest has a PF, or one of its VFs
 * @uuid: the guest's that is to have the PF
 *
 * Return: a clause ("guest 'g1' has its VF 0000:01:10.0"), which the caller frees; NULL: none.
 */
char *whole_rival(struct ledger *ledger, const struct host *host, const struct host_pf *pf, const char *uuid) must_check
    nonnull(1, 2, 3, 4);

/**
 * whole_mark() - the VFs of PFs that guests have are not to be had, and those of others are no longer marked so
 * @taken:  ledger_taken()'s
 * @except: as whole_holder()'s
 */
void whole_mark(struct ledger *ledger, struct vf_table *table, const struct pciaddr_set *taken, const char *except)
    nonnull(1, 2, 3);

/** whole_ask() - of a PF that the guest itself asks for, no VF is to be had either; until the next whole_mark() */
void whole_ask(struct vf_table *table, const struct whole *whole) nonnull(1, 2);

/**
 * whole_missing() - which PFs a pool lacks now as guests have them
 *
 * Return: clauses, which the caller frees; NULL: none, or that cannot be read.
 */
char *whole_missing(struct ledger *ledger, const struct vf_table *table) must_check nonnull(1, 2);

/** whole_entry() - the claim's entry of a PF, whose texts stay the table's */
struct claim_vf whole_entry(const struct whole *whole) must_check nonnull(1);

#endif
