/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What doctor looks at below libvirt: the kernel, the cards, and vfpool's own ledger. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/xattr.h>

#include "claim.h"
#include "doctor-work.h"
#include "hooks.h"
#include "io.h"
#include "ledger.h"
#include "libvirtd.h"
#include "memory.h"
#include "vfinfo.h"

#define MAX_MODULES_BYTES ((size_t)16 * 1024 * 1024)
#define MAX_PROFILES ((size_t)1024 * 1024)

static bool is_there(int directory, const char *path)
{
    return faccessat(directory, path, F_OK, 0) == 0;
}

static bool has_entries(int directory, const char *path)
{
    int result = 0;
    _cleanup_(cleanup_dir) DIR *list = io_list(directory, path);
    for (struct dirent *entry; list && (entry = io_next_entry(list, &result));)
        if (entry->d_name[0] != '.')
            return true;
    return false;
}

/* A device is in a group when an IOMMU is at work (Documentation/ABI/testing/sysfs-kernel-iommu_groups). */
void check_host_iommu(const struct patient *patient, struct finding *finding)
{
    if (has_entries(patient->host.sys, "kernel/iommu_groups"))
        finding_add(finding, VERDICT_OK, NULL, "an IOMMU is on");
    else
        finding_add(finding, VERDICT_WRONG,
                    "turn on VT-d or AMD-Vi in the firmware's setup; on Intel, boot with intel_iommu=on",
                    "no IOMMU is on, and no device can be given to a guest without one");
}

/* Whether a file of the kernel's modules names vfio-pci (modules.dep(5), modules.builtin(5)). */
static bool names_vfio(const struct patient *patient, const char *file)
{
    struct utsname name;
    char path[PATH_MAX];
    _cleanup_(cleanup_free) char *data = NULL;
    size_t length = 0;
    if (uname(&name) < 0)
        return false;
    snprintf(path, sizeof path, "lib/modules/%s/%s", name.release, file);
    return io_read_file(patient->root, path, MAX_MODULES_BYTES, &data, &length) == 0 && strstr(data, "/vfio-pci.ko");
}

void check_host_vfio(const struct patient *patient, struct finding *finding)
{
    if (is_there(patient->host.sys, "bus/pci/drivers/vfio-pci"))
        finding_add(finding, VERDICT_OK, NULL, "vfio-pci is loaded");
    else if (names_vfio(patient, "modules.dep") || names_vfio(patient, "modules.builtin"))
        finding_add(finding, VERDICT_OK, NULL, "vfio-pci is there, and libvirt loads it");
    else
        finding_add(finding, VERDICT_WRONG, "install the kernel's module vfio-pci, or boot the kernel that has it",
                    "this kernel has no vfio-pci");
}

static void check_card(const struct patient *patient, const struct pool *pool, struct host_pf *pf,
                       struct finding *finding)
{
    char up[sizeof "ip link set  up" + HOST_NAME_SIZE], type[HOST_TYPE_SIZE];
    host_pf_examine(&patient->host, pf);
    snprintf(up, sizeof up, "ip link set %s up", pf->name);
    if (!pf->has_netdev)
        finding_add(finding, VERDICT_WRONG, "give the PF to its own driver, in the host's network namespace",
                    "PF %s of pool '%s' has no network interface", pf->name, pool->name);
    else if (!host_pf_is_ethernet(pf))
        finding_add(finding, VERDICT_WRONG,
                    "take it out of the pool, or make its port Ethernet (mlxconfig, LINK_TYPE_P1=2)",
                    "PF %s of pool '%s' is %s", pf->name, pool->name, host_pf_type(pf, type));
    else if (pf->up == 0)
        finding_add(finding, VERDICT_WRONG, up, "PF %s of pool '%s' is down", pf->name, pool->name);
    else if (pf->carrier == 0)
        finding_add(finding, VERDICT_WARNING, "look at the cable, and the switch", "PF %s of pool '%s' has no carrier",
                    pf->name, pool->name);
    else
        finding_add(finding, VERDICT_OK, NULL, "PF %s is up", pf->name);
}

void check_host_cards(const struct patient *patient, struct finding *finding)
{
    for (size_t i = 0; i < patient->pools.count; i++)
        for (size_t j = 0; j < patient->tables[i].pf_count; j++)
            check_card(patient, &patient->pools.pools[i], &patient->tables[i].pfs[j], finding);
}

