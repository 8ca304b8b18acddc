/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include "command.h"
#include "doctor.h"
#include "xml.h"

int cmd_doctor(int root, int argc, char **argv, struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    struct command_flags flags = {0};
    int worst = 0;
    int first = command_flags(argc, argv, "color format", &flags, error);
    if (first < 0)
        return first;
    if (argc > first)
        return command_usage(error, "doctor takes no arguments");
    int result = doctor_examine(root, &doc, &worst, error);
    if (result == 0)
        result = command_print(&flags, doc, error);
    return result < 0 ? result : worst;
}
