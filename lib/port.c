/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "port.h"

#include <errno.h>
#include <string.h>

#include "gate.h"
#include "io.h"
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

static int check_usable(int root, struct error *error)
{
    int usable = gate_usable(root, error);
    return usable < 0 ? usable : 0;
}

static struct vf_table *table_of(const struct plan *plan, const struct pool *pool)
{
    return &plan->tables[pool - plan->pools.pools];
}

static void add_ports(struct vf_table *table, const struct gate_ports *ports)
{
    for (size_t i = 0; i < ports->count; i++)
        vf_add_port(table, &ports->ports[i].address, ports->ports[i].uuid, ports->ports[i].name);
}

/* Whether libvirt has given a VF that was chosen to somebody else. */
static bool must_choose_again(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->requests[i]->type == REQUEST_NETWORK && plan->choices[i].granted->obstacle == VF_PORTED)
            return true;
    return false;
}

/* Frees the guest's VFs of a pool, once every other one is held. */
static int open_pool(int root, const struct plan *plan, const struct pool *pool, struct error *error)
{
    _cleanup_(gate_ports_free) struct gate_ports others = {0};
    struct vf_table *table = table_of(plan, pool);
    _cleanup_(cleanup_free) struct pciaddr *addresses = memory_new(table->vf_count, sizeof *addresses);
    struct gate_set hold = {.addresses = addresses};
    /* From the front those to hold, from the back those to free. */
    struct gate_set free_set = {.addresses = addresses + table->vf_count};
    for (size_t i = 0; i < table->vf_count; i++) {
        const struct vf *vf = &table->vfs[i];
        if (is_opened(plan, vf)) {
            *--free_set.addresses = vf->address;
            free_set.count++;
        } else {
            addresses[hold.count++] = vf->address;
        }
    }
    int result = gate_set(root, pool->name, &hold, &free_set, &others, error);
    add_ports(table, &others);
    if (result == -EBUSY && !must_choose_again(plan))
        return -EIO;
    return result < 0 ? result : 0;
}

/* Holds what was, or may have been, freed. */
static void undo_pool(int root, const struct plan *plan, const struct pool *pool)
{
    _cleanup_(cleanup_free) struct pciaddr *addresses = memory_new(plan->count, sizeof *addresses);
    struct gate_set hold = {.addresses = addresses};
    _cleanup_(error_free) struct error ignored = {0};
    for (size_t i = 0; i < plan->count; i++)
        if (plan->requests[i]->type == REQUEST_NETWORK && plan->choices[i].table->pool == pool)
            addresses[hold.count++] = plan->choices[i].granted->address;
    /* What led here is what to say; and what stays open, the next one holds before it frees anything. */
    if (gate_set(root, pool->name, &hold, NULL, NULL, &ignored) < 0)
        return;
}

/* Written down first: whoever comes next must know, even if this process is killed in between. */
static int open_pools(int root, const struct plan *plan, const struct pool **pools, struct turn **turns, size_t count,
                      struct error *error)
{
    size_t done = 0;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = turn_open(turns[i], plan->domain.uuid, error);
    for (; result == 0 && done < count; done++)
        result = open_pool(root, plan, pools[done], error);
    /* A silent libvirt would only be waited for again. */
    for (size_t i = 0; result < 0 && result != -ETIMEDOUT && i < done; i++)
        undo_pool(root, plan, pools[i]);
    return result;
}

static bool needs_ports(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->requests[i]->type == REQUEST_NETWORK)
            return true;
    return false;
}

