/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "claim-settings.h"
#include "claim.h"
#include "deferral.h"
#include "gate.h"
#include "guest-work.h"
#include "handback.h"
#include "io.h"
#include "ledger.h"
#include "libvirtd.h"
#include "memory.h"
#include "plan.h"
#include "port.h"
#include "queue.h"

#define READY_S 3 /* that a start waits for a VF that a process has open, where there is no other */

/* ---- prepare, migrate, restore: from the domain to the text ---- */

static int drop(struct call *call, const char *uuid)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    int result = ledger_open(call->root, LEDGER_WRITE, LEDGER_LOCK_MS, &ledger, call->error);
    return result < 0 ? result : handback_guest(ledger, call->root, uuid, call->error);
}

/* What this guest holds, from an earlier life perhaps; NULL: nothing. The ledger stays open: the caller closes it. */
static int read_own(struct call *call, enum ledger_mode mode, const char *uuid, struct ledger **ledger,
                    struct claim **own)
{
    int result = ledger_open(call->root, mode, LEDGER_LOCK_MS, ledger, call->error);
    return result < 0 || !uuid[0] ? result : ledger_edit(*ledger, uuid, own, call->error);
}

/* Chooses and formats under the lock. What is the guest's own counts as free. */
static int decide(struct call *call, struct plan *plan, struct ledger *ledger, const struct claim *own)
{
    int result = plan_choose(plan, ledger, own, call->error);
    if (result < 0)
        return result;
    return plan_format(plan, call->root, call->operation, &call->text, &call->text_length, call->error);
}

/* Return: 0; 1 when nothing was claimed, as libvirt would give other VFs than those; or a negative errno value. */
static int claim_vfs(struct call *call, struct plan *plan, const struct port_session *session)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    _cleanup_(cleanup_claim) struct claim *own = NULL, *claim = NULL;
    free(steal(call->text));
    int result = read_own(call, LEDGER_WRITE, plan->domain.uuid, &ledger, &own);
    if (result == 0 && own && handback_try(ledger, call->root, own, NULL, call->error) > 0)
        result = ledger_put(ledger, own, call->error);
    if (result == 0)
        result = decide(call, plan, ledger, own);
    if (result == 0)
        result = plan_take_left(plan, ledger, call->error);
    if (result < 0 || !port_suits(session))
        return result < 0 ? result : 1;
    claim = plan_claim(plan);
    handback_keep(own, claim);
    result = claim_settings_record(call->root, claim, NULL, false, call->error);
    if (result < 0)
        return result;
    claim->offered = port_follows(session);
    for (size_t i = 0; i < claim->vf_count; i++)
        claim->vfs[i].reset &= claim->offered;
    result = port_withdraw(call->root, plan, call->error);
    return result < 0 ? result : ledger_put(ledger, claim, call->error);
}

/* Before libvirt has them. Where the claim follows it is known later which ones they are: the network hook does it. */
static int reset_vfs(struct call *call, const struct plan *plan, const struct port_session *session)
{
    int result = 0;
    for (size_t i = 0; i < plan->count && result == 0; i++) {
        const struct assignment *choice = &plan->choices[i];
        if (choice->table->pool->reset && (choice->wanted || !port_follows(session)))
            result = host_vf_reset(&plan->host, &choice->granted->address, call->error);
    }
    return result;
}

/* The ledger is not locked while libvirt is waited for. Return: as claim_vfs(); @claimed: whether there is a claim. */
static int claim_and_open(struct call *call, struct plan *plan, bool open, bool *claimed)
{
    _cleanup_(cleanup_port_session) struct port_session *session = NULL;
    int result = port_begin(call->root, plan, open, &session, call->error);
    if (result < 0)
        return result;
    do {
        result = claim_vfs(call, plan, session);
        if (result != 0)
            return result;
        *claimed = true;
        result = reset_vfs(call, plan, session);
        if (result == 0)
            result = port_open(session, call->error);
    } while (result == -EBUSY);
    return result;
}

/*
 * A device that no pool in service has may all the same be held by a guest: its pool is broken, or gone. Return: 0, or
 * -EBUSY when that is another guest.
 */
