/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands in a VF's way, or speaks against it, in words; part of vf.h. */
#include <stdio.h>
#include <string.h>

#include "vf.h"

static const struct vf_port *find_port(const struct vf_table *table, const struct pciaddr *address)
{
    for (size_t i = 0; i < table->port_count; i++)
        if (pciaddr_equal(&table->ports[i].address, address))
            return &table->ports[i];
    return NULL;
}

static const char *doubt_words(enum vf_doubt doubt)
{
    static const char *const words[] = {
        [VF_CLEAR] = "",
        [VF_NETDEV_UP] = "the host uses it: its network interface is up",
        [VF_ENSLAVED] = "the host uses it: its network interface is part of another one",
        [VF_CONFIGURED] = "the host uses it: its network interface has an address",
        [VF_STILL_BOUND] = "it is bound to vfio-pci, and no guest has it",
    };
    return words[doubt];
}

/* One clause for all VFs of a PF, where that is what is drained. */
static void say_drained(const struct vf_table *table, const struct vf *vf, char *text, size_t size)
{
    const struct host_pf *pf = &table->pfs[vf->pf];
    const char *of_pf = drained_find(table->drained, &pf->address, &pf->address);
    if (of_pf)
        snprintf(text, size, "PF %s is drained %s", pf->name, of_pf);
    else
        snprintf(text, size, "VF %u of PF %s is drained %s", vf->number, pf->name, vf_drained(table, vf));
}

static void say_usable(const struct vf_table *table, const struct vf *vf, char *text, size_t size)
{
    const char *pf = table->pfs[vf->pf].name;
    const struct pool_reserve *reserve = vf_reserved(table, vf);
    if (vf->reserved == VF_FOR_NOBODY)
        say_drained(table, vf, text, size);
    else if (reserve && vf->reserved == VF_FOR_OTHER)
        snprintf(text, size, "VF %u of PF %s is reserved for guest '%.64s'", vf->number, pf, reserve->guest);
    else if (vf->doubt == VF_GROUPED)
        snprintf(text, size, "it shares its IOMMU group with %s, which has to go along, so it is chosen last",
                 vf->detail);
    else if (vf->doubt == VF_TWIN)
        snprintf(text, size, "VF %s of PF %s has the MAC address of an interface of the guest's, so it is chosen last",
                 vf->detail, pf);
    else if (vf->doubt != VF_CLEAR)
        snprintf(text, size, "%s, so it is chosen last", doubt_words((enum vf_doubt)vf->doubt));
}

static void say_attached(const struct vf_table *table, const struct vf *vf, char *text, size_t size)
{
    char name[PCIADDR_SIZE];
    pciaddr_format(&vf->address, name);
    /* As libvirt calls its node device. */
    for (char *at = name; *at; at++)
        if (*at == ':' || *at == '.')
            *at = '_';
    snprintf(text, size, "VF %u of PF %s is bound to %s%s, and the pool is not managed: virsh nodedev-detach pci_%s",
             vf->number, table->pfs[vf->pf].name, vf->detail[0] ? "driver " : "no driver", vf->detail, name);
}

static void say_ported(const struct vf_table *table, const struct vf *vf, char *text, size_t size)
{
    const struct vf_port *port = find_port(table, &vf->address);
    snprintf(text, size, "libvirt has given VF %u of PF %s to '%.64s', whom vfpool does not know (port %s)", vf->number,
             table->pfs[vf->pf].name, port ? port->owner : "?", port ? port->uuid : "?");
}

static void say_type(const struct host_pf *pf, char *text, size_t size)
{
    char type[HOST_TYPE_SIZE];
    snprintf(text, size, "PF %s is %s, and takes no MAC address and VLAN of a VF", pf->name, host_pf_type(pf, type));
}

/* What is wrong is the PF's, for all its VFs. Return: whether it is. */
static bool say_pf(const struct vf_table *table, const struct vf *vf, char *text, size_t size)
{
    const struct host_pf *pf = &table->pfs[vf->pf];
    const char *words;
    switch ((enum vf_obstacle)vf->obstacle) {
    case VF_NO_PF_NETDEV:
        words = "has no network interface here, and libvirt sets a VF's MAC and VLAN through it";
        break;
    case VF_NO_ETHERNET:
        say_type(pf, text, size);
        return true;
    case VF_NO_CARRIER:
        words = "has no carrier";
        break;
    case VF_PF_TAKEN:
        words = table->whole[vf->pf];
        break;
    case VF_OTHER_KIND:
        words = "is another kind of card than that of the guest's VF";
        break;
    case VF_PF_DOWN:
        snprintf(text, size, "PF %s is down: ip link set %s up", pf->name, pf->name);
        return true;
    default:
        return false;
    }
    snprintf(text, size, "PF %s %s", pf->name, words);
    return true;
}

static void say_vf(const struct vf_table *table, const struct vf *vf, char *text, size_t size)
{
    char name[64 + HOST_NAME_SIZE];
    snprintf(name, sizeof name, "VF %u of PF %s", vf->number, table->pfs[vf->pf].name);
    switch ((enum vf_obstacle)vf->obstacle) {
    case VF_USABLE:
        say_usable(table, vf, text, size);
        break;
    case VF_IN_USE:
        snprintf(text, size, "%s is in use by process %ld", name, (long)vf->user);
        break;
    case VF_UNSEEN:
        snprintf(text, size, "whether %s is in use cannot be seen: %s", name, strerror(-vf->user));
        break;
    case VF_VDPA:
        snprintf(text, size, "%s is used as vDPA device %s: vdpa dev del %s", name, vf->detail, vf->detail);
        break;
    case VF_HOST_USES:
        snprintf(text, size, "%s is not for guests: %s", name, doubt_words((enum vf_doubt)vf->doubt));
        break;
    case VF_OTHER_DRIVER:
        snprintf(text, size, "%s is bound to driver %s, without a network interface here", name, vf->detail);
        break;
    case VF_ATTACHED:
        say_attached(table, vf, text, size);
        break;
    case VF_NOT_ALONE:
        snprintf(text, size, "%s shares its IOMMU group with %s, which stays with the host", name, vf->detail);
        break;
    case VF_PORTED:
        say_ported(table, vf, text, size);
        break;
    case VF_TAKEN:
        snprintf(text, size, "taken");
        break;
    case VF_VANISHED:
        snprintf(text, size, "%s is gone from sysfs", name);
        break;
    default: /* say_pf()'s */
        break;
    }
}

const char *vf_reason(const struct vf_table *table, const struct vf *vf, char *text, size_t size)
{
    text[0] = '\0';
    if (!say_pf(table, vf, text, size))
        say_vf(table, vf, text, size);
    return text;
}
