/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* child - a program that is run to its end, with what it reads, what it prints, and a deadline for all of it */
#ifndef VFPOOL_CHILD_H
#define VFPOOL_CHILD_H

#include <stddef.h>

#include "cleanup.h"

struct child {
    int root;                     /* a directory that the program finds open as @root_fd */
    int root_fd;                  /* above 2 */
    const char *path;             /* from @root; a script, too */
    const char *const *arguments; /* the first one is its name; ended by NULL */
    const char *input;            /* for its standard input; may be NULL */
    int timeout_ms;               /* above 0 */
};

struct child_end {
    int status;              /* its exit status, or 128 and the signal that ended it */
    char *output, *problems; /* standard output and standard error, each with a NUL behind; never NULL */
};

/**
 * child_run() - run a program, and wait for its end
 * @end: freed by the caller with child_free(), also after a failure
 *
 * It ends with its caller, and past the deadline: the caller kills it then, and where that one hangs, its own alarm
 * does. What it leaves behind, holding its output open, is not waited for. Its environment is PATH and LC_ALL.
 *
 * Return: 0 when it ended, however; -ETIMEDOUT; -EFBIG when it prints more than 4 MiB; or a negative errno value.
 */
int child_run(const struct child *child, struct child_end *end) must_check nonnull(1, 2);

void child_free(struct child_end *end) nonnull(1);

#endif
