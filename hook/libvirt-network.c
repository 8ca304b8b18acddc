/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt-network.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "domain.h"
#include "error.h"
#include "hooks.h"
#include "io.h"
#include "ledger.h"
#include "libvirt-verb.h"
#include "memory.h"
#include "xml.h"

#define PORTS LEDGER_DIRECTORY "/ports"
#define FILE_SIZE (NAME_MAX + sizeof ".xml" + 1)

static const char *file_of(const char *network, char file[FILE_SIZE])
{
    snprintf(file, FILE_SIZE, "%s.xml", network);
    return file;
}

bool network_unfinished(const char *name)
{
    char path[sizeof PORTS + 1 + FILE_SIZE], file[FILE_SIZE];
    snprintf(path, sizeof path, PORTS "/%s", file_of(name, file));
    return io_may_be(GATE_ROOT_FD, path);
}

/* Return: a descriptor of the directory, locked until it is closed, or -1 after complaining. */
static int open_ports(void)
{
    int directory = ledger_directory(GATE_ROOT_FD, "ports");
    /* Whoever has it has a deadline, and so has this process. */
    if (directory >= 0 && flock(directory, LOCK_EX) == 0)
        return directory;
    libvirt_complain(GATE_FAILED, "cannot use /" PORTS ": %s", strerror(directory < 0 ? -directory : errno));
    cleanup_close(&directory);
    return -1;
}

/* Writes down the ports that are not ours, with their own XML, which makes them again. */
static int keep_ports(int directory, const char *network, const struct ports *ports)
{
    char file[FILE_SIZE];
    _cleanup_(cleanup_free) char *text = memory_copy("<ports>\n");
    for (size_t i = 0; i < ports->count; i++) {
        if (ports->ports[i].ours)
            continue;
        _cleanup_(cleanup_free) char *port = virNetworkPortGetXMLDesc(ports->ports[i].handle, 0);
        if (!port && virGetLastErrorCode() == VIR_ERR_NO_NETWORK_PORT) /* its guest has ended */
            continue;
        if (!port)
            return libvirt_complain(GATE_FAILED, "cannot read port %s of libvirt network '%s': %s",
                                    ports->ports[i].uuid, network, libvirt_words());
        char *longer = memory_format("%s%s", text, port);
        free(text);
        text = longer;
    }
    _cleanup_(cleanup_free) char *whole = memory_format("%s</ports>\n", text);
    int result = io_replace_file(directory, ".new", file_of(network, file), whole, strlen(whole), 0600);
    return result < 0 ? libvirt_complain(GATE_FAILED, "cannot write /" PORTS "/%s: %s", file, strerror(-result)) : 0;
}

static void say_lost(xmlNodePtr port, const char *network)
{
    _cleanup_(cleanup_xml_string) char *owner = xml_text(xml_child(xml_child(port, "owner"), "name"));
    struct pciaddr address;
    char text[PCIADDR_SIZE] = "?";
    if (xml_pci_address(xml_child(xml_child(port, "plug"), "address"), &address) == 0)
        pciaddr_format(&address, text);
    libvirt_say(GATE_NOTE, "the port of guest '%s' on libvirt network '%s', VF %s, could not be made again: %s",
                owner ? owner : "?", network, text, libvirt_words());
}

static void make_port(const struct libvirt_network *network, xmlNodePtr node)
{
    _cleanup_(cleanup_free) char *xml = xml_format_node(node);
    _cleanup_(cleanup_xml_string) char *uuid = xml_text(xml_child(node, "uuid"));
    /* A killed call may have made it. libvirt's error does not tell that from a VF that somebody else has. */
    virNetworkPortPtr port = virNetworkPortLookupByUUIDString(network->handle, uuid ? uuid : "");
    if (!port)
        port = virNetworkPortCreateXML(network->handle, xml, VIR_NETWORK_PORT_CREATE_RECLAIM);
    if (port)
        virNetworkPortFree(port);
    else
        say_lost(node, network->name);
}

