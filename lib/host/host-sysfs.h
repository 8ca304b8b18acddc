/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* host-sysfs - what the parts of host share: how sysfs is read */
#ifndef VFPOOL_HOST_SYSFS_H
#define VFPOOL_HOST_SYSFS_H

#include "host.h"

#define DEVICE_PATH_SIZE (sizeof "bus/pci/devices/" + PCIADDR_SIZE + 2 * HOST_NAME_SIZE)

/** host_attribute() - the first line of an attribute. Return: its length, or a negative errno value. */
int host_attribute(int directory, const char *path, char *value, size_t size) must_check nonnull(2, 3);

/** host_number() - the number that an attribute is. Return: it, or HOST_UNKNOWN. */
int host_number(int directory, const char *path) must_check nonnull(2);

/**
 * host_link() - the last part of the target of a device's link
 *
 * Return: its length, or a negative errno value.
 */
int host_link(const struct host *host, const struct pciaddr *address, const char *link, char *name,
              size_t size) must_check nonnull(1, 2, 3, 4);

/**
 * host_find_netdev() - the name of the device's own netdev
 * @name: empty where there is none, or only such as stand for other functions
 *
 * The first by name of those whose port is physical, or that name none; else of those whose port's name says nothing.
 */
void host_find_netdev(const struct host *host, const struct pciaddr *address, char name[HOST_NAME_SIZE])
    nonnull(1, 2, 3);

/**
 * host_own_netdev() - let a PF be called by its own netdev where it was found by one that stands for another function
 *
 * One that is as good as any of the device's stays. A PF that has none of its own is called by its address.
 */
void host_own_netdev(const struct host *host, struct host_pf *pf) nonnull(1, 2);

#endif
