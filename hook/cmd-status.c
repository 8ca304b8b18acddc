/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include "command.h"
#include "status.h"
#include "xml.h"

int cmd_status(int root, int argc, char **argv, struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr status = NULL;
    const char *format = NULL;
    bool settings = false;
    int first = command_format(argc, argv, &format, &settings, error);
    if (first < 0)
        return first;
    if (argc - first > 1)
        return command_usage(error, "status takes one pool at most");
    int result = status_read(root, argv[first], settings, &status, error);
    return result < 0 ? result : command_print(format, status, error);
}
