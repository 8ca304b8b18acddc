/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "release.h"

#include <errno.h>
#include <string.h>

#include "claim.h"
#include "domain.h"
#include "ledger.h"

static void note_dropped(const struct claim *claim, struct error *error)
{
    char text[PCIADDR_SIZE];
    for (size_t i = 0; i < claim->vf_count; i++)
        error_note(error, "released VF %s of pool '%s' from guest '%.256s' (%s)",
                   pciaddr_format(&claim->vfs[i].address, text), claim->vfs[i].pool, claim->name, claim->uuid);
}

static int drop_guest(struct ledger *ledger, const struct claim *claim, struct error *error)
{
    int result = ledger_drop(ledger, claim->uuid, error);
    if (result == 0)
        note_dropped(claim, error);
    return result;
}

static int release_address(struct ledger *ledger, const struct pciaddr *address, struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *claim = NULL, *rest = NULL;
    char uuid[UUID_SIZE], text[PCIADDR_SIZE];
    int result = ledger_holder(ledger, address, &claim, uuid, error);
    if (result < 0)
        return result;
    pciaddr_format(address, text);
    if (!uuid[0])
        return error_set(error, ENOENT, "VF %s is not held by any guest", text);
    if (!claim) {
        result = ledger_forget(ledger, address, error);
        if (result == 0)
            error_note(error, "released VF %s, which was kept for guest %s", text, uuid);
        return result;
    }
    if (claim->vf_count == 1)
        return drop_guest(ledger, claim, error);
    rest = claim_new(claim->uuid, claim->name);
    rest->state = claim->state;
    memcpy(rest->since, claim->since, sizeof rest->since);
    for (size_t i = 0; i < claim->vf_count; i++)
        if (!pciaddr_equal(&claim->vfs[i].address, address))
            claim_add(rest, &claim->vfs[i]);
    result = ledger_put(ledger, rest, error);
    if (result == 0)
        error_note(error, "released VF %s from guest '%.256s' (%s), which keeps %zu", text, claim->name, uuid,
                   rest->vf_count);
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
        return drop_guest(ledger, claim, error);
    if (!may_hold)
        return error_set(error, ENOENT, "guest %s holds no VF", uuid);
    result = ledger_drop(ledger, uuid, error);
    if (result == 0)
        error_note(error, "released every VF that was kept for guest %s", uuid);
    return result;
}

static int release_name(struct ledger *ledger, const char *name, struct error *error)
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
        result = found ? drop_guest(ledger, found, error)
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
        return release_address(ledger, &address, error);
    if (domain_parse_uuid(what, uuid) == 0)
        return release_uuid(ledger, root, uuid, error);
    return release_name(ledger, what, error);
}
