/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "claim.h"
#include "definition.h"
#include "gate.h"
#include "hooks.h"
#include "host.h"
#include "interface.h"
#include "ledger.h"
#include "memory.h"
#include "offer.h"
#include "pool.h"
#include "vf.h"
#include "vfinfo.h"
#include "whole.h"
#include "witness.h"
#include "xml.h"

/* One VF of one claim. */
struct entry {
    uint64_t key;
    const struct claim *claim;
    const struct claim_vf *vf;
    bool listed; /* its pool has it */
};

/* All that is looked at, at one moment. */
struct view {
    int root;
    bool settings; /* are shown */
    struct host host;
    struct pools pools;
    struct vf_table *tables;
    struct pciaddr_set quarantined;
    struct claim **claims;
    size_t claim_count;
    struct entry *entries; /* in the order of their keys */
    size_t entry_count;
};

static void free_view(struct view *view)
{
    free(view->entries);
    claims_free(view->claims, view->claim_count);
    pciaddr_set_free(&view->quarantined);
    vf_tables_free(view->tables, view->pools.count);
    pools_free(&view->pools);
    host_close(&view->host);
}

static int compare_entries(const void *a, const void *b)
{
    uint64_t first = ((const struct entry *)a)->key, second = ((const struct entry *)b)->key;
    return (first > second) - (first < second);
}

static struct entry *find_entry(const struct view *view, const struct pciaddr *address)
{
    struct entry wanted = {.key = pciaddr_key(address)};
    return view->entry_count ? bsearch(&wanted, view->entries, view->entry_count, sizeof wanted, compare_entries)
                             : NULL;
}

static void index_claims(struct view *view)
{
    size_t count = 0;
    for (size_t i = 0; i < view->claim_count; i++)
        count += view->claims[i]->vf_count;
    view->entries = memory_new(count, sizeof *view->entries);
    for (size_t i = 0; i < view->claim_count; i++)
        for (size_t j = 0; j < view->claims[i]->vf_count; j++)
            view->entries[view->entry_count++] = (struct entry){.key = pciaddr_key(&view->claims[i]->vfs[j].address),
                                                                .claim = view->claims[i],
                                                                .vf = &view->claims[i]->vfs[j]};
    qsort(view->entries, count, sizeof *view->entries, compare_entries);
}

/* VFs whose link names a guest with a corrupt file. */
static int find_quarantined(struct view *view, struct ledger *ledger, struct error *error)
{
    struct pciaddr_set taken = {0};
    int result = ledger_taken(ledger, NULL, &taken, error);
    for (size_t i = 0; i < view->pools.count && result == 0; i++) {
        whole_mark(ledger, &view->tables[i], &taken, NULL);
        for (size_t j = 0; j < view->tables[i].vf_count && result == 0; j++) {
            const struct pciaddr *address = &view->tables[i].vfs[j].address;
            _cleanup_(cleanup_claim) struct claim *claim = NULL;
            char uuid[UUID_SIZE] = "";
            if (!pciaddr_set_has(&taken, address) || find_entry(view, address))
                continue;
            _cleanup_(error_free) struct error problem = {0};
            result = ledger_holder(ledger, address, &claim, uuid, &problem);
            if (result == -EINVAL) /* no link of ours */
                result = snprintf(uuid, sizeof uuid, "?") < 0;
            else if (result < 0)
                error_set(error, -result, "%s", problem.message);
            if (result == 0 && uuid[0])
                pciaddr_set_add(&view->quarantined, address);
        }
    }
    pciaddr_set_free(&taken);
    return result;
}

static int load_view(struct view *view, int root, struct error *error)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    *view = (struct view){.root = root, .host.sys = -1};
    int result = pools_load(root, &view->pools, error);
    if (result == 0)
        result = host_open(root, &view->host, error);
    view->host.patient = true;
    if (result < 0)
        return result;
    view->tables = vf_tables_load(&view->host, &view->pools, ledger_has_pool);
    result = ledger_open(root, LEDGER_READ, LEDGER_LOCK_MS, &ledger, error);
    if (result == 0)
        result = ledger_all(ledger, &view->claims, &view->claim_count, error);
    if (result < 0)
        return result;
    index_claims(view);
    return find_quarantined(view, ledger, error);
}

