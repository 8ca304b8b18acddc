/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * deferral - guests whose start has to wait until libvirt can be called: run/vfpool/deferred/UUID, with the name in it
 *
 * prepare refuses such a guest, and leaves this for whoever comes to talk to libvirt, who starts it (autostart.h). The
 * file goes when the guest is prepared again, whoever starts it.
 */
#ifndef VFPOOL_DEFERRAL_H
#define VFPOOL_DEFERRAL_H

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"
#include "domain.h"

struct deferral {
    char uuid[UUID_SIZE];
    char *name; /* the guest's when it was refused; its UUID where that cannot be read */
};

/** deferral_add() - once is enough. Return: 0 or a negative errno value. */
int deferral_add(int root, const char *uuid, const char *name) must_check nonnull(2, 3);

/** deferral_drop() - it need not be there. What cannot be removed stays: a guest that runs is not started. */
void deferral_drop(int root, const char *uuid) nonnull(2);

/** deferral_any() - whether any guest waits; what cannot be seen is none */
bool deferral_any(int root) must_check;

/**
 * deferral_list() - all of them, in no order, as libvirt's own autostart has none
 * @deferrals: the caller frees with deferrals_free(), also after a failure
 *
 * Return: 0 or a negative errno value.
 */
int deferral_list(int root, struct deferral **deferrals, size_t *count) must_check nonnull(2, 3);
void deferrals_free(struct deferral *deferrals, size_t count);

/**
 * deferral_lock() - only one process starts them
 * @lock: the caller closes it
 *
 * Return: 0; -ETIMEDOUT when another one does; or another negative errno value.
 */
int deferral_lock(int root, int *lock) must_check nonnull(2);

#endif
