/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The networks and their ports: with the turn of each taken, as a guest that claims a VF in the meantime frees that
 * VF's port in a turn of its own, later. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "definition.h"
#include "gate-protocol.h"
#include "hooks.h"
#include "io.h"
#include "ledger.h"
#include "libvirtd.h"
#include "memory.h"
#include "offer.h"
#include "portfile.h"
#include "reconcile-work.h"
#include "turn.h"
#include "whole.h"
#include "witness.h"
#include "xml.h"

#define MAX_TRIES 3

/* ---- its ports ---- */

/*
 * A guest whose port was there before libvirt was asked who runs, and who does not: it was killed in the middle of its
 * start. Of a guest that libvirt does not know, a transient one's, the claim tells. Who is neither is no guest, and
 * keeps the port.
 */
static bool is_stale(const struct work *work, const struct gate_port *port)
{
    if (work_has_guest(work, GATE_RUNNING, port->owner))
        return false;
    for (size_t i = 0; i < work->claim_count; i++)
        if (strcmp(work->claims[i]->uuid, port->owner) == 0)
            return true;
    return work_has_guest(work, GATE_DEFINED, port->owner);
}

/*
 * A port of a guest that runs, and has not what the port is for: it was made again with its network when that guest had
 * ended, and the guest was started again since. libvirt lets nobody see a port before its hook has come to an end
 * (F32), so the claim that is read after the port was seen has what it gave.
 */
static bool is_left_over(const struct work *work, struct ledger *ledger, const struct gate_port *port)
{
    _cleanup_(cleanup_claim) struct claim *claim = NULL;
    _cleanup_(error_free) struct error ignored = {0};
    return work_has_guest(work, GATE_RUNNING, port->owner) && ledger_get(ledger, port->owner, &claim, &ignored) == 0 &&
           claim && claim->state == CLAIM_HELD && !claim_find(claim, &port->address) &&
           host_vf_user(&work->host, &port->address) == 0;
}

/* UUIDs of ports that nobody has, a line each; the caller frees them. The ledger is closed again: who has libvirt wait
 * for a port waits for it. */
static char *list_leftovers(const struct work *work, const struct gate_ports *ports)
{
    char *uuids = memory_new(ports->count + 1, UUID_SIZE + 1);
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    _cleanup_(error_free) struct error problem = {0};
    size_t length = 0;
    /* Where it cannot be read, ports of guests that run are let be. */
    bool known = ports->count > 0 && ledger_open(work->root, LEDGER_READ, LEDGER_LOCK_MS, &ledger, &problem) == 0;
    for (size_t i = 0; i < ports->count; i++)
        if (is_stale(work, &ports->ports[i]) || (known && is_left_over(work, ledger, &ports->ports[i])))
            length += (size_t)sprintf(uuids + length, "%s\n", ports->ports[i].uuid);
    return uuids;
}

static int prune_ports(struct work *work, size_t pool, struct error *error)
{
    const char *arguments[] = {"prune", work->pools.pools[pool].name, NULL};
    struct gate_ports *ports = &work->ports[pool];
    _cleanup_(cleanup_free) char *uuids = list_leftovers(work, ports), *gone = NULL;
    int result = 0;
    if (uuids[0] && !work->dry_run)
        result = work_heard(work, gate_ask(work->root, arguments, uuids, GATE_CALL_MS, &gone, error));
    const char *done = work->dry_run ? uuids : gone;
    size_t left = 0;
    for (size_t i = 0; i < ports->count && result == 0 && done; i++) {
        struct gate_port *port = &ports->ports[i];
        if (!strstr(done, port->uuid)) {
            ports->ports[left++] = *port;
            continue;
        }
        lines_add(work->done, "opened a VF of libvirt network '%s' from guest '%s', which %s",
                  work->pools.pools[pool].name, port->name,
                  is_stale(work, port) ? "is not running" : "does not have it");
        free(port->name);
    }
    if (result == 0 && done)
        ports->count = left;
    return result;
}

