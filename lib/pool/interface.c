/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "interface.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "xml.h"

static bool is_any(xmlNodePtr interface, xmlNodePtr element)
{
    (void)interface, (void)element;
    return true;
}

/* One queue is none, and of a model that is not virtio they are not read (libvirt, virDomainNetDefParseXMLDriver). */
static bool has_queues(xmlNodePtr interface, xmlNodePtr driver)
{
    _cleanup_(cleanup_xml_string) char *queues = xml_attribute(driver, "queues");
    _cleanup_(cleanup_xml_string) char *model = xml_attribute(xml_child(interface, "model"), "type");
    return queues && strtoul(queues, NULL, 10) > 1 && model && strncmp(model, "virtio", 6) == 0;
}

static bool has_tap(xmlNodePtr interface, xmlNodePtr backend)
{
    _cleanup_(cleanup_xml_string) char *tap = xml_attribute(backend, "tap");
    (void)interface;
    return tap && tap[0];
}

static bool is_isolated(xmlNodePtr interface, xmlNodePtr port)
{
    _cleanup_(cleanup_xml_string) char *isolated = xml_attribute(port, "isolated");
    (void)interface;
    return isolated && strcmp(isolated, "yes") == 0;
}

/* What no VF can do. */
static const struct {
    const char *element, *words;
    bool (*matters)(xmlNodePtr interface, xmlNodePtr element);
} impossible[] = {
    {"bandwidth", "<bandwidth>", is_any},           {"filterref", "<filterref>", is_any},
    {"driver", "<driver queues=''>", has_queues},   {"backend", "<backend tap=''>", has_tap},
    {"port", "<port isolated='yes'>", is_isolated},
};

static int refuse(const struct interface_place *place, struct error *error, const char *what)
{
    if (!place->guest)
        return error_set(error, EINVAL, "an interface that has nothing else of its own is refused: pool '%s' has %s",
                         place->pool, what);
    return error_set(error, EINVAL, "interface %u of guest '%s' on pool '%s' has %s", place->number, place->guest,
                     place->pool, what);
}

int interface_check(xmlNodePtr interface, const struct interface_place *place, struct error *error)
{
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        xmlNodePtr element = xml_child(interface, impossible[i].element);
        if (element && impossible[i].matters(interface, element))
            return error_set(error, EINVAL,
                             "interface %u of guest '%s' on pool '%s' has %s, which a VF cannot do: remove it",
                             place->number, place->guest, place->pool, impossible[i].words);
    }
    return 0;
}

static int check_vlan(xmlNodePtr vlan, const struct interface_place *place, struct error *error)
{
    size_t tags = 0;
    _cleanup_(cleanup_xml_string) char *trunk = xml_attribute(vlan, "trunk");
    for (xmlNodePtr tag = xml_child(vlan, "tag"); tag; tag = xml_next(tag))
        tags++;
    if (tags == 1 && !(trunk && strcmp(trunk, "yes") == 0))
        return 0;
    return refuse(place, error,
                  "a VLAN trunk, which a VF cannot do: give it (or its portgroup, or the pool) one tag; or none, and "
                  "set the tags inside the guest");
}

int interface_check_concrete(xmlNodePtr interface, const struct interface_place *place, struct error *error)
{
    xmlNodePtr vlan = xml_child(interface, "vlan"), port = xml_child(interface, "virtualport");
    _cleanup_(cleanup_xml_string) char *type = xml_attribute(port, "type");
    int result = vlan ? check_vlan(vlan, place, error) : 0;
    if (result < 0 || !port)
        return result;
    if (!type || strcmp(type, "802.1Qbh") != 0) {
        _cleanup_(cleanup_free) char *words =
            memory_format("<virtualport type='%s'>: a VF can do 802.1Qbh only, and that on enic cards; remove it from "
                          "the guest, the portgroup or the pool",
                          type ? type : "");
        return refuse(place, error, words);
    }
    if (vlan)
        return refuse(place, error,
                      "a VLAN and a virtualport of type 802.1Qbh, whose profile sets the VLAN: remove one of them");
    return 0;
}
