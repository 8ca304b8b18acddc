/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vf - the virtual functions of each pool on this host, in the order of the pool: what choose chooses from */
#ifndef VFPOOL_VF_H
#define VFPOOL_VF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "domain.h"
#include "error.h"
#include "host.h"
#include "pciaddr.h"
#include "pool.h"

/* Why a VF cannot be had now. */
enum vf_obstacle {
    VF_USABLE,
    VF_TAKEN,        /* a guest holds it */
    VF_PF_DOWN,      /* libvirt would fail the start: "PF is not online" */
    VF_VANISHED,     /* sysfs does not have the device (any more) */
    VF_NO_PF_NETDEV, /* libvirt sets MAC and VLAN through it */
    VF_NO_ETHERNET,  /* its PF takes no MAC address and VLAN as libvirt sets them */
    VF_IN_USE,       /* a process has it open by VFIO */
    VF_UNSEEN,       /* whether somebody uses it cannot be seen */
    VF_VDPA,         /* a vDPA device is made of it */
    VF_HOST_USES,    /* see enum vf_doubt; the pool wants none of these */
    VF_NO_CARRIER,   /* the pool requires one of the PF */
    VF_OTHER_DRIVER, /* bound, and neither to VFIO nor with a network interface: somebody bound it to another driver, or
                        gave its interface to a container */
    VF_ATTACHED,     /* in a pool that is not managed, and not bound to VFIO: libvirt would fail the start */
    VF_NOT_ALONE,    /* its IOMMU group has a device that is no VF, and stays with the host */
    VF_PORTED,       /* libvirt has given it to somebody whom the ledger does not know */
    VF_PF_TAKEN,     /* a guest has, or asks for, its PF as it is: whole.h */
    VF_OTHER_KIND,   /* of another kind of card than the VF of which a guest brings the state */
};

/* Why a VF is chosen after all others. */
enum vf_doubt {
    VF_CLEAR,
    VF_NETDEV_UP,   /* its network interface is up on the host */
    VF_ENSLAVED,    /* that one is part of a bridge or bond, or carries something */
    VF_CONFIGURED,  /* that one has an address */
    VF_GROUPED,     /* its IOMMU group has another VF, which has to go along: it may be the same guest's */
    VF_STILL_BOUND, /* to vfio-pci, in a pool where libvirt gives VFs back to their drivers: somebody else's, or not
                       ready */
    VF_TWIN,        /* another VF of its PF has the MAC address of the guest's interface already: vf_add_twin() */
};

/* For whom a VF is; one that is drained is for nobody (drained.h). */
enum vf_reservation { VF_FOR_ANY, VF_FOR_OTHER, VF_FOR_NOBODY, VF_FOR_GUEST };

/* Small, as there may be many thousand. */
struct vf {
    struct pciaddr address;
    uint16_t number;   /* the PF's; sriov_numvfs has 16 bits (PCI Express SR-IOV, 9.3.3.7) */
    uint16_t pf;       /* index into vf_table.pfs */
    uint8_t obstacle;  /* enum vf_obstacle */
    uint8_t doubt;     /* enum vf_doubt */
    uint8_t reserved;  /* enum vf_reservation */
    bool had;          /* an interface of the guest had it last, and is to have it again */
    uint32_t returned; /* when it came back, counted; 0: it was not away, or it does not matter */
    pid_t user;        /* of VF_IN_USE; of VF_UNSEEN a negative errno value */
    char *detail;      /* of VF_VDPA that device, of VF_OTHER_DRIVER and VF_ATTACHED the driver, of VF_NOT_ALONE and
                        VF_GROUPED the other      device, of VF_TWIN the other VF's number */
};

/* Whose port a VF has. */
struct vf_port {
    struct pciaddr address;
    char uuid[UUID_SIZE]; /* the port's */
    char *owner;
};

/* Where a PF is, seen from a guest. */
enum vf_distance {
    VF_NEAR,             /* on a NUMA node where the guest runs */
    VF_DISTANCE_UNKNOWN, /* the kernel does not know the PF's node */
    VF_FAR,
};

