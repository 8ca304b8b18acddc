/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "absent.h"
#include "handback.h"
#include "last.h"
#include "ledger.h"
#include "memory.h"
#include "numa.h"
#include "offer.h"
#include "reason.h"
#include "shortage.h"
#include "transform.h"
#include "vfinfo.h"
#include "wanted.h"
#include "xml.h"

void plan_free(struct plan *plan)
{
    vf_tables_free(plan->tables, plan->pools.count);
    pools_free(&plan->pools);
    host_close(&plan->host);
    domain_free(&plan->domain);
    free(plan->requests);
    free(plan->choices);
    free(plan->wanted);
    free(plan->wholes);
}

static void add_choice(struct plan *plan, const struct request *request, const struct vf_table *table,
                       const struct vf *wanted)
{
    plan->requests[plan->count] = request;
    plan->choices[plan->count++] = (struct assignment){.table = table, .wanted = wanted, .mac = request->mac};
}

static int refuse_twice(const struct plan *plan, const struct pciaddr *address, struct error *error)
{
    char text[PCIADDR_SIZE];
    return error_set(error, EINVAL, "guest '%s' asks for PCI device %s twice", plan->domain.name,
                     pciaddr_format(address, text));
}

/* Who names a device is no exception. @words: NULL: it is not drained */
static int check_drained(const struct plan *plan, const struct pciaddr *address, const char *words, struct error *error)
{
    char text[PCIADDR_SIZE];
    return !words || plan->kind != PLAN_START
               ? 0
               : error_set(error, EBUSY, "guest '%.256s' asks for PCI device %s, which is drained %s",
                           plan->domain.name, pciaddr_format(address, text), words);
}

/* Return: 1 when it is a PF of a pool, 0 when not, -EBUSY when that is drained, or -EINVAL. */
static int add_whole(struct plan *plan, const struct request *request, struct error *error)
{
    uint16_t pf;
    for (size_t i = 0; i < plan->whole_count; i++)
        if (pciaddr_equal(&plan->wholes[i].request->address, &request->address))
            return refuse_twice(plan, &request->address, error);
    for (size_t i = 0; i < plan->pools.count; i++) {
        if (!whole_find(&plan->tables[i], request, &pf))
            continue;
        plan->wholes[plan->whole_count++] = (struct whole){.request = request, .table = &plan->tables[i], .pf = pf};
        int result = check_drained(plan, &request->address,
                                   drained_find(&plan->pools.drained, &request->address, &request->address), error);
        return result < 0 ? result : 1;
    }
    return 0;
}

/* Whose pool the device is. Return: 0, also when it is no pool's, -EBUSY when it is drained, or -EINVAL when two
 * requests name it. */
static int add_static(struct plan *plan, const struct request *request, struct error *error)
{
    int whole = add_whole(plan, request, error);
    if (whole != 0)
        return whole < 0 ? whole : 0;
    for (size_t i = 0; i < plan->pools.count; i++) {
        const struct vf_table *table = &plan->tables[i];
        const struct vf *vf = table->pool->fault.code ? NULL : vf_find(table, &request->address);
        if (!vf)
            continue;
        for (size_t j = 0; j < plan->count; j++)
            if (plan->choices[j].wanted == vf)
                return refuse_twice(plan, &vf->address, error);
        add_choice(plan, request, table, vf);
        return check_drained(plan, &vf->address, vf_drained(table, vf), error);
    }
    return 0;
}

static int add_network(struct plan *plan, const struct request *request, struct error *error)
{
    const struct pool *pool = pools_find(&plan->pools, request->network);
    if (!pool) /* it was there a moment ago */
        return error_set(error, ENOENT, "the file of pool '%s' is gone: start the guest again", request->network);
    if (pool->fault.code)
        return error_set(error, pool->fault.code, "pool '%s' is out of service: %s", pool->name, pool->fault.message);
    add_choice(plan, request, plan_table(plan, pool), NULL);
    return 0;
}

/* Whether this kind of plan is about such a request. */
static bool concerns(enum plan_kind kind, const struct request *request)
{
    switch (kind) {
    case PLAN_START:
        return true;
    case PLAN_FILTER: /* F13: only these may change */
        return request->type == REQUEST_INTERFACE;
    case PLAN_ADOPT:
        return request->type != REQUEST_NETWORK;
    }
    return false;
}

static size_t count_concerned(const struct plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->domain.request_count; i++)
        count += concerns(plan->kind, &plan->domain.requests[i]);
    return count;
}

