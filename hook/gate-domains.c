/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "gate-libvirt.h"
#include "gate-verb.h"
#include "program.h"

int verb_domains(char **arguments)
{
    (void)arguments;
    virConnectPtr connection = NULL;
    virDomainPtr *domains = NULL;
    int result = libvirt_connect("qemu:///system", &connection);
    if (result != 0)
        return result;
    int count = virConnectListAllDomains(connection, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (count < 0)
        result = libvirt_complain(GATE_FAILED, "cannot list the running guests: %s", libvirt_words());
    for (int i = 0; i < count; i++) {
        char uuid[VIR_UUID_STRING_BUFLEN];
        if (virDomainGetUUIDString(domains[i], uuid) == 0)
            puts(uuid);
        virDomainFree(domains[i]);
    }
    free(domains);
    virConnectClose(connection);
    return result;
}
