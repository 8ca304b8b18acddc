/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "port.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "gate.h"
#include "io.h"
#include "ledger.h"
#include "libvirtd.h"
#include "memory.h"
#include "offer.h"
#include "turn.h"
#include "witness.h"

#define STEADY_MS 3000 /* what of a reload is about networks is done in less */
#define ANSWER_MS 3000 /* what a daemon says of itself, it says at once */

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

/* How the guest gets its VFs. */
enum way {
    NO_LIBVIRT, /* it is not there, or the guest asks for nothing that it gives */
    UNCALLED,   /* libvirt cannot be called now, and gives what is open */
    SHARED,     /* what is open is what the guest would choose */
    OPENED,     /* the guest's VFs are opened */
};

struct port_session {
    int root;
    struct plan *plan;
    enum way way;
    bool exact;
    const struct pool **pools; /* that the guest's interfaces are on, in the order of their names */
    struct turn **turns;       /* NULL: not taken */
    size_t count;
    int64_t steady; /* until when the end of a reload is waited for, by io_now_ms()'s clock */
    bool answered;  /* libvirt, in a reload that goes on */
};

static bool is_opened(const struct plan *plan, const struct vf *vf)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->choices[i].granted == vf)
            return plan->requests[i]->type == REQUEST_NETWORK;
    return false;
}

/*
 * A monolithic libvirtd that reloads waits for the lock of each guest whose hook runs, and may serve nobody meanwhile
 * (F61): those that need it all give up then, side by side, not one after the other.
 */
static int check_answer(struct port_session *session, struct error *error)
{
    const char *version[] = {"version", NULL};
    _cleanup_(cleanup_free) char *answer = NULL;
    _cleanup_(error_free) struct error problem = {0};
    if (session->answered || io_now_ms() < session->steady || !witness_is_unsteady(session->root))
        return 0;
    /* Whatever else is wrong, the call that is to be made says. */
    if (gate_ask(session->root, version, NULL, ANSWER_MS, &answer, &problem) == -ETIMEDOUT)
        return error_set(error, EAGAIN, "libvirt, which reloads or starts, does not answer: start the guest again");
    session->answered = true;
    return 0;
}

