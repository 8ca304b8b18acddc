/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running guests without a claim: one call tells which devices all of them have, and only those that have one of a
 * pool's are asked for. A host may have hundreds of others. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gate-protocol.h"
#include "guest.h"
#include "io.h"
#include "ledger.h"
#include "memory.h"
#include "reconcile-work.h"
#include "xml.h"

/* As many as there are, a line each. */
static char *unclaimed(const struct work *work)
{
    size_t room = work->guests ? strlen(work->guests) + 1 : 1, length = 0, word = strlen(GATE_RUNNING);
    char *uuids = memory_new(room, 1);
    for (const char *line = work->guests; line && *line; line += strcspn(line, "\n") + (strchr(line, '\n') != NULL)) {
        char uuid[UUID_SIZE];
        if (strncmp(line, GATE_RUNNING, word) != 0)
            continue;
        snprintf(uuid, sizeof uuid, "%.*s", (int)strcspn(line + word, "\n"), line + word);
        if (!ledger_has_file(work->root, uuid))
            length += (size_t)snprintf(uuids + length, room - length, "%s\n", uuid);
    }
    return uuids;
}

/* Of a pool in service; a PF with all its VFs may be a guest's, too. */
static bool is_pooled(const struct work *work, const struct pciaddr *address)
{
    for (size_t i = 0; i < work->pools.count; i++) {
        const struct vf_table *table = &work->tables[i];
        if (work->pools.pools[i].fault.code)
            continue;
        if (vf_find(table, address))
            return true;
        for (size_t j = 0; j < table->pf_count; j++)
            if (pciaddr_equal(&table->pfs[j].address, address))
                return true;
    }
    return false;
}

/* Whether a line of "devices" is of a device that matters. @uuid: whose it is */
static bool matters(const struct work *work, const char *line, char uuid[UUID_SIZE])
{
    char word[16], what[HOST_NAME_SIZE] = "";
    struct pciaddr address;
    if (sscanf(line, "%15s %36s %127s", word, uuid, what) < 2)
        return false;
    /* Why it cannot be read is said when it is asked for. */
    if (strncmp(line, GATE_UNREAD, strlen(GATE_UNREAD)) == 0)
        return true;
    bool direct = strncmp(line, GATE_DIRECT, strlen(GATE_DIRECT)) == 0;
    int result = direct ? host_netdev_device(&work->host, what, &address) : pciaddr_parse(what, &address);
    return result == 0 && is_pooled(work, &address);
}

/* A dry run names the guest that would have a claim. */
static void foresee_guest(struct work *work, const char *xml, const char *uuid)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    _cleanup_(error_free) struct error problem = {0};
    _cleanup_(cleanup_xml_string) char *name = NULL;
    if (xml_parse(xml, strlen(xml), "the guest's XML", &doc, &problem) == 0)
        name = xml_text(xml_child(xmlDocGetRootElement(doc), "name"));
    lines_add(work->done, "claimed the VFs that running guest '%s' has", name ? name : uuid);
}

/* Return: whether it has a claim now. */
static bool adopt_guest(struct work *work, const char *uuid, int64_t deadline)
{
    const char *arguments[] = {"domain", uuid, NULL};
    _cleanup_(cleanup_free) char *xml = NULL, *text = NULL;
    _cleanup_(error_free) struct error problem = {0};
    size_t length = 0;
    bool changed = false;
    int result = work_ask(work, arguments, NULL, deadline, GATE_CALL_MS, &xml, &problem);
    if (result == 0 && work->dry_run) {
        foresee_guest(work, xml, uuid);
        return false;
    }
    /* -ENOENT: it has ended since. */
    if (result == 0)
        result = guest_run(work->root, GUEST_RECONNECT, xml, strlen(xml), &text, &length, &changed, &problem);
    error_move_notes(work->error, &problem);
    if (result < 0 && result != -ENOENT) {
        _cleanup_(error_free) struct error named = {0};
        (void)error_set(&named, problem.code, "guest %s: %s", uuid, problem.message);
        work_fail(work, &named);
    }
    if (result < 0)
        return false;
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    _cleanup_(cleanup_claim) struct claim *claim = NULL;
    if (ledger_open(work->root, LEDGER_READ, LEDGER_LOCK_MS, &ledger, &problem) < 0 ||
        ledger_get(ledger, uuid, &claim, &problem) < 0 || !claim)
        return false;
    lines_add(work->done, "claimed the VFs that running guest '%s' has", claim->name);
    return true;
}

bool reconcile_adopt(struct work *work)
{
    static const char *const devices[] = {"devices", NULL};
    int64_t deadline = io_now_ms() + GATE_LIST_MS;
    _cleanup_(cleanup_free) char *uuids = unclaimed(work), *answer = NULL;
    _cleanup_(error_free) struct error problem = {0};
    char uuid[UUID_SIZE], last[UUID_SIZE] = "";
    bool adopted = false;
    if (!uuids[0])
        return false;
    if (!work_may_ask(work)) {
        work_pass(work, "running guests without a claim");
        return false;
    }
    if (work_ask(work, devices, uuids, deadline, GATE_LIST_MS, &answer, &problem) < 0) {
        error_prefix(&problem, "running guests without a claim were not looked at");
        work_fail(work, &problem);
    }
    /* The lines of a guest follow each other. */
    for (const char *line = answer; line && *line; line += strcspn(line, "\n") + (strchr(line, '\n') != NULL)) {
        if (!matters(work, line, uuid) || strcmp(uuid, last) == 0)
            continue;
        if (!work_may_ask(work)) {
            work_pass(work, "running guests without a claim");
            break;
        }
        memcpy(last, uuid, sizeof last);
        adopted = adopt_guest(work, uuid, deadline) || adopted;
    }
    return adopted;
}
