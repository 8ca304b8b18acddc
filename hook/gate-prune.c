/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "gate-port.h"
#include "gate-verb.h"

/* Whether it is a guest that is defined, and does not run. */
static bool is_ended(virConnectPtr connection, const struct port *port)
{
    virDomainPtr domain = virDomainLookupByUUIDString(connection, port->owner_uuid);
    bool ended = domain && virDomainIsActive(domain) == 0;
    if (domain)
        virDomainFree(domain);
    return ended;
}

int verb_prune(char **arguments)
{
    _cleanup_(libvirt_network_close) struct libvirt_network network = {0};
    _cleanup_(ports_free) struct ports ports = {0};
    virConnectPtr connection = NULL;
    int result = libvirt_network_find(arguments[0], &network);
    if (result == 0)
        result = ports_list(&network, &ports);
    if (result == 0)
        result = ports_identify(&network, &ports);
    if (result == 0)
        result = libvirt_connect("qemu:///system", &connection);
    for (size_t i = 0; i < ports.count && result == 0; i++) {
        const struct port *port = &ports.ports[i];
        if (!port->ours && port->has_device && is_ended(connection, port) && virNetworkPortDelete(port->handle, 0) == 0)
            printf("'%s'\n", port->owner);
    }
    if (connection)
        virConnectClose(connection);
    return result;
}
