/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* start, reconnect, attach: the claim becomes what the guest has */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "claim-settings.h"
#include "gate.h"
#include "guest-work.h"
#include "guest.h"
#include "handback.h"
#include "io.h"
#include "memory.h"
#include "reason.h"

/* At start the guest must not run with what another one has too. At reconnect it runs, so that is only said. */
static int contend(const struct call *call)
{
    if (guest_may_fail(guest_operation(call->operation)))
        return -EBUSY;
    error_note(call->error, "%s: only one of them can really have it; look at virsh dumpxml of both",
               call->error->message);
    return 0;
}

/* Adds a PF that the guest has to its claim, unless it is another guest's. Return: 0 or -EBUSY. */
static int adopt_whole(const struct call *call, const struct plan *plan, const struct whole *whole,
                       struct ledger *ledger, struct claim *claim)
{
    const struct host_pf *pf = whole_pf(whole);
    const struct claim_vf entry = whole_entry(whole);
    char text[PCIADDR_SIZE];
    _cleanup_(cleanup_free) char *holder = whole_holder(ledger, &pf->address, claim->uuid);
    _cleanup_(cleanup_free) char *rival = whole_rival(ledger, &plan->host, pf, claim->uuid);
    if (!holder)
        claim_add(claim, &entry);
    if (!rival)
        return 0;
    error_set(call->error, EBUSY, "guest '%.256s' has PF %s (%s), and %s", claim->name, pf->name,
              pciaddr_format(&pf->address, text), rival);
    return contend(call);
}

/* Another guest may have the VF's PF. Return: 0 or -EBUSY. */
static int check_pf(const struct call *call, const struct assignment *choice, struct ledger *ledger,
                    const struct claim *claim)
{
    const struct host_pf *pf = &choice->table->pfs[choice->wanted->pf];
    char text[PCIADDR_SIZE];
    _cleanup_(cleanup_free) char *holder = whole_holder(ledger, &pf->address, claim->uuid);
    if (!holder)
        return 0;
    error_set(call->error, EBUSY, "guest '%.256s' has VF %s of pool '%s', and PF %s %s", claim->name,
              pciaddr_format(&choice->wanted->address, text), choice->table->pool->name, pf->name, holder);
    return contend(call);
}

/*
 * Adds a device that the guest has to its claim, unless another guest holds it.
 */
static int adopt_vf(struct call *call, const struct plan *plan, size_t index, struct ledger *ledger,
                    const struct claim *old, struct claim *claim)
{
    _cleanup_(cleanup_claim) struct claim *holder = NULL;
    const struct assignment *choice = &plan->choices[index];
    char uuid[UUID_SIZE], text[PCIADDR_SIZE];
    int result = ledger_holder(ledger, &choice->wanted->address, &holder, uuid, call->error);
    if (result < 0)
        return result;
    if (uuid[0] && strcmp(uuid, claim->uuid) != 0) {
        error_set(call->error, EBUSY, "guest '%.256s' has VF %s of pool '%s', which is held by guest '%.256s'",
                  claim->name, pciaddr_format(&choice->wanted->address, text), choice->table->pool->name,
                  holder ? holder->name : uuid);
        return contend(call);
    }
    result = check_pf(call, choice, ledger, claim);
    if (result < 0)
        return result;
    /* An interface may have been asked for by its address or have been given one: its claim knows. What is wanted is
     * the interface's; what was set is the VF's. */
    const struct claim_vf *before = claim_find(old, &choice->wanted->address);
    const char *mac = plan->requests[index]->mac, *pool = choice->table->pool->name;
    const struct claim_vf *asked =
        mac[0] && !(before && strcmp(before->mac, mac) == 0) ? claim_find_of(old, pool, mac) : before;
    struct claim_vf vf = claim_vf_of(&choice->wanted->address, choice->table->pool->name,
                                     choice->table->pfs[choice->wanted->pf].name, choice->wanted->number);
    vf.by_address = plan->requests[index]->type != REQUEST_INTERFACE || (before && before->by_address);
    vf.given = before && before->given;
    if (asked)
        vf.wanted = asked->wanted;
    if (before) {
        vf.original = before->original;
        memcpy(vf.reason, before->reason, sizeof vf.reason);
        vf.late = before->late && guest_operation(call->operation) != GUEST_START;
    } else if (asked && old) {
        reason_of_gift(asked, old->state, vf.reason);
    }
    snprintf(vf.mac, sizeof vf.mac, "%s", mac);
    claim_add(claim, &vf);
    return 0;
}

/* Whether an interface still names its pool: then nothing has been given yet, and the claim stays as it is. */
static bool undecided(const struct plan *plan)
{
    for (size_t i = 0; i < plan->domain.request_count; i++)
        if (plan->domain.requests[i].type == REQUEST_NETWORK)
            return true;
    return false;
}

static bool has_device(const struct domain *domain, const struct pciaddr *address)
{
    for (size_t i = 0; i < domain->request_count; i++)
        if (domain->requests[i].type != REQUEST_NETWORK && pciaddr_equal(&domain->requests[i].address, address))
            return true;
    return false;
}

/* What the guest held and still has stays its own, also when its pool is out of service and does not list it now. */
static void keep_held(const struct plan *plan, const struct claim *old, struct claim *claim)
{
    bool all = undecided(plan);
    for (size_t i = 0; old && i < old->vf_count; i++)
        if ((all || old->vfs[i].stuck || has_device(&plan->domain, &old->vfs[i].address)) &&
            !claim_find(claim, &old->vfs[i].address))
            claim_add(claim, &old->vfs[i]);
}

