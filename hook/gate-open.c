/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "gate-restart.h"
#include "gate-verb.h"

/* What cannot be freed keeps no other one. */
static int free_all(const struct ports *ports)
{
    int failed = 0;
    for (size_t i = 0; i < ports->count; i++) {
        char text[PCIADDR_SIZE];
        if (!ports->ports[i].ours)
            continue;
        pciaddr_format(&ports->ports[i].address, text);
        if (virNetworkPortDelete(ports->ports[i].handle, 0) == 0)
            printf(GATE_FREED "%s\n", text);
        else if (virGetLastErrorCode() != VIR_ERR_NO_NETWORK_PORT && failed++ == 0)
            (void)libvirt_complain(GATE_FAILED, "cannot free VF %s: %s", text, libvirt_words());
    }
    return failed ? GATE_FAILED : 0;
}

int verb_open(char **arguments)
{
    _cleanup_(libvirt_network_close) struct libvirt_network network = {0};
    _cleanup_(ports_free) struct ports ports = {0};
    int result = ports_guard(true);
    if (result == 0)
        result = libvirt_network_find(arguments[0], &network);
    if (result == 0)
        result = network_finish(&network);
    if (result == 0)
        result = libvirt_network_read(&network);
    /* libvirt is going to choose by its count from here on. */
    if (result == 0 && network_count_again(&network) < 0)
        result = GATE_FAILED;
    if (result == 0)
        result = ports_list(&network, &ports);
    return result == 0 ? free_all(&ports) : result;
}
