/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libvirt/virterror.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"
#include "memory.h"
#include "xml.h"

struct _virDomain {
    char uuid[VIR_UUID_STRING_BUFLEN];
};

static virDomainPtr make_domain(const char *uuid)
{
    virDomainPtr domain = memory_new(1, sizeof *domain);
    snprintf(domain->uuid, sizeof domain->uuid, "%.36s", uuid);
    return domain;
}

int virConnectListAllDomains(virConnectPtr connection, virDomainPtr **domains, unsigned int flags)
{
    CALL("", -1);
    char path[PATH_SIZE], names[256][64];
    (void)connection;
    bool active = flags == VIR_CONNECT_LIST_DOMAINS_ACTIVE;
    must(active || flags == VIR_CONNECT_LIST_DOMAINS_INACTIVE, "guests that run, or that do not");
    size_t count = list_files(path_of(path, "domains"), active ? ".xml" : ".inactive", names);
    *domains = memory_new(count + 1, sizeof **domains);
    for (size_t i = 0; i < count; i++)
        (*domains)[i] = make_domain(names[i]);
    return (int)count;
}

virDomainPtr virDomainLookupByUUIDString(virConnectPtr connection, const char *uuid)
{
    CALL(uuid, NULL);
    char path[PATH_SIZE];
    (void)connection;
    if (exists(path_of(path, "domains/%s.xml", uuid)) || exists(path_of(path, "domains/%s.inactive", uuid)))
        return make_domain(uuid);
    fail(VIR_ERR_NO_DOMAIN, "Domain not found: no domain with matching uuid '%s'", uuid);
    return NULL;
}

virDomainPtr virDomainLookupByName(virConnectPtr connection, const char *name)
{
    CALL(name, NULL);
    char path[PATH_SIZE], names[256][64];
    static const char *const suffixes[] = {".xml", ".inactive"};
    (void)connection;
    for (size_t i = 0; i < 2; i++) {
        size_t count = list_files(path_of(path, "domains"), suffixes[i], names);
        for (size_t j = 0; j < count; j++) {
            _cleanup_(cleanup_free) char *text = read_file(path_of(path, "domains/%s%s", names[j], suffixes[i]));
            _cleanup_(cleanup_xml_doc) xmlDocPtr doc = text && text[0] ? parse(text, "domain") : NULL;
            _cleanup_(cleanup_xml_string) char *its =
                doc ? xml_text(xml_child(xmlDocGetRootElement(doc), "name")) : NULL;
            if (its && strcmp(its, name) == 0)
                return make_domain(names[j]);
        }
    }
    fail(VIR_ERR_NO_DOMAIN, "Domain not found: no domain with matching name '%s'", name);
    return NULL;
}

int virDomainIsActive(virDomainPtr domain)
{
    CALL(domain->uuid, -1);
    char path[PATH_SIZE];
    return exists(path_of(path, "domains/%s.xml", domain->uuid));
}

int virDomainGetUUIDString(virDomainPtr domain, char *uuid)
{
    CALL(domain->uuid, -1);
    strcpy(uuid, domain->uuid);
    return 0;
}

char *virDomainGetXMLDesc(virDomainPtr domain, unsigned int flags)
{
    CALL(domain->uuid, NULL);
    char path[PATH_SIZE];
    char *text = NULL;
    if (flags & VIR_DOMAIN_XML_INACTIVE)
        text = read_file(path_of(path, "domains/%s.inactive", domain->uuid));
    if (!text)
        text = read_file(path_of(path, "domains/%s.xml", domain->uuid));
    if (!text)
        fail(VIR_ERR_NO_DOMAIN, "Domain not found");
    return text;
}

/* Runs the test's program "create UUID", which calls hooks and this libvirt as it likes: it is not locked meanwhile. */
static bool run_create(const char *uuid)
{
    char path[PATH_SIZE];
    int status = -1;
    path_of(path, "create");
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        execl(path, path, uuid, (char *)NULL);
        _exit(127);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int run_defined(const char *uuid)
{
    char path[PATH_SIZE];
    _cleanup_(cleanup_free) char *text = read_file(path_of(path, "domains/%s.inactive", uuid));
    must(text, path);
    if (!exists(path_of(path, "domains/%s.xml", uuid)))
        write_file(path, text);
    return 0;
}

int virDomainCreate(virDomainPtr domain)
{
    char path[PATH_SIZE];
    {
        CALL(domain->uuid, -1);
        if (!exists(path_of(path, "create")))
            return run_defined(domain->uuid);
    }
    if (!run_create(domain->uuid))
        return fail(VIR_ERR_HOOK_SCRIPT_FAILED, "Hook script execution failed: it said no");
    return run_defined(domain->uuid);
}

int virDomainFree(virDomainPtr domain)
{
    free(domain);
    return 0;
}
