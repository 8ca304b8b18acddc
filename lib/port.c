/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "port.h"

#include <errno.h>
#include <string.h>

#include "gate.h"
#include "memory.h"
#include "turn.h"

static int compare_pools(const void *a, const void *b)
{
    return strcmp((*(const struct pool *const *)a)->name, (*(const struct pool *const *)b)->name);
}

/* The pools that the guest's interfaces are on, in the order of their names: the order that all take turns in. */
static size_t list_pools(const struct plan *plan, const struct pool **pools)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct pool *pool = plan->choices[i].table->pool;
        size_t known = 0;
        while (known < count && pools[known] != pool)
            known++;
        if (plan->requests[i]->type == REQUEST_NETWORK && known == count)
            pools[count++] = pool;
    }
    qsort(pools, count, sizeof *pools, compare_pools);
    return count;
}

static bool is_opened(const struct plan *plan, const struct vf *vf)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->choices[i].granted == vf)
            return plan->requests[i]->type == REQUEST_NETWORK;
    return false;
}

static int set_ports(int root, const struct plan *plan, const struct pool *pool, bool open, struct error *error)
{
    const struct vf_table *table = &plan->tables[pool - plan->pools.pools];
    _cleanup_(cleanup_free) struct pciaddr *addresses = memory_new(table->vf_count, sizeof *addresses);
    struct gate_set hold = {.addresses = addresses}, free_set = {0};
    /* From the front those to hold, from the back those to free. */
    free_set.addresses = addresses + table->vf_count;
    for (size_t i = 0; i < table->vf_count; i++) {
        const struct vf *vf = &table->vfs[i];
        if (open && is_opened(plan, vf)) {
            *--free_set.addresses = vf->address;
            free_set.count++;
        } else {
            addresses[hold.count++] = vf->address;
        }
    }
    return gate_set(root, pool->name, &hold, &free_set, error);
}

static int check_usable(int root, struct error *error)
{
    int usable = gate_usable(root, error);
    return usable < 0 ? usable : 0;
}

static int open_pool(int root, const struct plan *plan, const struct pool *pool, struct error *error)
{
    struct turn *turn = NULL;
    int result = turn_take(root, pool->name, check_usable, &turn, error);
    /* Written down first: whoever comes next must know, even if this process is killed in between. */
    if (result == 0)
        result = turn_open(turn, plan->domain.uuid, error);
    if (result == 0)
        result = set_ports(root, plan, pool, true, error);
    turn_close(turn);
    return result;
}

int port_open(int root, const struct plan *plan, struct error *error)
{
    _cleanup_(cleanup_free) const struct pool **pools = memory_new(plan->count, sizeof *pools);
    size_t count = list_pools(plan, pools), done = 0;
    int result = count ? gate_usable(root, error) : 0;
    if (result <= 0)
        return result;
    for (result = 0; done < count && result == 0; done++)
        result = open_pool(root, plan, pools[done], error);
    struct error problem = {0};
    for (size_t i = 0; result < 0 && result != -ETIMEDOUT && i < done; i++)
        if (set_ports(root, plan, pools[i], false, &problem) < 0)
            break;
    return result;
}

static bool is_first_of_pool(const struct claim *claim, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(claim->vfs[i].pool, claim->vfs[index].pool) == 0)
            return false;
    return true;
}

/* The pool whose name follows @after in the order that all take turns in; NULL: there is none. */
static const char *next_pool(const struct claim *claim, const char *after)
{
    const char *next = NULL;
    for (size_t i = 0; i < claim->vf_count; i++) {
        const char *pool = claim->vfs[i].pool;
        if ((!after || strcmp(pool, after) > 0) && (!next || strcmp(pool, next) < 0))
            next = pool;
    }
    return next;
}

void port_leave(int root, const struct claim *claim)
{
    struct error problem = {0};
    /* One that never started has its turn still, which lasts until its release. */
    if (claim->state != CLAIM_HELD || gate_usable(root, &problem) <= 0)
        return;
    for (const char *pool = next_pool(claim, NULL); pool; pool = next_pool(claim, pool))
        if (turn_leave(root, pool, claim->uuid, check_usable, &problem) < 0)
            return;
}

void port_close(int root, const struct claim *claim, struct error *error)
{
    _cleanup_(cleanup_free) struct pciaddr *addresses = memory_new(claim->vf_count, sizeof *addresses);
    struct error problem = {0};
    int usable = gate_usable(root, &problem);
    for (size_t i = 0; i < claim->vf_count && usable > 0; i++) {
        const char *pool = claim->vfs[i].pool;
        struct gate_set hold = {.addresses = addresses};
        if (!is_first_of_pool(claim, i))
            continue;
        for (size_t j = i; j < claim->vf_count; j++)
            if (strcmp(claim->vfs[j].pool, pool) == 0)
                addresses[hold.count++] = claim->vfs[j].address;
        /* -ENOENT: a pool without a network of libvirt's has no ports to hold. */
        int result = gate_set(root, pool, &hold, NULL, &problem);
        if (result < 0 && result != -ENOENT)
            usable = result;
    }
    for (size_t i = 0; i < claim->vf_count; i++)
        turn_left(root, claim->vfs[i].pool, claim->uuid);
    if (usable < 0)
        error_note(error, "VFs of guest '%.64s' stay open until the next start: %s", claim->name, problem.message);
}
