/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "port.h"

#include <errno.h>
#include <string.h>

#include "daemon.h"
#include "gate.h"
#include "io.h"
#include "ledger.h"
#include "memory.h"
#include "offer.h"
#include "turn.h"
#include "witness.h"

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

struct port_session {
    int root;
    struct plan *plan;
    enum port_way way;
    const struct pool **pools; /* that the guest's interfaces are on, in the order of their names */
    struct turn **turns;       /* NULL: not taken */
    size_t count;
};

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

static int never(int root, struct error *error)
{
    (void)root, (void)error;
    return 0;
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

/* How many VFs from the front of the list libvirt looks at, at most, before it has given all of the guest's. */
static size_t count_looked_at(const struct plan *plan, const struct vf_table *table)
{
    size_t count = 0;
    for (size_t i = 0; i < table->vf_count; i++)
        if (is_opened(plan, &table->vfs[i]))
            count = i + 1;
    return count;
}

/* Frees the guest's VFs of a pool, once every other one that libvirt might give is held. */
static int open_pool(int root, const struct plan *plan, const struct pool *pool, struct error *error)
{
    _cleanup_(gate_ports_free) struct gate_ports others = {0};
    struct vf_table *table = plan_table(plan, pool);
    _cleanup_(cleanup_free) struct pciaddr *addresses = memory_new(table->vf_count, sizeof *addresses);
    struct gate_set hold = {.addresses = addresses};
    /* From the front those to hold, from the back those to free. */
    struct gate_set free_set = {.addresses = addresses + table->vf_count};
    /* Of what is left open behind them the network hook tells, if it is called. */
    size_t count = offer_is_watched(root, pool->name) ? count_looked_at(plan, table) : table->vf_count;
    int result = offer_withdraw(root, pool->name, error);
    if (result < 0)
        return result;
    for (size_t i = 0; i < count; i++) {
        const struct vf *vf = &table->vfs[i];
        if (is_opened(plan, vf)) {
            *--free_set.addresses = vf->address;
            free_set.count++;
        } else {
            addresses[hold.count++] = vf->address;
        }
    }
    result = gate_set(root, pool->name, &hold, &free_set, &others, error);
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

/* ---- a guest's way ---- */

/*
 * Guests that take what is offered must have got it before others are held: one of them might be given this guest's.
 * And what libvirt counts must not be what it is going to forget.
 */
static bool must_wait(const struct port_session *session, const char *network)
{
    return (offer_exists(session->root, network) &&
            ledger_is_awaited(session->root, network, session->plan->domain.uuid, TURN_OPEN_MS)) ||
           witness_is_unsteady(session->root);
}

static int wait_for_others(const struct port_session *session, const char *network, int64_t deadline,
                           struct error *error)
{
    int result = 0;
    while (result == 0 && must_wait(session, network)) {
        result = turn_pause(network, deadline, error);
        if (result == 0)
            result = check_usable(session->root, error);
    }
    return result;
}

static int take_turns(struct port_session *session, struct error *error)
{
    int64_t deadline = io_now_ms() + TURN_WAIT_MS;
    const char *uuid = session->plan->domain.uuid;
    int result = 0;
    for (size_t i = 0; i < session->count && result == 0; i++) {
        const char *network = session->pools[i]->name;
        if (session->way == PORT_OFFERED) {
            result = turn_share(session->root, network, uuid, deadline, never, &session->turns[i], error);
            continue;
        }
        result = turn_take(session->root, network, uuid, deadline, check_usable, &session->turns[i], error);
        if (result == 0)
            result = wait_for_others(session, network, deadline, error);
    }
    return result;
}

/* Whether libvirt offers VFs on all the guest's networks, and any of them will do. One that is not active is better
 * named by who asks libvirt. */
static bool may_share(const struct port_session *session)
{
    if (plan_has_wishes(session->plan))
        return false;
    for (size_t i = 0; i < session->count; i++) {
        _cleanup_(pciaddr_set_free) struct pciaddr_set held = {0};
        if (!session->pools[i]->offered || !daemon_has_network(session->root, session->pools[i]->name) ||
            !offer_read(session->root, session->pools[i]->name, &held))
            return false;
    }
    return true;
}

static int choose_way(struct port_session *session, bool alone, struct error *error)
{
    if (!gate_present(session->root) || session->count == 0)
        return PORT_NONE;
    if (!alone && may_share(session))
        return PORT_OFFERED;
    int usable = gate_usable(session->root, error);
    return usable < 0 ? usable : usable ? PORT_ALONE : PORT_BLIND;
}

int port_begin(int root, struct plan *plan, bool alone, struct port_session **session, struct error *error)
{
    struct port_session *begun = memory_new(1, sizeof *begun);
    begun->root = root;
    begun->plan = plan;
    begun->pools = memory_new(plan->count, sizeof *begun->pools);
    begun->turns = memory_new(plan->count, sizeof *begun->turns);
    begun->count = list_pools(plan, begun->pools);
    *session = begun;
    int way = choose_way(begun, alone, error);
    if (way < 0)
        return way;
    begun->way = (enum port_way)way;
    return begun->way == PORT_OFFERED || begun->way == PORT_ALONE ? take_turns(begun, error) : 0;
}

enum port_way port_way(const struct port_session *session)
{
    return session->way;
}

void port_end(struct port_session *session)
{
    if (!session)
        return;
    for (size_t i = 0; i < session->count; i++)
        turn_close(session->turns[i]);
    free(session->turns);
    free(session->pools);
    free(session);
}

/* Whether libvirt gives, of the pool's offer, what was chosen: nothing else that is open is before that in its list. */
static bool pool_is_offered(const struct port_session *session, const struct pool *pool)
{
    const struct vf_table *table = plan_table(session->plan, pool);
    _cleanup_(pciaddr_set_free) struct pciaddr_set held = {0};
    if (!offer_read(session->root, pool->name, &held))
        return false;
    size_t count = count_looked_at(session->plan, table);
    for (size_t i = 0; i < count; i++) {
        const struct vf *vf = &table->vfs[i];
        bool is_held = pciaddr_set_has(&held, &vf->address);
        if (is_opened(session->plan, vf) ? is_held : !is_held && vf->obstacle != VF_TAKEN)
            return false;
    }
    return true;
}

bool port_is_offered(const struct port_session *session)
{
    for (size_t i = 0; i < session->count && session->way == PORT_OFFERED; i++)
        if (!pool_is_offered(session, session->pools[i]))
            return false;
    return true;
}

/* Written down first: whoever comes next must know, even if this process is killed in between. */
int port_open(struct port_session *session, struct error *error)
{
    size_t done = 0;
    int result = 0;
    if (session->way != PORT_ALONE)
        return 0;
    for (size_t i = 0; i < session->count && result == 0; i++)
        result = turn_open(session->turns[i], session->plan->domain.uuid, error);
    for (; result == 0 && done < session->count; done++)
        result = open_pool(session->root, session->plan, session->pools[done], error);
    /* A silent libvirt would only be waited for again. */
    for (size_t i = 0; result < 0 && result != -ETIMEDOUT && i < done; i++)
        undo_pool(session->root, session->plan, session->pools[i]);
    return result;
}

int port_withdraw(int root, const struct plan *plan, struct error *error)
{
    int result = 0;
    for (size_t i = 0; i < plan->count && result == 0; i++)
        if (plan->requests[i]->type != REQUEST_NETWORK)
            result = offer_withdraw(root, plan->choices[i].table->pool->name, error);
    /* A PF may have VFs in several pools. */
    return result == 0 && plan->whole_count ? offer_withdraw_all(root, error) : result;
}

void port_look(int root, struct plan *plan, struct error *error)
{
    _cleanup_(cleanup_free) const struct pool **pools = memory_new(plan->count, sizeof *pools);
    size_t count = gate_present(root) ? list_pools(plan, pools) : 0;
    for (size_t i = 0; i < count; i++) {
        _cleanup_(gate_ports_free) struct gate_ports others = {0};
        _cleanup_(error_free) struct error problem = {0};
        int result = gate_ports(root, pools[i]->name, &others, &problem);
        add_ports(plan_table(plan, pools[i]), &others);
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
    int usable = 1;
    for (const char *pool = next_pool(claim, NULL); pool && usable > 0; pool = next_pool(claim, pool)) {
        struct gate_set set = {.addresses = addresses};
        /* libvirt may give it to the next one. */
        if (offer_is_watched(root, pool))
            continue;
        usable = gate_usable(root, &problem);
        if (usable <= 0)
            break;
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

bool port_was_unseen(int root, const struct claim *before)
{
    bool unseen = false;
    for (size_t i = 0; before->offered && before->state == CLAIM_CLAIMED && i < before->vf_count; i++)
        unseen = unseen ||
                 (!before->vfs[i].given && !before->vfs[i].by_address && offer_is_watched(root, before->vfs[i].pool));
    if (unseen)
        witness_forget(root);
    return unseen;
}

/* Where VFs are offered, libvirt tells of those that it takes back. What a guest that ran has to the end has a port of
 * ours, if any. */
static void withdraw_untold(int root, const struct claim *claim, struct error *error)
{
    _cleanup_(error_free) struct error problem = {0};
    for (size_t i = 0; i < claim->vf_count; i++) {
        int result = claim->vfs[i].whole          ? offer_withdraw_all(root, &problem)
                     : claim->state == CLAIM_HELD ? offer_withdraw(root, claim->vfs[i].pool, &problem)
                                                  : 0;
        if (result < 0) {
            error_note(error, "%s: run 'vfpool reconcile'", problem.message);
            return;
        }
    }
}

void port_close(int root, const struct claim *claim, struct error *error)
{
    hold(root, claim, NULL, error);
    withdraw_untold(root, claim, error);
}

void port_left(int root, const char *uuid)
{
    turn_left(root, uuid);
}
