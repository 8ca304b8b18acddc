/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * A guest is gone when libvirt, asked after its claim was read, does not list it among the guests that run or are being
 * started. It is listed from before its prepare until it begins to stop; from then to after its release libvirt keeps
 * that guest's lock, for which the listing waits (F26; read, 11.3.0: qemuProcessInit, qemuProcessStop). A claim that
 * changed in the meantime is left alone.
 *
 * What is blocked on a network is decided with the network's turn taken: a guest that claims a VF after the ledger was
 * read frees that VF's port in a turn of its own, later.
 */
#include "reconcile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "absent.h"
#include "autostart.h"
#include "claim-settings.h"
#include "claim.h"
#include "gate-protocol.h"
#include "gate.h"
#include "handback.h"
#include "hooks.h"
#include "host.h"
#include "hotplug.h"
#include "io.h"
#include "ledger.h"
#include "libvirtd.h"
#include "memory.h"
#include "offer.h"
#include "pool.h"
#include "reconcile-work.h"
#include "sriov.h"
#include "vf.h"
#include "witness.h"

#define LOOK_S 10 /* for libvirt to look for hooks, once it was told to */

static void close_work(struct work *work)
{
    for (size_t i = 0; work->ports && i < work->pools.count; i++)
        gate_ports_free(&work->ports[i]);
    free(work->ports);
    free(work->listed);
    free(work->guests);
    free(work->passed);
    claims_free(work->claims, work->claim_count);
    vf_tables_free(work->tables, work->pools.count);
    pools_free(&work->pools);
    host_close(&work->host);
}

void work_fail(struct work *work, const struct error *problem)
{
    if (work->silent && problem->code == ETIMEDOUT && !work->silence.code) {
        (void)error_set(&work->silence, problem->code, "%s", problem->message);
        return;
    }
    /* What keeps several networks is said once. */
    if (work->failure.code && strcmp(work->failure.message, problem->message) == 0)
        return;
    if (work->failure.code)
        error_note(work->error, "%s", work->failure.message);
    (void)error_set(&work->failure, problem->code, "%s", problem->message);
}

static void begin_asking(struct work *work)
{
    work->deadline = io_now_ms() + RECONCILE_S * INT64_C(1000);
}

bool work_may_ask(struct work *work)
{
    if (!work->silent && io_now_ms() >= work->deadline) {
        work->silent = true;
        (void)error_set(&work->silence, ETIMEDOUT, "what libvirt is asked took longer than %d s", RECONCILE_S);
    }
    return !work->silent;
}

static int time_until(int64_t deadline, int most_ms)
{
    int64_t left = deadline - io_now_ms();
    return left < 1 ? 1 : left < most_ms ? (int)left : most_ms;
}

int work_time(const struct work *work, int most_ms)
{
    return time_until(work->deadline, most_ms);
}

int work_heard(struct work *work, int result)
{
    work->silent = work->silent || result == -ETIMEDOUT;
    return result;
}

int work_ask(struct work *work, const char *const *arguments, const char *input, int64_t deadline, int most_ms,
             char **answer, struct error *error)
{
    int most = time_until(deadline, work_time(work, most_ms));
    return work_heard(work, gate_ask(work->root, arguments, input, most, answer, error));
}

void work_pass(struct work *work, const char *what)
{
    size_t used = work->passed ? strlen(work->passed) : 0, size = used + strlen(what) + sizeof ", ";
    /* A network may have been to look at twice. */
    if (used && strstr(work->passed, what))
        return;
    work->passed = memory_resize(work->passed, size, 1);
    snprintf(work->passed + used, size - used, "%s%s", used ? ", " : "", what);
}

bool work_has_guest(const struct work *work, const char *word, const char *uuid)
{
    char line[UUID_SIZE + 16];
    snprintf(line, sizeof line, "%s%s\n", word, uuid);
    for (const char *at = work->guests; at && (at = strstr(at, line)) != NULL; at++)
        if (at == work->guests || at[-1] == '\n')
            return true;
    return false;
}

/* ---- what pool files ask of their PFs ---- */

static int provide(struct work *work, bool boot, int wait_s, struct error *problem)
{
    const struct sriov sriov = {.root = work->root,
                                .host = &work->host,
                                .pools = &work->pools,
                                .dry_run = work->dry_run,
                                .boot = boot,
                                .wait_s = wait_s};
    int result = sriov_provide(&sriov, work->done, problem);
    error_move_notes(work->error, problem);
    return result;
}

