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
#include "memory.h"
#include "program.h"
#include "sheet.h"
#include "xml.h"

int command_usage(struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char text[sizeof error->message];
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)error_set(error, EINVAL, "%s", text);
    return COMMAND_USAGE;
}

/* Whether this is a long option, perhaps shortened, and perhaps with a value. */
static bool is_called(const struct option *option, const char *typed)
{
    size_t length = strcspn(typed, "=");
    return length >= 2 && strncmp(typed, "--", 2) == 0 && strncmp(option->name, typed + 2, length - 2) == 0;
}

/* The short option that was refused; 0: it was @typed, a long one. getopt_long(3) leaves 0 in optopt for one that there
 * is not, and for one with a value too many or too few what it returns otherwise, which may be a letter as well. */
static int refused_letter(int option, const struct option *options, const char *typed)
{
    if (optopt == 0 || (option == ':' && strncmp(typed, "--", 2) == 0))
        return 0;
    for (const struct option *known = options; known->name; known++)
        if (known->val == optopt && known->has_arg == no_argument && strchr(typed, '=') && is_called(known, typed))
            return 0;
    return optopt;
}

int command_option(int argc, char **argv, const char *letters, const struct option *options, struct error *error)
{
    int option = getopt_long(argc, argv, letters, options, NULL);
    if (option != '?' && option != ':')
        return option;
    const char *typed = argv[optind - 1];
    int letter = refused_letter(option, options, typed), length = (int)strcspn(typed, "=");
    size_t count = 0;
    if (letter && option == ':')
        return command_usage(error, "option '-%c' needs a value", letter);
    if (letter)
        return command_usage(error, "there is no option '-%c'", letter);
    if (option == ':')
        return command_usage(error, "option '%.*s' needs a value", length, typed);
    for (const struct option *known = options; known->name; known++)
        count += is_called(known, typed);
    return command_usage(error,
                         count == 0   ? "there is no option '%.*s'"
                         : count == 1 ? "option '%.*s' takes no value"
                                      : "option '%.*s' may be more than one",
                         length, typed);
}

int command_operands(int argc, char **argv, struct error *error)
{
    static const struct option none[] = {{0}};
    return command_option(argc, argv, ":", none, error) == COMMAND_USAGE ? COMMAND_USAGE : optind;
}

/* One option's value. Return: 0 or COMMAND_USAGE. */
static int set_flag(struct command_flags *flags, int option, const char *verb, struct error *error)
{
    char *end = NULL;
    switch (option) {
    case 'a':
        flags->alone = true;
        return 0;
    case 'b':
        flags->boot = true;
        return 0;
    case 'n':
        flags->dry_run = true;
        return 0;
    case 'F':
        flags->force = true;
        return 0;
    case 's':
        flags->settings = true;
        return 0;
    case 'r':
        flags->reason = optarg;
        return 0;
    case 'w': {
        long seconds = strtol(optarg, &end, 10);
        flags->wait_s =
            optarg[0] >= '0' && optarg[0] <= '9' && !*end && seconds <= flags->longest_wait_s ? (int)seconds : 0;
        return flags->wait_s ? 0
                             : command_usage(error, "--wait is a number of seconds, 1 to %d", flags->longest_wait_s);
    }
    default:
        flags->format = optarg;
        return command_has_format(optarg) ? 0 : command_usage(error, "%s --format takes table, json or xml", verb);
    }
}

static bool is_among(const char *name, const char *names)
{
    size_t length = strlen(name);
    for (const char *at = names; (at = strstr(at, name)); at += length)
        if ((at == names || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

int command_flags(int argc, char **argv, const char *names, struct command_flags *flags, struct error *error)
{
    static const struct option all[] = {
        {"alone", no_argument, NULL, 'a'},      {"boot", no_argument, NULL, 'b'},
        {"dry-run", no_argument, NULL, 'n'},    {"force", no_argument, NULL, 'F'},
        {"settings", no_argument, NULL, 's'},   {"reason", required_argument, NULL, 'r'},
        {"wait", required_argument, NULL, 'w'}, {"format", required_argument, NULL, 'f'}};
    struct option own[sizeof all / sizeof *all + 1] = {{0}};
    size_t count = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (is_among(all[i].name, names))
            own[count++] = all[i];
    const char *letters = !is_among("format", names) ? ":" : is_among("dry-run", names) ? ":nf:" : ":f:";
    flags->format = "table";
    for (int option; (option = command_option(argc, argv, letters, own, error)) != -1;)
        if (option == COMMAND_USAGE || set_flag(flags, option, argv[0], error) < 0)
            return COMMAND_USAGE;
    return optind;
}

int command_read(const char *file, char **data, size_t *length, struct error *error)
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

bool command_has_format(const char *name)
{
    return find_format(name) != NULL;
}

/* https://no-color.org: any value that is not empty turns colours off. A dumb terminal would show what is to be a
 * colour as text: terminfo's entry of that name has none. */
static const char *escape_character(void)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    bool dumb = terminal && strcmp(terminal, "dumb") == 0;
    return isatty(STDOUT_FILENO) && !dumb && !(no_color && no_color[0]) ? "\033" : "";
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
    for (int option; (option = command_option(argc, argv, more ? ":lf:" : ":f:", &options[!more], error)) != -1;) {
        if (option == COMMAND_USAGE)
            return option;
        if (more && option == 'l')
            *more = true;
        else
            *format = optarg;
        if (!find_format(*format))
            return command_usage(error, "%s --format takes table, json or xml", argv[0]);
    }
    return optind;
}

int command_print(const char *name, xmlDocPtr doc, struct error *error)
{
    const struct format *format = find_format(name);
    if (!format)
        return error_set(error, EINVAL, "there is no format '%s'", name);
    return format->sheet ? print_view(format, doc, error) : print_document(doc, error);
}

static void add_lines(xmlNodePtr node, const char *name, const struct lines *lines)
{
    size_t length;
    for (const char *at = NULL; (length = lines_next(lines, &at)) > 0;) {
        _cleanup_(cleanup_free) char *line = memory_copy_part(at, length);
        xml_add_text(node, name, line);
    }
}

int command_report(const char *format, const struct lines *done, const char *nothing, int result, struct error *error)
{
    if (strcmp(format, "table") == 0) {
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
    int printed = command_print(format, doc, &problem);
    if (printed < 0 && result == 0)
        return error_set(error, problem.code, "%s", problem.message);
    return result;
}
