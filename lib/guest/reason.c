/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reason.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Why a VF was passed over: enum vf_obstacle, and then these. */
enum { KIND_RESERVED = VF_OTHER_KIND + 1, KIND_DRAINED, KIND_DOUBTED, KIND_FAR, KINDS };

static const struct {
    const char *words; /* behind how many VFs there are */
    bool of_pf;        /* it is all the same for each VF of a PF, so that this is named */
} kinds[] = {
    [VF_TAKEN] = {.words = "held by guests"},
    [VF_PF_DOWN] = {.words = "whose PF is down", .of_pf = true},
    [VF_VANISHED] = {.words = "gone from sysfs"},
    [VF_NO_PF_NETDEV] = {.words = "whose PF has no network interface", .of_pf = true},
    [VF_NO_ETHERNET] = {.words = "whose PF is not Ethernet", .of_pf = true},
    [VF_IN_USE] = {.words = "in use"},
    [VF_UNSEEN] = {.words = "whose use cannot be seen"},
    [VF_VDPA] = {.words = "used as vDPA devices"},
    [VF_HOST_USES] = {.words = "used by the host"},
    [VF_NO_CARRIER] = {.words = "whose PF has no carrier", .of_pf = true},
    [VF_OTHER_DRIVER] = {.words = "with another driver"},
    [VF_ATTACHED] = {.words = "not bound to vfio-pci"},
    [VF_NOT_ALONE] = {.words = "not alone in their IOMMU group"},
    [VF_PORTED] = {.words = "given by libvirt to somebody else"},
    [VF_PF_TAKEN] = {.words = "whose PF a guest has", .of_pf = true},
    [VF_OTHER_KIND] = {.words = "of another kind of card", .of_pf = true},
    [KIND_RESERVED] = {.words = "reserved for others"},
    [KIND_DRAINED] = {.words = "drained"},
    [KIND_DOUBTED] = {.words = "that something speaks against"},
    [KIND_FAR] = {.words = "not known to be on the guest's NUMA nodes", .of_pf = true},
};
static_assert(sizeof kinds / sizeof *kinds == KINDS, "every kind has its words");

/* Return: its kind; VF_USABLE: it would have done as well, but for the order and the guest's other interfaces. */
static unsigned int kind_of(const struct assignment *choice, const struct vf *vf)
{
    const enum vf_distance *distances = choice->table->distances;
    if (vf->obstacle != VF_USABLE)
        return vf->obstacle;
    if (vf->reserved == VF_FOR_OTHER)
        return KIND_RESERVED;
    if (vf->reserved == VF_FOR_NOBODY)
        return KIND_DRAINED;
    if (vf->doubt != VF_CLEAR && choice->granted->doubt == VF_CLEAR)
        return KIND_DOUBTED;
    return distances && distances[vf->pf] > distances[choice->granted->pf] ? KIND_FAR : VF_USABLE;
}

/* Whole parts only, so that no name is cut. Return: whether there was room. */
static bool add(char text[CLAIM_REASON_SIZE], const char *part)
{
    size_t used = strlen(text);
    bool fits = used + strlen(part) < CLAIM_REASON_SIZE;
    if (fits)
        strcpy(text + used, part);
    return fits;
}

static void add_passed(const struct assignment *choice, char text[CLAIM_REASON_SIZE])
{
    const struct vf_table *table = choice->table;
    size_t counts[KINDS] = {0};
    uint16_t pfs[KINDS];
    bool one_pf[KINDS], first = true;
    for (size_t i = 0; i < table->vf_count; i++) {
        const struct vf *vf = &table->vfs[i];
        unsigned int kind = kind_of(choice, vf);
        one_pf[kind] = counts[kind] == 0 || (one_pf[kind] && pfs[kind] == vf->pf);
        pfs[kind] = vf->pf;
        counts[kind]++;
    }
    for (unsigned int kind = VF_USABLE + 1; kind < KINDS; kind++) {
        char part[HOST_NAME_SIZE + 80];
        if (counts[kind] == 0)
            continue;
        const char *pf = kinds[kind].of_pf && one_pf[kind] ? table->pfs[pfs[kind]].name : "";
        snprintf(part, sizeof part, "%s %zu %s%s%s%s", first ? "; passed over:" : ",", counts[kind], kinds[kind].words,
                 pf[0] ? " (" : "", pf, pf[0] ? ")" : "");
        first = !add(text, part) && first;
    }
}

void reason_of_choice(const struct assignment *choice, char text[CLAIM_REASON_SIZE])
{
    char policy[POLICY_SIZE];
    if (choice->wanted) {
        snprintf(text, CLAIM_REASON_SIZE, "the guest asks for it by its address");
        return;
    }
    snprintf(text, CLAIM_REASON_SIZE, "%s", policy_format(&choice->table->policy, policy));
    if (choice->granted->reserved == VF_FOR_GUEST)
        add(text, "; reserved for the guest");
    if (choice->granted->had)
        add(text, "; the guest had it last");
    add_passed(choice, text);
}

void reason_of_gift(const struct claim_vf *awaited, enum claim_state state, char text[CLAIM_REASON_SIZE])
{
    if (awaited)
        snprintf(text, CLAIM_REASON_SIZE, "libvirt gave it instead of VF %u of PF %s", awaited->number, awaited->pf);
    else
        snprintf(text, CLAIM_REASON_SIZE, "libvirt gave it%s", state == CLAIM_HELD ? " to the guest while it ran" : "");
}
