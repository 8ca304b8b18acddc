/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt-verb.h"

#include <stdio.h>
#include <string.h>

#include "domain.h"
#include "libvirt-connection.h"
#include "memory.h"

static void close_connection(const virConnectPtr *connection)
{
    if (*connection)
        virConnectClose(*connection);
}

static void free_domain(const virDomainPtr *domain)
{
    if (*domain)
        virDomainFree(*domain);
}

/* A guest may have another one's UUID as its name: what is a UUID is nobody's name. */
static virDomainPtr find(virConnectPtr connection, const char *guest)
{
    char uuid[UUID_SIZE];
    return domain_parse_uuid(guest, uuid) == 0 ? virDomainLookupByUUIDString(connection, uuid)
                                               : virDomainLookupByName(connection, guest);
}

/* What libvirt says of a guest that is not there, or is gone by now. Return: an exit status. */
static int complain_of_domain(void)
{
    return libvirt_complain(virGetLastErrorCode() == VIR_ERR_NO_DOMAIN ? GATE_NO_NETWORK : GATE_FAILED, "%s",
                            libvirt_words());
}

static int print_domain(const char *guest, unsigned int flags)
{
    _cleanup_(close_connection) virConnectPtr connection = NULL;
    int result = libvirt_connect("qemu:///system", &connection);
    if (result != 0)
        return result;
    _cleanup_(free_domain) virDomainPtr domain = find(connection, guest);
    _cleanup_(cleanup_free) char *text = domain ? virDomainGetXMLDesc(domain, flags) : NULL;
    if (!text)
        return complain_of_domain();
    fputs(text, stdout);
    return 0;
}

int verb_domain(char **arguments)
{
    return print_domain(arguments[0], 0);
}

int verb_definition(char **arguments)
{
    return print_domain(arguments[0], VIR_DOMAIN_XML_INACTIVE);
}

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
    _cleanup_(close_connection) virConnectPtr connection = NULL;
    int result = libvirt_connect("qemu:///system", &connection);
    /* One that starts in between is in both, and runs. */
    if (result == 0)
        result = print_domains(connection, VIR_CONNECT_LIST_DOMAINS_INACTIVE, GATE_DEFINED);
    return result != 0 ? result : print_domains(connection, VIR_CONNECT_LIST_DOMAINS_ACTIVE, GATE_RUNNING);
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
    /* No network is a pool: an interface that has its VF is one on that device in the XML of a guest that runs. */
    if (text && domain_read(text, strlen(text), NULL, NULL, false, &domain, &ignored) == 0)
        print_requests(uuid, &domain);
    else
        libvirt_say(GATE_UNREAD, "%s", uuid);
}

/* One that has ended meanwhile may be defined still, with devices that it does not have. */
static int look_at(virConnectPtr connection, const char *uuid)
{
    _cleanup_(free_domain) virDomainPtr handle = virDomainLookupByUUIDString(connection, uuid);
    int active = handle ? virDomainIsActive(handle) : -1;
    if (active == 1)
        print_devices(uuid, handle);
    else if (active < 0 && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN)
        return libvirt_complain(GATE_FAILED, "cannot look at guest %s: %s", uuid, libvirt_words());
    return 0;
}

int verb_devices(char **arguments)
{
    (void)arguments;
    _cleanup_(close_connection) virConnectPtr connection = NULL;
    _cleanup_(cleanup_free) char *input = NULL;
    if (libvirt_input(&input) < 0)
        return GATE_FAILED;
    int result = libvirt_connect("qemu:///system", &connection);
    for (char *rest = NULL, *uuid = strtok_r(input, "\n", &rest); uuid && result == 0;
         uuid = strtok_r(NULL, "\n", &rest))
        result = look_at(connection, uuid);
    return result;
}

/* What libvirt says of its own end is no refusal. */
static int start(virConnectPtr connection, virDomainPtr domain)
{
    if (virDomainIsActive(domain) == 1)
        return 0;
    if (virDomainCreate(domain) == 0) {
        libvirt_say(GATE_STARTED, "%s", "");
        return 0;
    }
    /* The next call forgets them. */
    _cleanup_(cleanup_free) char *words = memory_copy(libvirt_words());
    if (virDomainIsActive(domain) == 1)
        return 0;
    if (virConnectIsAlive(connection) != 1)
        return libvirt_complain(GATE_NO_DAEMON, "%s", words);
    libvirt_say(GATE_REFUSED, "%s", words);
    return 0;
}

int verb_start(char **arguments)
{
    _cleanup_(close_connection) virConnectPtr connection = NULL;
    int result = libvirt_connect("qemu:///system", &connection);
    if (result != 0)
        return result;
    _cleanup_(free_domain) virDomainPtr domain = find(connection, arguments[0]);
    return domain ? start(connection, domain) : complain_of_domain();
}

int verb_version(char **arguments)
{
    _cleanup_(close_connection) virConnectPtr connection = NULL;
    unsigned long version = 0;
    (void)arguments;
    int result = libvirt_connect("network:///system", &connection);
    if (result != 0)
        return result;
    if (virConnectGetLibVersion(connection, &version) < 0)
        return libvirt_complain(GATE_FAILED, "libvirt does not say its version: %s", libvirt_words());
    printf("%lu\n", version);
    return 0;
}
