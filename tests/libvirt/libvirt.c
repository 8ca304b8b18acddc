/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt - as much of libvirt's client library as vfpool-gate uses, on files that tests write, too: below
 * $FAKE_LIBVIRT, or below ROOT/libvirt for the program ROOT/usr/sbin/vfpool-gate, whose callers leave it no environment
 *
 *   networks/NAME.persistent   a definition; NAME.autostart beside it
 *   networks/NAME.active       the XML of one that runs
 *   networks/NAME.connections  how many of its VFs it counts as in use; NAME.count/ADDRESS: those that it does
 *   ports/NAME/UUID.xml
 *   domains/UUID.xml           a guest that runs; UUID.inactive: one that is defined, with its XML where that matters
 *   calls                      a line for each call that would go to the daemon
 *   fault                      "WHICH WHAT": the call of that name, or the WHICH-th of all; fail, hang, kill (before it
 *                              has done anything) or killed (after)
 *
 * libvirt's own test driver has no network ports, and forgets all with the process. What is modelled is what
 * docs/design.md, section 2, says of libvirt, F3, F24, F25 and F27 above all.
 */
#include <errno.h>
#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "domain.h"
#include "io.h"
#include "memory.h"
#include "xml.h"

#define PATH_SIZE 4096

struct _virConnect {
    int unused;
};

struct _virNetwork {
    char name[256];
};

struct _virNetworkPort {
    char network[256], uuid[VIR_UUID_STRING_BUFLEN];
};

struct _virDomain {
    char uuid[VIR_UUID_STRING_BUFLEN];
};

static struct {
    int code;
    char words[512];
} last;

static int fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last.words, sizeof last.words, format, arguments);
    va_end(arguments);
    last.code = code;
    return -1;
}

static void must(bool true_, const char *what)
{
    if (true_)
        return;
    perror(what);
    abort();
}

/* ---- files ---- */

static const char *libvirt_directory(void)
{
    static char directory[PATH_SIZE];
    if (getenv("FAKE_LIBVIRT"))
        return getenv("FAKE_LIBVIRT");
    if (!directory[0]) {
        ssize_t length = readlink("/proc/self/exe", directory, sizeof directory - sizeof "/libvirt");
        must(length > 0, "/proc/self/exe");
        directory[length] = '\0';
        char *end = strstr(directory, "/usr/sbin/");
        must(end, "FAKE_LIBVIRT is not set");
        strcpy(end, "/libvirt");
    }
    return directory;
}

static const char *path_of(char path[PATH_SIZE], const char *format, ...) __attribute__((format(printf, 2, 3)));
static const char *path_of(char path[PATH_SIZE], const char *format, ...)
{
    int length = snprintf(path, PATH_SIZE, "%s/", libvirt_directory());
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path + length, PATH_SIZE - (size_t)length, format, arguments);
    va_end(arguments);
    return path;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* Return: NULL when it is not there. */
static char *read_file(const char *path)
{
    char *text = NULL;
    size_t length;
    int result = io_read_file(AT_FDCWD, path, XML_MAX_BYTES, &text, &length);
    must(result == 0 || result == -ENOENT, path);
    return text;
}

static void write_file(const char *path, const char *text)
{
    char directory[PATH_SIZE];
    snprintf(directory, sizeof directory, "%s", path);
    *strrchr(directory, '/') = '\0';
    must(mkdir(directory, 0755) == 0 || errno == EEXIST, directory);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    must(file >= 0 && io_write(file, text, strlen(text)) == 0 && close(file) == 0, path);
}

static void remove_file(const char *path)
{
    must(unlink(path) == 0 || errno == ENOENT, path);
}

