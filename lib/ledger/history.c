/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "history.h"

#include <stdio.h>
#include <string.h>

#include "actor.h"
#include "history-line.h"
#include "journal.h"
#include "last.h"
#include "log.h"
#include "tally.h"

#define MAX_LINE (3 * sizeof(struct error)) /* a name, a reason, and some short words */

/* For the host's log, in words. */
static void log_event(int root, const char *const fields[FIELDS])
{
    struct error text;
    char device[256] = "", pool[256] = "", guest[512] = "";
    const char *pf = fields[FIELD_PF], *number = fields[FIELD_VF], *reason = fields[FIELD_REASON];
    if (fields[FIELD_ADDRESS])
        snprintf(device, sizeof device, " %s %s%s%s%s%s%s", number && number[0] ? "VF" : "device",
                 fields[FIELD_ADDRESS], pf && pf[0] ? " (" : "", pf ? pf : "", number && number[0] ? " " : "",
                 number ? number : "", pf && pf[0] ? ")" : "");
    if (fields[FIELD_POOL])
        snprintf(pool, sizeof pool, " of pool '%s'", fields[FIELD_POOL]);
    if (fields[FIELD_GUEST])
        snprintf(guest, sizeof guest, "%s guest '%.256s' (%s)", fields[FIELD_ADDRESS] ? "," : "", fields[FIELD_GUEST],
                 fields[FIELD_UUID]);
    /* One printable line. */
    (void)error_set(&text, 1, "%s%s%s%s, by %s%s%s", fields[FIELD_EVENT], device, pool, guest, fields[FIELD_ACTOR],
                    reason && reason[0] ? ": " : "", reason ? reason : "");
    log_line(root, LOG_INFO, text.message);
}

/* A guest's name may hold anything. Nothing is allocated: what is told of was done, and must not fail here.
 * @directory: -1: there is none, and only the host's log has the line */
static void add_line(int root, int directory, const char *const given[FIELDS])
{
    struct error field;
    char line[MAX_LINE], time[CLAIM_TIME_SIZE];
    size_t used = 0;
    const char *fields[FIELDS];
    memcpy(fields, given, sizeof fields);
    claim_time(time);
    fields[FIELD_TIME] = time;
    fields[FIELD_ACTOR] = actor_name();
    log_event(root, fields);
    tally_event(root, fields[FIELD_EVENT]);
    for (size_t i = 0; i < FIELDS; i++) {
        /* One printable line without tabs, cut at a whole character. */
        (void)error_set(&field, 1, "%s", fields[i] ? fields[i] : "");
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%s", i ? "\t" : "", field.message);
        if (used + 1 >= sizeof line)
            return;
    }
    line[used++] = '\n';
    line[used] = '\0';
    if (directory >= 0 && journal_add(directory, HISTORY_FILE, line))
        journal_turn(directory, HISTORY_FILE);
}

/* @reason: NULL: it needs none */
static void add_event(int root, int directory, const char *event, const struct claim *claim, const struct claim_vf *vf,
                      const char *reason)
{
    char address[PCIADDR_SIZE], number[16];
    number[0] = '\0';
    if (!vf->whole)
        snprintf(number, sizeof number, "%u", vf->number);
    const char *const fields[FIELDS] = {
        [FIELD_EVENT] = event,      [FIELD_GUEST] = claim->name,
        [FIELD_UUID] = claim->uuid, [FIELD_ADDRESS] = pciaddr_format(&vf->address, address),
        [FIELD_PF] = vf->pf,        [FIELD_VF] = number,
        [FIELD_POOL] = vf->pool,    [FIELD_MAC] = vf->mac,
        [FIELD_REASON] = reason};
    add_line(root, directory, fields);
}

/* Whether the guest was seen with the VF, or libvirt told that it gave it. */
static bool is_used(const struct claim *claim, const struct claim_vf *vf)
{
    return claim->state == CLAIM_HELD || vf->given;
}

/* One that was only claimed was not away. */
static void add_return(int root, int directory, const struct claim *claim, const struct claim_vf *vf,
                       const char *reason)
{
    bool used = is_used(claim, vf);
    add_event(root, directory, used ? "returned" : "dropped", claim, vf, reason);
    if (used && directory >= 0)
        last_add(directory, claim->uuid, vf->mac, &vf->address);
}

void history_change(int root, const struct claim *old, const struct claim *new, const char *reason)
{
    _cleanup_(cleanup_close) int directory = journal_directory(root);
    for (size_t i = 0; old && i < old->vf_count; i++)
        if (!claim_find(new, &old->vfs[i].address))
            add_return(root, directory, old, &old->vfs[i], reason);
    for (size_t i = 0; new &&i < new->vf_count; i++) {
        const struct claim_vf *vf = &new->vfs[i], *before = claim_find(old, &vf->address);
        bool is_new = !before, held = new->state == CLAIM_HELD;
        if (vf->stuck && !(before && before->stuck))
            add_event(root, directory, "quarantined", new, vf, vf->stuck);
        if (vf->stuck)
            continue;
        if (is_new || (held && old && old->state != CLAIM_HELD)) {
            add_event(root, directory, held ? "held" : "claimed", new, vf, is_new ? vf->reason : NULL);
            if (held && directory >= 0)
                last_add(directory, new->uuid, vf->mac, &vf->address);
        }
    }
}

void history_refuse(int root, bool locked, const char *uuid, const char *name, const struct error *reason)
{
    _cleanup_(cleanup_close) int directory = locked ? journal_directory(root) : -1;
    const char *const fields[FIELDS] = {
        [FIELD_EVENT] = "refused", [FIELD_GUEST] = name, [FIELD_UUID] = uuid, [FIELD_REASON] = reason->message};
    add_line(root, directory, fields);
    tally_refused(root, reason->code);
}

void history_device(int root, bool locked, const char *event, const struct pciaddr *address, const char *pf,
                    const char *reason)
{
    _cleanup_(cleanup_close) int directory = locked ? journal_directory(root) : -1;
    char text[PCIADDR_SIZE];
    const char *const fields[FIELDS] = {[FIELD_EVENT] = event,
                                        [FIELD_ADDRESS] = pciaddr_format(address, text),
                                        [FIELD_PF] = pf,
                                        [FIELD_REASON] = reason};
    add_line(root, directory, fields);
}