/* Whether a VF is, or is going to be, open for its guest to take. */
static bool is_awaited(const struct work *work, const struct claim *claim, const struct pciaddr *address)
{
    const struct claim_vf *vf = claim->state == CLAIM_CLAIMED ? claim_find(claim, address) : NULL;
    for (size_t i = 0; vf && i < work->claim_count; i++)
        if (strcmp(work->claims[i]->uuid, claim->uuid) == 0 && strcmp(work->claims[i]->stamp, claim->stamp) == 0 &&
            work_is_gone(work, work->claims[i]))
            return false;
    return vf && !vf->by_address && !vf->stuck;
}

/* What becomes of the ports of a pool's VFs. */
struct wish {
    struct pciaddr *addresses;
    struct gate_set block, open; /* from the front of the addresses, and from their back */
    struct pciaddr *kept;        /* those to block that stay blocked: no guest's going gives them back */
    size_t kept_count;
};

static void free_wish(struct wish *wish)
{
    free(wish->addresses);
    free(wish->kept);
}

static void wish_block(struct wish *wish, const struct vf *vf)
{
    wish->addresses[wish->block.count++] = vf->address;
}

/* Also once it is free, the offer passes it over. */
static void wish_keep(struct wish *wish, const struct vf *vf)
{
    wish->kept[wish->kept_count++] = vf->address;
}

/* What is known of the VFs when their ports are set. */
struct view {
    struct claim **claims;
    size_t claim_count;
    struct pciaddr_set taken; /* also by a guest whose file is corrupt */
};

static void free_view(struct view *view)
{
    claims_free(view->claims, view->claim_count);
    pciaddr_set_free(&view->taken);
}

/* Marks what guests take from the pool by having a PF. */
static int read_view(const struct work *work, size_t pool, struct view *view, struct error *error)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    int result = ledger_open(work->root, LEDGER_READ, LEDGER_LOCK_MS, &ledger, error);
    if (result == 0)
        result = ledger_taken(ledger, NULL, &view->taken, error);
    if (result == 0)
        whole_mark(ledger, &work->tables[pool], &view->taken, NULL);
    return result < 0 ? result : ledger_all(ledger, &view->claims, &view->claim_count, error);
}

/* Of several free VFs, libvirt is not offered those that a guest would get last. */
static bool is_wanted(const struct vf *vf, bool choosy)
{
    return vf_is_free(vf) && (!choosy || vf->doubt == VF_CLEAR);
}

static bool has_clear(const struct vf_table *table, const struct view *view)
{
    for (size_t i = 0; i < table->vf_count; i++)
        if (is_wanted(&table->vfs[i], true) && !pciaddr_set_has(&view->taken, &table->vfs[i].address))
            return true;
    return false;
}

/*
 * Every VF gets a port, unless it has one, or a guest is about to take it, or VFs are @offered: then those that a guest
 * might get have none.
 */
static void make_wish(const struct work *work, size_t pool, const struct view *view, bool offered, struct wish *wish)
{
    const struct vf_table *table = &work->tables[pool];
    bool choosy = has_clear(table, view);
    wish->addresses = memory_new(table->vf_count, sizeof *wish->addresses);
    wish->kept = memory_new(table->vf_count, sizeof *wish->kept);
    wish->block.addresses = wish->addresses;
    wish->open.addresses = wish->addresses + table->vf_count;
    for (size_t i = 0; i < table->vf_count; i++) {
        const struct vf *vf = &table->vfs[i];
        const struct claim_vf *claimed = NULL;
        bool awaited = false, taken = pciaddr_set_has(&view->taken, &vf->address);
        for (size_t j = 0; j < view->claim_count && taken && !claimed; j++) {
            claimed = claim_find(view->claims[j], &vf->address);
            awaited = is_awaited(work, view->claims[j], &vf->address);
        }
        bool block = taken || !offered || !is_wanted(vf, choosy) || gate_ports_have(&work->ports[pool], &vf->address);
        if (awaited ? vf_is_barred(vf)
                    : block && (!claimed || claimed->by_address || claimed->stuck || vf_is_barred(vf)))
            wish_keep(wish, vf);
        if (awaited)
            continue;
        /* One whose guest is gone is let go of by its claim first. A port of somebody's whom the ledger does not know
         * makes it one that libvirt does not give. */
        if (block) {
            wish_block(wish, vf);
        } else {
            *--wish->open.addresses = vf->address;
            wish->open.count++;
        }
    }
}