static int open_work(struct work *work)
{
    int result = pools_load(work->root, &work->pools, work->error);
    if (work->instead)
        pools_put(&work->pools, work->instead);
    if (work->gone)
        pools_drop(&work->pools, work->gone);
    if (result == 0)
        result = host_open(work->root, &work->host, work->error);
    if (result < 0)
        return result;
    for (size_t i = 0; i < work->pools.count; i++)
        if (work->pools.pools[i].fault.code)
            error_note(work->error, "%s", work->pools.pools[i].fault.message);
    return 0;
}

static int open_tables(struct work *work, bool make)
{
    _cleanup_(error_free) struct error problem = {0};
    int result = open_work(work);
    if (result < 0)
        return result;
    if (make && provide(work, false, SRIOV_WAIT_S, &problem) < 0)
        error_note(work->error, "%s", problem.message);
    work->tables = vf_tables_load(&work->host, &work->pools, ledger_has_pool);
    /* Of a dry run, what it would have made is missing. */
    for (size_t i = 0; i < work->pools.count && make; i++)
        if (work->tables[i].missing && !problem.code && !(work->dry_run && work->tables[i].vf_count == 0))
            error_note(work->error, "pool '%s': %s", work->pools.pools[i].name, work->tables[i].missing);
    return 0;
}

/* ---- claims of guests that are gone ---- */

static int read_claims(struct work *work, bool repair)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    _cleanup_(error_free) struct error problem = {0};
    enum ledger_mode mode = repair && !work->dry_run ? LEDGER_WRITE : LEDGER_READ;
    int result = ledger_open(work->root, mode, LEDGER_LOCK_MS, &ledger, &problem);
    if (result == 0 && repair)
        result = ledger_repair(ledger, &problem);
    if (result == 0)
        result = ledger_all(ledger, &work->claims, &work->claim_count, &problem);
    /* Elsewhere a note, here it is what was to be done. */
    lines_move(work->done, &problem.notes);
    return result < 0 ? error_set(work->error, problem.code, "%s", problem.message) : 0;
}

bool work_is_gone(const struct work *work, const struct claim *claim)
{
    return work->guests ? !work_has_guest(work, GATE_RUNNING, claim->uuid) : absent_is(work->root, &work->host, claim);
}

/* @kept: what it could not give back; NULL: all is free */
static int drop(struct work *work, struct ledger *ledger, const struct claim *claim, struct claim **kept)
{
    int result = 0;
    /* Its VFs may have ports of ours, as of a guest that runs without one. */
    for (size_t i = 0; i < claim->vf_count && result == 0; i++)
        result = offer_withdraw(work->root, claim->vfs[i].pool, work->error);
    if (result == 0)
        result = handback_guest(ledger, work->root, claim->uuid, work->error);
    if (result == 0)
        result = ledger_get(ledger, claim->uuid, kept, work->error);
    work->changed = work->changed || result == 0;
    return result;
}

static int drop_unchanged(struct work *work, struct ledger *ledger, const struct claim *seen)
{
    _cleanup_(cleanup_claim) struct claim *now = NULL, *kept = NULL;
    char text[PCIADDR_SIZE];
    int result = ledger_edit(ledger, seen->uuid, &now, work->error);
    if (result < 0 || !now || strcmp(now->stamp, seen->stamp) != 0)
        return result;
    if (!work->dry_run && (result = drop(work, ledger, seen, &kept)) < 0)
        return result;
    for (size_t i = 0; i < seen->vf_count; i++)
        if (!claim_find(kept, &seen->vfs[i].address))
            lines_add(work->done, "released %s %s of pool '%s' from guest '%.256s' (%s), which is not running",
                      claim_kind(&seen->vfs[i]), pciaddr_format(&seen->vfs[i].address, text), seen->vfs[i].pool,
                      seen->name, seen->uuid);
    return 0;
}

/* Whether libvirt has a port of the guest's, or may have. */
static bool may_have_port(const struct work *work, const struct claim *claim)
{
    for (size_t i = 0; work->ports && i < work->pools.count; i++) {
        for (size_t j = 0; j < work->ports[i].count; j++)
            if (strcmp(work->ports[i].ports[j].owner, claim->uuid) == 0)
                return true;
        for (size_t j = 0; j < claim->vf_count && !work->listed[i]; j++)
            if (strcmp(claim->vfs[j].pool, work->pools.pools[i].name) == 0)
                return true;
    }
    return false;
}

/* Of a guest that was killed in the middle of its start the claim may be all that tells whose a port is: it stays until
 * that is gone. */
static bool is_to_drop(const struct work *work, const struct claim *claim)
{
    return !may_have_port(work, claim) && work_is_gone(work, claim);
}

