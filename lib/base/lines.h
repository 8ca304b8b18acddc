/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lines - what a person is told, a line each: what a command did, and the notes of an error */
#ifndef VFPOOL_LINES_H
#define VFPOOL_LINES_H

#include <stdarg.h>
#include <stddef.h>

#include "cleanup.h"

struct lines {
    char *text; /* each line ended by '\n'; NULL: none */
};

/**
 * lines_format() - one printable line of what may hold a guest's name, or bytes of a file
 *
 * Control characters become spaces, and what is no UTF-8 question marks; it is cut at a whole character.
 */
void lines_format(char *line, size_t size, const char *format, va_list arguments) nonnull(1, 3) printf_like(3, 0);

/** lines_add() - add a line, as lines_format() makes it, unless it is empty; what was said once is enough */
void lines_add(struct lines *lines, const char *format, ...) nonnull(1, 2) printf_like(2, 3);

/** lines_move() - add those of @from, which has none then */
void lines_move(struct lines *lines, struct lines *from) nonnull(1, 2);

/** lines_next() - the lines one after the other. @at: NULL before the first; no line is empty. Return: how long it is,
 * or 0 behind the last. */
size_t lines_next(const struct lines *lines, const char **at) must_check nonnull(1, 2);

void lines_free(struct lines *lines) nonnull(1);

#endif
