/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "pf.h"

static void free_table(struct vf_table *table)
{
    for (size_t i = 0; i < table->vf_count; i++)
        free(table->vfs[i].detail);
    for (size_t i = 0; table->whole && i < table->pf_count; i++)
        free(table->whole[i]);
    free(table->whole);
    free(table->pfs);
    free(table->sources);
    free(table->distances);
    free(table->vfs);
    free(table->missing);
    free(table->note);
    for (size_t i = 0; i < table->port_count; i++)
        free(table->ports[i].owner);
    free(table->ports);
}

void vf_tables_free(struct vf_table *tables, size_t count)
{
    for (size_t i = 0; tables && i < count; i++)
        free_table(&tables[i]);
    free(tables);
}

/* Remembers why a source gives nothing. */
static void add_missing(struct vf_table *table, const char *reason)
{
    char *before = table->missing;
    table->missing = memory_format("%s%s%s", before ? before : "", before ? "; " : "", reason);
    free(before);
}

/* Return: the PF's index in the table, which has room: a pool file is too small to name UINT16_MAX PFs. */
static uint16_t add_pf(struct vf_table *table, const struct host_pf *pf, const struct pool_source *source)
{
    for (size_t i = 0; i < table->pf_count; i++)
        if (pciaddr_equal(&table->pfs[i].address, &pf->address))
            return (uint16_t)i;
    table->pfs = memory_resize(table->pfs, table->pf_count + 1, sizeof *table->pfs);
    table->sources = memory_resize(table->sources, table->pf_count + 1, sizeof *table->sources);
    table->pfs[table->pf_count] = *pf;
    table->sources[table->pf_count] = source;
    return (uint16_t)table->pf_count++;
}

/* Room for so many more, behind those that are there: by doubling, else a table of many PFs is moved once for each. */
static struct vf *make_room(struct vf_table *table, size_t more)
{
    size_t needed = table->vf_count + more;
    if (needed > table->vf_room) {
        table->vf_room = 2 * table->vf_room > needed ? 2 * table->vf_room : needed;
        table->vfs = memory_resize(table->vfs, table->vf_room, sizeof *table->vfs);
    }
    return table->vfs + table->vf_count;
}

static void add_empty(struct vf_table *table, const struct host_pf *pf, unsigned int wanted)
{
    char words[HOST_NAME_SIZE + 120];
    if (pf->vf_total <= 0)
        snprintf(words, sizeof words, "PF %s has no VFs: it does not do SR-IOV", pf->name);
    else if (wanted > (unsigned int)pf->vf_total)
        snprintf(words, sizeof words, "PF %s has no VFs: the pool file asks for %u, and it makes %d at most", pf->name,
                 wanted, pf->vf_total);
    else if (wanted)
        snprintf(words, sizeof words, "PF %s has no VFs yet: 'vfpool reconcile' makes the %u of the pool file",
                 pf->name, wanted);
    else
        snprintf(words, sizeof words, "PF %s has no VFs: write their number to its sriov_numvfs", pf->name);
    add_missing(table, words);
}

/* The number can be changed only by way of none at all, which takes them from their guests: a person's to do. */
static void add_other_number(struct vf_table *table, const struct host_pf *pf, unsigned int wanted)
{
    char words[2 * HOST_NAME_SIZE + 120];
    snprintf(
        words, sizeof words,
        "PF %s has %u VF%s, and the pool file asks for %u: with no guest on it, write 0, then %u to its sriov_numvfs",
        pf->name, pf->vf_count, PLURAL(pf->vf_count), wanted, wanted);
    add_missing(table, words);
}

static bool is_in_pool(const struct pool_source *source, unsigned int number)
{
    return !source->vfs || numbers_has(source->vfs, (int)number);
}

/* NULL: it is for any guest. */
static const struct pool_reserve *find_reserve(const struct pool_source *source, unsigned int number)
{
    for (size_t i = 0; source && i < source->reserve_count; i++)
        if (numbers_has(&source->reserves[i].vfs, (int)number))
            return &source->reserves[i];
    return NULL;
}