/* Whether systemd starts a unit: some target or unit wants it. */
static bool is_enabled(const struct patient *patient, const char *unit)
{
    static const char *const wants[] = {"multi-user.target", "libvirtd.service", "virtnetworkd.service"};
    char path[PATH_MAX];
    struct stat status;
    for (size_t i = 0; i < sizeof wants / sizeof *wants; i++) {
        snprintf(path, sizeof path, "etc/systemd/system/%s.wants/%s", wants[i], unit);
        if (fstatat(patient->root, path, &status, AT_SYMLINK_NOFOLLOW) == 0)
            return true;
    }
    return false;
}

static void add_words(char **words, unsigned int number, const char *pf)
{
    _cleanup_(cleanup_free) char *one = number ? memory_format("<vf num='%u'/> in the <pf> of %s", number, pf)
                                               : memory_format("<vf num=''/> in the <pf> of %s", pf);
    char *before = *words;
    *words = memory_format("%s%s%s", before ? before : "", before ? ", " : "", one);
    free(before);
}

static bool is_found(const struct vf_table *table, const struct pool_source *source)
{
    for (size_t i = 0; i < table->pf_count; i++)
        if (table->sources[i] == source)
            return true;
    return false;
}

/* What a pool's file would have to say for as many VFs as there are: a <vf num=''/> for each PF that has none in the
 * file. Return: words, the caller's; NULL: all have. */
static char *vf_numbers(const struct patient *patient, size_t pool)
{
    const struct vf_table *table = &patient->tables[pool];
    const struct pool *file = &patient->pools.pools[pool];
    char *words = NULL;
    for (size_t i = 0; i < table->pf_count; i++)
        if (!table->sources[i] || table->sources[i]->vf_wanted == 0)
            add_words(&words, table->pfs[i].vf_count, table->pfs[i].name);
    /* One without VFs is not found, nor one that is not there. */
    for (size_t i = 0; i < file->source_count; i++)
        if (file->sources[i].pf && file->sources[i].vf_wanted == 0 && !is_found(table, &file->sources[i]))
            add_words(&words, 0, file->sources[i].pf);
    return words;
}

/* VFs are gone with each boot. */
void check_host_boot(const struct patient *patient, struct finding *finding)
{
    bool systemd = is_there(patient->root, "run/systemd/system");
    if (systemd && !is_enabled(patient, "vfpool-boot.service"))
        finding_add(
            finding, VERDICT_WRONG, "systemctl enable vfpool-boot.service",
            "vfpool-boot.service does not run at boot, so that VFs are made after libvirt has started its guests");
    if (systemd && !is_enabled(patient, "vfpool.service"))
        finding_add(finding, VERDICT_WRONG, "systemctl enable vfpool.service",
                    "vfpool.service does not run at boot, so that no network is set up then");
    for (size_t i = 0; i < patient->pools.count; i++) {
        const struct pool *pool = &patient->pools.pools[i];
        if (pool->fault.code)
            continue;
        _cleanup_(cleanup_free) char *numbers = vf_numbers(patient, i);
        _cleanup_(cleanup_free) char *remedy =
            memory_format("%s, or see to it that something else does", numbers ? numbers : "");
        if (numbers)
            finding_add(finding, VERDICT_WARNING, remedy, "vfpool does not make the VFs of pool '%s' at boot",
                        pool->name);
        else
            finding_add(finding, VERDICT_OK, NULL, "the VFs of pool '%s' are made again at boot", pool->name);
    }
}

