/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* actor - who has a program of ours do something */
#ifndef VFPOOL_ACTOR_H
#define VFPOOL_ACTOR_H

#include "cleanup.h"

/**
 * actor_name() - the user by name, and who that was before sudo(8): "root (sudo: alice)"
 *
 * $SUDO_USER is what sudo says; where there is none, it is the user who logged in (loginuid of proc(5)).
 *
 * Return: it, which the caller frees; never NULL.
 */
char *actor_name(void) must_check;

#endif