static bool asks_for_pool(const struct plan *plan)
{
    for (size_t i = 0; i < plan->domain.request_count; i++)
        if (plan->domain.requests[i].type == REQUEST_NETWORK && concerns(plan->kind, &plan->domain.requests[i]))
            return true;
    return false;
}

/* Looks where the PFs are, once it matters: the guest is bound to NUMA nodes, and the pool cares. */
static void find_distances(struct plan *plan)
{
    struct numbers nodes;
    bool looked = false, bound = false;
    for (size_t i = 0; i < plan->count; i++) {
        struct vf_table *table = plan_table(plan, plan->choices[i].table->pool);
        if (plan->choices[i].wanted || table->policy.numa == WISH_NO || table->distances)
            continue;
        if (!looked)
            bound = numa_of_guest(&plan->host, xmlDocGetRootElement(plan->domain.doc), &nodes);
        looked = true;
        if (!bound)
            return;
        table->distances = memory_new(table->pf_count, sizeof *table->distances);
        for (size_t j = 0; j < table->pf_count; j++) {
            host_pf_examine(&plan->host, &table->pfs[j]);
            int node = table->pfs[j].numa_node;
            table->distances[j] = node == HOST_UNKNOWN        ? VF_DISTANCE_UNKNOWN
                                  : numbers_has(&nodes, node) ? VF_NEAR
                                                              : VF_FAR;
        }
    }
}

/* The VFs that the guest's interfaces had last, and when others had them. */
static void find_had(const struct plan *plan, int root, struct vf_table *table)
{
    _cleanup_(last_free) struct last last = {.text = NULL};
    struct pciaddr address;
    if (!table->policy.sticky && table->policy.order != ORDER_LRU)
        return;
    last_read(root, &last);
    if (table->policy.order == ORDER_LRU)
        last_mark(&last, table);
    for (size_t i = 0; i < plan->count && table->policy.sticky; i++) {
        const struct request *request = plan->requests[i];
        struct vf *vf = NULL;
        if (plan->choices[i].table == table && request->type == REQUEST_NETWORK &&
            last_find(&last, plan->domain.uuid, request->mac, &address))
            vf = vf_find(table, &address);
        if (vf)
            vf->had = true;
    }
}

/* What the guest itself says of the pools where it asks for any VF, and what there is to know then. */
static int find_policies(struct plan *plan, int root, struct error *error)
{
    const xmlNode *domain = xmlDocGetRootElement(plan->domain.doc);
    const char *mistaken = policy_mistaken(domain);
    if (mistaken)
        error_note(
            error,
            "guest '%.256s' has elements of '%.64s' in its <metadata>, which is not vfpool's namespace, %s: they are "
            "not followed",
            plan->domain.name, mistaken, VFPOOL_NAMESPACE);
    for (size_t i = 0; i < plan->pools.count; i++) {
        struct vf_table *table = &plan->tables[i];
        bool asked = false;
        for (size_t j = 0; j < plan->count; j++)
            asked |= plan->requests[j]->type == REQUEST_NETWORK && plan->choices[j].table == table;
        if (!asked)
            continue;
        int result =
            policy_override(&table->policy, domain, table->pool->override, plan->domain.name, table->pool->name, error);
        if (result < 0)
            return result;
        find_had(plan, root, table);
    }
    return 0;
}

/* What the VFs are to be set to. Return: 0 or a negative errno value. */
static int find_wanted(struct plan *plan, struct error *error)
{
    plan->wanted = memory_new(plan->count, sizeof *plan->wanted);
    if (plan->kind != PLAN_START || plan->count == 0)
        return 0;
    int result = wanted_check_guest(&plan->domain, error);
    for (size_t i = 0; i < plan->count && result == 0; i++) {
        const struct request *request = plan->requests[i];
        const struct wanted_device device = {.portgroup = request->portgroup,
                                             .mac = request->type == REQUEST_HOSTDEV ? NULL : request->mac,
                                             .address = request->type == REQUEST_NETWORK ? NULL : &request->address};
        result = wanted_find(plan->choices[i].table->pool, &device, xmlDocGetRootElement(plan->domain.doc),
                             plan->domain.name, &plan->wanted[i], error);
    }
    return result;
}

