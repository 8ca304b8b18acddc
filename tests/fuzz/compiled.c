/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * compiled - the schema and the style sheet of a harness, compiled once in a process
 *
 * They are the built-in ones, the same for each input, and a harness has one of each; compiling them is most of the
 * time of an input otherwise.
 */
#include <libxml/relaxng.h>
#include <libxslt/xsltInternals.h>

/* The names are the linker's: NOLINTBEGIN(bugprone-reserved-identifier) */
xmlRelaxNGPtr __real_xmlRelaxNGParse(xmlRelaxNGParserCtxtPtr parser);
xmlRelaxNGPtr __wrap_xmlRelaxNGParse(xmlRelaxNGParserCtxtPtr parser);
void __wrap_xmlRelaxNGFree(xmlRelaxNGPtr schema);
xsltStylesheetPtr __real_xsltParseStylesheetDoc(xmlDocPtr doc);
xsltStylesheetPtr __wrap_xsltParseStylesheetDoc(xmlDocPtr doc);
void __wrap_xsltFreeStylesheet(xsltStylesheetPtr sheet);

xmlRelaxNGPtr __wrap_xmlRelaxNGParse(xmlRelaxNGParserCtxtPtr parser)
{
    static xmlRelaxNGPtr schema;
    if (!schema)
        schema = __real_xmlRelaxNGParse(parser);
    return schema;
}

void __wrap_xmlRelaxNGFree(xmlRelaxNGPtr schema)
{
    (void)schema;
}

/* The sheet owns its document. */
xsltStylesheetPtr __wrap_xsltParseStylesheetDoc(xmlDocPtr doc)
{
    static xsltStylesheetPtr sheet;
    if (sheet)
        xmlFreeDoc(doc);
    else
        sheet = __real_xsltParseStylesheetDoc(doc);
    return sheet;
}

void __wrap_xsltFreeStylesheet(xsltStylesheetPtr sheet)
{
    (void)sheet;
}
/* NOLINTEND(bugprone-reserved-identifier) */
