/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "allocation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "absent.h"
#include "claim-settings.h"
#include "claim.h"
#include "gate.h"
#include "handback.h"
#include "history.h"
#include "hooks.h"
#include "host.h"
#include "hotplug.h"
#include "io.h"
#include "ledger.h"
#include "libvirtd.h"
#include "memory.h"
#include "offer.h"
#include "pool.h"
#include "reason.h"
#include "vf.h"
#include "whole.h"
#include "xml.h"

/* ---- what libvirt says ---- */

/* By the port's own UUID: the owner is what the guest's XML says. */
static bool is_ours(xmlNodePtr port, const struct pciaddr *address)
{
    _cleanup_(cleanup_xml_string) char *uuid = xml_text(xml_child(port, "uuid"));
    struct pciaddr ours;
    return uuid && gate_port_address(uuid, &ours) && pciaddr_equal(&ours, address);
}

void allocation_free(struct allocation *allocation)
{
    free(allocation->name);
    free(allocation->portgroup);
    *allocation = (struct allocation){0};
}

int allocation_read(const char *network, const char *data, size_t length, struct allocation *allocation,
                    struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    *allocation = (struct allocation){.network = network};
    int result = xml_parse(data, length, "the hook's XML", &doc, error);
    if (result < 0)
        return result;
    xmlNodePtr port = xml_child(xmlDocGetRootElement(doc), "networkport");
    _cleanup_(cleanup_xml_string) char *name = xml_text(xml_child(xml_child(port, "owner"), "name"));
    _cleanup_(cleanup_xml_string) char *uuid = xml_text(xml_child(xml_child(port, "owner"), "uuid"));
    _cleanup_(cleanup_xml_string) char *group = xml_text(xml_child(port, "group"));
    _cleanup_(cleanup_xml_string) char *mac = xml_attribute(xml_child(port, "mac"), "address");
    if (xml_pci_address(xml_child(xml_child(port, "plug"), "address"), &allocation->address) < 0 ||
        is_ours(port, &allocation->address))
        return 0;
    if (!name || !uuid || domain_parse_uuid(uuid, allocation->owner) < 0)
        return error_set(error, EINVAL, "the hook's XML does not say whose port of network '%s' it is about", network);
    allocation->name = memory_copy(name);
    allocation->portgroup = group ? memory_copy(group) : NULL;
    snprintf(allocation->mac, sizeof allocation->mac, "%s", mac ? mac : "");
    return 1;
}

/* ---- the VF, as its pool has it ---- */

struct place {
    struct pools pools;
    struct host host;
    struct vf_table *tables;
    const struct vf_table *table;
    struct vf *vf; /* NULL: the pool has no such VF */
};

static void close_place(struct place *place)
{
    vf_tables_free(place->tables, place->pools.count);
    pools_free(&place->pools);
    host_close(&place->host);
}

static int find_place(int root, const struct allocation *allocation, struct place *place, struct error *error)
{
    int result = pools_load(root, &place->pools, error);
    if (result == 0)
        result = host_open(root, &place->host, error);
    if (result < 0)
        return result;
    const struct pool *pool = pools_find(&place->pools, allocation->network);
    place->tables = vf_tables_load(&place->host, &place->pools, ledger_has_pool);
    if (!pool || pool->fault.code)
        return 0;
    place->table = &place->tables[pool - place->pools.pools];
    place->vf = vf_find(place->table, &allocation->address);
    return 0;
}

/* ---- made ---- */

/* What the guest was going to get for this interface; NULL: nothing. */
static struct claim_vf *find_awaited(const struct claim *claim, const struct allocation *allocation)
{
    for (size_t i = 0; i < claim->vf_count; i++) {
        struct claim_vf *vf = &claim->vfs[i];
        if (claim->state == CLAIM_CLAIMED && !vf->given && !vf->by_address && strcmp(vf->mac, allocation->mac) == 0 &&
            strcmp(vf->pool, allocation->network) == 0)
            return vf;
    }
    return NULL;
}

static struct claim_vf *find_claimed(const struct claim *claim, const struct pciaddr *address)
{
    for (size_t i = 0; i < claim->vf_count; i++)
        if (pciaddr_equal(&claim->vfs[i].address, address))
            return &claim->vfs[i];
    return NULL;
}

