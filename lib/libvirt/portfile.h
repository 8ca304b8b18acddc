/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * portfile - the ports of a network as a libvirt that does not run has them
 *
 * libvirt keeps each port in run/libvirt/network/NETWORK/ports/UUID.xml, and reads these files when it starts, not
 * sooner (src/conf/virnetworkobj.c of 11.3.0: virNetworkObjGetPortStatusDir(), virNetworkObjLoadAllPorts(); read). So
 * what was blocked before it ended is blocked again, unless the file is gone by then.
 */
#ifndef VFPOOL_PORTFILE_H
#define VFPOOL_PORTFILE_H

#include "error.h"

/**
 * portfile_remove() - no port of ours is left of a network; to be called while no daemon serves networks
 *
 * Return: how many there were; -EBUSY where the network was ended to be started again, with the ports of its guests
 * (hook/libvirt-network.h), which only libvirt can finish; -EAGAIN where a daemon was started meanwhile, and may have
 * read them; or another negative errno value.
 */
int portfile_remove(int root, const char *network, struct error *error) must_check nonnull(2, 3);

#endif
