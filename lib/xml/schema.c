/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * libxml2 says well that a document breaks a schema, and badly where: inside an <interleave> it drops the error that
 * matters ("Invalid sequence in interleave", without a line). So when a document is invalid, one element or attribute
 * after the other is taken out and put back; the deepest one without which the document is valid is what the person
 * has to look at, and allowed.h says what could be there. Only when there is none (something is missing, or two things
 * are wrong) libxml2's own words are used.
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

#define MAX_SUSPECTS 4096 /* attempts; a larger document is described in libxml2's words */

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

static bool valid_without(xmlRelaxNGPtr schema, xmlNodePtr node)
{
    xmlNodePtr parent = node->parent, next = node->next;
    xmlDocPtr doc = node->doc;
    xmlUnlinkNode(node);
    bool valid = validate(schema, doc, NULL) == 0;
    if (next)
        xmlAddPrevSibling(next, node);
    else
        xmlAddChild(parent, node);
    return valid;
}

static bool attribute_valid_without(xmlRelaxNGPtr schema, xmlAttrPtr attribute)
{
    xmlNodePtr element = attribute->parent;
    xmlAttrPtr *link = attribute->prev ? &attribute->prev->next : &element->properties;
    *link = attribute->next;
    bool valid = validate(schema, element->doc, NULL) == 0;
    *link = attribute;
    return valid;
}

/* The deepest element or attribute at or below @element without which the document is valid, or NULL. */
static xmlNodePtr find_culprit(xmlRelaxNGPtr schema, xmlNodePtr element, int *attempts)
{
    if (--*attempts <= 0)
        return NULL;
    bool root = element->parent == (xmlNodePtr)element->doc;
    xmlNodePtr child = element->children, culprit = NULL;
    for (xmlAttrPtr attribute = element->properties; attribute; attribute = attribute->next)
        if (attribute_valid_without(schema, attribute))
            return (xmlNodePtr)attribute;
    while (child && !culprit) {
        xmlNodePtr next = child->next;
        if (child->type == XML_ELEMENT_NODE)
            culprit = find_culprit(schema, child, attempts);
        child = next;
    }
    if (!culprit && !root && valid_without(schema, element))
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
    int result = validate(grammar, doc, &complaint), attempts = MAX_SUSPECTS;
    if (result < 0)
        result = error_set(error, EINVAL, "%s cannot be compared with its schema", path);
    if (result > 0) {
        xmlNodePtr culprit = find_culprit(grammar, xmlDocGetRootElement(doc), &attempts);
        result = culprit ? describe(culprit, schema, length, path, error)
                         : error_set(error, EINVAL, "%s, line %d: %s", path, complaint.line, complaint.text);
    }
    xmlRelaxNGFree(grammar);
    return result;
}
