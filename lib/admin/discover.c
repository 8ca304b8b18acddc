/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "discover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host.h"
#include "memory.h"
#include "xml.h"

/* Return: 0, or -ENOENT when there is no card to make a pool of. */
static int check_any(const struct host_pf *pfs, size_t count, struct error *error)
{
    char type[HOST_TYPE_SIZE];
    for (size_t i = 0; i < count; i++)
        if (host_pf_is_ethernet(&pfs[i]))
            return 0;
    if (count == 0)
        return error_set(error, ENOENT, "this host has no network card with SR-IOV");
    return error_set(error, ENOENT, "this host has no network card with SR-IOV that is Ethernet: %s is %s", pfs[0].name,
                     host_pf_type(&pfs[0], type));
}

/* One PF has several names. */
static bool is_there(const struct host_pf *pfs, size_t count, const struct host_pf *pf)
{
    for (size_t i = 0; i < count; i++)
        if (pciaddr_equal(&pfs[i].address, &pf->address))
            return true;
    return false;
}

static int find_pfs(const struct host *host, char *const *names, size_t name_count, struct host_pf **pfs, size_t *count,
                    struct error *error)
{
    struct pciaddr address;
    *count = 0;
    if (name_count == 0) {
        int result = host_pf_list(host, pfs, count, error);
        return result < 0 ? result : check_any(*pfs, *count, error);
    }
    char type[HOST_TYPE_SIZE];
    *pfs = memory_new(name_count, sizeof **pfs);
    for (size_t i = 0; i < name_count; i++) {
        struct host_pf *pf = &(*pfs)[*count];
        /* A network interface's name has no colon, and is shorter than libvirt's name of a device. */
        int result = pciaddr_parse_any(names[i], &address) == 0 ? host_pf_by_address(host, &address, pf, error)
                                                                : host_pf_by_name(host, names[i], pf, error);
        if (result < 0)
            return result;
        host_pf_examine(host, pf);
        if (pf->vf_total == 0 || (pf->vf_total == HOST_UNKNOWN && pf->vf_count == 0))
            return error_set(error, ENODEV, "%s does not do SR-IOV", names[i]);
        if (!host_pf_is_ethernet(pf))
            return error_set(error, ENODEV, "%s is %s, and takes no MAC address and VLAN of a VF", names[i],
                             host_pf_type(pf, type));
        *count += !is_there(*pfs, *count, pf);
    }
    return 0;
}

/* Says what the PF will still be known by when its interface has another name: no two cards should share a MAC address,
 * but some do. */
static void set_key(xmlNodePtr node, const struct host *host, const struct host_pf *pf, const struct host_pf *all,
                    size_t count)
{
    char mac[HOST_MAC_SIZE], other[HOST_MAC_SIZE], address[PCIADDR_SIZE];
    host_pf_mac(host, pf, mac);
    for (size_t i = 0; i < count && mac[0]; i++) {
        host_pf_mac(host, &all[i], other);
        if (strcmp(mac, other) == 0 && !pciaddr_equal(&pf->address, &all[i].address))
            mac[0] = '\0';
    }
    xml_set(node, mac[0] ? "mac" : "address", mac[0] ? mac : pciaddr_format(&pf->address, address));
}

static void leave_out(xmlNodePtr forward, const struct host_pf *pf)
{
    char address[PCIADDR_SIZE], type[HOST_TYPE_SIZE], words[HOST_NAME_SIZE + 120];
    /* No XML comment has two hyphens in a row. */
    snprintf(words, sizeof words, " %s: left out, as %s is %s ", pciaddr_format(&pf->address, address),
             strstr(pf->name, "--") ? "its interface" : pf->name, host_pf_type(pf, type));
    xmlAddChild(forward, memory_need(xmlNewComment((const xmlChar *)words)));
}

static void add_pf(xmlNodePtr forward, const struct host *host, const struct host_pf *pf, const struct host_pf *all,
                   size_t count)
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
    set_key(node, host, pf, all, count);
    /* VFs are gone with each boot: without a number nobody makes them again. */
    xml_set_number(xml_add(node, "vf"), "num", pf->vf_count ? pf->vf_count : (unsigned long)pf->vf_total);
}

/* @all: of the host */
static xmlDocPtr make_pool(const char *name, const struct host *host, const struct host_pf *pfs, size_t count,
                           const struct host_pf *all, size_t all_count)
{
    xmlDocPtr doc = xml_new("network");
    xml_add_text(xmlDocGetRootElement(doc), "name", name);
    xmlNodePtr forward = xml_add(xmlDocGetRootElement(doc), "forward");
    xml_set(forward, "mode", "hostdev");
    xml_set(forward, "managed", "yes");
    xml_set(xml_add(forward, "driver"), "name", "vfio");
    for (size_t i = 0; i < count; i++) {
        if (host_pf_is_ethernet(&pfs[i]))
            add_pf(forward, host, &pfs[i], all, all_count);
        else
            leave_out(forward, &pfs[i]);
    }
    return doc;
}

int discover_pool(int root, const char *name, char *const *names, size_t name_count, char **text, size_t *length,
                  struct error *error)
{
    struct host host;
    struct host_pf *pfs = NULL, *all = NULL;
    size_t count = 0, all_count = 0;
    if (!name[0] || strpbrk(name, "/\n"))
        return error_set(error, EINVAL, "'%.64s' is no name of a pool: it has no slash, and no line feed", name);
    int result = host_open(root, &host, error);
    if (result < 0)
        return result;
    result = find_pfs(&host, names, name_count, &pfs, &count, error);
    if (result == 0)
        result = host_pf_list(&host, &all, &all_count, error);
    if (result == 0) {
        _cleanup_(cleanup_xml_doc) xmlDocPtr doc = make_pool(name, &host, pfs, count, all, all_count);
        result = xml_format(doc, true, text, length, error);
    }
    free(pfs);
    free(all);
    host_close(&host);
    return result;
}
