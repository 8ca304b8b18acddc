/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "whole.h"

#include <string.h>

#include "memory.h"

bool whole_find(const struct vf_table *table, const struct request *request, uint16_t *pf)
{
    for (size_t i = 0; i < table->pf_count && (request->type == REQUEST_HOSTDEV || request->type == REQUEST_INTERFACE);
         i++)
        if (pciaddr_equal(&table->pfs[i].address, &request->address)) {
            *pf = (uint16_t)i;
            return true;
        }
    return false;
}

char *whole_holder(struct ledger *ledger, const struct pciaddr *pf, const char *except)
{
    _cleanup_(cleanup_claim) struct claim *claim = NULL;
    _cleanup_(error_free) struct error problem = {0};
    char uuid[UUID_SIZE], text[PCIADDR_SIZE];
    if (ledger_holder(ledger, pf, &claim, uuid, &problem) < 0)
        return memory_format("may be held whole: %.200s", problem.message);
    if (!uuid[0] || (except && strcmp(uuid, except) == 0))
        return NULL;
    if (claim)
        return memory_format("is held whole by guest '%.64s'", claim->name);
    return memory_format("is held whole by guest %s, whose file is corrupt (vfpool release %s)", uuid,
                         pciaddr_format(pf, text));
}

/* Who has a VF, as a clause; NULL: nobody but the guest of this UUID. */
static char *find_user(struct ledger *ledger, const struct pciaddr *address, const char *uuid)
{
    _cleanup_(cleanup_claim) struct claim *claim = NULL;
    _cleanup_(error_free) struct error problem = {0};
    char holder[UUID_SIZE], text[PCIADDR_SIZE];
    int result = ledger_holder(ledger, address, &claim, holder, &problem);
    pciaddr_format(address, text);
    if (result < 0)
        return memory_format("who has its VF %s cannot be seen: %.200s", text, problem.message);
    const struct claim_vf *held = claim_find(claim, address);
    /* Its guest has given it back: nobody gets it, that guest neither. */
    if (held && held->stuck)
        return memory_format("its VF %s, which guest '%.64s' had, is quarantined: %.200s (vfpool reconcile, or vfpool "
                             "release %s)",
                             text, claim->name, held->stuck, text);
    if (!holder[0] || strcmp(holder, uuid) == 0)
        return NULL;
    if (claim)
        return memory_format("guest '%.64s' has its VF %s", claim->name, text);
    return memory_format("its VF %s is quarantined: the file of guest %s is corrupt (vfpool release %s)", text, holder,
                         text);
}

char *whole_rival(struct ledger *ledger, const struct host *host, const struct host_pf *pf, const char *uuid)
{
    struct pciaddr address;
    _cleanup_(cleanup_free) char *holder = whole_holder(ledger, &pf->address, uuid);
    if (holder)
        return memory_format("it %s", holder);
    /* All of them, as a guest may have one that its pool does not list any more. */
    for (unsigned int i = 0; i < pf->vf_count; i++) {
        char *user = host_vf_address(host, pf, i, &address) == 0 ? find_user(ledger, &address, uuid) : NULL;
        if (user)
            return user;
    }
    return NULL;
}

/* @words: what to say behind the PF's name, of which the table takes over the text; NULL: nobody has it */
static void set_words(struct vf_table *table, size_t pf, char *words)
{
    if (!table->whole)
        table->whole = memory_new(table->pf_count, sizeof *table->whole);
    free(table->whole[pf]);
    table->whole[pf] = words;
    for (size_t i = 0; i < table->vf_count; i++) {
        struct vf *vf = &table->vfs[i];
        if (vf->pf != pf)
            continue;
        if (words) {
            vf->obstacle = VF_PF_TAKEN;
        } else if (vf->obstacle == VF_PF_TAKEN) {
            /* What else stands in its way was not looked at. */
            vf->obstacle = VF_USABLE;
            table->examined = false;
        }
    }
}

void whole_mark(struct ledger *ledger, struct vf_table *table, const struct pciaddr_set *taken, const char *except)
{
    for (size_t i = 0; i < table->pf_count; i++) {
        const struct pciaddr *address = &table->pfs[i].address;
        char *words = pciaddr_set_has(taken, address) ? whole_holder(ledger, address, except) : NULL;
        if (words || (table->whole && table->whole[i]))
            set_words(table, i, words);
    }
}

void whole_ask(struct vf_table *table, const struct whole *whole)
{
    uint16_t pf;
    if (whole_find(table, whole->request, &pf))
        set_words(table, pf, memory_copy("is asked for whole by the guest itself"));
}

static bool has_pf(const struct vf_table *table, const struct pciaddr *address)
{
    for (size_t i = 0; i < table->pf_count; i++)
        if (pciaddr_equal(&table->pfs[i].address, address))
            return true;
    return false;
}

char *whole_missing(struct ledger *ledger, const struct vf_table *table)
{
    _cleanup_(error_free) struct error ignored = {0};
    struct claim **claims = NULL;
    char *words = NULL;
    size_t count = 0;
    if (ledger_all(ledger, &claims, &count, &ignored) < 0)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < claims[i]->vf_count; j++) {
            const struct claim_vf *vf = &claims[i]->vfs[j];
            if (!vf->whole || strcmp(vf->pool, table->pool->name) != 0 || has_pf(table, &vf->address))
                continue;
            _cleanup_(cleanup_free) char *before = words;
            words = memory_format("%s%sPF %s is held whole by guest '%.64s'", before ? before : "", before ? ", " : "",
                                  vf->pf, claims[i]->name);
        }
    }
    claims_free(claims, count);
    return words;
}

struct claim_vf whole_entry(const struct whole *whole)
{
    const struct host_pf *pf = whole_pf(whole);
    struct claim_vf entry = claim_vf_of(&pf->address, whole->table->pool->name, (char *)pf->name, 0);
    entry.by_address = true;
    entry.whole = true;
    return entry;
}
