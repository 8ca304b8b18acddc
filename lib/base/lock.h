/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lock - a lock file: flock(2) with a deadline, and the PID of who is writing */
#ifndef VFPOOL_LOCK_H
#define VFPOOL_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cleanup.h"

/**
 * lock_take() - take the lock, or change it from shared to exclusive
 * @exclusive: alone, not with other readers
 * @deadline:  of io_now_ms()
 *
 * Waits in flock(2) itself, which serves in order of arrival, until deadline.h's timer interrupts it; polling would let
 * a process starve. Closing the descriptor gives the lock back.
 *
 * Return: 0, -ETIMEDOUT or another negative errno value.
 */
int lock_take(int fd, bool exclusive, int64_t deadline) must_check;

/**
 * lock_pid() - the PID in the lock file: of the writer at work, or of one that was killed at work; 0: none
 */
pid_t lock_pid(int fd) must_check;

/**
 * lock_mark() - write a PID, or nothing (0), into the lock file
 *
 * Nothing is a line of spaces, over the PID: a file that was ever marked has its page, and can be marked, and with it a
 * VF given back, where the file system is full.
 *
 * Return: 0 or a negative errno value.
 */
int lock_mark(int fd, pid_t pid) must_check;

#endif
