/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "gate-port.h"
#include "gate-verb.h"
#include "program.h"

int verb_network(char **arguments)
{
    _cleanup_(libvirt_network_close) struct libvirt_network network = {0};
    const char *state = "inactive";
    int result = libvirt_network_find(arguments[0], &network);
    if (result == 0 && virNetworkIsActive(network.handle) == 1 && libvirt_network_read(&network) == 0)
        state = ports_miscounted(&network) ? "miscounted" : "active";
    _cleanup_(cleanup_free) char *text = result == 0 ? virNetworkGetXMLDesc(network.handle, 0) : NULL;
    if (result == 0 && !text)
        return libvirt_complain(EXIT_FAILED, "libvirt network '%s': %s", network.name, libvirt_words());
    if (text)
        printf("%s\n%s", state, text);
    return result;
}
