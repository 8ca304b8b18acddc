/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gate-port.h"
#include "gate-verb.h"

int verb_ports(char **arguments)
{
    _cleanup_(libvirt_network_close) struct libvirt_network network = {0};
    _cleanup_(ports_free) struct ports ports = {0};
    int result = libvirt_network_find(arguments[0], &network);
    if (result == 0)
        result = ports_list(&network, &ports);
    if (result == 0)
        result = ports_identify(&network, &ports);
    if (result == 0)
        ports_print(&ports);
    return result;
}
