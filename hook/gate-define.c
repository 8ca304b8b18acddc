/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "gate-port.h"
#include "gate-verb.h"
#include "io.h"
#include "program.h"
#include "xml.h"

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
    if (root && !given)
        xml_add_text(root, "uuid", uuid);
    if (result == 0)
        result = xml_format(doc, false, &text, &length, &error);
    if (result == 0) {
        free(*xml);
        *xml = text;
    }
    return result;
}

/* Ends the network that is there, if one is. */
static int end_old(struct libvirt_network *network, struct kept_ports *kept, char **xml)
{
    network->handle = virNetworkLookupByName(network->connection, network->name);
    if (!network->handle)
        return 0;
    int result = virNetworkIsActive(network->handle) == 1 ? ports_keep(network, false, kept) : 0;
    if (result == 0 && virNetworkIsActive(network->handle) == 1 && virNetworkDestroy(network->handle) < 0)
        result = libvirt_complain(EXIT_FAILED, "cannot end libvirt network '%s': %s", network->name, libvirt_words());
    if (result == 0 && keep_uuid(network->handle, xml) < 0)
        result =
            libvirt_complain(EXIT_FAILED, "cannot change libvirt network '%s': %s", network->name, libvirt_words());
    virNetworkFree(steal(network->handle));
    return result;
}

int verb_define(char **arguments)
{
    _cleanup_(libvirt_network_close) struct libvirt_network network = {.name = arguments[0]};
    _cleanup_(ports_forget) struct kept_ports kept = {0};
    _cleanup_(cleanup_free) char *input = NULL;
    size_t length = 0;
    if (io_read(STDIN_FILENO, XML_MAX_BYTES, IO_NO_DEADLINE, &input, &length) < 0)
        return libvirt_complain(EXIT_FAILED, "cannot read standard input");
    int result = libvirt_connect("network:///system", &network.connection);
    if (result == 0)
        result = end_old(&network, &kept, &input);
    if (result != 0)
        return result;
    network.handle = virNetworkDefineXML(network.connection, input);
    if (!network.handle || virNetworkSetAutostart(network.handle, 1) < 0 ||
        (virNetworkIsActive(network.handle) != 1 && virNetworkCreate(network.handle) < 0))
        return libvirt_complain(EXIT_FAILED, "cannot make libvirt network '%s': %s", network.name, libvirt_words());
    ports_make_again(&network, &kept);
    return 0;
}
