/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a verb prints: a document in one of its forms, or what was done. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "builtin.h"
#include "claim.h"
#include "command.h"
#include "memory.h"
#include "program.h"
#include "screen.h"
#include "sheet.h"
#include "xml.h"

/* A form of a document; without a sheet it is the document itself. */
struct format {
    const char *name;
    const char *sheet, *end;
    const char *path;
};

static const struct format formats[] = {
    {"table", builtin_table_xsl, builtin_table_xsl_end, "table.xsl"},
    {"json", builtin_json_xsl, builtin_json_xsl_end, "json.xsl"},
    {"html", builtin_page_xsl, builtin_page_xsl_end, "page.xsl"},
    {"prometheus", builtin_prometheus_xsl, builtin_prometheus_xsl_end, "prometheus.xsl"},
    {"crm", builtin_cluster_xsl, builtin_cluster_xsl_end, "cluster.xsl"},
    {"pcs", builtin_cluster_xsl, builtin_cluster_xsl_end, "cluster.xsl"},
    {"xml", NULL, NULL, NULL},
};

static int render_view(const struct command_flags *flags, const struct format *format, xmlDocPtr doc, char **text,
                       size_t *length, struct error *error)
{
    char width[16], host[HOST_NAME_MAX + 1] = "", time[CLAIM_TIME_SIZE];
    snprintf(width, sizeof width, "%u", flags->wide ? 0 : screen_width());
    if (gethostname(host, sizeof host) < 0)
        host[0] = '\0';
    claim_time(time);
    const char *parameters[] = {
        "form",  flags->format, "host",   host,
        "time",  time,          "escape", screen_has_color(flags->color) ? "\033" : "",
        "width", width,         "view",   flags->wide ? "wide" : flags->summary ? "summary" : "",
        NULL};
    struct sheet sheet = {.text = format->sheet, .path = format->path, .parameters = parameters};
    _cleanup_(cleanup_xml_doc) xmlDocPtr result = NULL;
    _cleanup_(cleanup_xml_string) char *view = NULL;
    sheet.length = (size_t)(format->end - format->sheet);
    int code = sheet_apply(&sheet, doc, &result, &view, length, error);
    if (code == 0)
        *text = memory_copy_part(view, *length);
    return code;
}

int command_render(const struct command_flags *flags, xmlDocPtr doc, char **text, size_t *length, struct error *error)
{
    const struct format *format = formats;
    while (strcmp(format->name, flags->format) != 0)
        format++;
    return format->sheet ? render_view(flags, format, doc, text, length, error)
                         : xml_format(doc, true, text, length, error);
}

int command_print(const struct command_flags *flags, xmlDocPtr doc, struct error *error)
{
    _cleanup_(cleanup_free) char *text = NULL;
    size_t length = 0;
    int result = command_render(flags, doc, &text, &length, error);
    /* Without one only after a failure. */
    return text ? program_print(text, length, error) : result;
}

static void add_lines(xmlNodePtr node, const char *name, const struct lines *lines)
{
    size_t length;
    for (const char *at = NULL; (length = lines_next(lines, &at)) > 0;) {
        _cleanup_(cleanup_free) char *line = memory_copy_part(at, length);
        xml_add_text(node, name, line);
    }
}

int command_report(const struct command_flags *flags, const struct lines *done, const char *nothing, int result,
                   struct error *error)
{
    if (strcmp(flags->format, "table") == 0) {
        struct lines said = {NULL};
        if (result == 0 && nothing && !done->text && !error->notes.text)
            lines_add(&said, "%s", nothing);
        int printed = program_report(said.text ? &said : done, result, error);
        lines_free(&said);
        return printed;
    }
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = xml_new("report");
    _cleanup_(error_free) struct error problem = {0};
    xmlNodePtr node = xmlDocGetRootElement(doc);
    xml_set(node, "changed", done->text ? "yes" : "no");
    add_lines(node, "done", done);
    add_lines(node, "note", &error->notes);
    if (result < 0)
        xml_add_text(node, "error", error->message);
    int printed = command_print(flags, doc, &problem);
    if (printed < 0 && result == 0)
        return error_set(error, problem.code, "%s", problem.message);
    return result;
}
