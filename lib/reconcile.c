/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * A guest is certainly gone when libvirt, asked after its claim was read, does not list it among the guests that run or
 * are being started: a guest is listed from before its prepare to after its release. A claim that changed in the
 * meantime is left alone.
 *
 * What is held on a network is decided with the network's turn taken: a guest that claims a VF after the ledger was
 * read frees that VF's port in a turn of its own, later.
 */
#include "reconcile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "claim.h"
#include "gate-protocol.h"
#include "gate.h"
#include "guest.h"
#include "host.h"
#include "io.h"
#include "ledger.h"
#include "memory.h"
#include "network.h"
#include "pool.h"
#include "turn.h"
#include "vf.h"
#include "xml.h"

#define LIBVIRT_STATE "run/libvirt/qemu"
#define CERTAINLY_STARTED_S 600

struct work {
    int root;
    bool dry_run;
    struct error libvirt; /* why it does not answer; no code: it does */
    struct error *error;
    struct host host;
    struct pools pools;
    struct vf_table *tables;
};

static void close_work(struct work *work)
{
    vf_tables_free(work->tables, work->pools.count);
    pools_free(&work->pools);
    host_close(&work->host);
}

/* Says what is done, or would be. */
static void note(struct work *work, const char *format, ...) printf_like(2, 3);
static void note(struct work *work, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    error_note(work->error, "%s%s", work->dry_run ? "would be done: " : "", text);
}

/* ---- VFs that a pool file asks for ---- */

static void say_unmade(struct work *work, const struct pool *pool, const struct pool_source *source,
                       const struct host_pf *pf, int result)
{
    char more[HOST_NAME_SIZE + 120] = "";
    if (result == -ERANGE && pf->vf_total >= 0)
        snprintf(more, sizeof more, "it makes %d at most", pf->vf_total);
    else if (pf->up == 0)
        snprintf(more, sizeof more, "%s; it is down, and some cards make VFs only when it is up: ip link set %s up",
                 strerror(-result), pf->name);
    else
        snprintf(more, sizeof more, "%s", strerror(-result));
    error_note(work->error, "cannot make %u VFs on PF %s for pool '%s': %s", source->vf_wanted, pf->name, pool->name,
               more);
}

static int make_vfs(struct work *work, const struct pool *pool, const struct pool_source *source)
{
    struct host_pf pf;
    struct error problem = {0};
    if (!source->vf_wanted || host_pf_by_name(&work->host, source->pf, &pf, &problem) < 0 || pf.vf_count > 0)
        return 0;
    host_pf_examine(&work->host, &pf);
    int result = pf.vf_total != HOST_UNKNOWN && source->vf_wanted > (unsigned int)pf.vf_total ? -ERANGE
                 : work->dry_run                                                              ? 0
                                 : host_pf_make_vfs(&work->host, &pf, source->vf_wanted);
    if (result < 0) {
        say_unmade(work, pool, source, &pf, result);
        return result;
    }
    note(work, "made %u VFs on PF %s", source->vf_wanted, pf.name);
    if (pf.up != 1 || host_pf_by_name(&work->host, source->pf, &pf, &problem) < 0)
        return 0;
    host_pf_examine(&work->host, &pf);
    if (pf.up == 0)
        error_note(work->error, "PF %s went down when its VFs were made: ip link set %s up", pf.name, pf.name);
    return 0;
}

static int open_work(struct work *work)
{
    int result = pools_load(work->root, &work->pools, work->error);
    if (result == 0)
        result = host_open(work->root, &work->host, work->error);
    if (result < 0)
        return result;
    for (size_t i = 0; i < work->pools.count; i++) {
        const struct pool *pool = &work->pools.pools[i];
        if (pool->fault.code)
            error_note(work->error, "%s", pool->fault.message);
        for (size_t j = 0; j < pool->source_count && !pool->fault.code; j++)
            if (make_vfs(work, pool, &pool->sources[j]) < 0)
                break;
    }
    work->tables = vf_tables_load(&work->host, &work->pools);
    return 0;
}

/* ---- claims of guests that are gone ---- */

static int read_claims(struct work *work, bool repair, struct claim ***claims, size_t *count)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    int result = ledger_open(work->root, repair ? LEDGER_WRITE : LEDGER_READ, LEDGER_LOCK_MS, &ledger, work->error);
    if (result == 0 && repair)
        result = ledger_repair(ledger, work->error);
    return result < 0 ? result : ledger_all(ledger, claims, count, work->error);
}

