/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "gate-restart.h"
#include "gate-verb.h"

/* Whether it goes with the host's, or libvirt's, next start. */
static bool is_passing(const struct libvirt_network *network)
{
    int autostart = 0;
    return virNetworkIsPersistent(network->handle) != 1 || virNetworkGetAutostart(network->handle, &autostart) < 0 ||
           !autostart;
}

static bool is_holding(const struct libvirt_network *network)
{
    _cleanup_(ports_free) struct ports ports = {0};
    return ports_list(network, &ports) == 0 && ports.held.count > 0;
}

int verb_network(char **arguments)
{
    _cleanup_(libvirt_network_close) struct libvirt_network network = {0};
    int result = libvirt_network_find(arguments[0], &network);
    if (result != 0)
        return result;
    int active = virNetworkIsActive(network.handle);
    if (active == 1)
        result = libvirt_network_read(&network);
    _cleanup_(cleanup_free) char *text = result == 0 ? virNetworkGetXMLDesc(network.handle, 0) : NULL;
    if (result == 0 && (active < 0 || !text))
        return libvirt_complain(GATE_FAILED, "libvirt network '%s': %s", network.name, libvirt_words());
    if (result == 0)
        printf("%s%s%s%s%s\n%s", active ? GATE_ACTIVE : GATE_INACTIVE,
               active && ports_miscounted(&network) ? " " GATE_MISCOUNTED : "",
               is_passing(&network) ? " " GATE_PASSING : "", active && is_holding(&network) ? " " GATE_HOLDING : "",
               network_unfinished(network.name) ? " " GATE_UNFINISHED : "", text);
    return result;
}
