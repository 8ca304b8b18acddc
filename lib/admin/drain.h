/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* drain - no new guest gets the VFs of a card, before work on it; guests keep theirs */
#ifndef VFPOOL_DRAIN_H
#define VFPOOL_DRAIN_H

#include <stdbool.h>

#include "error.h"

#define DRAIN_LONGEST_WAIT_S 86400

struct drain_options {
    const char *reason; /* NULL: none is said */
    int wait_s;         /* so many seconds at most until no guest has one of the VFs; 0: at once */
    bool dry_run;       /* say what would be done, and change nothing */
};

/**
 * drain() - drain a PF, with all its VFs, or one VF
 * @what: the name of a PF's network interface, or the PCI address of a PF or a VF, as pciaddr_parse_any() takes it
 * @done: what was done is added; who has its VFs is a note
 *
 * It is written down where it outlives a boot, by PCI address; then libvirt's ports are set. One that is drained stays
 * as it is, and is waited for.
 *
 * Return: 0; -ENOENT or -ENODEV when there is no such device; -ETIMEDOUT when guests have VFs after @options->wait_s;
 * or another negative errno value: it is drained then if @done says so.
 */
int drain(int root, const char *what, const struct drain_options *options, struct lines *done,
          struct error *error) must_check nonnull(2, 3, 4, 5);

/**
 * undrain() - guests get the VFs again
 *
 * What is no device any more goes by its PCI address.
 *
 * Return: 0, also when it was not drained; or a negative errno value.
 */
int undrain(int root, const char *what, bool dry_run, struct lines *done, struct error *error) must_check
    nonnull(2, 4, 5);

#endif
