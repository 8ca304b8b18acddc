/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ledger - who holds which VF: run/vfpool/, under one lock */
#ifndef VFPOOL_LEDGER_H
#define VFPOOL_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "claim.h"
#include "error.h"
#include "pciaddr.h"

#define LEDGER_DIRECTORY "run/vfpool"
#define LEDGER_LOCK_MS 10000

struct ledger;

enum ledger_mode { LEDGER_READ, LEDGER_WRITE };

/**
 * ledger_open() - take the lock and open the ledger, repairing what a killed process left behind
 * @mode:       LEDGER_READ shares the lock with other readers, and makes nothing: no directory is an empty ledger
 * @timeout_ms: how long to wait for the lock
 * @root:       stays the caller's, open as long as the ledger is
 *
 * Return: 0, -ETIMEDOUT with the process that holds the lock, -EPERM or -ENOTDIR when the directory is not to be
 * trusted, or another negative errno value. The caller closes with ledger_close().
 */
int ledger_open(int root, enum ledger_mode mode, int timeout_ms, struct ledger **ledger, struct error *error) must_check
    nonnull(4, 5);

/** ledger_refuse() - have the history tell that a guest was refused; the host's log alone where the lock is not to be
 * had soon */
void ledger_refuse(int root, const char *uuid, const char *name, const struct error *reason) nonnull(2, 3, 4);

/** ledger_close() - give the lock back; NULL does nothing */
void ledger_close(struct ledger *ledger);

static inline void cleanup_ledger(struct ledger **ledger)
{
    ledger_close(*ledger);
}

/**
 * ledger_directory() - open, and make if it is missing, a directory in run/vfpool for what is kept beside the claims
 *
 * Return: a descriptor, or as io_open_directory().
 */
int ledger_directory(int root, const char *name) must_check nonnull(2);

/** ledger_has_file() - whether there is a guest file, good or bad; looked up without the lock */
bool ledger_has_file(int root, const char *uuid) must_check nonnull(2);

/** ledger_is_interrupted() - whether a writer was killed and may have left links; looked up without the lock */
bool ledger_is_interrupted(int root) must_check;

/**
 * ledger_stamp() - what tells this claim of a guest from each other one, before and after: without the lock
 * @stamp: empty when the guest holds nothing
 */
void ledger_stamp(int root, const char *uuid, char stamp[IO_STAMP_SIZE]) nonnull(2, 3);

/** ledger_awaits() - whether a guest has claimed a VF of the pool that libvirt has not given it yet: without the lock
 */
bool ledger_awaits(int root, const char *uuid, const char *pool) must_check nonnull(2, 3);

/** ledger_note() - have the history tell of a PF or VF (history_device()); the host's log alone where the
 * ledger cannot be locked */
void ledger_note(int root, const char *event, const struct pciaddr *address, const char *pf, const char *reason)
    nonnull(2, 3, 4, 5);

/** ledger_has_pool() - whether a guest has a VF of the pool, or is to get one: without the lock */
bool ledger_has_pool(int root, const char *pool) must_check nonnull(2);

/**
 * ledger_awaited() - VFs of a pool that guests have claimed and libvirt has not given them yet: without the lock
 * @except: but for this guest's, which is here
 * @age_ms: claims that have not changed for so long do not count
 * @set:    empty; the caller frees with pciaddr_set_free(), also after a failure
 *
 * Return: 0 or a negative errno value.
 */
int ledger_awaited(int root, const char *pool, const char *except, int64_t age_ms, struct pciaddr_set *set) must_check
    nonnull(2, 3, 5);

/** ledger_has_link() - whether it is worth taking the lock for a device: without it. Return: false when it is free. */
bool ledger_has_link(int root, const struct pciaddr *address) must_check nonnull(2);

/**
 * ledger_taken() - the addresses of all VFs that cannot be given out
 * @except: a guest's UUID: where its file is corrupt, what it holds is left out; NULL: nothing is
 * @set:    empty; the caller frees with pciaddr_set_free(), also after a failure
 */
int ledger_taken(const struct ledger *ledger, const char *except, struct pciaddr_set *set,
                 struct error *error) must_check nonnull(1, 3, 4);

/**
 * ledger_get() - what a guest holds
 * @claim: NULL when it holds nothing; else the caller frees with claim_free()
 *
 * Of a file that cannot be understood a note says so, and its VFs stay untouchable until the guest is next prepared or
 * released, or a person releases them.
 *
 * Return: 0 or a negative errno value.
 */
int ledger_get(struct ledger *ledger, const char *uuid, struct claim **claim, struct error *error) must_check
    nonnull(1, 2, 3, 4);

/** ledger_edit() - as ledger_get(), for who is going to change it: a file that cannot be understood is set aside as
 * UUID.bad, unless the ledger is open to be read */
int ledger_edit(struct ledger *ledger, const char *uuid, struct claim **claim, struct error *error) must_check
    nonnull(1, 2, 3, 4);

/**
 * ledger_put() - make this all that the guest holds, whether it held something before or not; a claim without VFs drops
 * what it held
 *
 * Return: 0, -EEXIST when another guest has one of the VFs, or another negative errno value; then nothing changed.
 */
int ledger_put(struct ledger *ledger, const struct claim *claim, struct error *error) must_check nonnull(1, 2, 3);

/**
 * ledger_drop() - the guest holds nothing any more; nothing held is no error
 *
 * What the guest held by a file that was set aside is named in @error's notes.
 *
 * Return: 0 or a negative errno value.
 */
int ledger_drop(struct ledger *ledger, const char *uuid, struct error *error) must_check nonnull(1, 2, 3);

/**
 * ledger_holder() - who has this VF
 * @claim: NULL when nobody does or when the file of who does is corrupt; else the caller frees with claim_free()
 * @uuid:  the guest's, also when its file is corrupt; empty when the VF is free
 */
int ledger_holder(struct ledger *ledger, const struct pciaddr *address, struct claim **claim, char uuid[UUID_SIZE],
                  struct error *error) must_check nonnull(1, 2, 3, 4, 5);

/**
 * ledger_all() - every claim, in the order of the guests' UUIDs
 * @claims: the caller frees with claims_free(), also after a failure
 */
int ledger_all(struct ledger *ledger, struct claim ***claims, size_t *count, struct error *error) must_check
    nonnull(1, 2, 3, 4);

/**
 * ledger_repair() - make every link resolve to a guest file that lists it, and every listed VF have its link
 *
 * What it did is added to @error's notes, a line each; with a ledger that is open to be read, what it would do.
 * ledger_open() calls it after a crash.
 *
 * Return: the number of repairs, or a negative errno value.
 */
int ledger_repair(struct ledger *ledger, struct error *error) must_check nonnull(1, 2);

/**
 * ledger_kept() - the VFs that have links of a guest's, whatever its file says
 * @addresses: the caller frees it, also after a failure
 *
 * Return: 0 or a negative errno value.
 */
int ledger_kept(const struct ledger *ledger, const char *uuid, struct pciaddr **addresses, size_t *count,
                struct error *error) must_check nonnull(1, 2, 3, 4, 5);

/** ledger_by_hand() - a person takes back what goes from now on: for the history */
void ledger_by_hand(struct ledger *ledger) nonnull(1);

/** ledger_forget() - drop one link whose guest file is corrupt or gone. Return: 0 or a negative errno value. */
int ledger_forget(struct ledger *ledger, const struct pciaddr *address, struct error *error) must_check
    nonnull(1, 2, 3);

#endif
