/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision.h"

#include "memory.h"
#include "xml.h"

/* VFs of a pool, one after the other, with one reason. */
struct run {
    size_t first, count;
};

struct runs {
    const struct vf_table *table;
    struct run *runs;
    size_t count;
};

/* Whether what is said of a VF is said of each one like it: neither its number nor another device is named. */
static bool is_plain(const struct vf *vf)
{
    switch ((enum vf_obstacle)vf->obstacle) {
    case VF_USABLE:
    case VF_TAKEN:
    case VF_PF_DOWN:
    case VF_NO_PF_NETDEV:
    case VF_NO_CARRIER:
        return !vf->detail && vf->reserved != VF_FOR_OTHER;
    case VF_VANISHED:
    case VF_IN_USE:
    case VF_HOST_USES:
    case VF_OTHER_DRIVER:
    case VF_NOT_ALONE:
    case VF_PORTED:
        break;
    }
    return false;
}

static bool continues(const struct vf *vf, const struct vf *next)
{
    return next->pf == vf->pf && next->number == vf->number + 1 && next->obstacle == vf->obstacle &&
           next->doubt == vf->doubt && next->reserved == vf->reserved && next->had == vf->had &&
           next->returned == vf->returned && is_plain(next) && is_plain(vf);
}

/* The first VF from @index on that an interface of the guest has. */
static size_t next_granted(const struct plan *plan, const struct vf_table *table, size_t index)
{
    size_t next = table->vf_count;
    for (size_t i = 0; i < plan->count; i++) {
        const struct vf *vf = plan->choices[i].granted;
        size_t at = plan->choices[i].table == table ? (size_t)(vf - table->vfs) : next;
        if (at >= index && at < next)
            next = at;
    }
    return next;
}

/* What the guest's interfaces have are runs of one VF, so that each other run comes before or after it. */
static void find_runs(const struct plan *plan, const struct vf_table *table, struct runs *runs)
{
    size_t granted = next_granted(plan, table, 0), room = 0;
    runs->table = table;
    runs->count = 0;
    for (size_t i = 0, end; i < table->vf_count && runs->count <= DECISION_ROWS; i = end) {
        end = i + 1;
        if (i == granted)
            granted = next_granted(plan, table, end);
        else
            while (end < granted && continues(&table->vfs[end - 1], &table->vfs[end]))
                end++;
        if (runs->count == room || !runs->runs) {
            room = room ? room * 2 : 64;
            runs->runs = memory_resize(runs->runs, room, sizeof *runs->runs);
        }
        runs->runs[runs->count++] = (struct run){.first = i, .count = end - i};
    }
}

static xmlNodePtr add_row(xmlNodePtr parent, const struct vf_table *table, const struct vf *first, size_t count)
{
    xmlNodePtr node = xml_add(parent, "vfs");
    xml_set(node, "pf", table->pfs[first->pf].name);
    xml_set_number(node, "first", first->number);
    xml_set_number(node, "last", first->number + count - 1);
    return node;
}

/* Return: how many rows there were room for. */
static size_t add_rows(xmlNodePtr parent, const struct plan *plan, size_t index, const struct runs *runs, size_t room)
{
    _cleanup_(cleanup_free) long *shares = choose_shares(plan->choices, plan->count, index);
    char reason[VF_REASON_SIZE];
    size_t i = 0;
    for (; i < runs->count && i < room; i++) {
        const struct vf *vf = &runs->table->vfs[runs->runs[i].first];
        xmlNodePtr node = add_row(parent, runs->table, vf, runs->runs[i].count);
        if (plan->choices[index].granted == vf)
            xml_set(node, "chosen", "yes");
        else if (vf->obstacle != VF_TAKEN)
            xml_set(node, "reason",
                    choose_reason(plan->choices, plan->count, index, vf, shares, reason, sizeof reason));
    }
    if (i < runs->count)
        xml_set(parent, "cut", "yes");
    return i;
}

static size_t add_interface(xmlNodePtr parent, const struct plan *plan, size_t index, struct runs *runs, size_t room)
{
    const struct assignment *choice = &plan->choices[index];
    const struct request *request = plan->requests[index];
    char policy[POLICY_SIZE];
    xmlNodePtr node = xml_add(parent, "interface");
    xml_set_number(node, "number", request->number);
    xml_set(node, "pool", choice->table->pool->name);
    if (request->mac[0])
        xml_set(node, "mac", request->mac);
    if (choice->wanted) {
        xml_set(add_row(node, choice->table, choice->granted, 1), "chosen", "yes");
        return 1;
    }
    xml_set(node, "policy", policy_format(&choice->table->policy, policy));
    if (runs->table != choice->table)
        find_runs(plan, choice->table, runs);
    return add_rows(node, plan, index, runs, room);
}

char *decision_format(const struct plan *plan)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = xml_new("decision");
    struct runs runs = {.table = NULL};
    size_t room = DECISION_ROWS;
    for (size_t i = 0; i < plan->count; i++) {
        size_t used = add_interface(xmlDocGetRootElement(doc), plan, i, &runs, room);
        room -= used < room ? used : room;
    }
    free(runs.runs);
    return xml_format_node(xmlDocGetRootElement(doc));
}
