/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* schema - whether a document is what a RELAX NG schema allows, and if not, where it is not */
#ifndef VFPOOL_SCHEMA_H
#define VFPOOL_SCHEMA_H

#include <libxml/tree.h>
#include <stddef.h>

#include "error.h"

/**
 * schema_check() - validate a document
 * @schema: the text of a RELAX NG schema
 * @doc:    comes back as it went in
 * @path:   names the file in the error
 *
 * Return: 0, or -EINVAL with "PATH, line N: " and the one element or attribute without which the document would be
 * valid, where there is one.
 */
int schema_check(const char *schema, size_t length, xmlDocPtr doc, const char *path, struct error *error) must_check
    nonnull(1, 3, 4, 5);

#endif
