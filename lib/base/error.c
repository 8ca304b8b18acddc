/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

enum error_kind error_kind(int code)
{
    switch (code) {
    case EINVAL:
    case EEXIST:
    case EFBIG:
    case EILSEQ:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case ENODEV:
    case ENOENT:
    case ENOTDIR:
        return ERROR_INPUT;
    case EDQUOT:
        return ERROR_EXHAUSTED;
    case EACCES:
    case EBUSY:
    case EPERM:
    case EROFS:
        return ERROR_REFUSED;
    case EHOSTDOWN:
    case EINPROGRESS:
    case ETIMEDOUT:
        return ERROR_SILENT;
    default:
        return ERROR_OTHER;
    }
}

int error_set(struct error *error, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error->code = code;
    lines_format(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return -code;
}

int error_prefix(struct error *error, const char *format, ...)
{
    char prefix[sizeof error->message / 2], tail[sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    lines_format(prefix, sizeof prefix, format, arguments);
    va_end(arguments);
    memcpy(tail, error->message, sizeof tail);
    return error_set(error, error->code, "%s: %s", prefix, tail);
}

void error_note(struct error *error, const char *format, ...)
{
    char line[sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    lines_format(line, sizeof line, format, arguments);
    va_end(arguments);
    lines_add(&error->notes, "%s", line);
}

void error_move_notes(struct error *error, struct error *from)
{
    lines_move(&error->notes, &from->notes);
}

void error_free(struct error *error)
{
    lines_free(&error->notes);
}
