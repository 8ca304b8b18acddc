/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * host - the physical and virtual functions that this host has, as sysfs shows them
 *
 * The attributes are the kernel's: Documentation/ABI/testing/sysfs-bus-pci (sriov_*, virtfnN, physfn, numa_node) and
 * sysfs-class-net (flags, operstate, carrier, type, phys_port_name). One that is missing means unknown, never an error.
 */
#ifndef VFPOOL_HOST_H
#define VFPOOL_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "pciaddr.h"
#include "vfio.h"

#define HOST_NAME_SIZE 128 /* ALTIFNAMSIZ of the kernel's uapi/linux/if.h */
#define HOST_MAC_SIZE sizeof "52:54:00:00:00:01"
#define HOST_TYPE_SIZE sizeof "of link type 2147483647, not Ethernet"
#define HOST_UNKNOWN (-1)

struct host {
    int sys; /* $VFPOOL_ROOT/sys; -1: not open */
    struct vfio *vfio;
    bool running; /* sysfs is that of the running kernel, which may be asked for more */
    bool patient; /* a card that is being set up is waited for: host_pf_numvfs() */
};

struct host_pf {
    char name[HOST_NAME_SIZE]; /* the netdev, as the pool or sysfs names it; empty when it has none */
    bool has_netdev;           /* else its name is its address */
    struct pciaddr address;
    unsigned int vf_count;  /* the VFs of which sysfs has a link, up to the last one */
    unsigned int vf_offset; /* of the first VF's routing ID from the PF's; 0: read each virtfnN instead */
    unsigned int vf_stride;

    bool examined;      /* the rest is known: host_pf_examine() */
    int vf_total;       /* sriov_totalvfs; 0 when the device has no SR-IOV, HOST_UNKNOWN */
    int numa_node;      /* HOST_UNKNOWN when there is none */
    int up;             /* IFF_UP of the netdev: 1, 0, HOST_UNKNOWN */
    int carrier;        /* 1, 0, HOST_UNKNOWN (sysfs does not tell of an interface that is down) */
    int type;           /* ARPHRD_* of the netdev (uapi/linux/if_arp.h), HOST_UNKNOWN */
    char operstate[16]; /* as sysfs has it; empty when unknown */
};

struct host_vf {
    struct pciaddr address;
    char driver[32];           /* empty when bound to none */
    bool netdev_up;            /* its network interface, where it has one */
    bool enslaved;             /* to a bridge or a bond, or something of the host's is on top of it */
    bool configured;           /* an address of the host's; known of the running kernel only */
    bool has_netdev;           /* it has one */
    pid_t user;                /* as host_vf_user() says */
    char vdpa[HOST_NAME_SIZE]; /* the vDPA device that is made of it; empty: none */
    /* A device of its IOMMU group that a driver of the host's has, and that has to go to the same guest: the kernel
     * keeps a group whole (Documentation/driver-api/vfio.rst). One that is no VF comes before one that is. The driver's
     * name is empty where there is none. */
    struct pciaddr neighbour;
    char neighbour_driver[32];
    bool neighbour_is_vf;
};

/**
 * host_open() - open sysfs below a root directory
 * @root: a descriptor of $VFPOOL_ROOT, or of /, which the caller keeps open
 *
 * Return: 0 or a negative errno value. The caller closes with host_close().
 */
int host_open(int root, struct host *host, struct error *error) must_check nonnull(2, 3);
void host_close(struct host *host) nonnull(1);

/**
 * host_pf_by_name() - look a PF up by the name of its network interface
 *
 * An altname, or a switchdev representor of one of its VFs, leads to the PF. What tells where its VFs are is read,
 * the rest by host_pf_examine(): a pool may have many PFs, and most of them do not matter to a guest.
 *
 * Return: 0, -ENOENT when there is no such interface, -ENODEV when it is no PCI device, or what reading says.
 */
int host_pf_by_name(const struct host *host, const char *name, struct host_pf *pf, struct error *error) must_check
    nonnull(1, 2, 3, 4);

/**
 * host_pf_by_address() - look a PF up by its own PCI address
 *
 * Return: 0, -ENOENT when there is no such device, -ENODEV when it is a VF, or what reading says.
 */
int host_pf_by_address(const struct host *host, const struct pciaddr *address, struct host_pf *pf,
                       struct error *error) must_check nonnull(1, 2, 3, 4);

/**
 * host_pf_mac() - the MAC address that is burnt into the PF's card, in lower case
 * @mac: empty when it is not known
 *
 * The kernel is asked for it (ETHTOOL_GPERMADDR, uapi/linux/ethtool.h) where it is the running kernel's card; sysfs has
 * the one in use, which somebody may have set, or a bond.
 */
void host_pf_mac(const struct host *host, const struct host_pf *pf, char mac[HOST_MAC_SIZE]) nonnull(1, 2, 3);

/** host_format_mac() - an Ethernet address of the kernel's, in lower case */
void host_format_mac(const uint8_t bytes[], char mac[HOST_MAC_SIZE]) nonnull(1, 2);

/** host_pf_index() - the kernel's number of the PF's network interface (ifindex). Return: it, or -ENODEV. */
int host_pf_index(const struct host *host, const struct host_pf *pf) must_check nonnull(1, 2);

/** host_pf_is() - whether the PF is a device of this vendor and device id */
bool host_pf_is(const struct host *host, const struct host_pf *pf, unsigned int vendor, unsigned int device) must_check
    nonnull(1, 2);

