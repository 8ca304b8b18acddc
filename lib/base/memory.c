/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory.h"

#include <libxml/threads.h>
#include <libxml/xmlmemory.h>
#include <libxml/xmlversion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void (*end_process)(void) = abort;

_Noreturn void memory_end(void)
{
    end_process();
    abort();
}

void *memory_need(void *made)
{
    if (!made)
        memory_end();
    return made;
}

/* malloc(0) may be NULL and is no failure; libxml2 asks for that of realloc, too. */
static void *allocate(size_t size)
{
    return memory_need(malloc(size ? size : 1));
}

static void *reallocate(void *block, size_t size)
{
    return memory_need(realloc(block, size ? size : 1));
}

void memory_start(void (*end)(void))
{
    end_process = end;
    /* What it keeps for a thread, libxml2 gets at its first call, and where that fails in another one it ends the
     * process itself. */
#if LIBXML_VERSION >= 21200
    if (xmlCheckThreadLocalStorage() != 0)
        memory_end();
#endif
    if (xmlMemSetup(free, allocate, reallocate, memory_copy) != 0)
        memory_end();
}

void *memory_new(size_t count, size_t size)
{
    return memory_need(calloc(count ? count : 1, size));
}

void *memory_resize(void *block, size_t count, size_t size)
{
    return memory_need(reallocarray(block, count ? count : 1, size));
}

char *memory_copy(const char *text)
{
    return memory_need(strdup(text));
}

char *memory_copy_part(const char *text, size_t length)
{
    return memory_need(strndup(text, length));
}

char *memory_format(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return memory_need(length < 0 ? NULL : text);
}
