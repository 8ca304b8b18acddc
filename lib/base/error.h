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
#include "lines.h"

/* What a noun has behind any number but one: "1 VF", "2 VFs". */
#define PLURAL(number) ((number) == 1 ? "" : "s")

struct error {
    int code;           /* a positive errno value; 0: no error */
    char message[2048]; /* one line, no control characters, cut at a whole character */
    struct lines notes; /* freed by error_free() */
};

/* What one can do about it: EXIT STATUS of vfpool(8), and reasons of refusals among the metrics. */
enum error_kind {
    ERROR_INPUT,     /* what was given is wrong, or what was named is not there */
    ERROR_EXHAUSTED, /* no VF is free */
    ERROR_REFUSED,   /* not allowed, or not while it is in use */
    ERROR_SILENT,    /* libvirt does not answer, or what was waited for did not come */
    ERROR_OTHER,
};

/** error_kind() - that of a positive errno value */
enum error_kind error_kind(int code) must_check;

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

/** error_note() - add a line that a person should see although the call goes on; what was said once is enough */
void error_note(struct error *error, const char *format, ...) nonnull(1, 2) printf_like(2, 3);

/** error_move_notes() - add the notes of another error, which has none then */
void error_move_notes(struct error *error, struct error *from) nonnull(1, 2);

/** error_free() - free the notes; code and message stay */
void error_free(struct error *error) nonnull(1);

#endif
