/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rename - what a PF that a pool file names is called now, after an update or a move gave its interface another name */
#ifndef VFPOOL_RENAME_H
#define VFPOOL_RENAME_H

#include <stdbool.h>

#include "host.h"

/**
 * rename_find() - the PF that the name most likely meant
 *
 * The old name may say where the card is (enp65s0f0: systemd's systemd.net-naming-scheme(7)), or be the new one without
 * or with the name of its port (ens7f0 and ens7f0np0).
 *
 * Return: whether there is one; then @pf is examined.
 */
bool rename_find(const struct host *host, const char *name, struct host_pf *pf) must_check nonnull(1, 2, 3);

#endif
