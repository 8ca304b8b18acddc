/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include "command.h"
#include "explain.h"
#include "xml.h"

int cmd_explain(int root, int argc, char **argv, struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    _cleanup_(cleanup_free) char *data = NULL;
    size_t length = 0;
    const char *format = NULL;
    int first = command_format(argc, argv, &format, error);
    if (first < 0)
        return first;
    if (argc - first != 1)
        return command_usage(error, "explain takes one file, or - for standard input");
    int result = command_read_domain(argv[first], &data, &length, error);
    if (result == 0)
        result = explain_read(root, data, length, &doc, error);
    return result < 0 ? result : command_print(format, doc, error);
}
