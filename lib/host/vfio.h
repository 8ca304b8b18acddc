/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfio - which process has a device open by VFIO: its group, /dev/vfio/GROUP, or, with iommufd and without a group, the
 * device itself, /dev/vfio/devices/vfioN (Linux Documentation/driver-api/vfio.rst, "IOMMUFD and VFIO char devices")
 */
#ifndef VFPOOL_VFIO_H
#define VFPOOL_VFIO_H

#include <sys/types.h>

#include "cleanup.h"

#define VFIO_NAME_SIZE 32

struct vfio;

/**
 * vfio_new() - nothing is looked at yet
 * @root: a descriptor of $VFPOOL_ROOT, which the caller keeps open
 *
 * Return: what the caller frees with vfio_free(), or NULL.
 */
struct vfio *vfio_new(int root) must_check;
void vfio_free(struct vfio *vfio);

/**
 * vfio_user() - the process that has a device open
 * @group:  the number of its group; empty: it has none
 * @device: vfioN; empty: the kernel has no such name of it
 *
 * All processes' descriptors are looked through, once; those of other users only as root.
 *
 * Return: its PID; 0: nobody has, as far as one may see; or a negative errno value where one could not look.
 */
pid_t vfio_user(struct vfio *vfio, const char *group, const char *device) must_check nonnull(1, 2, 3);

#endif
