/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * libxml2 says well that a document breaks a schema, and badly where: inside an <interleave> it drops the error that
 * matters ("Invalid sequence in interleave", without a line). So when a document is invalid, one element or attribute
 * after the other is taken out and put back; the deepest one without which the document is valid is what the person
 * has to look at, and allowed.h says what could be there. Of many elements of one name, half of them are taken out, as
 * in a schema of ours there may be as many as one likes. Only when there is none (something is missing, or two things
 * are wrong) libxml2's own words are used.
 *
 * Whoever reads pool files finds this out again, hooks too, for which a guest waits: it has an end.
 */
#include "schema.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <stdio.h>
#include <string.h>

#include "allowed.h"
#include "memory.h"
#include "xml.h"

/* Elements and attributes that are compared with the schema, all in all: measured, some 750,000 a second. Past that
 * libxml2's words have to do. */
#define MAX_COMPARED 200000

/* The search for what is wrong. */
struct search {
    xmlRelaxNGPtr schema;
    long each; /* that many are compared each time */
    long left;
};

/* An element, and what was behind it when it was taken out. */
struct part {
    xmlNodePtr node, next;
};

struct complaint {
    int line;
    char text[256];
};

static void keep_complaint(void *context, xml_error *problem)
{
    struct complaint *complaint = context;
    if (!problem->message || (complaint->text[0] && strncmp(problem->message, "Invalid attribute", 17) != 0))
        return;
    const xmlNode *node = problem->node;
    complaint->line = node ? (int)xmlGetLineNo((xmlNodePtr)node) : problem->line;
    snprintf(complaint->text, sizeof complaint->text, "%.*s", (int)strcspn(problem->message, "\n"), problem->message);
}

static void ignore_complaint(void *context, xml_error *problem)
{
    (void)context, (void)problem;
}

static int validate(xmlRelaxNGPtr schema, xmlDocPtr doc, struct complaint *complaint)
{
    xmlRelaxNGValidCtxtPtr context = memory_need(xmlRelaxNGNewValidCtxt(schema));
    xmlStructuredErrorFunc function = (xmlStructuredErrorFunc)(complaint ? keep_complaint : ignore_complaint);
    xmlRelaxNGSetValidStructuredErrors(context, function, complaint);
    int result = xmlRelaxNGValidateDoc(context, doc);
    xmlRelaxNGFreeValidCtxt(context);
    return result;
}

static long count_nodes(const xmlNode *element)
{
    long count = 1;
    for (const xmlAttr *attribute = element->properties; attribute; attribute = attribute->next)
        count++;
    for (const xmlNode *child = element->children; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE)
            count += count_nodes(child);
    return count;
}

static bool is_valid(struct search *search, xmlDocPtr doc)
{
    search->left -= search->each;
    return validate(search->schema, doc, NULL) == 0;
}

static bool valid_without(struct search *search, struct part *parts, size_t count)
{
    xmlNodePtr parent = parts[0].node->parent;
    for (size_t i = 0; i < count; i++) {
        parts[i].next = parts[i].node->next;
        xmlUnlinkNode(parts[i].node);
    }
    bool valid = is_valid(search, parent->doc);
    /* The last one first: what was behind it is there. */
    for (size_t i = count; i-- > 0;)
        if (parts[i].next)
            xmlAddPrevSibling(parts[i].next, parts[i].node);
        else
            xmlAddChild(parent, parts[i].node);
    return valid;
}

static bool attribute_valid_without(struct search *search, xmlAttrPtr attribute)
{
    xmlNodePtr element = attribute->parent;
    xmlAttrPtr *link = attribute->prev ? &attribute->prev->next : &element->properties;
    *link = attribute->next;
    bool valid = is_valid(search, element->doc);
    *link = attribute;
    return valid;
}

static bool is_alike(const xmlNode *one, const xmlNode *other)
{
    return one->type == XML_ELEMENT_NODE && other->type == XML_ELEMENT_NODE && one->ns == other->ns &&
           xmlStrEqual(one->name, other->name);
}