static int drop_gone(struct work *work)
{
    size_t gone = 0;
    for (size_t i = 0; i < work->claim_count; i++)
        gone += is_to_drop(work, work->claims[i]);
    if (gone == 0)
        return 0;
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    int result =
        ledger_open(work->root, work->dry_run ? LEDGER_READ : LEDGER_WRITE, LEDGER_LOCK_MS, &ledger, work->error);
    for (size_t i = 0; i < work->claim_count && result == 0; i++)
        if (is_to_drop(work, work->claims[i]))
            result = drop_unchanged(work, ledger, work->claims[i]);
    return result;
}

/*
 * What a guest that runs was going to be plugged, and never got: the hook that claimed it was killed, and libvirt,
 * which took that for a no, gave the port back without another call. What it has is open, or, while that takes, has a
 * port.
 */
static bool is_lost(const struct work *work, const struct claim *claim, const struct claim_vf *vf)
{
    if (!work->guests || claim->state != CLAIM_HELD || !vf->given || vf->by_address || vf->stuck || vf->whole ||
        absent_after_ms(claim) > 0)
        return false;
    for (size_t i = 0; i < work->pools.count; i++)
        if (strcmp(work->pools.pools[i].name, vf->pool) == 0)
            return work->listed[i] && !gate_ports_have(&work->ports[i], &vf->address) &&
                   host_vf_user(&work->host, &vf->address) == 0;
    return false;
}

/* What a guest that runs has given back, and could not be set as it was: perhaps it can now. And what it never got. */
static int take_back(struct work *work, struct ledger *ledger, const struct claim *seen)
{
    _cleanup_(cleanup_claim) struct claim *now = NULL;
    char text[PCIADDR_SIZE];
    int result = 0;
    for (size_t i = 0; i < seen->vf_count && result == 0; i++) {
        const struct pciaddr *address = &seen->vfs[i].address;
        bool stuck = true, lost = is_lost(work, seen, &seen->vfs[i]);
        if (!seen->vfs[i].stuck && !lost)
            continue;
        result = now ? 0 : ledger_edit(ledger, seen->uuid, &now, work->error);
        const struct claim_vf *vf = claim_find(now, address);
        if (result == 0 && vf && (lost ? now->clock == seen->clock : vf->stuck != NULL))
            result = handback_vf(ledger, work->root, now, address, &stuck, work->error);
        work->changed = work->changed || !stuck;
        if (!stuck && lost)
            lines_add(work->done, "released VF %s of pool '%s', which running guest '%.256s' never got",
                      pciaddr_format(address, text), seen->vfs[i].pool, seen->name);
        else if (!stuck)
            lines_add(work->done, "released VF %s of pool '%s', which was quarantined", pciaddr_format(address, text),
                      seen->vfs[i].pool);
    }
    return result;
}

/* What was plugged into a guest, and is not set as it is wanted: the process that had to was killed, or the card did
 * not take it. */
static void finish_late(struct work *work, struct ledger *ledger, const struct claim *seen)
{
    char text[PCIADDR_SIZE];
    for (size_t i = 0; i < seen->vf_count; i++) {
        _cleanup_(error_free) struct error problem = {0};
        const struct pciaddr *address = &seen->vfs[i].address;
        pid_t user = seen->vfs[i].late ? host_vf_user(&work->host, address) : 0;
        if (user == 0)
            continue;
        int result = user < 0 ? error_set(&problem, -user, "whether VF %s is in use cannot be seen: %s",
                                          pciaddr_format(address, text), strerror(-user))
                              : hotplug_finish(ledger, work->root, seen->uuid, address, &problem);
        error_move_notes(work->error, &problem);
        if (result < 0)
            work_fail(work, &problem);
        else if (result > 0)
            lines_add(work->done, "set VF %s of guest '%.256s' as it is wanted", pciaddr_format(address, text),
                      seen->name);
    }
}

static int finish_settings(struct work *work)
{
    size_t due = 0;
    int result = 0;
    for (size_t i = 0; i < work->claim_count; i++)
        for (size_t j = 0; j < work->claims[i]->vf_count; j++)
            due += (work->claims[i]->vfs[j].stuck || work->claims[i]->vfs[j].late ||
                    is_lost(work, work->claims[i], &work->claims[i]->vfs[j])) &&
                   !is_to_drop(work, work->claims[i]);
    if (due == 0 || work->dry_run)
        return 0;
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    result = ledger_open(work->root, LEDGER_WRITE, LEDGER_LOCK_MS, &ledger, work->error);
    for (size_t i = 0; i < work->claim_count && result == 0; i++)
        if (!is_to_drop(work, work->claims[i]))
            result = take_back(work, ledger, work->claims[i]);
    for (size_t i = 0; i < work->claim_count && result == 0; i++)
        if (!is_to_drop(work, work->claims[i]))
            finish_late(work, ledger, work->claims[i]);
    return result;
}

