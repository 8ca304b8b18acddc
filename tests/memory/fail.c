/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fail - preloaded into a program: its FAIL_AT-th allocation fails, as malloc(3) fails
 *
 * Every allocation counts, also those of libraries and of the C library itself. When it fails, the file FAIL_MARK is
 * made. FAIL_COUNT is a file of one number: what the program counted at its end, unless another wrote a higher one. How
 * many there are shall not differ from run to run: libxml2 scatters its hashes by the time, which stands still here.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void fail_pause(bool paused);

static unsigned long allocations, fail_at;
static bool is_paused;

/* For a program that has something in it which is not to be tried. */
void fail_pause(bool paused)
{
    is_paused = paused;
}

/* Read here, as the first allocations come before any constructor: getenv() allocates nothing. */
static bool fails(void)
{
    static bool started;
    if (!started) {
        const char *text = getenv("FAIL_AT");
        fail_at = text ? strtoul(text, NULL, 10) : 0;
        started = true;
    }
    if (is_paused || ++allocations != fail_at)
        return false;
    const char *mark = getenv("FAIL_MARK");
    int fd = mark ? open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd >= 0)
        close(fd);
    errno = ENOMEM;
    return true;
}

static void write_count(void) __attribute__((destructor));
static void write_count(void)
{
    const char *path = getenv("FAIL_COUNT");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    char text[32] = "";
    if (fd < 0)
        return;
    if (pread(fd, text, sizeof text - 1, 0) >= 0 && strtoul(text, NULL, 10) < allocations) {
        int length = snprintf(text, sizeof text, "%-20lu", allocations);
        if (pwrite(fd, text, (size_t)length, 0) != length)
            _exit(3);
    }
    close(fd);
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

time_t time(time_t *now)
{
    if (now)
        *now = 1800000000;
    return 1800000000;
}
