/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * needs - how many VFs of each pool a domain's XML asks for: what a cluster weighs against status' capacity
 *
 * <needs>: a <guest name='' uuid=''> of each domain, without a uuid where the XML has none, with a <pool name=''
 * vfs=''> for each pool of which it asks VFs, in the order of the XML.
 */
#ifndef VFPOOL_NEEDS_H
#define VFPOOL_NEEDS_H

#include <libxml/tree.h>
#include <stddef.h>

#include "error.h"

/** needs_new() - an empty document, which the caller frees with xmlFreeDoc() */
xmlDocPtr needs_new(void) must_check;

/**
 * needs_add() - add what one more domain asks for to a document
 * @data: its XML, which need not be defined yet
 *
 * An interface on a pool counts one, whether or not the pool is in service. So does a VF by its address, of the pool
 * that has it on this host; and a PF by its address counts all its VFs that are in a pool.
 *
 * Return: 0 or a negative errno value.
 */
int needs_add(int root, const char *data, size_t length, xmlDocPtr doc, struct error *error) must_check
    nonnull(2, 4, 5);

#endif
