/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gate - vfpool-gate, the only program that talks to libvirt
 *
 * Not for people: lib/gate.c runs it and kills it past a deadline, as libvirt's client library has none. One call, one
 * connection, one line on standard error when it fails. Exit status: 0 done, 1 libvirt said no, 2 wrong arguments, 3
 * the network is not there or not active, 4 somebody else has the port.
 */
#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "domain.h"
#include "error.h"
#include "io.h"
#include "pciaddr.h"
#include "program.h"
#include "xml.h"

#define OWNER_NAME "vfpool"
#define OWNER_UUID "76667000-0000-4000-8000-000000000000"

enum { EXIT_NO_NETWORK = 3, EXIT_BUSY = 4 };

struct port {
    struct pciaddr address;
    char uuid[VIR_UUID_STRING_BUFLEN];
    char owner[256]; /* its name; a guest's, or ours */
    char owner_uuid[VIR_UUID_STRING_BUFLEN];
};

struct network {
    virConnectPtr connection;
    virNetworkPtr handle;
    unsigned int connections; /* how many of its VFs libvirt counts as in use */
    struct port *ports;
    size_t port_count;
    struct pciaddr *listed; /* what libvirt may pick */
    size_t listed_count;
};

static int complain(int code, const char *format, ...) printf_like(2, 3);
static int complain(int code, const char *format, ...)
{
    struct error line = {0};
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    error_set(&line, EIO, "%s", text);
    fprintf(stderr, "%s\n", line.message);
    return code;
}

static const char *libvirt_words(void)
{
    const char *words = virGetLastErrorMessage();
    return words ? words : "unknown error";
}

/* Errors are complained about where they matter, in one line. */
static void ignore_libvirt_error(void *context, virErrorPtr problem)
{
    (void)context, (void)problem;
}

static void close_network(struct network *network)
{
    free(network->ports);
    free(network->listed);
    if (network->handle)
        virNetworkFree(network->handle);
    if (network->connection)
        virConnectClose(network->connection);
}

static int connect_libvirt(const char *uri, virConnectPtr *connection)
{
    *connection = virConnectOpen(uri);
    if (*connection)
        return 0;
    return complain(EXIT_FAILED, "cannot reach libvirt: %s: is libvirtd (or virtnetworkd) running?", libvirt_words());
}

/* The addresses in the <forward> of an active network. */
static int read_listed(struct network *network, xmlNodePtr root)
{
    xmlNodePtr forward = xml_child(root, "forward");
    network->listed_count = 0;
    for (xmlNodePtr node = xml_child(forward, "address"); node; node = xml_next(node)) {
        struct pciaddr *larger = realloc(network->listed, (network->listed_count + 1) * sizeof *larger);
        if (!larger)
            return -ENOMEM;
        network->listed = larger;
        if (xml_pci_address(node, &larger[network->listed_count]) == 0)
            network->listed_count++;
    }
    return 0;
}

static int find_network(const char *name, struct network *network)
{
    int result = connect_libvirt("network:///system", &network->connection);
    if (result != 0)
        return result;
    network->handle = virNetworkLookupByName(network->connection, name);
    if (!network->handle && virGetLastErrorCode() == VIR_ERR_NO_NETWORK)
        return complain(EXIT_NO_NETWORK, "libvirt has no network '%s': run 'vfpool reconcile'", name);
    return network->handle ? 0 : complain(EXIT_FAILED, "libvirt network '%s': %s", name, libvirt_words());
}

static int open_network(const char *name, struct network *network)
{
    int result = find_network(name, network);
    if (result == 0 && virNetworkIsActive(network->handle) != 1)
        return complain(EXIT_NO_NETWORK, "libvirt network '%s' is not active: run 'vfpool reconcile'", name);
    return result;
}