/* Steps 3 to 5, for the ports of others. */
static int start_again(int directory, const struct libvirt_network *network)
{
    char file[FILE_SIZE], words[512];
    _cleanup_(cleanup_free) char *text = NULL;
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    _cleanup_(error_free) struct error error = {0};
    size_t length = 0;
    if (libvirt_network_start(network, words, sizeof words) < 0)
        return libvirt_complain(GATE_FAILED,
                                "cannot start libvirt network '%s' again: %s; the ports of its guests are kept in "
                                "/" PORTS ": run 'vfpool reconcile'",
                                network->name, words);
    int result = io_read_file(directory, file_of(network->name, file), XML_MAX_BYTES, &text, &length);
    if (result == -ENOENT)
        return 0;
    if (result == 0)
        result = xml_parse(text, length, "/" PORTS, &doc, &error);
    if (result < 0)
        libvirt_say(GATE_NOTE, "the ports of the guests on libvirt network '%s' could not be made again: %s",
                    network->name, error.code ? error.message : strerror(-result));
    for (xmlNodePtr port = doc ? xml_child(xmlDocGetRootElement(doc), "networkport") : NULL; port;
         port = xml_next(port))
        make_port(network, port);
    if (unlinkat(directory, file, 0) < 0 && errno != ENOENT)
        return libvirt_complain(GATE_FAILED, "cannot remove /" PORTS "/%s: %s", file, strerror(errno));
    return 0;
}

int network_finish(const struct libvirt_network *network)
{
    if (!network_unfinished(network->name))
        return 0;
    _cleanup_(cleanup_close) int directory = open_ports();
    return directory < 0 ? GATE_FAILED : start_again(directory, network);
}

/* Step 4 for our own, where the network lists the VF still. */
static int block_again(struct libvirt_network *network, const struct ports *ports)
{
    char text[PCIADDR_SIZE];
    int result = libvirt_network_read(network);
    if (result != 0)
        return result;
    for (size_t i = 0; i < ports->count; i++) {
        const struct port *port = &ports->ports[i];
        if (port->ours && pciaddr_set_has(&network->listed, &port->address) && ports_block(network, &port->address) < 0)
            libvirt_say(GATE_NOTE, "cannot block VF %s of libvirt network '%s' again: %s",
                        pciaddr_format(&port->address, text), network->name, libvirt_words());
    }
    return 0;
}

static int restart(int directory, struct libvirt_network *network)
{
    _cleanup_(ports_free) struct ports ports = {0};
    int result = ports_list(network, &ports);
    if (result == 0)
        result = keep_ports(directory, network->name, &ports);
    if (result != 0)
        return result;
    if (virNetworkDestroy(network->handle) < 0)
        result = libvirt_complain(GATE_FAILED, "cannot end libvirt network '%s': %s", network->name, libvirt_words());
    /* Where it did not end, nothing is missing, and this finds that. */
    int started = start_again(directory, network);
    if (result != 0)
        return result;
    return started == 0 && hooks_are_put(GATE_ROOT_FD) ? block_again(network, &ports) : started;
}

int network_restart(struct libvirt_network *network)
{
    _cleanup_(error_free) struct error error = {0};
    if (hooks_check(GATE_ROOT_FD, "network", &error) < 0)
        return libvirt_complain(GATE_FAILED, "libvirt network '%s' would not start again: %s", network->name,
                                error.message);
    int result = network_finish(network);
    if (result != 0)
        return result;
    _cleanup_(cleanup_close) int directory = open_ports();
    return directory < 0 ? GATE_FAILED : restart(directory, network);
}

int network_count_again(struct libvirt_network *network)
{
    if (!ports_miscounted(network) || virNetworkIsPersistent(network->handle) != 1)
        return 0;
    return network_restart(network) == 0 && libvirt_network_read(network) == 0 ? 1 : -1;
}

/* Whether it goes with the host's, or libvirt's, next start. */
static bool is_passing(const struct libvirt_network *network)
{
    int autostart = 0;
    return virNetworkIsPersistent(network->handle) != 1 || virNetworkGetAutostart(network->handle, &autostart) < 0 ||
           !autostart;
}

static bool is_blocking(const struct libvirt_network *network)
{
    _cleanup_(ports_free) struct ports ports = {0};
    return ports_list(network, &ports) == 0 && ports.blocked.count > 0;
}

