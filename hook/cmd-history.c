/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include "command.h"
#include "history.h"
#include "xml.h"

int cmd_history(int root, int argc, char **argv, struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    const char *format = NULL;
    int first = command_format(argc, argv, &format, NULL, error);
    if (first < 0)
        return first;
    if (argc - first > 1)
        return command_usage(error, "history takes one guest or VF at most");
    int result = history_read(root, argv[first], &doc, error);
    return result < 0 ? result : command_print(format, doc, error);
}