static int read_network(const char *name, struct network *network)
{
    struct error error = {0};
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    char *text = virNetworkGetXMLDesc(network->handle, 0);
    if (!text)
        return complain(EXIT_FAILED, "libvirt network '%s': %s", name, libvirt_words());
    int result = xml_parse(text, strlen(text), "libvirt's network", &doc, &error);
    free(text);
    if (result == 0) {
        _cleanup_(cleanup_xml_string) char *number = xml_attribute(xmlDocGetRootElement(doc), "connections");
        network->connections = number ? (unsigned int)strtoul(number, NULL, 10) : 0;
        result = read_listed(network, xmlDocGetRootElement(doc));
    }
    return result < 0 ? complain(EXIT_FAILED, "libvirt network '%s': %s", name, error.message) : 0;
}

/* Return: 0, also for a port without a PCI device, which is none of ours; -ENOMEM. */
static int read_port(struct network *network, virNetworkPortPtr handle)
{
    struct error error = {0};
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    struct port port = {0};
    char *text = virNetworkPortGetXMLDesc(handle, 0);
    /* One that went away between the list and now. */
    if (!text || virNetworkPortGetUUIDString(handle, port.uuid) < 0) {
        free(text);
        return 0;
    }
    int result = xml_parse(text, strlen(text), "libvirt's network port", &doc, &error);
    free(text);
    if (result < 0)
        return result;
    xmlNodePtr root = xmlDocGetRootElement(doc);
    _cleanup_(cleanup_xml_string) char *owner = xml_text(xml_child(xml_child(root, "owner"), "name"));
    _cleanup_(cleanup_xml_string) char *uuid = xml_text(xml_child(xml_child(root, "owner"), "uuid"));
    snprintf(port.owner, sizeof port.owner, "%s", owner ? owner : "");
    snprintf(port.owner_uuid, sizeof port.owner_uuid, "%s", uuid ? uuid : "");
    if (xml_pci_address(xml_child(xml_child(root, "plug"), "address"), &port.address) < 0)
        return 0;
    struct port *larger = realloc(network->ports, (network->port_count + 1) * sizeof *larger);
    if (!larger)
        return -ENOMEM;
    network->ports = larger;
    larger[network->port_count++] = port;
    return 0;
}

static int read_ports(const char *name, struct network *network)
{
    virNetworkPortPtr *handles = NULL;
    int count = virNetworkListAllPorts(network->handle, &handles, 0), result = 0;
    if (count < 0)
        return complain(EXIT_FAILED, "cannot list the ports of libvirt network '%s': %s", name, libvirt_words());
    for (int i = 0; i < count; i++) {
        if (result == 0)
            result = read_port(network, handles[i]);
        virNetworkPortFree(handles[i]);
    }
    free(handles);
    return result < 0 ? complain(EXIT_FAILED, "cannot read the ports of libvirt network '%s'", name) : 0;
}

static struct port *find_port(const struct network *network, const struct pciaddr *address)
{
    for (size_t i = 0; i < network->port_count; i++)
        if (pciaddr_equal(&network->ports[i].address, address))
            return &network->ports[i];
    return NULL;
}

static bool is_listed(const struct network *network, const struct pciaddr *address)
{
    for (size_t i = 0; i < network->listed_count; i++)
        if (pciaddr_equal(&network->listed[i], address))
            return true;
    return false;
}

/* Derived from the address: a port made again after a network was, is the same port. */
static void port_uuid(const struct pciaddr *address, char uuid[VIR_UUID_STRING_BUFLEN])
{
    snprintf(uuid, VIR_UUID_STRING_BUFLEN, "%08x-7666-4000-8000-%012x", address->domain,
             (unsigned int)(pciaddr_key(address) & 0xffff));
}

