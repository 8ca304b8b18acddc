/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tally - how often things have happened since the host booted, and how long hooks took: run/vfpool/tally
 *
 * One page of numbers that each process adds to by itself, without a lock and without waiting. Nothing depends on it:
 * where it is not to be had, it is not counted. A kill between two additions leaves both true, one of them one short.
 */
#ifndef VFPOOL_TALLY_H
#define VFPOOL_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "cleanup.h"
#include "error.h"

/* What the history tells of, refusals by what can be done about them (error.h), and whether settling came to its end.
 */
enum tally_count {
    TALLY_CLAIMED,
    TALLY_HELD,
    TALLY_RETURNED,
    TALLY_DROPPED,
    TALLY_QUARANTINED,
    TALLY_DRAINED,
    TALLY_UNDRAINED,
    TALLY_REFUSED, /* ERROR_INPUT, and those behind it */
    TALLY_SETTLED = TALLY_REFUSED + ERROR_OTHER + 1,
    TALLY_SETTLING_FAILED,
    TALLY_COUNTS,
};

/* What each is called, and of which kind it is: event, refusal or settling. */
struct tally_word {
    const char *kind, *name;
};
extern const struct tally_word tally_words[TALLY_COUNTS];

/* VFs come back where libvirt ends their ports, or where the guest has none, at its release. */
enum tally_operation { TALLY_PREPARE, TALLY_RELEASE, TALLY_OPERATIONS };

/* Bounds of the buckets of time, in microseconds; one bucket more is behind the last. */
#define TALLY_BOUNDS 12
extern const uint32_t tally_bounds[TALLY_BOUNDS];

struct tally_times {
    uint64_t
        buckets[TALLY_BOUNDS + 1]; /* each alone: how many were not longer than its bound, and longer than the last */
    uint64_t total_us;
};

struct tally {
    uint64_t counts[TALLY_COUNTS];
    struct tally_times times[TALLY_OPERATIONS];
};

/** tally_add() - it has happened once more */
void tally_add(int root, enum tally_count what);

/** tally_event() - the same of an event by its name in the history; one that has none is not counted */
void tally_event(int root, const char *name) nonnull(2);

/** tally_refused() - a guest was refused; @code: the errno value, positive */
void tally_refused(int root, int code);

/** tally_now_us() - microseconds of the monotonic clock */
int64_t tally_now_us(void);

/** tally_time() - a hook has taken from @begun_us, of tally_now_us(), until now */
void tally_time(int root, enum tally_operation operation, int64_t begun_us);

/** tally_read() - all of it; zeros where there is none. Return: 0, or a negative errno value when it cannot be read. */
int tally_read(int root, struct tally *tally) must_check nonnull(2);

#endif
