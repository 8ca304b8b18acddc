/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* numa - the NUMA nodes on which a guest runs */
#ifndef VFPOOL_NUMA_H
#define VFPOOL_NUMA_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stdint.h>

#include "host.h"

#define NUMA_MAX 4096 /* CPUs, and nodes; those above are not looked at */

struct numa_set {
    uint64_t bits[NUMA_MAX / 64];
};

/**
 * numa_parse() - read a list of CPUs or nodes as libvirt and the kernel write it: "0-3,^2,8"
 *
 * Return: 0 or -EINVAL (https://libvirt.org/formatdomain.html#cpu-allocation).
 */
int numa_parse(const char *list, struct numa_set *set) must_check nonnull(1, 2);

/** numa_has() - whether the number is in the set */
bool numa_has(const struct numa_set *set, int number) must_check nonnull(1);

/**
 * numa_of_guest() - the nodes that a guest is bound to
 * @guest: the root of its XML
 *
 * Those of the CPUs that its vCPUs are pinned to (<vcpu cpuset=''>, <vcpupin>) and of its memory (<numatune>). Where
 * neither is said, those of <emulatorpin>.
 *
 * Return: whether it is bound to any; a list that cannot be read binds to nothing, as libvirt refuses it.
 */
bool numa_of_guest(const struct host *host, const xmlNode *guest, struct numa_set *nodes) must_check nonnull(1, 2, 3);

#endif
