/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "claim-settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host.h"
#include "memory.h"
#include "vfinfo.h"

/* A VF where it is now: its PF may have got another name. */
struct place {
    struct host_pf pf;
    unsigned int number;
    bool known; /* what is set now */
    struct settings now;
};

static int look(const struct host *host, const struct pciaddr *address, struct place *place, struct error *error)
{
    _cleanup_(cleanup_free) struct settings *all = NULL;
    char text[PCIADDR_SIZE];
    int result = host_pf_of_vf(host, address, &place->pf, &place->number, error);
    if (result == 0)
        result = vfinfo_read(host, &place->pf, &all, error);
    if (result < 0)
        return result;
    if (place->number >= place->pf.vf_count || !settings_say(&all[place->number]))
        return error_set(error, ENODEV, "PF %s has no VF %u (%s)", place->pf.name, place->number,
                         pciaddr_format(address, text));
    place->now = all[place->number];
    place->known = true;
    return 0;
}

/* What libvirt sets. */
static void leave_out(struct settings *settings)
{
    settings->mac[0] = '\0';
    settings->vlan = settings->qos = settings->protocol = SETTINGS_UNKNOWN;
}

static int record(const struct host *host, struct claim_vf *vf, bool started, struct error *error)
{
    struct place place;
    int result = look(host, &vf->address, &place, error);
    if (result < 0)
        return result;
    vf->original = place.now;
    if (started)
        leave_out(&vf->original);
    return 1;
}

int claim_settings_record(int root, struct claim *claim, const struct pciaddr *address, bool started,
                          struct error *error)
{
    _cleanup_(host_close) struct host host = {.sys = -1};
    int result = 0;
    bool recorded = false;
    for (size_t i = 0; i < claim->vf_count && result >= 0; i++) {
        _cleanup_(error_free) struct error problem = {0};
        struct claim_vf *vf = &claim->vfs[i];
        if (vf->whole || settings_say(&vf->original) || (address && !pciaddr_equal(&vf->address, address)))
            continue;
        result = host.sys < 0 ? host_open(root, &host, &problem) : 0;
        if (result == 0)
            result = record(&host, vf, started, &problem);
        recorded = recorded || result > 0;
        if (result < 0)
            result = settings_say(&vf->wanted) ? error_set(error, -result, "%s", problem.message) : 0;
    }
    return result < 0 ? result : recorded;
}

static int apply(const struct host *host, const struct claim_vf *vf, bool started, struct place *place,
                 struct error *error)
{
    struct settings wanted = vf->wanted;
    if (!started)
        leave_out(&wanted);
    int result = look(host, &vf->address, place, error);
    return result < 0 ? result : vfinfo_change(host, &place->pf, place->number, &place->now, &wanted, error);
}

/* To what it was before apply(). */
static void undo(const struct host *host, const struct claim_vf *vf, const struct place *before, struct error *error)
{
    _cleanup_(error_free) struct error problem = {0};
    struct place place;
    char text[PCIADDR_SIZE];
    int result = look(host, &vf->address, &place, &problem);
    if (result == 0)
        result = vfinfo_change(host, &place.pf, place.number, &place.now, &before->now, &problem);
    if (result < 0)
        error_note(error, "VF %s stays as it was set until it is released: %s", pciaddr_format(&vf->address, text),
                   problem.message);
}

int claim_settings_apply(int root, const struct claim *claim, const struct pciaddr *address, bool started,
                         struct error *error)
{
    _cleanup_(host_close) struct host host = {.sys = -1};
    _cleanup_(cleanup_free) struct place *places = memory_new(claim->vf_count, sizeof *places);
    int result = 0;
    size_t count = 0;
    for (; count < claim->vf_count && result >= 0; count++) {
        const struct claim_vf *vf = &claim->vfs[count];
        if (vf->stuck || !settings_say(&vf->wanted) || (address && !pciaddr_equal(&vf->address, address)))
            continue;
        result = host.sys < 0 ? host_open(root, &host, error) : 0;
        if (result == 0)
            result = apply(&host, vf, started, &places[count], error);
    }
    for (size_t i = 0; result < 0 && i < count; i++)
        if (places[i].known)
            undo(&host, &claim->vfs[i], &places[i], error);
    return result < 0 ? error_prefix(error, "guest '%.256s'", claim->name) : 0;
}

static int restore(const struct host *host, const struct claim_vf *vf, bool running, bool dry_run, struct error *error)
{
    struct place place;
    if (!host_vf_present(host, &vf->address))
        return 0;
    int result = look(host, &vf->address, &place, error);
    if (result < 0)
        return result;
    struct settings whole = place.now, original = vf->original;
    if (running)
        leave_out(&original);
    settings_merge(&whole, &original);
    if (settings_equal(&whole, &place.now))
        return 0;
    pid_t user = running ? 0 : host_vf_user(host, &vf->address);
    if (user < 0)
        return error_set(error, -user, "whether it is in use cannot be seen: %s", strerror(-user));
    if (user)
        return error_set(error, EBUSY, "it is in use by process %ld", (long)user);
    if (!dry_run)
        result = vfinfo_change(host, &place.pf, place.number, &place.now, &original, error);
    return result < 0 ? result : 1;
}

static int restore_on(int root, const struct claim_vf *vf, bool running, bool dry_run, struct error *error)
{
    _cleanup_(host_close) struct host host = {.sys = -1};
    if (!settings_say(&vf->original))
        return 0;
    int result = host_open(root, &host, error);
    return result < 0 ? result : restore(&host, vf, running, dry_run, error);
}

int claim_settings_restore(int root, const struct claim_vf *vf, bool running, struct error *error)
{
    return restore_on(root, vf, running, false, error);
}

int claim_settings_foresee(int root, const struct claim_vf *vf, bool running, struct error *error)
{
    return restore_on(root, vf, running, true, error);
}
