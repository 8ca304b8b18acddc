/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* release - VFs taken back by hand */
#ifndef VFPOOL_RELEASE_H
#define VFPOOL_RELEASE_H

#include <stdbool.h>

#include "error.h"

struct release_options {
    bool force;   /* also from a guest that runs, or may */
    bool dry_run; /* say what would be done, and change nothing */
};

/**
 * release_by_hand() - drop what a guest holds, or one VF
 * @what: a guest's name or UUID, or a VF's PCI address as pciaddr_parse_any() takes it
 * @done: what was released, or would be, is added
 *
 * Return: 0; -ENOENT when nothing is held by that; -EINVAL when two guests have the name; -EBUSY when the guest runs,
 * is being started, or has the device open, or that cannot be seen; or another negative errno.
 */
int release_by_hand(int root, const char *what, const struct release_options *options, struct lines *done,
                    struct error *error) must_check nonnull(2, 3, 4, 5);

#endif
