/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "explain.h"
#include "program.h"
#include "xml.h"

int cmd_explain(int root, int argc, char **argv, struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    _cleanup_(cleanup_free) char *data = NULL;
    size_t length = 0;
    struct command_flags flags = {0};
    int first = command_flags(argc, argv, "color format wide", &flags, error);
    if (first < 0 ||
        command_takes_one(argc - first, "explain takes one guest or file, or - for standard input", error) < 0)
        return COMMAND_USAGE;
    const char *what = argv[first];
    bool file = strcmp(what, "-") == 0 || strchr(what, '/') || faccessat(AT_FDCWD, what, F_OK, 0) == 0;
    int result = file ? command_read(what, &data, &length, error) : explain_guest(root, what, &doc, error);
    if (result == 0 && file)
        result = explain_read(root, data, length, &doc, error);
    if (result == 0)
        result = command_print(&flags, doc, error);
    return result == 0 && xml_child(xmlDocGetRootElement(doc), "failure") ? EXIT_NONE : result;
}
