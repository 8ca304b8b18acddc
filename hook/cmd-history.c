/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>
#include <stddef.h>

#include "command.h"
#include "history.h"
#include "xml.h"

int cmd_history(int root, int argc, char **argv, struct error *error)
{
    static const struct option options[] = {{"format", required_argument, NULL, 'f'}, {0}};
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    const char *format = "table";
    for (int option; (option = getopt_long(argc, argv, "f:", options, NULL)) != -1;) {
        format = option == 'f' ? optarg : NULL;
        if (!format || !command_has_format(format))
            return command_usage(error, "history --format takes table, json or xml");
    }
    if (argc - optind > 1)
        return command_usage(error, "history takes one guest or VF at most");
    history_read(root, argv[optind], &doc);
    return command_print(format, doc, error);
}
