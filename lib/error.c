/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Makes one printable line of text that may hold a guest's name; cuts a character cut in half, and space at the end. */
static void make_line(char *text, size_t length, size_t size)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            *p = ' ';
        else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f) /* the C1 controls, some terminals obey them */
            p[0] = p[1] = ' ';
    size_t end = strlen(text);
    if (length < size) {
        while (end > 0 && text[end - 1] == ' ')
            text[--end] = '\0';
        return;
    }
    while (end > 0 && ((unsigned char)text[end - 1] & 0xc0) == 0x80)
        end--;
    if (end > 0 && (unsigned char)text[end - 1] >= 0xc0)
        end--;
    text[end] = '\0';
}

static void format_line(char *text, size_t size, const char *format, va_list arguments)
{
    int length = vsnprintf(text, size, format, arguments);
    if (length < 0)
        length = snprintf(text, size, "%s", format);
    make_line(text, (size_t)length, size);
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
    int length = snprintf(error->message, sizeof error->message, "%s: %s", prefix, tail);
    make_line(error->message, (size_t)length, sizeof error->message);
    return -error->code;
}

void error_note(struct error *error, const char *format, ...)
{
    size_t used = strlen(error->notes), room = sizeof error->notes - used;
    static const char full[] = "there is more to say than there is room for\n";
    if (room < 2 * sizeof full) {
        if (strcmp(error->notes + used - strlen(full), full) != 0)
            strcat(error->notes, full);
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    format_line(error->notes + used, room - sizeof full, format, arguments);
    va_end(arguments);
    strcat(error->notes, "\n");
}

int error_memory(struct error *error)
{
    return error_set(error, ENOMEM, "out of memory");
}
