/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "domain.h"
#include "gate-libvirt.h"
#include "gate-verb.h"
#include "io.h"
#include "xml.h"

/* An interface that has its VF is one on that device in the XML of a guest that runs. */
static bool no_pool(void *context, const char *network)
{
    (void)context, (void)network;
    return false;
}

static void print_requests(const char *uuid, const struct domain *domain)
{
    char text[PCIADDR_SIZE];
    for (size_t i = 0; i < domain->request_count; i++) {
        const struct request *request = &domain->requests[i];
        if (request->type == REQUEST_DIRECT)
            libvirt_say(GATE_DIRECT, "%s %s", uuid, request->netdev);
        else
            libvirt_say(GATE_DEVICE, "%s %s", uuid, pciaddr_format(&request->address, text));
    }
}

/* A guest that cannot be read keeps nobody from the others. */
static void print_devices(const char *uuid, virDomainPtr handle)
{
    _cleanup_(domain_free) struct domain domain = {0};
    _cleanup_(error_free) struct error ignored = {0};
    _cleanup_(cleanup_free) char *text = virDomainGetXMLDesc(handle, 0);
    if (!text && virGetLastErrorCode() == VIR_ERR_NO_DOMAIN)
        return;
    if (text && domain_read(text, strlen(text), no_pool, NULL, false, &domain, &ignored) == 0)
        print_requests(uuid, &domain);
    else
        libvirt_say(GATE_UNREAD, "%s", uuid);
}

/* One that has ended meanwhile may be defined still, with devices that it does not have. */
static int look_at(virConnectPtr connection, const char *uuid)
{
    virDomainPtr handle = virDomainLookupByUUIDString(connection, uuid);
    int active = handle ? virDomainIsActive(handle) : -1, result = 0;
    if (active == 1)
        print_devices(uuid, handle);
    else if (active < 0 && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN)
        result = libvirt_complain(GATE_FAILED, "cannot look at guest %s: %s", uuid, libvirt_words());
    if (handle)
        virDomainFree(handle);
    return result;
}

int verb_devices(char **arguments)
{
    (void)arguments;
    virConnectPtr connection = NULL;
    _cleanup_(cleanup_free) char *input = NULL;
    size_t length = 0;
    if (io_read(STDIN_FILENO, XML_MAX_BYTES, IO_NO_DEADLINE, &input, &length) < 0)
        return libvirt_complain(GATE_FAILED, "cannot read standard input");
    int result = libvirt_connect("qemu:///system", &connection);
    for (char *rest = NULL, *uuid = strtok_r(input, "\n", &rest); uuid && result == 0;
         uuid = strtok_r(NULL, "\n", &rest))
        result = look_at(connection, uuid);
    if (connection)
        virConnectClose(connection);
    return result;
}
