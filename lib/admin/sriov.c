/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Each <pf> that asks for something is a work of its own, as the kernel makes VFs one after the other and lets nobody
 * interrupt it: 22 s for 64 of them, for each card. Reading sriov_numvfs waits as well, while somebody writes to it
 * (drivers/pci/iov.c of Linux 6.1 to 6.12, sriov_numvfs_show() takes the device's lock; read).
 */
#include "sriov.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "ledger.h"
#include "libvirtd.h"
#include "memory.h"
#include "parallel.h"
#include "pf.h"
#include "rtnetlink.h"

#define LOOK_MS 50
#define REPORT_MS 1000 /* for a worker whose time is up to say what it waited for */

/* What one <pf> asks for. */
struct demand {
    const struct sriov *sriov;
    const struct pool *pool;
    const struct pool_source *source;
    struct host_pf *pfs; /* which are meant */
    int64_t end_ms;
};

/* Waits until it is worth looking again. Return: false when the time is up. */
static bool may_look_again(const struct demand *demand)
{
    if (io_now_ms() >= demand->end_ms)
        return false;
    (void)poll(NULL, 0, LOOK_MS);
    return true;
}

/* ---- up ---- */

/*
 * udev gives an interface its name only while it is down, before Linux 6.2 (IFF_LIVE_RENAME_OK), and keeps a file of
 * each that it is done with (systemd's src/libsystemd/sd-device, device_update_db()).
 */
static bool awaits_udev(const struct demand *demand, int index)
{
    char path[64];
    snprintf(path, sizeof path, "run/udev/data/n%d", index);
    return faccessat(demand->sriov->root, "run/udev/control", F_OK, 0) == 0 &&
           faccessat(demand->sriov->root, path, F_OK, 0) < 0;
}

static int tell_up(const struct host *host, int index, struct error *error)
{
    _cleanup_(cleanup_rtnetlink) struct rtnetlink *link = NULL;
    _cleanup_(cleanup_free) char *buffer = memory_new(1, RTNETLINK_REQUEST_SIZE);
    int result = rtnetlink_open(host, &link, error);
    if (result < 0)
        return result;
    struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
    request->nlmsg_type = RTM_SETLINK;
    struct ifinfomsg *about = mnl_nlmsg_put_extra_header(request, sizeof *about);
    about->ifi_family = AF_UNSPEC;
    about->ifi_index = index;
    about->ifi_flags = about->ifi_change = IFF_UP;
    result = rtnetlink_call(link, request, NULL, NULL);
    return result < 0 ? error_set(error, -result, "%s", strerror(-result)) : 0;
}

static int bring_up(const struct demand *demand, struct host_pf *pf, struct lines *done, struct error *error)
{
    host_pf_examine(demand->sriov->host, pf);
    if (!demand->source->up || pf->up == 1)
        return 0;
    int index = host_pf_index(demand->sriov->host, pf);
    while (index >= 0 && demand->sriov->boot && awaits_udev(demand, index) && may_look_again(demand))
        ;
    int result = index < 0                ? error_set(error, -index, "it has no network interface")
                 : demand->sriov->dry_run ? 0
                                          : tell_up(demand->sriov->host, index, error);
    if (result < 0)
        return error_prefix(error, "cannot bring PF %s up, as pool '%s' asks", pf->name, demand->pool->name);
    lines_add(done, "brought PF %s up", pf->name);
    return 0;
}

/* ---- the host's drivers ---- */

static int set_autoprobe(const struct demand *demand, const struct host_pf *pf, struct lines *done, struct error *error)
{
    bool on = demand->source->autoprobe == AUTOPROBE_ON;
    int now = demand->source->autoprobe == AUTOPROBE_LEFT ? on : host_pf_autoprobe(demand->sriov->host, pf);
    if (now == on)
        return 0;
    int result = demand->sriov->dry_run ? 0 : host_pf_set_autoprobe(demand->sriov->host, pf, on);
    if (result < 0)
        return error_set(error, -result, "cannot say to PF %s whether drivers take its VFs, as pool '%s' asks: %s",
                         pf->name, demand->pool->name, strerror(-result));
    lines_add(done, "PF %s: the host's drivers %s VFs that are made from now on", pf->name, on ? "take" : "leave");
    return 0;
}

/* ---- the number ---- */

static const char *find_other_use(const struct host *host, const struct pciaddr *address, char *text, size_t size)
{
    struct host_vf vf;
    if (host_vf_read(host, address, &vf) < 0)
        return NULL;
    if (vf.user > 0)
        snprintf(text, size, "process %ld has it open", (long)vf.user);
    else if (vf.user < 0)
        snprintf(text, size, "whether it is in use cannot be seen: %s", strerror(-vf.user));
    else if (vf.vdpa[0])
        snprintf(text, size, "it is used as vDPA device %s", vf.vdpa);
    else if (vf.netdev_up || vf.enslaved || vf.configured)
        snprintf(text, size, "the host uses its network interface");
    else if (vf.driver[0] && !vf.has_netdev && !host_is_vfio(vf.driver))
        snprintf(text, size, "it is bound to %s, without a network interface here", vf.driver);
    else
        return NULL;
    return text;
}

/* Whether a pool, this one or another, asks for another number. Return: its name, or NULL. */
static const char *find_other_demand(const struct demand *demand, const struct host_pf *pf)
{
    const struct pools *pools = demand->sriov->pools;
    struct pf_finder finder = {.host = demand->sriov->host};
    const char *other = NULL;
    for (size_t i = 0; i < pools->count && !other; i++) {
        const struct pool *pool = &pools->pools[i];
        for (size_t j = 0; j < pool->source_count && !other && !pool->fault.code; j++) {
            _cleanup_(error_free) struct error ignored = {0};
            _cleanup_(cleanup_free) struct host_pf *pfs = NULL;
            const struct pool_source *source = &pool->sources[j];
            size_t count = 0;
            if (!source->pf || !source->vf_wanted || source->vf_wanted == demand->source->vf_wanted ||
                pf_find(&finder, source, &pfs, &count, &ignored) < 0)
                continue;
            for (size_t k = 0; k < count; k++)
                if (pciaddr_equal(&pfs[k].address, &pf->address))
                    other = pool->name;
        }
    }
    pf_finder_free(&finder);
    return other;
}

/* Return: 0, or -EBUSY with what keeps the VFs as they are, as a clause. */
static int check_unheld(const struct demand *demand, const struct host_pf *pf, struct ledger *ledger,
                        struct error *error)
{
    char text[160];
    const char *pool = find_other_demand(demand, pf);
    if (pool)
        return error_set(error, EBUSY, "pool '%s' asks for another number", pool);
    if (libvirtd_runs(demand->sriov->root))
        return error_set(error, EBUSY, "libvirt runs");
    for (unsigned int i = 0; i < pf->vf_count; i++) {
        struct pciaddr address;
        _cleanup_(cleanup_claim) struct claim *claim = NULL;
        char uuid[UUID_SIZE];
        if (host_vf_address(demand->sriov->host, pf, i, &address) < 0)
            continue;
        int result = ledger_holder(ledger, &address, &claim, uuid, error);
        if (result < 0)
            return result;
        if (uuid[0])
            return error_set(error, EBUSY, "guest '%s' holds VF %u", claim ? claim->name : uuid, i);
        const char *use = find_other_use(demand->sriov->host, &address, text, sizeof text);
        if (use)
            return error_set(error, EBUSY, "of VF %u, %s", i, use);
    }
    return 0;
}

/* With the ledger's lock, so that no guest gets a VF that is about to go. Return: 1 when they are gone. */
static int remove_vfs(const struct demand *demand, const struct host_pf *pf, struct error *error)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    enum ledger_mode mode = demand->sriov->dry_run ? LEDGER_READ : LEDGER_WRITE;
    int result = ledger_open(demand->sriov->root, mode, LEDGER_LOCK_MS, &ledger, error);
    if (result == 0)
        result = check_unheld(demand, pf, ledger, error);
    if (result == 0 && !demand->sriov->dry_run)
        result = host_pf_make_vfs(demand->sriov->host, pf, 0);
    if (result < 0 && !error->code)
        (void)error_set(error, -result, "%s", strerror(-result)); /* the write's */
    if (result < 0)
        return error_prefix(error, "PF %s keeps its %u VF%s, and pool '%s' asks for %u", pf->name, pf->vf_count,
                            PLURAL(pf->vf_count), demand->pool->name, demand->source->vf_wanted);
    return 1;
}

