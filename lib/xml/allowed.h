/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* allowed - what a RELAX NG schema (https://relaxng.org/spec-20011203.html) would have taken in place of what it
 * refuses */
#ifndef VFPOOL_ALLOWED_H
#define VFPOOL_ALLOWED_H

#include <libxml/tree.h>
#include <stddef.h>

#include "error.h"

/**
 * allowed_instead() - words for the end of a complaint, to a person
 * @schema:  the schema's text, one that can be parsed
 * @culprit: an element, or an attribute as a node, of a document that is not valid for it
 *
 * Of an attribute that has one of several values, ": it is 'a', 'b' or 'c'"; of one that its element does not have, and
 * of an element, ", which has x, y and <z>": what its parent has.
 *
 * Return: the words, the caller's, or NULL when there is nothing to say of it: a number, or what is right by itself and
 * wrong beside another.
 */
char *allowed_instead(const char *schema, size_t length, const xmlNode *culprit) must_check nonnull(1, 3);

#endif
