/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a guest runs is looked up without libvirt, whose silence may be why a person takes VFs back: by the files
 * that libvirt keeps, and by who has the devices open. The ledger stays locked from then to the end, so that no hook
 * comes between.
 */
#include "release.h"

#include <errno.h>
#include <string.h>

#include "absent.h"
#include "claim.h"
#include "domain.h"
#include "handback.h"
#include "host.h"
#include "ledger.h"
#include "libvirtd.h"
#include "memory.h"

#define OR_FORCE ", or take it with --force"

struct work {
    int root;
    const struct release_options *options;
    struct lines *done;
    struct ledger *ledger;
    struct host host; /* open unless --force is said */
};

/* ---- who is in the way ---- */

static int check_device(const struct work *work, const struct pciaddr *address, const char *kind, struct error *error)
{
    char text[PCIADDR_SIZE];
    pid_t user = host_vf_user(&work->host, address);
    pciaddr_format(address, text);
    if (user < 0)
        return error_set(error, EBUSY, "whether a process has %s %s open cannot be seen (%s): mend that" OR_FORCE, kind,
                         text, strerror(-user));
    return user == 0 ? 0
                     : error_set(error, EBUSY, "%s %s is in use by process %ld: shut its guest down" OR_FORCE, kind,
                                 text, (long)user);
}

static int check_guest(const struct work *work, const struct claim *claim, struct error *error)
{
    int known = libvirtd_find_guest(work->root, claim->name);
    int64_t wait_ms = absent_after_ms(claim);
    if (known > 0)
        return error_set(error, EBUSY, "guest '%.256s' (%s) runs: shut it down" OR_FORCE, claim->name, claim->uuid);
    if (known < 0)
        return error_set(error, EBUSY, "whether guest '%.256s' (%s) runs cannot be seen: see that it does not" OR_FORCE,
                         claim->name, claim->uuid);
    if (wait_ms > 0)
        return error_set(error, EBUSY, "guest '%.256s' (%s) may be on its way to run: wait %d s" OR_FORCE, claim->name,
                         claim->uuid, (int)((wait_ms + 999) / 1000));
    return 0;
}

/* @only: this VF of it; NULL: all. What is quarantined the guest has given back, whether it runs or not. */
static int check_claim(const struct work *work, const struct claim *claim, const struct pciaddr *only,
                       struct error *error)
{
    bool has = false;
    for (size_t i = 0; i < claim->vf_count && !work->options->force; i++) {
        const struct claim_vf *vf = &claim->vfs[i];
        if (only && !pciaddr_equal(only, &vf->address))
            continue;
        int result = check_device(work, &vf->address, claim_kind(vf), error);
        if (result < 0)
            return result;
        has = has || !vf->stuck;
    }
    return has ? check_guest(work, claim, error) : 0;
}

/* ---- what goes ---- */

static int drop_guest(const struct work *work, const struct claim *claim, struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *kept = NULL; /* what could not be set as it was, and stays */
    char text[PCIADDR_SIZE];
    int result = check_claim(work, claim, NULL, error);
    if (result < 0)
        return result;
    if (!work->options->dry_run)
        result = handback_guest(work->ledger, work->root, claim->uuid, error);
    if (result == 0 && !work->options->dry_run)
        result = ledger_get(work->ledger, claim->uuid, &kept, error);
    if (result < 0)
        return result;
    for (size_t i = 0; i < claim->vf_count; i++)
        if (!claim_find(kept, &claim->vfs[i].address))
            lines_add(work->done, "released %s %s of pool '%s' from guest '%.256s' (%s)", claim_kind(&claim->vfs[i]),
                      pciaddr_format(&claim->vfs[i].address, text), claim->vfs[i].pool, claim->name, claim->uuid);
    return 0;
}

/* Of a guest whose file is corrupt the UUID is all that is known. */
static int release_corrupt(const struct work *work, const struct pciaddr *address, const char *uuid,
                           struct error *error)
{
    char text[PCIADDR_SIZE];
    int result = work->options->force ? 0 : check_device(work, address, "VF", error);
    if (result == 0 && !work->options->dry_run)
        result = ledger_forget(work->ledger, address, error);
    if (result == 0)
        lines_add(work->done, "released VF %s, which was kept for guest %s", pciaddr_format(address, text), uuid);
    return result;
}

