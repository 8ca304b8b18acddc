/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "needs.h"
#include "xml.h"

int cmd_needs(int root, int argc, char **argv, struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = needs_new();
    struct command_flags flags = {.forms = "table, json, xml, crm or pcs"};
    int first = command_flags(argc, argv, "format", &flags, error);
    if (first < 0)
        return first;
    if (first == argc)
        return command_usage(error, "needs takes files of domain XML, or - for standard input");
    for (int i = first; i < argc; i++) {
        _cleanup_(cleanup_free) char *data = NULL;
        size_t length = 0;
        int result = command_read(argv[i], &data, &length, error);
        if (result < 0)
            return result;
        result = needs_add(root, data, length, doc, error);
        if (result < 0)
            return error_prefix(error, "%s", argv[i]);
    }
    return command_print(&flags, doc, error);
}