static int hold(struct network *network, const struct pciaddr *address)
{
    char xml[1024], uuid[VIR_UUID_STRING_BUFLEN], text[PCIADDR_SIZE];
    if (find_port(network, address) || !is_listed(network, address))
        return 0;
    port_uuid(address, uuid);
    /* The MAC address is required and never used: a unicast, locally administered one. */
    snprintf(xml, sizeof xml,
             "<networkport><uuid>%s</uuid><owner><name>" OWNER_NAME "</name><uuid>" OWNER_UUID "</uuid></owner>"
             "<mac address='52:54:00:00:00:01'/><plug type='hostdev-pci' managed='yes'><driver name='vfio'/>"
             "<address domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'/></plug></networkport>",
             uuid, address->domain, address->bus, address->slot, address->function & 7U);
    virNetworkPortPtr port = virNetworkPortCreateXML(network->handle, xml, VIR_NETWORK_PORT_CREATE_RECLAIM);
    if (!port)
        return complain(EXIT_FAILED, "cannot hold VF %s: %s", pciaddr_format(address, text), libvirt_words());
    virNetworkPortFree(port);
    printf("held %s\n", pciaddr_format(address, text));
    return 0;
}

static int release(struct network *network, const char *name, const struct pciaddr *address)
{
    char text[PCIADDR_SIZE];
    const struct port *port = find_port(network, address);
    pciaddr_format(address, text);
    if (!is_listed(network, address))
        return complain(EXIT_NO_NETWORK, "libvirt network '%s' does not list VF %s: run 'vfpool reconcile'", name,
                        text);
    if (!port)
        return 0;
    if (strcmp(port->owner, OWNER_NAME) != 0)
        return complain(EXIT_BUSY, "VF %s has a port of '%s' on libvirt network '%s' already", text, port->owner, name);
    virNetworkPortPtr handle = virNetworkPortLookupByUUIDString(network->handle, port->uuid);
    int result = handle ? virNetworkPortDelete(handle, 0) : -1;
    if (handle)
        virNetworkPortFree(handle);
    if (result < 0)
        return complain(EXIT_FAILED, "cannot free VF %s: %s", text, libvirt_words());
    printf("freed %s\n", text);
    return 0;
}

/* Does one kind of line of the input: "hold ADDRESS" or "free ADDRESS". */
static int apply(struct network *network, const char *name, const char *input, const char *verb)
{
    size_t length = strlen(verb);
    for (const char *line = input; *line; line += strcspn(line, "\n") + (strchr(line, '\n') != NULL)) {
        struct pciaddr address;
        char text[PCIADDR_SIZE] = "";
        if (strncmp(line, verb, length) != 0)
            continue;
        snprintf(text, sizeof text, "%.*s", (int)strcspn(line + length, "\n"), line + length);
        if (pciaddr_parse(text, &address) < 0)
            return complain(EXIT_USAGE, "'%s' is not a PCI address", text);
        int result = verb[0] == 'h' ? hold(network, &address) : release(network, name, &address);
        if (result != 0)
            return result;
    }
    return 0;
}

/* Ports of an active network, as XML that makes them again. */
struct kept {
    char **xml;
    int count;
};

static void free_kept(struct kept *kept)
{
    for (int i = 0; i < kept->count; i++)
        free(kept->xml[i]);
    free(kept->xml);
}

/* @ours: those that vfpool holds as well */
static int keep_ports(const char *name, struct network *network, bool ours, struct kept *kept)
{
    virNetworkPortPtr *handles = NULL;
    int count = virNetworkListAllPorts(network->handle, &handles, 0);
    if (count < 0)
        return complain(EXIT_FAILED, "cannot list the ports of libvirt network '%s': %s", name, libvirt_words());
    kept->xml = calloc((size_t)count + 1, sizeof *kept->xml);
    for (int i = 0; i < count; i++) {
        char *xml = kept->xml ? virNetworkPortGetXMLDesc(handles[i], 0) : NULL;
        if (xml && (ours || !strstr(xml, "<uuid>" OWNER_UUID "</uuid>")))
            kept->xml[kept->count++] = xml;
        else
            free(xml);
        virNetworkPortFree(handles[i]);
    }
    free(handles);
    return kept->xml ? 0 : complain(EXIT_FAILED, "out of memory");
}

