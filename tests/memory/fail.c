/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fail - preloaded into a program: its FAIL_AT-th allocation fails, as malloc(3) fails
 *
 * Every allocation counts, also those of libraries and of the C library itself. At its end the program writes how many
 * there were to the file FAIL_COUNT, where that is set; one that calls _exit(2) does not.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static unsigned long allocations, fail_at;

/* Read here, as the first allocations come before any constructor: getenv() allocates nothing. */
static bool fails(void)
{
    static bool started;
    if (!started) {
        const char *text = getenv("FAIL_AT");
        fail_at = text ? strtoul(text, NULL, 10) : 0;
        started = true;
    }
    if (++allocations != fail_at)
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return fails() ? NULL : __libc_realloc(block, size);
}

void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || fails()) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(block, bytes);
}

void *memalign(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    *block = memalign(alignment, size);
    return *block ? 0 : ENOMEM;
}

__attribute__((destructor)) static void write_count(void)
{
    char text[32];
    const char *path = getenv("FAIL_COUNT");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    int length = snprintf(text, sizeof text, "%lu\n", allocations);
    if (fd < 0)
        return;
    if (write(fd, text, (size_t)length) != length)
        abort();
    close(fd);
}
