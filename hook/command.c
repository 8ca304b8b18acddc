/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
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

int command_takes_one(int count, const char *usage, struct error *error)
{
    return count == 1 ? 0 : command_usage(error, "%s", usage);
}

int command_operands(int argc, char **argv, struct error *error)
{
    static const struct option none[] = {{0}};
    return command_option(argc, argv, ":", none, error) == COMMAND_USAGE ? COMMAND_USAGE : optind;
}

enum flag_kind { FLAG_IS_SAID, FLAG_TEXT, FLAG_FORMAT, FLAG_COLOR, FLAG_WAIT };

static const struct flag {
    const char *name;
    enum flag_kind kind;
    size_t place; /* in struct command_flags */
    int letter;   /* 0: none */
} all_flags[] = {
    {"alone", FLAG_IS_SAID, offsetof(struct command_flags, alone), 0},
    {"boot", FLAG_IS_SAID, offsetof(struct command_flags, boot), 0},
    {"color", FLAG_COLOR, offsetof(struct command_flags, color), 0},
    {"dry-run", FLAG_IS_SAID, offsetof(struct command_flags, dry_run), 'n'},
    {"follow", FLAG_IS_SAID, offsetof(struct command_flags, follow), 0},
    {"force", FLAG_IS_SAID, offsetof(struct command_flags, force), 0},
    {"format", FLAG_FORMAT, offsetof(struct command_flags, format), 'f'},
    {"guest", FLAG_TEXT, offsetof(struct command_flags, guest), 0},
    {"last", FLAG_TEXT, offsetof(struct command_flags, last), 'n'},
    {"long", FLAG_IS_SAID, offsetof(struct command_flags, more), 'l'},
    {"output", FLAG_TEXT, offsetof(struct command_flags, output), 'o'},
    {"pf", FLAG_TEXT, offsetof(struct command_flags, pf), 0},
    {"pool", FLAG_TEXT, offsetof(struct command_flags, pool), 0},
    {"reason", FLAG_TEXT, offsetof(struct command_flags, reason), 0},
    {"settings", FLAG_IS_SAID, offsetof(struct command_flags, settings), 0},
    {"since", FLAG_TEXT, offsetof(struct command_flags, since), 0},
    {"state", FLAG_TEXT, offsetof(struct command_flags, state), 0},
    {"summary", FLAG_IS_SAID, offsetof(struct command_flags, summary), 0},
    {"vf", FLAG_TEXT, offsetof(struct command_flags, vf), 0},
    {"wait", FLAG_WAIT, offsetof(struct command_flags, wait_s), 0},
    {"watch", FLAG_IS_SAID, offsetof(struct command_flags, watch), 0},
    {"wide", FLAG_IS_SAID, offsetof(struct command_flags, wide), 0},
};
#define FLAGS (sizeof all_flags / sizeof *all_flags)

static bool is_among(const char *name, const char *names)
{
    size_t length = strlen(name);
    if (length == 0 || strpbrk(name, " ,"))
        return false;
    for (const char *at = names; (at = strstr(at, name)); at += length)
        if ((at == names || at[-1] == ' ') && strchr(" ,", at[length]))
            return true;
    return false;
}

static int set_wait(struct command_flags *flags, struct error *error)
{
    char *end = NULL;
    long seconds = strtol(optarg, &end, 10);
    if (optarg[0] < '0' || optarg[0] > '9' || *end || seconds < 1 || seconds > flags->longest_wait_s)
        return command_usage(error, "--wait is a number of seconds, 1 to %d", flags->longest_wait_s);
    flags->wait_s = (int)seconds;
    return 0;
}

/* What the option at hand says. Return: 0 or COMMAND_USAGE. */
static int set_flag(struct command_flags *flags, const struct flag *flag, const char *verb, struct error *error)
{
    char *place = (char *)flags + flag->place;
    switch (flag->kind) {
    case FLAG_IS_SAID:
        *(bool *)(void *)place = true;
        return 0;
    case FLAG_WAIT:
        return set_wait(flags, error);
    case FLAG_COLOR:
        flags->color = optarg ? optarg : "always";
        return is_among(flags->color, "auto always never")
                   ? 0
                   : command_usage(error, "--color takes auto, always or never, not '%s'", flags->color);
    case FLAG_FORMAT:
        flags->format = optarg;
        return strcmp(optarg, "or") != 0 && is_among(optarg, flags->forms)
                   ? 0
                   : command_usage(error, "%s --format takes %s", verb, flags->forms);
    default:
        *(const char **)(void *)place = optarg;
        return 0;
    }
}

int command_flags(int argc, char **argv, const char *names, struct command_flags *flags, struct error *error)
{
    struct option own[FLAGS + 1] = {{0}};
    char letters[2 * FLAGS + 2] = ":";
    size_t count = 0;
    for (size_t i = 0; i < FLAGS; i++) {
        const struct flag *flag = &all_flags[i];
        if (!is_among(flag->name, names))
            continue;
        bool said = flag->kind == FLAG_IS_SAID;
        /* Beyond all letters, which are what getopt_long(3) returns for a short option. */
        own[count++] = (struct option){flag->name,
                                       said                       ? no_argument
                                       : flag->kind == FLAG_COLOR ? optional_argument
                                                                  : required_argument,
                                       NULL, 1000 + (int)i};
        if (flag->letter)
            strcat(letters, (const char[]){(char)flag->letter, said ? '\0' : ':', '\0'});
    }
    flags->format = "table";
    flags->color = "auto";
    flags->forms = flags->forms ? flags->forms : "table, json or xml";
    for (int option; (option = command_option(argc, argv, letters, own, error)) != -1;) {
        const struct flag *flag = option >= 1000 ? &all_flags[option - 1000] : all_flags;
        while (option < 1000 && option != COMMAND_USAGE && (flag->letter != option || !is_among(flag->name, names)))
            flag++;
        if (option == COMMAND_USAGE || set_flag(flags, flag, argv[0], error) < 0)
            return COMMAND_USAGE;
    }
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
