/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fake.h"
#include "memory.h"
#include "xml.h"

struct _virNetworkPort {
    char network[256], uuid[VIR_UUID_STRING_BUFLEN];
};

static virNetworkPortPtr make_port(const char *network, const char *uuid)
{
    virNetworkPortPtr port = memory_new(1, sizeof *port);
    snprintf(port->network, sizeof port->network, "%s", network);
    snprintf(port->uuid, sizeof port->uuid, "%.36s", uuid);
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
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = network_read(network, "active");
    xmlNodePtr forward = doc ? xml_child(xmlDocGetRootElement(doc), "forward") : NULL;
    for (xmlNodePtr node = xml_child(forward, "address"); node; node = xml_next(node)) {
        struct pciaddr listed;
        if (xml_pci_address(node, &listed) == 0 && pciaddr_equal(&listed, address))
            return true;
    }
    return false;
}

/* F3, F25: RECLAIM for a named VF; one code for both ways to fail. */
/* What a test has another process do just before the first port is made: $FAKE_BETWEEN, a shell's command. */
static void let_others(void)
{
    _cleanup_(cleanup_free) char *command = getenv("FAKE_BETWEEN") ? strdup(getenv("FAKE_BETWEEN")) : NULL;
    unsetenv("FAKE_BETWEEN");
    if (command)
        must(system(command) == 0, command);
}

virNetworkPortPtr virNetworkPortCreateXML(virNetworkPtr network, const char *xml, unsigned int flags)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = parse(xml, "networkport");
    _cleanup_(cleanup_xml_string) char *uuid = xml_text(xml_child(doc ? xmlDocGetRootElement(doc) : NULL, "uuid"));
    char path[PATH_SIZE], text[PCIADDR_SIZE] = "";
    struct pciaddr address = {0};
    bool plugged = doc && port_address(doc, &address) == 0;
    let_others();
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
    network_set_connections(network->name, network_connections(network->name) + 1);
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
    network_set_connections(port->network, network_connections(port->network) - 1);
    return 0;
}
