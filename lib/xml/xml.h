/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xml - documents read within limits, and the few ways to look into them that the parts share */
#ifndef VFPOOL_XML_H
#define VFPOOL_XML_H

#include <libxml/tree.h>
#include <libxml/xmlversion.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "pciaddr.h"

#define XML_MAX_BYTES ((size_t)10 * 1024 * 1024)
#define VFPOOL_NAMESPACE "urn:vfpool:1"

/* From 2.12 on libxml2 hands its errors out as const. */
#if LIBXML_VERSION >= 21200
typedef const xmlError xml_error;
#else
typedef xmlError xml_error;
#endif

static inline void cleanup_xml_doc(xmlDocPtr *doc)
{
    if (*doc)
        xmlFreeDoc(*doc);
}

static inline void cleanup_xml_string(char **text)
{
    if (*text)
        xmlFree(*text);
}

/**
 * xml_parse() - read a document that anybody may have written
 * @what: names the document in an error, "domain XML" or a file's path
 * @doc:  the caller frees it
 *
 * No network, no DTD (an entity left unexpanded would vanish silently in an identity transformation), no NUL byte, at
 * most XML_MAX_BYTES, nesting within libxml2's limit.
 *
 * Return: 0, -EINVAL with the line and the reason, or -EFBIG.
 */
int xml_parse(const char *data, size_t length, const char *what, xmlDocPtr *doc, struct error *error) must_check
    nonnull(1, 3, 4, 5);

/** xml_format() - a document as UTF-8 text, which the caller frees with free(). Return: 0 or -EILSEQ. */
int xml_format(xmlDocPtr doc, bool indent, char **data, size_t *length, struct error *error) must_check
    nonnull(1, 3, 4, 5);

/** xml_format_node() - an element as UTF-8 text, which the caller frees with free(); never NULL */
char *xml_format_node(xmlNodePtr node) must_check nonnull(1);

/** xml_is() - whether the node is an element of this name, in no namespace */
bool xml_is(const xmlNode *node, const char *name) nonnull(2);

/** xml_child() - the first child element of this name, in no namespace, or NULL; a NULL parent has none */
xmlNodePtr xml_child(const xmlNode *parent, const char *name) nonnull(2);

/** xml_next() - the next element after @node with the same name, in no namespace, or NULL */
xmlNodePtr xml_next(const xmlNode *node) nonnull(1);

/** xml_attribute() - an attribute's value, which the caller frees with xmlFree(); NULL: it is absent, or the node is */
char *xml_attribute(const xmlNode *node, const char *name) must_check nonnull(2);

/** xml_text() - the text of an element with the space around it cut, to be freed with xmlFree(); NULL for NULL */
char *xml_text(const xmlNode *node) must_check;

/**
 * xml_pci_address() - read an <address type='pci'/>, or one without a type as <hostdev> has it
 *
 * Return: 0, or -EINVAL, also for a NULL node.
 */
int xml_pci_address(const xmlNode *node, struct pciaddr *address) must_check nonnull(2);

/** xml_add() - a new last child element, never NULL */
xmlNodePtr xml_add(xmlNodePtr parent, const char *name) nonnull(1, 2);

/** xml_add_text() - a new last child element with a text */
void xml_add_text(xmlNodePtr parent, const char *name, const char *text) nonnull(1, 2, 3);

/** xml_set() - give an element an attribute it does not have */
void xml_set(xmlNodePtr node, const char *name, const char *value) nonnull(1, 2, 3);

/** xml_set_number() - the same for a number */
void xml_set_number(xmlNodePtr node, const char *name, unsigned long value) nonnull(1, 2);

/** xml_new() - a document with an empty root element, which the caller frees with xmlFreeDoc(); never NULL */
xmlDocPtr xml_new(const char *root) must_check nonnull(1);

/** xml_add_pci_address() - add libvirt's <address type='pci'/> */
void xml_add_pci_address(xmlNodePtr parent, const struct pciaddr *address) nonnull(1, 2);

#endif