/* A VF that the network does not list any more cannot have its port back: its guest runs on, and stops as usual. */
static void make_ports_again(const struct network *network, const struct kept *kept)
{
    for (int i = 0; i < kept->count; i++) {
        virNetworkPortPtr port =
            virNetworkPortCreateXML(network->handle, kept->xml[i], VIR_NETWORK_PORT_CREATE_RECLAIM);
        if (port)
            virNetworkPortFree(port);
    }
}

/*
 * A reload (SIGHUP) makes libvirt forget how many ports each VF has, and not the ports: it gives out VFs that are taken
 * or held. From then on its count is wrong by as many ports as there were. A difference that comes and goes is only a
 * port that was made or deleted between the two questions.
 */
static bool is_miscounted(const char *name, struct network *network)
{
    for (int i = 0; i < 3; i++)
        if ((int)network->connections == virNetworkListAllPorts(network->handle, NULL, 0) ||
            read_network(name, network) != 0)
            return false;
    return true;
}

/* libvirt's count is right again after the network was ended and started. Running guests do not notice. */
static int count_again(const char *name, struct network *network)
{
    _cleanup_(free_kept) struct kept kept = {0};
    if (!is_miscounted(name, network) || virNetworkIsPersistent(network->handle) != 1)
        return 0;
    int result = keep_ports(name, network, true, &kept);
    if (result == 0 && (virNetworkDestroy(network->handle) < 0 || virNetworkCreate(network->handle) < 0))
        result = complain(EXIT_FAILED, "cannot start libvirt network '%s' again: %s", name, libvirt_words());
    if (result == 0)
        make_ports_again(network, &kept);
    return result;
}

/* set NETWORK < lines. Everything is held before anything is freed: in between nothing more is open than afterwards. */
static int cmd_set(char **arguments)
{
    _cleanup_(close_network) struct network network = {0};
    _cleanup_(cleanup_free) char *input = NULL;
    const char *name = arguments[0];
    size_t length = 0;
    if (io_read(STDIN_FILENO, XML_MAX_BYTES, IO_NO_DEADLINE, &input, &length) < 0)
        return complain(EXIT_FAILED, "cannot read standard input");
    int result = open_network(name, &network);
    if (result == 0)
        result = read_network(name, &network);
    /* Whoever frees a VF has the turn: nobody else ends the network meanwhile. */
    if (result == 0 && strstr(input, "free "))
        result = count_again(name, &network);
    if (result == 0)
        result = read_ports(name, &network);
    if (result == 0)
        result = apply(&network, name, input, "hold ");
    return result == 0 ? apply(&network, name, input, "free ") : result;
}

/* list NETWORK: "ADDRESS PORT-UUID OWNER-UUID OWNER" of each port. */
static int cmd_list(char **arguments)
{
    _cleanup_(close_network) struct network network = {0};
    int result = open_network(arguments[0], &network);
    if (result == 0)
        result = read_ports(arguments[0], &network);
    for (size_t i = 0; i < network.port_count && result == 0; i++) {
        char text[PCIADDR_SIZE];
        printf("%s %s %s %s\n", pciaddr_format(&network.ports[i].address, text), network.ports[i].uuid,
               network.ports[i].owner_uuid, network.ports[i].owner);
    }
    return result;
}

/* open NETWORK: every port of ours goes. */
static int cmd_open(char **arguments)
{
    _cleanup_(close_network) struct network network = {0};
    int result = open_network(arguments[0], &network);
    if (result == 0)
        result = read_network(arguments[0], &network);
    if (result == 0)
        result = count_again(arguments[0], &network);
    if (result == 0)
        result = read_ports(arguments[0], &network);
    for (size_t i = 0; i < network.port_count && result == 0; i++)
        if (strcmp(network.ports[i].owner, OWNER_NAME) == 0)
            result = release(&network, arguments[0], &network.ports[i].address);
    return result;
}

