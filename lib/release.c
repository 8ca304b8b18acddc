/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "release.h"

#include <errno.h>
#include <string.h>

#include "claim.h"
#include "domain.h"
#include "handback.h"
#include "ledger.h"
#include "memory.h"

/* @kept: what could not be set as it was, and stays; NULL: nothing */
static void note_dropped(const struct claim *claim, const struct claim *kept, struct error *error)
{
    char text[PCIADDR_SIZE];
    for (size_t i = 0; i < claim->vf_count; i++)
        if (!claim_find(kept, &claim->vfs[i].address))
            error_note(error, "released %s %s of pool '%s' from guest '%.256s' (%s)", claim_kind(&claim->vfs[i]),
                       pciaddr_format(&claim->vfs[i].address, text), claim->vfs[i].pool, claim->name, claim->uuid);
}

static int drop_guest(struct ledger *ledger, int root, const struct claim *claim, struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *kept = NULL;
    int result = handback_guest(ledger, root, claim->uuid, error);
    if (result == 0)
        result = ledger_get(ledger, claim->uuid, &kept, error);
    if (result == 0)
        note_dropped(claim, kept, error);
    return result;
}

static int release_corrupt(struct ledger *ledger, const struct pciaddr *address, const char *uuid, struct error *error)
{
    char text[PCIADDR_SIZE];
    int result = ledger_forget(ledger, address, error);
    if (result == 0)
        error_note(error, "released VF %s, which was kept for guest %s", pciaddr_format(address, text), uuid);
    return result;
}

/* One that is quarantined already is let go of as it is. */
static int release_address(struct ledger *ledger, int root, const struct pciaddr *address, struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *claim = NULL;
    char uuid[UUID_SIZE], text[PCIADDR_SIZE];
    bool stuck = false;
    int result = ledger_holder(ledger, address, &claim, uuid, error);
    if (result < 0)
        return result;
    pciaddr_format(address, text);
    if (!uuid[0])
        return error_set(error, ENOENT, "VF %s is not held by any guest", text);
    if (!claim)
        return release_corrupt(ledger, address, uuid, error);
    const struct claim_vf *vf = claim_find(claim, address);
    _cleanup_(cleanup_free) char *pool = memory_copy(vf->pool);
    const char *kind = claim_kind(vf);
    if (vf->stuck) {
        claim_remove(claim, address);
        result = ledger_put(ledger, claim, error);
    } else {
        result = handback_vf(ledger, root, claim, address, &stuck, error);
    }
    if (result == 0 && !stuck && claim->vf_count == 0)
        error_note(error, "released %s %s of pool '%s' from guest '%.256s' (%s)", kind, text, pool, claim->name, uuid);
    else if (result == 0 && !stuck)
        error_note(error, "released %s %s from guest '%.256s' (%s), which keeps %zu", kind, text, claim->name, uuid,
                   claim->vf_count);
    return result;
}

static int release_uuid(struct ledger *ledger, int root, const char *uuid, struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *claim = NULL;
    bool may_hold = ledger_has_file(root, uuid);
    int result = ledger_get(ledger, uuid, &claim, error);
    if (result < 0)
        return result;
    if (claim)
        return drop_guest(ledger, root, claim, error);
    if (!may_hold)
        return error_set(error, ENOENT, "guest %s holds no VF", uuid);
    result = ledger_drop(ledger, uuid, error);
    if (result == 0)
        error_note(error, "released every VF that was kept for guest %s", uuid);
    return result;
}

static int release_name(struct ledger *ledger, int root, const char *name, struct error *error)
{
    struct claim **claims = NULL;
    const struct claim *found = NULL;
    size_t count = 0;
    int result = ledger_all(ledger, &claims, &count, error);
    for (size_t i = 0; i < count && result == 0; i++) {
        if (strcmp(claims[i]->name, name) != 0)
            continue;
        if (found)
            result = error_set(error, EINVAL, "guests %s and %s are both named '%.256s': give the UUID", found->uuid,
                               claims[i]->uuid, name);
        found = claims[i];
    }
    if (result == 0)
        result = found ? drop_guest(ledger, root, found, error)
                       : error_set(error, ENOENT, "no guest named '%.256s' holds a VF", name);
    claims_free(claims, count);
    return result;
}

int release_by_hand(int root, const char *what, struct error *error)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    struct pciaddr address;
    char uuid[UUID_SIZE];
    int result = ledger_open(root, LEDGER_WRITE, LEDGER_LOCK_MS, &ledger, error);
    if (result < 0)
        return result;
    if (pciaddr_parse(what, &address) == 0)
        return release_address(ledger, root, &address, error);
    if (domain_parse_uuid(what, uuid) == 0)
        return release_uuid(ledger, root, uuid, error);
    return release_name(ledger, root, what, error);
}
