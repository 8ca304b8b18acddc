/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cleanup - release what a variable owns when it goes out of scope
 *
 * Every owner is declared with one of these and initialised there; to hand the object on, steal() it.
 */
#ifndef VFPOOL_CLEANUP_H
#define VFPOOL_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))
#define must_check __attribute__((warn_unused_result))
#define nonnull(...) __attribute__((nonnull(__VA_ARGS__)))
#define printf_like(string, first) __attribute__((format(printf, string, first)))

/* Gives the pointer away and leaves NULL behind, so that the cleanup at the end of the scope does nothing. */
#define steal(pointer)                                                                                                 \
    __extension__({                                                                                                    \
        __typeof__(pointer) _stolen = (pointer);                                                                       \
        (pointer) = NULL;                                                                                              \
        _stolen;                                                                                                       \
    })

static inline void cleanup_free(void *pointer)
{
    free(*(void **)pointer);
}

static inline void cleanup_close(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#endif