/* Who may write there says which VFs guests get, or what root runs. */
static void check_owner(const struct patient *patient, const char *path, struct finding *finding)
{
    struct stat status;
    if (fstatat(patient->root, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    if (status.st_uid != 0)
        finding_add(finding, VERDICT_WRONG, "chown root:root", "/%s belongs to user %u", path, status.st_uid);
    else if (!S_ISLNK(status.st_mode) && status.st_mode & (S_IWGRP | S_IWOTH))
        finding_add(finding, VERDICT_WRONG, "chmod go-w", "/%s may be written by others than root", path);
    else if (finding_is_empty(finding))
        finding_add(finding, VERDICT_OK, NULL, "pool files, hooks and ledger are root's alone");
}

void check_host_owners(const struct patient *patient, struct finding *finding)
{
    static const char *const paths[] = {"etc",
                                        POOL_DIRECTORY,
                                        "etc/vfpool/hostdev.xsl",
                                        "etc/libvirt",
                                        "etc/libvirt/hooks",
                                        "etc/libvirt/hooks/qemu",
                                        "etc/libvirt/hooks/qemu.d",
                                        "etc/libvirt/hooks/network",
                                        "etc/libvirt/hooks/network.d",
                                        "etc/libvirt/hooks/daemon",
                                        "etc/libvirt/hooks/daemon.d",
                                        "run",
                                        LEDGER_DIRECTORY};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        check_owner(patient, paths[i], finding);
    for (size_t i = 0; i < patient->pools.count; i++) {
        const char *path = patient->pools.pools[i].path;
        check_owner(patient, path + strspn(path, "/"), finding);
    }
}

#define ABSTRACTIONS "etc/apparmor.d/abstractions/libvirt-qemu"
#define ABSTRACTIONS_LOCAL "etc/apparmor.d/local/abstractions/libvirt-qemu"

static bool names_directory(const struct patient *patient, const char *path)
{
    _cleanup_(cleanup_free) char *text = NULL;
    size_t length = 0;
    return io_read_file(patient->root, path, MAX_PROFILES, &text, &length) == 0 &&
           strstr(text, "<abstractions/libvirt-qemu.d>");
}

/* What lets guests open the VFs of pools, and whether guests' profiles take it in (F51): hooks.sh put_rule(). */
static void check_guests_rule(const struct patient *patient, struct finding *finding)
{
    if (!is_there(patient->root, ABSTRACTIONS))
        return;
    if (!is_there(patient->root, ABSTRACTIONS ".d/vfpool"))
        finding_add(finding, VERDICT_WRONG, HOOKS_PUT,
                    "AppArmor does not let guests open the VFs of a pool: there is no /" ABSTRACTIONS ".d/vfpool");
    else if (!names_directory(patient, ABSTRACTIONS) && !names_directory(patient, ABSTRACTIONS_LOCAL))
        finding_add(finding, VERDICT_WRONG,
                    "echo '  include if exists <abstractions/libvirt-qemu.d> # vfpool' >> /" ABSTRACTIONS_LOCAL,
                    "AppArmor does not let guests open the VFs of a pool: their profiles do not include /" ABSTRACTIONS
                    ".d");
}

/* AppArmor's profile of libvirtd lets it, and so its hooks, execute what is in these directories (F18). */
static void check_apparmor(const struct patient *patient, struct finding *finding)
{
    _cleanup_(cleanup_free) char *profiles = NULL;
    size_t length = 0;
    if (io_read_file(patient->root, "sys/kernel/security/apparmor/profiles", MAX_PROFILES, &profiles, &length) < 0 ||
        (!strstr(profiles, "libvirtd (enforce)") && !strstr(profiles, "virtqemud (enforce)")))
        return;
    if (strncmp(GATE_PATH, "usr/sbin/", 9) == 0 || strncmp(GATE_PATH, "usr/bin/", 8) == 0)
        finding_add(finding, VERDICT_OK, NULL, "AppArmor lets libvirt's hooks execute /" GATE_PATH);
    else
        finding_add(finding, VERDICT_WRONG, "/" GATE_PATH " PUx, in /etc/apparmor.d/local/usr.sbin.libvirtd",
                    "AppArmor does not let libvirt's hooks execute /" GATE_PATH);
    check_guests_rule(patient, finding);
}

/* Fedora's policy, and RHEL's (F50). Return: whether it knows hooks. */
static bool check_selinux_boolean(const struct patient *patient, struct finding *finding)
{
    _cleanup_(cleanup_free) char *text = NULL;
    size_t length = 0;
    if (io_read_file(patient->root, "sys/fs/selinux/booleans/virt_hooks_unconfined", MAX_PROFILES, &text, &length) < 0)
        return false;
    if (text[0] != '1')
        finding_add(finding, VERDICT_WRONG, "setsebool -P virt_hooks_unconfined on",
                    "SELinux does not let libvirt execute hooks");
    return true;
}

static void check_label(const struct patient *patient, const char *path, struct finding *finding)
{
    char label[256] = "";
    _cleanup_(cleanup_close) int fd = openat(patient->root, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return;
    ssize_t length = fgetxattr(fd, "security.selinux", label, sizeof label - 1);
    label[length > 0 ? length : 0] = '\0';
    if (!strstr(label, ":virt_hook_t:"))
        finding_add(finding, VERDICT_WRONG, "restorecon -R /etc/libvirt/hooks",
                    "/%s is labelled '%s', not virt_hook_t, and SELinux does not let libvirt execute it", path, label);
}

void check_host_confinement(const struct patient *patient, struct finding *finding)
{
    static const char *const hooks[] = {"etc/libvirt/hooks/qemu",    "etc/libvirt/hooks/qemu.d/vfpool",
                                        "etc/libvirt/hooks/network", "etc/libvirt/hooks/network.d/vfpool",
                                        "etc/libvirt/hooks/daemon",  "etc/libvirt/hooks/daemon.d/vfpool"};
    check_apparmor(patient, finding);
    if (!check_selinux_boolean(patient, finding))
        return;
    for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++)
        check_label(patient, hooks[i], finding);
    if (finding_is_empty(finding))
        finding_add(finding, VERDICT_OK, NULL, "SELinux lets libvirt execute the hooks");
}

static void check_claim(const struct patient *patient, const struct claim *claim, struct finding *finding)
{
    char text[PCIADDR_SIZE], release[sizeof "vfpool reconcile, or vfpool release " + PCIADDR_SIZE];
    bool live = false;
    for (size_t i = 0; i < claim->vf_count; i++) {
        const struct claim_vf *vf = &claim->vfs[i];
        live = live || !vf->stuck;
        pciaddr_format(&vf->address, text);
        snprintf(release, sizeof release, "vfpool reconcile, or vfpool release %s", text);
        if (vf->stuck)
            finding_add(finding, VERDICT_WRONG, release, "VF %s is quarantined: %s", text, vf->stuck);
        else if (!host_vf_present(&patient->host, &vf->address))
            finding_add(finding, VERDICT_WRONG, release, "%s %s of guest '%.256s' is gone from sysfs", claim_kind(vf),
                        text, claim->name);
    }
    if (live && claim->state == CLAIM_HELD && !libvirtd_has_guest(patient->root, claim->name))
        finding_add(finding, VERDICT_WRONG, "vfpool reconcile", "guest '%.256s' holds VFs and does not run",
                    claim->name);
}

void check_host_claims(const struct patient *patient, struct finding *finding)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    _cleanup_(error_free) struct error problem = {0};
    struct claim **claims = NULL;
    size_t count = 0;
    int result = ledger_open(patient->root, LEDGER_READ, LEDGER_LOCK_MS, &ledger, &problem);
    if (result == 0)
        result = ledger_all(ledger, &claims, &count, &problem);
    if (result < 0)
        finding_add(finding, VERDICT_WRONG, NULL, "%s", problem.message);
    else if (problem.notes.text)
        finding_add(finding, VERDICT_WRONG, "vfpool release GUEST", "%.*s", (int)strcspn(problem.notes.text, "\n"),
                    problem.notes.text);
    for (size_t i = 0; i < count; i++)
        check_claim(patient, claims[i], finding);
    if (result == 0 && finding_is_empty(finding))
        finding_add(finding, VERDICT_OK, NULL, "%zu guest%s hold%s VFs", count, PLURAL(count), count == 1 ? "s" : "");
    claims_free(claims, count);
}

void check_host_macs(const struct patient *patient, struct finding *finding)
{
    for (size_t i = 0; i < patient->pools.count; i++) {
        for (size_t j = 0; j < patient->tables[i].pf_count; j++) {
            const struct host_pf *pf = &patient->tables[i].pfs[j];
            _cleanup_(error_free) struct error ignored = {0};
            _cleanup_(cleanup_free) struct settings *all = NULL;
            unsigned int other;
            bool read = vfinfo_read(&patient->host, pf, &all, &ignored) == 0;
            for (unsigned int k = 0; read && k < pf->vf_count; k++)
                if (vfinfo_twin(all, k, &other))
                    finding_add(finding, VERDICT_WRONG, "give one of them another, or none: ip link set PF vf N mac",
                                "VFs %u and %u of PF %s have the same MAC address, %s", other, k, pf->name, all[k].mac);
            if (read && finding_is_empty(finding))
                finding_add(finding, VERDICT_OK, NULL, "no two VFs of a PF have one MAC address");
        }
    }
}

/* A manager of the host's networks that takes each interface it finds. */
static void check_manager(const struct patient *patient, const char *running, const char *name, const char *remedy,
                          struct finding *finding)
{
    struct host_vf vf;
    if (!is_there(patient->root, running))
        return;
    for (size_t i = 0; i < patient->pools.count; i++)
        for (size_t j = 0; j < patient->tables[i].vf_count; j++)
            if (host_vf_read(&patient->host, &patient->tables[i].vfs[j].address, &vf) == 0 &&
                (vf.netdev_up || vf.configured)) {
                finding_add(finding, VERDICT_WARNING, remedy,
                            "%s runs, and VF %u of pool '%s' has an interface that is up on the host", name,
                            patient->tables[i].vfs[j].number, patient->pools.pools[i].name);
                return;
            }
    finding_add(finding, VERDICT_OK, NULL, "%s runs, and no VF is up on the host", name);
}

void check_host_managers(const struct patient *patient, struct finding *finding)
{
    check_manager(patient, "run/NetworkManager", "NetworkManager",
                  "have it leave VFs alone: unmanaged-devices in NetworkManager.conf(5)", finding);
    check_manager(patient, "run/systemd/netif", "systemd-networkd",
                  "have it leave VFs alone: Unmanaged=yes in systemd.network(5)", finding);
}