static int check_usable(void *context, struct error *error)
{
    struct port_session *session = context;
    int usable = gate_usable(session->root, error);
    return usable < 0 ? usable : check_answer(session, error);
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

/* What becomes of a network's ports for a guest. */
struct opening {
    struct pciaddr_set blocked, awaited;
    struct pciaddr *addresses; /* from the front those to block, from the back those to open */
    struct gate_set block, open;
    struct pciaddr *left; /* those that are blocked then */
    size_t left_count;
};

static void free_opening(struct opening *opening)
{
    pciaddr_set_free(&opening->blocked);
    pciaddr_set_free(&opening->awaited);
    free(opening->addresses);
    free(opening->left);
}

/*
 * The guest's own are opened, and each that libvirt might give before them is blocked, but for what others wait for.
 * Where the offer is known, so is what is open, and what is behind them may stay. What has a guest's port stays that
 * guest's, whoever wants it blocked.
 */
static void plan_opening(const struct port_session *session, const struct vf_table *table, bool known,
                         struct opening *opening)
{
    const struct plan *plan = session->plan;
    size_t count = count_looked_at(plan, table);
    opening->addresses = memory_new(table->vf_count, sizeof *opening->addresses);
    opening->left = memory_new(table->vf_count, sizeof *opening->left);
    opening->block.addresses = opening->addresses;
    opening->open.addresses = opening->addresses + table->vf_count;
    for (size_t i = 0; i < table->vf_count; i++) {
        const struct vf *vf = &table->vfs[i];
        bool own = is_opened(plan, vf), is_blocked = pciaddr_set_has(&opening->blocked, &vf->address);
        bool block = !own && (known ? i < count && !is_blocked && (session->exact || vf->obstacle != VF_TAKEN)
                                    : !pciaddr_set_has(&opening->awaited, &vf->address));
        if (own) {
            *--opening->open.addresses = vf->address;
            opening->open.count++;
        }
        if (block)
            opening->addresses[opening->block.count++] = vf->address;
        /* What is reserved for the guest is blocked again when it lets go of it. */
        if (block || (is_blocked && (!own || vf->reserved == VF_FOR_GUEST)))
            opening->left[opening->left_count++] = vf->address;
    }
}

static int open_pool(struct port_session *session, const struct pool *pool, struct error *error)
{
    int root = session->root;
    const char *uuid = session->plan->domain.uuid;
    _cleanup_(gate_ports_free) struct gate_ports others = {0};
    _cleanup_(free_opening) struct opening opening = {.left = NULL};
    struct vf_table *table = plan_table(session->plan, pool);
    char mark[WITNESS_MARK_SIZE], stamp[IO_STAMP_SIZE];
    bool known = witness_mark(root, mark) && offer_read(root, pool->name, &opening.blocked);
    int result = session->exact || known ? 0 : ledger_awaited(root, pool->name, uuid, OFFER_AWAIT_MS, &opening.awaited);
    if (result < 0)
        return error_set(error, -result, "cannot read /" LEDGER_DIRECTORY "/guests: %s", strerror(-result));
    plan_opening(session, table, known, &opening);
    result = offer_begin(root, pool->name, stamp, error);
    if (result < 0)
        return result;
    result = gate_set(root, pool->name, &opening.block, &opening.open, &others, error);
    add_ports(table, &others);
    if (result == -EBUSY && !must_choose_again(session->plan))
        return -EIO;
    if (result < 0 || !known)
        return result < 0 ? result : 0;
    const struct offer offer = {mark, stamp, opening.left, opening.left_count, true};
    result = offer_make(root, pool->name, &offer, error);
    return result < 0 ? result : 0;
}

/* ---- a guest's way ---- */

/*
 * Who must have its own VFs might be given another's, and another its. And what libvirt counts should not be what it is
 * going to forget; but a reload may wait for the end of this hook (F61).
 */
static bool must_wait(const struct port_session *session, const char *network)
{
    _cleanup_(pciaddr_set_free) struct pciaddr_set awaited = {0};
    if (session->exact &&
        (ledger_awaited(session->root, network, session->plan->domain.uuid, OFFER_AWAIT_MS, &awaited) < 0 ||
         awaited.count > 0))
        return true;
    return io_now_ms() < session->steady && witness_is_unsteady(session->root);
}

static int wait_for_others(struct port_session *session, const char *network, const struct turn_wait *wait,
                           struct error *error)
{
    int result = 0;
    while (result == 0 && must_wait(session, network))
        result = turn_pause(network, wait, error);
    return result < 0 ? result : check_answer(session, error);
}

static int take_turns(struct port_session *session, struct error *error)
{
    bool share = session->way == SHARED;
    const struct turn_wait wait = {io_now_ms() + TURN_WAIT_MS, share ? NULL : check_usable, session};
    const char *uuid = session->plan->domain.uuid;
    int result = 0;
    session->steady = io_now_ms() + STEADY_MS;
    for (size_t i = 0; i < session->count && result == 0; i++) {
        const char *network = session->pools[i]->name;
        result = share ? turn_share(session->root, network, uuid, &wait, &session->turns[i], error)
                       : turn_take(session->root, network, uuid, &wait, &session->turns[i], error);
        if (result == 0 && !share)
            result = wait_for_others(session, network, &wait, error);
    }
    return result;
}

/* Whether all the guest's networks have an offer. One that is not active is better named by who asks libvirt. */
static bool may_share(const struct port_session *session)
{
    for (size_t i = 0; i < session->count; i++) {
        _cleanup_(pciaddr_set_free) struct pciaddr_set blocked = {0};
        if (!libvirtd_has_network(session->root, session->pools[i]->name) ||
            !offer_read(session->root, session->pools[i]->name, &blocked))
            return false;
    }
    return true;
}

/* Whether libvirt tells what it gives. A daemon that systemd has not started yet is started by a call. */
static int check_witness(const struct port_session *session, bool usable, struct error *error)
{
    _cleanup_(gate_ports_free) struct gate_ports ports = {0};
    _cleanup_(error_free) struct error problem = {0};
    char words[NAME_MAX + 64];
    if (witness_regain(session->root))
        return 0;
    int result = usable ? gate_ports(session->root, session->pools[0]->name, &ports, &problem) : -EHOSTDOWN;
    if (result == -ETIMEDOUT)
        return error_set(error, -result, "%s", problem.message);
    if (usable && witness_regain(session->root))
        return 0;
    snprintf(words, sizeof words, "pool '%s' gives no VF", session->pools[0]->name);
    return witness_missed(session->root, words, error);
}

static int choose_way(struct port_session *session, bool open, struct error *error)
{
    _cleanup_(error_free) struct error crowded = {0};
    if (!gate_present(session->root) || session->count == 0)
        return NO_LIBVIRT;
    bool may = may_share(session);
    if (!open && !session->exact && may)
        return SHARED;
    int usable = gate_usable(session->root, &crowded);
    if (usable < 0 && (session->exact || !may))
        return error_set(error, crowded.code, "%s", crowded.message);
    int result = check_witness(session, usable > 0, error);
    return result < 0 ? result : usable > 0 ? OPENED : UNCALLED;
}

int port_begin(int root, struct plan *plan, bool open, struct port_session **session, struct error *error)
{
    struct port_session *begun = memory_new(1, sizeof *begun);
    begun->root = root;
    begun->plan = plan;
    begun->exact = plan_is_exact(plan);
    begun->pools = memory_new(plan->count, sizeof *begun->pools);
    begun->turns = memory_new(plan->count, sizeof *begun->turns);
    begun->count = list_pools(plan, begun->pools);
    *session = begun;
    int way = choose_way(begun, open, error);
    if (way < 0)
        return way;
    begun->way = (enum way)way;
    return begun->way == SHARED || begun->way == OPENED ? take_turns(begun, error) : 0;
}

bool port_follows(const struct port_session *session)
{
    return !session->exact;
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

/* Whether what was chosen is open, and, where that is asked for, nothing else that is open is before it in libvirt's
 * list. What is open now is not known, where libvirt cannot be called and there is no offer. */
static bool suits_pool(const struct port_session *session, const struct pool *pool, bool first)
{
    const struct vf_table *table = plan_table(session->plan, pool);
    _cleanup_(pciaddr_set_free) struct pciaddr_set blocked = {0};
    if (!offer_read(session->root, pool->name, &blocked))
        return !first;
    size_t count = count_looked_at(session->plan, table);
    for (size_t i = 0; i < count; i++) {
        const struct vf *vf = &table->vfs[i];
        bool is_blocked = pciaddr_set_has(&blocked, &vf->address);
        if (is_opened(session->plan, vf) ? is_blocked : first && !is_blocked && vf->obstacle != VF_TAKEN)
            return false;
    }
    return true;
}

/* Whether the guest may have what libvirt gives it by itself, all being open that is not known to be blocked: after a
 * boot everything is. */
static bool may_have(const struct port_session *session, const struct pool *pool)
{
    struct vf_table *table = plan_table(session->plan, pool);
    _cleanup_(pciaddr_set_free) struct pciaddr_set blocked = {0};
    bool known = offer_read(session->root, pool->name, &blocked);
    size_t wanted = 0;
    for (size_t i = 0; i < session->plan->count; i++)
        wanted += session->plan->requests[i]->type == REQUEST_NETWORK && session->plan->choices[i].table == table;
    for (size_t i = 0; i < table->vf_count && wanted > 0; i++) {
        struct vf *vf = &table->vfs[i];
        if (vf->obstacle == VF_TAKEN || (known && pciaddr_set_has(&blocked, &vf->address)))
            continue;
        vf_examine(&session->plan->host, table, vf);
        if (!vf_is_free(vf))
            return false;
        wanted--;
    }
    return wanted == 0;
}

bool port_suits(const struct port_session *session)
{
    bool uncalled = session->way == UNCALLED, looks = uncalled || session->way == SHARED;
    if (uncalled && session->exact)
        return false;
    for (size_t i = 0; i < session->count && looks; i++)
        if (!suits_pool(session, session->pools[i], !uncalled) || (uncalled && !may_have(session, session->pools[i])))
            return false;
    return true;
}

/* Written down first: whoever comes next must know, even if this process is killed in between. */
int port_open(struct port_session *session, struct error *error)
{
    int result = 0;
    if (session->way != OPENED)
        return 0;
    for (size_t i = 0; i < session->count && session->exact && result == 0; i++)
        result = turn_keep(session->turns[i], session->plan->domain.uuid, error);
    for (size_t i = 0; result == 0 && i < session->count; i++)
        result = open_pool(session, session->pools[i], error);
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

/*
 * libvirt tells of what it takes back, and then the VF leaves the claim. One that is in it still has a port of ours, if
 * any, as the guest ran with it to the end; or none at all, as the hook that libvirt told of it was killed, and it took
 * that for a no.
 */
void port_close(int root, const struct claim *claim, struct error *error)
{
    _cleanup_(error_free) struct error problem = {0};
    for (size_t i = 0; i < claim->vf_count; i++) {
        const struct claim_vf *vf = &claim->vfs[i];
        int result = vf->whole                                 ? offer_withdraw_all(root, &problem)
                     : claim->state == CLAIM_HELD || vf->given ? offer_withdraw(root, vf->pool, &problem)
                                                               : 0;
        if (result < 0) {
            error_note(error, "%s: run 'vfpool reconcile'", problem.message);
            return;
        }
    }
}
