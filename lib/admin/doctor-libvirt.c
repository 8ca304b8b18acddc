/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What doctor looks at of libvirt: the daemon, its hooks, the pools' networks, and the guests that are defined. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "deferral.h"
#include "doctor-work.h"
#include "gate-protocol.h"
#include "gate.h"
#include "hooks.h"
#include "io.h"
#include "ledger.h"
#include "libvirtd.h"
#include "memory.h"
#include "witness.h"
#include "xml.h"

#define HOOKS "etc/libvirt/hooks"
#define GUESTS "etc/libvirt/qemu"
#define NETWORKS "etc/libvirt/qemu/networks"
#define MAX_HOOK_BYTES ((size_t)64 * 1024 * 1024)

/* ---- the daemon ---- */

/* Versions with faults that concern pools: libvirt's NEWS. */
static const struct {
    unsigned long from, before; /* 1,000,000 * major + 1,000 * minor + micro */
    enum verdict verdict;
    const char *words, *remedy;
} faults[] = {
    {0, 5005000, VERDICT_WRONG, "has no network ports, which the gate needs", "update to libvirt 5.5.0 or later"},
    {5005000, 6005000, VERDICT_WARNING, "runs one hook of each kind, and none from hooks/qemu.d",
     "update to libvirt 6.5.0, or have no other hook"},
    {12001000, 12002000, VERDICT_WRONG, "crashes when an interface on a pool is attached to a running guest",
     "update to libvirt 12.2.0"},
};

static void check_version(const struct patient *patient, struct finding *finding)
{
    const char *const arguments[] = {"version", NULL};
    _cleanup_(cleanup_free) char *answer = NULL;
    _cleanup_(error_free) struct error problem = {0};
    int result = gate_ask(patient->root, arguments, NULL, GATE_CALL_MS, &answer, &problem);
    unsigned long version = result < 0 ? 0 : strtoul(answer, NULL, 10);
    if (result < 0) {
        finding_add(finding, VERDICT_WRONG, "systemctl status libvirtd virtnetworkd", "libvirt does not answer: %s",
                    problem.message);
        return;
    }
    finding_add(finding, VERDICT_OK, NULL, "libvirt %lu.%lu.%lu answers", version / 1000000, version / 1000 % 1000,
                version % 1000);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (version >= faults[i].from && version < faults[i].before)
            finding_add(finding, faults[i].verdict, faults[i].remedy, "libvirt %lu.%lu.%lu %s", version / 1000000,
                        version / 1000 % 1000, version % 1000, faults[i].words);
}

void check_libvirt_daemon(const struct patient *patient, struct finding *finding)
{
    if (!gate_present(patient->root)) {
        finding_add(finding, VERDICT_WRONG, "systemctl start libvirtd, or virtqemud and virtnetworkd",
                    "libvirt's daemon does not run: its socket is not there");
        return;
    }
    check_version(patient, finding);
}

/* ---- the hooks ---- */

static bool is_same(int root, const char *path, const char *other)
{
    _cleanup_(cleanup_free) char *data = NULL, *theirs = NULL;
    size_t length = 0, their_length = 0;
    return io_read_file(root, path, MAX_HOOK_BYTES, &data, &length) == 0 &&
           io_read_file(root, other, MAX_HOOK_BYTES, &theirs, &their_length) == 0 && length == their_length &&
           memcmp(data, theirs, length) == 0;
}

/* Our hook of a kind: the file itself, or the one beside somebody else's. Return: whether it is there, with its path.
 */
