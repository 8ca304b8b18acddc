/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "gate-libvirt.h"
#include "gate-verb.h"

/* A guest that is left out would lose its VFs, so one that cannot be named fails the call. */
static int print_domains(virConnectPtr connection, unsigned int which, const char *word)
{
    virDomainPtr *domains = NULL;
    int count = virConnectListAllDomains(connection, &domains, which), result = 0;
    if (count < 0)
        return libvirt_complain(GATE_FAILED, "cannot list the guests: %s", libvirt_words());
    for (int i = 0; i < count; i++) {
        char uuid[VIR_UUID_STRING_BUFLEN];
        if (result == 0 && virDomainGetUUIDString(domains[i], uuid) < 0)
            result = libvirt_complain(GATE_FAILED, "cannot list the guests: %s", libvirt_words());
        else if (result == 0)
            printf("%s%s\n", word, uuid);
        virDomainFree(domains[i]);
    }
    free(domains);
    return result;
}

int verb_domains(char **arguments)
{
    (void)arguments;
    virConnectPtr connection = NULL;
    int result = libvirt_connect("qemu:///system", &connection);
    /* One that starts in between is in both, and runs. */
    if (result == 0)
        result = print_domains(connection, VIR_CONNECT_LIST_DOMAINS_INACTIVE, GATE_DEFINED);
    if (result == 0)
        result = print_domains(connection, VIR_CONNECT_LIST_DOMAINS_ACTIVE, GATE_RUNNING);
    if (connection)
        virConnectClose(connection);
    return result;
}
