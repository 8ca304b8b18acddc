/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* watch - learning that what status_read() says may have changed, without looking all the time */
#ifndef VFPOOL_WATCH_H
#define VFPOOL_WATCH_H

#include "error.h"

/* What no event tells of is looked at so often: processes that use a VF, what libvirt gives away, what PFs are told. */
#define WATCH_LOOK_MS 5000

struct watch {
    int files; /* inotify: claims, pool files, what is drained; may be polled for POLLIN */
    int links; /* rtnetlink's news of network interfaces, likewise; -1: the host is not the running kernel's */
};

#define WATCH_NONE ((struct watch){.files = -1, .links = -1})

/**
 * watch_open() - the caller closes with watch_close(), also after a failure
 *
 * A directory that is not there yet is watched from the watch_settle() on that finds it.
 *
 * Return: 0 or a negative errno value.
 */
int watch_open(int root, struct watch *watch, struct error *error) must_check nonnull(2, 3);

/** watch_settle() - take away what is reported; call it before looking, so that what comes later is reported again */
void watch_settle(int root, const struct watch *watch) nonnull(2);

void watch_close(struct watch *watch) nonnull(1);

#endif