static bool find_hook(int root, const char *kind, char path[PATH_MAX])
{
    struct stat status;
    snprintf(path, PATH_MAX, HOOKS "/%s.d/vfpool", kind);
    if (fstatat(root, path, &status, AT_SYMLINK_NOFOLLOW) == 0)
        return true;
    snprintf(path, PATH_MAX, HOOKS "/%s", kind);
    return fstatat(root, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static void check_hook(int root, const char *kind, struct finding *finding)
{
    _cleanup_(error_free) struct error problem = {0};
    char path[PATH_MAX], ours[PATH_MAX];
    struct stat status;
    snprintf(ours, sizeof ours, HOOKS_PATH "/%s", kind);
    if (!find_hook(root, kind, path)) {
        finding_add(finding, VERDICT_WRONG, HOOKS_PUT, "there is no hook /" HOOKS "/%s", kind);
        return;
    }
    if (fstatat(root, path, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode))
        finding_add(finding, VERDICT_WRONG, HOOKS_PUT,
                    "/%s is no regular file, and AppArmor forbids libvirt to follow a link from there", path);
    else if (!(status.st_mode & S_IXUSR))
        finding_add(finding, VERDICT_WRONG, "chmod 755 on it, and reload libvirt",
                    "/%s is not executable, and libvirt passes it over", path);
    else if (hooks_check(root, kind, &problem) < 0)
        finding_add(finding, VERDICT_WRONG, "mend it, or remove it", "%s", problem.message);
    else if (faccessat(root, ours, F_OK, 0) == 0 && !is_same(root, path, ours))
        finding_add(finding, VERDICT_WRONG, HOOKS_PUT, "/%s is not the hook of this vfpool", path);
    else
        finding_add(finding, VERDICT_OK, NULL, "/%s", path);
}

/* Other people's, which run as well: what they say is told to libvirt beside what ours says. */
static void check_others(int root, const char *kind, struct finding *finding)
{
    char path[PATH_MAX], ours[PATH_MAX];
    int result = 0;
    if (find_hook(root, kind, ours) && strstr(ours, ".d/")) {
        snprintf(path, sizeof path, HOOKS "/%s", kind);
        if (faccessat(root, path, X_OK, 0) == 0)
            finding_add(finding, VERDICT_OK, NULL, "/%s runs before it", path);
    }
    snprintf(path, sizeof path, HOOKS "/%s.d", kind);
    _cleanup_(cleanup_dir) DIR *directory = io_list(root, path);
    for (struct dirent *entry; directory && (entry = io_next_entry(directory, &result));)
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "vfpool") != 0 &&
            faccessat(dirfd(directory), entry->d_name, X_OK, 0) == 0)
            finding_add(finding, VERDICT_OK, NULL, "/%s/%s runs as well", path, entry->d_name);
}

void check_libvirt_hooks(const struct patient *patient, struct finding *finding)
{
    static const char *const kinds[] = {"qemu", "network", "daemon"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        check_hook(patient->root, kinds[i], finding);
        check_others(patient->root, kinds[i], finding);
    }
    /* What the first of them runs. */
    if (faccessat(patient->root, HOOKS_PATH "/guest", F_OK, 0) == 0 &&
        !is_same(patient->root, HOOKS "/vfpool/guest", HOOKS_PATH "/guest"))
        finding_add(finding, VERDICT_WRONG, HOOKS_PUT, "/" HOOKS "/vfpool/guest is not the program of this vfpool");
}

/* libvirt looks for its hooks when it starts and reloads (F17). */
void check_libvirt_calls(const struct patient *patient, struct finding *finding)
{
    char mark[WITNESS_MARK_SIZE];
    if (!gate_present(patient->root))
        return;
    if (witness_mark(patient->root, mark))
        finding_add(finding, VERDICT_OK, NULL, "libvirt calls the hooks network and daemon");
    else if (witness_tells(patient->root))
        finding_add(finding, VERDICT_WARNING, "vfpool reconcile",
                    "libvirt calls the hooks network and daemon, and that it does was lost: no VF is given");
    else
        finding_add(
            finding, VERDICT_WRONG,
            libvirtd_is_modular(patient->root) ? "systemctl reload virtqemud virtnetworkd, then vfpool reconcile"
                                               : "systemctl reload libvirtd, then vfpool reconcile",
            "libvirt has not looked for the hooks network and daemon since they were put: no VF is given, neither to a "
            "guest that starts nor to one that runs");
}

/* ---- the networks ---- */

static void check_network(const struct patient *patient, const struct pool *pool, struct finding *finding)
{
    const char *const arguments[] = {"network", pool->name, NULL};
    _cleanup_(cleanup_free) char *answer = NULL;
    _cleanup_(error_free) struct error problem = {0};
    int result = gate_ask(patient->root, arguments, NULL, GATE_CALL_MS, &answer, &problem);
    if (result == -ENOENT)
        finding_add(finding, VERDICT_WRONG, "vfpool reconcile", "libvirt has no network '%s'", pool->name);
    else if (result < 0)
        finding_add(finding, VERDICT_WARNING, NULL, "of network '%s' nothing can be said: %s", pool->name,
                    problem.message);
    if (result < 0)
        return;
    answer[strcspn(answer, "\n")] = '\0';
    if (strncmp(answer, GATE_INACTIVE, strlen(GATE_INACTIVE)) == 0)
        finding_add(finding, VERDICT_WRONG, "vfpool reconcile", "libvirt network '%s' is not active", pool->name);
    else if (strstr(answer, GATE_UNFINISHED) || strstr(answer, GATE_MISCOUNTED))
        finding_add(finding, VERDICT_WRONG, "vfpool reconcile", "libvirt has lost count of the ports of network '%s'",
                    pool->name);
    else if (strstr(answer, GATE_PASSING))
        finding_add(finding, VERDICT_WRONG, "vfpool reconcile",
                    "libvirt network '%s' is not there any more after a boot", pool->name);
    else
        finding_add(finding, VERDICT_OK, NULL, "network '%s' is active, now and after a boot", pool->name);
}

