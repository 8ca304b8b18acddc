/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "choose.h"

#include <errno.h>
#include <stdio.h>

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

static const struct vf *first_usable(const struct choose_request *requests, size_t count, const struct vf_table *table,
                                     bool other_pf)
{
    for (size_t i = 0; i < table->vf_count; i++) {
        const struct vf *vf = &table->vfs[i];
        if (vf->obstacle == VF_USABLE && !(other_pf && uses_pf(requests, count, table, vf->pf)) &&
            !owner(requests, count, vf))
            return vf;
    }
    return NULL;
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
            if (request->table->pool->separate)
                vf = first_usable(requests, count, request->table, true);
            if (!vf)
                vf = first_usable(requests, count, request->table, false);
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
    if (request->wanted)
        snprintf(text, size, "the guest asks for another VF by its address");
    else if (other)
        snprintf(text, size, "it goes to another interface of the guest");
    else if (request->granted && request->granted < vf)
        snprintf(text, size, "VF %u of PF %s comes before it", request->granted->number,
                 request->table->pfs[request->granted->pf].name);
    else if (request->granted)
        snprintf(text, size, "the guest has an interface on PF %s already", request->table->pfs[vf->pf].name);
    return text;
}