static int fail_to_make(const struct demand *demand, const struct host_pf *pf, int result, struct error *error)
{
    char more[HOST_NAME_SIZE + 120] = "";
    if (result == -ERANGE && pf->vf_total >= 0)
        snprintf(more, sizeof more, "it makes %d at most", pf->vf_total);
    else if (pf->up == 0)
        snprintf(more, sizeof more, "%s; it is down, and some cards make VFs only when it is up: ip link set %s up",
                 strerror(-result), pf->name);
    else
        snprintf(more, sizeof more, "%s", strerror(-result));
    return error_set(error, -result, "cannot make %u VF%s on PF %s for pool '%s': %s", demand->source->vf_wanted,
                     PLURAL(demand->source->vf_wanted), pf->name, demand->pool->name, more);
}

static int set_number(const struct demand *demand, struct host_pf *pf, struct lines *done, struct error *error)
{
    const struct sriov *sriov = demand->sriov;
    unsigned int wanted = demand->source->vf_wanted;
    int told = wanted ? host_pf_numvfs(sriov->host, pf) : HOST_UNKNOWN, result = 0;
    /* What somebody is just making there is not cut short. */
    if (told != HOST_UNKNOWN)
        pf->vf_count = (unsigned int)told;
    if (!wanted || pf->vf_count == wanted || (pf->vf_count > 0 && !sriov->boot))
        return 0;
    if (pf->vf_total != HOST_UNKNOWN && wanted > (unsigned int)pf->vf_total)
        return fail_to_make(demand, pf, -ERANGE, error);
    if (pf->vf_count > 0)
        result = remove_vfs(demand, pf, error);
    if (result < 0)
        return result;
    bool changed = result > 0;
    result = sriov->dry_run ? 0 : host_pf_make_vfs(sriov->host, pf, wanted);
    /* As it was, then. */
    if (result < 0 && changed && host_pf_make_vfs(sriov->host, pf, pf->vf_count) < 0)
        error_note(error, "PF %s had %u VF%s, and has none now", pf->name, pf->vf_count, PLURAL(pf->vf_count));
    if (result < 0)
        return fail_to_make(demand, pf, result, error);
    if (changed)
        lines_add(done, "made %u VF%s on PF %s, which had %u, nobody's", wanted, PLURAL(wanted), pf->name,
                  pf->vf_count);
    else
        lines_add(done, "made %u VF%s on PF %s", wanted, PLURAL(wanted), pf->name);
    return 0;
}