/* Return: how many ports were made or taken away, or a negative errno value; @withdrawn: somebody has withdrawn the
 * offer meanwhile. */
static int try_ports(struct work *work, size_t pool, const char *mark, bool *withdrawn, struct error *error)
{
    const char *network = work->tables[pool].pool->name;
    _cleanup_(free_view) struct view view = {.claims = NULL};
    _cleanup_(free_wish) struct wish wish = {.addresses = NULL};
    char stamp[IO_STAMP_SIZE];
    /* Where it cannot be made, whoever sees that libvirt tells makes it. */
    int result = offer_begin(work->root, network, stamp, error);
    if (result == 0)
        result = read_view(work, pool, &view, error);
    if (result < 0)
        return result;
    vf_examine_all(&work->host, &work->tables[pool]);
    make_wish(work, pool, &view, mark[0], &wish);
    result = work_heard(work, gate_set(work->root, network, &wish.block, &wish.open, NULL, error));
    if (result < 0)
        return result;
    const struct offer offer = {mark, stamp, wish.kept, wish.kept_count, false};
    int made = mark[0] ? offer_make(work->root, network, &offer, error) : 0;
    *withdrawn = made > 0;
    return made < 0 ? made : result;
}

/* As try_ports(), until nobody changes anything meanwhile; whoever still does after that has the offer made himself. */
static int set_ports(struct work *work, size_t pool, const char *mark, struct error *error)
{
    bool withdrawn = true;
    int result = 0, set = 0;
    for (int i = 0; i < MAX_TRIES && withdrawn && result >= 0; i++) {
        result = try_ports(work, pool, mark, &withdrawn, error);
        set += result > 0 ? result : 0;
    }
    return result < 0 ? result : set;
}

/* What set_ports() would make of a network of so many VFs, @absent: that is not there yet. */
static int foresee_ports(const struct work *work, size_t vfs, bool absent, bool *offered)
{
    *offered = witness_tells(work->root);
    return absent && !*offered ? (int)vfs : 0;
}

/* @fresh: an offer is one that was not there, or ports were set for it. */
static void note_ports(struct work *work, const char *network, bool offered, bool fresh, size_t blocked)
{
    if (offered && work->again)
        return;
    if (offered && fresh)
        lines_add(work->done, "offered the free VFs of libvirt network '%s', and blocked the others", network);
    else if (blocked > 0)
        lines_add(work->done, "blocked %zu VF%s of libvirt network '%s'", blocked, PLURAL(blocked), network);
}

/* What nobody witnesses is not given. */
static void fail_unwitnessed(struct work *work)
{
    _cleanup_(error_free) struct error problem = {0};
    (void)witness_missed(work->root, "no VF is given", &problem);
    work_fail(work, &problem);
}

/* ---- one after the other ---- */

/*
 * And wait until libvirt is not going to forget what it counts now. A dry run makes nothing, and so takes no turn.
 * @mark: of the witness, from before that was seen: a reload that begins later leaves another one; empty: there is none
 */
static int take_turn(const struct work *work, const char *network, struct turn **turn, char mark[WITNESS_MARK_SIZE],
                     struct error *error)
{
    const struct turn_wait wait = {.deadline = io_now_ms() + work_time(work, TURN_WAIT_MS)};
    struct turn_wait steady = {.deadline = 0};
    mark[0] = '\0';
    if (work->dry_run)
        return 0;
    for (;;) {
        int result = steady.deadline ? turn_pause(network, &steady, error) : 0;
        if (result == 0)
            result = turn_take(work->root, network, NULL, &wait, turn, error);
        if (result < 0)
            return result;
        if (!witness_regain(work->root) || !witness_mark(work->root, mark))
            mark[0] = '\0';
        if (!witness_is_unsteady(work->root))
            return 0;
        /* A reload may wait for a guest whose hook waits for this turn (F61). */
        turn_close(*turn);
        *turn = NULL;
        if (!steady.deadline)
            steady.deadline = io_now_ms() + work_time(work, OFFER_AWAIT_MS);
    }
}

