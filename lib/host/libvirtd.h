/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirtd - the libvirt daemon of this host, and how busy the one is that called this hook */
#ifndef VFPOOL_LIBVIRTD_H
#define VFPOOL_LIBVIRTD_H

#include <libxml/tree.h>
#include <stdbool.h>

#include "cleanup.h"

#define LIBVIRTD_DEFAULT_WORKERS 20 /* max_workers, where the daemon's configuration does not say */

/** libvirtd_is_modular() - whether virtnetworkd serves networks: its socket is there */
bool libvirtd_is_modular(int root) must_check;

/** libvirtd_has_socket() - whether that one is there, or libvirtd's; what cannot be looked at is not absent: who calls
 * it is told why that fails */
bool libvirtd_has_socket(int root) must_check;

/**
 * libvirtd_runs() - whether a daemon of libvirt's that has guests or networks runs: it keeps its PID file locked
 * (virPidFileAcquirePath(), read). A socket may be systemd's, and wait for the daemon to be started.
 */
bool libvirtd_runs(int root) must_check;

/** libvirtd_serves_networks() - whether the one that has networks runs: libvirtd, or virtnetworkd */
bool libvirtd_serves_networks(int root) must_check;

struct libvirtd_load {
    const char *name;         /* libvirtd; virtqemud where libvirt is modular */
    bool starting;            /* it starts its guests and serves no client yet (F12) */
    bool reloading;           /* it will have lost count of its ports (F27) */
    unsigned int hooks;       /* its hooks that run now, anybody's: each occupies one of its workers */
    unsigned int max_workers; /* of its configuration */
};

/**
 * libvirtd_of_hook() - look at the daemon of guests that this process descends from, by way of somebody's script
 * perhaps
 *
 * Return: false when there is none, so that nothing can be said.
 */
bool libvirtd_of_hook(int root, struct libvirtd_load *load) must_check nonnull(2);

/** libvirtd_of_networks() - the daemon that serves networks, if it called this hook. Return: its PID, or 0. */
long libvirtd_of_networks(void) must_check;

/** libvirtd_find_networks() - the same, whoever asks: by the PID file that it has locked. Return: its PID, or 0. */
long libvirtd_find_networks(int root) must_check;

/** libvirtd_started() - when a process started, in the kernel's ticks (proc_pid_stat(5)). Return: 0 when it is not
 * there.
 */
unsigned long long libvirtd_started(long process) must_check;

/** libvirtd_is_starting() - whether the daemon that called this hook has not finished its start; false where none did
 */
bool libvirtd_is_starting(void) must_check;

/** libvirtd_is_unsteady() - whether a daemon has not finished its start, or a reload, which makes it lose count (F27)
 */
bool libvirtd_is_unsteady(long process) must_check;

/**
 * libvirtd_is_helper() - whether a process is a child of a daemon of guests, and so no guest: those are process 1's
 *
 * A hook, a program of libvirt's, or a child that is about to become that. Only what AppArmor's profile of libvirt
 * allows is read: of virt-aa-helper neither descriptors nor arguments, nor its profile (proc_pid_attr_open(),
 * fs/proc/base.c).
 */
bool libvirtd_is_helper(long process) must_check;

/** libvirtd_find_guest() - as libvirtd_has_guest(). Return: 1, 0, or -1 when it cannot be seen. */
int libvirtd_find_guest(int root, const char *name) must_check nonnull(2);

/** libvirtd_has_guest() - whether libvirt keeps the state of a running guest of this name, or it cannot be seen */
bool libvirtd_has_guest(int root, const char *name) must_check nonnull(2);

/**
 * libvirtd_has_network() - whether libvirt keeps the state of an active network of this name, or it cannot be seen
 *
 * virNetworkObjSaveStatus() writes it when the network is started, networkShutdownNetwork() unlinks it (read).
 */
bool libvirtd_has_network(int root, const char *name) must_check nonnull(2);

/** libvirtd_read_guest() - that state: a <domstatus> with the <domain> in it, which the caller frees; NULL: it cannot
 * be read */
xmlDocPtr libvirtd_read_guest(int root, const char *name) must_check nonnull(2);

/** libvirtd_defines_guest() - whether a guest of this name is defined */
bool libvirtd_defines_guest(int root, const char *name) must_check nonnull(2);

/** libvirtd_max_workers() - max_workers of a daemon of this name, by etc/libvirt/NAME.conf */
unsigned int libvirtd_max_workers(int root, const char *name) must_check nonnull(2);

#endif
