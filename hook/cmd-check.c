/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "define.h"
#include "program.h"

/* Compilers' form, "FILE:LINE: words", which editors read; ours is "FILE WORDS, line LINE: words", the first words of
 * what is not XML only. */
static void add_finding(struct lines *found, const char *path, const char *message)
{
    size_t length = strlen(path);
    const char *rest = strncmp(message, path, length) == 0 ? message + length : NULL;
    const char *at = rest ? strstr(rest, ", line ") : NULL;
    char *end = NULL;
    long line = at ? strtol(at + strlen(", line "), &end, 10) : 0;
    if (line > 0)
        lines_add(found, "%s:%ld:%.*s%s", path, line, (int)(at - rest), rest, at > rest ? end : end + 1);
    else
        lines_add(found, rest ? "%s%s" : "%s: %s", path, rest ? rest : message);
}

int cmd_check(int root, int argc, char **argv, struct error *error)
{
    struct command_flags flags = {0};
    _cleanup_(lines_free) struct lines found = {NULL};
    size_t wrong = 0;
    int first = command_flags(argc, argv, "alone", &flags, error);
    if (first < 0)
        return first;
    if (first == argc)
        return command_usage(error, "check takes pool files, or - for standard input");
    for (int i = first; i < argc; i++) {
        _cleanup_(error_free) struct error problem = {0};
        _cleanup_(cleanup_free) char *data = NULL;
        size_t length = 0;
        const char *path = strcmp(argv[i], "-") == 0 ? "standard input" : argv[i];
        int result = command_read(argv[i], &data, &length, error);
        if (result < 0)
            return result;
        result = define_check(root, data, length, path, flags.alone, &problem);
        error_move_notes(error, &problem);
        if (result == 0)
            continue;
        add_finding(&found, path, problem.message);
        wrong++;
    }
    int result = program_report(&found, 0, error);
    return result == 0 && wrong > 0 ? error_set(error, EINVAL, "%zu file%s cannot be defined", wrong, PLURAL(wrong))
                                    : result;
}
