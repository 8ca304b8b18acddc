/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "interface.h"
#include "memory.h"
#include "xml.h"

struct reader {
    struct domain *domain;
    bool draft;
    domain_is_pool_t *is_pool;
    void *context;
    struct error *error;
};

void domain_free(struct domain *domain)
{
    for (size_t i = 0; i < domain->request_count; i++) {
        free(domain->requests[i].network);
        free(domain->requests[i].portgroup);
        free(domain->requests[i].netdev);
        free(domain->requests[i].alias);
    }
    free(domain->requests);
    free(domain->name);
    cleanup_xml_doc(&domain->doc);
    *domain = (struct domain){0};
}

int domain_parse_uuid(const char *text, char uuid[UUID_SIZE])
{
    size_t used = 0;
    for (; *text; text++) {
        bool hyphen_due = used == 8 || used == 13 || used == 18 || used == 23;
        if (*text == '-' && hyphen_due) {
            uuid[used++] = '-';
            continue;
        }
        if (!isxdigit((unsigned char)*text) || used + hyphen_due >= UUID_SIZE - 1)
            return -EINVAL;
        if (hyphen_due)
            uuid[used++] = '-';
        uuid[used++] = (char)tolower((unsigned char)*text);
    }
    uuid[used] = '\0';
    return used == UUID_SIZE - 1 ? 0 : -EINVAL;
}

bool domain_is_called(const char *text, const char *name, const char *uuid)
{
    char meant[UUID_SIZE];
    return domain_parse_uuid(text, meant) == 0 ? strcmp(meant, uuid) == 0 : strcmp(text, name) == 0;
}

/* A unicast MAC address as libvirt takes it for an interface. */
static int parse_mac(const char *text, char mac[MAC_SIZE])
{
    if (strlen(text) != MAC_SIZE - 1)
        return -EINVAL;
    for (size_t i = 0; i < MAC_SIZE - 1; i++) {
        if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
            return -EINVAL;
        mac[i] = (char)tolower((unsigned char)text[i]);
    }
    mac[MAC_SIZE - 1] = '\0';
    return strchr("13579bdf", mac[1]) ? -EINVAL : 0;
}

/* A copy that free() frees; NULL: there is no such attribute. */
static char *copy_attribute(const xmlNode *node, const char *name)
{
    _cleanup_(cleanup_xml_string) char *value = xml_attribute(node, name);
    return value ? memory_copy(value) : NULL;
}

/* Takes over what the request owns. */
static void add_request(struct domain *domain, struct request *request)
{
    domain->requests = memory_resize(domain->requests, domain->request_count + 1, sizeof *domain->requests);
    request->alias = copy_attribute(xml_child(request->element, "alias"), "name");
    domain->requests[domain->request_count++] = *request;
}

static int check_mac(struct reader *reader, struct request *request, const char *network)
{
    _cleanup_(cleanup_xml_string) char *mac = xml_attribute(xml_child(request->element, "mac"), "address");
    if (!mac && reader->draft)
        return 0;
    if (!mac)
        return error_set(reader->error, EINVAL,
                         "interface %u of guest '%s' on pool '%s' has no MAC address: take the XML from 'virsh "
                         "dumpxml' of the defined guest, or add <mac address='...'/>",
                         request->number, reader->domain->name, network);
    if (parse_mac(mac, request->mac) < 0)
        return error_set(reader->error, EINVAL,
                         "interface %u of guest '%s' on pool '%s': '%s' is not a unicast MAC address", request->number,
                         reader->domain->name, network, mac);
    return 0;
}

static int read_network_interface(struct reader *reader, xmlNodePtr element, unsigned int number)
{
    xmlNodePtr source = xml_child(element, "source");
    _cleanup_(cleanup_xml_string) char *network = xml_attribute(source, "network");
    struct request request = {.type = REQUEST_NETWORK, .number = number, .element = element};
    if (!network || !reader->is_pool || !reader->is_pool(reader->context, network))
        return 0;
    struct interface_place place = {.guest = reader->domain->name, .pool = network, .number = number};
    int result = interface_check(element, &place, reader->error);
    if (result == 0)
        result = check_mac(reader, &request, network);
    if (result < 0)
        return result;
    request.network = memory_copy(network);
    request.portgroup = copy_attribute(source, "portgroup");
    add_request(reader->domain, &request);
    return 0;
}

