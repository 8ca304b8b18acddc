/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* numa - the NUMA nodes on which a guest runs */
#ifndef VFPOOL_NUMA_H
#define VFPOOL_NUMA_H

#include <libxml/tree.h>
#include <stdbool.h>

#include "host.h"
#include "numbers.h"

/**
 * numa_of_guest() - the nodes that a guest is bound to
 * @guest: the root of its XML
 *
 * Those of the CPUs that its vCPUs are pinned to (<vcpu cpuset=''>, <vcpupin>) and of its memory (<numatune>). Where
 * neither is said, those of <emulatorpin>.
 *
 * Return: whether it is bound to any; a list that cannot be read binds to nothing, as libvirt refuses it.
 */
bool numa_of_guest(const struct host *host, const xmlNode *guest, struct numbers *nodes) must_check nonnull(1, 2, 3);

#endif