int plan_load(struct plan *plan, int root, enum plan_kind kind, bool draft, const char *data, size_t length,
              struct error *error)
{
    *plan = (struct plan){.root = root, .kind = kind, .host.sys = -1};
    int result = domain_read(data, length, pool_is_named, &root, draft, &plan->domain, error);
    size_t count = result < 0 ? 0 : count_concerned(plan);
    if (count == 0)
        return result;
    result = pools_load(root, &plan->pools, error);
    /* Where there are no pools, nothing of the host's matters; but one that was there a moment ago is missed below. */
    if (result < 0 || (plan->pools.count == 0 && !asks_for_pool(plan)))
        return result;
    result = host_open(root, &plan->host, error);
    if (result < 0)
        return result;
    plan->requests = memory_new(count, sizeof *plan->requests);
    plan->choices = memory_new(count, sizeof *plan->choices);
    plan->wholes = memory_new(count, sizeof *plan->wholes);
    plan->tables = vf_tables_load(&plan->host, &plan->pools, ledger_has_pool);
    for (size_t i = 0; i < plan->domain.request_count && result == 0; i++) {
        struct request *request = &plan->domain.requests[i];
        if (request->netdev && host_netdev_device(&plan->host, request->netdev, &request->address) < 0)
            request->address = (struct pciaddr){0};
        if (concerns(kind, request))
            result =
                request->type == REQUEST_NETWORK ? add_network(plan, request, error) : add_static(plan, request, error);
    }
    if (result < 0)
        return result;
    for (size_t i = 0; i < plan->pools.count; i++)
        vf_reserve(&plan->tables[i], plan->domain.name, plan->domain.uuid);
    result = find_policies(plan, root, error);
    if (result < 0)
        return result;
    find_distances(plan);
    return find_wanted(plan, error);
}

bool plan_has(const struct plan *plan, const struct request *request)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->requests[i] == request)
            return true;
    for (size_t i = 0; i < plan->whole_count; i++)
        if (plan->wholes[i].request == request)
            return true;
    return false;
}

/* The PFs that the guest asks for are nobody else's, and none of their VFs is; none of these is its own then, either.
 * Return: 0 or -EBUSY. */
static int check_wholes(const struct plan *plan, struct ledger *ledger, struct error *error)
{
    char text[PCIADDR_SIZE];
    for (size_t i = 0; i < plan->whole_count; i++) {
        const struct host_pf *pf = whole_pf(&plan->wholes[i]);
        _cleanup_(cleanup_free) char *rival = whole_rival(ledger, &plan->host, pf, plan->domain.uuid);
        if (rival)
            return error_set(error, EBUSY, "guest '%.256s' asks for PF %s (%s) by its address, and %s",
                             plan->domain.name, pf->name, pciaddr_format(&pf->address, text), rival);
        for (size_t j = 0; j < plan->pools.count; j++)
            whole_ask(&plan->tables[j], &plan->wholes[i]);
    }
    return 0;
}

static int mark_taken(struct plan *plan, struct ledger *ledger, const struct claim *own, struct error *error)
{
    _cleanup_(pciaddr_set_free) struct pciaddr_set taken = {0};
    int result = ledger_taken(ledger, own ? NULL : plan->domain.uuid, &taken, error);
    if (result < 0)
        return result;
    const struct claim_vf *had;
    for (size_t i = 0; i < plan->pools.count; i++) {
        struct vf_table *table = &plan->tables[i];
        for (size_t j = 0; j < table->vf_count && taken.count; j++)
            if (pciaddr_set_has(&taken, &table->vfs[j].address) &&
                (!(had = claim_find(own, &table->vfs[j].address)) || had->stuck))
                table->vfs[j].obstacle = VF_TAKEN;
        whole_mark(ledger, table, &taken, plan->domain.uuid);
    }
    return check_wholes(plan, ledger, error);
}

/*
 * Looks closely at what was chosen, and at the whole pool once a choice turns out to be unusable or doubtful: so many
 * thousand VFs cost nothing, and a PF that is down costs one look at each, once.
 *
 * Return: whether all that was chosen can be used, and nothing better is there.
 */
static bool examine_choices(const struct plan *plan)
{
    bool usable = true;
    for (size_t i = 0; i < plan->count; i++) {
        const struct assignment *choice = &plan->choices[i];
        if (choice->wanted || choice->table->examined)
            continue;
        vf_examine(&plan->host, choice->table, vf_find(choice->table, &choice->granted->address));
        if (choice->granted->obstacle == VF_USABLE && choice->granted->doubt == VF_CLEAR)
            continue;
        usable = false;
        vf_examine_all(&plan->host, plan_table(plan, choice->table->pool));
    }
    return usable;
}