static void read_static(struct reader *reader, xmlNodePtr element, enum request_type type, unsigned int number)
{
    struct request request = {.type = type, .number = number, .element = element};
    _cleanup_(cleanup_xml_string) char *mac = xml_attribute(xml_child(element, "mac"), "address");
    /* What is no PCI address here is libvirt's to refuse; it cannot be a VF of a pool. */
    if (xml_pci_address(xml_child(xml_child(element, "source"), "address"), &request.address) < 0)
        return;
    if (!mac || parse_mac(mac, request.mac) < 0)
        request.mac[0] = '\0';
    add_request(reader->domain, &request);
}

/* Only passthrough takes the whole device; in the other modes guests and host may share it. */
static void read_direct(struct reader *reader, xmlNodePtr element, unsigned int number)
{
    struct request request = {.type = REQUEST_DIRECT, .number = number, .element = element};
    xmlNodePtr source = xml_child(element, "source");
    _cleanup_(cleanup_xml_string) char *mode = xml_attribute(source, "mode");
    _cleanup_(cleanup_xml_string) char *mac = xml_attribute(xml_child(element, "mac"), "address");
    if (!mode || strcmp(mode, "passthrough") != 0)
        return;
    if (!mac || parse_mac(mac, request.mac) < 0)
        request.mac[0] = '\0';
    request.netdev = copy_attribute(source, "dev");
    if (request.netdev)
        add_request(reader->domain, &request);
}

static int read_devices(struct reader *reader, xmlNodePtr devices)
{
    unsigned int interfaces = 0, hostdevs = 0;
    for (xmlNodePtr node = devices ? devices->children : NULL; node; node = node->next) {
        bool interface = xml_is(node, "interface");
        if (!interface && !xml_is(node, "hostdev"))
            continue;
        _cleanup_(cleanup_xml_string) char *type = xml_attribute(node, "type");
        unsigned int number = interface ? ++interfaces : ++hostdevs;
        int result = 0;
        if (interface && type && strcmp(type, "network") == 0)
            result = read_network_interface(reader, node, number);
        else if (interface && type && strcmp(type, "direct") == 0)
            read_direct(reader, node, number);
        else if (interface && type && strcmp(type, "hostdev") == 0)
            read_static(reader, node, REQUEST_INTERFACE, number);
        else if (!interface && type && strcmp(type, "pci") == 0)
            read_static(reader, node, REQUEST_HOSTDEV, number);
        if (result < 0)
            return result;
    }
    return 0;
}

static int read_identity(struct reader *reader, xmlNodePtr root)
{
    struct domain *domain = reader->domain;
    xmlNodePtr node = xml_child(root, "name");
    _cleanup_(cleanup_xml_string) char *name = node ? (char *)xmlNodeGetContent(node) : NULL;
    _cleanup_(cleanup_xml_string) char *uuid = xml_text(xml_child(root, "uuid"));
    if (!name || !name[0])
        return error_set(reader->error, EINVAL, "the domain XML has no <name>");
    domain->name = memory_copy(name);
    if (!uuid && reader->draft)
        return 0;
    if (!uuid)
        return error_set(reader->error, EINVAL,
                         "the XML of guest '%s' has no <uuid>: take it from 'virsh dumpxml' of the defined guest",
                         name);
    if (domain_parse_uuid(uuid, domain->uuid) < 0)
        return error_set(reader->error, EINVAL, "the XML of guest '%s' has a malformed UUID '%s'", name, uuid);
    return 0;
}

int domain_read(const char *data, size_t length, domain_is_pool_t *is_pool, void *context, bool draft,
                struct domain *domain, struct error *error)
{
    *domain = (struct domain){0};
    struct reader reader = {.domain = domain, .draft = draft, .is_pool = is_pool, .context = context, .error = error};
    int result = xml_parse(data, length, "the domain XML", &domain->doc, error);
    if (result < 0)
        return result;
    xmlNodePtr root = xmlDocGetRootElement(domain->doc);
    if (!xml_is(root, "domain"))
        return error_set(error, EINVAL, "the XML is not a domain: its root is <%s>", root->name);
    result = read_identity(&reader, root);
    return result < 0 ? result : read_devices(&reader, xml_child(root, "devices"));
}