static void add_pf(xmlNodePtr parent, const struct view *view, struct host_pf *pf)
{
    char address[PCIADDR_SIZE];
    host_pf_examine(&view->host, pf);
    xmlNodePtr node = xml_add(parent, "pf");
    xml_set(node, "name", pf->name);
    xml_set(node, "address", pciaddr_format(&pf->address, address));
    if (pf->numa_node != HOST_UNKNOWN)
        xml_set_number(node, "numa", (unsigned long)pf->numa_node);
    if (pf->up != HOST_UNKNOWN)
        xml_set(node, "up", pf->up ? "yes" : "no");
    if (pf->carrier != HOST_UNKNOWN)
        xml_set(node, "carrier", pf->carrier ? "yes" : "no");
    int speed = host_pf_speed(&view->host, pf);
    if (speed != HOST_UNKNOWN)
        xml_set_number(node, "speed", (unsigned long)speed);
    xml_set_number(node, "made", pf->vf_count);
    if (pf->vf_total != HOST_UNKNOWN)
        xml_set_number(node, "total", (unsigned long)pf->vf_total);
}

static void add_holder(xmlNodePtr node, const struct entry *entry)
{
    xml_set(node, "since", entry->claim->since);
    if (entry->vf->mac[0])
        xml_set(node, "mac", entry->vf->mac);
    xmlNodePtr guest = xml_add(node, "guest");
    xml_set(guest, "name", entry->claim->name);
    xml_set(guest, "uuid", entry->claim->uuid);
}

static xmlNodePtr add_place(xmlNodePtr parent, const struct pciaddr *address, const char *pf, unsigned int number)
{
    char text[PCIADDR_SIZE];
    xmlNodePtr node = xml_add(parent, "vf");
    xml_set(node, "address", pciaddr_format(address, text));
    xml_set(node, "pf", pf);
    xml_set_number(node, "vf", number);
    return node;
}

/* Whether that is no news of a VF that a guest has: what uses it is its guest. */
static bool is_of_holder(enum vf_obstacle obstacle)
{
    return obstacle == VF_USABLE || obstacle == VF_IN_USE || obstacle == VF_UNSEEN || obstacle == VF_HOST_USES ||
           obstacle == VF_PORTED || obstacle == VF_ATTACHED || obstacle == VF_NOT_ALONE;
}

static xmlNodePtr add_vf(xmlNodePtr parent, const struct view *view, const struct vf_table *table, struct vf *vf)
{
    char reason[VF_REASON_SIZE];
    struct host_vf details;
    struct entry *entry = find_entry(view, &vf->address);
    bool quarantined = !entry && pciaddr_set_has(&view->quarantined, &vf->address);
    xmlNodePtr node = add_place(parent, &vf->address, table->pfs[vf->pf].name, vf->number);
    if (entry)
        entry->listed = true;
    vf_examine(&view->host, table, vf);
    if (entry && is_of_holder((enum vf_obstacle)vf->obstacle)) {
        vf->obstacle = VF_USABLE;
        vf->doubt = VF_CLEAR;
        /* That it is drained matters most while a guest has it. */
        vf->reserved = vf->reserved == VF_FOR_NOBODY ? VF_FOR_NOBODY : VF_FOR_ANY;
    }
    bool stuck = entry && entry->vf->stuck;
    const char *state = quarantined || stuck            ? "quarantined"
                        : entry                         ? claim_state_name(entry->claim->state)
                        : table->pool->fault.code       ? "unusable"
                        : vf->obstacle != VF_USABLE     ? "unusable"
                        : vf->reserved == VF_FOR_NOBODY ? "drained"
                                                        : "free";
    vf_reason(table, vf, reason, sizeof reason);
    if (stuck)
        snprintf(reason, sizeof reason, "it could not be set as it was: %.300s", entry->vf->stuck);
    else if (quarantined)
        snprintf(reason, sizeof reason, "the file of the guest that holds it is corrupt: vfpool release it by hand");
    else if (!entry && table->pool->fault.code)
        snprintf(reason, sizeof reason, "the pool is out of service");
    xml_set(node, "state", state);
    if (reason[0])
        xml_set(node, "reason", reason);
    if (host_vf_read(&view->host, &vf->address, &details) == 0 && details.driver[0])
        xml_set(node, "driver", details.driver);
    if (entry)
        add_holder(node, entry);
    return node;
}

