/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml-mutator - other documents of one, for the harnesses that read XML
 *
 * Theory of operation
 *
 * Of what changes bytes alone, hardly anything is XML, and next to nothing has an element where it means something. So
 * the tree is changed: an element goes, comes twice, moves, is called otherwise; an attribute or a text gets another
 * value, of the words that libvirt, pool.rng and the ledger know. One in BYTES_ONE_IN, and what is no XML, has its
 * bytes changed by libFuzzer: how broken XML is refused is part of what is tried. All follows from the seed.
 */
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdbool.h>

#include "fuzz.h"

#define BYTES_ONE_IN 8
#define MAX_CHANGES 4
#define MAX_NODES 2000 /* a copy of a copy grows quickly */
#define COUNT(array) (sizeof(array) / sizeof *(array))

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_size, const uint8_t *second, size_t second_size,
                                 uint8_t *out, size_t max, unsigned int seed);

static const char *const elements[] = {
    "domain", "name",      "uuid",        "devices",    "interface", "source",   "mac",         "address", "alias",
    "vlan",   "tag",       "virtualport", "parameters", "bandwidth", "inbound",  "driver",      "hostdev", "teaming",
    "port",   "filterref", "target",      "boot",       "rom",       "metadata", "network",     "forward", "pf",
    "vf",     "reserve",   "portgroup",   "dns",        "ip",        "hookData", "networkport", "owner",   "group",
    "plug",   "guest",     "wanted",      "original",   "settings",  "memory",   "pool"};
static const char *const attributes[] = {"type",
                                         "network",
                                         "portgroup",
                                         "address",
                                         "domain",
                                         "bus",
                                         "slot",
                                         "function",
                                         "mode",
                                         "managed",
                                         "dev",
                                         "name",
                                         "default",
                                         "trunk",
                                         "id",
                                         "nativeMode",
                                         "mac",
                                         "interface",
                                         "hostdev",
                                         "vfs",
                                         "guest",
                                         "num",
                                         "autoprobe",
                                         "vendor",
                                         "device",
                                         "up",
                                         "order",
                                         "override",
                                         "reset",
                                         "carrier",
                                         "host-used",
                                         "offer",
                                         "spoof-check",
                                         "vlan",
                                         "qos",
                                         "protocol",
                                         "min-rate",
                                         "max-rate",
                                         "trust",
                                         "link-state",
                                         "uuid",
                                         "state",
                                         "since",
                                         "clock",
                                         "pool",
                                         "pf",
                                         "given",
                                         "late",
                                         "stuck",
                                         "whole",
                                         "reason",
                                         "by",
                                         "profileid",
                                         "interfaceid",
                                         "numa",
                                         "separate",
                                         "sticky",
                                         "wait",
                                         "query-rss",
                                         "connections",
                                         "trustGuestRxFilters",
                                         "enable",
                                         "managerid",
                                         "queues",
                                         "isolated",
                                         "persistent",
                                         "ipv6"};
static const char *const values[] = {"network",
                                     "hostdev",
                                     "direct",
                                     "pci",
                                     "passthrough",
                                     "storage",
                                     "bulk",
                                     "trunk",
                                     "bridge",
                                     "yes",
                                     "no",
                                     "on",
                                     "off",
                                     "auto",
                                     "vfio",
                                     "802.1Qbh",
                                     "802.1Qbg",
                                     "openvswitch",
                                     "802.1ad",
                                     "802.1Q",
                                     "transient",
                                     "all",
                                     "spread",
                                     "pack",
                                     "first",
                                     "lru",
                                     "prefer",
                                     "ignore",
                                     "tagged",
                                     "enable",
                                     "never",
                                     "require",
                                     "due",
                                     "claimed",
                                     "held",
                                     "address",
                                     "eth3",
                                     "eth4",
                                     "",
                                     " ",
                                     "0",
                                     "1",
                                     "2",
                                     "7",
                                     "8",
                                     "0x10",
                                     "0x1f",
                                     "010",
                                     "31",
                                     "32",
                                     "255",
                                     "256",
                                     "4094",
                                     "4095",
                                     "65535",
                                     "65536",
                                     "-1",
                                     "4294967295",
                                     "4294967296",
                                     "18446744073709551616",
                                     "0-3,8",
                                     "^2",
                                     "1,1",
                                     "3-1",
                                     "0-65535",
                                     "0000:01:10.0",
                                     "10000:e1:1f.7",
                                     "ffffffff:ff:1f.7",
                                     "52:54:00:00:00:01",
                                     "52:54:00:AB:CD:EF",
                                     "01:00:5e:00:00:01",
                                     "00:00:00:00:00:00",
                                     "00000000-0000-4000-8000-000000000001",
                                     "00000000000040008000000000000001",
                                     "00000000-7666-4000-8000-000000000180",
                                     "2026-01-31T12:00:00Z",
                                     "vm1",
                                     "\xea\xb0\x80\xec\x9e\x90",
                                     "a&<>'\"b",
                                     "\xc2\x80\xc3\xa9\xf0\x9f\x98\x80",
                                     "tab\tline\nend"};