void check_libvirt_networks(const struct patient *patient, struct finding *finding)
{
    for (size_t i = 0; i < patient->pools.count && gate_present(patient->root); i++)
        if (!patient->pools.pools[i].fault.code)
            check_network(patient, &patient->pools.pools[i], finding);
}

/* ---- their ports, and who has VFs by our account ---- */

static const struct claim *find_holder(struct claim *const *claims, size_t count, const char *uuid,
                                       const struct pciaddr *address)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(claims[i]->uuid, uuid) == 0 && claim_find(claims[i], address))
            return claims[i];
    return NULL;
}

static bool has_port(const struct gate_ports *ports, const char *uuid, const struct pciaddr *address)
{
    for (size_t i = 0; i < ports->count; i++)
        if (pciaddr_equal(&ports->ports[i].address, address) && strcmp(ports->ports[i].owner, uuid) == 0)
            return true;
    return false;
}

/* Of guests that run; what is being started or stopped has the one before the other. */
static void compare_ports(const char *pool, const struct gate_ports *ports, struct claim *const *claims, size_t count,
                          struct finding *finding)
{
    char text[PCIADDR_SIZE];
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < claims[i]->vf_count && claims[i]->state == CLAIM_HELD; j++) {
            const struct claim_vf *vf = &claims[i]->vfs[j];
            if (strcmp(vf->pool, pool) == 0 && !vf->by_address && !vf->stuck &&
                !has_port(ports, claims[i]->uuid, &vf->address))
                finding_add(finding, VERDICT_WRONG, "vfpool reconcile",
                            "guest '%.256s' has VF %s and no port of network '%s': libvirt may offer it to others",
                            claims[i]->name, pciaddr_format(&vf->address, text), pool);
        }
    for (size_t i = 0; i < ports->count; i++)
        if (!find_holder(claims, count, ports->ports[i].owner, &ports->ports[i].address))
            finding_add(finding, VERDICT_WRONG, "vfpool reconcile",
                        "'%.256s' has a port of network '%s' for VF %s, and the ledger does not say so",
                        ports->ports[i].name, pool, pciaddr_format(&ports->ports[i].address, text));
}

void check_libvirt_ports(const struct patient *patient, struct finding *finding)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    _cleanup_(error_free) struct error ignored = {0};
    struct claim **claims = NULL;
    size_t count = 0, compared = 0;
    /* That it cannot be read is said of the claims. */
    if (!gate_present(patient->root) ||
        ledger_open(patient->root, LEDGER_READ, LEDGER_LOCK_MS, &ledger, &ignored) < 0 ||
        ledger_all(ledger, &claims, &count, &ignored) < 0)
        return;
    /* Nobody waits for libvirt's answers. */
    ledger_close(steal(ledger));
    for (size_t i = 0; i < patient->pools.count; i++) {
        struct gate_ports ports = {0};
        const struct pool *pool = &patient->pools.pools[i];
        if (!pool->fault.code && gate_ports(patient->root, pool->name, &ports, &ignored) == 0) {
            compare_ports(pool->name, &ports, claims, count, finding);
            compared += ports.count;
        }
        gate_ports_free(&ports);
    }
    if (finding_is_empty(finding))
        finding_add(finding, VERDICT_OK, NULL,
                    compared == 1 ? "%zu port is a guest's, as the ledger has it"
                                  : "%zu ports are guests', as the ledger has it",
                    compared);
    claims_free(claims, count);
}

/* ---- the guests ---- */

static bool has_network(const struct patient *patient, const char *name)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, NETWORKS "/%s.xml", name);
    return strchr(name, '/') || (size_t)length >= sizeof path || faccessat(patient->root, path, F_OK, 0) == 0 ||
           errno != ENOENT;
}

