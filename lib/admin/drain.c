/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drain.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "actor.h"
#include "claim.h"
#include "drained.h"
#include "host.h"
#include "ledger.h"
#include "memory.h"
#include "offer.h"
#include "reconcile.h"

/* So often a wait looks whether a guest has let go. */
#define LOOK_MS 500

/* What is drained: a PF with its VFs, or a VF. */
struct device {
    struct pciaddr address;
    char *name; /* "PF eth3", "VF 0000:01:10.2" */
    char *pf;   /* the PF's name; empty when it is not known */
    bool is_vf;
    struct pciaddr *vfs;
    size_t vf_count;
};

static void free_device(struct device *device)
{
    free(device->name);
    free(device->pf);
    free(device->vfs);
}

static void add_vf(struct device *device, const struct pciaddr *address)
{
    device->vfs = memory_resize(device->vfs, device->vf_count + 1, sizeof *device->vfs);
    device->vfs[device->vf_count++] = *address;
}

/* The PF itself is one of those that guests may have, too. */
static void be_pf(const struct host *host, const struct host_pf *pf, struct device *device)
{
    struct pciaddr vf;
    device->address = pf->address;
    device->name = memory_format("PF %s", pf->name);
    device->pf = memory_copy(pf->name);
    add_vf(device, &pf->address);
    for (unsigned int i = 0; i < pf->vf_count; i++)
        if (host_vf_address(host, pf, i, &vf) == 0)
            add_vf(device, &vf);
}

static int find_device(const struct host *host, const char *what, struct device *device, struct error *error)
{
    struct pciaddr address, of;
    struct host_pf pf;
    char text[PCIADDR_SIZE];
    bool by_address = pciaddr_parse_any(what, &address) == 0;
    if (by_address && host_vf_pf(host, &address, &of) == 0) {
        device->address = address;
        device->name = memory_format("VF %s", pciaddr_format(&address, text));
        device->pf = memory_copy("");
        device->is_vf = true;
        add_vf(device, &address);
        return 0;
    }
    int result = by_address ? host_pf_by_address(host, &address, &pf, error) : host_pf_by_name(host, what, &pf, error);
    if (result < 0)
        return result;
    host_pf_examine(host, &pf);
    if (pf.vf_total <= 0 && pf.vf_count == 0)
        return error_set(error, ENODEV, "%s does not do SR-IOV", what);
    be_pf(host, &pf, device);
    return 0;
}

static int open_device(int root, const char *what, struct device *device, struct error *error)
{
    struct host host = {.sys = -1};
    int result = host_open(root, &host, error);
    if (result == 0)
        result = find_device(&host, what, device, error);
    host_close(&host);
    return result;
}

/* Networks of which a VF may be offered, or not any more. Where libvirt cannot be called, what it gives of a drained VF
 * is refused all the same, and the next start sets the ports. */
static void set_ports(int root, bool dry_run, struct lines *done, struct error *error)
{
    _cleanup_(error_free) struct error problem = {0};
    int result = dry_run ? 0 : offer_withdraw_all(root, &problem);
    if (result == 0)
        result = reconcile_offers(root, dry_run, done, &problem);
    error_move_notes(error, &problem);
    if (result < 0)
        error_note(error, "libvirt's ports are not set yet, which the next start does: %s", problem.message);
}

/* ---- who has them ---- */

static bool is_had(int root, const struct device *device)
{
    for (size_t i = 0; i < device->vf_count; i++)
        if (ledger_has_link(root, &device->vfs[i]))
            return true;
    return false;
}