static int drop_corrupt(const struct work *work, const char *uuid, struct error *error)
{
    _cleanup_(cleanup_free) struct pciaddr *kept = NULL;
    size_t count = 0;
    char text[PCIADDR_SIZE];
    int result = ledger_kept(work->ledger, uuid, &kept, &count, error);
    for (size_t i = 0; i < count && result == 0 && !work->options->force; i++)
        result = check_device(work, &kept[i], "VF", error);
    if (result == 0 && !work->options->dry_run)
        result = ledger_drop(work->ledger, uuid, error);
    if (result < 0)
        return result;
    /* In the words of ledger_drop(), whose notes are of what was done. */
    for (size_t i = 0; i < count && work->options->dry_run; i++)
        lines_add(work->done, "released VF %s, which was kept for guest %s", pciaddr_format(&kept[i], text), uuid);
    lines_move(work->done, &error->notes);
    lines_add(work->done, "released every VF that was kept for guest %s", uuid);
    return 0;
}

/* One that is quarantined already is let go of as it is. */
static int take_vf(const struct work *work, struct claim *claim, const struct pciaddr *address, bool *stuck,
                   struct error *error)
{
    bool quarantined = claim_find(claim, address)->stuck;
    if (!quarantined && !work->options->dry_run)
        return handback_vf(work->ledger, work->root, claim, address, stuck, error);
    claim_remove(claim, address);
    return work->options->dry_run ? 0 : ledger_put(work->ledger, claim, error);
}

static int release_address(const struct work *work, const struct pciaddr *address, struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *claim = NULL;
    char uuid[UUID_SIZE], text[PCIADDR_SIZE];
    bool stuck = false;
    int result = ledger_holder(work->ledger, address, &claim, uuid, error);
    if (result < 0)
        return result;
    pciaddr_format(address, text);
    if (!uuid[0])
        return error_set(error, ENOENT, "VF %s is not held by any guest", text);
    if (!claim)
        return release_corrupt(work, address, uuid, error);
    const struct claim_vf *vf = claim_find(claim, address);
    _cleanup_(cleanup_free) char *pool = memory_copy(vf->pool);
    const char *kind = claim_kind(vf);
    result = check_claim(work, claim, address, error);
    if (result == 0)
        result = take_vf(work, claim, address, &stuck, error);
    if (result < 0 || stuck)
        return result;
    if (claim->vf_count == 0)
        lines_add(work->done, "released %s %s of pool '%s' from guest '%.256s' (%s)", kind, text, pool, claim->name,
                  uuid);
    else
        lines_add(work->done, "released %s %s from guest '%.256s' (%s), which keeps %zu", kind, text, claim->name, uuid,
                  claim->vf_count);
    return 0;
}

static int release_uuid(const struct work *work, const char *uuid, struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *claim = NULL;
    bool may_hold = ledger_has_file(work->root, uuid);
    int result = ledger_edit(work->ledger, uuid, &claim, error);
    if (result < 0)
        return result;
    if (claim)
        return drop_guest(work, claim, error);
    return may_hold ? drop_corrupt(work, uuid, error) : error_set(error, ENOENT, "guest %s holds no VF", uuid);
}

static int release_name(const struct work *work, const char *name, struct error *error)
{
    struct claim **claims = NULL;
    const struct claim *found = NULL;
    size_t count = 0;
    int result = ledger_all(work->ledger, &claims, &count, error);
    for (size_t i = 0; i < count && result == 0; i++) {
        if (strcmp(claims[i]->name, name) != 0)
            continue;
        if (found)
            result = error_set(error, EINVAL, "guests %s and %s are both named '%.256s': give the UUID", found->uuid,
                               claims[i]->uuid, name);
        found = claims[i];
    }
    if (result == 0)
        result = found ? drop_guest(work, found, error)
                       : error_set(error, ENOENT, "no guest named '%.256s' holds a VF", name);
    claims_free(claims, count);
    return result;
}

static int release(const struct work *work, const char *what, struct error *error)
{
    struct pciaddr address;
    char uuid[UUID_SIZE];
    if (pciaddr_parse_any(what, &address) == 0)
        return release_address(work, &address, error);
    if (domain_parse_uuid(what, uuid) == 0)
        return release_uuid(work, uuid, error);
    return release_name(work, what, error);
}

int release_by_hand(int root, const char *what, const struct release_options *options, struct lines *done,
                    struct error *error)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    struct work work = {.root = root, .options = options, .done = done, .host.sys = -1};
    int result = ledger_open(root, options->dry_run ? LEDGER_READ : LEDGER_WRITE, LEDGER_LOCK_MS, &ledger, error);
    if (result == 0 && !options->force && host_open(root, &work.host, error) < 0)
        result = error_prefix(error, "who has devices open cannot be seen (--force does not look)");
    if (result < 0)
        return result;
    ledger_by_hand(ledger);
    work.ledger = ledger;
    result = release(&work, what, error);
    host_close(&work.host);
    return result;
}
