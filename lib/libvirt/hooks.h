/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hooks - libvirt's hook programs on disk (https://libvirt.org/hooks.html) */
#ifndef VFPOOL_HOOKS_H
#define VFPOOL_HOOKS_H

#include <stdbool.h>

#include "error.h"

/* What puts them, and has libvirt look, whoever installed vfpool. */
#define HOOKS_PUT "/" HOOKS_PATH "/hooks put"

/**
 * hooks_check() - whether libvirt can run each hook of a kind
 * @root: a descriptor of $VFPOOL_ROOT
 * @kind: "network" or "qemu": that file and those in KIND.d of etc/libvirt/hooks
 *
 * libvirt passes over a file that is not executable (src/util/virhook.c, virHookCheck). One that is and cannot be run,
 * for want of its interpreter or for its format, fails what it is called for (F42).
 *
 * Return: 0, also when there is none; -ENOEXEC with the file and the reason.
 */
int hooks_check(int root, const char *kind, struct error *error) must_check nonnull(2, 3);

#define HOOKS_PATH_SIZE 320

/**
 * hooks_find() - where libvirt runs our hook of a kind: itself, beside somebody's in KIND.d, or behind somebody's
 * script that names it
 * @path:    from @root
 * @program: whether it is a program of ours; may be NULL
 *
 * Return: false when there is none that can be executed.
 */
bool hooks_find(int root, const char *kind, char path[HOOKS_PATH_SIZE], bool *program) must_check nonnull(2, 3);

/**
 * hooks_are_put() - whether our qemu hook is in libvirt's directory
 *
 * Without it nobody opens what is blocked, so nothing may be blocked then: while vfpool is removed, and after that.
 */
bool hooks_are_put(int root) must_check;

#endif
