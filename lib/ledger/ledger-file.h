/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ledger-file - the ledger's directories as they are on disk; for the parts of ledger alone */
#ifndef VFPOOL_LEDGER_FILE_H
#define VFPOOL_LEDGER_FILE_H

#include "ledger.h"

#define LOCK "lock"
#define NEW_FILE "new.xml"
#define MAX_GUEST_BYTES ((size_t)1024 * 1024)
#define GUEST_NAME_SIZE (UUID_SIZE + 4)                      /* UUID.xml */
#define GUEST_PATH_SIZE (sizeof "guests/" + GUEST_NAME_SIZE) /* from the directory, and from a link in vfs/ */

struct ledger {
    int root, directory, lock, guests, vfs; /* root: the opener's */
    bool writing;                           /* the lock is exclusive and the lock file holds our PID */
    bool dirty;                             /* leave the PID behind: the next one shall repair */
    const char *reason;                     /* why what goes is given back, for the history; NULL: it needs none */
    char set_aside[UUID_SIZE];              /* the guest whose file this opening found corrupt last */
};

/** ledger_read_link() - whose the VF's link is. Return: 0, -ENOENT, -EINVAL when it is no link of ours, or what reading
 * it says. */
int ledger_read_link(const struct ledger *ledger, const char *address, char uuid[UUID_SIZE]) must_check
    nonnull(1, 2, 3);

#define LEDGER_NOT_OURS "/" LEDGER_DIRECTORY "/vfs/%s is not a link that vfpool made: remove it"

/** ledger_no_link() - say what ledger_read_link() failed with. Return: that */
int ledger_no_link(const char *address, int result, struct error *error) nonnull(1, 3);

/** ledger_make_link() - Return: 1; 0: it was there; -EEXIST: it is another guest's; or another negative errno value. */
int ledger_make_link(struct ledger *ledger, const char *uuid, const struct pciaddr *address,
                     struct error *error) must_check nonnull(1, 2, 3, 4);

/** ledger_list() - as ledger_all(); @change: each as ledger_edit() */
int ledger_list(struct ledger *ledger, bool change, struct claim ***claims, size_t *count,
                struct error *error) must_check nonnull(1, 3, 4, 5);

/** ledger_unlisted() - say that a part of the ledger cannot be read. Return: @result. */
int ledger_unlisted(const char *part, int result, struct error *error) nonnull(1, 3);

#endif
