/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "choose.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The request that has this VF, or wants this very one; NULL: none. */
static const struct assignment *owner(const struct assignment *requests, size_t count, const struct vf *vf)
{
    for (size_t i = 0; i < count; i++)
        if (requests[i].granted == vf || requests[i].wanted == vf)
            return &requests[i];
    return NULL;
}

/* Whether another request has a VF of this PF, or wants one. */
static bool uses_pf(const struct assignment *requests, size_t count, const struct assignment *request, uint16_t pf)
{
    for (size_t i = 0; i < count; i++) {
        const struct vf *vf = requests[i].wanted ? requests[i].wanted : requests[i].granted;
        if (&requests[i] != request && requests[i].table == request->table && vf && vf->pf == pf)
            return true;
    }
    return false;
}

/* Whether another request with the same MAC address has a VF of the same PF, in whichever pool, or wants one. */
static bool mac_clashes(const struct assignment *requests, size_t count, const struct assignment *request,
                        const struct vf *vf)
{
    for (size_t i = 0; i < count; i++) {
        const struct assignment *other = &requests[i];
        const struct vf *theirs = other->wanted ? other->wanted : other->granted;
        if (theirs && assignment_share_mac(other, request) &&
            pciaddr_equal(&other->table->pfs[theirs->pf].address, &request->table->pfs[vf->pf].address))
            return true;
    }
    return false;
}

static size_t count_free(const struct vf_table *table)
{
    size_t count = 0;
    for (size_t i = 0; i < table->vf_count; i++)
        count += vf_is_free(&table->vfs[i]);
    return count;
}

/* How many of the first requests there are VFs for, whichever they are: of more, nothing need be tried. */
static size_t count_hopeful(const struct assignment *requests, size_t count)
{
    size_t hopeful = count;
    for (size_t i = 0; i < hopeful; i++) {
        const struct vf_table *table = requests[i].table;
        bool seen = requests[i].wanted;
        for (size_t j = 0; j < i && !seen; j++)
            seen = !requests[j].wanted && requests[j].table == table;
        size_t left = seen ? 0 : count_free(table);
        for (size_t j = i; j < hopeful && !seen; j++)
            if (!requests[j].wanted && requests[j].table == table && left-- == 0)
                hopeful = j;
    }
    return hopeful;
}

int choose(struct assignment *requests, size_t count, size_t *failed)
{
    size_t granted = count_hopeful(requests, count);
    /* None at all can always be had. */
    while (assignment_find(requests, count, granted) < 0)
        granted--;
    if (granted == count)
        return 0;
    *failed = granted;
    return -ENOSPC;
}

/* ---- why ---- */

static enum vf_distance distance(const struct vf_table *table, uint16_t pf)
{
    return table->policy.numa != WISH_NO && table->distances ? table->distances[pf] : VF_NEAR;
}

/* What forbids a request every VF of the PF. Return: whether there is something. */
static bool find_ban(const struct assignment *requests, size_t count, size_t index, const struct vf *vf, char *text,
                     size_t size)
{
    const struct assignment *request = &requests[index];
    const struct vf_table *table = request->table;
    const struct host_pf *pf = &table->pfs[vf->pf];
    text[0] = '\0';
    if (request->wanted)
        return false;
    if (mac_clashes(requests, count, request, vf))
        snprintf(text, size, "PF %s would have two interfaces of the guest with MAC address %s: give one another",
                 pf->name, request->mac);
    else if (table->policy.numa == WISH_REQUIRE && distance(table, vf->pf) == VF_FAR)
        snprintf(text, size, "PF %s is on NUMA node %d, where the guest does not run", pf->name, pf->numa_node);
    else if (table->policy.separate == WISH_REQUIRE && uses_pf(requests, count, request, vf->pf))
        snprintf(text, size, "the guest has an interface on PF %s already, and each is to be on another", pf->name);
    return text[0];
}

/* Why one usable VF was taken, and not another one. */
static void compare(const struct assignment *requests, size_t count, const struct assignment *request,
                    const struct vf *vf, const long *shares, char *text, size_t size)
{
    const struct vf_table *table = request->table;
    const struct vf *granted = request->granted;
    const struct host_pf *pf = &table->pfs[vf->pf], *its = &table->pfs[granted->pf];
    long share = shares ? shares[vf->pf] : 0, its_share = shares ? shares[granted->pf] : 0;
    if (vf->doubt != VF_CLEAR && granted->doubt == VF_CLEAR)
        vf_reason(table, vf, text, size);
    else if (vf->reserved != VF_FOR_GUEST && granted->reserved == VF_FOR_GUEST)
        snprintf(text, size, "VF %u of PF %s is reserved for the guest", granted->number, its->name);
    else if (table->policy.separate != WISH_NO && uses_pf(requests, count, request, vf->pf) &&
             !uses_pf(requests, count, request, granted->pf))
        snprintf(text, size, "the guest has an interface on PF %s already", pf->name);
    else if (distance(table, vf->pf) > distance(table, granted->pf) && pf->numa_node == HOST_UNKNOWN)
        snprintf(text, size, "the kernel does not know on which NUMA node PF %s is", pf->name);
    else if (distance(table, vf->pf) > distance(table, granted->pf))
        snprintf(text, size, "PF %s is on NUMA node %d, where the guest does not run", pf->name, pf->numa_node);
    else if (granted->had && !vf->had)
        snprintf(text, size, "the guest had VF %u of PF %s last", granted->number, its->name);
    else if (table->policy.order == ORDER_SPREAD && share < its_share)
        snprintf(text, size, "PF %s has a larger share of its VFs free than PF %s", its->name, pf->name);
    else if (table->policy.order == ORDER_PACK && share > its_share)
        snprintf(text, size, "PF %s has a smaller share of its VFs free than PF %s", its->name, pf->name);
    else if (granted->returned < vf->returned)
        snprintf(text, size, "VF %u of PF %s %s", granted->number, its->name,
                 granted->returned ? "came back before it" : "was not away yet");
    else if (granted < vf)
        snprintf(text, size, "VF %u of PF %s comes before it", granted->number, its->name);
    else
        snprintf(text, size, "the guest's interfaces together fare better with VF %u of PF %s", granted->number,
                 its->name);
}

long *choose_shares(const struct assignment *requests, size_t count, size_t index)
{
    const struct assignment *request = &requests[index];
    enum policy_order order = request->table->policy.order;
    return request->granted && (order == ORDER_SPREAD || order == ORDER_PACK)
               ? assignment_shares(requests, count, request->table)
               : NULL;
}

const char *choose_reason(const struct assignment *requests, size_t count, size_t index, const struct vf *vf,
                          const long *shares, char *text, size_t size)
{
    const struct assignment *request = &requests[index];
    const struct assignment *other = owner(requests, count, vf);
    text[0] = '\0';
    if (request->granted == vf)
        return text;
    if (!vf_is_free(vf))
        return vf_reason(request->table, vf, text, size);
    if (request->wanted)
        snprintf(text, size, "the guest asks for another VF by its address");
    else if (other)
        snprintf(text, size, "it goes to another interface of the guest");
    else if (find_ban(requests, count, index, vf, text, size))
        return text;
    else if (request->granted)
        compare(requests, count, request, vf, shares, text, size);
    else
        snprintf(text, size, "libvirt would give it to an earlier interface of the guest");
    return text;
}

bool choose_excludes(const struct assignment *requests, size_t count, size_t index, const struct vf *vf)
{
    char text[VF_REASON_SIZE];
    return !owner(requests, count, vf) && find_ban(requests, count, index, vf, text, sizeof text);
}
