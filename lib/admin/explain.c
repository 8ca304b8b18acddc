/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "explain.h"

#include <errno.h>
#include <stdio.h>

#include "ledger.h"
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
    if (decided < 0 && decided != -EBUSY)
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
