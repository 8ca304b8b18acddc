/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* parallel - several works at once, each in a process of its own, and one deadline for all of them */
#ifndef VFPOOL_PARALLEL_H
#define VFPOOL_PARALLEL_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct parallel {
    size_t count;
    /* Does the work of this number, below @count, and says in @done what it did. Return: 0 or a negative errno value
     * with the reason. */
    int (*work)(size_t number, void *context, struct lines *done, struct error *error);
    /* Says in @text that this work was not done in time. */
    void (*late)(size_t number, void *context, struct error *error);
    void *context;
    int64_t deadline_ms; /* of io_now_ms() */
};

/**
 * parallel_run() - do all works, and wait for the last of them
 *
 * A kernel that is told to do something may take long, and cannot be interrupted: what is not done in time is left to
 * it, and the process that waits for it is killed when it comes back. The reason of each failure but the last is a note
 * of @error's; those and @done are in the order of the works. The calling process must have no other threads.
 *
 * Return: 0, or what the last work said that failed; -ETIMEDOUT of one that was late.
 */
int parallel_run(const struct parallel *parallel, struct lines *done, struct error *error) must_check nonnull(1, 2, 3);

#endif