/* Of each PF, NULL where the kernel does not tell. That is a note where it was asked for; else only if there is no such
 * simple reason as another host, or a PF without network interface, which its VFs' reason says. */
static struct settings **read_settings(const struct view *view, const struct vf_table *table, struct error *error)
{
    struct settings **settings = memory_new(table->pf_count, sizeof *settings);
    for (size_t i = 0; i < table->pf_count; i++) {
        _cleanup_(error_free) struct error problem = {0};
        int result = vfinfo_read(&view->host, &table->pfs[i], &settings[i], &problem);
        if (result < 0 && (view->settings || (result != -EOPNOTSUPP && result != -ENODEV)))
            error_note(error, "what is set on the VFs of PF %s is not shown: %s", table->pfs[i].name, problem.message);
    }
    return settings;
}

static void free_settings(struct settings **settings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(settings[i]);
    free(settings);
}

/* @entry: NULL: no guest has it */
static void add_settings(xmlNodePtr parent, const struct settings *settings, const struct entry *entry)
{
    char names[SETTINGS_SIZE];
    xmlNodePtr node = xml_add(parent, "settings");
    settings_write(settings, node);
    if (entry && entry->claim->state == CLAIM_HELD && !entry->vf->stuck && !entry->vf->late &&
        settings_say(&entry->vf->wanted))
        xml_set(node, "ours", settings_names(&entry->vf->wanted, names));
}

static void add_vfs(xmlNodePtr parent, const struct view *view, const struct vf_table *table,
                    struct settings *const *settings)
{
    for (size_t i = 0; i < table->vf_count; i++) {
        struct vf *vf = &table->vfs[i];
        const struct settings *all = settings[vf->pf];
        xmlNodePtr node = add_vf(parent, view, table, vf);
        if (view->settings && all && vf->number < table->pfs[vf->pf].vf_count && settings_say(&all[vf->number]))
            add_settings(node, &all[vf->number], find_entry(view, &vf->address));
    }
}

/* Whoever has the VFs: the pool's guests suffer from a VF that is not the pool's, too. */
static void add_twins(xmlNodePtr parent, const struct host_pf *pf, const struct settings *settings)
{
    for (unsigned int i = 0; settings && i < pf->vf_count; i++) {
        unsigned int other;
        if (!vfinfo_twin(settings, i, &other))
            continue;
        _cleanup_(cleanup_free) char *words =
            memory_format("VFs %u and %u of PF %s have the same MAC address, %s: frames to it reach only one of them",
                          other, i, pf->name, settings[i].mac);
        xml_add_text(parent, "note", words);
    }
}

/* To whom libvirt has given VFs, of one pool or (NULL) of all; what is not to be known is a note, and nobody waits for
 * it twice. */
static void look_at_ports(const struct view *view, int root, const char *pool, struct error *error)
{
    int result = gate_present(root) ? 0 : -EHOSTDOWN;
    for (size_t i = 0; i < view->pools.count && (result == 0 || result == -ENOENT); i++) {
        _cleanup_(gate_ports_free) struct gate_ports others = {0};
        _cleanup_(error_free) struct error problem = {0};
        if (view->pools.pools[i].fault.code || (pool && strcmp(pool, view->pools.pools[i].name) != 0))
            continue;
        result = gate_ports(root, view->pools.pools[i].name, &others, &problem);
        for (size_t j = 0; j < others.count; j++)
            vf_add_port(&view->tables[i], &others.ports[j].address, others.ports[j].uuid, others.ports[j].name);
        if (result < 0)
            error_note(error, "what libvirt has given away cannot be seen: %s", problem.message);
    }
}

/* A PF is no row among the VFs. Once it is bound to VFIO, this is all that tells of it. */
static void add_whole(xmlNodePtr parent, const struct entry *entry)
{
    char text[PCIADDR_SIZE];
    _cleanup_(cleanup_free) char *words = memory_format(
        "PF %s (%s) is %s whole by guest '%s', since %s", entry->vf->pf, pciaddr_format(&entry->vf->address, text),
        claim_state_name(entry->claim->state), entry->claim->name, entry->claim->since);
    xml_add_text(parent, "note", words);
}

