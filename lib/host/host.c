/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "host-sysfs.h"
#include "io.h"
#include "memory.h"

/* Whether the root is the machine's own, so that the running kernel knows its interfaces. */
static bool is_machine(int root)
{
    struct stat given, own;
    return fstat(root, &given) == 0 && stat("/", &own) == 0 && given.st_dev == own.st_dev && given.st_ino == own.st_ino;
}

int host_open(int root, struct host *host, struct error *error)
{
    host->running = is_machine(root);
    host->sys = openat(root, "sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (host->sys < 0)
        return error_set(error, errno, "cannot open the kernel's sys directory: %s", strerror(errno));
    host->vfio = vfio_new(root);
    return 0;
}

void host_close(struct host *host)
{
    cleanup_close(&host->sys);
    host->sys = -1;
    vfio_free(steal(host->vfio));
}

int host_attribute(int directory, const char *path, char *value, size_t size)
{
    _cleanup_(cleanup_close) int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t length = read(fd, value, size - 1);
    if (length < 0)
        return -errno;
    value[length] = '\0';
    value[strcspn(value, "\n")] = '\0';
    return (int)strlen(value);
}

int host_number(int directory, const char *path)
{
    char text[32];
    if (host_attribute(directory, path, text, sizeof text) <= 0)
        return HOST_UNKNOWN;
    char *end = NULL;
    long value = strtol(text, &end, 0);
    return *end == '\0' && value >= 0 && value <= INT_MAX ? (int)value : HOST_UNKNOWN;
}

static int open_device(const struct host *host, const struct pciaddr *address)
{
    char text[PCIADDR_SIZE], path[DEVICE_PATH_SIZE];
    snprintf(path, sizeof path, "bus/pci/devices/%s", pciaddr_format(address, text));
    int device = openat(host->sys, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return device < 0 ? -errno : device;
}

static int device_number(const struct host *host, const struct pciaddr *address, const char *attribute)
{
    char text[PCIADDR_SIZE], path[DEVICE_PATH_SIZE];
    snprintf(path, sizeof path, "bus/pci/devices/%s/%s", pciaddr_format(address, text), attribute);
    return host_number(host->sys, path);
}

/* The last part of a link's target. Return: its length, or a negative errno value. */
static int read_link_name(int directory, const char *path, char *name, size_t size)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(directory, path, target, sizeof target - 1);
    if (length < 0)
        return -errno;
    target[length] = '\0';
    const char *slash = strrchr(target, '/');
    int written = snprintf(name, size, "%s", slash ? slash + 1 : target);
    return (size_t)written < size ? written : -ENAMETOOLONG;
}

static int read_link_address(int directory, const char *path, struct pciaddr *address)
{
    char name[NAME_MAX + 1];
    int result = read_link_name(directory, path, name, sizeof name);
    if (result < 0)
        return result;
    return pciaddr_parse(name, address) < 0 ? -ENODEV : 0;
}

int host_link(const struct host *host, const struct pciaddr *address, const char *link, char *name, size_t size)
{
    char text[PCIADDR_SIZE], path[DEVICE_PATH_SIZE];
    snprintf(path, sizeof path, "bus/pci/devices/%s/%s", pciaddr_format(address, text), link);
    return read_link_name(host->sys, path, name, size);
}

static void read_netdev(const struct host *host, struct host_pf *pf)
{
    char path[DEVICE_PATH_SIZE];
    pf->up = pf->carrier = pf->type = HOST_UNKNOWN;
    pf->operstate[0] = '\0';
    if (!pf->has_netdev)
        return;
    snprintf(path, sizeof path, "class/net/%s/flags", pf->name);
    int flags = host_number(host->sys, path);
    if (flags != HOST_UNKNOWN)
        pf->up = (flags & IFF_UP) != 0;
    snprintf(path, sizeof path, "class/net/%s/carrier", pf->name);
    pf->carrier = host_number(host->sys, path);
    snprintf(path, sizeof path, "class/net/%s/type", pf->name);
    pf->type = host_number(host->sys, path);
    snprintf(path, sizeof path, "class/net/%s/operstate", pf->name);
    if (host_attribute(host->sys, path, pf->operstate, sizeof pf->operstate) < 0)
        pf->operstate[0] = '\0';
}

/* @device: of the PF */
static int read_virtfn(int device, unsigned int number, struct pciaddr *vf)
{
    char link[32];
    snprintf(link, sizeof link, "virtfn%u", number);
    return read_link_address(device, link, vf);
}

/*
 * A VF's routing ID is its PF's plus an offset plus its number times a stride (PCI Express SR-IOV, 9.3.3.9 and
 * 9.3.3.10; Linux drivers/pci/iov.c, pci_iov_virtfn_bus), so the first and the last link tell where all of many are.
 */
static void read_vf_places(int device, struct host_pf *pf)
{
    struct pciaddr first, last;
    pf->vf_offset = pf->vf_stride = 0;
    if (pf->vf_count < 3 || read_virtfn(device, 0, &first) < 0 || read_virtfn(device, pf->vf_count - 1, &last) < 0)
        return;
    uint64_t start = pciaddr_key(&pf->address), low = pciaddr_key(&first), high = pciaddr_key(&last);
    if (low <= start || high <= low || (high - low) % (pf->vf_count - 1) || high - start > UINT16_MAX)
        return;
    pf->vf_offset = (unsigned int)(low - start);
    pf->vf_stride = (unsigned int)((high - low) / (pf->vf_count - 1));
}

/*
 * Names are looked up below the device's directory: sysfs paths lead over many links, and there may be many PFs. The
 * links are counted, as reading sriov_numvfs waits for whoever writes it (F49), and nobody waits for another's card.
 */
static void read_pf(int device, struct host_pf *pf)
{
    struct pciaddr last;
    int result = 0, total = host_number(device, "sriov_totalvfs");
    /* Of a card with all its VFs they are many, and need no count: who tells of this number waits for nobody. */
    if (total > 0 && read_virtfn(device, (unsigned int)total - 1, &last) == 0)
        pf->vf_count = (unsigned int)total;
    _cleanup_(cleanup_dir) DIR *directory = pf->vf_count ? NULL : io_list(device, ".");
    for (struct dirent *entry; directory && (entry = io_next_entry(directory, &result));) {
        unsigned int number;
        char rest;
        if (sscanf(entry->d_name, "virtfn%5u%c", &number, &rest) == 1 && number >= pf->vf_count)
            pf->vf_count = number + 1;
    }
    read_vf_places(device, pf);
}

void host_pf_examine(const struct host *host, struct host_pf *pf)
{
    if (pf->examined)
        return;
    pf->examined = true;
    host_own_netdev(host, pf);
    pf->vf_total = device_number(host, &pf->address, "sriov_totalvfs");
    pf->numa_node = device_number(host, &pf->address, "numa_node");
    read_netdev(host, pf);
}

int host_pf_speed(const struct host *host, const struct host_pf *pf)
{
    char path[DEVICE_PATH_SIZE];
    snprintf(path, sizeof path, "class/net/%s/speed", pf->name);
    int speed = pf->has_netdev ? host_number(host->sys, path) : HOST_UNKNOWN;
    /* The kernel's SPEED_UNKNOWN is -1. */
    return speed > 0 ? speed : HOST_UNKNOWN;
}

/* Opens a netdev's directory, by an altname too: sysfs knows none, the kernel's interface index does. */
static int open_netdev(const struct host *host, struct host_pf *pf)
{
    char path[DEVICE_PATH_SIZE], real[IF_NAMESIZE];
    snprintf(path, sizeof path, "class/net/%s", pf->name);
    int netdev = openat(host->sys, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int problem = errno;
    if (netdev >= 0)
        return netdev;
    if (problem != ENOENT || !host->running || !if_indextoname(if_nametoindex(pf->name), real))
        return -problem;
    snprintf(pf->name, sizeof pf->name, "%s", real);
    snprintf(path, sizeof path, "class/net/%s", pf->name);
    netdev = openat(host->sys, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return netdev < 0 ? -errno : netdev;
}

int host_pf_by_name(const struct host *host, const char *name, struct host_pf *pf, struct error *error)
{
    memset(pf, 0, sizeof *pf);
    if (strlen(name) >= sizeof pf->name || strchr(name, '/') || name[0] == '.' || !name[0])
        return error_set(error, ENOENT, "'%s' is not the name of a network interface", name);
    snprintf(pf->name, sizeof pf->name, "%s", name);
    _cleanup_(cleanup_close) int netdev = open_netdev(host, pf);
    if (netdev == -ENOENT)
        return error_set(error, ENOENT, "there is no network interface %s", name);
    if (netdev < 0)
        return error_set(error, -netdev, "cannot open /sys/class/net/%s: %s", name, strerror(-netdev));
    if (read_link_address(netdev, "device", &pf->address) < 0)
        return error_set(error, ENODEV, "network interface %s is not a PCI device", name);
    _cleanup_(cleanup_close) int device = openat(netdev, "device", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (device < 0)
        return error_set(error, errno, "cannot open /sys/class/net/%s/device: %s", name, strerror(errno));
    pf->has_netdev = true;
    read_pf(device, pf);
    return 0;
}

int host_pf_by_address(const struct host *host, const struct pciaddr *address, struct host_pf *pf, struct error *error)
{
    char text[PCIADDR_SIZE], name[NAME_MAX + 1];
    memset(pf, 0, sizeof *pf);
    pciaddr_format(address, text);
    _cleanup_(cleanup_close) int device = open_device(host, address);
    if (device == -ENOENT)
        return error_set(error, ENOENT, "there is no PCI device %s", text);
    if (device < 0)
        return error_set(error, -device, "cannot open PCI device %s: %s", text, strerror(-device));
    if (host_link(host, address, "physfn", name, sizeof name) >= 0)
        return error_set(error, ENODEV, "PCI device %s is a virtual function, not a PF", text);
    pf->address = *address;
    host_find_netdev(host, address, pf->name);
    pf->has_netdev = pf->name[0];
    if (!pf->has_netdev)
        snprintf(pf->name, sizeof pf->name, "%s", text);
    read_pf(device, pf);
    return 0;
}

static bool read_burnt_mac(const char *netdev, uint8_t mac[ETH_ALEN])
{
    _cleanup_(cleanup_free) struct ethtool_perm_addr *answer = memory_new(1, sizeof *answer + MAX_ADDR_LEN);
    struct ifreq request = {.ifr_data = (char *)answer};
    answer->cmd = ETHTOOL_GPERMADDR;
    answer->size = MAX_ADDR_LEN;
    if (strlen(netdev) >= sizeof request.ifr_name)
        return false;
    strcpy(request.ifr_name, netdev);
    _cleanup_(cleanup_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCETHTOOL, &request) < 0 || answer->size != ETH_ALEN)
        return false;
    memcpy(mac, answer->data, ETH_ALEN);
    return true;
}

int host_pf_index(const struct host *host, const struct host_pf *pf)
{
    char path[DEVICE_PATH_SIZE];
    snprintf(path, sizeof path, "class/net/%s/ifindex", pf->name);
    int index = pf->has_netdev ? host_number(host->sys, path) : HOST_UNKNOWN;
    return index > 0 ? index : -ENODEV;
}

void host_format_mac(const uint8_t bytes[], char mac[HOST_MAC_SIZE])
{
    snprintf(mac, HOST_MAC_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
             bytes[5]);
}

void host_pf_mac(const struct host *host, const struct host_pf *pf, char mac[HOST_MAC_SIZE])
{
    static const uint8_t none[ETH_ALEN];
    char path[DEVICE_PATH_SIZE], text[HOST_MAC_SIZE + 1];
    uint8_t bytes[ETH_ALEN];
    mac[0] = '\0';
    if (!pf->has_netdev)
        return;
    if (!host->running || !read_burnt_mac(pf->name, bytes) || memcmp(bytes, none, ETH_ALEN) == 0) {
        snprintf(path, sizeof path, "class/net/%s/address", pf->name);
        if (host_attribute(host->sys, path, text, sizeof text) != HOST_MAC_SIZE - 1 ||
            !ether_aton_r(text, (struct ether_addr *)bytes) || memcmp(bytes, none, ETH_ALEN) == 0)
            return;
    }
    host_format_mac(bytes, mac);
}

bool host_pf_is(const struct host *host, const struct host_pf *pf, unsigned int vendor, unsigned int device)
{
    return device_number(host, &pf->address, "vendor") == (int)vendor &&
           device_number(host, &pf->address, "device") == (int)device;
}

bool host_pf_is_like(const struct host *host, const struct host_pf *one, const struct host_pf *other)
{
    char driver[64], other_driver[sizeof driver];
    if (host_link(host, &one->address, "driver", driver, sizeof driver) < 0)
        driver[0] = '\0';
    if (host_link(host, &other->address, "driver", other_driver, sizeof other_driver) < 0)
        other_driver[0] = '\0';
    return device_number(host, &one->address, "vendor") == device_number(host, &other->address, "vendor") &&
           device_number(host, &one->address, "device") == device_number(host, &other->address, "device") &&
           strcmp(driver, other_driver) == 0;
}

int host_netdev_device(const struct host *host, const char *name, struct pciaddr *address)
{
    char path[DEVICE_PATH_SIZE];
    if (strlen(name) >= HOST_NAME_SIZE || strchr(name, '/') || name[0] == '.' || !name[0])
        return -ENOENT;
    snprintf(path, sizeof path, "class/net/%s/device", name);
    int result = read_link_address(host->sys, path, address);
    return result == -ENOENT || result == 0 ? result : -ENODEV;
}

static int vf_number(const struct host *host, const struct host_pf *pf, const struct pciaddr *vf, unsigned int *number)
{
    for (unsigned int i = 0; i < pf->vf_count; i++) {
        struct pciaddr address;
        if (host_vf_address(host, pf, i, &address) == 0 && pciaddr_equal(&address, vf)) {
            *number = i;
            return 0;
        }
    }
    return -ENODEV;
}

int host_vf_pf(const struct host *host, const struct pciaddr *vf, struct pciaddr *pf)
{
    char name[NAME_MAX + 1];
    return host_link(host, vf, "physfn", name, sizeof name) < 0 || pciaddr_parse(name, pf) < 0 ? -ENODEV : 0;
}

int host_pf_of_vf(const struct host *host, const struct pciaddr *vf, struct host_pf *pf, unsigned int *number,
                  struct error *error)
{
    char text[PCIADDR_SIZE], name[PCIADDR_SIZE];
    struct pciaddr address;
    memset(pf, 0, sizeof *pf);
    pciaddr_format(vf, text);
    if (!host_vf_present(host, vf))
        return error_set(error, ENOENT, "there is no PCI device %s", text);
    if (host_vf_pf(host, vf, &address) < 0)
        return error_set(error, ENODEV, "PCI device %s is not a virtual function", text);
    int result = host_pf_by_address(host, &address, pf, error);
    if (result == 0 && vf_number(host, pf, vf, number) < 0)
        return error_set(error, ENODEV, "PCI device %s is not among the VFs of its physical function %s", text,
                         pciaddr_format(&address, name));
    return result;
}

static int compare_pfs(const void *a, const void *b)
{
    uint64_t first = pciaddr_key(&((const struct host_pf *)a)->address);
    uint64_t second = pciaddr_key(&((const struct host_pf *)b)->address);
    return (first > second) - (first < second);
}

/* Adds the PF behind a netdev unless it is there already. */
static void add_pf(const struct host *host, const char *netdev, struct host_pf **pfs, size_t *count)
{
    struct host_pf pf;
    char path[DEVICE_PATH_SIZE];
    _cleanup_(error_free) struct error ignored = {0};
    /* There may be thousands of VFs' interfaces beside the PFs'. */
    int length = snprintf(path, sizeof path, "class/net/%s/device/sriov_totalvfs", netdev);
    if ((size_t)length >= sizeof path || faccessat(host->sys, path, F_OK, 0) < 0 ||
        host_pf_by_name(host, netdev, &pf, &ignored) < 0)
        return;
    /* Of several netdevs on one device, the same one whichever the directory has first. */
    host_find_netdev(host, &pf.address, pf.name);
    host_pf_examine(host, &pf);
    if (pf.vf_total <= 0 || !pf.name[0])
        return;
    for (size_t i = 0; i < *count; i++)
        if (pciaddr_equal(&(*pfs)[i].address, &pf.address))
            return;
    *pfs = memory_resize(*pfs, *count + 1, sizeof **pfs);
    (*pfs)[(*count)++] = pf;
}

int host_pf_list(const struct host *host, struct host_pf **pfs, size_t *count, struct error *error)
{
    *pfs = NULL;
    *count = 0;
    _cleanup_(cleanup_dir) DIR *directory = io_list(host->sys, "class/net");
    if (!directory)
        return errno == ENOENT ? 0 : error_set(error, errno, "cannot read /sys/class/net: %s", strerror(errno));
    int result = 0;
    for (struct dirent *entry; (entry = io_next_entry(directory, &result));)
        if (entry->d_name[0] != '.')
            add_pf(host, entry->d_name, pfs, count);
    if (result < 0) {
        free(steal(*pfs));
        *count = 0;
        return error_set(error, -result, "cannot read /sys/class/net: %s", strerror(-result));
    }
    if (*count > 0)
        qsort(*pfs, *count, sizeof **pfs, compare_pfs);
    return 0;
}

/* Writes to an attribute of a PCI device. */
static int write_attribute(const struct host *host, const struct pciaddr *address, const char *name, const char *value)
{
    char text[PCIADDR_SIZE], path[DEVICE_PATH_SIZE];
    snprintf(path, sizeof path, "bus/pci/devices/%s/%s", pciaddr_format(address, text), name);
    _cleanup_(cleanup_close) int fd = openat(host->sys, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t length = (ssize_t)strlen(value), written = write(fd, value, (size_t)length);
    return written == length ? 0 : written < 0 ? -errno : -EIO;
}

int host_pf_numvfs(const struct host *host, const struct host_pf *pf)
{
    return device_number(host, &pf->address, "sriov_numvfs");
}

int host_pf_make_vfs(const struct host *host, const struct host_pf *pf, unsigned int count)
{
    char text[16];
    snprintf(text, sizeof text, "%u", count);
    return write_attribute(host, &pf->address, "sriov_numvfs", text);
}

int host_pf_autoprobe(const struct host *host, const struct host_pf *pf)
{
    return device_number(host, &pf->address, "sriov_drivers_autoprobe");
}

int host_pf_set_autoprobe(const struct host *host, const struct host_pf *pf, bool on)
{
    return write_attribute(host, &pf->address, "sriov_drivers_autoprobe", on ? "1" : "0");
}

int host_vf_reset(const struct host *host, const struct pciaddr *address, struct error *error)
{
    char text[PCIADDR_SIZE];
    int result = write_attribute(host, address, "reset", "1");
    if (result < 0)
        return error_set(error, -result, "VF %s cannot be reset, as its pool wants it: %s",
                         pciaddr_format(address, text),
                         result == -ENOENT ? "the kernel knows no way" : strerror(-result));
    return 0;
}

int host_vf_address(const struct host *host, const struct host_pf *pf, unsigned int number, struct pciaddr *address)
{
    if (number >= pf->vf_count)
        return -ENOENT;
    if (pf->vf_offset == 0) {
        _cleanup_(cleanup_close) int device = open_device(host, &pf->address);
        return device < 0 || read_virtfn(device, number, address) < 0 ? -ENOENT : 0;
    }
    *address = pciaddr_from_key(pciaddr_key(&pf->address) + pf->vf_offset + (uint64_t)number * pf->vf_stride);
    return 0;
}

bool host_vf_present(const struct host *host, const struct pciaddr *address)
{
    char text[PCIADDR_SIZE], path[DEVICE_PATH_SIZE];
    snprintf(path, sizeof path, "bus/pci/devices/%s/.", pciaddr_format(address, text));
    return io_may_be(host->sys, path);
}