/** host_pf_is_like() - whether both are devices of one vendor and device id, with one driver, and so are their VFs */
bool host_pf_is_like(const struct host *host, const struct host_pf *one, const struct host_pf *other) must_check
    nonnull(1, 2, 3);

/** host_pf_examine() - read the rest of what sysfs tells of a PF, once; a representor's name becomes the PF's own,
 * or its address where it has none */
void host_pf_examine(const struct host *host, struct host_pf *pf) nonnull(1, 2);

/** host_pf_speed() - of the PF's link, in Mbit/s (sysfs-class-net). Return: it, or HOST_UNKNOWN, as of one that is
 * down. */
int host_pf_speed(const struct host *host, const struct host_pf *pf) must_check nonnull(1, 2);

/** host_pf_is_ethernet() - whether the PF, examined, is Ethernet, or nobody knows */
bool host_pf_is_ethernet(const struct host_pf *pf) must_check nonnull(1);

/** host_pf_type() - what a PF is in place of that, as words ("InfiniBand, not Ethernet"). Return: @text. */
const char *host_pf_type(const struct host_pf *pf, char text[HOST_TYPE_SIZE]) nonnull(1, 2);

/** host_vf_pf() - the address of the PF that offers a VF. Return: 0, or -ENODEV when it is no VF, or not there. */
int host_vf_pf(const struct host *host, const struct pciaddr *vf, struct pciaddr *pf) must_check nonnull(1, 2, 3);

/**
 * host_pf_of_vf() - the PF that offers a VF, and the VF's number there
 *
 * Return: 0, -ENOENT when there is no such device, -ENODEV when it is not a VF, or what reading says.
 */
int host_pf_of_vf(const struct host *host, const struct pciaddr *vf, struct host_pf *pf, unsigned int *number,
                  struct error *error) must_check nonnull(1, 2, 3, 4, 5);

/**
 * host_pf_list() - every PF with SR-IOV, examined, in the order of their addresses
 * @pfs: the caller frees it
 *
 * Return: 0 or a negative errno value.
 */
int host_pf_list(const struct host *host, struct host_pf **pfs, size_t *count, struct error *error) must_check
    nonnull(1, 2, 3, 4);

/**
 * host_pf_numvfs() - how many VFs the driver says there are: sriov_numvfs, which may be more than sysfs has yet
 *
 * Waits as long as somebody writes it (F49), which nothing can cut short: for whom that card is all that matters.
 *
 * Return: it, or HOST_UNKNOWN.
 */
int host_pf_numvfs(const struct host *host, const struct host_pf *pf) must_check nonnull(1, 2);

/**
 * host_pf_make_vfs() - have the PF's driver make VFs, where it has none; 0 takes those away that it has
 *
 * The driver may take seconds, which cannot be cut short.
 *
 * Return: 0, or what writing sriov_numvfs says: -ENOSPC and -ERANGE for more than the device can, -ENOENT for no
 * SR-IOV, -EBUSY where it has another number.
 */
int host_pf_make_vfs(const struct host *host, const struct host_pf *pf, unsigned int count) must_check nonnull(1, 2);

/** host_pf_autoprobe() - whether the host's drivers take the PF's VFs: 1, 0, HOST_UNKNOWN (sriov_drivers_autoprobe) */
int host_pf_autoprobe(const struct host *host, const struct host_pf *pf) must_check nonnull(1, 2);

/** host_pf_set_autoprobe() - say so, of VFs that are made from then on. Return: 0 or a negative errno value. */
int host_pf_set_autoprobe(const struct host *host, const struct host_pf *pf, bool on) must_check nonnull(1, 2);

/**
 * host_netdev_device() - the PCI device behind a network interface, a VF's perhaps
 *
 * Return: 0, -ENOENT when there is no such interface, or -ENODEV when it is no PCI device.
 */
int host_netdev_device(const struct host *host, const char *name, struct pciaddr *address) must_check nonnull(1, 2, 3);

/**
 * host_vf_address() - the address of the PF's VF of this number
 *
 * Return: 0, or -ENOENT when the VF is not there.
 */
int host_vf_address(const struct host *host, const struct host_pf *pf, unsigned int number,
                    struct pciaddr *address) must_check nonnull(1, 2, 4);

/** host_is_vfio() - whether a driver gives devices to guests: vfio-pci, or a variant of it for one card */
bool host_is_vfio(const char *driver) must_check nonnull(1);

/** host_vf_present() - whether the device is there now */
bool host_vf_present(const struct host *host, const struct pciaddr *address) must_check nonnull(1, 2);

/**
 * host_vf_user() - the process that has the VF open by VFIO
 *
 * Reads no more than that: the kernel's list of addresses, which host_vf_read() needs, grows with the interfaces.
 *
 * Return: its PID; 0: none, also when the device is gone; or a negative errno value where that could not be seen.
 */
pid_t host_vf_user(const struct host *host, const struct pciaddr *address) must_check nonnull(1, 2);

/**
 * host_vf_reset() - have the kernel reset the function (Documentation/ABI/testing/sysfs-bus-pci: reset)
 *
 * It may take a second, which cannot be cut short.
 *
 * Return: 0; -ENOENT when there is no way to reset it, or no such device; or what writing says.
 */
int host_vf_reset(const struct host *host, const struct pciaddr *address, struct error *error) must_check
    nonnull(1, 2, 3);

/** host_vf_read() - what sysfs tells of a VF, and who uses it. Return: 0 or -ENOENT. */
int host_vf_read(const struct host *host, const struct pciaddr *address, struct host_vf *vf) must_check
    nonnull(1, 2, 3);

#endif
