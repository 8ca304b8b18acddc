/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * queue - guests that wait for a VF of a pool to come back, in the order of their arrival
 *
 * Theory of operation
 *
 * run/vfpool/waiting/POOL is locked, flock(2): alone by the guest whose turn it is, for as long as it waits; the others
 * wait for that lock, which the kernel gives in order of arrival, and takes from who is killed. A guest that comes
 * while nobody waits has the lock together with others like it while it looks for a VF, so that none that waits is
 * passed.
 */
#ifndef VFPOOL_QUEUE_H
#define VFPOOL_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "cleanup.h"
#include "error.h"

struct queue {
    int file;  /* -1: not in it */
    int watch; /* of the ledger's links */
};

#define QUEUE_NONE                                                                                                     \
    (struct queue)                                                                                                     \
    {                                                                                                                  \
        .file = -1, .watch = -1                                                                                        \
    }

/**
 * queue_pass() - look for a VF before those who come later, if nobody waits
 * @queue: QUEUE_NONE; the caller leaves with queue_leave()
 *
 * Return: 0; 1 when somebody waits, and @queue is not in it; or a negative errno value.
 */
int queue_pass(int root, const char *pool, struct queue *queue, struct error *error) must_check nonnull(2, 3, 4);

/**
 * queue_take() - wait until all who came before have gone
 * @deadline: of io_now_ms()
 *
 * Return: 0, -ETIMEDOUT without an error, or another negative errno value.
 */
int queue_take(int root, const char *pool, int64_t deadline, struct queue *queue, struct error *error) must_check
    nonnull(2, 4, 5);

/** queue_wait() - until a VF may have come back: one did, or QUEUE_LOOK_MS are over */
void queue_wait(const struct queue *queue, int64_t deadline) nonnull(1);

#define QUEUE_LOOK_MS 1000 /* VFs become usable by other ways, too */

/** queue_leave() - let the next one in; one that is not in it does nothing */
void queue_leave(struct queue *queue) nonnull(1);

#endif
