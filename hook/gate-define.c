/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "domain.h"
#include "error.h"
#include "gate-restart.h"
#include "gate-verb.h"
#include "io.h"
#include "xml.h"

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
    size_t length = 0;
    if (io_read(STDIN_FILENO, XML_MAX_BYTES, IO_NO_DEADLINE, &input, &length) < 0)
        return libvirt_complain(GATE_FAILED, "cannot read standard input");
    int result = libvirt_connect("network:///system", &network.connection);
    if (result == 0)
        result = find_old(&network, &input);
    if (result == 0)
        result = define(&network, input);
    return result == 0 ? activate(&network, strcmp(arguments[1], GATE_RESTART) == 0) : result;
}