/* Those of which sriov_numvfs tells and sysfs does not know: a driver makes them one after the other. */
static void add_gone(const struct host *host, struct vf_table *table, const struct host_pf *pf,
                     const struct pool_source *source, const struct vf *vfs, size_t present, unsigned int end)
{
    int told = host->patient ? host_pf_numvfs(host, pf) : HOST_UNKNOWN;
    unsigned int made = told > (int)pf->vf_count ? (unsigned int)told : pf->vf_count;
    char words[HOST_NAME_SIZE + 120];
    size_t next = 0;
    int last = pool_last_named(source);
    if (last >= (int)pf->vf_count) {
        snprintf(words, sizeof words, "PF %s has %u VF%s, and the pool file names VF %d", pf->name, pf->vf_count,
                 PLURAL(pf->vf_count), last);
        add_missing(table, words);
    }
    for (unsigned int i = 0; i < end; i++) {
        if (!is_in_pool(source, i))
            continue;
        if (vfs[next].number == i) {
            next++;
            continue;
        }
        snprintf(words, sizeof words, "VF %u of PF %s is gone from sysfs", i, pf->name);
        add_missing(table, words);
    }
    /* Which of them are missing is said where the file names them. */
    if (end == made || last >= (int)made || (source->vfs && numbers_last(source->vfs) < (int)end))
        return;
    snprintf(words, sizeof words, "PF %s made %zu of %u VFs so far, or the others are gone", pf->name, present, made);
    add_missing(table, words);
}

/* A PF that is in the pool already counts there. */
static void add_pf_vfs(const struct host *host, struct vf_table *table, const struct pool_source *source,
                       struct host_pf *pf)
{
    if (pf->vf_count == 0) {
        host_pf_examine(host, pf);
        add_empty(table, pf, source->vf_wanted);
        return;
    }
    size_t known = table->pf_count;
    uint16_t index = add_pf(table, pf, source);
    if (index < known)
        return;
    if (source->vf_wanted && source->vf_wanted != pf->vf_count)
        add_other_number(table, pf, source->vf_wanted);
    struct vf *vfs = make_room(table, pf->vf_count);
    size_t present = 0;
    unsigned int end = 0;
    for (unsigned int i = 0; i < pf->vf_count; i++) {
        vfs[present] = (struct vf){
            .number = (uint16_t)i, .pf = index, .reserved = find_reserve(source, i) ? VF_FOR_OTHER : VF_FOR_ANY};
        if (!is_in_pool(source, i) || host_vf_address(host, pf, i, &vfs[present].address) < 0)
            continue;
        present++;
        end = i + 1;
    }
    add_gone(host, table, pf, source, vfs, present, end);
    table->vf_count += present;
}

static void add_pf_source(struct pf_finder *finder, struct vf_table *table, const struct pool_source *source)
{
    _cleanup_(error_free) struct error problem = {0};
    struct host_pf *pfs = NULL;
    size_t count = 0;
    if (pf_find(finder, source, &pfs, &count, &problem) < 0)
        add_missing(table, problem.message);
    for (size_t i = 0; i < count && problem.code == 0; i++)
        add_pf_vfs(finder->host, table, source, &pfs[i]);
    free(pfs);
}

static void add_address_source(const struct host *host, struct vf_table *table, const struct pool_source *source)
{
    struct host_pf pf;
    _cleanup_(error_free) struct error problem = {0};
    struct vf vf = {.address = source->address};
    unsigned int number = 0;
    if (host_pf_of_vf(host, &source->address, &pf, &number, &problem) < 0) {
        add_missing(table, problem.message);
        return;
    }
    vf.number = (uint16_t)number;
    vf.pf = add_pf(table, &pf, NULL);
    *make_room(table, 1) = vf;
    table->vf_count++;
}

/* What a file lists beside its <pf>, and no PF of it has. */
static void add_strange_copies(struct vf_table *table)
{
    const struct pool *pool = table->pool;
    struct pciaddr_set known = {0};
    const struct pciaddr *first = NULL;
    char words[PCIADDR_SIZE + 160], text[PCIADDR_SIZE];
    size_t count = 0;
    for (size_t i = 0; i < table->vf_count && pool->copy_count; i++)
        pciaddr_set_add(&known, &table->vfs[i].address);
    for (size_t i = 0; i < pool->copy_count; i++) {
        if (pciaddr_set_has(&known, &pool->copies[i]))
            continue;
        count++;
        first = first ? first : &pool->copies[i];
    }
    pciaddr_set_free(&known);
    if (pool->copy_count && pool->copy_count - count < table->vf_count)
        table->note = memory_format(
            "%zu of %zu VFs are listed beside <pf>, and all are in the pool: for those alone, leave <pf> out",
            pool->copy_count - count, table->vf_count);
    if (!first)
        return;
    snprintf(words, sizeof words,
             "%zu of the addresses listed beside <pf>, %s%s, %s none of its VFs now, and not in the pool", count,
             count > 1 ? "the first " : "", pciaddr_format(first, text), count > 1 ? "are" : "is");
    add_missing(table, words);
}