/* A generator of its own (xorshift): the same seed is the same document, on every host. */
static uint32_t state;

static size_t below(size_t limit)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return limit ? state % limit : 0;
}

static void seed_with(unsigned int seed)
{
    state = seed * 2654435761U + 1;
    state = state ? state : 1;
}

#define ONE_OF(array) ((array)[below(COUNT(array))])

static xmlDocPtr parse(const uint8_t *data, size_t size)
{
    xmlDocPtr doc = size == 0 ? NULL
                              : xmlReadMemory((const char *)data, (int)size, NULL, NULL,
                                              XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    /* Declarations are refused before they are read: nothing is to be gained in them. */
    if (doc && (doc->intSubset || !xmlDocGetRootElement(doc))) {
        xmlFreeDoc(doc);
        return NULL;
    }
    return doc;
}

/* The element at this place in the document, or NULL; places begin with 0. @place: less what was passed over */
static xmlNodePtr element_at(xmlNodePtr node, size_t *place)
{
    for (; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        if ((*place)-- == 0)
            return node;
        xmlNodePtr found = element_at(node->children, place);
        if (found)
            return found;
    }
    return NULL;
}

static size_t count_elements(const xmlNode *node)
{
    size_t count = 0;
    for (; node; node = node->next)
        if (node->type == XML_ELEMENT_NODE)
            count += 1 + count_elements(node->children);
    return count;
}

static xmlNodePtr pick(xmlDocPtr doc)
{
    xmlNodePtr root = xmlDocGetRootElement(doc);
    size_t place = below(count_elements(root));
    return element_at(root, &place);
}

static bool is_inside(const xmlNode *node, const xmlNode *outer)
{
    while (node && node != outer)
        node = node->parent;
    return node != NULL;
}

static void insert(xmlNodePtr target, xmlNodePtr node)
{
    bool root = target == xmlDocGetRootElement(target->doc);
    switch (below(root ? 1 : 3)) {
    case 0:
        xmlAddChild(target, node);
        break;
    case 1:
        xmlAddNextSibling(target, node);
        break;
    default:
        xmlAddPrevSibling(target, node);
    }
}

/* ---- one change each ---- */

static void copy_element(xmlDocPtr doc, xmlNodePtr node, xmlDocPtr from)
{
    xmlNodePtr copy = xmlDocCopyNode(pick(from), doc, 1);
    if (copy)
        insert(node, copy);
}

static void duplicate_element(xmlDocPtr doc, xmlNodePtr node)
{
    xmlNodePtr copy = node == xmlDocGetRootElement(doc) ? NULL : xmlDocCopyNode(node, doc, 1);
    if (copy)
        xmlAddNextSibling(node, copy);
}

static void delete_element(xmlDocPtr doc, xmlNodePtr node)
{
    if (node == xmlDocGetRootElement(doc))
        return;
    xmlUnlinkNode(node);
    xmlFreeNode(node);
}

static void move_element(xmlDocPtr doc, xmlNodePtr node)
{
    xmlNodePtr target = pick(doc);
    if (node == xmlDocGetRootElement(doc) || is_inside(target, node))
        return;
    xmlUnlinkNode(node);
    insert(target, node);
    xmlReconciliateNs(doc, node);
}

static void rename_element(xmlNodePtr node)
{
    xmlNodeSetName(node, (const xmlChar *)ONE_OF(elements));
}

static void add_element(xmlNodePtr node)
{
    static const char space[] = "urn:vfpool:1";
    xmlNodePtr child = xmlNewChild(node, NULL, (const xmlChar *)ONE_OF(elements), NULL);
    if (child && below(8) == 0)
        xmlSetNs(child, xmlNewNs(child, (const xmlChar *)space, (const xmlChar *)"v"));
}

static xmlAttrPtr pick_attribute(xmlNodePtr node)
{
    size_t count = 0;
    xmlAttrPtr attribute;
    for (attribute = node->properties; attribute; attribute = attribute->next)
        count++;
    size_t place = below(count);
    for (attribute = node->properties; attribute && place > 0; attribute = attribute->next)
        place--;
    return attribute;
}

static void set_attribute(xmlNodePtr node)
{
    xmlAttrPtr attribute = below(3) ? pick_attribute(node) : NULL;
    const xmlChar *name = attribute ? attribute->name : (const xmlChar *)ONE_OF(attributes);
    xmlSetProp(node, name, (const xmlChar *)ONE_OF(values));
}

static void delete_attribute(xmlNodePtr node)
{
    xmlAttrPtr attribute = pick_attribute(node);
    if (attribute)
        xmlRemoveProp(attribute);
}

/* libFuzzer's own changes, of one value: what is no text any more is left as it was. */
static void mutate_attribute(xmlNodePtr node)
{
    xmlAttrPtr attribute = pick_attribute(node);
    uint8_t bytes[64] = "";
    xmlChar *value = attribute ? xmlNodeListGetString(node->doc, attribute->children, 1) : NULL;
    size_t length = value ? strnlen((const char *)value, sizeof bytes / 2) : 0;
    if (length)
        memcpy(bytes, value, length);
    xmlFree(value);
    length = attribute ? LLVMFuzzerMutate(bytes, length, sizeof bytes - 1) : 0;
    bytes[length] = '\0';
    for (size_t i = 0; i < length; i++)
        bytes[i] = bytes[i] < ' ' ? ' ' : bytes[i];
    if (attribute && xmlCheckUTF8(bytes))
        xmlSetProp(node, attribute->name, bytes);
}

static void set_text(xmlNodePtr node)
{
    xmlNodePtr text = xmlNewDocText(node->doc, (const xmlChar *)ONE_OF(values));
    if (!node->children || below(2) == 0)
        xmlNodeSetContent(node, NULL);
    if (text)
        xmlAddChild(node, text);
}

static void add_other(xmlNodePtr node)
{
    const xmlChar *value = (const xmlChar *)ONE_OF(values);
    xmlNodePtr other = below(2)   ? xmlNewDocComment(node->doc, (const xmlChar *)"a comment")
                       : below(2) ? xmlNewDocPI(node->doc, (const xmlChar *)"pi", (const xmlChar *)"of a kind")
                                  : xmlNewCDataBlock(node->doc, value, (int)strlen((const char *)value));
    if (other)
        xmlAddChild(node, other);
}

static void change(xmlDocPtr doc, xmlDocPtr from)
{
    xmlNodePtr node = pick(doc);
    if (!node)
        return;
    switch (below(14)) {
    case 0:
        delete_element(doc, node);
        break;
    case 1:
        duplicate_element(doc, node);
        break;
    case 2:
        move_element(doc, node);
        break;
    case 3:
        rename_element(node);
        break;
    case 4:
        add_element(node);
        break;
    case 5:
        delete_attribute(node);
        break;
    case 6:
        mutate_attribute(node);
        break;
    case 7:
        set_text(node);
        break;
    case 8:
        add_other(node);
        break;
    case 9:
    case 10:
        copy_element(doc, node, from);
        break;
    default:
        set_attribute(node);
    }
}

/* Return: how long the text is; 0: it has no room. */
static size_t write_text(xmlDocPtr doc, uint8_t *out, size_t max)
{
    xmlBufferPtr buffer = memory_need(xmlBufferCreate());
    xmlNodeDump(buffer, doc, xmlDocGetRootElement(doc), 0, 0);
    size_t length = (size_t)xmlBufferLength(buffer);
    length = length <= max ? length : 0;
    if (length)
        memcpy(out, xmlBufferContent(buffer), length);
    xmlBufferFree(buffer);
    return length;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
    seed_with(seed);
    xmlDocPtr doc = below(BYTES_ONE_IN) ? parse(data, size) : NULL;
    size_t length = 0;
    for (size_t changes = 1 + below(MAX_CHANGES); doc && changes > 0; changes--)
        if (count_elements(xmlDocGetRootElement(doc)) < MAX_NODES)
            change(doc, doc);
    if (doc)
        length = write_text(doc, data, max);
    xmlFreeDoc(doc);
    return length ? length : LLVMFuzzerMutate(data, size, max);
}

/* The first with elements of the second. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_size, const uint8_t *second, size_t second_size,
                                 uint8_t *out, size_t max, unsigned int seed)
{
    seed_with(seed);
    xmlDocPtr doc = parse(first, first_size), from = parse(second, second_size);
    size_t length = 0;
    for (size_t changes = 1 + below(MAX_CHANGES); doc && from && changes > 0; changes--)
        copy_element(doc, pick(doc), from);
    if (doc && from)
        length = write_text(doc, out, max);
    xmlFreeDoc(doc);
    xmlFreeDoc(from);
    return length;
}
