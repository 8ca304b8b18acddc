/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* network - a pool as a network of libvirt's: xslt/network.xsl */
#ifndef VFPOOL_NETWORK_H
#define VFPOOL_NETWORK_H

#include <libxml/tree.h>
#include <stddef.h>

#include "error.h"
#include "vf.h"

enum network_form {
    NETWORK_DUMP,    /* as virsh net-dumpxml shows an active one */
    NETWORK_DEFINE,  /* for libvirt to define */
    NETWORK_COMPARE, /* to see whether two are alike */
};

/**
 * network_format() - write a network
 * @network:   a pool file, or what libvirt has
 * @addresses: of its VFs, in order
 * @connected: how many of them guests have; only for NETWORK_DUMP
 * @text:      the caller frees it
 *
 * Return: 0 or a negative errno value.
 */
int network_format(xmlDocPtr network, enum network_form form, const struct pciaddr *addresses, size_t count,
                   size_t connected, char **text, size_t *length, struct error *error) must_check nonnull(1, 6, 7, 8);

/** network_addresses() - the VFs that a network lists; the caller frees them; NULL: none */
struct pciaddr *network_addresses(xmlDocPtr network, size_t *count) must_check nonnull(1, 2);

#endif
