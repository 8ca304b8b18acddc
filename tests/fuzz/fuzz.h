/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz - what the harnesses share: one input, and what must be true of what the library makes of it
 *
 * Each harness is one LLVMFuzzerTestOneInput() (https://llvm.org/docs/LibFuzzer.html), linked with the library as it
 * is. What the sanitizers see is a finding, and what need() finds untrue.
 */
#ifndef VFPOOL_FUZZ_H
#define VFPOOL_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* tests/fuzz/run shows the line. */
#define need(truth)                                                                                                    \
    do {                                                                                                               \
        if (!(truth)) {                                                                                                \
            fprintf(stderr, "untrue: %s:%d: %s\n", __FILE__, __LINE__, #truth);                                        \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/** fuzz_text() - the input with a NUL behind it, in a block of just that size; the caller frees it */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = memory_new(size + 1, 1);
    if (size)
        memcpy(text, data, size);
    return text;
}

/* A failure is one line that says why, whatever bytes of the input are in it; and 0 is none. */
static inline void fuzz_check(int result, struct error *error)
{
    if (result < 0) {
        need(error->code == -result && error->message[0]);
        for (const char *at = error->message; *at; at++)
            need((unsigned char)*at >= ' ' && *at != 0x7f);
    }
    error_free(error);
}

#endif
