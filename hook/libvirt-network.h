/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt-network - end a network and start it around its running guests
 *
 * Theory of operation
 *
 * libvirt takes another list of addresses, and counts its ports anew (F27), only from a network that is ended and
 * started, and one that is ended has forgotten its ports (F24). Running guests do not notice; but their VFs are open
 * until their ports are there again. So, with the lock of run/vfpool/ports:
 *
 *   1  the ports of others are written to run/vfpool/ports/NETWORK.xml
 *   2  the network ends
 *   3  it starts; that is tried whatever happened
 *   4  the ports of others are made again, then vfpool's own
 *   5  the file goes
 *
 * Killed before 2, all is as it was, and making again finds each port there. Killed later, the file says that the
 * network has to be started and what is missing: the next call that has to do with the network does 3 to 5.
 */
#ifndef VFPOOL_LIBVIRT_NETWORK_H
#define VFPOOL_LIBVIRT_NETWORK_H

#include "libvirt-port.h"

/**
 * network_restart() - end an active network and start it, its ports made again
 *
 * A port that cannot be made again is said, in a note. Not begun where a hook for networks would make the start fail.
 *
 * Return: 0, or an exit status after complaining.
 */
int network_restart(struct libvirt_network *network) must_check nonnull(1);

/** network_unfinished() - whether a killed network_restart() has to be finished */
bool network_unfinished(const char *name) nonnull(1);

/**
 * network_finish() - do what a killed network_restart() did not come to; nothing, where there is none
 *
 * Return: 0, or an exit status after complaining.
 */
int network_finish(const struct libvirt_network *network) must_check nonnull(1);

/**
 * network_count_again() - put libvirt's count of the ports right where it is wrong, by network_restart()
 *
 * The network must have been read, and is read anew.
 *
 * Return: 0, 1 when it was done, so that ports that were listed before are old, or -1 after complaining.
 */
int network_count_again(struct libvirt_network *network) must_check nonnull(1);

#endif