int port_open(int root, struct plan *plan, struct error *error)
{
    int64_t deadline = io_now_ms() + TURN_WAIT_MS;
    int result = needs_ports(plan) ? gate_usable(root, error) : 0;
    if (result <= 0)
        return result;
    _cleanup_(cleanup_free) const struct pool **pools = memory_new(plan->count, sizeof *pools);
    _cleanup_(cleanup_free) struct turn **turns = memory_new(plan->count, sizeof *turns);
    size_t count = list_pools(plan, pools);
    result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = turn_take(root, pools[i]->name, plan->domain.uuid, deadline, check_usable, &turns[i], error);
    if (result == 0)
        result = open_pools(root, plan, pools, turns, count, error);
    for (size_t i = 0; i < count; i++)
        turn_close(turns[i]);
    return result;
}

void port_look(int root, struct plan *plan, struct error *error)
{
    _cleanup_(cleanup_free) const struct pool **pools = memory_new(plan->count, sizeof *pools);
    size_t count = gate_present(root) ? list_pools(plan, pools) : 0;
    for (size_t i = 0; i < count; i++) {
        _cleanup_(gate_ports_free) struct gate_ports others = {0};
        _cleanup_(error_free) struct error problem = {0};
        int result = gate_ports(root, pools[i]->name, &others, &problem);
        add_ports(table_of(plan, pools[i]), &others);
        if (result < 0)
            error_note(error, "what libvirt has given away cannot be seen: %s", problem.message);
        if (result < 0 && result != -ENOENT)
            return;
    }
}

/* The pool whose name follows @after in the order that all take turns in, of those that give VFs by ports; NULL: there
 * is none. */
static const char *next_pool(const struct claim *claim, const char *after)
{
    const char *next = NULL;
    for (size_t i = 0; i < claim->vf_count; i++) {
        const char *pool = claim->vfs[i].pool;
        if (!claim->vfs[i].by_address && (!after || strcmp(pool, after) > 0) && (!next || strcmp(pool, next) < 0))
            next = pool;
    }
    return next;
}

void port_leave(int root, const struct claim *claim)
{
    _cleanup_(error_free) struct error problem = {0};
    /* One that never started has its turn still, which lasts until its release. */
    if (claim->state != CLAIM_HELD || gate_usable(root, &problem) <= 0)
        return;
    for (const char *pool = next_pool(claim, NULL); pool; pool = next_pool(claim, pool))
        if (turn_leave(root, pool, claim->uuid, check_usable, &problem) < 0)
            return;
}

/* Holds the VFs of @claim that @now does not have. */
static void hold(int root, const struct claim *claim, const struct claim *now, struct error *error)
{
    _cleanup_(cleanup_free) struct pciaddr *addresses = memory_new(claim->vf_count, sizeof *addresses);
    _cleanup_(error_free) struct error problem = {0};
    int usable = gate_usable(root, &problem);
    for (const char *pool = next_pool(claim, NULL); pool && usable > 0; pool = next_pool(claim, pool)) {
        struct gate_set set = {.addresses = addresses};
        for (size_t i = 0; i < claim->vf_count; i++)
            if (!claim->vfs[i].by_address && strcmp(claim->vfs[i].pool, pool) == 0 &&
                !claim_find(now, &claim->vfs[i].address))
                addresses[set.count++] = claim->vfs[i].address;
        /* -ENOENT: a pool without a network of libvirt's has no ports to hold. */
        int result = set.count ? gate_set(root, pool, &set, NULL, NULL, &problem) : 0;
        if (result < 0 && result != -ENOENT)
            usable = result;
    }
    if (usable < 0)
        error_note(error, "VFs of guest '%.64s' stay open until the next start: %s", claim->name, problem.message);
}

void port_return(int root, const struct claim *before, const struct claim *now, struct error *error)
{
    for (size_t i = 0; i < before->vf_count; i++) {
        if (claim_find(now, &before->vfs[i].address))
            continue;
        hold(root, before, now, error);
        return;
    }
}

void port_close(int root, const struct claim *claim, struct error *error)
{
    hold(root, claim, NULL, error);
    for (const char *pool = next_pool(claim, NULL); pool; pool = next_pool(claim, pool))
        turn_left(root, pool, claim->uuid);
}
