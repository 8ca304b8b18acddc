/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * turn - who may set the ports of a network, and who claims what is open on it
 *
 * libvirt gives a guest the first VF that is open (F3), and the claims of guests that may have any follow what it gives
 * (allocation.h). So these share the turn while they claim, and who sets ports has it alone for that moment. A guest
 * that must have just its own VFs (plan_is_exact()) has it alone as long as they are open: from before they are until
 * libvirt has given them to it, which its network hook tells, or the guest is gone. The next one sees that in the
 * ledger, which costs libvirt nothing.
 */
#ifndef VFPOOL_TURN_H
#define VFPOOL_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include "domain.h"
#include "error.h"
#include "ledger.h"

#define TURN_DIRECTORY LEDGER_DIRECTORY "/turns" /* a file for each network */
#define TURN_WAIT_MS 120000                      /* for all that were there before */

struct turn;

/* How long one waits. Between two looks @check is called, and its error ends the wait; NULL: only the deadline does. */
struct turn_wait {
    int64_t deadline; /* of io_now_ms()'s clock */
    int (*check)(void *context, struct error *error);
    void *context;
};

/**
 * turn_take() - wait until the turn is nobody's, and have it alone
 *
 * @uuid: whose turn it is going to be; NULL: no guest's
 *
 * Return: 0, -EAGAIN when the turn did not come in time, the check's error, or another negative errno value but
 * -ETIMEDOUT. The caller closes with turn_close().
 */
int turn_take(int root, const char *network, const char *uuid, const struct turn_wait *wait, struct turn **turn,
              struct error *error) must_check nonnull(2, 4, 5, 6);

/** turn_share() - as turn_take(), beside others that share it: nobody sets ports meanwhile */
int turn_share(int root, const char *network, const char *uuid, const struct turn_wait *wait, struct turn **turn,
               struct error *error) must_check nonnull(2, 4, 5, 6);

/** turn_pause() - wait a little for others. Return: 0, -EAGAIN past the deadline, or the check's error. */
int turn_pause(const char *network, const struct turn_wait *wait, struct error *error) must_check nonnull(1, 2, 3);

/** turn_keep() - the turn is this guest's until libvirt has given it its VFs. Return: 0 or a negative errno value. */
int turn_keep(struct turn *turn, const char *uuid, struct error *error) must_check nonnull(1, 2, 3);

/** turn_forget() - the network is no pool's any more: nobody takes a turn of it, but who gives its VFs back */
void turn_forget(struct turn *turn, const char *network) nonnull(1, 2);

/** turn_close() - let the next ones in; they still wait for a guest that keeps it. NULL does nothing. */
void turn_close(struct turn *turn);

static inline void cleanup_turn(struct turn **turn)
{
    turn_close(*turn);
}

#endif
