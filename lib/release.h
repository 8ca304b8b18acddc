/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* release - VFs taken back by hand; what was done is added to the notes, a line each */
#ifndef VFPOOL_RELEASE_H
#define VFPOOL_RELEASE_H

#include "error.h"

/**
 * release_by_hand() - drop what a guest holds, or one VF
 * @what: a guest's name or UUID, or a VF's PCI address
 *
 * Return: 0, -ENOENT when nothing is held by that, -EINVAL when two guests have the name, or another negative errno.
 */
int release_by_hand(int root, const char *what, struct error *error) must_check nonnull(2, 3);

#endif
