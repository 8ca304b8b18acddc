/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lines.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

#define LINE_SIZE 2048

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

void lines_format(char *line, size_t size, const char *format, va_list arguments)
{
    if (vsnprintf(line, size, format, arguments) < 0)
        snprintf(line, size, "%s", format);
    make_line(line);
}

static void add(struct lines *lines, const char *line, size_t length)
{
    size_t before;
    if (length == 0)
        return;
    for (const char *at = NULL; (before = lines_next(lines, &at)) > 0;)
        if (before == length && strncmp(at, line, length) == 0)
            return;
    char *old = lines->text;
    lines->text = memory_format("%s%.*s\n", old ? old : "", (int)length, line);
    free(old);
}

void lines_add(struct lines *lines, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    lines_format(line, sizeof line, format, arguments);
    va_end(arguments);
    add(lines, line, strlen(line));
}

void lines_move(struct lines *lines, struct lines *from)
{
    size_t length;
    for (const char *at = NULL; (length = lines_next(from, &at)) > 0;)
        add(lines, at, length);
    lines_free(from);
}

size_t lines_next(const struct lines *lines, const char **at)
{
    *at = *at ? *at + strcspn(*at, "\n") + 1 : lines->text;
    return *at ? strcspn(*at, "\n") : 0;
}

void lines_free(struct lines *lines)
{
    free(steal(lines->text));
}
