/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* actor - who has this program do something */
#ifndef VFPOOL_ACTOR_H
#define VFPOOL_ACTOR_H

#include "cleanup.h"

/** actor_be() - it is one of this name, "libvirt" say; of a long one the beginning */
void actor_be(const char *name) nonnull(1);

/**
 * actor_be_user() - it is the user who runs it, and who that was before sudo(8): "root (sudo: alice)"
 *
 * $SUDO_USER is what sudo says; where there is none, it is the user who logged in (loginuid of proc(5)). To be called
 * before anything is changed: it allocates memory.
 */
void actor_be_user(void);

/** actor_name() - who it is; "vfpool" where nobody said. Never NULL. */
const char *actor_name(void) must_check;

#endif