/* A VF of this number has the MAC address, which is not the guest's own. Return: whether there is one. */
static bool find_twin(const struct settings *all, const struct host_pf *pf, const struct assignment *choice,
                      const struct claim *own, unsigned int *number)
{
    for (*number = 0; *number < pf->vf_count; ++*number) {
        const struct claim_vf *had = claim_find_of(own, choice->table->pool->name, choice->mac);
        if (*number != choice->granted->number && strcmp(all[*number].mac, choice->mac) == 0 &&
            !(had && had->number == *number && strcmp(had->pf, pf->name) == 0))
            return true;
    }
    return false;
}

/*
 * Frames to a MAC address that two VFs of a PF have reach one of them. libvirt does not look; so another PF is better,
 * or the VF that has it already, as long as no guest has that one.
 *
 * Return: whether something speaks against a VF that did not before.
 */
static bool find_twins(const struct plan *plan, const struct claim *own)
{
    size_t found = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct assignment *choice = &plan->choices[i];
        _cleanup_(error_free) struct error ignored = {0};
        _cleanup_(cleanup_free) struct settings *all = NULL;
        unsigned int number;
        if (choice->wanted || !choice->mac[0] || choice->granted->doubt == VF_TWIN)
            continue;
        const struct host_pf *pf = &choice->table->pfs[choice->granted->pf];
        if (vfinfo_read(&plan->host, pf, &all, &ignored) == 0 && find_twin(all, pf, choice, own, &number))
            found += vf_add_twin(&plan->host, plan_table(plan, choice->table->pool), choice->granted->pf, number);
    }
    return found > 0;
}

/* A device's state fits no device of another kind. */
static void keep_kind(const struct plan *plan, struct vf_table *table, uint16_t pf)
{
    for (size_t i = 0; i < table->pf_count; i++) {
        if (host_pf_is_like(&plan->host, &table->pfs[pf], &table->pfs[i]))
            continue;
        for (size_t j = 0; j < table->vf_count; j++)
            if (table->vfs[j].pf == i)
                table->vfs[j].obstacle = VF_OTHER_KIND;
    }
}

/* F13: an interface whose VF is not to be had here gets any of the same pool and of the same kind. */
static void free_lost_vfs(const struct plan *plan)
{
    _cleanup_(cleanup_free) const struct vf **lost = memory_new(plan->count, sizeof *lost);
    for (size_t i = 0; i < plan->count; i++) {
        struct assignment *choice = &plan->choices[i];
        struct vf *vf = choice->wanted ? vf_find(choice->table, &choice->wanted->address) : NULL;
        if (!vf)
            continue;
        vf_examine(&plan->host, choice->table, vf);
        if (vf->obstacle == VF_USABLE)
            continue;
        choice->wanted = NULL;
        lost[i] = vf;
    }
    /* Of none before it is known which are lost. */
    for (size_t i = 0; i < plan->count; i++)
        if (lost[i])
            keep_kind(plan, plan_table(plan, plan->choices[i].table->pool), lost[i]->pf);
}

/* Whether a guest that is gone for certain has left the VF claimed; not one that nobody shall have. */
static bool is_left(const struct plan *plan, const struct claim *claim, const struct pciaddr *address)
{
    const struct claim_vf *vf = claim_find(claim, address);
    return vf && !vf->stuck && absent_is(plan->root, &plan->host, claim);
}

int plan_take_left(const struct plan *plan, struct ledger *ledger, struct error *error)
{
    for (size_t i = 0; i < plan->count; i++) {
        _cleanup_(cleanup_claim) struct claim *claim = NULL;
        const struct pciaddr *address = &plan->choices[i].granted->address;
        char uuid[UUID_SIZE], text[PCIADDR_SIZE];
        int result = ledger_holder(ledger, address, &claim, uuid, error);
        if (result < 0)
            return result;
        if (!claim || strcmp(uuid, plan->domain.uuid) == 0 || !is_left(plan, claim, address))
            continue;
        /* While it was thought to run, without a port, its VF may have got one of ours. */
        result = offer_withdraw(plan->root, plan->choices[i].table->pool->name, error);
        if (result == 0)
            result = handback_guest(ledger, plan->root, uuid, error);
        if (result < 0)
            return result;
        error_note(error, "guest '%.256s' held VF %s, and does not run any more: taken back", claim->name,
                   pciaddr_format(address, text));
    }
    return 0;
}

