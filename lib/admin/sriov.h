/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sriov - what pool files ask of their PFs: that they are up, how many VFs they have, and whether the host's own
 * drivers take those
 */
#ifndef VFPOOL_SRIOV_H
#define VFPOOL_SRIOV_H

#include <stdbool.h>

#include "error.h"
#include "host.h"
#include "pool.h"

#define SRIOV_WAIT_S 60

struct sriov {
    int root;
    const struct host *host;
    const struct pools *pools;
    bool dry_run; /* only says what would be done */
    bool boot;    /* waits for PFs that are not there yet, and may change the number of VFs that nobody has */
    int wait_s;   /* for all of it; above 0 */
};

/**
 * sriov_provide() - do what the pool files ask, of each PF at the same time
 *
 * A PF whose number of VFs is not the one asked for keeps them, but for at boot, while no daemon of libvirt's runs and
 * none of the VFs is a guest's, the host's, or open: the way to another number takes them all away (sriov_numvfs,
 * Documentation/ABI/testing/sysfs-bus-pci). A PF that is not there is a failure at boot alone; else status says so.
 *
 * @done: what was done is added; what failed before the last is a note of @error's
 *
 * Return: 0, or a negative errno value of the last that failed; the others are done.
 */
int sriov_provide(const struct sriov *sriov, struct lines *done, struct error *error) must_check nonnull(1, 2, 3);

#endif
