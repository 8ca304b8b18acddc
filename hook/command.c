/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "builtin.h"
#include "io.h"
#include "program.h"
#include "sheet.h"
#include "xml.h"

int command_usage(struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return COMMAND_USAGE;
}

int command_operands(int argc, char **argv, struct error *error)
{
    static const struct option none[] = {{0}};
    if (getopt_long(argc, argv, "", none, NULL) != -1)
        return command_usage(error, "%s has no options", argv[0]);
    return optind;
}

int command_read_domain(const char *file, char **data, size_t *length, struct error *error)
{
    bool standard = strcmp(file, "-") == 0;
    const char *name = standard ? "standard input" : file;
    _cleanup_(cleanup_close) int fd = standard ? -1 : open(file, O_RDONLY | O_CLOEXEC);
    if (!standard && fd < 0)
        return error_set(error, errno, "cannot open %s: %s", name, strerror(errno));
    int result = io_read(standard ? STDIN_FILENO : fd, XML_MAX_BYTES, IO_NO_DEADLINE, data, length);
    if (result == -EFBIG)
        return error_set(error, EFBIG, "%s is larger than %zu MiB", name, XML_MAX_BYTES >> 20);
    return result < 0 ? error_set(error, -result, "cannot read %s: %s", name, strerror(-result)) : 0;
}

/* A form of a document; without a sheet it is the document itself. */
struct format {
    const char *name;
    const char *sheet, *end;
    const char *path;
};

static const struct format formats[] = {
    {"table", builtin_table_xsl, builtin_table_xsl_end, "table.xsl"},
    {"json", builtin_json_xsl, builtin_json_xsl_end, "json.xsl"},
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

static int print_view(const struct format *format, xmlDocPtr doc, struct error *error)
{
    const char *parameters[] = {"escape", escape_character(), NULL};
    struct sheet sheet = {.text = format->sheet, .path = format->path, .parameters = parameters};
    _cleanup_(cleanup_xml_doc) xmlDocPtr result = NULL;
    _cleanup_(cleanup_xml_string) char *text = NULL;
    size_t length = 0;
    sheet.length = (size_t)(format->end - format->sheet);
    int code = sheet_apply(&sheet, doc, &result, &text, &length, error);
    return code < 0 ? code : program_print(text, length, error);
}

static int print_document(xmlDocPtr doc, struct error *error)
{
    _cleanup_(cleanup_free) char *text = NULL;
    size_t length = 0;
    int result = xml_format(doc, true, &text, &length, error);
    return result < 0 ? result : program_print(text, length, error);
}

int command_format(int argc, char **argv, const char **format, bool *more, struct error *error)
{
    static const struct option options[] = {
        {"long", no_argument, NULL, 'l'}, {"format", required_argument, NULL, 'f'}, {0}};
    *format = "table";
    for (int option; (option = getopt_long(argc, argv, more ? "lf:" : "f:", &options[!more], NULL)) != -1;) {
        if (more && option == 'l') {
            *more = true;
            continue;
        }
        *format = option == 'f' ? optarg : NULL;
        if (!*format || !find_format(*format))
            return command_usage(error, "%s --format takes table, json or xml", argv[0]);
    }
    return optind;
}

int command_print(const char *name, xmlDocPtr doc, struct error *error)
{
    const struct format *format = find_format(name);
    return format->sheet ? print_view(format, doc, error) : print_document(doc, error);
}