/* A pool that is out of service, or has no VFs now: its network stays as it is. But what is left there of guests that
 * are gone is known by their claims alone, which go. A dry run has not made the VFs that it would have. */
static bool is_left_alone(const struct work *work, const struct vf_table *table)
{
    return table->pool->fault.code || (table->vf_count == 0 && !work->dry_run);
}

/* Of a dry run it is told so: the offers would be withdrawn before. */
static bool is_withdrawn(const struct work *work, const char *network)
{
    return work->dry_run || offer_is_due(work->root, network);
}

/* @withdrawn: only if its offer is due, which whoever had the turn may have made meanwhile */
static int reconcile_network(struct work *work, size_t pool, bool withdrawn, struct error *error)
{
    const struct vf_table *table = &work->tables[pool];
    const char *network = table->pool->name;
    _cleanup_(cleanup_turn) struct turn *turn = NULL;
    char mark[WITNESS_MARK_SIZE];
    int result = take_turn(work, network, &turn, mark, error);
    if (result < 0 || (withdrawn && !is_withdrawn(work, network)))
        return result;
    if (work->guests && (result = prune_ports(work, pool, error)) < 0)
        return result;
    if (is_left_alone(work, table))
        return 0;
    size_t vfs = 0;
    result = reconcile_define(work, table, &vfs, error);
    if (result < 0)
        return result;
    bool fresh = result > 0, due = fresh || withdrawn || offer_is_due(work->root, network), offered = mark[0];
    if (vfs > 0)
        result = work->dry_run ? foresee_ports(work, vfs, fresh, &offered) : set_ports(work, pool, mark, error);
    if (result < 0)
        return result;
    note_ports(work, network, offered, result > 0 || due, (size_t)result);
    if (vfs > 0 && !offered && hooks_are_put(work->root))
        fail_unwitnessed(work);
    return 0;
}

/* Of a pool whose file is gone nobody can make an offer: whoever comes would try again. */
static void end_orphans(const struct work *work)
{
    int result = 0;
    _cleanup_(cleanup_dir) DIR *directory = io_list(work->root, OFFER_DIRECTORY);
    for (struct dirent *entry; directory && (entry = io_next_entry(directory, &result));)
        if (entry->d_name[0] != '.' && !pools_find(&work->pools, entry->d_name))
            offer_end(work->root, entry->d_name);
}

/* Once libvirt is silent, the networks that are left are only named. */
static bool may_look(struct work *work, const char *network)
{
    char what[NAME_MAX + sizeof "network ''"];
    bool may = work_may_ask(work);
    snprintf(what, sizeof what, "network '%s'", network);
    if (!may)
        work_pass(work, what);
    return may;
}

static void fail_network(struct work *work, const char *network, struct error *problem)
{
    if (work->silent && problem->code == ETIMEDOUT)
        error_prefix(problem, "libvirt network '%s'", network);
    work_fail(work, problem);
}

void reconcile_networks(struct work *work, bool withdrawn)
{
    if (!work->dry_run)
        end_orphans(work);
    for (size_t i = 0; i < work->pools.count; i++) {
        _cleanup_(error_free) struct error problem = {0};
        if (withdrawn && (is_left_alone(work, &work->tables[i]) || !is_withdrawn(work, work->pools.pools[i].name)))
            continue;
        if (!may_look(work, work->pools.pools[i].name))
            continue;
        if (reconcile_network(work, i, withdrawn, &problem) < 0)
            fail_network(work, work->pools.pools[i].name, &problem);
        error_move_notes(work->error, &problem);
    }
}

