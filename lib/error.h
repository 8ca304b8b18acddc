/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * error - why a call failed, in words for a person
 *
 * A library function returns 0 or a negative errno value and fills one struct error, which its callers may put words
 * before on the way up; only the programs in hook/ print it, as one line. Notes are what a person should know although
 * the call went on.
 */
#ifndef VFPOOL_ERROR_H
#define VFPOOL_ERROR_H

#include <stddef.h>

#include "cleanup.h"

struct error {
    int code;           /* a positive errno value; 0: no error */
    char message[2048]; /* one line, no control characters, cut at a whole character */
    char notes[4096];   /* lines, each ended by '\n' */
};

/**
 * error_set() - say what went wrong
 * @error:  filled; what it said before is lost
 * @code:   a positive errno value
 * @format: what, why, and what to do; control characters that come in with a %s are replaced by spaces, and what is
 *          no UTF-8 by question marks
 *
 * Return: -@code, so that a caller can return it at once.
 */
int error_set(struct error *error, int code, const char *format, ...) nonnull(1, 3) printf_like(3, 4);

/**
 * error_prefix() - put words before an error on its way up
 *
 * Return: the negative code that the error holds.
 */
int error_prefix(struct error *error, const char *format, ...) nonnull(1, 2) printf_like(2, 3);

/** error_note() - add a line that a person should see although the call goes on, once; the last one says if room ran
 * out */
void error_note(struct error *error, const char *format, ...) nonnull(1, 2) printf_like(2, 3);

#endif