/*
 * Looks closely at a pool that seems exhausted: at the state of each VF, and at whether each that has a link is really
 * held, as a link that says nothing may have been left where no crash was noticed, and a claim of a guest that is gone.
 *
 * Return: 1 when a VF turned out to be free or to be unusable, 0 when not, or a negative errno value.
 */
static int examine_exhausted(const struct plan *plan, const struct vf_table *table, struct ledger *ledger,
                             struct error *error)
{
    int changed = 0;
    for (size_t i = 0; i < table->vf_count; i++) {
        struct vf *vf = &table->vfs[i];
        _cleanup_(cleanup_claim) struct claim *claim = NULL;
        uint8_t before = vf->obstacle;
        char uuid[UUID_SIZE];
        if (vf->obstacle == VF_TAKEN) {
            int result = ledger_holder(ledger, &vf->address, &claim, uuid, error);
            if (result < 0)
                return result;
            if (!uuid[0] || is_left(plan, claim, &vf->address))
                vf->obstacle = VF_USABLE;
        }
        vf_examine(&plan->host, table, vf);
        changed |= vf->obstacle != before;
    }
    return changed;
}

int plan_choose(struct plan *plan, struct ledger *ledger, const struct claim *own, struct error *error)
{
    size_t failed = 0;
    plan->exhausted = NULL;
    int result = mark_taken(plan, ledger, own, error);
    if (result < 0)
        return result;
    if (plan->kind == PLAN_FILTER)
        free_lost_vfs(plan);
    do {
        while (choose(plan->choices, plan->count, &failed) < 0) {
            result = examine_exhausted(plan, plan->choices[failed].table, ledger, error);
            if (result == 0)
                return shortage_describe(plan, failed, ledger, error);
            if (result < 0)
                return result;
        }
    } while (!examine_choices(plan) || find_twins(plan, own));
    return 0;
}

static bool has_distances(const struct vf_table *table)
{
    for (size_t i = 1; table->distances && i < table->pf_count; i++)
        if (table->distances[i] != table->distances[0])
            return true;
    return false;
}

static bool has_reserved(const struct vf_table *table)
{
    for (size_t i = 0; i < table->vf_count; i++)
        if (table->vfs[i].reserved == VF_FOR_GUEST)
            return true;
    return false;
}

bool plan_is_exact(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct assignment *one = &plan->choices[i];
        const struct vf_table *table = one->table;
        if (!one->wanted && (has_reserved(table) || (table->policy.numa == WISH_REQUIRE && has_distances(table))))
            return true;
        for (size_t j = i + 1; j < plan->count; j++) {
            const struct assignment *other = &plan->choices[j];
            if ((one->mac[0] && strcmp(one->mac, other->mac) == 0) ||
                (table == other->table && table->policy.separate == WISH_REQUIRE && table->pf_count > 1))
                return true;
        }
    }
    return false;
}

struct claim *plan_claim(const struct plan *plan)
{
    struct claim *claim = claim_new(plan->domain.uuid, plan->domain.name);
    for (size_t i = 0; i < plan->count; i++) {
        const struct assignment *choice = &plan->choices[i];
        struct claim_vf vf = claim_vf_of(&choice->granted->address, choice->table->pool->name,
                                         choice->table->pfs[choice->granted->pf].name, choice->granted->number);
        vf.by_address = plan->requests[i]->type != REQUEST_NETWORK;
        vf.reset = !vf.by_address && choice->table->pool->reset;
        vf.wanted = plan->wanted[i];
        reason_of_choice(choice, vf.reason);
        snprintf(vf.mac, sizeof vf.mac, "%s", plan->requests[i]->mac);
        claim_add(claim, &vf);
    }
    for (size_t i = 0; i < plan->whole_count; i++) {
        const struct claim_vf pf = whole_entry(&plan->wholes[i]);
        claim_add(claim, &pf);
    }
    return claim;
}

int plan_format(const struct plan *plan, int root, const char *operation, char **text, size_t *length,
                struct error *error)
{
    _cleanup_(cleanup_free) struct transform_grant *grants = memory_new(plan->count, sizeof *grants);
    size_t count = 0;
    *text = NULL;
    for (size_t i = 0; i < plan->count; i++) {
        const struct assignment *choice = &plan->choices[i];
        if (plan->requests[i]->type == REQUEST_NETWORK || !choice->wanted)
            grants[count++] = (struct transform_grant){
                .request = plan->requests[i], .pool = choice->table->pool, .address = choice->granted->address};
    }
    return count ? transform_domain(root, operation, &plan->domain, grants, count, text, length, error) : 0;
}