static bool is_first(const xmlNode *element)
{
    const xmlNode *before = element->prev;
    while (before && !is_alike(before, element))
        before = before->prev;
    return !before;
}

/* @element and those behind it that are of its name; the caller frees them. */
static struct part *list_alike(xmlNodePtr element, size_t *count)
{
    struct part *parts = NULL;
    *count = 0;
    for (xmlNodePtr node = element; node; node = node->next) {
        if (!is_alike(node, element))
            continue;
        if ((*count & (*count - 1)) == 0)
            parts = memory_resize(parts, *count ? *count * 2 : 1, sizeof *parts);
        parts[(*count)++].node = node;
    }
    return parts;
}

/* Which one of elements of one name it is, or is in. NULL: none, or more than one. */
static xmlNodePtr narrow(struct search *search, struct part *parts, size_t count)
{
    while (count > 1 && search->left > 0) {
        size_t half = count / 2;
        if (valid_without(search, parts, half)) {
            count = half;
        } else if (valid_without(search, parts + half, count - half)) {
            parts += half;
            count -= half;
        } else {
            return NULL;
        }
    }
    return count == 1 ? parts[0].node : NULL;
}

/* The deepest element or attribute at or below @element without which the document is valid, or NULL. */
static xmlNodePtr find_culprit(struct search *search, xmlNodePtr element)
{
    bool root = element->parent == (xmlNodePtr)element->doc;
    struct part alone = {.node = element};
    xmlNodePtr culprit = NULL;
    for (xmlAttrPtr attribute = element->properties; attribute && search->left > 0; attribute = attribute->next)
        if (attribute_valid_without(search, attribute))
            return (xmlNodePtr)attribute;
    for (xmlNodePtr child = element->children; child && !culprit && search->left > 0; child = child->next) {
        size_t count;
        if (child->type != XML_ELEMENT_NODE || !is_first(child))
            continue;
        _cleanup_(cleanup_free) struct part *parts = list_alike(child, &count);
        xmlNodePtr suspect = narrow(search, parts, count);
        culprit = suspect ? find_culprit(search, suspect) : NULL;
    }
    if (!culprit && !root && search->left > 0 && valid_without(search, &alone, 1))
        culprit = element;
    return culprit;
}

static int describe(xmlNodePtr culprit, const char *schema, size_t length, const char *path, struct error *error)
{
    _cleanup_(cleanup_free) char *text = xml_format_node(culprit);
    _cleanup_(cleanup_free) char *instead = allowed_instead(schema, length, culprit);
    xmlNodePtr element = culprit->type == XML_ATTRIBUTE_NODE ? culprit->parent : culprit;
    error_set(error, EINVAL, "%s, line %ld: %.*s%s is not allowed in <%s>%s", path, xmlGetLineNo(element), 120,
              text + strspn(text, " "), strlen(text) > 120 ? "..." : "",
              culprit->type == XML_ATTRIBUTE_NODE ? element->name : element->parent->name, instead ? instead : "");
    return -EINVAL;
}

int schema_check(const char *schema, size_t length, xmlDocPtr doc, const char *path, struct error *error)
{
    xmlRelaxNGParserCtxtPtr parser = memory_need(xmlRelaxNGNewMemParserCtxt(schema, (int)length));
    xmlRelaxNGPtr grammar = xmlRelaxNGParse(parser);
    xmlRelaxNGFreeParserCtxt(parser);
    if (!grammar)
        return error_set(error, EINVAL, "cannot compile the schema for %s", path);

    struct complaint complaint = {0};
    int result = validate(grammar, doc, &complaint);
    if (result < 0)
        result = error_set(error, EINVAL, "%s cannot be compared with its schema", path);
    if (result > 0) {
        xmlNodePtr root = xmlDocGetRootElement(doc);
        struct search search = {.schema = grammar, .each = count_nodes(root), .left = MAX_COMPARED};
        xmlNodePtr culprit = find_culprit(&search, root);
        result = culprit ? describe(culprit, schema, length, path, error)
                         : error_set(error, EINVAL, "%s, line %d: %s", path, complaint.line, complaint.text);
    }
    xmlRelaxNGFree(grammar);
    return result;
}
