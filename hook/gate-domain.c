/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "domain.h"
#include "gate-libvirt.h"
#include "gate-verb.h"

/* A guest may have another one's UUID as its name: what is a UUID is nobody's name. */
static virDomainPtr find(virConnectPtr connection, const char *guest)
{
    char uuid[UUID_SIZE];
    return domain_parse_uuid(guest, uuid) == 0 ? virDomainLookupByUUIDString(connection, uuid)
                                               : virDomainLookupByName(connection, guest);
}

static int print_domain(const char *guest, unsigned int flags)
{
    virConnectPtr connection = NULL;
    int result = libvirt_connect("qemu:///system", &connection);
    if (result != 0)
        return result;
    virDomainPtr domain = find(connection, guest);
    _cleanup_(cleanup_free) char *text = domain ? virDomainGetXMLDesc(domain, flags) : NULL;
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

int verb_domain(char **arguments)
{
    return print_domain(arguments[0], 0);
}

int verb_definition(char **arguments)
{
    return print_domain(arguments[0], VIR_DOMAIN_XML_INACTIVE);
}