/* Its own VF: for the interface that it was claimed for, or for another one of the guest's, which then gets that
 * one's. Return: whether the claim changes. */
static bool confirm(const struct claim *claim, struct claim_vf *vf, const struct allocation *allocation)
{
    struct claim_vf *other = find_awaited(claim, allocation);
    bool changed = !vf->given || strcmp(vf->mac, allocation->mac) != 0;
    if (other && other != vf) {
        memcpy(other->mac, vf->mac, sizeof other->mac);
        const struct settings wanted = other->wanted;
        other->wanted = vf->wanted;
        vf->wanted = wanted;
    }
    memcpy(vf->mac, allocation->mac, sizeof vf->mac);
    vf->given = true;
    return changed;
}

/* libvirt lost count (F27), and gives a guest what it has already: for an interface of another MAC address. */
static bool is_second(const struct claim *claim, const struct claim_vf *vf, const struct allocation *allocation)
{
    bool had = vf->given || claim->state == CLAIM_HELD;
    return vf->by_address || (had && vf->mac[0] && strcmp(vf->mac, allocation->mac) != 0);
}

static int refuse_second(const struct allocation *allocation, const struct claim_vf *vf, struct error *error)
{
    char text[PCIADDR_SIZE];
    return error_set(
        error, EBUSY,
        "libvirt gives guest '%.256s' VF %s of pool '%s' for interface %s, and the guest has it already%s%s: "
        "run 'vfpool reconcile', and try again",
        allocation->name, pciaddr_format(&allocation->address, text), allocation->network, allocation->mac,
        vf->mac[0] ? " for interface " : "", vf->mac);
}

/* Its own that could not be set as it was when it gave it back last: nobody's until that is mended. */
static int refuse_stuck(const struct allocation *allocation, const struct claim_vf *vf, struct error *error)
{
    char text[PCIADDR_SIZE];
    return error_set(error, EBUSY, "libvirt gives guest '%.256s' VF %s of pool '%s', which is quarantined: %s",
                     allocation->name, pciaddr_format(&allocation->address, text), allocation->network, vf->stuck);
}

/* Which another guest has for itself, or which is drained: libvirt may give it before it is blocked. */
static int check_reserved(const struct place *place, const struct claim *claim, struct error *error)
{
    char reason[VF_REASON_SIZE], text[PCIADDR_SIZE];
    vf_reserve(&place->tables[place->table - place->tables], claim->name, claim->uuid);
    if (!vf_is_barred(place->vf))
        return 0;
    return error_set(error, EBUSY, "libvirt gives guest '%.256s' VF %s of pool '%s', and %s: start it again",
                     claim->name, pciaddr_format(&place->vf->address, text), place->table->pool->name,
                     vf_reason(place->table, place->vf, reason, sizeof reason));
}

/* The pool file was changed, or its card is not found now, and the network lists the VF still. */
static int refuse_outsider(const struct allocation *allocation, struct error *error)
{
    char text[PCIADDR_SIZE];
    return error_set(error, EBUSY,
                     "libvirt gives guest '%.256s' VF %s, which pool '%s' does not have: run 'vfpool reconcile'",
                     allocation->name, pciaddr_format(&allocation->address, text), allocation->network);
}

/* A VF of nobody's. Return: 1 when the claim has it now, 0 when the pool does not, or a negative errno value. */
static int add(int root, struct claim *claim, const struct allocation *allocation, bool certain, struct error *error)
{
    _cleanup_(close_place) struct place place = {.host.sys = -1};
    int result = find_place(root, allocation, &place, error);
    if (result < 0 || !place.table)
        return result;
    if (!place.vf)
        return find_awaited(claim, allocation) ? refuse_outsider(allocation, error) : 0;
    if (!certain && check_reserved(&place, claim, error) < 0)
        return -EBUSY;
    struct claim_vf *awaited = find_awaited(claim, allocation);
    struct claim_vf vf = claim_vf_of(&allocation->address, place.table->pool->name, place.table->pfs[place.vf->pf].name,
                                     place.vf->number);
    vf.given = true;
    if (awaited)
        vf.wanted = awaited->wanted;
    else if (!certain && claim->state == CLAIM_HELD)
        result = hotplug_find_wanted(root, place.table->pool, allocation->name, allocation->mac, allocation->portgroup,
                                     &vf.wanted, error);
    if (result < 0)
        return result;
    vf.late = !awaited && settings_say(&vf.wanted);
    vf.reset = !certain && (awaited ? awaited->reset : place.table->pool->reset);
    memcpy(vf.mac, allocation->mac, sizeof vf.mac);
    /* One that runs at a start of the daemon has been given it nobody knows why. */
    if (awaited || !certain)
        reason_of_gift(awaited, claim->state, vf.reason);
    if (awaited)
        claim_remove(claim, &awaited->address);
    claim_add(claim, &vf);
    return 1;
}