void reconcile_again(struct work *work)
{
    work->again = true;
    for (size_t i = 0; i < work->pools.count; i++) {
        _cleanup_(error_free) struct error problem = {0};
        if (offer_withdraw(work->root, work->pools.pools[i].name, &problem) < 0)
            work_fail(work, &problem);
    }
    /* What it was silent about is known. */
    if (!work->silent)
        reconcile_networks(work, true);
}

/* With its turn: whoever is at work on it has come to an end. Return: how many VFs were given back, or a negative errno
 * value. */
static int open_network(const struct work *work, const char *name, struct error *error)
{
    const char *show[] = {"network", name, NULL}, *open[] = {"open", name, NULL};
    _cleanup_(cleanup_free) char *text = NULL;
    int result = gate_ask(work->root, show, NULL, GATE_CALL_MS, &text, error);
    if (result < 0)
        return result == -ENOENT ? 0 : result;
    text[strcspn(text, "\n")] = '\0';
    /* One that lost count (F27) gives out what guests have. */
    bool due = gate_has_word(text, GATE_BLOCKING) || gate_has_word(text, GATE_MISCOUNTED) ||
               gate_has_word(text, GATE_UNFINISHED);
    return due && !work->dry_run ? gate_change(work->root, open, NULL, error) : due;
}

/* Whatever libvirt does: one that does not run has our ports in files. Return: as open_network(). */
static int open_anyhow(const struct work *work, const char *name, struct error *error)
{
    int result = 0;
    if (gate_present(work->root)) {
        result = open_network(work, name, error);
        if (result != -EHOSTDOWN)
            return result;
    } else if (libvirtd_serves_networks(work->root)) {
        return error_set(error, EHOSTDOWN,
                         "libvirt runs, and its socket is not in /run/libvirt: restart it "
                         "(systemctl restart libvirtd, or virtnetworkd), and try again");
    }
    return libvirtd_serves_networks(work->root) || work->dry_run ? result : portfile_remove(work->root, name, error);
}

/* @gone: its pool file is. Return: as open_network(). */
static int open_one(struct work *work, const char *name, bool gone, struct error *error)
{
    _cleanup_(cleanup_turn) struct turn *turn = NULL;
    char mark[WITNESS_MARK_SIZE];
    int result = take_turn(work, name, &turn, mark, error);
    /* Where its VFs cannot be given back, its offer is made again. */
    if (result == 0 && !work->dry_run)
        result = offer_withdraw(work->root, name, error);
    if (result == 0)
        result = work_heard(work, open_anyhow(work, name, error));
    if (result < 0 || work->dry_run)
        return result;
    offer_end(work->root, name);
    if (gone && turn)
        turn_forget(turn, name);
    return result;
}

static void open_and_say(struct work *work, const char *name, bool gone)
{
    _cleanup_(error_free) struct error problem = {0};
    if (!may_look(work, name))
        return;
    int result = open_one(work, name, gone, &problem);
    if (result < 0)
        fail_network(work, name, &problem);
    else if (result > 0)
        lines_add(work->done, "opened all VFs of libvirt network '%s'%s", name,
                  gone ? ", as its pool file is gone" : "");
    error_move_notes(work->error, &problem);
}

void reconcile_open_networks(struct work *work, bool all)
{
    _cleanup_(error_free) struct error problem = {0};
    int result = 0;
    for (size_t i = 0; i < work->pools.count && all; i++)
        open_and_say(work, work->pools.pools[i].name, false);
    /* A network that ever had a turn has its file there. */
    _cleanup_(cleanup_dir) DIR *directory = io_list(work->root, TURN_DIRECTORY);
    result = directory || errno == ENOENT ? 0 : -errno;
    for (struct dirent *entry; directory && (entry = io_next_entry(directory, &result));)
        if (entry->d_name[0] != '.' && !pools_find(&work->pools, entry->d_name))
            open_and_say(work, entry->d_name, true);
    if (result < 0) {
        (void)error_set(&problem, -result, "cannot read /" TURN_DIRECTORY ": %s", strerror(-result));
        work_fail(work, &problem);
    }
}
