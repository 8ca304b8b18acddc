/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * witness - whether the daemon that serves networks calls our hooks
 *
 * What libvirt gives can be left to libvirt only where its network hook tells of it, and its daemon hook of a reload,
 * which makes libvirt forget what it gave (F27). libvirt looks for hooks when it starts and when it reloads (F17), so
 * that a file is there says little. So each of the two hooks, whenever it is called, leaves its mark in
 * run/vfpool/witness: by which process, and which file was run.
 */
#ifndef VFPOOL_WITNESS_H
#define VFPOOL_WITNESS_H

#include <stdbool.h>

#include "cleanup.h"

enum witness {
    WITNESS_NETWORK, /* the network hook, called for a port */
    WITNESS_DAEMON,  /* the daemon hook, called when libvirt starts and before it reloads */
};

/**
 * witness_leave() - this hook was called
 *
 * Only the daemon that serves networks counts. Each call of the daemon hook is another mark.
 *
 * Return: 0, also where nothing had to be written, or a negative errno value.
 */
int witness_leave(int root, enum witness witness) must_check;

#define WITNESS_MARK_SIZE 128

/**
 * witness_mark() - whether both hooks are called, by a daemon that runs, and are what they were then
 * @mark: what is the same until the daemon is started or reloaded; empty when the answer is no
 */
bool witness_mark(int root, char mark[WITNESS_MARK_SIZE]) nonnull(2);

/** witness_is_unsteady() - whether the daemon is starting or reloading: what it counts now, it may forget */
bool witness_is_unsteady(int root) must_check;

/** witness_forget() - the network hook is not called, whatever it says: until it is called again */
void witness_forget(int root);

#endif
