/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * witness - whether libvirt tells vfpool which VFs it gives, and when it forgets that
 *
 * Nothing is given that nobody witnesses: libvirt's network hook has to tell of each VF that it gives (allocation.h),
 * and its daemon hook of each reload, which makes libvirt forget what it gave (F27).
 *
 * That a hook's file is there says little, as libvirt looks for hooks when it starts and when it reloads, and not
 * sooner. It does so right before it calls the daemon hook for that (virHookCall() in src/util/virhook.c, read). So our
 * daemon hook writes down which daemon called it, and which network hook of ours there was: run/vfpool/witness/daemon,
 * the mark. As long as that daemon runs, and both files are what they were then, or another version of ours, both are
 * called.
 */
#ifndef VFPOOL_WITNESS_H
#define VFPOOL_WITNESS_H

#include <stdbool.h>

#include "cleanup.h"
#include "error.h"

/**
 * witness_leave() - the daemon hook was called, by this process
 *
 * Only the daemon that serves networks counts. Each call makes another mark.
 *
 * Return: 0, also where nothing had to be written, or a negative errno value.
 */
int witness_leave(int root) must_check;

#define WITNESS_MARK_SIZE 128

/**
 * witness_mark() - whether libvirt tells
 * @mark: what is the same until the daemon is started or reloaded; empty when the answer is no
 */
bool witness_mark(int root, char mark[WITNESS_MARK_SIZE]) must_check nonnull(2);

/**
 * witness_tells() - whether libvirt tells: there is a mark, or one that was lost can be made again
 *
 * It can be where the daemon that serves networks began to run after both hooks were put, so that it has found them.
 */
bool witness_tells(int root) must_check;

/** witness_regain() - make a mark that was lost again, where it can be. Return: whether there is one. */
bool witness_regain(int root) must_check;

/** witness_missed() - the words for where it does not, behind those of the caller. Return: -ENOENT */
int witness_missed(int root, const char *what, struct error *error) nonnull(2, 3);

/** witness_is_unsteady() - whether the daemon is starting or reloading: what it counts now, it may forget */
bool witness_is_unsteady(int root) must_check;

#endif