/* Whether a claim is older than any start takes, and libvirt keeps no state of its guest. */
static bool has_no_state(const struct work *work, const struct claim *claim)
{
    char path[sizeof LIBVIRT_STATE + NAME_MAX + 2], limit[CLAIM_TIME_SIZE];
    time_t then = time(NULL) - CERTAINLY_STARTED_S;
    struct tm parts;
    strftime(limit, sizeof limit, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&then, &parts));
    /* Times of this form are in the order of their text. */
    if (strcmp(claim->since, limit) > 0 || strchr(claim->name, '/') ||
        faccessat(work->root, LIBVIRT_STATE, F_OK, 0) < 0)
        return false;
    int length = snprintf(path, sizeof path, LIBVIRT_STATE "/%s.xml", claim->name);
    return (size_t)length < sizeof path && faccessat(work->root, path, F_OK, 0) < 0 && errno == ENOENT;
}

/* @running: the UUIDs that libvirt listed, a line each; NULL when it could not be asked */
static bool is_gone(const struct work *work, const struct claim *claim, const char *running)
{
    return running ? !strstr(running, claim->uuid) : has_no_state(work, claim);
}

static int drop_unchanged(struct work *work, struct ledger *ledger, const struct claim *seen)
{
    _cleanup_(cleanup_claim) struct claim *now = NULL;
    char text[PCIADDR_SIZE];
    int result = ledger_get(ledger, seen->uuid, &now, work->error);
    if (result < 0 || !now || now->state != seen->state || strcmp(now->since, seen->since) != 0)
        return result;
    result = work->dry_run ? 0 : ledger_drop(ledger, seen->uuid, work->error);
    for (size_t i = 0; i < seen->vf_count && result == 0; i++)
        note(work, "released VF %s of pool '%s' from guest '%.256s' (%s), which is not running",
             pciaddr_format(&seen->vfs[i].address, text), seen->vfs[i].pool, seen->name, seen->uuid);
    return result;
}

static int drop_gone(struct work *work, struct claim **claims, size_t count, const char *running)
{
    size_t gone = 0;
    for (size_t i = 0; i < count; i++)
        gone += is_gone(work, claims[i], running);
    if (gone == 0)
        return 0;
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    int result =
        ledger_open(work->root, work->dry_run ? LEDGER_READ : LEDGER_WRITE, LEDGER_LOCK_MS, &ledger, work->error);
    for (size_t i = 0; i < count && result == 0; i++)
        if (is_gone(work, claims[i], running))
            result = drop_unchanged(work, ledger, claims[i]);
    return result;
}

/* @running: as is_gone()'s; the caller frees it */
static int drop_stale(struct work *work, char **running)
{
    static const char *const domains[] = {"domains", NULL};
    struct claim **claims = NULL;
    size_t count = 0;
    int result = read_claims(work, !work->dry_run, &claims, &count);
    work->libvirt = (struct error){0};
    if (!gate_present(work->root))
        (void)error_set(&work->libvirt, EHOSTDOWN, "libvirt is not running");
    else if (result == 0 && gate_ask(work->root, domains, NULL, running, &work->libvirt) == 0)
        work->libvirt.code = 0;
    if (result == 0)
        result = drop_gone(work, claims, count, *running);
    claims_free(claims, count);
    return result;
}

/* Return: 1 when a running guest without a claim has one now, or 0; problems are notes, as at reconnect. */
static int adopt_guest(struct work *work, const char *uuid)
{
    const char *arguments[] = {"domain", uuid, NULL};
    _cleanup_(cleanup_free) char *xml = NULL, *text = NULL;
    size_t length = 0;
    struct error problem = {0};
    int result = gate_ask(work->root, arguments, NULL, &xml, &problem);
    /* -ENOENT: it has ended since. */
    if (result == 0)
        result = guest_run(work->root, GUEST_RECONNECT, xml, strlen(xml), &text, &length, &problem);
    if (result < 0 && result != -ENOENT)
        error_note(work->error, "guest %s: %s", uuid, problem.message);
    if (result < 0 || !ledger_has_file(work->root, uuid))
        return 0;
    note(work, "claimed the VFs that running guest %s has", uuid);
    return 1;
}

