/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vfio - which process has a VFIO group open: whoever has, has its devices (Linux Documentation/driver-api/vfio.rst) */
#ifndef VFPOOL_VFIO_H
#define VFPOOL_VFIO_H

#include <sys/types.h>

#include "cleanup.h"

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
 * vfio_user() - the process that has a group open
 *
 * All processes' descriptors are looked through, once; those of other users only as root.
 *
 * Return: its PID, or 0: nobody has, as far as one can see.
 */
pid_t vfio_user(struct vfio *vfio, int group) must_check nonnull(1);

#endif