/* What guests hold of a pool of this name that the pool does not have (any more). */
static void add_unlisted(xmlNodePtr parent, const struct view *view, const char *pool, bool in_service)
{
    for (size_t i = 0; i < view->entry_count; i++) {
        struct entry *entry = &view->entries[i];
        if (entry->listed || strcmp(entry->vf->pool, pool) != 0)
            continue;
        entry->listed = true;
        if (entry->vf->whole) {
            add_whole(parent, entry);
            continue;
        }
        xmlNodePtr node = add_place(parent, &entry->vf->address, entry->vf->pf, entry->vf->number);
        xml_set(node, "state", claim_state_name(entry->claim->state));
        xml_set(node, "reason",
                !in_service                                         ? "the pool is out of service"
                : host_vf_present(&view->host, &entry->vf->address) ? "the pool does not have it any more"
                                                                    : "it is gone from sysfs");
        add_holder(node, entry);
    }
}

/* Those that are in the offer and nobody's. */
static size_t count_offered(const struct view *view, const struct vf_table *table, const struct pciaddr_set *blocked)
{
    size_t count = 0;
    for (size_t i = 0; i < table->vf_count; i++)
        count += table->vfs[i].obstacle == VF_USABLE && !pciaddr_set_has(blocked, &table->vfs[i].address) &&
                 !find_entry(view, &table->vfs[i].address);
    return count;
}

/* Why the pool's free VFs are not offered; NULL: they are. The caller frees it.
 * @offered: how many are */
static char *find_unoffered(const struct view *view, const struct vf_table *table, size_t *offered)
{
    _cleanup_(pciaddr_set_free) struct pciaddr_set blocked = {0};
    _cleanup_(error_free) struct error missed = {0};
    char mark[WITNESS_MARK_SIZE];
    const struct pool *pool = table->pool;
    int root = view->root;
    *offered = 0;
    if (!hooks_are_put(root))
        return memory_copy("guests that start get none of its VFs, as there is no hook qemu of vfpool's: " HOOKS_PUT);
    if (offer_read(root, pool->name, &blocked)) {
        *offered = count_offered(view, table, &blocked);
        return NULL;
    }
    if (witness_mark(root, mark))
        return memory_copy(
            "its free VFs are not offered now, so nothing can be attached to a running guest: vfpool reconcile");
    witness_missed(root, "its free VFs are not offered, and guests get none", &missed);
    return memory_copy(missed.message);
}

static void add_offer(xmlNodePtr node, const struct view *view, const struct vf_table *table)
{
    size_t offered;
    if (!gate_present(view->root) || table->pool->fault.code)
        return;
    _cleanup_(cleanup_free) char *unoffered = find_unoffered(view, table, &offered);
    xml_set_number(node, "offered", offered);
    if (unoffered)
        xml_add_text(node, "note", unoffered);
}

/* Whether any guest could have it; one that is only up on the host may be a network manager's doing. */
static bool is_for_any(const struct view *view, const struct vf *vf)
{
    return vf->obstacle == VF_USABLE && vf->reserved == VF_FOR_ANY && vf->doubt != VF_ENSLAVED &&
           vf->doubt != VF_CONFIGURED && !find_entry(view, &vf->address) &&
           !pciaddr_set_has(&view->quarantined, &vf->address);
}

/* What guests have, of the pool's and of what it has no more, and what any guest could have. */
static void add_capacity(xmlNodePtr node, const struct view *view, const struct vf_table *table)
{
    unsigned long count = 0;
    for (size_t i = 0; i < view->entry_count; i++)
        count += strcmp(view->entries[i].vf->pool, table->pool->name) == 0 && !view->entries[i].vf->whole &&
                 !view->entries[i].vf->stuck;
    for (size_t i = 0; i < table->vf_count && table->pool->fault.code == 0; i++)
        count += table->vfs[i].obstacle == VF_PF_TAKEN || is_for_any(view, &table->vfs[i]);
    xml_set_number(node, "capacity", count);
}