static int reconcile_claims(struct work *work)
{
    _cleanup_(cleanup_free) char *running = NULL, *again = NULL;
    int result = drop_stale(work, &running), adopted = 0;
    if (result < 0 || work->dry_run || !running)
        return result;
    for (char *rest = NULL, *uuid = strtok_r(running, "\n", &rest); uuid; uuid = strtok_r(NULL, "\n", &rest))
        if (!ledger_has_file(work->root, uuid))
            adopted += adopt_guest(work, uuid);
    /* One that ended meanwhile has had its release before. */
    return adopted ? drop_stale(work, &again) : result;
}

/* ---- networks and their ports ---- */

static int never(int root, struct error *error)
{
    (void)root, (void)error;
    return 0;
}

static struct pciaddr *table_addresses(const struct vf_table *table)
{
    struct pciaddr *addresses = memory_new(table->vf_count, sizeof *addresses);
    for (size_t i = 0; i < table->vf_count; i++)
        addresses[i] = table->vfs[i].address;
    return addresses;
}

/* Whether what libvirt has is what the pool wants. Return: 1, 0 or a negative errno value. */
static int is_alike(struct work *work, const struct vf_table *table, const char *text)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    _cleanup_(cleanup_free) char *have = NULL, *want = NULL;
    _cleanup_(cleanup_free) struct pciaddr *listed = NULL, *addresses = NULL;
    size_t length = 0, count = 0;
    int result = xml_parse(text, strlen(text), "libvirt's network", &doc, work->error);
    if (result < 0)
        return result;
    _cleanup_(cleanup_xml_string) char *mode = xml_attribute(xml_child(xmlDocGetRootElement(doc), "forward"), "mode");
    if (!mode || strcmp(mode, "hostdev") != 0)
        return error_set(work->error, EEXIST,
                         "libvirt has another network named '%s', with forward mode '%s': rename that one or the pool",
                         table->pool->name, mode ? mode : "none");
    listed = network_addresses(doc, &count);
    addresses = table_addresses(table);
    result = network_format(doc, NETWORK_COMPARE, listed, count, 0, &have, &length, work->error);
    if (result == 0)
        result = network_format(table->pool->doc, NETWORK_COMPARE, addresses, table->vf_count, 0, &want, &length,
                                work->error);
    return result < 0 ? result : strcmp(have, want) == 0;
}

/* What libvirt has of a pool's network. */
struct state {
    bool present, active, alike, miscounted, passing, unfinished;
};

