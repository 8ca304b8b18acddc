/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "interface.h"

#include <errno.h>
#include <string.h>

#include "xml.h"

/* An element, or an attribute of it, that no VF can do; where harmless is given, with any other value. */
static const struct {
    const char *element, *attribute, *harmless, *words;
} impossible[] = {
    {"bandwidth", NULL, NULL, "<bandwidth>"},
    {"filterref", NULL, NULL, "<filterref>"},
    {"driver", "queues", "0", "<driver queues=''>"},
    {"backend", "tap", "", "<backend tap=''>"},
    {"port", "isolated", "no", "<port isolated='yes'>"},
};

static int refuse(const struct interface_place *place, struct error *error, const char *what)
{
    return error_set(error, EINVAL, "interface %u of guest '%s' on pool '%s' has %s", place->number, place->guest,
                     place->pool, what);
}

int interface_check(xmlNodePtr interface, const struct interface_place *place, struct error *error)
{
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        xmlNodePtr element = xml_child(interface, impossible[i].element);
        if (!element)
            continue;
        if (impossible[i].attribute) {
            _cleanup_(cleanup_xml_string) char *value = xml_attribute(element, impossible[i].attribute);
            if (!value || strcmp(value, impossible[i].harmless) == 0)
                continue;
        }
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
    if (!type || strcmp(type, "802.1Qbh") != 0)
        return error_set(error, EINVAL,
                         "interface %u of guest '%s' on pool '%s' has <virtualport type='%s'>: a VF can do 802.1Qbh "
                         "only, and that on enic cards; remove it from the guest, the portgroup or the pool",
                         place->number, place->guest, place->pool, type ? type : "");
    if (vlan)
        return refuse(place, error,
                      "a VLAN and a virtualport of type 802.1Qbh, whose profile sets the VLAN: remove one of them");
    return 0;
}
