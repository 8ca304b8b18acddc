/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlsave.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

static void cleanup_parser(xmlParserCtxtPtr *parser)
{
    if (*parser)
        xmlFreeParserCtxt(*parser);
}

/* Stops at "<!DOCTYPE NAME", before any declaration of the DTD is read. */
static void refuse_dtd(void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    (void)name, (void)external, (void)system;
    xmlParserCtxtPtr parser = context;
    *(bool *)parser->_private = true;
    xmlStopParser(parser);
}

static void ignore_error(void *context, xml_error *problem)
{
    (void)context, (void)problem;
}

static int describe_failure(xmlParserCtxtPtr parser, const char *what, struct error *error)
{
    xml_error *last = xmlCtxtGetLastError(parser);
    if (!last || !last->message)
        return error_set(error, EINVAL, "%s is not XML", what);
    int length = (int)strcspn(last->message, "\n");
    return error_set(error, EINVAL, "%s is not well-formed XML, line %d: %.*s", what, last->line, length,
                     last->message);
}

int xml_parse(const char *data, size_t length, const char *what, xmlDocPtr *doc, struct error *error)
{
    if (length > XML_MAX_BYTES)
        return error_set(error, EFBIG, "%s is larger than %zu MiB", what, XML_MAX_BYTES >> 20);
    if (length == 0)
        return error_set(error, EINVAL, "%s is empty", what);
    const char *nul = memchr(data, '\0', length);
    if (nul)
        return error_set(error, EINVAL, "%s has a NUL byte at offset %td", what, nul - data);

    _cleanup_(cleanup_parser) xmlParserCtxtPtr parser = memory_need(xmlNewParserCtxt());
    bool dtd = false;
    parser->_private = &dtd;
    parser->sax->internalSubset = refuse_dtd;
    parser->sax->serror = (xmlStructuredErrorFunc)ignore_error;
    _cleanup_(cleanup_xml_doc) xmlDocPtr result =
        xmlCtxtReadMemory(parser, data, (int)length, NULL, NULL, XML_PARSE_NONET);
    if (dtd)
        return error_set(error, EINVAL, "%s has a document type declaration, which libvirt's XML never has", what);
    if (!result)
        return describe_failure(parser, what, error);
    *doc = steal(result);
    return 0;
}

int xml_format(xmlDocPtr doc, bool indent, char **data, size_t *length, struct error *error)
{
    xmlBufferPtr buffer = memory_need(xmlBufferCreate());
    int options = XML_SAVE_NO_DECL | (indent ? XML_SAVE_FORMAT : 0);
    xmlSaveCtxtPtr save = memory_need(xmlSaveToBuffer(buffer, "UTF-8", options));
    bool saved = xmlSaveDoc(save, doc) >= 0;
    saved = xmlSaveClose(save) >= 0 && saved;
    *length = (size_t)xmlBufferLength(buffer);
    *data = saved ? memory_copy_part((const char *)xmlBufferContent(buffer), *length) : NULL;
    xmlBufferFree(buffer);
    return saved ? 0 : error_set(error, EILSEQ, "the result cannot be written as UTF-8");
}

char *xml_format_node(xmlNodePtr node)
{
    xmlBufferPtr buffer = memory_need(xmlBufferCreate());
    xmlNodeDump(buffer, node->doc, node, 0, 0);
    char *text = memory_copy((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}

bool xml_is(const xmlNode *node, const char *name)
{
    return node && node->type == XML_ELEMENT_NODE && !node->ns && strcmp((const char *)node->name, name) == 0;
}

static xmlNodePtr first_from(xmlNodePtr node, const char *name)
{
    while (node && !xml_is(node, name))
        node = node->next;
    return node;
}

xmlNodePtr xml_child(const xmlNode *parent, const char *name)
{
    return parent ? first_from(parent->children, name) : NULL;
}

xmlNodePtr xml_next(const xmlNode *node)
{
    return first_from(node->next, (const char *)node->name);
}

char *xml_attribute(const xmlNode *node, const char *name)
{
    return node ? (char *)xmlGetNoNsProp((xmlNodePtr)node, (const xmlChar *)name) : NULL;
}

char *xml_text(const xmlNode *node)
{
    char *text = node ? (char *)xmlNodeGetContent(node) : NULL;
    if (!text)
        return NULL;
    size_t start = strspn(text, " \t\r\n"), end = strlen(text);
    while (end > start && strchr(" \t\r\n", text[end - 1]))
        end--;
    memmove(text, text + start, end - start);
    text[end - start] = '\0';
    return text;
}

int xml_pci_address(const xmlNode *node, struct pciaddr *address)
{
    static const char *const names[] = {"domain", "bus", "slot", "function"};
    char *parts[4];
    _cleanup_(cleanup_xml_string) char *type = xml_attribute(node, "type");
    if (!node || (type && strcmp(type, "pci") != 0))
        return -EINVAL;
    for (size_t i = 0; i < 4; i++)
        parts[i] = xml_attribute(node, names[i]);
    int result = parts[1] ? pciaddr_parse_parts(parts[0], parts[1], parts[2], parts[3], address) : -EINVAL;
    for (size_t i = 0; i < 4; i++)
        xmlFree(parts[i]);
    return result;
}

xmlNodePtr xml_add(xmlNodePtr parent, const char *name)
{
    return memory_need(xmlNewChild(parent, NULL, (const xmlChar *)name, NULL));
}

void xml_add_text(xmlNodePtr parent, const char *name, const char *text)
{
    memory_need(xmlNewTextChild(parent, NULL, (const xmlChar *)name, (const xmlChar *)text));
}

void xml_set(xmlNodePtr node, const char *name, const char *value)
{
    memory_need(xmlNewProp(node, (const xmlChar *)name, (const xmlChar *)value));
}

void xml_set_number(xmlNodePtr node, const char *name, unsigned long value)
{
    char text[24];
    snprintf(text, sizeof text, "%lu", value);
    xml_set(node, name, text);
}

xmlDocPtr xml_new(const char *root)
{
    xmlDocPtr doc = memory_need(xmlNewDoc((const xmlChar *)"1.0"));
    xmlDocSetRootElement(doc, memory_need(xmlNewDocNode(doc, NULL, (const xmlChar *)root, NULL)));
    return doc;
}

/* The numbers as virPCIDeviceAddressFormat() of libvirt writes them. */
void xml_add_pci_address(xmlNodePtr parent, const struct pciaddr *address)
{
    char domain[16], bus[8], slot[8], function[8];
    xmlNodePtr node = xml_add(parent, "address");
    snprintf(domain, sizeof domain, "0x%04x", address->domain);
    snprintf(bus, sizeof bus, "0x%02x", address->bus);
    snprintf(slot, sizeof slot, "0x%02x", address->slot);
    snprintf(function, sizeof function, "0x%x", address->function);
    xml_set(node, "type", "pci");
    xml_set(node, "domain", domain);
    xml_set(node, "bus", bus);
    xml_set(node, "slot", slot);
    xml_set(node, "function", function);
}