/* The names in a directory that end in @suffix, without it. Return: how many; 0 when it is not there. */
static size_t list_files(const char *path, const char *suffix, char names[256][64])
{
    size_t count = 0;
    int result = 0;
    _cleanup_(cleanup_dir) DIR *directory = io_list(AT_FDCWD, path);
    for (struct dirent *entry; directory && (entry = io_next_entry(directory, &result));) {
        size_t length = strlen(entry->d_name), end = strlen(suffix);
        if (entry->d_name[0] == '.' || length <= end || strcmp(entry->d_name + length - end, suffix) != 0)
            continue;
        must(count < 256 && length - end < 64, path);
        snprintf(names[count++], 64, "%.*s", (int)(length - end), entry->d_name);
    }
    return count;
}

/* ---- calls ---- */

struct call {
    int lock;
    bool kill;
};

/* Of tests/memory/fail.c, where it is preloaded: a call is libvirt's own doing, and done whole or not at all. */
void fail_pause(bool paused) __attribute__((weak));

static void pause_failures(bool paused)
{
    if (fail_pause)
        fail_pause(paused);
}

/* The end of each call: what it did is done. */
static void end_call(struct call *call)
{
    pause_failures(false);
    if (call->kill)
        raise(SIGKILL);
    close(call->lock);
}

/* Return: whether the call is to fail. */
static bool meet_fault(struct call *call, const char *name, int number)
{
    char path[PATH_SIZE], which[64] = "", what[16] = "";
    _cleanup_(cleanup_free) char *fault = read_file(path_of(path, "fault"));
    if (!fault || sscanf(fault, "%63s %15s", which, what) != 2 || (strcmp(which, name) != 0 && atoi(which) != number))
        return false;
    if (strcmp(what, "kill") == 0)
        raise(SIGKILL);
    if (strcmp(what, "hang") == 0)
        close(call->lock);
    while (strcmp(what, "hang") == 0)
        pause();
    call->kill = strcmp(what, "killed") == 0;
    return strcmp(what, "fail") == 0;
}