/* A usable VF of the pool that no guest has, of those that are blocked, or of the others. NULL: there is none. */
static const struct vf *find_free(struct place *place, const struct pciaddr_set *blocked,
                                  const struct pciaddr_set *taken, bool is_blocked)
{
    for (size_t i = 0; i < place->table->vf_count; i++) {
        struct vf *vf = &place->table->vfs[i];
        if (pciaddr_set_has(blocked, &vf->address) != is_blocked || pciaddr_set_has(taken, &vf->address))
            continue;
        vf_examine(&place->host, place->table, vf);
        if (vf_is_free(vf))
            return vf;
    }
    return NULL;
}

/* A VF of the offer that nobody has claimed. Return: NULL when there is none. */
static const struct vf *find_offered(int root, struct ledger *ledger, struct place *place, struct error *error)
{
    _cleanup_(pciaddr_set_free) struct pciaddr_set blocked = {0}, taken = {0};
    if (!place->table || !offer_read(root, place->table->pool->name, &blocked) ||
        ledger_taken(ledger, NULL, &taken, error) < 0)
        return NULL;
    whole_mark(ledger, &place->tables[place->table - place->tables], &taken, NULL);
    return find_free(place, &blocked, &taken, false);
}

/* The other guest gets what this one awaits; which this one's claim still has here, and not in the ledger, as what is
 * wanted goes with its interface. Return: 1 or a negative errno value. */
static int exchange(struct ledger *ledger, struct claim *holder, struct claim *claim, const struct pciaddr *given,
                    const struct claim_vf *awaited, struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *aside = claim_new(claim->uuid, claim->name);
    claim_add(aside, awaited);
    claim_move(holder, given, awaited);
    claim_remove(claim, &aside->vfs[0].address);
    int result = ledger_put(ledger, claim, error);
    if (result == 0)
        result = ledger_put(ledger, holder, error);
    if (result < 0)
        return result;
    claim_add(claim, &aside->vfs[0]);
    return 1;
}

/*
 * Another guest that is being started has claimed the VF, and would take any other of the offer as gladly: it gets what
 * this one was going to get, or one that is free. Each step leaves a sound ledger; killed in between, this guest fails.
 *
 * Return: 1 when the VF is free now, 0 when the other guest must have it, or a negative errno value.
 */
static int yield(struct ledger *ledger, int root, const struct allocation *allocation, struct claim *holder,
                 struct claim *claim, struct error *error)
{
    _cleanup_(close_place) struct place place = {.host.sys = -1};
    const struct claim_vf *vf = holder ? claim_find(holder, &allocation->address) : NULL;
    const struct claim_vf *awaited = claim ? find_awaited(claim, allocation) : NULL;
    if (!vf || !holder->offered || holder->state != CLAIM_CLAIMED || vf->given || vf->by_address)
        return 0;
    if (awaited)
        return exchange(ledger, holder, claim, &allocation->address, awaited, error);
    int result = find_place(root, allocation, &place, error);
    const struct vf *other = result < 0 ? NULL : find_offered(root, ledger, &place, error);
    if (!other)
        return result;
    struct claim_vf to = claim_vf_of(&other->address, NULL, place.table->pfs[other->pf].name, other->number);
    claim_move(holder, &allocation->address, &to);
    result = ledger_put(ledger, holder, error);
    return result < 0 ? result : 1;
}

/*
 * A guest that is gone has left the VF claimed, as its release was killed, or could not write: it has no port of it any
 * more. Return: whether it is nobody's now; else @result is 0, or a negative errno value.
 */