/*
 * prune NETWORK: ports of guests that are defined and do not run go. libvirt forgets a guest when it is killed in the
 * middle of its start, and not the guest's port. A port of whoever is no guest stays.
 */
static int cmd_prune(char **arguments)
{
    _cleanup_(close_network) struct network network = {0};
    virConnectPtr connection = NULL;
    int result = open_network(arguments[0], &network);
    if (result == 0)
        result = read_ports(arguments[0], &network);
    if (result == 0)
        result = connect_libvirt("qemu:///system", &connection);
    for (size_t i = 0; i < network.port_count && result == 0; i++) {
        const struct port *port = &network.ports[i];
        bool ours = strcmp(port->owner, OWNER_NAME) == 0;
        virDomainPtr domain = ours ? NULL : virDomainLookupByUUIDString(connection, port->owner_uuid);
        virNetworkPortPtr handle = domain && virDomainIsActive(domain) == 0
                                       ? virNetworkPortLookupByUUIDString(network.handle, port->uuid)
                                       : NULL;
        if (handle && virNetworkPortDelete(handle, 0) == 0)
            printf("'%s'\n", port->owner);
        if (handle)
            virNetworkPortFree(handle);
        if (domain)
            virDomainFree(domain);
    }
    if (connection)
        virConnectClose(connection);
    return result;
}

/* network NETWORK: "active", "miscounted" (see count_again) or "inactive", and its XML. */
static int cmd_network(char **arguments)
{
    _cleanup_(close_network) struct network network = {0};
    const char *state = "inactive";
    int result = find_network(arguments[0], &network);
    if (result == 0 && virNetworkIsActive(network.handle) == 1 && read_network(arguments[0], &network) == 0)
        state = is_miscounted(arguments[0], &network) ? "miscounted" : "active";
    char *text = result == 0 ? virNetworkGetXMLDesc(network.handle, 0) : NULL;
    if (result == 0 && !text)
        return complain(EXIT_FAILED, "libvirt network '%s': %s", arguments[0], libvirt_words());
    if (text)
        printf("%s\n%s", state, text);
    free(text);
    return result;
}

/* A network keeps the UUID that it has, where the pool does not say one: libvirt takes no other by the same name. */
static int keep_uuid(virNetworkPtr old, char **xml)
{
    struct error error = {0};
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    char uuid[VIR_UUID_STRING_BUFLEN], *text = NULL;
    size_t length = 0;
    int result = virNetworkGetUUIDString(old, uuid) < 0 ? -EIO : xml_parse(*xml, strlen(*xml), "network", &doc, &error);
    xmlNodePtr root = result == 0 ? xmlDocGetRootElement(doc) : NULL, given = xml_child(root, "uuid");
    _cleanup_(cleanup_xml_string) char *wanted = xml_text(given);
    if (wanted && strcmp(wanted, uuid) != 0)
        return virNetworkIsPersistent(old) == 1 ? virNetworkUndefine(old) : 0;
    if (result == 0 && !given && !xmlNewTextChild(root, NULL, (const xmlChar *)"uuid", (const xmlChar *)uuid))
        result = -ENOMEM;
    if (result == 0)
        result = xml_format(doc, false, &text, &length, &error);
    if (result == 0) {
        free(*xml);
        *xml = text;
    }
    return result;
}

/*
 * define NETWORK < XML: define it anew, and have it active, and at each start of libvirt. libvirt cannot change the
 * addresses of an active network, and forgets all ports of one that it ends; running guests do not notice, and have
 * their ports back a moment later.
 */
