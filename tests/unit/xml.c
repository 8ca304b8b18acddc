/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml.h"

#include <errno.h>

#include "allowed.h"
#include "cleanup.h"
#include "schema.h"
#include "tap.h"

#define SCHEMA                                                                                                         \
    "<element name='r' xmlns='http://relaxng.org/ns/structure/1.0'><element name='a'>"                                 \
    "<optional><attribute name='b'><choice><value>x</value><value>y</value></choice></attribute></optional>"           \
    "</element></element>"

static xmlDocPtr parse(const char *text)
{
    struct error error = {0};
    xmlDocPtr doc = NULL;
    ok(xml_parse(text, strlen(text), "it", &doc, &error) == 0 && doc, "%s", text);
    return doc;
}

/* What libxml2 says of a schema that is none; nobody hears it. */
static void say_nothing(void *context, const char *format, ...)
{
    (void)context, (void)format;
}

static void test_parse(void)
{
    struct error error = {0};
    xmlDocPtr doc = NULL;
    ok(xml_parse("", XML_MAX_BYTES + 1, "it", &doc, &error) == -EFBIG && !doc, "what is too large is not looked at");
    is(error.message, "it is larger than 10 MiB", "and that is said");
    ok(xml_parse("", 0, "it", &doc, &error) == -EINVAL && !doc, "nothing is no document");
    ok(xml_parse("<a>", 3, "it", &doc, &error) == -EINVAL && !doc, "half a document is none");
}

static void test_schema(void)
{
    struct error error = {0};
    xmlDocPtr doc = parse("<r><a b='x'/></r>"), wrong = parse("<r><a b='z'/></r>"), root = parse("<c/>");
    static const char broken[] = "<element xmlns='http://relaxng.org/ns/structure/1.0'/>";
    ok(schema_check(SCHEMA, strlen(SCHEMA), doc, "it", &error) == 0, "as the schema has it");
    ok(schema_check(SCHEMA, strlen(SCHEMA), wrong, "it", &error) == -EINVAL, "not as the schema has it");
    ok(strstr(error.message, "it, line 1: ") && strstr(error.message, "'x' or 'y'"), "%s", error.message);
    xmlSetGenericErrorFunc(NULL, say_nothing);
    ok(schema_check(broken, strlen(broken), doc, "it", &error) == -EINVAL, "a schema that is none");
    is(error.message, "cannot compile the schema for it", "is said");
    ok(!allowed_instead(SCHEMA, strlen(SCHEMA), xmlDocGetRootElement(root)), "nothing is said in place of the root");
    xmlFreeDoc(doc);
    xmlFreeDoc(wrong);
    xmlFreeDoc(root);
}

int main(void)
{
    test_parse();
    test_schema();
    return tap_end();
}
