/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sheet - apply an XSLT style sheet that can reach nothing but what it is given */
#ifndef VFPOOL_SHEET_H
#define VFPOOL_SHEET_H

#include <libxml/tree.h>
#include <stddef.h>

#include "error.h"

struct sheet {
    const char *text; /* XSLT 1.0, self-contained: no import, no document() */
    size_t length;
    const char *path; /* names the sheet in an error */
    xmlDocPtr given;  /* what the extension function urn:vfpool:1 given() returns the root of; may be NULL */
    const char *const *parameters; /* name, text, name, text, …, NULL; may be NULL */
};

/**
 * sheet_apply() - transform a document
 * @result: as the sheet's xsl:output says; the caller frees it with xmlFreeDoc()
 * @text:   the same as text, which the caller frees with xmlFree()
 *
 * Files, network and writing are forbidden to the sheet, as is whatever it might import.
 *
 * Return: 0; -EINVAL with the sheet's own words when it cannot be compiled, ends with xsl:message terminate='yes', or
 * gives nothing.
 */
int sheet_apply(const struct sheet *sheet, xmlDocPtr input, xmlDocPtr *result, char **text, size_t *length,
                struct error *error) must_check nonnull(1, 2, 3, 4, 5, 6);

#endif
