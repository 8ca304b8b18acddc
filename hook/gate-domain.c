/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "gate-libvirt.h"
#include "gate-verb.h"

int verb_domain(char **arguments)
{
    virConnectPtr connection = NULL;
    int result = libvirt_connect("qemu:///system", &connection);
    if (result != 0)
        return result;
    virDomainPtr domain = virDomainLookupByUUIDString(connection, arguments[0]);
    _cleanup_(cleanup_free) char *text = domain ? virDomainGetXMLDesc(domain, 0) : NULL;
    if (text)
        fputs(text, stdout);
    else
        result = libvirt_complain(virGetLastErrorCode() == VIR_ERR_NO_DOMAIN ? GATE_NO_NETWORK : GATE_FAILED, "%s",
                                  libvirt_words());
    if (domain)
        virDomainFree(domain);
    virConnectClose(connection);
    return result;
}
