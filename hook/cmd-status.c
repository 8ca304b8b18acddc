/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "builtin.h"
#include "command.h"
#include "program.h"
#include "sheet.h"
#include "status.h"
#include "xml.h"

/* A form of the status document; without a sheet it is the document itself. */
struct format {
    const char *name;
    const char *sheet, *end;
    const char *path;
};

static const struct format formats[] = {
    {"table", builtin_status_table_xsl, builtin_status_table_xsl_end, "status-table.xsl"},
    {"json", builtin_status_json_xsl, builtin_status_json_xsl_end, "status-json.xsl"},
    {"xml", NULL, NULL, NULL},
};

static const struct format *find_format(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

/* https://no-color.org: any value that is not empty turns colours off. */
static const char *escape_character(void)
{
    const char *no_color = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(no_color && no_color[0]) ? "\033" : "";
}

static int print_view(const struct format *format, xmlDocPtr status, struct error *error)
{
    const char *parameters[] = {"escape", escape_character(), NULL};
    struct sheet sheet = {.text = format->sheet, .path = format->path, .parameters = parameters};
    _cleanup_(cleanup_xml_doc) xmlDocPtr result = NULL;
    _cleanup_(cleanup_xml_string) char *text = NULL;
    size_t length = 0;
    sheet.length = (size_t)(format->end - format->sheet);
    int status_code = sheet_apply(&sheet, status, &result, &text, &length, error);
    return status_code < 0 ? status_code : program_print(text, length, error);
}

static int print_document(xmlDocPtr status, struct error *error)
{
    _cleanup_(cleanup_free) char *text = NULL;
    size_t length = 0;
    int result = xml_format(status, true, &text, &length, error);
    return result < 0 ? result : program_print(text, length, error);
}

int cmd_status(int root, int argc, char **argv, struct error *error)
{
    static const struct option options[] = {{"format", required_argument, NULL, 'f'}, {0}};
    _cleanup_(cleanup_xml_doc) xmlDocPtr status = NULL;
    const struct format *format = &formats[0];
    for (int option; (option = getopt_long(argc, argv, "f:", options, NULL)) != -1;) {
        format = option == 'f' ? find_format(optarg) : NULL;
        if (!format)
            return command_usage(error, "status --format takes table, json or xml");
    }
    if (argc - optind > 1)
        return command_usage(error, "status takes one pool at most");
    int result = status_read(root, argv[optind], &status, error);
    if (result < 0)
        return result;
    return format->sheet ? print_view(format, status, error) : print_document(status, error);
}
