/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "allowed.h"

#include <string.h>

#include "memory.h"
#include "xml.h"

#define MAX_WORDS 32
#define MAX_DEPTH 32 /* of references in references: a schema may have circles */

struct words {
    xmlNodePtr grammar;
    const char *attribute; /* the values of this one; NULL: the names of attributes and elements */
    char *words[MAX_WORDS];
    size_t count;
};

static void free_words(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->words[i]);
}

static bool has(const struct words *words, const char *word)
{
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(words->words[i], word) == 0)
            return true;
    return false;
}

/* Owns @word from then on. */
static void add(struct words *words, char *word)
{
    if (words->count < MAX_WORDS && !has(words, word))
        words->words[words->count++] = word;
    else
        free(word);
}

static bool is_pattern(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static bool is_named(const xmlNode *pattern, const char *name)
{
    _cleanup_(cleanup_xml_string) char *own = xml_attribute(pattern, "name");
    return own && strcmp(own, name) == 0;
}

static void collect(struct words *words, const xmlNode *pattern, bool values, int depth);

static void collect_one(struct words *words, const xmlNode *node, bool values, int depth)
{
    _cleanup_(cleanup_xml_string) char *name = xml_attribute(node, "name");
    bool element = is_pattern(node, "element"), attribute = is_pattern(node, "attribute");
    if (is_pattern(node, "ref") && name) {
        for (const xmlNode *define = words->grammar->children; define; define = define->next)
            if (is_pattern(define, "define") && is_named(define, name))
                collect(words, define, values, depth + 1);
    } else if (is_pattern(node, "value")) {
        _cleanup_(cleanup_xml_string) char *value = (char *)xmlNodeGetContent(node);
        if (values)
            add(words, memory_format("'%s'", value));
    } else if (attribute && words->attribute) {
        if (is_named(node, words->attribute))
            collect(words, node, true, depth);
    } else if (element || attribute) {
        if (name && !words->attribute)
            add(words, element ? memory_format("<%s>", name) : memory_copy(name));
    } else {
        collect(words, node, values, depth);
    }
}

/* What is at the top of a pattern, and not in an element of it. */
static void collect(struct words *words, const xmlNode *pattern, bool values, int depth)
{
    for (const xmlNode *node = pattern->children; node && depth < MAX_DEPTH; node = node->next)
        if (node->type == XML_ELEMENT_NODE)
            collect_one(words, node, values, depth);
}

/* Of each pattern of an element of this name, wherever the schema has one. */
static void collect_of(struct words *words, const xmlNode *pattern, const char *element)
{
    for (const xmlNode *node = pattern->children; node; node = node->next) {
        if (is_pattern(node, "element") && is_named(node, element))
            collect(words, node, false, 0);
        collect_of(words, node, element);
    }
}

/* "a", "a or b", "a, b or c" */
static char *join(const struct words *words, const char *begin, const char *last)
{
    char *text = memory_copy(begin);
    for (size_t i = 0; i < words->count; i++) {
        char *longer = memory_format("%s%s%s", text, i == 0 ? "" : i + 1 < words->count ? ", " : last, words->words[i]);
        free(text);
        text = longer;
    }
    return text;
}

/* Of an attribute with a list of values. */
static char *other_values(xmlNodePtr grammar, const xmlNode *attribute)
{
    _cleanup_(free_words) struct words words = {.grammar = grammar, .attribute = (const char *)attribute->name};
    _cleanup_(cleanup_xml_string) char *value = (char *)xmlNodeGetContent(attribute);
    _cleanup_(cleanup_free) char *quoted = memory_format("'%s'", value);
    collect_of(&words, grammar, (const char *)attribute->parent->name);
    return words.count && !has(&words, quoted) ? join(&words, ": it is ", " or ") : NULL;
}

static char *other_names(xmlNodePtr grammar, const xmlNode *culprit)
{
    _cleanup_(free_words) struct words words = {.grammar = grammar};
    _cleanup_(cleanup_free) char *name = culprit->type == XML_ATTRIBUTE_NODE
                                             ? memory_copy((const char *)culprit->name)
                                             : memory_format("<%s>", (const char *)culprit->name);
    collect_of(&words, grammar, (const char *)culprit->parent->name);
    return words.count && !has(&words, name) ? join(&words, ", which has ", " and ") : NULL;
}

char *allowed_instead(const char *schema, size_t length, const xmlNode *culprit)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    _cleanup_(error_free) struct error error = {0};
    if (culprit->parent->type != XML_ELEMENT_NODE || xml_parse(schema, length, "the schema", &doc, &error) < 0)
        return NULL;
    xmlNodePtr grammar = xmlDocGetRootElement(doc);
    char *words = culprit->type == XML_ATTRIBUTE_NODE ? other_values(grammar, culprit) : NULL;
    return words ? words : other_names(grammar, culprit);
}