static int ask_guests(struct work *work, struct error *error)
{
    static const char *const domains[] = {"domains", NULL};
    return work_ask(work, domains, NULL, work->deadline, GATE_LIST_MS, &work->guests, error);
}

/* One that ended meanwhile has had its release before it was adopted: its claim is of a guest that is gone. */
static int adopt_guests(struct work *work)
{
    /* Claims count with a list of guests from after they were read: without it, the next run sees who ended. */
    if (!work->guests || !reconcile_adopt(work))
        return 0;
    work->changed = true;
    if (!work_may_ask(work))
        return 0;
    claims_free(steal(work->claims), work->claim_count);
    work->claim_count = 0;
    free(steal(work->guests));
    int result = read_claims(work, false);
    _cleanup_(error_free) struct error problem = {0};
    if (result == 0 && ask_guests(work, &problem) < 0)
        work_fail(work, &problem);
    return result < 0 ? result : drop_gone(work);
}

/* ---- libvirt ---- */

/* Ports first, then who runs: a port whose owner does not run by then is nobody's. */
static int ask_ports(struct work *work, struct error *trouble)
{
    int result = 0;
    work->ports = memory_new(work->pools.count, sizeof *work->ports);
    work->listed = memory_new(work->pools.count, sizeof *work->listed);
    for (size_t i = 0; i < work->pools.count && !work->silent; i++) {
        _cleanup_(error_free) struct error problem = {0};
        if (!work_may_ask(work)) {
            /* Said by the caller, with what it means. */
            result = error_set(trouble, work->silence.code, "%s", work->silence.message);
            work->silence.code = 0;
            break;
        }
        result = work_heard(work, gate_ports(work->root, work->pools.pools[i].name, &work->ports[i], &problem));
        work->listed[i] = result >= 0 || result == -ENOENT;
        if (!work->listed[i])
            (void)error_set(trouble, problem.code, "%s", problem.message);
    }
    return result == -ETIMEDOUT ? result : 0;
}

/* One that was told to look for its hooks a moment ago, as they were put, does so when it comes to it. */
static void await_witness(int root, int64_t end)
{
    int64_t soon = io_now_ms() + LOOK_S * INT64_C(1000);
    char path[HOOKS_PATH_SIZE];
    while (hooks_find(root, "network", path, NULL) && hooks_find(root, "daemon", path, NULL) && !witness_regain(root) &&
           io_now_ms() < (end < soon ? end : soon))
        poll(NULL, 0, 100);
}

/* What it says when the time is up, the next call will say as well. */
static void await_libvirt(int root, int wait_s)
{
    static const char *const version[] = {"version", NULL};
    int64_t end = io_now_ms() + wait_s * INT64_C(1000);
    int result = gate_present(root) ? -ETIMEDOUT : 0;
    while (result == -ETIMEDOUT && io_now_ms() < end) {
        _cleanup_(error_free) struct error ignored = {0};
        _cleanup_(cleanup_free) char *answer = NULL;
        result = gate_ask(root, version, NULL, GATE_CALL_MS, &answer, &ignored);
    }
    if (result == 0 && wait_s > 0)
        await_witness(root, end);
}

static void ask_libvirt(struct work *work)
{
    _cleanup_(error_free) struct error trouble = {0}, problem = {0};
    int result =
        gate_present(work->root) ? ask_ports(work, &trouble) : error_set(&trouble, EHOSTDOWN, "libvirt is not running");
    if (result == 0)
        result = ask_guests(work, &problem);
    else
        (void)error_set(&problem, trouble.code, "%s", trouble.message);
    /* Without libvirt's own directory, it is not that libvirt is missing. */
    bool absent = faccessat(work->root, "etc/libvirt", F_OK, 0) < 0;
    if (result < 0 && absent && work->pools.count > 0)
        error_note(work->error, "there is no libvirt here (/etc/libvirt): no network is set up");
    if (result < 0 && (work->pools.count == 0 || absent))
        return;
    if (result < 0)
        error_prefix(&problem, "the pools' networks are as they were");
    if (result < 0 || trouble.code)
        work_fail(work, result < 0 ? &problem : &trouble);
}