/* The guests that have them, by name, once each; NULL: none. */
static char *list_guests(int root, const struct device *device)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    _cleanup_(error_free) struct error ignored = {0};
    char *names = NULL;
    if (ledger_open(root, LEDGER_READ, LEDGER_LOCK_MS, &ledger, &ignored) < 0)
        return is_had(root, device) ? memory_copy("guests that cannot be read") : NULL;
    for (size_t i = 0; i < device->vf_count; i++) {
        _cleanup_(cleanup_claim) struct claim *claim = NULL;
        char uuid[UUID_SIZE] = "";
        if (ledger_holder(ledger, &device->vfs[i], &claim, uuid, &ignored) < 0 || !uuid[0])
            continue;
        _cleanup_(cleanup_free) char *name = memory_format("'%.256s'", claim ? claim->name : uuid);
        char *before = names;
        if (before && strstr(before, name))
            continue;
        names = memory_format("%s%s%s", before ? before : "", before ? ", " : "", name);
        free(before);
    }
    return names;
}

static int wait_for(int root, const struct device *device, int wait_s, struct error *error)
{
    int64_t end = io_now_ms() + wait_s * INT64_C(1000);
    while (is_had(root, device) && io_now_ms() < end)
        poll(NULL, 0, LOOK_MS);
    _cleanup_(cleanup_free) char *guests = list_guests(root, device);
    if (!guests)
        return 0;
    return device->is_vf
               ? error_set(error, ETIMEDOUT, "after %d s %s is still had by %s", wait_s, device->name, guests)
               : error_set(error, ETIMEDOUT, "after %d s VFs of %s are still had by %s", wait_s, device->name, guests);
}

/* ---- the verbs ---- */

static char *say_why(const struct drain_options *options)
{
    char now[CLAIM_TIME_SIZE];
    claim_time(now);
    return memory_format("since %s, by %s%s%s", now, actor_name(), options->reason ? ": " : "",
                         options->reason ? options->reason : "");
}

int drain(int root, const char *what, const struct drain_options *options, struct lines *done, struct error *error)
{
    _cleanup_(free_device) struct device device = {.name = NULL};
    _cleanup_(cleanup_free) char *words = say_why(options);
    if (options->reason && strlen(options->reason) >= DRAINED_REASON_SIZE)
        return error_set(error, EINVAL, "the reason is longer than %d bytes", DRAINED_REASON_SIZE - 1);
    int result = open_device(root, what, &device, error);
    if (result < 0)
        return result;
    _cleanup_(drained_free) struct drained drained = {0};
    result = drained_load(root, &drained, error);
    if (result < 0)
        return result;
    const char *since = drained_find(&drained, &device.address, &device.address);
    if (!since && !options->dry_run)
        result = drained_add(root, &device.address, words, error);
    if (result < 0 && result != -EEXIST)
        return result;
    if (!since && !options->dry_run)
        ledger_note(root, "drained", &device.address, device.pf, options->reason ? options->reason : "");
    if (!since)
        lines_add(done, "drained %s", device.name);
    _cleanup_(cleanup_free) char *guests = list_guests(root, &device);
    if (guests && device.is_vf)
        error_note(error, "%s is had by %s", device.name, guests);
    else if (guests)
        error_note(error, "VFs of %s are had by %s", device.name, guests);
    if (!since)
        set_ports(root, options->dry_run, done, error);
    return options->wait_s > 0 && !options->dry_run ? wait_for(root, &device, options->wait_s, error) : 0;
}

int undrain(int root, const char *what, bool dry_run, struct lines *done, struct error *error)
{
    _cleanup_(free_device) struct device device = {.name = NULL};
    _cleanup_(drained_free) struct drained drained = {0};
    struct pciaddr address;
    int result = open_device(root, what, &device, error);
    if (result < 0 && pciaddr_parse_any(what, &address) == 0) {
        device.address = address;
        device.name = memory_copy(what);
        result = 0;
    }
    if (result == 0)
        result = drained_load(root, &drained, error);
    if (result < 0 || !drained_find(&drained, &device.address, &device.address))
        return result;
    if (!dry_run)
        result = drained_remove(root, &device.address, error);
    if (result < 0 && result != -ENOENT)
        return result;
    if (!dry_run)
        ledger_note(root, "undrained", &device.address, device.pf ? device.pf : "", "");
    lines_add(done, "undrained %s", device.name);
    set_ports(root, dry_run, done, error);
    return 0;
}
