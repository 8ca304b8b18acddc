/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>
#include <stddef.h>

#include "command.h"
#include "explain.h"
#include "xml.h"

int cmd_explain(int root, int argc, char **argv, struct error *error)
{
    static const struct option options[] = {{"format", required_argument, NULL, 'f'}, {0}};
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    _cleanup_(cleanup_free) char *data = NULL;
    size_t length = 0;
    const char *format = "table";
    for (int option; (option = getopt_long(argc, argv, "f:", options, NULL)) != -1;) {
        format = option == 'f' ? optarg : NULL;
        if (!format || !command_has_format(format))
            return command_usage(error, "explain --format takes table, json or xml");
    }
    if (argc - optind != 1)
        return command_usage(error, "explain takes one file, or - for standard input");
    int result = command_read_domain(argv[optind], &data, &length, error);
    if (result == 0)
        result = explain_read(root, data, length, &doc, error);
    return result < 0 ? result : command_print(format, doc, error);
}
