/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which of the netdevs on a PCI device is the device's own. In switchdev mode, representors of other functions are on
 * the PF's device as well: of its VFs and sub-functions, on a smart NIC also of the PFs and VFs of the machine that it
 * sits in. Their ports tell them apart, by the names that the kernel gives ports in net/devlink/port.c,
 * __devlink_port_phys_port_name_get (earlier in net/core/devlink.c):
 *
 *     physical port     [lN]pN[sN]      of a line card; split
 *     PF                [cN]pfN         of another controller
 *     VF                [cN]pfNvfN
 *     sub-function      [cN]pfNsfN
 *
 * Drivers that name ports by themselves wrote the same, or pNpfNvfN (sfc, ef100_rep.c), pfNvfrN (ice, ice_repr.c) and
 * pfNsN (nfp, nfp_port.c). Many name no port of a netdev that is all its device has. Others have names that say
 * nothing: the representors of mlx5 were numbers until 2018, while its PF had no name.
 */
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>

#include "host-sysfs.h"
#include "io.h"

/* What a netdev's port says of whose it is, the best first. */
enum port {
    PORT_OWN,   /* physical, or it has no name */
    PORT_VAGUE, /* the name is a driver's own */
    PORT_OTHER, /* another function's */
};

/* Steps over a word and the number behind it. */
static bool skip(const char **at, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(*at, word, length) != 0)
        return false;
    size_t digits = strspn(*at + length, "0123456789");
    if (digits > 0)
        *at += length + digits;
    return digits > 0;
}

static bool is_physical(const char *port)
{
    (void)skip(&port, "l");
    if (!skip(&port, "p"))
        return false;
    (void)skip(&port, "s");
    return *port == '\0';
}

static bool is_function(const char *port)
{
    (void)(skip(&port, "c") || skip(&port, "p"));
    if (!skip(&port, "pf"))
        return false;
    (void)(skip(&port, "vf") || skip(&port, "sf") || skip(&port, "vfr") || skip(&port, "s"));
    return *port == '\0';
}

static enum port read_port(const struct host *host, const char *netdev)
{
    char path[DEVICE_PATH_SIZE], port[64];
    snprintf(path, sizeof path, "class/net/%s/phys_port_name", netdev);
    if (host_attribute(host->sys, path, port, sizeof port) <= 0 || is_physical(port))
        return PORT_OWN;
    return is_function(port) ? PORT_OTHER : PORT_VAGUE;
}

/* Return: of what kind the port of the best is; PORT_OTHER: there is none, and @name is empty. */
static enum port find_best(const struct host *host, const struct pciaddr *address, char name[HOST_NAME_SIZE])
{
    char text[PCIADDR_SIZE], path[DEVICE_PATH_SIZE];
    enum port best = PORT_OTHER;
    int result = 0;
    snprintf(path, sizeof path, "bus/pci/devices/%s/net", pciaddr_format(address, text));
    name[0] = '\0';
    _cleanup_(cleanup_dir) DIR *directory = io_list(host->sys, path);
    for (struct dirent *entry; directory && (entry = io_next_entry(directory, &result));) {
        if (entry->d_name[0] == '.' || strlen(entry->d_name) >= HOST_NAME_SIZE)
            continue;
        enum port port = read_port(host, entry->d_name);
        if (port > best || port == PORT_OTHER || (port == best && strcmp(entry->d_name, name) > 0))
            continue;
        best = port;
        strcpy(name, entry->d_name);
    }
    /* Half a list may lack the right one. */
    if (result < 0)
        name[0] = '\0';
    return result < 0 ? PORT_OTHER : best;
}

void host_find_netdev(const struct host *host, const struct pciaddr *address, char name[HOST_NAME_SIZE])
{
    (void)find_best(host, address, name);
}

void host_own_netdev(const struct host *host, struct host_pf *pf)
{
    char name[HOST_NAME_SIZE], text[PCIADDR_SIZE];
    enum port port = pf->has_netdev ? read_port(host, pf->name) : PORT_OWN;
    if (port == PORT_OWN)
        return;
    if (find_best(host, &pf->address, name) < port) {
        strcpy(pf->name, name);
    } else if (port == PORT_OTHER) {
        snprintf(pf->name, sizeof pf->name, "%s", pciaddr_format(&pf->address, text));
        pf->has_netdev = false;
    }
}

bool host_pf_is_ethernet(const struct host_pf *pf)
{
    return pf->type == ARPHRD_ETHER || pf->type == HOST_UNKNOWN;
}

const char *host_pf_type(const struct host_pf *pf, char text[HOST_TYPE_SIZE])
{
    if (pf->type == ARPHRD_INFINIBAND)
        snprintf(text, HOST_TYPE_SIZE, "InfiniBand, not Ethernet");
    else
        snprintf(text, HOST_TYPE_SIZE, "of link type %d, not Ethernet", pf->type);
    return text;
}
