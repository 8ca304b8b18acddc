/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* policy - what a VF is chosen by: as the pool file says it, and the guest where the pool lets it */
#ifndef VFPOOL_POLICY_H
#define VFPOOL_POLICY_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/* How much something is wanted. */
enum policy_wish { WISH_NO, WISH_PREFER, WISH_REQUIRE };

/* Which VF is taken of those that are as good. */
enum policy_order {
    ORDER_FIRST,  /* the first in the pool's list */
    ORDER_SPREAD, /* of the PF with the largest share of free VFs */
    ORDER_PACK,   /* of that with the smallest */
    ORDER_LRU,    /* the one that came back longest ago, or never was away */
};

struct policy {
    enum policy_order order;
    enum policy_wish numa;     /* a PF on the NUMA nodes where the guest runs */
    enum policy_wish separate; /* different PFs for the interfaces of one guest */
    bool sticky;               /* the VF that the interface had last */
    unsigned int wait;         /* seconds that a start waits for a VF of a pool that is used up; 0: it fails at once */
};

#define POLICY_WAIT_MAX 60 /* seconds: whoever lists libvirt's guests waits as long (F26) */

/** policy_default() - what holds where nobody says anything */
struct policy policy_default(void) must_check;

/**
 * policy_read() - what an element's attributes say
 * @policy: what they do not say stays as it is; the schema has seen to it that they are right
 */
void policy_read(struct policy *policy, const xmlNode *node) nonnull(1, 2);

/**
 * policy_override() - what a guest's <metadata> says of its own: <vfpool:guest>
 * @root:    of the domain
 * @allowed: the names that the pool lets guests say, with spaces between; "all" are all of these; NULL: none
 * @guest, @pool: for the error
 *
 * Return: 0, also when there is nothing, -EINVAL when a policy or its value is unknown, -EPERM when the pool does not
 * let it be said.
 */
int policy_override(struct policy *policy, const xmlNode *root, const char *allowed, const char *guest,
                    const char *pool, struct error *error) must_check nonnull(1, 2, 4, 5, 6);

/**
 * policy_check_allowed() - whether a guest may say a thing
 * @allowed: what its pool lets guests say, with spaces between; NULL: nothing
 * @all:     whether "all" there includes it
 *
 * Return: 0, or -EPERM with what the pool would have to say.
 */
int policy_check_allowed(const char *allowed, bool all, const char *name, const char *value, const char *guest,
                         const char *pool, struct error *error) must_check nonnull(3, 4, 5, 6, 7);

/** policy_of_pool() - the <vfpool:pool> of a network, and policy_of_guest() the <vfpool:guest> of a domain, or NULL */
const xmlNode *policy_of_pool(const xmlNode *root) must_check;
const xmlNode *policy_of_guest(const xmlNode *root) must_check;

/**
 * policy_mistaken() - the first namespace in a document's <metadata> that begins like vfpool's and is not: what is in
 * it is not followed. It is the document's.
 */
const char *policy_mistaken(const xmlNode *root) must_check;

/** policy_next() - @node, or the first element of vfpool's behind it that has this name, or NULL */
const xmlNode *policy_next(const xmlNode *node, const char *name) must_check nonnull(2);

#define POLICY_SIZE 80

/** policy_format() - what a VF is chosen by, as the attributes that say it, in @text. Return: @text. */
const char *policy_format(const struct policy *policy, char text[POLICY_SIZE]) nonnull(1, 2);

#endif
