/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host-sysfs.h"
#include "io.h"
#include "memory.h"

/* Sysfs does not tell; the kernel does, of its own interfaces. */
static bool has_address(const char *netdev)
{
    struct ifaddrs *all = NULL;
    bool found = false;
    if (getifaddrs(&all) < 0 && errno == ENOMEM)
        memory_end();
    for (const struct ifaddrs *one = all; one && !found; one = one->ifa_next)
        found = one->ifa_addr && (one->ifa_addr->sa_family == AF_INET || one->ifa_addr->sa_family == AF_INET6) &&
                strcmp(one->ifa_name, netdev) == 0;
    freeifaddrs(all);
    return found;
}

/* The kernel links an interface to what is on top of it: master, upper_* (net/core/dev.c, netdev_adjacent_sysfs_add).
 */
static bool is_enslaved(const struct host *host, const char *netdev)
{
    char path[DEVICE_PATH_SIZE];
    bool found = false;
    int result = 0;
    snprintf(path, sizeof path, "class/net/%s/.", netdev);
    _cleanup_(cleanup_dir) DIR *directory = io_list(host->sys, path);
    if (!directory)
        return false;
    for (struct dirent *entry; !found && (entry = io_next_entry(directory, &result));)
        found = strcmp(entry->d_name, "master") == 0 || strncmp(entry->d_name, "upper_", 6) == 0;
    /* What cannot be seen speaks against it, no more: such a VF is chosen last. */
    return found || result < 0;
}

static void read_use(const struct host *host, struct host_vf *vf)
{
    char path[DEVICE_PATH_SIZE], netdev[HOST_NAME_SIZE];
    host_find_netdev(host, &vf->address, netdev);
    vf->has_netdev = netdev[0];
    if (!netdev[0])
        return;
    snprintf(path, sizeof path, "class/net/%s/flags", netdev);
    int flags = host_number(host->sys, path);
    vf->netdev_up = flags != HOST_UNKNOWN && (flags & IFF_UP);
    vf->enslaved = is_enslaved(host, netdev);
    vf->configured = host->running && has_address(netdev);
}

bool host_is_vfio(const char *driver)
{
    return strstr(driver, "vfio");
}

/* Whether the kernel gives a group to a guest though this driver has a device of it (drivers/pci/pcie/portdrv.c,
 * drivers/pci/pci-stub.c: driver_managed_dma). */
static bool is_driver_harmless(const char *driver)
{
    return host_is_vfio(driver) || strcmp(driver, "pcieport") == 0 || strcmp(driver, "pci-stub") == 0;
}

static void read_neighbour(const struct host *host, struct host_vf *vf)
{
    char text[PCIADDR_SIZE], path[DEVICE_PATH_SIZE], driver[sizeof vf->neighbour_driver];
    int result = 0;
    snprintf(path, sizeof path, "bus/pci/devices/%s/iommu_group/devices", pciaddr_format(&vf->address, text));
    _cleanup_(cleanup_dir) DIR *directory = io_list(host->sys, path);
    /* What cannot be seen, libvirt says at the start. */
    for (struct dirent *entry; directory && (entry = io_next_entry(directory, &result));) {
        struct pciaddr address;
        char pf[PCIADDR_SIZE];
        if (pciaddr_parse(entry->d_name, &address) < 0 || pciaddr_equal(&address, &vf->address) ||
            host_link(host, &address, "driver", driver, sizeof driver) < 0 || is_driver_harmless(driver))
            continue;
        vf->neighbour = address;
        vf->neighbour_is_vf = host_link(host, &address, "physfn", pf, sizeof pf) > 0;
        memcpy(vf->neighbour_driver, driver, sizeof driver);
        if (!vf->neighbour_is_vf)
            return;
    }
}

/* The kernel's name of the device itself, where it was built with that (CONFIG_VFIO_DEVICE_CDEV): vfio-dev/vfioN.
 * Return: 0, also where there is none, or a negative errno value. */
static int read_vfio_name(const struct host *host, const struct pciaddr *address, char name[VFIO_NAME_SIZE])
{
    char text[PCIADDR_SIZE], path[DEVICE_PATH_SIZE];
    int result = 0;
    snprintf(path, sizeof path, "bus/pci/devices/%s/vfio-dev", pciaddr_format(address, text));
    _cleanup_(cleanup_dir) DIR *directory = io_list(host->sys, path);
    name[0] = '\0';
    if (!directory)
        return errno == ENOENT ? 0 : -errno;
    for (struct dirent *entry; (entry = io_next_entry(directory, &result));)
        if (strncmp(entry->d_name, "vfio", 4) == 0 && strlen(entry->d_name) < VFIO_NAME_SIZE)
            strcpy(name, entry->d_name);
    return result;
}

/* Reads the driver, too. */
static pid_t read_user(const struct host *host, struct host_vf *vf)
{
    char group[VFIO_NAME_SIZE], device[VFIO_NAME_SIZE];
    if (host_link(host, &vf->address, "driver", vf->driver, sizeof vf->driver) < 0)
        vf->driver[0] = '\0';
    /* Only what is bound to VFIO can be open by it. */
    if (!host_is_vfio(vf->driver))
        return 0;
    if (host_link(host, &vf->address, "iommu_group", group, sizeof group) <= 0 || group[0] < '0' || group[0] > '9')
        group[0] = '\0';
    int result = read_vfio_name(host, &vf->address, device);
    pid_t user = vfio_user(host->vfio, group, device);
    return user ? user : result;
}

/*
 * A vDPA device's directory is below that of the device it is made of, by whatever name somebody gave it, and all of
 * them have a link in their bus (drivers/vdpa/vdpa.c). Of thousands of VFs mostly none has one, so the bus is looked
 * at.
 *
 * Return: 0 or a negative errno value.
 */
static int read_vdpa(const struct host *host, struct host_vf *vf)
{
    char text[PCIADDR_SIZE], below[PCIADDR_SIZE + 2], target[PATH_MAX];
    int result = 0;
    _cleanup_(cleanup_dir) DIR *directory = io_list(host->sys, "bus/vdpa/devices");
    if (!directory)
        return errno == ENOENT ? 0 : -errno;
    snprintf(below, sizeof below, "/%s/", pciaddr_format(&vf->address, text));
    for (struct dirent *entry; !vf->vdpa[0] && (entry = io_next_entry(directory, &result));) {
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        if (strstr(target, below))
            snprintf(vf->vdpa, sizeof vf->vdpa, "%.*s", (int)sizeof vf->vdpa - 1, entry->d_name);
    }
    return result;
}

int host_vf_read(const struct host *host, const struct pciaddr *address, struct host_vf *vf)
{
    memset(vf, 0, sizeof *vf);
    vf->address = *address;
    if (!host_vf_present(host, address))
        return -ENOENT;
    vf->user = read_user(host, vf);
    int result = read_vdpa(host, vf);
    if (vf->user == 0)
        vf->user = result;
    read_use(host, vf);
    read_neighbour(host, vf);
    return 0;
}

pid_t host_vf_user(const struct host *host, const struct pciaddr *address)
{
    struct host_vf vf = {.address = *address};
    return read_user(host, &vf);
}
