/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>
#include <stddef.h>

#include "command.h"
#include "status.h"
#include "xml.h"

int cmd_status(int root, int argc, char **argv, struct error *error)
{
    static const struct option options[] = {{"format", required_argument, NULL, 'f'}, {0}};
    _cleanup_(cleanup_xml_doc) xmlDocPtr status = NULL;
    const char *format = "table";
    for (int option; (option = getopt_long(argc, argv, "f:", options, NULL)) != -1;) {
        format = option == 'f' ? optarg : NULL;
        if (!format || !command_has_format(format))
            return command_usage(error, "status --format takes table, json or xml");
    }
    if (argc - optind > 1)
        return command_usage(error, "status takes one pool at most");
    int result = status_read(root, argv[optind], &status, error);
    return result < 0 ? result : command_print(format, status, error);
}
