/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transform.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "builtin.h"
#include "interface.h"
#include "io.h"
#include "memory.h"
#include "sheet.h"
#include "trust.h"
#include "xml.h"

#define SITE_SHEET POOL_DIRECTORY "/hostdev.xsl"

static void add_grant(xmlNodePtr root, const struct transform_grant *grant)
{
    bool network = grant->request->type == REQUEST_NETWORK;
    xmlNodePtr node = xml_add(root, network ? "grant" : "remap");
    xml_set_number(node, "interface", grant->request->number);
    if (network)
        xml_set(node, "network", grant->pool->name);
    xml_set(node, "mac", grant->request->mac);
    xml_add_pci_address(node, &grant->address);
}

/* A copy of the pool's network, once however many interfaces are on it. */
static void add_network(xmlDocPtr doc, const struct transform_grant *grants, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (grants[i].pool == grants[index].pool)
            return;
    xmlNodePtr copy = memory_need(xmlDocCopyNode(xmlDocGetRootElement(grants[index].pool->doc), doc, 1));
    xmlAddChild(xmlDocGetRootElement(doc), copy);
}

static xmlDocPtr make_grants(const char *operation, const struct transform_grant *grants, size_t count)
{
    xmlDocPtr doc = xml_new("grants");
    xml_set(xmlDocGetRootElement(doc), "operation", operation);
    for (size_t i = 0; i < count; i++)
        add_grant(xmlDocGetRootElement(doc), &grants[i]);
    for (size_t i = 0; i < count; i++)
        add_network(doc, grants, i);
    return doc;
}

/* Whatever the sheet is, the guest stays the same guest. */
static int check_result(xmlDocPtr result, const struct domain *domain, const char *path, struct error *error)
{
    xmlNodePtr root = xmlDocGetRootElement(result);
    xmlNodePtr name_node = xml_is(root, "domain") ? xml_child(root, "name") : NULL;
    _cleanup_(cleanup_xml_string) char *name = name_node ? (char *)xmlNodeGetContent(name_node) : NULL;
    _cleanup_(cleanup_xml_string) char *text = xml_text(xml_is(root, "domain") ? xml_child(root, "uuid") : NULL);
    char uuid[UUID_SIZE] = "";
    if (!name || strcmp(name, domain->name) != 0 || (text && domain_parse_uuid(text, uuid) < 0) ||
        strcmp(uuid, domain->uuid) != 0)
        return error_set(error, EINVAL, "the result of %s is not a domain with the name and the UUID of guest '%s'",
                         path, domain->name);
    return 0;
}

/* The interfaces that were granted a VF, whoever wrote the sheet. */
static int check_interfaces(xmlDocPtr result, const struct domain *domain, const struct transform_grant *grants,
                            size_t count, struct error *error)
{
    unsigned int number = 0;
    for (xmlNodePtr node = xml_child(xml_child(xmlDocGetRootElement(result), "devices"), "interface"); node;
         node = xml_next(node)) {
        number++;
        for (size_t i = 0; i < count; i++) {
            struct interface_place place = {.guest = domain->name, .pool = grants[i].pool->name, .number = number};
            if (grants[i].request->type != REQUEST_NETWORK || grants[i].request->number != number)
                continue;
            int status = interface_check_concrete(node, &place, error);
            if (status < 0)
                return status;
        }
    }
    return 0;
}

int transform_domain(int root, const char *operation, const struct domain *domain, const struct transform_grant *grants,
                     size_t grant_count, char **text, size_t *length, struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr given = make_grants(operation, grants, grant_count);
    _cleanup_(cleanup_xml_doc) xmlDocPtr result = NULL;
    _cleanup_(cleanup_free) char *site = NULL;
    _cleanup_(cleanup_xml_string) char *string = NULL;
    struct sheet sheet = {
        .text = builtin_hostdev_xsl, .length = builtin_length(hostdev_xsl), .path = "hostdev.xsl", .given = given};
    int status = trust_read_file(root, SITE_SHEET, XML_MAX_BYTES, &site, &sheet.length);
    if (status < 0 && status != -ENOENT)
        return error_set(error, -status, "cannot read /" SITE_SHEET ": %s", trust_words(status));
    if (status == 0) {
        sheet.text = site;
        sheet.path = "/" SITE_SHEET;
    }
    status = sheet_apply(&sheet, domain->doc, &result, &string, length, error);
    if (status == 0)
        status = check_result(result, domain, sheet.path, error);
    if (status == 0)
        status = check_interfaces(result, domain, grants, grant_count, error);
    if (status < 0)
        return status;
    /* The white space behind the root element is not part of the document. */
    *text = memory_format("%.*s\n", (int)*length, string);
    *length += 1;
    return 0;
}
