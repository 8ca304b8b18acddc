/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "discover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host.h"
#include "memory.h"
#include "xml.h"

static int find_pfs(const struct host *host, char *const *names, size_t name_count, struct host_pf **pfs, size_t *count,
                    struct error *error)
{
    if (name_count == 0) {
        int result = host_pf_list(host, pfs, count, error);
        if (result == 0 && *count == 0)
            return error_set(error, ENOENT, "this host has no network card with SR-IOV");
        return result;
    }
    *pfs = memory_new(name_count, sizeof **pfs);
    for (*count = 0; *count < name_count; (*count)++) {
        struct host_pf *pf = &(*pfs)[*count];
        int result = host_pf_by_name(host, names[*count], pf, error);
        if (result < 0)
            return result;
        host_pf_examine(host, pf);
        if (pf->vf_total == 0 || (pf->vf_total == HOST_UNKNOWN && pf->vf_count == 0))
            return error_set(error, ENODEV, "network interface %s does not do SR-IOV", names[*count]);
    }
    return 0;
}

static void add_pf(xmlNodePtr forward, const struct host_pf *pf)
{
    char address[PCIADDR_SIZE], total[32] = "", numa[32] = "", words[160];
    if (pf->vf_total != HOST_UNKNOWN)
        snprintf(total, sizeof total, " of %d", pf->vf_total);
    if (pf->numa_node != HOST_UNKNOWN)
        snprintf(numa, sizeof numa, ", NUMA node %d", pf->numa_node);
    snprintf(words, sizeof words, " %s: %u%s VFs made%s%s ", pciaddr_format(&pf->address, address), pf->vf_count, total,
             numa, pf->up == 0 ? ", down" : "");
    xmlAddChild(forward, memory_need(xmlNewComment((const xmlChar *)words)));
    xmlNodePtr node = xml_add(forward, "pf");
    xml_set(node, "dev", pf->name);
    if (pf->vf_count == 0)
        xml_set_number(xml_add(node, "vf"), "num", (unsigned long)pf->vf_total);
}

static xmlDocPtr make_pool(const struct host_pf *pfs, size_t count)
{
    xmlDocPtr doc = xml_new("network");
    xml_add_text(xmlDocGetRootElement(doc), "name", "passthrough");
    xmlNodePtr forward = xml_add(xmlDocGetRootElement(doc), "forward");
    xml_set(forward, "mode", "hostdev");
    xml_set(forward, "managed", "yes");
    xml_set(xml_add(forward, "driver"), "name", "vfio");
    for (size_t i = 0; i < count; i++)
        add_pf(forward, &pfs[i]);
    return doc;
}

int discover_pool(int root, char *const *names, size_t name_count, char **text, size_t *length, struct error *error)
{
    struct host host;
    struct host_pf *pfs = NULL;
    size_t count = 0;
    int result = host_open(root, &host, error);
    if (result < 0)
        return result;
    result = find_pfs(&host, names, name_count, &pfs, &count, error);
    if (result == 0) {
        _cleanup_(cleanup_xml_doc) xmlDocPtr doc = make_pool(pfs, count);
        result = xml_format(doc, true, text, length, error);
    }
    free(pfs);
    host_close(&host);
    return result;
}