static void add_pool(xmlNodePtr root, const struct view *view, const struct vf_table *table, struct error *error)
{
    const struct pool *pool = table->pool;
    xmlNodePtr node = xml_add(root, "pool");
    xml_set(node, "name", pool->name);
    char policy[POLICY_SIZE];
    if (pool->fault.code)
        xml_set(node, "fault", pool->fault.message);
    else
        xml_set(node, "policy", policy_format(&pool->policy, policy));
    for (size_t i = 0; i < table->pf_count; i++)
        add_pf(node, view, &table->pfs[i]);
    struct settings **settings = read_settings(view, table, error);
    add_vfs(node, view, table, settings);
    add_unlisted(node, view, pool->name, pool->fault.code == 0);
    add_capacity(node, view, table);
    if (table->missing)
        xml_add_text(node, "missing", table->missing);
    if (table->note)
        xml_add_text(node, "note", table->note);
    for (size_t i = 0; i < table->pf_count; i++)
        add_twins(node, &table->pfs[i], settings[i]);
    free_settings(settings, table->pf_count);
    const struct interface_place place = {.pool = pool->name};
    _cleanup_(error_free) struct error refused = {0};
    if (pool->fault.code == 0 && interface_check_concrete(xmlDocGetRootElement(pool->doc), &place, &refused) < 0)
        xml_add_text(node, "note", refused.message);
    add_offer(node, view, table);
    if (pool->offer_no)
        xml_add_text(node, "note",
                     "offer='no' is without effect: what is free is offered wherever libvirt tells what it gives");
    if (pool->ignored) {
        _cleanup_(cleanup_free) char *words = memory_format("without effect on a VF: %s", pool->ignored);
        xml_add_text(node, "note", words);
    }
}

/* Pools that have no file any more, but VFs that guests hold. */
static void add_lost_pools(xmlNodePtr root, const struct view *view)
{
    for (size_t i = 0; i < view->entry_count; i++) {
        const char *name = view->entries[i].vf->pool;
        if (view->entries[i].listed || pools_find(&view->pools, name))
            continue;
        xmlNodePtr node = xml_add(root, "pool");
        xml_set(node, "name", name);
        xml_set(node, "fault", "its pool file is gone");
        add_unlisted(node, view, name, false);
    }
}

static int no_such_pool(const char *pool, struct error *error)
{
    return error_set(error, ENOENT, "there is no pool '%s': pools are /" POOL_DIRECTORY "/NAME.xml", pool);
}

int status_read(int root, const struct status_filter *filter, xmlDocPtr *doc, struct error *error)
{
    _cleanup_(free_view) struct view view;
    const char *pool = filter->pool;
    int result = load_view(&view, root, error);
    if (result == 0 && pool && !pools_find(&view.pools, pool))
        result = no_such_pool(pool, error);
    if (result < 0)
        return result;
    look_at_ports(&view, root, pool, error);
    view.settings = filter->settings;
    *doc = xml_new("status");
    for (size_t i = 0; i < view.pools.count; i++)
        if (!pool || strcmp(pool, view.pools.pools[i].name) == 0)
            add_pool(xmlDocGetRootElement(*doc), &view, &view.tables[i], error);
    if (!pool)
        add_lost_pools(xmlDocGetRootElement(*doc), &view);
    return status_filter(*doc, filter, error);
}

static int format_network(const struct view *view, const struct vf_table *table, bool define, char **text,
                          size_t *length, struct error *error)
{
    _cleanup_(cleanup_free) struct pciaddr *addresses = memory_new(table->vf_count, sizeof *addresses);
    size_t connected = 0;
    for (size_t i = 0; i < table->vf_count; i++) {
        addresses[i] = table->vfs[i].address;
        connected += find_entry(view, &addresses[i]) != NULL;
    }
    return definition_format(table->pool->doc, define ? DEFINITION_DEFINE : DEFINITION_DUMP, addresses, table->vf_count,
                             connected, text, length, error);
}

int status_network(int root, const char *pool, bool define, char **text, size_t *length, struct error *error)
{
    _cleanup_(free_view) struct view view;
    int result = load_view(&view, root, error);
    const struct pool *found = result < 0 ? NULL : pools_find(&view.pools, pool);
    if (result == 0 && !found)
        result = no_such_pool(pool, error);
    if (found && found->fault.code)
        result = error_set(error, found->fault.code, "%s", found->fault.message);
    else if (found)
        result = format_network(&view, &view.tables[found - view.pools.pools], define, text, length, error);
    return result;
}
