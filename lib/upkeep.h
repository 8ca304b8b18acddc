/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* upkeep - what a person does to the ledger by hand; what was done is added to the notes, a line each */
#ifndef VFPOOL_UPKEEP_H
#define VFPOOL_UPKEEP_H

#include "error.h"

/**
 * upkeep_release() - drop what a guest holds, or one VF
 * @what: a guest's name or UUID, or a VF's PCI address
 *
 * Return: 0, -ENOENT when nothing is held by that, -EINVAL when two guests have the name, or another negative errno.
 */
int upkeep_release(int root, const char *what, struct error *error) must_check nonnull(2, 3);

/**
 * upkeep_reconcile() - repair what a crash left behind
 *
 * Links that say nothing go, missing ones come back. A claim is dropped when its guest is certainly gone: libvirt keeps
 * run/libvirt/qemu/NAME.xml for each running guest, and a claim of ten minutes without one has no guest.
 *
 * Return: the number of repairs, or a negative errno value.
 */
int upkeep_reconcile(int root, struct error *error) must_check nonnull(2);

#endif
