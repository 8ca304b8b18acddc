/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

/* Return: the bytes of the UTF-8 character that starts here; 0: it is none, or is cut off. */
static size_t character_length(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t length = *p < 0x80                  ? 1
                    : *p >= 0xc2 && *p <= 0xdf ? 2
                    : *p >= 0xe0 && *p <= 0xef ? 3
                    : *p >= 0xf0 && *p <= 0xf4 ? 4
                                               : 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

static bool is_control(const char *text)
{
    unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];
    return first < 0x20 || first == 0x7f || (first == 0xc2 && second < 0xa0);
}

/*
 * Makes one printable line of text that may hold a guest's name: a space for each control character (the C1 ones too,
 * which a terminal obeys; none at the end), a question mark for bytes that are no character or were cut in half by a
 * %.256s, and nothing for what was cut off at the end.
 */
static void make_line(char *text)
{
    char *to = text;
    bool broken = false;
    for (const char *from = text; *from;) {
        size_t length = character_length(from);
        if (length > 0 && !is_control(from)) {
            memmove(to, from, length);
            to += length;
        } else if (length > 0 || !broken) {
            *to++ = length > 0 ? ' ' : '?';
        }
        broken = length == 0;
        from += length > 0 ? length : 1;
    }
    if (broken)
        to--;
    while (to > text && to[-1] == ' ')
        to--;
    *to = '\0';
}

static void format_line(char *text, size_t size, const char *format, va_list arguments)
{
    int length = vsnprintf(text, size, format, arguments);
    if (length < 0)
        snprintf(text, size, "%s", format);
    make_line(text);
}

int error_set(struct error *error, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error->code = code;
    format_line(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return -code;
}

int error_prefix(struct error *error, const char *format, ...)
{
    char prefix[sizeof error->message / 2], tail[sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    format_line(prefix, sizeof prefix, format, arguments);
    va_end(arguments);
    memcpy(tail, error->message, sizeof tail);
    if (snprintf(error->message, sizeof error->message, "%s: %s", prefix, tail) < 0)
        memcpy(error->message, tail, sizeof tail);
    make_line(error->message);
    return -error->code;
}

static void add_note(struct error *error, const char *line)
{
    size_t length = strlen(line);
    for (const char *at = error->notes; at && *at; at = strchr(at, '\n') + 1)
        if (strncmp(at, line, length) == 0 && at[length] == '\n')
            return;
    char *before = error->notes;
    error->notes = memory_format("%s%s\n", before ? before : "", line);
    free(before);
}

void error_note(struct error *error, const char *format, ...)
{
    char line[sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    format_line(line, sizeof line, format, arguments);
    va_end(arguments);
    add_note(error, line);
}

void error_move_notes(struct error *error, struct error *from)
{
    for (char *line = from->notes, *end; line && *line; line = end + 1) {
        end = strchr(line, '\n');
        *end = '\0';
        add_note(error, line);
    }
    error_free(from);
}

void error_free(struct error *error)
{
    free(error->notes);
    error->notes = NULL;
}
