/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sheet.h"

#include <errno.h>
#include <libxml/xpathInternals.h>
#include <libxslt/extensions.h>
#include <libxslt/security.h>
#include <libxslt/transform.h>
#include <libxslt/variables.h>
#include <libxslt/xsltInternals.h>
#include <libxslt/xsltutils.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "xml.h"

/* The first words that libxslt says; what follows is where it was at that time. */
struct words {
    char text[512];
};

static void cleanup_stylesheet(xsltStylesheetPtr *sheet)
{
    if (*sheet)
        xsltFreeStylesheet(*sheet);
}

static void cleanup_transformer(xsltTransformContextPtr *context)
{
    if (*context)
        xsltFreeTransformContext(*context);
}

static void cleanup_security(xsltSecurityPrefsPtr *security)
{
    xsltSetDefaultSecurityPrefs(NULL);
    if (*security)
        xsltFreeSecurityPrefs(*security);
}

static void keep_words(void *context, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void keep_words(void *context, const char *format, ...)
{
    struct words *words = context;
    if (words->text[0])
        strncat(words->text, " ", sizeof words->text - strlen(words->text) - 1);
    size_t used = strlen(words->text);
    va_list arguments;
    va_start(arguments, format);
    int added = vsnprintf(words->text + used, sizeof words->text - used, format, arguments);
    va_end(arguments);
    for (used = strlen(words->text); added > 0 && used > 0 && strchr(" \n", words->text[used - 1]); used--)
        words->text[used - 1] = '\0';
}

/* What an expression asks for and nobody knows, libxml2 2.15 says here alone; all else is said better elsewhere. */
static void keep_xml_error(void *context, xml_error *problem)
{
    struct words *words = context;
    if (problem->domain != XML_FROM_XPATH || !problem->message || words->text[0])
        return;
    keep_words(words, "%s", problem->message);
    if (problem->str1)
        keep_words(words, "%s", problem->str1);
}

static void return_given(xmlXPathParserContextPtr parser, int arguments)
{
    xsltTransformContextPtr context = xsltXPathGetTransformContext(parser);
    xmlDocPtr given = context->_private;
    if (arguments != 0) {
        xmlXPathSetArityError(parser);
        return;
    }
    valuePush(parser, xmlXPathNewNodeSet(given ? xmlDocGetRootElement(given) : NULL));
}

static xsltSecurityPrefsPtr forbid_everything(void)
{
    static const xsltSecurityOption options[] = {XSLT_SECPREF_READ_FILE, XSLT_SECPREF_WRITE_FILE,
                                                 XSLT_SECPREF_CREATE_DIRECTORY, XSLT_SECPREF_READ_NETWORK,
                                                 XSLT_SECPREF_WRITE_NETWORK};
    xsltSecurityPrefsPtr security = memory_need(xsltNewSecurityPrefs());
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        xsltSetSecurityPrefs(security, options[i], xsltSecurityForbid);
    xsltSetDefaultSecurityPrefs(security);
    return security;
}

static int compile(const struct sheet *sheet, xsltStylesheetPtr *compiled, struct words *words, struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    int result = xml_parse(sheet->text, sheet->length, sheet->path, &doc, error);
    if (result < 0)
        return result;
    *compiled = xsltParseStylesheetDoc(doc);
    if (!*compiled)
        return error_set(error, EINVAL, "%s is not a style sheet: %s", sheet->path, words->text);
    steal(doc);
    if ((*compiled)->errors > 0)
        return error_set(error, EINVAL, "%s is not a style sheet: %s", sheet->path, words->text);
    return 0;
}

static int run(const struct sheet *sheet, xsltStylesheetPtr compiled, xsltSecurityPrefsPtr security, xmlDocPtr input,
               xmlDocPtr *result, struct words *words, struct error *error)
{
    _cleanup_(cleanup_transformer) xsltTransformContextPtr context =
        memory_need(xsltNewTransformContext(compiled, input));
    const char *const *parameter = sheet->parameters;
    context->_private = sheet->given;
    xsltSetTransformErrorFunc(context, words, keep_words);
    if (xsltSetCtxtSecurityPrefs(security, context) < 0 ||
        xsltRegisterExtFunction(context, (const xmlChar *)"given", (const xmlChar *)VFPOOL_NAMESPACE, return_given) < 0)
        return error_set(error, EINVAL, "%s cannot be confined to what it is given", sheet->path);
    for (; parameter && parameter[0]; parameter += 2)
        if (xsltQuoteOneUserParam(context, (const xmlChar *)parameter[0], (const xmlChar *)parameter[1]) < 0)
            return error_set(error, EINVAL, "%s: parameter %s cannot be set", sheet->path, parameter[0]);
    _cleanup_(cleanup_xml_doc) xmlDocPtr output = xsltApplyStylesheetUser(compiled, input, NULL, NULL, NULL, context);
    if (!output || context->state != XSLT_STATE_OK)
        return error_set(error, EINVAL, "%s: %s", sheet->path, words->text[0] ? words->text : "it gives no result");
    *result = steal(output);
    return 0;
}

static int apply(const struct sheet *sheet, xmlDocPtr input, xmlDocPtr *result, char **text, size_t *length,
                 struct words *words, struct error *error)
{
    _cleanup_(cleanup_security) xsltSecurityPrefsPtr security = forbid_everything();
    _cleanup_(cleanup_stylesheet) xsltStylesheetPtr compiled = NULL;
    _cleanup_(cleanup_xml_doc) xmlDocPtr output = NULL;
    int status = compile(sheet, &compiled, words, error);
    if (status == 0)
        status = run(sheet, compiled, security, input, &output, words, error);
    if (status < 0)
        return status;
    xmlChar *string = NULL;
    int size = 0;
    if (xsltSaveResultToString(&string, &size, output, compiled) < 0 || !string || size <= 0) {
        xmlFree(string);
        return error_set(error, EINVAL, "%s gives an empty result", sheet->path);
    }
    *text = (char *)string;
    *length = (size_t)size;
    *result = steal(output);
    return 0;
}

int sheet_apply(const struct sheet *sheet, xmlDocPtr input, xmlDocPtr *result, char **text, size_t *length,
                struct error *error)
{
    struct words words = {""};
    xsltSetGenericErrorFunc(&words, keep_words);
    xmlSetGenericErrorFunc(&words, keep_words);
    xmlSetStructuredErrorFunc(&words, (xmlStructuredErrorFunc)keep_xml_error);
    int status = apply(sheet, input, result, text, length, &words, error);
    xmlSetStructuredErrorFunc(NULL, NULL);
    xmlSetGenericErrorFunc(NULL, NULL);
    xsltSetGenericErrorFunc(NULL, NULL);
    return status;
}
