/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "gate-libvirt.h"
#include "gate-verb.h"

int verb_version(char **arguments)
{
    virConnectPtr connection = NULL;
    unsigned long version = 0;
    (void)arguments;
    int result = libvirt_connect("network:///system", &connection);
    if (result != 0)
        return result;
    if (virConnectGetLibVersion(connection, &version) < 0)
        result = libvirt_complain(GATE_FAILED, "libvirt does not say its version: %s", libvirt_words());
    else
        printf("%lu\n", version);
    virConnectClose(connection);
    return result;
}
