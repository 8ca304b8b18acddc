/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hasty - deadlines for calls into libvirt that a test can wait for, some hundred times
 *
 * Linked with the programs by --wrap=child_run: their calls are tried as often, and given up in the same way.
 */
#include "child.h"

#define HASTY_MS 400

int __real_child_run(const struct child *child,
                     struct child_end *end) must_check;                 /* NOLINT(bugprone-reserved-identifier) */
int __wrap_child_run(const struct child *child, struct child_end *end); /* NOLINT(bugprone-reserved-identifier) */

/* The names are the linker's. */
int __wrap_child_run(const struct child *child, struct child_end *end) /* NOLINT(bugprone-reserved-identifier) */
{
    struct child hasty = *child;
    hasty.timeout_ms = HASTY_MS;
    return __real_child_run(&hasty, end);
}