/* ---- a PF, a <pf> ---- */

static unsigned int count_vfs(const struct host *host, const struct host_pf *pf)
{
    struct pciaddr address;
    unsigned int present = 0;
    for (unsigned int i = 0; i < pf->vf_count; i++)
        present += host_vf_address(host, pf, i, &address) == 0 && host_vf_present(host, &address);
    return present;
}

/* Somebody else may be making them: a rule of udev's, the card's own service. */
static int await_vfs(const struct demand *demand, struct host_pf *pf, struct error *error)
{
    const struct host *host = demand->sriov->host;
    const struct pciaddr address = pf->address;
    unsigned int wanted = demand->source->vf_wanted, present = 0;
    while ((present = count_vfs(host, pf)) < wanted && may_look_again(demand)) {
        int result = host_pf_by_address(host, &address, pf, error);
        if (result < 0)
            return result;
    }
    if (present >= wanted)
        return 0;
    return error_set(error, ETIMEDOUT, "PF %s has %u of the %u VFs that pool '%s' asks for, after %d s", pf->name,
                     present, wanted, demand->pool->name, demand->sriov->wait_s);
}

static int provide_pf(size_t number, void *context, struct lines *done, struct error *error)
{
    const struct demand *demand = context;
    struct host_pf pf = demand->pfs[number], now;
    bool was_up;
    int result = bring_up(demand, &pf, done, error);
    was_up = pf.up == 1;
    if (result == 0)
        result = set_autoprobe(demand, &pf, done, error);
    if (result == 0)
        result = set_number(demand, &pf, done, error);
    if (result < 0 || demand->sriov->dry_run)
        return result;
    result = host_pf_by_address(demand->sriov->host, &pf.address, &now, error);
    if (result == 0)
        result = demand->source->vf_wanted && demand->sriov->boot ? await_vfs(demand, &now, error) : 0;
    if (result == 0)
        result = bring_up(demand, &now, done, error);
    if (result == 0 && was_up && now.up == 0 && !demand->source->up)
        lines_add(done, "PF %s went down when its VFs were made: ip link set %s up", now.name, now.name);
    return result;
}

