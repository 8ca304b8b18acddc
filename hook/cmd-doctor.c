/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stddef.h>

#include "command.h"
#include "doctor.h"
#include "xml.h"

int cmd_doctor(int root, int argc, char **argv, struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    const char *format = NULL;
    size_t wrong = 0;
    int first = command_format(argc, argv, &format, NULL, error);
    if (first < 0)
        return first;
    if (argc > first)
        return command_usage(error, "doctor takes no arguments");
    int result = doctor_examine(root, &doc, &wrong, error);
    if (result == 0)
        result = command_print(format, doc, error);
    if (result == 0 && wrong > 0)
        return error_set(error, EINVAL, "%zu check%s found something wrong", wrong, wrong == 1 ? "" : "s");
    return result;
}