/* F57: 12.9.0 does so with its own pool as well. */
static void check_iommufd(const struct patient *patient, const char *guest, xmlNodePtr domain, struct finding *finding)
{
    _cleanup_(cleanup_xml_string) char *enabled = xml_attribute(xml_child(domain, "iommufd"), "enabled");
    xmlNodePtr node =
        enabled && strcmp(enabled, "yes") == 0 ? xml_child(xml_child(domain, "devices"), "interface") : NULL;
    for (; node; node = xml_next(node)) {
        _cleanup_(cleanup_xml_string) char *network = xml_attribute(xml_child(node, "source"), "network");
        if (network && pools_find(&patient->pools, network))
            finding_add(
                finding, VERDICT_WARNING, "remove <iommufd>, or name a VF by <interface type='hostdev'>: virsh edit",
                "guest '%.256s' has <iommufd> and an interface on pool '%s': libvirt 12.9.0 crashes at its start",
                guest, network);
    }
}

static void check_interface(const struct patient *patient, const char *guest, xmlNodePtr interface,
                            struct finding *finding)
{
    _cleanup_(cleanup_xml_string) char *network = xml_attribute(xml_child(interface, "source"), "network");
    _cleanup_(cleanup_xml_string) char *model = xml_attribute(xml_child(interface, "model"), "type");
    if (!network)
        return;
    if (!pools_find(&patient->pools, network)) {
        if (!has_network(patient, network))
            finding_add(finding, VERDICT_WRONG, "name a pool or a network that there is: virsh edit",
                        "guest '%.256s' names network '%.256s', which is neither a pool nor libvirt's", guest, network);
        return;
    }
    if (xml_child(interface, "bandwidth"))
        finding_add(finding, VERDICT_WRONG, "remove <bandwidth>: virsh edit",
                    "guest '%.256s' has <bandwidth> on pool '%s', and does not start", guest, network);
    else if (model && strcmp(model, "rtl8139") == 0)
        finding_add(finding, VERDICT_WARNING, "remove <model> and <address> of that interface: virsh edit",
                    "guest '%.256s' has model rtl8139 on pool '%s', which it was given as libvirt did not know the "
                    "network then, and with it a slot on a plain PCI bridge",
                    guest, network);
}

static void check_guest(const struct patient *patient, int directory, const char *file, struct finding *finding)
{
    _cleanup_(cleanup_free) char *data = NULL;
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    _cleanup_(error_free) struct error ignored = {0};
    size_t length = 0;
    if (io_read_file(directory, file, XML_MAX_BYTES, &data, &length) < 0 ||
        xml_parse(data, length, file, &doc, &ignored) < 0)
        return;
    xmlNodePtr domain = xmlDocGetRootElement(doc);
    _cleanup_(cleanup_xml_string) char *name = xml_text(xml_child(domain, "name"));
    for (xmlNodePtr node = xml_child(xml_child(domain, "devices"), "interface"); node && name; node = xml_next(node))
        check_interface(patient, name, node, finding);
    if (name)
        check_iommufd(patient, name, domain, finding);
}

/* vfpool.service, or who settles, starts them as soon as libvirt answers: one that stays is nobody's any more. */
static void check_deferred(const struct patient *patient, struct finding *finding)
{
    struct deferral *deferrals = NULL;
    size_t count = 0;
    int result = deferral_list(patient->root, &deferrals, &count);
    for (size_t i = 0; i < count; i++)
        finding_add(finding, VERDICT_WARNING, "vfpool reconcile",
                    "guest '%.256s' was to start with libvirt, and waits until vfpool starts it", deferrals[i].name);
    if (result < 0)
        finding_add(finding, VERDICT_WARNING, NULL, "cannot read /run/vfpool/deferred: %s", strerror(-result));
    deferrals_free(deferrals, count);
}

void check_libvirt_guests(const struct patient *patient, struct finding *finding)
{
    int result = 0;
    size_t count = 0;
    check_deferred(patient, finding);
    _cleanup_(cleanup_dir) DIR *directory = io_list(patient->root, GUESTS);
    for (struct dirent *entry; directory && (entry = io_next_entry(directory, &result));) {
        size_t length = strlen(entry->d_name);
        if (length <= 4 || strcmp(entry->d_name + length - 4, ".xml") != 0)
            continue;
        count++;
        check_guest(patient, dirfd(directory), entry->d_name, finding);
    }
    if (directory && finding_is_empty(finding))
        finding_add(finding, VERDICT_OK, NULL,
                    count == 1 ? "%zu guest is defined, and what it asks for is there"
                               : "%zu guests are defined, and what they ask for is there",
                    count);
}