static void load_table(struct pf_finder *finder, struct vf_table *table)
{
    const struct pool *pool = table->pool;
    for (size_t i = 0; i < pool->source_count; i++) {
        if (pool->sources[i].pf)
            add_pf_source(finder, table, &pool->sources[i]);
        else
            add_address_source(finder->host, table, &pool->sources[i]);
    }
    add_strange_copies(table);
}

static bool share_pf(const struct vf_table *a, const struct vf_table *b)
{
    for (size_t i = 0; i < a->pf_count; i++)
        for (size_t j = 0; j < b->pf_count; j++)
            if (pciaddr_equal(&a->pfs[i].address, &b->pfs[j].address))
                return true;
    return false;
}

static bool is_earlier(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* @address: of a VF that both have */
static void refuse_one(struct pool *a, struct pool *b, const struct pciaddr *address, bool a_used, bool b_used)
{
    char text[PCIADDR_SIZE];
    struct pool *other = a_used != b_used ? a_used ? a : b : is_earlier(&b->written, &a->written) ? b : a;
    struct pool *refused = other == a ? b : a;
    error_set(&refused->fault, EEXIST, "VF %s is in pool '%s' (%s) as well, %s: take it out of one",
              pciaddr_format(address, text), other->name, other->path,
              a_used != b_used ? "and guests have VFs of that one" : "and its file is older than this one");
}

static void refuse_overlap(struct pools *pools, struct vf_table *a, struct vf_table *b,
                           bool (*has_guests)(int root, const char *pool))
{
    /* One that is out of service has none. */
    if (a->pool->fault.code || b->pool->fault.code || !share_pf(a, b))
        return;
    for (size_t i = 0; i < a->vf_count; i++) {
        if (!vf_find(b, &a->vfs[i].address))
            continue;
        refuse_one(a->pool, b->pool, &a->vfs[i].address, has_guests(pools->root, a->pool->name),
                   has_guests(pools->root, b->pool->name));
        return;
    }
}

const char *vf_drained(const struct vf_table *table, const struct vf *vf)
{
    return drained_find(table->drained, &table->pfs[vf->pf].address, &vf->address);
}

static void bar_drained(struct vf_table *table)
{
    for (size_t i = 0; i < table->vf_count && table->drained->count > 0; i++)
        if (vf_drained(table, &table->vfs[i]))
            table->vfs[i].reserved = VF_FOR_NOBODY;
}

struct vf_table *vf_tables_load(const struct host *host, struct pools *pools,
                                bool (*has_guests)(int root, const char *pool))
{
    struct vf_table *tables = memory_new(pools->count, sizeof *tables);
    struct pf_finder finder = {.host = host};
    for (size_t i = 0; i < pools->count; i++) {
        tables[i].pool = &pools->pools[i];
        tables[i].policy = pools->pools[i].policy;
        tables[i].drained = &pools->drained;
        if (pools->pools[i].fault.code == 0)
            load_table(&finder, &tables[i]);
        bar_drained(&tables[i]);
    }
    pf_finder_free(&finder);
    for (size_t i = 0; i < pools->count; i++)
        for (size_t j = i + 1; j < pools->count; j++)
            refuse_overlap(pools, &tables[i], &tables[j], has_guests);
    return tables;
}

const struct pool_reserve *vf_reserved(const struct vf_table *table, const struct vf *vf)
{
    return find_reserve(table->sources[vf->pf], vf->number);
}

void vf_reserve(struct vf_table *table, const char *name, const char *uuid)
{
    for (size_t i = 0; i < table->vf_count; i++) {
        struct vf *vf = &table->vfs[i];
        if (vf->reserved == VF_FOR_ANY || vf->reserved == VF_FOR_NOBODY)
            continue;
        const struct pool_reserve *reserve = vf_reserved(table, vf);
        bool own = reserve && domain_is_called(reserve->guest, name, uuid);
        vf->reserved = own ? VF_FOR_GUEST : VF_FOR_OTHER;
    }
}

struct vf *vf_find(const struct vf_table *table, const struct pciaddr *address)
{
    for (size_t i = 0; i < table->vf_count; i++)
        if (pciaddr_equal(&table->vfs[i].address, address))
            return &table->vfs[i];
    return NULL;
}

static enum vf_doubt find_doubt(const struct pool *pool, const struct host_vf *now)
{
    if (now->enslaved)
        return VF_ENSLAVED;
    if (now->configured)
        return VF_CONFIGURED;
    if (now->netdev_up)
        return VF_NETDEV_UP;
    if (now->neighbour_is_vf)
        return VF_GROUPED;
    return pool->managed && host_is_vfio(now->driver) ? VF_STILL_BOUND : VF_CLEAR;
}

static bool is_network_driver(const struct host_vf *now)
{
    return !now->driver[0] || now->has_netdev || host_is_vfio(now->driver);
}

static bool is_host_used(const struct vf *vf)
{
    return vf->doubt == VF_NETDEV_UP || vf->doubt == VF_ENSLAVED || vf->doubt == VF_CONFIGURED;
}

static enum vf_obstacle find_obstacle(const struct vf_table *table, const struct vf *vf, const struct host_vf *now)
{
    const struct host_pf *pf = &table->pfs[vf->pf];
    if (!pf->has_netdev)
        return VF_NO_PF_NETDEV;
    if (!host_pf_is_ethernet(pf))
        return VF_NO_ETHERNET;
    if (pf->up == 0)
        return VF_PF_DOWN;
    if (pf->carrier == 0 && table->pool->carrier_required)
        return VF_NO_CARRIER;
    if (vf->user)
        return vf->user > 0 ? VF_IN_USE : VF_UNSEEN;
    if (now->vdpa[0])
        return VF_VDPA;
    if (!is_network_driver(now))
        return VF_OTHER_DRIVER;
    if (!table->pool->managed && !host_is_vfio(now->driver))
        return VF_ATTACHED;
    if (now->neighbour_driver[0] && !now->neighbour_is_vf)
        return VF_NOT_ALONE;
    return table->pool->never_host_used && is_host_used(vf) ? VF_HOST_USES : VF_USABLE;
}

static void set_detail(struct vf *vf, const struct host_vf *now)
{
    char text[PCIADDR_SIZE];
    free(steal(vf->detail));
    if (vf->obstacle == VF_VDPA)
        vf->detail = memory_copy(now->vdpa);
    else if (vf->obstacle == VF_OTHER_DRIVER || vf->obstacle == VF_ATTACHED)
        vf->detail = memory_copy(now->driver);
    else if (now->neighbour_driver[0])
        vf->detail = memory_format("%s (%s)", pciaddr_format(&now->neighbour, text), now->neighbour_driver);
}

void vf_examine(const struct host *host, const struct vf_table *table, struct vf *vf)
{
    struct host_vf now;
    host_pf_examine(host, &table->pfs[vf->pf]);
    if (vf->obstacle != VF_USABLE)
        return;
    if (host_vf_read(host, &vf->address, &now) < 0) {
        vf->obstacle = VF_VANISHED;
        return;
    }
    vf->doubt = (uint8_t)find_doubt(table->pool, &now);
    vf->user = now.user;
    vf->obstacle = (uint8_t)find_obstacle(table, vf, &now);
    set_detail(vf, &now);
}

void vf_examine_all(const struct host *host, struct vf_table *table)
{
    for (size_t i = 0; i < table->vf_count && !table->examined; i++)
        vf_examine(host, table, &table->vfs[i]);
    table->examined = true;
}

void vf_add_port(struct vf_table *table, const struct pciaddr *address, const char *uuid, const char *owner)
{
    struct vf *vf = vf_find(table, address);
    if (!vf || vf->obstacle == VF_TAKEN || vf->obstacle == VF_PF_TAKEN || vf->obstacle == VF_PORTED)
        return;
    vf->obstacle = VF_PORTED;
    table->ports = memory_resize(table->ports, table->port_count + 1, sizeof *table->ports);
    struct vf_port *port = &table->ports[table->port_count++];
    *port = (struct vf_port){.address = *address, .owner = memory_copy(owner)};
    snprintf(port->uuid, sizeof port->uuid, "%s", uuid);
}

size_t vf_add_twin(const struct host *host, struct vf_table *table, uint16_t pf, unsigned int number)
{
    size_t added = 0;
    vf_examine_all(host, table);
    for (size_t i = 0; i < table->vf_count; i++) {
        struct vf *vf = &table->vfs[i];
        if (vf->pf != pf || vf->number == number || vf->obstacle != VF_USABLE || vf->doubt != VF_CLEAR)
            continue;
        vf->doubt = VF_TWIN;
        free(vf->detail);
        vf->detail = memory_format("%u", number);
        added++;
    }
    return added;
}
