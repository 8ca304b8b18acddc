/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* program - what the programs share: where the root is, what is printed, and how they end */
#ifndef VFPOOL_PROGRAM_H
#define VFPOOL_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1, /* one line on standard error says what, why, and what to do */
    EXIT_USAGE = 2,
    /* Of vfpool(8) alone; to libvirt, a hook's failure is a failure. */
    EXIT_INPUT = 3,   /* what was given is wrong, or what was named is not there */
    EXIT_NONE = 4,    /* a guest gets no VF, as none is free */
    EXIT_REFUSED = 5, /* not allowed, or not while it is in use */
    EXIT_UNKNOWN = 3, /* of doctor */
    EXIT_SILENT = 6,  /* libvirt does not answer, or what was waited for did not come */
};

/**
 * program_guard_memory() - end the process with one line where memory runs out, at whatever point; to be called first
 * @status: the exit status then: 1, or 0 for what must not fail
 */
void program_guard_memory(int status);

/**
 * program_start() - make the process fit to run, and open the root
 *
 * Standard descriptors that the caller closed are opened on /dev/null, so that no file of ours gets their number; a
 * reader that went away is an error of write(2), not a signal.
 *
 * Return: a descriptor of $VFPOOL_ROOT (default: /), or a negative errno value.
 */
int program_start(struct error *error) must_check nonnull(1);

/**
 * program_read_xml() - read standard input to its end, within 10 s
 * @what: names it in an error
 * @data: the caller frees it; a NUL follows the @length bytes
 *
 * Return: 0, or a negative errno value.
 */
int program_read_xml(const char *what, char **data, size_t *length, struct error *error) must_check nonnull(1, 2, 3, 4);

/** program_print() - write to standard output, and see that it arrived. Return: 0 or a negative errno value. */
int program_print(const char *text, size_t length, struct error *error) must_check nonnull(1, 3);

/**
 * program_save() - the same into a file, which everybody may read, by one rename: @path with ".new" behind is written
 * first
 */
int program_save(const char *path, const char *text, size_t length, struct error *error) must_check nonnull(1, 2, 4);

/**
 * program_report() - print what a command did, also where it failed then
 * @result: a negative errno value after a failure, with the reason in @error
 *
 * Return: @result, or, where that is 0, a negative errno value when it could not be printed.
 */
int program_report(const struct lines *done, int result, struct error *error) must_check nonnull(1, 3);

/**
 * program_end() - print the notes, and the error if there is one
 * @result: a negative errno value after a failure
 *
 * Return: the exit status.
 */
int program_end(const struct error *error, int result) nonnull(1);

#endif