static int check_strays(struct call *call, const struct plan *plan)
{
    for (size_t i = 0; i < plan->domain.request_count; i++) {
        const struct request *request = &plan->domain.requests[i];
        _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
        _cleanup_(cleanup_claim) struct claim *holder = NULL;
        char uuid[UUID_SIZE] = "", text[PCIADDR_SIZE];
        if (request->type == REQUEST_NETWORK || plan_has(plan, request) ||
            !ledger_has_link(call->root, &request->address))
            continue;
        int result = ledger_open(call->root, LEDGER_READ, LEDGER_LOCK_MS, &ledger, call->error);
        if (result == 0)
            result = ledger_holder(ledger, &request->address, &holder, uuid, call->error);
        if (result < 0)
            return result;
        const struct claim_vf *held = claim_find(holder, &request->address);
        if (uuid[0] && strcmp(uuid, plan->domain.uuid) != 0)
            return error_set(call->error, EBUSY,
                             "guest '%.256s' asks for %s %s by its address, which is held by guest '%.256s'",
                             plan->domain.name, held ? claim_kind(held) : "device",
                             pciaddr_format(&request->address, text), holder ? holder->name : uuid);
    }
    return 0;
}

/* libvirt could not be called, and that says why; or it is only starting, which may be over by now. */
static int refuse_uncalled(struct call *call, const struct plan *plan)
{
    int result = gate_usable(call->root, call->error);
    return result < 0 ? result
                      : error_set(call->error, EINPROGRESS,
                                  "libvirt, which is starting its guests, cannot be asked for the VFs that are chosen "
                                  "for guest '%.256s': vfpool starts it right after them",
                                  plan->domain.name);
}

static int claim_now(struct call *call, struct plan *plan)
{
    _cleanup_(error_free) struct error problem = {0};
    bool claimed = false;
    int result = claim_and_open(call, plan, false, &claimed);
    if (result > 0)
        result = claim_and_open(call, plan, true, &claimed);
    if (result > 0)
        result = refuse_uncalled(call, plan);
    struct call undo = {.root = call->root, .error = &problem};
    if (result < 0 && claimed && drop(&undo, plan->domain.uuid) < 0)
        error_note(call->error, "the claim could not be taken back: %s", problem.message);
    return result;
}

/* Chooses, and claims nothing. */
static int look(struct call *call, struct plan *plan)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    _cleanup_(cleanup_claim) struct claim *own = NULL;
    free(steal(call->text));
    int result = read_own(call, LEDGER_READ, plan->domain.uuid, &ledger, &own);
    return result < 0 ? result : decide(call, plan, ledger, own);
}

/* ---- a pool that is used up, and whose guests wait ---- */

/* Whether so many hooks run that those which give VFs back might find no worker of libvirt's (F11). */
static bool is_crowded(struct call *call, struct libvirtd_load *load)
{
    return libvirtd_of_hook(call->root, load) && load->hooks * 2 > load->max_workers;
}

/* One look at a pool whose turn it is. Return: 1 when there is no VF yet, else as claim_now(). */
static int claim_again(struct call *call, struct plan *plan)
{
    plan_free(plan);
    int result = plan_load(plan, call->root, PLAN_START, false, call->data, call->length, call->error);
    if (result == 0)
        result = look(call, plan);
    if (result == 0)
        result = claim_now(call, plan);
    return result == -EDQUOT ? 1 : result;
}

static int wait_and_claim(struct call *call, struct plan *plan, const char *pool, unsigned int seconds)
{
    int64_t deadline = io_now_ms() + (int64_t)seconds * 1000;
    struct queue queue = QUEUE_NONE;
    struct libvirtd_load load;
    if (is_crowded(call, &load))
        return error_prefix(call->error, "not waiting, as %u of %s's %u workers are at work", load.hooks, load.name,
                            load.max_workers);
    int result = queue_take(call->root, pool, deadline, &queue, call->error);
    if (result == -ETIMEDOUT)
        return error_set(call->error, EBUSY,
                         "guest '%.256s' waited %u s for a VF of pool '%s', and others wait before it: see 'vfpool "
                         "status'",
                         plan->domain.name, seconds, pool);
    while (result >= 0) {
        result = claim_again(call, plan);
        if (result <= 0)
            break;
        if (io_now_ms() >= deadline)
            result = error_prefix(call->error, "after %u s", seconds);
        else if (is_crowded(call, &load))
            result = error_prefix(call->error, "no longer waiting, as %u of %s's %u workers are at work", load.hooks,
                                  load.name, load.max_workers);
        else
            queue_wait(&queue, deadline);
    }
    queue_leave(&queue);
    return result;
}

