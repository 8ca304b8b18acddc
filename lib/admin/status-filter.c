/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "domain.h"
#include "pciaddr.h"
#include "status.h"
#include "xml.h"

static const char *const states[] = {"free", "claimed", "held", "drained", "unusable", "quarantined"};

static bool has(const xmlNode *node, const char *attribute, const char *value)
{
    _cleanup_(cleanup_xml_string) char *text = xml_attribute(node, attribute);
    return text && strcmp(text, value) == 0;
}

/* By its name, or its address in any form that there is of one. */
static bool is_pf(const xmlNode *pf, const char *wanted)
{
    struct pciaddr address, own;
    _cleanup_(cleanup_xml_string) char *text = xml_attribute(pf, "address");
    return has(pf, "name", wanted) || (pciaddr_parse_any(wanted, &address) == 0 && text &&
                                       pciaddr_parse(text, &own) == 0 && pciaddr_equal(&address, &own));
}

static bool has_guest(const xmlNode *vf, const char *wanted)
{
    const xmlNode *guest = xml_child(vf, "guest");
    _cleanup_(cleanup_xml_string) char *name = guest ? xml_attribute(guest, "name") : NULL;
    _cleanup_(cleanup_xml_string) char *uuid = guest ? xml_attribute(guest, "uuid") : NULL;
    return name && uuid && domain_is_called(wanted, name, uuid);
}

static bool is_of_pf(const xmlNode *vf, const xmlNode *pool, const char *wanted)
{
    for (const xmlNode *pf = xml_child(pool, "pf"); pf; pf = xml_next(pf)) {
        _cleanup_(cleanup_xml_string) char *name = xml_attribute(pf, "name");
        if (name && is_pf(pf, wanted) && has(vf, "pf", name))
            return true;
    }
    /* Of a pool that is gone there are no PFs. */
    return has(vf, "pf", wanted);
}

/* In any pool, or of a VF that a guest holds. */
static bool has_pf(const xmlNode *root, const char *wanted)
{
    for (const xmlNode *pool = xml_child(root, "pool"); pool; pool = xml_next(pool)) {
        for (const xmlNode *pf = xml_child(pool, "pf"); pf; pf = xml_next(pf))
            if (is_pf(pf, wanted))
                return true;
        for (const xmlNode *vf = xml_child(pool, "vf"); vf; vf = xml_next(vf))
            if (has(vf, "pf", wanted))
                return true;
    }
    return false;
}

static bool is_wanted(const xmlNode *node, const xmlNode *pool, const struct status_filter *filter)
{
    if (xmlStrEqual(node->name, BAD_CAST "pf"))
        return !filter->pf || is_pf(node, filter->pf);
    return xmlStrEqual(node->name, BAD_CAST "vf") && (!filter->pf || is_of_pf(node, pool, filter->pf)) &&
           (!filter->state || has(node, "state", filter->state)) && (!filter->guest || has_guest(node, filter->guest));
}

static void remove_node(xmlNodePtr node)
{
    xmlUnlinkNode(node);
    xmlFreeNode(node);
}

/* VFs before PFs, by which those are known. Return: whether anything is left to show. */
static bool filter_pool(xmlNodePtr pool, const struct status_filter *filter)
{
    bool pfs_only = filter->pf && !filter->state && !filter->guest;
    for (xmlNodePtr node = pool->last, before; node; node = before) {
        before = node->prev;
        if (!is_wanted(node, pool, filter))
            remove_node(node);
    }
    return xml_child(pool, "vf") || (pfs_only && xml_child(pool, "pf"));
}

int status_filter(xmlDocPtr doc, const struct status_filter *filter, struct error *error)
{
    bool known = !filter->state;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        known = known || strcmp(filter->state, states[i]) == 0;
    if (!known)
        return error_set(error, EINVAL,
                         "there is no state '%s': free, claimed, held, drained, unusable and quarantined are",
                         filter->state);
    if (!filter->state && !filter->pf && !filter->guest)
        return 0;
    xmlNodePtr root = xmlDocGetRootElement(doc);
    if (filter->pf && !has_pf(root, filter->pf))
        return error_set(error, ENOENT, "no pool has a PF '%s'", filter->pf);
    xml_set(root, "filtered", "yes");
    for (xmlNodePtr pool = root->children, next; pool; pool = next) {
        next = pool->next;
        if (!filter_pool(pool, filter))
            remove_node(pool);
    }
    return 0;
}
