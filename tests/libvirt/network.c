/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libvirt/virterror.h>
#include <stdio.h>
#include <string.h>

#include "domain.h"
#include "fake.h"
#include "memory.h"
#include "xml.h"

char *network_file(char path[PATH_SIZE], const char *name, const char *suffix)
{
    return path_of(path, "networks/%s.%s", name, suffix);
}

bool network_is(const char *name, const char *state)
{
    char path[PATH_SIZE];
    return exists(network_file(path, name, state));
}

xmlDocPtr parse(const char *text, const char *root)
{
    struct error error = {0};
    xmlDocPtr doc = NULL;
    if (text && xml_parse(text, strlen(text), "the XML", &doc, &error) == 0 && xml_is(xmlDocGetRootElement(doc), root))
        return doc;
    cleanup_xml_doc(&doc);
    fail(VIR_ERR_XML_ERROR, "XML error: %s", error.code ? error.message : "unexpected root element");
    return NULL;
}

xmlDocPtr network_read(const char *name, const char *state)
{
    char path[PATH_SIZE];
    _cleanup_(cleanup_free) char *text = read_file(network_file(path, name, state));
    return text ? parse(text, "network") : NULL;
}

int network_connections(const char *name)
{
    char path[PATH_SIZE];
    _cleanup_(cleanup_free) char *text = read_file(network_file(path, name, "connections"));
    return text ? atoi(text) : 0;
}

void network_set_connections(const char *name, int count)
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
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = network_read(network->name, active ? "active" : "persistent");
    char *text = NULL;
    size_t length;
    if (!doc) {
        fail(VIR_ERR_NO_NETWORK, "Network not found");
        return NULL;
    }
    if (active)
        xml_set_number(xmlDocGetRootElement(doc), "connections", (unsigned long)network_connections(network->name));
    must(xml_format(doc, false, &text, &length, &error) == 0, "network");
    return text;
}

static int read_uuid(const char *name, char *uuid)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc =
        network_read(name, network_is(name, "persistent") ? "persistent" : "active");
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
    network_set_connections(network->name, 0);
    return 0;
}

static void remove_files(const char *directory, const char *suffix)
{
    char names[256][64], path[PATH_SIZE + 128];
    size_t count = list_files(directory, suffix, names);
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%.63s%s", directory, names[i], suffix);
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
