/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definition.h"

#include <stdio.h>
#include <string.h>

#include "builtin.h"
#include "memory.h"
#include "sheet.h"
#include "xml.h"

static xmlDocPtr list_vfs(const struct pciaddr *addresses, size_t count, size_t connected)
{
    xmlDocPtr doc = xml_new("vfs");
    xmlNodePtr root = xmlDocGetRootElement(doc);
    xml_set_number(root, "connections", connected);
    for (size_t i = 0; i < count; i++)
        xml_add_pci_address(root, &addresses[i]);
    return doc;
}

int definition_format(xmlDocPtr network, enum definition_form form, const struct pciaddr *addresses, size_t count,
                      size_t connected, char **text, size_t *length, struct error *error)
{
    static const char *const forms[] = {
        [DEFINITION_DUMP] = "dump", [DEFINITION_DEFINE] = "define", [DEFINITION_COMPARE] = "compare"};
    const char *parameters[] = {"form", forms[form], NULL};
    _cleanup_(cleanup_xml_doc) xmlDocPtr vfs = list_vfs(addresses, count, connected), result = NULL;
    _cleanup_(cleanup_xml_string) char *string = NULL;
    struct sheet sheet = {.text = builtin_network_xsl,
                          .length = builtin_length(network_xsl),
                          .path = "network.xsl",
                          .given = vfs,
                          .parameters = parameters};
    int status = sheet_apply(&sheet, network, &result, &string, length, error);
    if (status < 0)
        return status;
    *text = memory_copy_part(string, *length);
    return 0;
}

struct pciaddr *definition_addresses(xmlDocPtr network, size_t *count)
{
    struct pciaddr *list = NULL;
    xmlNodePtr forward = xml_child(xmlDocGetRootElement(network), "forward");
    *count = 0;
    for (xmlNodePtr node = xml_child(forward, "address"); node; node = xml_next(node)) {
        list = memory_resize(list, *count + 1, sizeof *list);
        if (xml_pci_address(node, &list[*count]) == 0)
            (*count)++;
    }
    return list;
}
