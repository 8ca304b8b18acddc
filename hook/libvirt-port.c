/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt-port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "error.h"
#include "gate.h"
#include "hooks.h"
#include "ledger.h"
#include "memory.h"
#include "xml.h"

int ports_list(const struct libvirt_network *network, struct ports *ports)
{
    virNetworkPortPtr *handles = NULL;
    int count = virNetworkListAllPorts(network->handle, &handles, 0);
    if (count < 0)
        return libvirt_network_failed(network, "does not list its ports");
    ports->ports = memory_new((size_t)count, sizeof *ports->ports);
    for (int i = 0; i < count; i++) {
        struct port *port = &ports->ports[ports->count];
        if (virNetworkPortGetUUIDString(handles[i], port->uuid) < 0) {
            virNetworkPortFree(handles[i]);
            continue;
        }
        port->handle = handles[i];
        port->ours = port->has_device = gate_port_address(port->uuid, &port->address);
        if (port->ours)
            pciaddr_set_add(&ports->blocked, &port->address);
        ports->count++;
    }
    free(handles);
    return 0;
}

/* One without a PCI device is nobody's whom we care about. Return: 0, also when it went away, or -EIO or -EINVAL. */
static int identify(struct port *port)
{
    _cleanup_(error_free) struct error error = {0};
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    _cleanup_(cleanup_free) char *text = virNetworkPortGetXMLDesc(port->handle, 0);
    if (!text)
        return virGetLastErrorCode() == VIR_ERR_NO_NETWORK_PORT ? 0 : -EIO;
    int result = xml_parse(text, strlen(text), "libvirt's network port", &doc, &error);
    if (result < 0)
        return result;
    xmlNodePtr root = xmlDocGetRootElement(doc);
    _cleanup_(cleanup_xml_string) char *owner = xml_text(xml_child(xml_child(root, "owner"), "name"));
    _cleanup_(cleanup_xml_string) char *uuid = xml_text(xml_child(xml_child(root, "owner"), "uuid"));
    snprintf(port->owner, sizeof port->owner, "%s", owner ? owner : "");
    snprintf(port->owner_uuid, sizeof port->owner_uuid, "%s", uuid ? uuid : "");
    port->has_device = xml_pci_address(xml_child(xml_child(root, "plug"), "address"), &port->address) == 0;
    return 0;
}

int ports_identify(const struct libvirt_network *network, struct ports *ports)
{
    for (size_t i = 0; i < ports->count && !ports->identified; i++) {
        struct port *port = &ports->ports[i];
        if (port->ours) {
            strcpy(port->owner, GATE_OWNER_NAME);
            strcpy(port->owner_uuid, GATE_OWNER_UUID);
        } else if (identify(port) < 0) {
            return libvirt_complain(GATE_FAILED, "cannot read port %s of libvirt network '%s': %s", port->uuid,
                                    network->name, libvirt_words());
        }
    }
    ports->identified = true;
    return 0;
}

const struct port *ports_foreign(const struct ports *ports, const struct pciaddr *address)
{
    for (size_t i = 0; i < ports->count; i++)
        if (!ports->ports[i].ours && ports->ports[i].has_device && pciaddr_equal(&ports->ports[i].address, address))
            return &ports->ports[i];
    return NULL;
}

void ports_print(const struct ports *ports)
{
    char text[PCIADDR_SIZE];
    for (size_t i = 0; i < ports->count; i++) {
        const struct port *port = &ports->ports[i];
        if (!port->ours && port->has_device)
            libvirt_say(GATE_PORT, "%s %s %s %s", pciaddr_format(&port->address, text), port->uuid,
                        port->owner_uuid[0] ? port->owner_uuid : "-", port->owner);
    }
}

void ports_free(struct ports *ports)
{
    for (size_t i = 0; i < ports->count; i++)
        virNetworkPortFree(ports->ports[i].handle);
    free(ports->ports);
    pciaddr_set_free(&ports->blocked);
    *ports = (struct ports){0};
}

int ports_guard(bool alone)
{
    _cleanup_(cleanup_close) int directory = ledger_directory(GATE_ROOT_FD, ".");
    int guard = directory < 0 ? -1 : openat(directory, "guard", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    /* Whoever has it has a deadline, and so has this process. */
    if (guard < 0 || flock(guard, alone ? LOCK_EX : LOCK_SH) < 0)
        return libvirt_complain(GATE_FAILED, "cannot lock /" LEDGER_DIRECTORY "/guard: %s",
                                strerror(directory < 0 ? -directory : errno));
    if (alone || hooks_are_put(GATE_ROOT_FD))
        return 0;
    return libvirt_complain(GATE_FAILED,
                            "vfpool's hook is not in /etc/libvirt/hooks, so no VF is blocked: put it there "
                            "(" HOOKS_PUT "), and run 'vfpool reconcile'");
}

int ports_block(const struct libvirt_network *network, const struct pciaddr *address)
{
    char xml[1024], uuid[VIR_UUID_STRING_BUFLEN];
    gate_port_uuid(address, uuid);
    /* The MAC address is required and never used: a unicast, locally administered one. */
    snprintf(xml, sizeof xml,
             "<networkport><uuid>%s</uuid><owner><name>" GATE_OWNER_NAME "</name><uuid>" GATE_OWNER_UUID
             "</uuid></owner>"
             "<mac address='52:54:00:00:00:01'/><plug type='hostdev-pci' managed='yes'><driver name='vfio'/>"
             "<address domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'/></plug></networkport>",
             uuid, address->domain, address->bus, address->slot, address->function & 7U);
    virNetworkPortPtr port = virNetworkPortCreateXML(network->handle, xml, VIR_NETWORK_PORT_CREATE_RECLAIM);
    if (!port)
        return -1;
    virNetworkPortFree(port);
    return 0;
}

bool ports_miscounted(struct libvirt_network *network)
{
    for (int i = 0; i < 3; i++)
        if (network->connections == virNetworkListAllPorts(network->handle, NULL, 0) ||
            libvirt_network_read(network) != 0)
            return false;
    return true;
}
