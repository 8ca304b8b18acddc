/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* shortage - why a guest's request got no VF: what stands in the way of each VF of the pool, and who holds it */
#ifndef VFPOOL_SHORTAGE_H
#define VFPOOL_SHORTAGE_H

#include <stddef.h>

#include "error.h"
#include "ledger.h"
#include "plan.h"

/**
 * shortage_describe() - say it in one line
 * @plan:  after choose() that failed; exhausted is set where the request was for any VF of a pool
 * @index: of the request
 *
 * Return: -EBUSY, or another negative errno value when the ledger cannot be read.
 */
int shortage_describe(struct plan *plan, size_t index, struct ledger *ledger, struct error *error) must_check
    nonnull(1, 3, 4);

#endif