static bool take_left(struct ledger *ledger, int root, const struct allocation *allocation, struct claim *holder,
                      int *result, struct error *error)
{
    _cleanup_(host_close) struct host host = {.sys = -1};
    bool stuck = true;
    *result = holder ? host_open(root, &host, error) : 0;
    if (holder && *result == 0 && absent_is(root, &host, holder))
        *result = handback_vf(ledger, root, holder, &allocation->address, &stuck, error);
    return *result == 0 && !stuck;
}

/* At a start of the daemon, what was refused now would run on all the same. Return: 0 when libvirt's choice stands, or
 * -EBUSY. */
static int stand(const struct claim *claim, bool certain, struct error *error)
{
    if (!certain || (claim && claim->state == CLAIM_CLAIMED))
        return -EBUSY;
    error_note(error, "%s: only one of them can really have it; look at virsh dumpxml of both", error->message);
    return 0;
}

/* Return: 0 when libvirt's choice stands, or -EBUSY. */
static int stand_or_refuse(const struct allocation *allocation, const struct claim *holder, const char *uuid,
                           const struct claim *claim, bool certain, struct error *error)
{
    char text[PCIADDR_SIZE];
    (void)error_set(error, EBUSY, "libvirt gives guest '%.256s' VF %s of pool '%s', which is held by guest '%.256s'",
                    allocation->name, pciaddr_format(&allocation->address, text), allocation->network,
                    holder ? holder->name : uuid);
    return stand(claim, certain, error);
}

/* A guest may have the VF's PF as it is. Return: 0 or -EBUSY. */
static int check_pf(struct ledger *ledger, int root, const struct allocation *allocation, const struct claim *claim,
                    bool certain, struct error *error)
{
    _cleanup_(error_free) struct error ignored = {0};
    _cleanup_(cleanup_free) char *holder = NULL;
    _cleanup_(host_close) struct host host = {.sys = -1};
    struct host_pf pf;
    unsigned int number;
    char text[PCIADDR_SIZE];
    /* One that is not there, libvirt cannot give; and mostly nobody has the PF. */
    if (host_open(root, &host, &ignored) == 0 && host_vf_pf(&host, &allocation->address, &pf.address) == 0 &&
        ledger_has_link(root, &pf.address) && host_pf_of_vf(&host, &allocation->address, &pf, &number, &ignored) == 0)
        holder = whole_holder(ledger, &pf.address, NULL);
    if (!holder)
        return 0;
    (void)error_set(error, EBUSY, "libvirt gives guest '%.256s' VF %s of pool '%s', and PF %s %s", allocation->name,
                    pciaddr_format(&allocation->address, text), allocation->network, pf.name, holder);
    return stand(claim, certain, error);
}

/* A guest without a claim. Return: a claim for one that runs; NULL: it gets none. */
static struct claim *new_claim(int root, const struct allocation *allocation)
{
    if (!libvirtd_has_guest(root, allocation->name))
        return NULL;
    struct claim *claim = claim_new(allocation->owner, allocation->name);
    claim->state = CLAIM_HELD;
    return claim;
}

/* A guest that is defined, is not running, and has no claim. */
static int refuse_unseen(const struct allocation *allocation, struct error *error)
{
    return error_set(error, EBUSY,
                     "guest '%.256s' was given a VF of pool '%s' and never asked for it: libvirt does not call "
                     "/etc/libvirt/hooks/qemu; put it there (" HOOKS_PUT ")",
                     allocation->name, allocation->network);
}

/* @user: the process that has the device open, or 0, also when the device is gone. Return: 0, or a negative errno value
 * when that cannot be seen. */
static int find_user(int root, const struct allocation *allocation, pid_t *user, struct error *error)
{
    char text[PCIADDR_SIZE];
    _cleanup_(host_close) struct host host = {.sys = -1};
    int result = host_open(root, &host, error);
    *user = result < 0 ? 0 : host_vf_user(&host, &allocation->address);
    if (*user < 0)
        return error_set(error, -*user, "whether VF %s of guest '%.256s' is in use cannot be seen: %s",
                         pciaddr_format(&allocation->address, text), allocation->name, strerror(-*user));
    return result;
}

