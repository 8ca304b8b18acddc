/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tap - a test a line on stdout, as https://testanything.org has it; tests/10-unit.bats reads it */
#ifndef VFPOOL_TAP_H
#define VFPOOL_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"

static int tap_count, tap_failed;

/** ok() - one test: @passed, under a name. Return: @passed. */
static bool ok(bool passed, const char *format, ...) printf_like(2, 3);
static bool ok(bool passed, const char *format, ...)
{
    va_list arguments;
    tap_failed += !passed;
    printf("%s %d - ", passed ? "ok" : "not ok", ++tap_count);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    return passed;
}

/** is() - one test: two texts are the same, and are shown when they are not */
static inline bool is(const char *text, const char *expected, const char *name)
{
    if (ok(strcmp(text, expected) == 0, "%s", name))
        return true;
    printf("# is:       '%s'\n# expected: '%s'\n", text, expected);
    return false;
}

/** tap_end() - the plan. Return: main's. */
static inline int tap_end(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed || fflush(stdout) != 0;
}

#endif