/* Passes nobody who waits for a VF of the same pool. @pool: the first one that guests wait for; NULL: none */
static int pass_queues(struct call *call, const struct plan *plan, struct queue *queues, const struct pool **pool)
{
    int result = 0;
    for (size_t i = 0; i < plan->count && result == 0; i++) {
        const struct vf_table *table = plan->choices[i].table;
        struct queue *queue = &queues[table - plan->tables];
        if (plan->choices[i].wanted || table->policy.wait == 0 || queue->file >= 0)
            continue;
        result = queue_pass(call->root, table->pool->name, queue, call->error);
        if (result > 0) {
            *pool = table->pool;
            error_set(call->error, EBUSY, "other guests wait for a VF of pool '%s'", table->pool->name);
        }
    }
    return result < 0 ? result : 0;
}

/* How long a start waits for the pool, in seconds: as it says, or, where a process has a VF open, a moment: it may be
 * the QEMU of a guest that is just gone. */
static unsigned int find_patience(const struct plan *plan, const struct pool *pool)
{
    const struct vf_table *table = plan_table(plan, pool);
    unsigned int patience = table->policy.wait;
    for (size_t i = 0; patience == 0 && i < table->vf_count; i++)
        if (table->vfs[i].obstacle == VF_IN_USE)
            patience = READY_S;
    return patience;
}

static int claim_in_order(struct call *call, struct plan *plan)
{
    _cleanup_(cleanup_free) struct queue *queues = memory_new(plan->pools.count, sizeof *queues);
    size_t count = plan->pools.count;
    const struct pool *pool = NULL;
    for (size_t i = 0; i < count; i++)
        queues[i] = QUEUE_NONE;
    int result = pass_queues(call, plan, queues, &pool);
    if (result == 0 && !pool) {
        result = claim_now(call, plan);
        pool = result == -EDQUOT ? plan->exhausted : NULL;
    }
    for (size_t i = 0; i < count; i++)
        queue_leave(&queues[i]);
    unsigned int seconds = pool ? find_patience(plan, pool) : 0;
    if (seconds == 0)
        return result;
    _cleanup_(cleanup_free) char *name = memory_copy(pool->name);
    return wait_and_claim(call, plan, name, seconds);
}

/* Refused now, and started by vfpool: who settles does it, once libvirt can be called. */
static int defer(struct call *call, const struct plan *plan)
{
    int result = deferral_add(call->root, plan->domain.uuid, plan->domain.name);
    call->changed = true;
    if (result < 0)
        error_note(call->error, "vfpool will not start it: cannot write to /run/vfpool/deferred: %s: start it yourself",
                   strerror(-result));
    return -EINPROGRESS;
}

static int prepare(struct call *call, struct plan *plan)
{
    int result = check_strays(call, plan);
    deferral_drop(call->root, plan->domain.uuid);
    if (result < 0)
        return result;
    if (plan_is_empty(plan))
        return ledger_has_file(call->root, plan->domain.uuid) ? drop(call, plan->domain.uuid) : 0;
    result = claim_in_order(call, plan);
    return result == -EINPROGRESS ? defer(call, plan) : result;
}

static int show(struct call *call, struct plan *plan)
{
    int stray = plan->kind == PLAN_START ? check_strays(call, plan) : 0;
    if (stray < 0)
        return stray;
    if (plan_is_empty(plan))
        return 0;
    if (call->draft && plan->kind == PLAN_START)
        port_look(call->root, plan, call->error);
    return look(call, plan);
}

/* ---- release: the claim by the UUID alone, as the XML does not say what the guest had (F7) ---- */

/* What the guest holds, as a copy; NULL: nothing. */
static int read_claim(struct call *call, const char *uuid, struct claim **claim)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    return read_own(call, LEDGER_READ, uuid, &ledger, claim);
}

