/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt-port - the ports of an active network */
#ifndef VFPOOL_LIBVIRT_PORT_H
#define VFPOOL_LIBVIRT_PORT_H

#include "libvirt-connection.h"

struct port {
    virNetworkPortPtr handle;
    char uuid[VIR_UUID_STRING_BUFLEN];
    bool ours;
    struct pciaddr address; /* of one that is not ours known only after ports_identify() */
    bool has_device;
    char owner[256]; /* its name, and below its UUID */
    char owner_uuid[VIR_UUID_STRING_BUFLEN];
};

struct ports {
    struct port *ports;
    size_t count;
    struct pciaddr_set blocked; /* those of ours */
    bool identified;
};

/** ports_list() - Return: 0, or an exit status after complaining. The caller frees with ports_free() in either case. */
int ports_list(const struct libvirt_network *network, struct ports *ports) must_check nonnull(1, 2);

/**
 * ports_identify() - find out whose the ports are that are not ours
 *
 * Costs libvirt a call for each. Our own are known by their UUIDs.
 *
 * Return: 0, or an exit status after complaining.
 */
int ports_identify(const struct libvirt_network *network, struct ports *ports) must_check nonnull(1, 2);

/** ports_foreign() - who else has the VF. @ports must be identified. Return: its port; NULL: nobody. */
const struct port *ports_foreign(const struct ports *ports, const struct pciaddr *address) must_check nonnull(1, 2);

/** ports_print() - a line for each that is not ours; @ports must be identified */
void ports_print(const struct ports *ports) nonnull(1);

void ports_free(struct ports *ports) nonnull(1);

/**
 * ports_guard() - before ports of ours are made, or all of them are taken away: not both at once
 * @alone: to take them away
 *
 * Held until this process ends. Who makes them looks for our hook behind it (hooks_are_put()): once that is gone, and
 * the ports are, none comes back.
 *
 * Return: 0, or an exit status after complaining.
 */
int ports_guard(bool alone) must_check;

/** ports_block() - make a port of ours. Return: 0, or -1 with libvirt's error set. */
int ports_block(const struct libvirt_network *network, const struct pciaddr *address) must_check nonnull(1, 2);

/**
 * ports_miscounted() - whether libvirt has lost count of the ports
 *
 * A reload (SIGHUP) makes libvirt forget how many ports each VF has, and not the ports: it gives out VFs that are taken
 * or blocked. From then on its count is wrong by as many ports as there were. A difference that comes and goes is only
 * a port that was made or deleted between the two questions.
 *
 * The network must have been read.
 */
bool ports_miscounted(struct libvirt_network *network) must_check nonnull(1);

#endif