static int reset(int root, const struct pciaddr *address, struct error *error)
{
    _cleanup_(host_close) struct host host = {.sys = -1};
    int result = host_open(root, &host, error);
    return result < 0 ? result : host_vf_reset(&host, address, error);
}

/* The claim with the VF that libvirt has just given, and how that is set: nothing has been done with it yet, but to a
 * guest that runs at a start of the daemon. */
static int keep(struct ledger *ledger, int root, struct claim *claim, const struct pciaddr *address, bool certain,
                bool changed, struct error *error)
{
    struct claim_vf *vf = find_claimed(claim, address);
    bool late = vf && vf->late, stuck;
    int result = vf && vf->reset ? reset(root, address, error) : 0;
    if (result < 0)
        return result;
    if (vf)
        vf->reset = false;
    result = claim_settings_record(root, claim, address, certain, error);
    /* What is plugged into a guest that runs may be on its way as long as a start; also the second time, when the hook
     * of the first was killed. */
    if (claim->state == CLAIM_HELD && (changed || !certain)) {
        claim->clock = io_now_ms();
        changed = true;
    }
    if (result >= 0 && (result > 0 || changed))
        result = ledger_put(ledger, claim, error);
    if (result < 0 || !late)
        return result < 0 ? result : 0;
    result = claim_settings_apply(root, claim, address, false, error);
    if (result == 0) {
        hotplug_finish_later(root, claim->uuid, address);
        return 0;
    }
    /* libvirt forgets it then, and tells nobody. */
    _cleanup_(error_free) struct error problem = {0};
    if (handback_vf(ledger, root, claim, address, &stuck, &problem) < 0)
        error_note(error, "the claim could not be taken back: %s", problem.message);
    error_move_notes(error, &problem);
    return result;
}

/* A guest that must have the VFs that it claimed is given another one: somebody's that came back meanwhile, say. */
static int refuse_other(const struct allocation *allocation, const struct claim_vf *awaited, struct error *error)
{
    char given[PCIADDR_SIZE], claimed[PCIADDR_SIZE];
    return error_set(
        error, EBUSY,
        "libvirt gives guest '%.256s' VF %s of pool '%s', and what is required of its pool it has with VF %s: "
        "start it again",
        allocation->name, pciaddr_format(&allocation->address, given), allocation->network,
        pciaddr_format(&awaited->address, claimed));
}

static int made(struct ledger *ledger, int root, const struct allocation *allocation, bool certain, struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *holder = NULL, *claim = NULL;
    char uuid[UUID_SIZE];
    int result = ledger_holder(ledger, &allocation->address, &holder, uuid, error);
    if (result == 0)
        result = ledger_edit(ledger, allocation->owner, &claim, error);
    if (result == 0)
        result = check_pf(ledger, root, allocation, claim, certain, error);
    if (result < 0)
        return result;
    const struct claim_vf *awaited = claim && !claim->offered ? find_awaited(claim, allocation) : NULL;
    if (awaited && !find_claimed(claim, &allocation->address))
        return refuse_other(allocation, awaited, error);
    if (uuid[0] && strcmp(uuid, allocation->owner) != 0 &&
        !take_left(ledger, root, allocation, holder, &result, error)) {
        result = yield(ledger, root, allocation, holder, claim, error);
        if (result <= 0)
            return result < 0 ? result : stand_or_refuse(allocation, holder, uuid, claim, certain, error);
    }
    if (!claim)
        claim = new_claim(root, allocation);
    if (!claim && !certain && libvirtd_defines_guest(root, allocation->name))
        return refuse_unseen(allocation, error);
    if (!claim)
        return offer_withdraw(root, allocation->network, error);
    pid_t user = 0;
    if (claim->state == CLAIM_HELD && !certain)
        result = find_user(root, allocation, &user, error);
    if (result < 0)
        return result;
    /* Its port was made anew, and it runs with it. */
    certain = certain || user;
    struct claim_vf *own = find_claimed(claim, &allocation->address);
    if (own && own->stuck)
        return refuse_stuck(allocation, own, error);
    if (own && is_second(claim, own, allocation))
        return refuse_second(allocation, own, error);
    result = own ? confirm(claim, own, allocation) : add(root, claim, allocation, certain, error);
    return result < 0 ? result : keep(ledger, root, claim, &allocation->address, certain, result > 0, error);
}