static size_t count_given(const struct claim *claim)
{
    size_t count = 0;
    for (size_t i = 0; i < claim->vf_count; i++)
        count += !claim->vfs[i].by_address && !claim->vfs[i].stuck;
    return count;
}

/* A network may list VFs that its pool does not have, as the pool file was changed. Return: 0 or -EBUSY. */
static int check_outsiders(const struct call *call, const struct claim *old, const struct claim *claim)
{
    if (!old || old->state != CLAIM_CLAIMED || !guest_may_fail(guest_operation(call->operation)) ||
        count_given(claim) >= count_given(old))
        return 0;
    return error_set(call->error, EBUSY,
                     "libvirt gave guest '%.256s' a VF that its pool does not have: run 'vfpool reconcile'",
                     claim->name);
}

/* Nothing is given that nobody witnesses: libvirt's network hook has told of each VF before, where it is called (F31).
 * Return: 0 or -ENOENT. */
static int check_witnessed(const struct call *call, const struct plan *plan, const struct claim *old,
                           const struct claim *claim)
{
    char text[PCIADDR_SIZE];
    if (!old || old->state != CLAIM_CLAIMED || guest_operation(call->operation) != GUEST_START || undecided(plan) ||
        !gate_present(call->root))
        return 0;
    for (size_t i = 0; i < claim->vf_count; i++) {
        const struct claim_vf *vf = &claim->vfs[i];
        if (!vf->given && !vf->by_address && !vf->stuck && !vf->whole)
            return error_set(
                call->error, ENOENT,
                "libvirt gave guest '%.256s' VF %s of pool '%.64s', and did not tell its network hook: see "
                "'vfpool doctor'",
                claim->name, pciaddr_format(&vf->address, text), vf->pool);
    }
    return 0;
}

/* What the guest does not have goes back; what it has is set as it is wanted, once it is recorded how it was. */
static int set(struct call *call, struct ledger *ledger, struct claim *old, struct claim *claim)
{
    for (size_t i = 0; old && i < old->vf_count; i++)
        if (!claim_find(claim, &old->vfs[i].address) &&
            handback_try(ledger, call->root, old, &old->vfs[i].address, call->error))
            handback_keep(old, claim);
    int result = claim_settings_record(call->root, claim, NULL, true, call->error);
    if (guest_operation(call->operation) != GUEST_START)
        return result;
    if (result > 0)
        result = ledger_put(ledger, claim, call->error);
    return result < 0 ? result : claim_settings_apply(call->root, claim, NULL, true, call->error);
}

/* What set() has set; MAC addresses and VLANs are libvirt's, which ends the start. */
static void unset(struct call *call, const struct claim *claim)
{
    char text[PCIADDR_SIZE];
    for (size_t i = 0; i < claim->vf_count && guest_operation(call->operation) == GUEST_START; i++) {
        _cleanup_(error_free) struct error problem = {0};
        if (!claim->vfs[i].stuck && claim_settings_restore(call->root, &claim->vfs[i], true, &problem) < 0)
            error_note(call->error, "VF %s stays as it was set until it is released: %s",
                       pciaddr_format(&claim->vfs[i].address, text), problem.message);
    }
}

/* @old, @claim: what the guest held, and holds now; NULL: nothing. The caller frees both. */
static int adopt(struct call *call, const struct plan *plan, struct claim **old, struct claim **claim)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    const char *uuid = plan->domain.uuid;
    if (plan_is_empty(plan) && !ledger_has_file(call->root, uuid))
        return 0;
    int result = ledger_open(call->root, LEDGER_WRITE, LEDGER_LOCK_MS, &ledger, call->error);
    if (result == 0)
        result = ledger_edit(ledger, uuid, old, call->error);
    if (result < 0)
        return result;
    *claim = claim_new(uuid, plan->domain.name);
    (*claim)->state = CLAIM_HELD;
    if (*old)
        claim_continue(*claim, *old);
    /* As it is not the claim's age, but that of what it says of the guest. */
    if (*old && (*old)->state == CLAIM_CLAIMED)
        (*claim)->clock = io_now_ms();
    for (size_t i = 0; i < plan->count && result == 0; i++)
        result = adopt_vf(call, plan, i, ledger, *old, *claim);
    for (size_t i = 0; i < plan->whole_count && result == 0; i++)
        result = adopt_whole(call, plan, &plan->wholes[i], ledger, *claim);
    if (result < 0)
        return result;
    keep_held(plan, *old, *claim);
    result = check_outsiders(call, *old, *claim);
    if (result == 0)
        result = check_witnessed(call, plan, *old, *claim);
    if (result == 0)
        result = set(call, ledger, *old, *claim);
    if (result < 0)
        return result;
    result = ledger_put(ledger, *claim, call->error);
    if (result < 0)
        unset(call, *claim);
    return result;
}

int guest_start(struct call *call, struct plan *plan)
{
    _cleanup_(cleanup_claim) struct claim *old = NULL, *claim = NULL;
    int result = adopt(call, plan, &old, &claim);
    call->changed = old;
    return result;
}

/* Nothing was opened for a guest that runs. */
int guest_reconnect(struct call *call, struct plan *plan)
{
    _cleanup_(cleanup_claim) struct claim *old = NULL, *claim = NULL;
    return adopt(call, plan, &old, &claim);
}
