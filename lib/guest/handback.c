/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handback.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "claim-settings.h"
#include "memory.h"

/* Return: 1: the VF is this guest's; 0: it is not; or a negative errno value: that cannot be seen. */
static int is_own(struct ledger *ledger, const struct claim *claim, const struct pciaddr *address, struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *holder = NULL;
    _cleanup_(error_free) struct error problem = {0};
    char uuid[UUID_SIZE];
    int result = ledger_holder(ledger, address, &holder, uuid, &problem);
    /* What its file says is at hand, whether or not it can be read once more. */
    if (strcmp(uuid, claim->uuid) == 0)
        return 1;
    /* -EINVAL: a link that is none of the ledger's. */
    return result < 0 && result != -EINVAL ? error_set(error, -result, "%s", problem.message) : 0;
}

size_t handback_try(struct ledger *ledger, int root, struct claim *claim, const struct pciaddr *address,
                    struct error *error)
{
    size_t stuck = 0;
    for (size_t i = 0; i < claim->vf_count; i++) {
        struct claim_vf *vf = &claim->vfs[i];
        _cleanup_(error_free) struct error problem = {0};
        char text[PCIADDR_SIZE];
        if (address && !pciaddr_equal(&vf->address, address))
            continue;
        int result = is_own(ledger, claim, &vf->address, &problem);
        if (result == 0)
            continue;
        if (result > 0)
            result = claim_settings_restore(root, vf, false, &problem);
        error_move_notes(error, &problem);
        free(steal(vf->stuck));
        if (result >= 0)
            continue;
        vf->stuck = memory_copy(problem.message);
        vf->given = true; /* nobody awaits it */
        error_note(error,
                   "VF %s of pool '%s' is not set as it was before guest '%.256s' had it, and is quarantined: %s",
                   pciaddr_format(&vf->address, text), vf->pool, claim->name, problem.message);
        stuck++;
    }
    return stuck;
}

void handback_keep(const struct claim *old, struct claim *claim)
{
    for (size_t i = 0; old && i < old->vf_count; i++)
        if (old->vfs[i].stuck && !claim_find(claim, &old->vfs[i].address))
            claim_add(claim, &old->vfs[i]);
}

int handback_guest(struct ledger *ledger, int root, const char *uuid, struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *claim = NULL, *rest = NULL;
    int result = ledger_edit(ledger, uuid, &claim, error);
    if (result < 0)
        return result;
    /* Without a claim there may be links of one that was set aside. */
    if (!claim || handback_try(ledger, root, claim, NULL, error) == 0)
        return ledger_drop(ledger, uuid, error);
    rest = claim_new(claim->uuid, claim->name);
    rest->state = CLAIM_HELD;
    claim_continue(rest, claim);
    handback_keep(claim, rest);
    return ledger_put(ledger, rest, error);
}

int handback_vf(struct ledger *ledger, int root, struct claim *claim, const struct pciaddr *address, bool *stuck,
                struct error *error)
{
    *stuck = handback_try(ledger, root, claim, address, error) > 0;
    if (!*stuck)
        claim_remove(claim, address);
    return ledger_put(ledger, claim, error);
}
