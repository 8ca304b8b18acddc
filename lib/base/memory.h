/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * memory - allocations that succeed, or end the process
 *
 * Nothing sensible can be done without memory, least of all half a transformation. So no caller looks for a failed
 * allocation: it ends the process here, at any point, as a kill would, and what a kill leaves is repaired (ledger.c).
 * What is missing (NULL) is then never confused with what could not be stored.
 */
#ifndef VFPOOL_MEMORY_H
#define VFPOOL_MEMORY_H

#include <stddef.h>

#include "cleanup.h"

#define never_null __attribute__((returns_nonnull))

/**
 * memory_start() - say what happens when memory runs out; libxml2 and libxslt allocate by the same rule from here on
 * @end: ends the process, without allocating anything; the default is abort(3)
 *
 * To be called before the first use of libxml2 (https://gnome.pages.gitlab.gnome.org/libxml2/html/, xmlMemSetup).
 */
void memory_start(void (*end)(void)) nonnull(1);

/** memory_end() - memory has run out: end the process */
_Noreturn void memory_end(void);

/** memory_need() - what a library made that gives NULL only when out of memory. Return: @made. */
void *memory_need(void *made) never_null;

/** memory_new() - @count items of @size bytes, all zero, which the caller frees with free() */
void *memory_new(size_t count, size_t size) never_null must_check;

/** memory_resize() - the same block with room for @count items of @size bytes; the new ones are not set */
void *memory_resize(void *block, size_t count, size_t size) never_null must_check;

/** memory_copy() - a copy of a text, which the caller frees with free() */
char *memory_copy(const char *text) never_null must_check nonnull(1);

/** memory_copy_part() - the same of its first @length bytes, or of all if it is shorter */
char *memory_copy_part(const char *text, size_t length) never_null must_check nonnull(1);

/** memory_format() - a text as printf(3) makes it, which the caller frees with free() */
char *memory_format(const char *format, ...) never_null must_check nonnull(1) printf_like(1, 2);

#endif