static int end_work(struct work *work)
{
    if (!work->silence.code)
        return work->failure.code ? error_set(work->error, work->failure.code, "%s", work->failure.message) : 0;
    if (work->failure.code)
        error_note(work->error, "%s", work->failure.message);
    return error_set(work->error, work->silence.code, "%s%s%s", work->silence.message,
                     work->passed ? "; not looked at: " : "", work->passed ? work->passed : "");
}

static int repair(struct work *work)
{
    int result = open_tables(work, true);
    if (result == 0)
        result = read_claims(work, true);
    if (result < 0)
        return result;
    begin_asking(work);
    ask_libvirt(work);
    if (work->guests) {
        reconcile_networks(work, false);
        reconcile_open_networks(work, false);
    }
    result = drop_gone(work);
    if (result == 0)
        result = finish_settings(work);
    if (result == 0)
        result = adopt_guests(work);
    /* What they had was blocked, and is to be offered; also when those that were adopted let go of it. */
    if (result == 0 && work->guests && work->changed)
        reconcile_again(work);
    return result < 0 ? result : end_work(work);
}

int reconcile(int root, bool dry_run, int wait_s, struct lines *done, struct error *error)
{
    await_libvirt(root, wait_s);
    _cleanup_(close_work) struct work work = {
        .root = root, .dry_run = dry_run, .done = done, .error = error, .host.sys = -1};
    int result = repair(&work);
    if (work.guests && !work.silent)
        autostart_deferred(root, dry_run, done, error);
    return result;
}

int reconcile_try(int root, struct pool *pool, const char *gone, struct lines *done, struct error *error)
{
    _cleanup_(close_work) struct work work = {
        .root = root, .dry_run = true, .instead = pool, .gone = gone, .done = done, .error = error, .host.sys = -1};
    return repair(&work);
}

int reconcile_boot(int root, bool dry_run, int wait_s, struct lines *done, struct error *error)
{
    _cleanup_(close_work) struct work work = {
        .root = root, .dry_run = dry_run, .done = done, .error = error, .host.sys = -1};
    _cleanup_(error_free) struct error problem = {0};
    int result = open_work(&work);
    if (result == 0 && provide(&work, true, wait_s, &problem) < 0)
        result = error_set(error, problem.code, "%s", problem.message);
    return result;
}

int reconcile_offers(int root, bool dry_run, struct lines *done, struct error *error)
{
    _cleanup_(close_work) struct work work = {
        .root = root, .dry_run = dry_run, .done = done, .error = error, .host.sys = -1};
    _cleanup_(error_free) struct error trouble = {0};
    int result = open_tables(&work, false);
    if (result == 0)
        result = read_claims(&work, false);
    if (result < 0)
        return result;
    begin_asking(&work);
    (void)ask_ports(&work, &trouble); /* what it returns is in @trouble */
    /* By what can be seen without libvirt: nobody asks it then who runs. */
    result = drop_gone(&work);
    if (trouble.code)
        return error_set(error, trouble.code, "%s", trouble.message);
    if (result < 0)
        return result;
    reconcile_networks(&work, true);
    return end_work(&work);
}

static void forget_settings(struct work *work)
{
    char text[PCIADDR_SIZE];
    for (size_t i = 0; i < work->claim_count; i++)
        for (size_t j = 0; j < work->claims[i]->vf_count; j++) {
            _cleanup_(error_free) struct error problem = {0};
            const struct claim_vf *vf = &work->claims[i]->vfs[j];
            pciaddr_format(&vf->address, text);
            int result = work->dry_run ? claim_settings_foresee(work->root, vf, !vf->stuck, &problem)
                                       : claim_settings_restore(work->root, vf, !vf->stuck, &problem);
            if (result < 0)
                error_prefix(&problem, "VF %s of guest '%.256s' stays as it is set", text, work->claims[i]->name);
            if (result < 0)
                work_fail(work, &problem);
            else if (result > 0)
                lines_add(work->done, "set VF %s of guest '%.256s' as it was", text, work->claims[i]->name);
        }
}

int reconcile_open(int root, bool settings, bool dry_run, struct lines *done, struct error *error)
{
    _cleanup_(close_work) struct work work = {
        .root = root, .dry_run = dry_run, .done = done, .error = error, .host.sys = -1};
    int result = pools_load(root, &work.pools, error);
    if (result == 0 && settings)
        result = read_claims(&work, false);
    if (result < 0)
        return result;
    begin_asking(&work);
    reconcile_open_networks(&work, true);
    /* Where libvirt cannot give VFs, vfpool stays, and guests keep what it set. */
    if (!work.failure.code && !work.silence.code)
        forget_settings(&work);
    return end_work(&work);
}
