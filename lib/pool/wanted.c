/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wanted.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "policy.h"
#include "xml.h"

static const xmlNode *first_settings(const xmlNode *parent)
{
    return parent ? policy_next(parent->children, "settings") : NULL;
}

static const xmlNode *next_settings(const xmlNode *node)
{
    return policy_next(node->next, "settings");
}

/* ---- the pool ---- */

/* A portgroup that the pool does not have is none, as in libvirt (src/conf/network_conf.c). */
static char *find_portgroup(const struct pool *pool, const char *wanted)
{
    for (xmlNodePtr node = xml_child(xmlDocGetRootElement(pool->doc), "portgroup"); node; node = xml_next(node)) {
        _cleanup_(cleanup_xml_string) char *is_default = xml_attribute(node, "default");
        char *name = xml_attribute(node, "name");
        if (wanted ? strcmp(name, wanted) == 0 : is_default && strcmp(is_default, "yes") == 0)
            return name;
        xmlFree(name);
    }
    return NULL;
}

static void read_pool(const struct pool *pool, const char *wanted, struct settings *settings)
{
    _cleanup_(cleanup_xml_string) char *portgroup = find_portgroup(pool, wanted);
    struct settings of_group = settings_none();
    for (const xmlNode *node = first_settings(policy_of_pool(xmlDocGetRootElement(pool->doc))); node;
         node = next_settings(node)) {
        _cleanup_(cleanup_xml_string) char *name = xml_attribute(node, "portgroup");
        if (!name)
            settings_read(settings, node);
        else if (portgroup && strcmp(name, portgroup) == 0)
            settings_read(&of_group, node);
    }
    settings_merge(settings, &of_group);
}

/* ---- the guest ---- */

enum relation { ABOUT_OTHER, ABOUT_ALL, ABOUT_THIS };

static bool names_address(const char *text, const struct pciaddr *address)
{
    struct pciaddr named;
    return address && pciaddr_parse(text, &named) == 0 && pciaddr_equal(&named, address);
}

static enum relation relate(const xmlNode *node, const char *mac, const struct pciaddr *address)
{
    _cleanup_(cleanup_xml_string) char *interface = xml_attribute(node, "interface");
    _cleanup_(cleanup_xml_string) char *hostdev = xml_attribute(node, "hostdev");
    if (!interface && !hostdev)
        return ABOUT_ALL;
    return (interface && mac && strcasecmp(interface, mac) == 0) || (hostdev && names_address(hostdev, address))
               ? ABOUT_THIS
               : ABOUT_OTHER;
}

/* libvirt sets MAC address and VLAN of an interface, and of nothing else. */
static bool is_libvirts(const char *name)
{
    return strcmp(name, "mac") == 0 || strcmp(name, "vlan") == 0;
}

static int put(const xmlAttr *attribute, const struct pool *pool, const struct wanted_device *device, const char *guest,
               struct settings *settings, struct error *error)
{
    const char *name = (const char *)attribute->name;
    _cleanup_(cleanup_xml_string) char *value = (char *)xmlNodeGetContent((const xmlNode *)attribute);
    if (strcmp(name, "interface") == 0 || strcmp(name, "hostdev") == 0)
        return 0;
    if (is_libvirts(name) && device->mac)
        return error_set(error, EINVAL,
                         "guest '%.256s' says %s='%.64s' in its <metadata>: of an interface, its <%s> says that", guest,
                         name, value, name);
    int result = settings_put(settings, name, value, error);
    if (result == -ENOENT)
        return error_set(error, EINVAL, "guest '%.256s' says %.64s='%.64s' in its <metadata>: there is no such setting",
                         guest, name, value);
    if (result < 0)
        return error_prefix(error, "guest '%.256s' says in its <metadata>", guest);
    return policy_check_allowed(pool->override, false, name, value, guest, pool->name, error);
}

static int read_guest(const struct pool *pool, const struct wanted_device *device, const xmlNode *domain,
                      const char *guest, enum relation relation, struct settings *settings, struct error *error)
{
    int result = 0;
    for (const xmlNode *node = first_settings(policy_of_guest(domain)); node && result == 0;
         node = next_settings(node)) {
        if (relate(node, device->mac, device->address) != relation)
            continue;
        for (const xmlAttr *attribute = node->properties; attribute && result == 0; attribute = attribute->next)
            result = put(attribute, pool, device, guest, settings, error);
    }
    return result;
}

int wanted_find(const struct pool *pool, const struct wanted_device *device, const xmlNode *domain, const char *guest,
                struct settings *wanted, struct error *error)
{
    *wanted = settings_none();
    read_pool(pool, device->portgroup, wanted);
    int result = read_guest(pool, device, domain, guest, ABOUT_ALL, wanted, error);
    if (result == 0)
        result = read_guest(pool, device, domain, guest, ABOUT_THIS, wanted, error);
    if (result == 0 && settings_check(wanted, error) < 0)
        return error_prefix(error, "guest '%.256s' cannot have the settings that it and pool '%s' ask for", guest,
                            pool->name);
    return result;
}

int wanted_check_guest(const struct domain *domain, struct error *error)
{
    const xmlNode *guest = policy_of_guest(xmlDocGetRootElement(domain->doc));
    for (const xmlNode *node = first_settings(guest); node; node = next_settings(node)) {
        bool found = false;
        for (size_t i = 0; i < domain->request_count; i++) {
            const struct request *request = &domain->requests[i];
            found = found || relate(node, request->type == REQUEST_HOSTDEV ? NULL : request->mac,
                                    request->type == REQUEST_NETWORK ? NULL : &request->address) != ABOUT_OTHER;
        }
        _cleanup_(cleanup_xml_string) char *interface = xml_attribute(node, "interface");
        _cleanup_(cleanup_xml_string) char *hostdev = xml_attribute(node, "hostdev");
        if (!found && (interface || hostdev))
            return error_set(error, EINVAL,
                             "guest '%.256s' has <settings %s='%.64s'> in its <metadata>, and no such %s of a pool's",
                             domain->name, interface ? "interface" : "hostdev", interface ? interface : hostdev,
                             interface ? "interface" : "device");
    }
    return 0;
}