/* The VFs of one pool. */
struct vf_table {
    struct pool *pool;
    struct policy policy;               /* the pool's, or what the guest makes of it */
    enum vf_distance *distances;        /* of each PF; NULL: the guest may run anywhere, or it does not matter */
    struct host_pf *pfs;                /* in the pool's order, each once */
    const struct pool_source **sources; /* of each PF; NULL: its VFs are in the pool by their addresses */
    size_t pf_count;
    const struct drained *drained;
    struct vf *vfs;
    size_t vf_count, vf_room;
    bool examined; /* each of the VFs */
    struct vf_port *ports;
    size_t port_count;
    char **whole;  /* of each PF: who has it as it is, as words behind its name; NULL: nobody; all NULL: the same */
    char *note;    /* what a person may have meant otherwise, as words; NULL: nothing */
    char *missing; /* sources that the host does not have now, as words; NULL: none */
};

/**
 * vf_tables_load() - find the VFs of every pool on this host
 *
 * Only what is cheap is looked at: whether a VF's PF is up and the device is there is vf_examine()'s. A pool that is
 * out of service has an empty table. Of two pools with a VF in common one is put out of service: that of which no guest
 * has a VF, while the other's guests have; else the one whose file was written last, perhaps a copy.
 * @has_guests: whether a guest has a VF of the pool; it is asked where two pools have a VF in common
 *
 * Return: as many as there are pools, in their order; the caller frees them with vf_tables_free().
 */
struct vf_table *vf_tables_load(const struct host *host, struct pools *pools,
                                bool (*has_guests)(int root, const char *pool)) must_check nonnull(1, 2, 3);
void vf_tables_free(struct vf_table *tables, size_t count);

/** vf_find() - the VF of this address, or NULL */
struct vf *vf_find(const struct vf_table *table, const struct pciaddr *address) must_check nonnull(1, 2);

/**
 * vf_reserve() - say which guest is asked for: what is reserved for it is there for it
 *
 * Until then reserved VFs are for others.
 */
void vf_reserve(struct vf_table *table, const char *name, const char *uuid) nonnull(1, 2, 3);

/** vf_reserved() - what the pool file reserves the VF by, for whomever it is, or NULL */
const struct pool_reserve *vf_reserved(const struct vf_table *table, const struct vf *vf) must_check nonnull(1, 2);

/** vf_is_barred() - whether the VF is reserved for somebody else, or drained: it is not the guest's, whoever has it */
static inline bool vf_is_barred(const struct vf *vf)
{
    return vf->reserved == VF_FOR_OTHER || vf->reserved == VF_FOR_NOBODY;
}

/** vf_is_free() - whether nothing stands in the VF's way, and it is not barred */
static inline bool vf_is_free(const struct vf *vf)
{
    return vf->obstacle == VF_USABLE && !vf_is_barred(vf);
}

/** vf_drained() - when, by whom and why the VF was drained, as words; NULL: it was not */
const char *vf_drained(const struct vf_table *table, const struct vf *vf) must_check nonnull(1, 2);

/** vf_examine() - look at the VF and its PF now, and set what stands in its way, or speaks against it, unless something
 * stands there already */
void vf_examine(const struct host *host, const struct vf_table *table, struct vf *vf) nonnull(1, 2, 3);

/** vf_examine_all() - of a pool, once */
void vf_examine_all(const struct host *host, struct vf_table *table) nonnull(1, 2);

/** vf_add_port() - say that libvirt has given a VF, which need not be one of the pool, to @owner */
void vf_add_port(struct vf_table *table, const struct pciaddr *address, const char *uuid, const char *owner)
    nonnull(1, 2, 3, 4);

/**
 * vf_add_twin() - say that a PF's VF has a MAC address already that the guest is to have
 * @pf:     index into the table's
 * @number: the VF's, which is as good for that as before
 *
 * Return: how many VFs of the pool, examined, something speaks against that did not before.
 */
size_t vf_add_twin(const struct host *host, struct vf_table *table, uint16_t pf, unsigned int number) nonnull(1, 2);

#define VF_REASON_SIZE (2 * HOST_NAME_SIZE + 240 + DRAINED_WORDS_SIZE)

/**
 * vf_reason() - the obstacle, for whom it is reserved, or the doubt, as a clause ("PF eth3 is down"), in @text
 *
 * Return: @text; empty: none of these.
 */
const char *vf_reason(const struct vf_table *table, const struct vf *vf, char *text, size_t size) nonnull(1, 2, 3);

#endif
