/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a killed writer left behind, put right by the next one that has the lock: see ledger.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "io.h"
#include "ledger-file.h"

/* Return: 1 when the link said nothing and was removed, 0 when it stays, or a negative errno value. */
static int repair_link(struct ledger *ledger, const char *text, struct error *error)
{
    struct pciaddr address;
    char uuid[UUID_SIZE], left_by[UUID_SIZE];
    _cleanup_(cleanup_claim) struct claim *claim = NULL;
    if (pciaddr_parse(text, &address) < 0)
        return 0;
    int result = ledger_read_link(ledger, text, left_by);
    if (result == -EINVAL) {
        error_note(error, LEDGER_NOT_OURS, text);
        return 0;
    }
    if (result < 0)
        return ledger_no_link(text, result, error);
    result = ledger_holder(ledger, &address, &claim, uuid, error);
    if (result < 0 || uuid[0])
        return result;
    result = ledger->writing ? ledger_forget(ledger, &address, error) : 0;
    if (result < 0)
        return result;
    error_note(error, "VF %s was left over from an interrupted call for guest %s: free again", text, left_by);
    return 1;
}

static int repair_links(struct ledger *ledger, struct error *error)
{
    _cleanup_(cleanup_dir) DIR *directory = io_list(ledger->vfs, ".");
    if (!directory)
        return error_set(error, errno, "cannot read /" LEDGER_DIRECTORY "/vfs: %s", strerror(errno));
    int repairs = 0, result = 0, listed = 0;
    for (struct dirent *entry; result >= 0 && (entry = io_next_entry(directory, &listed));) {
        result = repair_link(ledger, entry->d_name, error);
        repairs += result > 0;
    }
    if (result >= 0 && listed < 0)
        result = ledger_unlisted("vfs", listed, error);
    return result < 0 ? result : repairs;
}

/* Return: as ledger_make_link(). */
static int repair_vf(struct ledger *ledger, const char *uuid, const struct pciaddr *address, struct error *problem)
{
    char text[PCIADDR_SIZE], owner[UUID_SIZE] = "";
    _cleanup_(cleanup_claim) struct claim *claim = NULL;
    if (ledger->writing)
        return ledger_make_link(ledger, uuid, address, problem);
    if (ledger_read_link(ledger, pciaddr_format(address, text), owner) == 0 && strcmp(owner, uuid) == 0)
        return 0;
    int result = ledger_holder(ledger, address, &claim, owner, problem);
    return result < 0 ? result : owner[0] ? -EEXIST : 1;
}

static int repair_guest(struct ledger *ledger, const struct claim *claim, struct error *error)
{
    char text[PCIADDR_SIZE];
    int repairs = 0;
    for (size_t i = 0; i < claim->vf_count; i++) {
        _cleanup_(error_free) struct error problem = {0};
        int result = repair_vf(ledger, claim->uuid, &claim->vfs[i].address, &problem);
        pciaddr_format(&claim->vfs[i].address, text);
        if (result == -EEXIST)
            error_note(error, "VF %s is listed by guest '%s' (%s) and by another: release one of them", text,
                       claim->name, claim->uuid);
        else if (result < 0)
            return error_set(error, -result, "%s", problem.message);
        else if (result == 1)
            error_note(error, "VF %s of guest '%s' had lost its link: made again", text, claim->name);
        repairs += result == 1;
    }
    return repairs;
}

int ledger_repair(struct ledger *ledger, struct error *error)
{
    struct claim **claims = NULL;
    size_t count = 0;
    if (ledger->vfs < 0)
        return 0; /* to read: there is none */
    if (ledger->writing && unlinkat(ledger->directory, NEW_FILE, 0) < 0 && errno != ENOENT)
        return error_set(error, errno, "cannot remove /" LEDGER_DIRECTORY "/" NEW_FILE ": %s", strerror(errno));
    int repairs = repair_links(ledger, error);
    int result = repairs < 0 ? repairs : ledger_list(ledger, true, &claims, &count, error);
    for (size_t i = 0; i < count && result >= 0; i++) {
        result = repair_guest(ledger, claims[i], error);
        repairs += result > 0 ? result : 0;
    }
    claims_free(claims, count);
    return result < 0 ? result : repairs;
}
