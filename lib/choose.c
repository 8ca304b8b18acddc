/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "choose.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The request that has this VF, or wants this very one; NULL: none. */
static const struct choose_request *owner(const struct choose_request *requests, size_t count, const struct vf *vf)
{
    for (size_t i = 0; i < count; i++)
        if (requests[i].granted == vf || requests[i].wanted == vf)
            return &requests[i];
    return NULL;
}

/* Whether a request has a VF of this PF, or wants one: then it will be there, wherever in the document. */
static bool uses_pf(const struct choose_request *requests, size_t count, const struct vf_table *table, uint16_t pf)
{
    for (size_t i = 0; i < count; i++) {
        const struct vf *vf = requests[i].wanted ? requests[i].wanted : requests[i].granted;
        if (requests[i].table == table && vf && vf->pf == pf)
            return true;
    }
    return false;
}

static bool have_one_mac(const struct choose_request *a, const struct choose_request *b)
{
    return a != b && a->mac && b->mac && a->mac[0] && strcmp(a->mac, b->mac) == 0;
}

/* Whether another request with the same MAC address has a VF of the same PF, in whichever pool, or wants one. */
static bool mac_clashes(const struct choose_request *requests, size_t count, const struct choose_request *request,
                        const struct vf *vf)
{
    for (size_t i = 0; i < count; i++) {
        const struct choose_request *other = &requests[i];
        const struct vf *theirs = other->wanted ? other->wanted : other->granted;
        if (theirs && have_one_mac(other, request) &&
            pciaddr_equal(&other->table->pfs[theirs->pf].address, &request->table->pfs[vf->pf].address))
            return true;
    }
    return false;
}

/*
 * Where the search begins. libvirt gives a guest's interfaces on one network their VFs in the order of its list, so two
 * with one MAC address are on different PFs only if each request's VF comes behind those of the requests before it.
 */
static size_t first_index(const struct choose_request *requests, size_t count, const struct choose_request *request,
                          bool *ordered)
{
    size_t first = 0;
    *ordered = false;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            if (requests[i].table == request->table && requests[j].table == request->table && !requests[i].wanted &&
                !requests[j].wanted && have_one_mac(&requests[i], &requests[j]))
                *ordered = true;
    for (size_t i = 0; i < count && *ordered; i++)
        if (requests[i].table == request->table && !requests[i].wanted && requests[i].granted)
            first = (size_t)(requests[i].granted - request->table->vfs) + 1;
    return first;
}

static const struct vf *first_usable(const struct choose_request *requests, size_t count,
                                     const struct choose_request *request, bool other_pf, bool doubtful)
{
    const struct vf_table *table = request->table;
    bool ordered;
    for (size_t i = first_index(requests, count, request, &ordered); i < table->vf_count; i++) {
        const struct vf *vf = &table->vfs[i];
        if (vf->obstacle == VF_USABLE && (doubtful || vf->doubt == VF_CLEAR) &&
            !(other_pf && !ordered && uses_pf(requests, count, table, vf->pf)) && !owner(requests, count, vf) &&
            !mac_clashes(requests, count, request, vf))
            return vf;
    }
    return NULL;
}

/* A VF that nothing speaks against comes before one on another PF. */
static const struct vf *best_usable(const struct choose_request *requests, size_t count,
                                    const struct choose_request *request)
{
    bool separate = request->table->pool->separate;
    const struct vf *vf = separate ? first_usable(requests, count, request, true, false) : NULL;
    if (!vf)
        vf = first_usable(requests, count, request, false, false);
    if (!vf && separate)
        vf = first_usable(requests, count, request, true, true);
    return vf ? vf : first_usable(requests, count, request, false, true);
}

int choose(struct choose_request *requests, size_t count, size_t *failed)
{
    for (size_t i = 0; i < count; i++)
        requests[i].granted = NULL;
    for (size_t i = 0; i < count; i++) {
        struct choose_request *request = &requests[i];
        const struct vf *vf = NULL;
        if (request->wanted) {
            vf = request->wanted->obstacle != VF_TAKEN ? request->wanted : NULL;
        } else {
            vf = best_usable(requests, count, request);
        }
        if (!vf) {
            *failed = i;
            return -ENOSPC;
        }
        request->granted = vf;
    }
    return 0;
}

const char *choose_reason(const struct choose_request *requests, size_t count, size_t index, const struct vf *vf,
                          char *text, size_t size)
{
    const struct choose_request *request = &requests[index];
    const struct choose_request *other = owner(requests, count, vf);
    text[0] = '\0';
    if (request->granted == vf)
        return text;
    if (vf->obstacle != VF_USABLE)
        return vf_reason(request->table, vf, text, size);
    if (vf->doubt != VF_CLEAR && request->granted && request->granted->doubt == VF_CLEAR)
        return vf_reason(request->table, vf, text, size);
    if (request->wanted)
        snprintf(text, size, "the guest asks for another VF by its address");
    else if (other)
        snprintf(text, size, "it goes to another interface of the guest");
    else if (mac_clashes(requests, count, request, vf))
        snprintf(text, size, "PF %s would have two interfaces of the guest with MAC address %s: give one another",
                 request->table->pfs[vf->pf].name, request->mac);
    else if (request->granted && request->granted < vf)
        snprintf(text, size, "VF %u of PF %s comes before it", request->granted->number,
                 request->table->pfs[request->granted->pf].name);
    else if (request->granted)
        snprintf(text, size, "the guest has an interface on PF %s already", request->table->pfs[vf->pf].name);
    else
        snprintf(text, size, "libvirt would give it to an earlier interface of the guest");
    return text;
}

bool choose_excludes(const struct choose_request *requests, size_t count, size_t index, const struct vf *vf)
{
    return !owner(requests, count, vf) && mac_clashes(requests, count, &requests[index], vf);
}
