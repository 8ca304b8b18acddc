/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* discover - a ready pool file for the SR-IOV cards of this host */
#ifndef VFPOOL_DISCOVER_H
#define VFPOOL_DISCOVER_H

#include <stddef.h>

#include "error.h"

/**
 * discover_pool() - write a pool file
 * @name: the pool's
 * @pfs:  the PFs to take, by their interfaces' names or their own addresses (pciaddr_parse_any()); @count of 0: all
 * that the host has, but for those that are not Ethernet
 * @text: the caller frees it
 *
 * Return: 0, -ENOENT when there is no such PF or none at all, -ENODEV when it cannot do SR-IOV or is not Ethernet,
 * -EINVAL when no pool can have that name, or another negative errno value.
 */
int discover_pool(int root, const char *name, char *const *pfs, size_t count, char **text, size_t *length,
                  struct error *error) must_check nonnull(2, 5, 6, 7);

#endif
