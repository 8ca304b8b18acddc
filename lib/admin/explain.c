/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gate.h"
#include "ledger.h"
#include "memory.h"
#include "plan.h"
#include "port.h"
#include "xml.h"

static int add_reason(xmlNodePtr node, const struct plan *plan, size_t index, struct ledger *ledger,
                      const struct vf *vf, const long *shares, struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *holder = NULL;
    char reason[VF_REASON_SIZE], uuid[UUID_SIZE];
    choose_reason(plan->choices, plan->count, index, vf, shares, reason, sizeof reason);
    if (vf->obstacle == VF_TAKEN) {
        int result = ledger_holder(ledger, &vf->address, &holder, uuid, error);
        if (result < 0)
            return result;
        if (holder)
            snprintf(reason, sizeof reason, "it is held by guest '%.64s'", holder->name);
        else
            snprintf(reason, sizeof reason, "it is quarantined: the file of guest %s is corrupt", uuid);
    }
    xml_set(node, "reason", reason);
    return 0;
}

static int add_vf(xmlNodePtr parent, const struct plan *plan, size_t index, struct ledger *ledger, const struct vf *vf,
                  const long *shares, struct error *error)
{
    const struct assignment *choice = &plan->choices[index];
    char text[PCIADDR_SIZE];
    xmlNodePtr node = xml_add(parent, "vf");
    xml_set(node, "address", pciaddr_format(&vf->address, text));
    xml_set(node, "pf", choice->table->pfs[vf->pf].name);
    xml_set_number(node, "vf", vf->number);
    if (choice->granted != vf)
        return add_reason(node, plan, index, ledger, vf, shares, error);
    xml_set(node, "chosen", "yes");
    return 0;
}

static int add_interface(xmlNodePtr parent, struct plan *plan, size_t index, struct ledger *ledger, struct error *error)
{
    const struct request *request = plan->requests[index];
    const struct assignment *choice = &plan->choices[index];
    struct vf_table *table = plan_table(plan, choice->table->pool);
    char policy[POLICY_SIZE];
    int result = 0;
    xmlNodePtr node = xml_add(parent, "interface");
    xml_set_number(node, "number", request->number);
    xml_set(node, "pool", table->pool->name);
    if (request->mac[0])
        xml_set(node, "mac", request->mac);
    if (choice->wanted)
        return add_vf(node, plan, index, ledger, choice->wanted, NULL, error);
    xml_set(node, "policy", policy_format(&table->policy, policy));
    vf_examine_all(&plan->host, table);
    _cleanup_(cleanup_free) long *shares = choose_shares(plan->choices, plan->count, index);
    for (size_t i = 0; i < table->vf_count && result == 0; i++)
        result = add_vf(node, plan, index, ledger, &table->vfs[i], shares, error);
    return result;
}

static int decide(struct plan *plan, struct ledger *ledger, struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *own = NULL;
    int result = plan->domain.uuid[0] ? ledger_get(ledger, plan->domain.uuid, &own, error) : 0;
    return result < 0 ? result : plan_choose(plan, ledger, own, error);
}

static int explain(struct plan *plan, int root, xmlNodePtr node, struct error *error)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    _cleanup_(error_free) struct error failure = {0};
    if (plan_is_empty(plan))
        return 0;
    port_look(root, plan, error);
    int result = ledger_open(root, LEDGER_READ, LEDGER_LOCK_MS, &ledger, error);
    if (result < 0)
        return result;
    int decided = decide(plan, ledger, &failure);
    if (decided < 0 && decided != -EBUSY && decided != -EDQUOT)
        return error_set(error, -decided, "%s", failure.message);
    bool granted = true;
    for (size_t i = 0; i < plan->count && granted && result == 0; i++) {
        granted = plan->choices[i].granted;
        result = add_interface(node, plan, i, ledger, error);
    }
    if (decided < 0)
        xml_add_text(node, "failure", failure.message);
    return result;
}

int explain_read(int root, const char *data, size_t length, xmlDocPtr *doc, struct error *error)
{
    struct plan plan;
    int result = plan_load(&plan, root, PLAN_START, true, data, length, error);
    if (result == 0) {
        *doc = xml_new("explanation");
        xmlNodePtr node = xmlDocGetRootElement(*doc);
        xml_set(node, "guest", plan.domain.name);
        result = explain(&plan, root, node, error);
    }
    plan_free(&plan);
    return result;
}

/* ---- a guest that has its VFs ---- */

static int find_claim(int root, const char *guest, struct claim **claim, struct error *error)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    struct claim **claims = NULL;
    size_t count = 0;
    int result = ledger_open(root, LEDGER_READ, LEDGER_LOCK_MS, &ledger, error);
    if (result == 0)
        result = ledger_all(ledger, &claims, &count, error);
    for (size_t i = 0; i < count && result == 0 && !*claim; i++)
        if (domain_is_called(guest, claims[i]->name, claims[i]->uuid))
            *claim = steal(claims[i]);
    claims_free(claims, count);
    return result;
}

/* Whether the guest's claim says why; of a PF there is nothing to say. */
static bool is_explained(const struct claim *claim)
{
    for (size_t i = 0; claim && i < claim->vf_count; i++)
        if (claim->vfs[i].whole || (claim->vfs[i].reason[0] && !claim->vfs[i].stuck))
            return true;
    return false;
}

static void add_claimed(xmlNodePtr parent, const struct claim *claim, const struct claim_vf *vf, unsigned long number)
{
    char address[PCIADDR_SIZE];
    xmlNodePtr interface = xml_add(parent, "interface"), node = xml_add(interface, "vf");
    xml_set_number(interface, "number", number);
    xml_set(interface, "pool", vf->pool);
    if (vf->mac[0])
        xml_set(interface, "mac", vf->mac);
    xml_set(interface, "decided", claim->since);
    xml_set(node, "address", pciaddr_format(&vf->address, address));
    xml_set(node, "pf", vf->pf);
    xml_set_number(node, "vf", vf->number);
    xml_set(node, "chosen", "yes");
    if (vf->reason[0])
        xml_set(node, "reason", vf->reason);
}

static xmlDocPtr explain_claim(const struct claim *claim)
{
    xmlDocPtr doc = xml_new("explanation");
    xmlNodePtr node = xmlDocGetRootElement(doc);
    unsigned long number = 1;
    xml_set(node, "guest", claim->name);
    /* What is stuck the guest has no more. */
    for (size_t i = 0; i < claim->vf_count; i++)
        if (!claim->vfs[i].whole && !claim->vfs[i].stuck)
            add_claimed(node, claim, &claim->vfs[i], number++);
    return doc;
}

int explain_guest(int root, const char *guest, xmlDocPtr *doc, struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *claim = NULL;
    _cleanup_(cleanup_free) char *xml = NULL;
    const char *const arguments[] = {"definition", guest, NULL};
    int result = find_claim(root, guest, &claim, error);
    if (result < 0)
        return result;
    if (is_explained(claim)) {
        *doc = explain_claim(claim);
        return 0;
    }
    result = gate_present(root) ? gate_ask(root, arguments, NULL, GATE_CALL_MS, &xml, error)
                                : error_set(error, EHOSTDOWN, "libvirt is not running");
    if (xml && claim)
        error_note(error, "how it was decided for guest '%s' is not kept: this is how it would be now", guest);
    if (xml)
        return explain_read(root, xml, strlen(xml), doc, error);
    if (result == -ENOENT)
        return error_set(error, ENOENT, "there is no guest '%s', and no file", guest);
    return error_prefix(error, "cannot ask for the XML of guest '%s'", guest);
}
