/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* guest-work - what the parts of guest share */
#ifndef VFPOOL_GUEST_WORK_H
#define VFPOOL_GUEST_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "plan.h"

/* One of libvirt's calls. */
struct call {
    int root;
    const char *operation;
    const char *data;
    size_t length;
    bool recorded; /* in the history, when the guest is refused */
    bool draft;    /* the domain need not be defined yet */
    bool changed;  /* offers may be due now */
    char *text;    /* to print */
    size_t text_length;
    struct error *error;
};

/** guest_start(), guest_reconnect() - what start, and reconnect or attach, do: see guest_run() */
int guest_start(struct call *call, struct plan *plan) must_check nonnull(1, 2);
int guest_reconnect(struct call *call, struct plan *plan) must_check nonnull(1, 2);

#endif