int verb_network(char **arguments)
{
    _cleanup_(libvirt_network_close) struct libvirt_network network = {0};
    int result = libvirt_network_find(arguments[0], &network);
    if (result != 0)
        return result;
    int active = virNetworkIsActive(network.handle);
    result = active == 1 ? libvirt_network_read(&network) : 0;
    if (result != 0)
        return result;
    _cleanup_(cleanup_free) char *text = active < 0 ? NULL : virNetworkGetXMLDesc(network.handle, 0);
    if (!text)
        return libvirt_complain(GATE_FAILED, "libvirt network '%s': %s", network.name, libvirt_words());
    printf("%s%s%s%s%s\n%s", active ? GATE_ACTIVE : GATE_INACTIVE,
           active && ports_miscounted(&network) ? " " GATE_MISCOUNTED : "",
           is_passing(&network) ? " " GATE_PASSING : "", active && is_blocking(&network) ? " " GATE_BLOCKING : "",
           network_unfinished(network.name) ? " " GATE_UNFINISHED : "", text);
    return 0;
}

/*
 * A network keeps the UUID that it has, where the pool does not say one: libvirt takes no other by the same name. A
 * pool that says another one is for a person to look at, as it is with virsh net-define.
 */
static int keep_uuid(const struct libvirt_network *network, char **xml)
{
    _cleanup_(error_free) struct error error = {0};
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    char uuid[VIR_UUID_STRING_BUFLEN], have[UUID_SIZE], want[UUID_SIZE], *text = NULL;
    size_t length = 0;
    if (virNetworkGetUUIDString(network->handle, uuid) < 0 || domain_parse_uuid(uuid, have) < 0)
        return libvirt_complain(GATE_FAILED, "cannot read the UUID of libvirt network '%s': %s", network->name,
                                libvirt_words());
    if (xml_parse(*xml, strlen(*xml), "the network", &doc, &error) < 0)
        return libvirt_complain(GATE_FAILED, "%s", error.message);
    xmlNodePtr root = xmlDocGetRootElement(doc);
    _cleanup_(cleanup_xml_string) char *wanted = xml_text(xml_child(root, "uuid"));
    if (wanted && (domain_parse_uuid(wanted, want) < 0 || strcmp(have, want) != 0))
        return libvirt_complain(GATE_FAILED,
                                "libvirt network '%s' has UUID %s, and the pool file says %s: put that one there, or "
                                "none",
                                network->name, have, wanted);
    if (!wanted)
        xml_add_text(root, "uuid", uuid);
    if (xml_format(doc, false, &text, &length, &error) < 0)
        return libvirt_complain(GATE_FAILED, "%s", error.message);
    free(*xml);
    *xml = text;
    return 0;
}

/* Finds the network that is there, if one is. */
static int find_old(struct libvirt_network *network, char **xml)
{
    network->handle = virNetworkLookupByName(network->connection, network->name);
    if (!network->handle)
        return virGetLastErrorCode() == VIR_ERR_NO_NETWORK
                   ? 0
                   : libvirt_complain(GATE_FAILED, "libvirt network '%s': %s", network->name, libvirt_words());
    int result = keep_uuid(network, xml);
    virNetworkFree(steal(network->handle));
    return result;
}

/* Defined first: what libvirt does not take changes nothing. */
static int define(struct libvirt_network *network, const char *xml)
{
    network->handle = virNetworkDefineXML(network->connection, xml);
    if (!network->handle || virNetworkSetAutostart(network->handle, 1) < 0)
        return libvirt_complain(GATE_FAILED, "cannot define libvirt network '%s': %s", network->name, libvirt_words());
    return 0;
}

/* Has it active, and as it is defined. */
static int activate(struct libvirt_network *network, bool again)
{
    char words[512];
    if (again && virNetworkIsActive(network->handle) == 1)
        return network_restart(network);
    if (network_unfinished(network->name))
        return network_finish(network);
    return libvirt_network_start(network, words, sizeof words) == 0
               ? 0
               : libvirt_complain(GATE_FAILED, "cannot start libvirt network '%s': %s", network->name, words);
}

int verb_define(char **arguments)
{
    _cleanup_(libvirt_network_close) struct libvirt_network network = {.name = arguments[0]};
    _cleanup_(cleanup_free) char *input = NULL;
    if (libvirt_input(&input) < 0)
        return GATE_FAILED;
    int result = libvirt_connect("network:///system", &network.connection);
    if (result == 0)
        result = find_old(&network, &input);
    if (result == 0)
        result = define(&network, input);
    return result == 0 ? activate(&network, strcmp(arguments[1], GATE_RESTART) == 0) : result;
}