static bool has_word(const char *line, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = line; (at = strstr(at, word)) != NULL; at += length)
        if ((at == line || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

/* Return: 0, also when there is none, or a negative errno value. */
static int read_state(struct work *work, const struct vf_table *table, struct state *state)
{
    const char *show[] = {"network", table->pool->name, NULL};
    _cleanup_(cleanup_free) char *text = NULL;
    *state = (struct state){0};
    int result = gate_ask(work->root, show, NULL, &text, work->error);
    if (result < 0)
        return result == -ENOENT ? 0 : result;
    char *xml = text + strcspn(text, "\n");
    if (*xml)
        *xml++ = '\0';
    int alike = is_alike(work, table, xml);
    *state = (struct state){.present = true,
                            .active = has_word(text, GATE_ACTIVE),
                            .alike = alike == 1,
                            .miscounted = has_word(text, GATE_MISCOUNTED),
                            .passing = has_word(text, GATE_PASSING),
                            .unfinished = has_word(text, GATE_UNFINISHED)};
    return alike < 0 ? alike : 0;
}

/* Return: 1 when the network is there as it should be, 0 when it was or would be made, or a negative errno value. */
static int ensure_network(struct work *work, const struct vf_table *table)
{
    const char *name = table->pool->name;
    _cleanup_(cleanup_free) char *xml = NULL;
    _cleanup_(cleanup_free) struct pciaddr *addresses = table_addresses(table);
    struct state state;
    size_t length = 0;
    int result = read_state(work, table, &state);
    if (result < 0)
        return result;
    if (state.active && state.alike && !state.miscounted && !state.passing && !state.unfinished)
        return 1;
    const char *define[] = {"define", name, state.alike && !state.miscounted ? GATE_KEEP : GATE_RESTART, NULL};
    if (!work->dry_run)
        result =
            network_format(table->pool->doc, NETWORK_DEFINE, addresses, table->vf_count, 0, &xml, &length, work->error);
    if (result == 0 && !work->dry_run)
        result = gate_change(work->root, define, xml, work->error);
    if (result < 0)
        return result;
    note(work, "%s libvirt network '%s' with %zu VFs",
         !state.present     ? "defined and started"
         : !state.alike     ? "changed"
         : state.miscounted ? "ended and started (libvirt had lost count of its ports)"
         : state.unfinished ? "started, and made the ports of its guests again on"
         : !state.active    ? "started"
                            : "set to start with libvirt:",
         name, table->vf_count);
    return 0;
}

/* Whether a VF is, or is going to be, open for its guest to take. */
static bool is_awaited(struct claim *const *claims, size_t count, const struct pciaddr *address)
{
    for (size_t i = 0; i < count; i++) {
        const struct claim_vf *vf = claims[i]->state == CLAIM_CLAIMED ? claim_find(claims[i], address) : NULL;
        if (vf && !vf->by_address)
            return true;
    }
    return false;
}

/* With the turn taken: every VF has a port, the guest's or ours, but for those that guests are about to take. */
static int hold_vfs(struct work *work, const struct vf_table *table)
{
    _cleanup_(cleanup_free) struct pciaddr *addresses = memory_new(table->vf_count, sizeof *addresses);
    struct gate_set hold = {.addresses = addresses};
    struct claim **claims = NULL;
    size_t count = 0;
    int result = read_claims(work, false, &claims, &count);
    for (size_t i = 0; i < table->vf_count && result == 0; i++)
        if (!is_awaited(claims, count, &table->vfs[i].address))
            addresses[hold.count++] = table->vfs[i].address;
    claims_free(claims, count);
    return result < 0 ? result : gate_set(work->root, table->pool->name, &hold, NULL, work->error);
}

static int prune_ports(struct work *work, const struct vf_table *table)
{
    const char *arguments[] = {"prune", table->pool->name, NULL};
    _cleanup_(cleanup_free) char *owners = NULL;
    int result = gate_ask(work->root, arguments, NULL, &owners, work->error);
    for (char *rest = NULL, *owner = result < 0 ? NULL : strtok_r(owners, "\n", &rest); owner;
         owner = strtok_r(NULL, "\n", &rest))
        note(work, "freed a VF of libvirt network '%s' from guest %s, which is not running", table->pool->name, owner);
    return result;
}

static int reconcile_network(struct work *work, const struct vf_table *table)
{
    struct turn *turn = NULL;
    if (table->pool->fault.code || table->vf_count == 0)
        return 0;
    int result = turn_take(work->root, table->pool->name, io_now_ms() + TURN_WAIT_MS, never, &turn, work->error);
    if (result == 0)
        result = ensure_network(work, table);
    if (result >= 0 && !work->dry_run)
        result = prune_ports(work, table);
    if (result >= 0 && !work->dry_run)
        result = hold_vfs(work, table);
    if (result > 0)
        note(work, "held %d VFs of libvirt network '%s'", result, table->pool->name);
    turn_close(turn);
    return result < 0 ? result : 0;
}

int reconcile(int root, bool dry_run, struct error *error)
{
    _cleanup_(close_work) struct work work = {.root = root, .dry_run = dry_run, .error = error, .host.sys = -1};
    int result = open_work(&work);
    if (result == 0)
        result = reconcile_claims(&work);
    for (size_t i = 0; i < work.pools.count && result == 0 && !work.libvirt.code; i++)
        result = reconcile_network(&work, &work.tables[i]);
    /* Without libvirt's own directory, it is not that libvirt is missing. */
    if (result == 0 && work.libvirt.code && work.pools.count && faccessat(root, "etc/libvirt", F_OK, 0) == 0)
        return error_set(error, work.libvirt.code, "the pools' networks are as they were: %s", work.libvirt.message);
    return result;
}

int reconcile_open(int root, struct error *error)
{
    struct pools pools;
    int result = pools_load(root, &pools, error);
    for (size_t i = 0; i < pools.count && result == 0 && gate_present(root); i++) {
        const char *arguments[] = {"open", pools.pools[i].name, NULL};
        struct error problem = {0};
        int freed = gate_change(root, arguments, NULL, &problem);
        if (freed >= 0)
            error_note(error, "freed libvirt network '%s'", pools.pools[i].name);
        else if (freed != -ENOENT)
            result = error_set(error, -freed, "%s", problem.message);
    }
    pools_free(&pools);
    return result;
}