static void say_late(const struct demand *demand, const char *pf, struct error *error)
{
    (void)error_set(error, ETIMEDOUT, "PF %s is not as pool '%s' asks after %d s, and the kernel is still at it", pf,
                    demand->pool->name, demand->sriov->wait_s);
}

static void late_pf(size_t number, void *context, struct error *error)
{
    const struct demand *demand = context;
    say_late(demand, demand->pfs[number].name, error);
}

static void late_demand(size_t number, void *context, struct error *error)
{
    const struct demand *demand = (const struct demand *)context + number;
    say_late(demand, demand->source->pf, error);
}

/* Several PFs of one vendor and device come one after the other: they are all there when udev has nothing to do. */
static bool is_complete(const struct demand *demand, const struct host_pf *pfs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!pfs[i].has_netdev)
            return false;
    return demand->source->key != PF_BY_ID || faccessat(demand->sriov->root, "run/udev/queue", F_OK, 0) < 0;
}

static int find_pfs(struct demand *demand, size_t *count, struct error *error)
{
    int result;
    do {
        struct pf_finder finder = {.host = demand->sriov->host};
        free(steal(demand->pfs));
        error->code = 0;
        result = pf_find(&finder, demand->source, &demand->pfs, count, error);
        pf_finder_free(&finder);
    } while (demand->sriov->boot && (result == -ENOENT || (result == 0 && !is_complete(demand, demand->pfs, *count))) &&
             may_look_again(demand));
    return result;
}

static int provide(size_t number, void *context, struct lines *done, struct error *error)
{
    struct demand *demand = (struct demand *)context + number;
    size_t count = 0;
    int result = find_pfs(demand, &count, error);
    if (result < 0 && !demand->sriov->boot)
        result = 0;
    else if (result < 0)
        result = error_prefix(error, "pool '%s'", demand->pool->name);
    else if (count == 1)
        result = provide_pf(0, demand, done, error);
    else
        result = parallel_run(&(struct parallel){.count = count,
                                                 .work = provide_pf,
                                                 .late = late_pf,
                                                 .context = demand,
                                                 .deadline_ms = demand->end_ms + REPORT_MS / 2},
                              done, error);
    free(steal(demand->pfs));
    return result;
}

int sriov_provide(const struct sriov *sriov, struct lines *done, struct error *error)
{
    _cleanup_(cleanup_free) struct demand *demands = NULL;
    size_t count = 0;
    int64_t end = io_now_ms() + sriov->wait_s * INT64_C(1000);
    for (size_t i = 0; i < sriov->pools->count; i++) {
        const struct pool *pool = &sriov->pools->pools[i];
        for (size_t j = 0; j < pool->source_count && !pool->fault.code; j++) {
            const struct pool_source *source = &pool->sources[j];
            if (!source->pf || (!source->vf_wanted && !source->up && source->autoprobe == AUTOPROBE_LEFT))
                continue;
            demands = memory_resize(demands, count + 1, sizeof *demands);
            demands[count++] = (struct demand){.sriov = sriov, .pool = pool, .source = source, .end_ms = end};
        }
    }
    if (count == 0)
        return 0;
    return parallel_run(
        &(struct parallel){
            .count = count, .work = provide, .late = late_demand, .context = demands, .deadline_ms = end + REPORT_MS},
        done, error);
}