/* Everything that the guest holds goes. */
static int release(struct call *call)
{
    _cleanup_(domain_free) struct domain domain = {0};
    _cleanup_(cleanup_claim) struct claim *claim = NULL;
    int result = domain_read(call->data, call->length, NULL, NULL, false, &domain, call->error);
    if (result < 0)
        return result;
    /* A killed writer may have left links of this guest without a file. */
    call->changed = ledger_has_file(call->root, domain.uuid) || ledger_is_interrupted(call->root);
    if (!call->changed)
        return 0;
    result = read_claim(call, domain.uuid, &claim);
    if (result < 0)
        return result;
    if (claim)
        port_close(call->root, claim, call->error);
    return drop(call, domain.uuid);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    enum plan_kind kind;
    int (*run)(struct call *call, struct plan *plan);
    bool may_fail;
    int (*run_alone)(struct call *call); /* without a plan */
} operations[] = {
    [GUEST_PREPARE] = {.name = "prepare", .kind = PLAN_START, .run = prepare, .may_fail = true},
    [GUEST_START] = {.name = "start", .kind = PLAN_ADOPT, .run = guest_start, .may_fail = true},
    [GUEST_RELEASE] = {.name = "release", .kind = PLAN_ADOPT, .may_fail = true, .run_alone = release},
    [GUEST_RECONNECT] = {.name = "reconnect", .kind = PLAN_ADOPT, .run = guest_reconnect},
    [GUEST_ATTACH] = {.name = "attach", .kind = PLAN_ADOPT, .run = guest_reconnect},
    [GUEST_MIGRATE] = {.name = "migrate", .kind = PLAN_FILTER, .run = show, .may_fail = true},
    [GUEST_RESTORE] = {.name = "restore", .kind = PLAN_FILTER, .run = show, .may_fail = true},
};
static_assert(sizeof operations / sizeof *operations == GUEST_OPERATIONS, "every operation has its row");

enum guest_operation guest_operation(const char *name)
{
    for (int i = 0; i < GUEST_OPERATIONS; i++)
        if (strcmp(name, operations[i].name) == 0)
            return (enum guest_operation)i;
    return GUEST_OPERATIONS;
}

bool guest_may_fail(enum guest_operation operation)
{
    return operation < GUEST_OPERATIONS && operations[operation].may_fail;
}

static int run_plan(struct call *call, enum guest_operation operation, int (*run)(struct call *, struct plan *))
{
    _cleanup_(plan_free) struct plan plan = {.host.sys = -1};
    int result =
        plan_load(&plan, call->root, operations[operation].kind, call->draft, call->data, call->length, call->error);
    if (result == 0)
        result = run(call, &plan);
    if (result < 0 && call->recorded && plan.domain.uuid[0])
        ledger_refuse(call->root, plan.domain.uuid, plan.domain.name, call->error);
    return result;
}

int guest_run(int root, enum guest_operation operation, const char *data, size_t length, char **text,
              size_t *text_length, bool *changed, struct error *error)
{
    struct call call = {
        .root = root, .operation = operations[operation].name, .data = data, .length = length, .error = error};
    call.recorded = operation == GUEST_PREPARE || operation == GUEST_START;
    int result = operations[operation].run ? run_plan(&call, operation, operations[operation].run)
                                           : operations[operation].run_alone(&call);
    if (result < 0)
        free(steal(call.text));
    *text = call.text;
    *text_length = call.text_length;
    *changed = call.changed;
    return result;
}

int guest_show(int root, enum guest_operation operation, const char *data, size_t length, char **text,
               size_t *text_length, struct error *error)
{
    struct call call = {.root = root,
                        .operation = operations[operation].name,
                        .data = data,
                        .length = length,
                        .draft = true,
                        .error = error};
    int result = run_plan(&call, operation, show);
    if (result == 0 && !call.text) {
        call.text = memory_copy_part(data, length);
        call.text_length = length;
    }
    if (result < 0)
        free(steal(call.text));
    *text = call.text;
    *text_length = call.text_length;
    return result;
}

int guest_undo(int root, const char *data, size_t length, struct error *error)
{
    struct call call = {.root = root, .operation = "release", .data = data, .length = length, .error = error};
    return release(&call);
}