/* Whether all that was offered is given, and VFs are blocked that a guest would get last. */
static bool is_used_up(int root, struct ledger *ledger, const struct allocation *allocation)
{
    _cleanup_(close_place) struct place place = {.host.sys = -1};
    _cleanup_(pciaddr_set_free) struct pciaddr_set blocked = {0}, taken = {0};
    _cleanup_(error_free) struct error ignored = {0};
    /* Mostly nothing is blocked. Whatever cannot be read here, the next start finds out. */
    if (!offer_read(root, allocation->network, &blocked) || blocked.count == 0 ||
        ledger_taken(ledger, NULL, &taken, &ignored) < 0 || find_place(root, allocation, &place, &ignored) < 0)
        return false;
    if (!place.table)
        return false;
    whole_mark(ledger, &place.tables[place.table - place.tables], &taken, NULL);
    return !find_free(&place, &blocked, &taken, false) && find_free(&place, &blocked, &taken, true);
}

int allocation_made(int root, const struct allocation *allocation, bool certain, struct error *error)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    int result = ledger_open(root, LEDGER_WRITE, LEDGER_LOCK_MS, &ledger, error);
    if (result == 0)
        result = made(ledger, root, allocation, certain, error);
    if (result == -EBUSY)
        history_refuse(root, ledger != NULL, allocation->owner, allocation->name, error);
    /* What is refused was open, and is to be blocked; where that cannot be written down, the refusal is what to say. */
    _cleanup_(error_free) struct error ignored = {0};
    if (result == -EBUSY && offer_withdraw(root, allocation->network, &ignored) < 0)
        return result;
    if (result == 0 && is_used_up(root, ledger, allocation))
        return offer_withdraw(root, allocation->network, error);
    return result;
}

/* ---- ended ---- */

/* Whether it is one of those that the offer passes over, or one is being made just now, which may be going to. */
static bool may_be_blocked(int root, const struct allocation *allocation)
{
    _cleanup_(pciaddr_set_free) struct pciaddr_set blocked = {0};
    return !offer_read(root, allocation->network, &blocked) || pciaddr_set_has(&blocked, &allocation->address);
}

int allocation_ended(int root, const struct allocation *allocation, struct error *error)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    _cleanup_(cleanup_claim) struct claim *claim = NULL;
    char text[PCIADDR_SIZE];
    if (!ledger_has_file(root, allocation->owner))
        return may_be_blocked(root, allocation) ? offer_withdraw(root, allocation->network, error) : 0;
    int result = ledger_open(root, LEDGER_WRITE, LEDGER_LOCK_MS, &ledger, error);
    if (result == 0)
        result = ledger_edit(ledger, allocation->owner, &claim, error);
    if (result < 0 || !claim)
        return result;
    const struct claim_vf *vf = claim_find(claim, &allocation->address);
    /* A port that was refused, as the guest has the VF by another one, takes nothing away. */
    if (!vf || vf->by_address || vf->stuck || (vf->mac[0] && strcmp(vf->mac, allocation->mac) != 0))
        return 0;
    pid_t user = 0;
    result = find_user(root, allocation, &user, error);
    /* Its guest keeps it; else libvirt gives it to the next one. */
    if (result < 0) {
        _cleanup_(error_free) struct error ignored = {0};
        int withdrawn = offer_withdraw(root, allocation->network, &ignored);
        return withdrawn < 0 ? withdrawn : result;
    }
    if (user) {
        error_note(error, "the port of guest '%.256s' is gone, and VF %s is in use by process %ld still",
                   allocation->name, pciaddr_format(&allocation->address, text), (long)user);
        /* Else libvirt gives it to the next one. */
        return offer_withdraw(root, allocation->network, error);
    }
    /* One that is for certain guests is to be blocked again. */
    result = may_be_blocked(root, allocation) ? offer_withdraw(root, allocation->network, error) : 0;
    if (result < 0)
        return result;
    bool stuck = false;
    result = handback_vf(ledger, root, claim, &allocation->address, &stuck, error);
    return stuck && result == 0 ? offer_withdraw(root, allocation->network, error) : result;
}
