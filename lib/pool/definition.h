/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* definition - a pool as a network of libvirt's: xslt/network.xsl */
#ifndef VFPOOL_DEFINITION_H
#define VFPOOL_DEFINITION_H

#include <libxml/tree.h>
#include <stddef.h>

#include "error.h"
#include "vf.h"

enum definition_form {
    DEFINITION_DUMP,    /* as virsh net-dumpxml shows an active one */
    DEFINITION_DEFINE,  /* for libvirt to define */
    DEFINITION_COMPARE, /* to see whether two are alike */
};

/**
 * definition_format() - write a network
 * @network:   a pool file, or what libvirt has
 * @addresses: of its VFs, in order
 * @connected: how many of them guests have; only for DEFINITION_DUMP
 * @text:      the caller frees it
 *
 * Return: 0 or a negative errno value.
 */
int definition_format(xmlDocPtr network, enum definition_form form, const struct pciaddr *addresses, size_t count,
                      size_t connected, char **text, size_t *length, struct error *error) must_check
    nonnull(1, 6, 7, 8);

/** definition_addresses() - the VFs that a network lists; the caller frees them; NULL: none */
struct pciaddr *definition_addresses(xmlDocPtr network, size_t *count) must_check nonnull(1, 2);

#endif