/* Return: whether the call is to be done. */
static bool begin_call(struct call *call, const char *name, const char *object)
{
    char path[PATH_SIZE];
    int number = 1;
    pause_failures(true);
    call->lock = open(path_of(path, "lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    must(call->lock >= 0 && flock(call->lock, LOCK_EX) == 0, path);
    _cleanup_(cleanup_free) char *calls = read_file(path_of(path, "calls"));
    for (const char *byte = calls; byte && *byte; byte++)
        number += *byte == '\n';
    int log = open(path_of(path, "calls"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    must(log >= 0 && dprintf(log, "%s %s\n", name, object) > 0 && close(log) == 0, path);
    last.code = 0;
    if (!meet_fault(call, name, number))
        return true;
    fail(VIR_ERR_INTERNAL_ERROR, "%s is made to fail", name);
    return false;
}

#define CALL(object, failure)                                                                                          \
    _cleanup_(end_call) struct call call = {0};                                                                        \
    if (!begin_call(&call, __func__, object))                                                                          \
    return failure

/* ---- the connection, and errors ---- */

void virSetErrorFunc(void *context, virErrorFunc handler)
{
    (void)context, (void)handler;
}

const char *virGetLastErrorMessage(void)
{
    return last.code ? last.words : "no error";
}

int virGetLastErrorCode(void)
{
    return last.code;
}

virConnectPtr virConnectOpen(const char *uri)
{
    CALL(uri, NULL);
    return memory_new(1, sizeof(struct _virConnect));
}

int virConnectClose(virConnectPtr connection)
{
    free(connection);
    return 0;
}

/* What the file "version" says, else that of Debian 13. */
int virConnectGetLibVersion(virConnectPtr connection, unsigned long *version)
{
    char path[PATH_SIZE];
    (void)connection;
    CALL("", -1);
    _cleanup_(cleanup_free) char *text = read_file(path_of(path, "version"));
    *version = text ? strtoul(text, NULL, 10) : 11003000;
    return 0;
}

/* ---- networks ---- */

static char *network_file(char path[PATH_SIZE], const char *name, const char *suffix)
{
    return (char *)path_of(path, "networks/%s.%s", name, suffix);
}

static bool network_is(const char *name, const char *state)
{
    char path[PATH_SIZE];
    return exists(network_file(path, name, state));
}

static xmlDocPtr parse(const char *text, const char *root)
{
    struct error error = {0};
    xmlDocPtr doc = NULL;
    if (text && xml_parse(text, strlen(text), "the XML", &doc, &error) == 0 && xml_is(xmlDocGetRootElement(doc), root))
        return doc;
    cleanup_xml_doc(&doc);
    fail(VIR_ERR_XML_ERROR, "XML error: %s", error.code ? error.message : "unexpected root element");
    return NULL;
}

static xmlDocPtr read_network(const char *name, const char *state)
{
    char path[PATH_SIZE];
    _cleanup_(cleanup_free) char *text = read_file(network_file(path, name, state));
    return text ? parse(text, "network") : NULL;
}

static int connections(const char *name)
{
    char path[PATH_SIZE];
    _cleanup_(cleanup_free) char *text = read_file(network_file(path, name, "connections"));
    return text ? atoi(text) : 0;
}

static void set_connections(const char *name, int count)
{
    char path[PATH_SIZE], text[16];
    snprintf(text, sizeof text, "%d\n", count > 0 ? count : 0);
    write_file(network_file(path, name, "connections"), text);
}

virNetworkPtr virNetworkLookupByName(virConnectPtr connection, const char *name)
{
    CALL(name, NULL);
    (void)connection;
    if (!network_is(name, "persistent") && !network_is(name, "active")) {
        fail(VIR_ERR_NO_NETWORK, "Network not found: no network with matching name '%s'", name);
        return NULL;
    }
    virNetworkPtr network = memory_new(1, sizeof *network);
    snprintf(network->name, sizeof network->name, "%s", name);
    return network;
}

int virNetworkFree(virNetworkPtr network)
{
    free(network);
    return 0;
}

int virNetworkIsActive(virNetworkPtr network)
{
    CALL(network->name, -1);
    return network_is(network->name, "active");
}

int virNetworkIsPersistent(virNetworkPtr network)
{
    CALL(network->name, -1);
    return network_is(network->name, "persistent");
}

int virNetworkGetAutostart(virNetworkPtr network, int *autostart)
{
    CALL(network->name, -1);
    *autostart = network_is(network->name, "autostart");
    return 0;
}

int virNetworkSetAutostart(virNetworkPtr network, int autostart)
{
    CALL(network->name, -1);
    char path[PATH_SIZE];
    network_file(path, network->name, "autostart");
    if (!network_is(network->name, "persistent"))
        return fail(VIR_ERR_OPERATION_INVALID, "cannot set autostart for transient network");
    if (autostart)
        write_file(path, "");
    else
        remove_file(path);
    return 0;
}

char *virNetworkGetXMLDesc(virNetworkPtr network, unsigned int flags)
{
    CALL(network->name, NULL);
    struct error error = {0};
    bool active = !(flags & VIR_NETWORK_XML_INACTIVE) && network_is(network->name, "active");
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = read_network(network->name, active ? "active" : "persistent");
    char *text = NULL;
    size_t length;
    if (!doc) {
        fail(VIR_ERR_NO_NETWORK, "Network not found");
        return NULL;
    }
    if (active)
        xml_set_number(xmlDocGetRootElement(doc), "connections", (unsigned long)connections(network->name));
    must(xml_format(doc, false, &text, &length, &error) == 0, "network");
    return text;
}

static int read_uuid(const char *name, char *uuid)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc =
        read_network(name, network_is(name, "persistent") ? "persistent" : "active");
    _cleanup_(cleanup_xml_string) char *text = doc ? xml_text(xml_child(xmlDocGetRootElement(doc), "uuid")) : NULL;
    if (!text || domain_parse_uuid(text, uuid) < 0)
        return fail(VIR_ERR_NO_NETWORK, "Network not found");
    return 0;
}

int virNetworkGetUUIDString(virNetworkPtr network, char *uuid)
{
    return read_uuid(network->name, uuid);
}

virNetworkPtr virNetworkDefineXML(virConnectPtr connection, const char *xml)
{
    char path[PATH_SIZE], have[VIR_UUID_STRING_BUFLEN], want[VIR_UUID_STRING_BUFLEN] = "";
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = parse(xml, "network");
    xmlNodePtr root = doc ? xmlDocGetRootElement(doc) : NULL;
    _cleanup_(cleanup_xml_string) char *name = xml_text(xml_child(root, "name"));
    _cleanup_(cleanup_xml_string) char *uuid = xml_text(xml_child(root, "uuid"));
    CALL(name ? name : "?", NULL);
    (void)connection;
    if (!name)
        return NULL;
    bool known = network_is(name, "persistent") || network_is(name, "active");
    if (uuid && domain_parse_uuid(uuid, want) < 0) {
        fail(VIR_ERR_XML_ERROR, "XML error: malformed uuid element");
        return NULL;
    }
    if (known && read_uuid(name, have) == 0 && strcmp(want, have) != 0) {
        fail(VIR_ERR_OPERATION_FAILED, "operation failed: network '%s' already exists with uuid %s", name, have);
        return NULL;
    }
    if (!uuid)
        xml_add_text(root, "uuid", "11111111-1111-4111-8111-111111111111");
    struct error error = {0};
    _cleanup_(cleanup_free) char *text = NULL;
    size_t length;
    must(xml_format(doc, false, &text, &length, &error) == 0, "network");
    write_file(network_file(path, name, "persistent"), text);
    virNetworkPtr network = memory_new(1, sizeof *network);
    snprintf(network->name, sizeof network->name, "%s", name);
    return network;
}

int virNetworkUndefine(virNetworkPtr network)
{
    CALL(network->name, -1);
    char path[PATH_SIZE];
    remove_file(network_file(path, network->name, "persistent"));
    remove_file(network_file(path, network->name, "autostart"));
    return 0;
}

int virNetworkCreate(virNetworkPtr network)
{
    CALL(network->name, -1);
    char path[PATH_SIZE];
    _cleanup_(cleanup_free) char *xml = read_file(network_file(path, network->name, "persistent"));
    if (!xml || network_is(network->name, "active"))
        return fail(VIR_ERR_OPERATION_INVALID, "network is already active, or not defined");
    write_file(network_file(path, network->name, "active"), xml);
    set_connections(network->name, 0);
    return 0;
}

static void remove_files(const char *directory, const char *suffix)
{
    char names[256][64], path[PATH_SIZE + 128];
    size_t count = list_files(directory, suffix, names);
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s%s", directory, names[i], suffix);
        remove_file(path);
    }
}

/* F24: it forgets every port. */
int virNetworkDestroy(virNetworkPtr network)
{
    CALL(network->name, -1);
    char path[PATH_SIZE];
    if (!network_is(network->name, "active"))
        return fail(VIR_ERR_OPERATION_INVALID, "network '%s' is not active", network->name);
    remove_files(path_of(path, "ports/%s", network->name), ".xml");
    remove_files(network_file(path, network->name, "count"), "");
    remove_file(network_file(path, network->name, "connections"));
    remove_file(network_file(path, network->name, "active"));
    return 0;
}

/* ---- ports ---- */

static virNetworkPortPtr make_port(const char *network, const char *uuid)
{
    virNetworkPortPtr port = memory_new(1, sizeof *port);
    snprintf(port->network, sizeof port->network, "%s", network);
    snprintf(port->uuid, sizeof port->uuid, "%s", uuid);
    return port;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

int virNetworkListAllPorts(virNetworkPtr network, virNetworkPortPtr **ports, unsigned int flags)
{
    CALL(network->name, -1);
    char path[PATH_SIZE], names[256][64];
    (void)flags;
    if (!network_is(network->name, "active"))
        return fail(VIR_ERR_OPERATION_INVALID, "network '%s' is not active", network->name);
    size_t count = list_files(path_of(path, "ports/%s", network->name), ".xml", names);
    qsort(names, count, sizeof *names, compare_names);
    if (ports)
        *ports = memory_new(count + 1, sizeof **ports);
    for (size_t i = 0; i < count && ports; i++)
        (*ports)[i] = make_port(network->name, names[i]);
    return (int)count;
}

virNetworkPortPtr virNetworkPortLookupByUUIDString(virNetworkPtr network, const char *uuid)
{
    CALL(network->name, NULL);
    char path[PATH_SIZE];
    if (exists(path_of(path, "ports/%s/%s.xml", network->name, uuid)))
        return make_port(network->name, uuid);
    fail(VIR_ERR_NO_NETWORK_PORT, "network port not found: Network port with UUID %s does not exist", uuid);
    return NULL;
}

int virNetworkPortFree(virNetworkPortPtr port)
{
    free(port);
    return 0;
}

int virNetworkPortGetUUIDString(virNetworkPortPtr port, char *uuid)
{
    strcpy(uuid, port->uuid);
    return 0;
}

char *virNetworkPortGetXMLDesc(virNetworkPortPtr port, unsigned int flags)
{
    CALL(port->uuid, NULL);
    char path[PATH_SIZE];
    (void)flags;
    char *text = read_file(path_of(path, "ports/%s/%s.xml", port->network, port->uuid));
    if (!text)
        fail(VIR_ERR_NO_NETWORK_PORT, "network port not found");
    return text;
}

static int port_address(xmlDocPtr doc, struct pciaddr *address)
{
    return xml_pci_address(xml_child(xml_child(xmlDocGetRootElement(doc), "plug"), "address"), address);
}

static bool is_listed(const char *network, const struct pciaddr *address)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = read_network(network, "active");
    xmlNodePtr forward = doc ? xml_child(xmlDocGetRootElement(doc), "forward") : NULL;
    for (xmlNodePtr node = xml_child(forward, "address"); node; node = xml_next(node)) {
        struct pciaddr listed;
        if (xml_pci_address(node, &listed) == 0 && pciaddr_equal(&listed, address))
            return true;
    }
    return false;
}

/* F3, F25: RECLAIM for a named VF; one code for both ways to fail. */
virNetworkPortPtr virNetworkPortCreateXML(virNetworkPtr network, const char *xml, unsigned int flags)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = parse(xml, "networkport");
    _cleanup_(cleanup_xml_string) char *uuid = xml_text(xml_child(doc ? xmlDocGetRootElement(doc) : NULL, "uuid"));
    char path[PATH_SIZE], text[PCIADDR_SIZE] = "";
    struct pciaddr address = {0};
    bool plugged = doc && port_address(doc, &address) == 0;
    CALL(pciaddr_format(&address, text), NULL);
    must(flags == VIR_NETWORK_PORT_CREATE_RECLAIM && uuid && plugged, "a port that is made by vfpool");
    if (!network_is(network->name, "active")) {
        fail(VIR_ERR_OPERATION_INVALID, "network '%s' is not active", network->name);
        return NULL;
    }
    if (exists(path_of(path, "ports/%s/%s.xml", network->name, uuid))) {
        fail(VIR_ERR_NETWORK_PORT_EXIST, "network port with UUID %s already exists", uuid);
        return NULL;
    }
    if (!is_listed(network->name, &address) || exists(path_of(path, "networks/%s.count/%s", network->name, text))) {
        fail(VIR_ERR_INTERNAL_ERROR, "internal error: network '%s' claims dev='%s' is in use or not there",
             network->name, text);
        return NULL;
    }
    write_file(path, "");
    must(mkdir(path_of(path, "ports"), 0755) == 0 || errno == EEXIST, path);
    write_file(path_of(path, "ports/%s/%s.xml", network->name, uuid), xml);
    set_connections(network->name, connections(network->name) + 1);
    return make_port(network->name, uuid);
}

int virNetworkPortDelete(virNetworkPortPtr port, unsigned int flags)
{
    CALL(port->uuid, -1);
    char path[PATH_SIZE], text[PCIADDR_SIZE];
    struct pciaddr address;
    (void)flags;
    _cleanup_(cleanup_free) char *xml = read_file(path_of(path, "ports/%s/%s.xml", port->network, port->uuid));
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = xml ? parse(xml, "networkport") : NULL;
    if (!doc)
        return fail(VIR_ERR_NO_NETWORK_PORT, "network port not found");
    remove_file(path);
    if (port_address(doc, &address) == 0)
        remove_file(path_of(path, "networks/%s.count/%s", port->network, pciaddr_format(&address, text)));
    set_connections(port->network, connections(port->network) - 1);
    return 0;
}

/* ---- domains ---- */

static virDomainPtr make_domain(const char *uuid)
{
    virDomainPtr domain = memory_new(1, sizeof *domain);
    snprintf(domain->uuid, sizeof domain->uuid, "%s", uuid);
    return domain;
}

int virConnectListAllDomains(virConnectPtr connection, virDomainPtr **domains, unsigned int flags)
{
    CALL("", -1);
    char path[PATH_SIZE], names[256][64];
    (void)connection;
    bool active = flags == VIR_CONNECT_LIST_DOMAINS_ACTIVE;
    must(active || flags == VIR_CONNECT_LIST_DOMAINS_INACTIVE, "guests that run, or that do not");
    size_t count = list_files(path_of(path, "domains"), active ? ".xml" : ".inactive", names);
    *domains = memory_new(count + 1, sizeof **domains);
    for (size_t i = 0; i < count; i++)
        (*domains)[i] = make_domain(names[i]);
    return (int)count;
}

virDomainPtr virDomainLookupByUUIDString(virConnectPtr connection, const char *uuid)
{
    CALL(uuid, NULL);
    char path[PATH_SIZE];
    (void)connection;
    if (exists(path_of(path, "domains/%s.xml", uuid)) || exists(path_of(path, "domains/%s.inactive", uuid)))
        return make_domain(uuid);
    fail(VIR_ERR_NO_DOMAIN, "Domain not found: no domain with matching uuid '%s'", uuid);
    return NULL;
}

virDomainPtr virDomainLookupByName(virConnectPtr connection, const char *name)
{
    CALL(name, NULL);
    char path[PATH_SIZE], names[256][64];
    static const char *const suffixes[] = {".xml", ".inactive"};
    (void)connection;
    for (size_t i = 0; i < 2; i++) {
        size_t count = list_files(path_of(path, "domains"), suffixes[i], names);
        for (size_t j = 0; j < count; j++) {
            _cleanup_(cleanup_free) char *text = read_file(path_of(path, "domains/%s%s", names[j], suffixes[i]));
            _cleanup_(cleanup_xml_doc) xmlDocPtr doc = text && text[0] ? parse(text, "domain") : NULL;
            _cleanup_(cleanup_xml_string) char *its =
                doc ? xml_text(xml_child(xmlDocGetRootElement(doc), "name")) : NULL;
            if (its && strcmp(its, name) == 0)
                return make_domain(names[j]);
        }
    }
    fail(VIR_ERR_NO_DOMAIN, "Domain not found: no domain with matching name '%s'", name);
    return NULL;
}

int virDomainIsActive(virDomainPtr domain)
{
    CALL(domain->uuid, -1);
    char path[PATH_SIZE];
    return exists(path_of(path, "domains/%s.xml", domain->uuid));
}

int virDomainGetUUIDString(virDomainPtr domain, char *uuid)
{
    CALL(domain->uuid, -1);
    strcpy(uuid, domain->uuid);
    return 0;
}

char *virDomainGetXMLDesc(virDomainPtr domain, unsigned int flags)
{
    CALL(domain->uuid, NULL);
    char path[PATH_SIZE];
    char *text = NULL;
    if (flags & VIR_DOMAIN_XML_INACTIVE)
        text = read_file(path_of(path, "domains/%s.inactive", domain->uuid));
    if (!text)
        text = read_file(path_of(path, "domains/%s.xml", domain->uuid));
    if (!text)
        fail(VIR_ERR_NO_DOMAIN, "Domain not found");
    return text;
}

int virDomainFree(virDomainPtr domain)
{
    free(domain);
    return 0;
}