static int cmd_define(char **arguments)
{
    _cleanup_(close_network) struct network network = {0};
    _cleanup_(free_kept) struct kept kept = {0};
    _cleanup_(cleanup_free) char *input = NULL;
    const char *name = arguments[0];
    size_t length = 0;
    if (io_read(STDIN_FILENO, XML_MAX_BYTES, IO_NO_DEADLINE, &input, &length) < 0)
        return complain(EXIT_FAILED, "cannot read standard input");
    int result = connect_libvirt("network:///system", &network.connection);
    if (result != 0)
        return result;
    network.handle = virNetworkLookupByName(network.connection, name);
    if (network.handle && virNetworkIsActive(network.handle) == 1) {
        result = keep_ports(name, &network, false, &kept);
        if (result == 0 && virNetworkDestroy(network.handle) < 0)
            result = complain(EXIT_FAILED, "cannot end libvirt network '%s': %s", name, libvirt_words());
    }
    if (network.handle && result == 0 && keep_uuid(network.handle, &input) < 0)
        result = complain(EXIT_FAILED, "cannot change libvirt network '%s': %s", name, libvirt_words());
    if (network.handle)
        virNetworkFree(network.handle);
    network.handle = result == 0 ? virNetworkDefineXML(network.connection, input) : NULL;
    if (result == 0 && (!network.handle || virNetworkSetAutostart(network.handle, 1) < 0 ||
                        (virNetworkIsActive(network.handle) != 1 && virNetworkCreate(network.handle) < 0)))
        result = complain(EXIT_FAILED, "cannot make libvirt network '%s': %s", name, libvirt_words());
    if (result == 0)
        make_ports_again(&network, &kept);
    return result;
}

/* domains: the UUID of each guest that runs or is being started. */
static int cmd_domains(char **arguments)
{
    (void)arguments;
    virConnectPtr connection = NULL;
    virDomainPtr *domains = NULL;
    int result = connect_libvirt("qemu:///system", &connection);
    if (result != 0)
        return result;
    int count = virConnectListAllDomains(connection, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (count < 0)
        result = complain(EXIT_FAILED, "cannot list the running guests: %s", libvirt_words());
    for (int i = 0; i < count; i++) {
        char uuid[VIR_UUID_STRING_BUFLEN];
        if (virDomainGetUUIDString(domains[i], uuid) == 0)
            puts(uuid);
        virDomainFree(domains[i]);
    }
    free(domains);
    virConnectClose(connection);
    return result;
}

/* domain UUID: its XML as it is now. */
static int cmd_domain(char **arguments)
{
    virConnectPtr connection = NULL;
    int result = connect_libvirt("qemu:///system", &connection);
    if (result != 0)
        return result;
    virDomainPtr domain = virDomainLookupByUUIDString(connection, arguments[0]);
    char *text = domain ? virDomainGetXMLDesc(domain, 0) : NULL;
    if (text)
        fputs(text, stdout);
    else
        result =
            complain(virGetLastErrorCode() == VIR_ERR_NO_DOMAIN ? EXIT_NO_NETWORK : EXIT_FAILED, "%s", libvirt_words());
    free(text);
    if (domain)
        virDomainFree(domain);
    virConnectClose(connection);
    return result;
}

static const struct {
    const char *name;
    int argument_count;
    int (*run)(char **arguments);
} commands[] = {
    {"set", 1, cmd_set},       {"open", 1, cmd_open},       {"list", 1, cmd_list},     {"network", 1, cmd_network},
    {"define", 1, cmd_define}, {"domains", 0, cmd_domains}, {"domain", 1, cmd_domain}, {"prune", 1, cmd_prune},
};

int main(int argc, char **argv)
{
    virSetErrorFunc(NULL, ignore_libvirt_error);
    for (size_t i = 0; i < sizeof commands / sizeof *commands && argc > 1; i++) {
        if (strcmp(argv[1], commands[i].name) != 0 || argc != 2 + commands[i].argument_count)
            continue;
        int result = commands[i].run(argv + 2);
        if (fflush(stdout) != 0 && result == 0)
            return complain(EXIT_FAILED, "cannot write to standard output: %s", strerror(errno));
        return result;
    }
    return complain(EXIT_USAGE, "vfpool-gate is called by vfpool, not by hand");
}
