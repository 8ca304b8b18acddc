/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * turn - whose VF is open on a network: one guest's at a time
 *
 * Were the VFs of two guests open at once, libvirt might give each the other's (F6). So a guest whose VF was opened has
 * the turn until libvirt has given it that VF, which its network hook tells (allocation.h), or which is certain at
 * start, when the claim becomes held. The next one waits for that by looking at the ledger, which costs libvirt
 * nothing.
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
#define TURN_OPEN_MS 30000 /* for libvirt to give an opened VF to its guest; then that guest counts as gone */

struct turn;

/**
 * turn_take() - wait until no other guest has an opened VF on this network, and keep others from opening one
 *
 * @uuid:     whose turn it is going to be; NULL: no guest's
 * @deadline: of io_now_ms()'s clock
 *
 * Between two looks, @check is called, and its error ends the wait.
 *
 * Return: 0, -EAGAIN when the turn did not come in time, @check's error, or another negative errno value but
 * -ETIMEDOUT. The caller closes with turn_close().
 */
int turn_take(int root, const char *network, const char *uuid, int64_t deadline,
              int (*check)(int root, struct error *error), struct turn **turn, struct error *error) must_check
    nonnull(2, 5, 6, 7);

/**
 * turn_share() - as turn_take(), beside others that share it: nobody sets ports meanwhile, and no guest's are open
 */
int turn_share(int root, const char *network, const char *uuid, int64_t deadline,
               int (*check)(int root, struct error *error), struct turn **turn, struct error *error) must_check
    nonnull(2, 5, 6, 7);

/** turn_pause() - wait a little for others. Return: 0, or -EAGAIN past the deadline. */
int turn_pause(const char *network, int64_t deadline, struct error *error) must_check nonnull(1, 3);

/** turn_open() - write down whose VF is going to be opened. Return: 0 or a negative errno value. */
int turn_open(struct turn *turn, const char *uuid, struct error *error) must_check nonnull(1, 2, 3);

/** turn_forget() - the network is no pool's any more: nobody takes a turn of it, but who gives its VFs back */
void turn_forget(struct turn *turn, const char *network) nonnull(1, 2);

/** turn_close() - let the next one in; it still waits for the guest that was written down. NULL does nothing. */
void turn_close(struct turn *turn);

/**
 * turn_leave() - a guest's VF on this network is going to be open for a moment: libvirt frees its port before release
 *
 * Waits until no guest has an opened VF, as libvirt might give it this one. From then on to turn_left(), or for
 * TURN_OPEN_MS, nobody has a turn; several guests may leave at once.
 *
 * Return: 0 or a negative errno value; then the guest's stop goes on all the same.
 */
int turn_leave(int root, const char *network, const char *uuid, int (*check)(int root, struct error *error),
               struct error *error) must_check nonnull(2, 3, 4, 5);

/** turn_is_leaving() - whether the guest is between turn_leave() and turn_left() */
bool turn_is_leaving(int root, const char *network, const char *uuid) must_check nonnull(2, 3);

/**
 * turn_left() - no VF of the guest is open any more, on whatever network, and its claim is gone, if it can go
 *
 * The claim goes before, under the ledger's lock: who waits for a turn must not have that.
 */
void turn_left(int root, const char *uuid) nonnull(2);

#endif
