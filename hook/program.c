/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "io.h"
#include "memory.h"
#include "xml.h"

#define INPUT_MS 10000

/* What a file of ours is known by: to install.sh, which leaves other people's hooks alone. */
static const char marker[] __attribute__((used)) = "vfpool-program urn:vfpool:1";

static int status_without_memory = EXIT_FAILED;

/* Nothing here allocates. What it was about is not known any more. */
static void end_without_memory(void)
{
    static const char line[] = "vfpool: out of memory\n";
    ssize_t written = write(STDERR_FILENO, line, sizeof line - 1);
    (void)written; /* there is nobody else to tell */
    _exit(status_without_memory);
}

void program_guard_memory(int status)
{
    status_without_memory = status;
    memory_start(end_without_memory);
}

/* Read-only: writing to what the caller closed shall fail, as it would have. */
static int fill_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
            return -errno;
    return 0;
}

int program_start(struct error *error)
{
    int result = fill_standard_descriptors();
    if (result < 0)
        return error_set(error, -result, "cannot open /dev/null: %s", strerror(-result));
    signal(SIGPIPE, SIG_IGN);
    const char *path = secure_getenv("VFPOOL_ROOT");
    if (!path || !path[0])
        path = "/";
    int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return root < 0 ? error_set(error, errno, "cannot open %s: %s", path, strerror(errno)) : root;
}

int program_read_xml(const char *what, char **data, size_t *length, struct error *error)
{
    int result = io_read(STDIN_FILENO, XML_MAX_BYTES, INPUT_MS, data, length);
    switch (result) {
    case 0:
        return 0;
    case -EFBIG:
        return error_set(error, EFBIG, "%s is larger than %zu MiB", what, XML_MAX_BYTES >> 20);
    case -ETIMEDOUT:
        return error_set(error, ETIMEDOUT, "%s on standard input did not end within %d s", what, INPUT_MS / 1000);
    default:
        return error_set(error, -result, "cannot read standard input: %s", strerror(-result));
    }
}

static int fail_to_print(int result, struct error *error)
{
    return error_set(error, -result, "cannot write to standard output: %s", strerror(-result));
}

int program_print(const char *text, size_t length, struct error *error)
{
    int result = io_write(STDOUT_FILENO, text, length);
    return result < 0 ? fail_to_print(result, error) : 0;
}

int program_save(const char *path, const char *text, size_t length, struct error *error)
{
    _cleanup_(cleanup_free) char *new = memory_format("%s.new", path);
    int result = io_replace_file(AT_FDCWD, new, path, text, length, 0644);
    return result < 0 ? error_set(error, -result, "cannot write %s: %s", path, strerror(-result)) : 0;
}

int program_report(const struct lines *done, int result, struct error *error)
{
    int written = done->text ? io_write(STDOUT_FILENO, done->text, strlen(done->text)) : 0;
    return written < 0 && result == 0 ? fail_to_print(written, error) : result;
}

int program_end(const struct error *error, int result)
{
    size_t length;
    for (const char *at = NULL; (length = lines_next(&error->notes, &at)) > 0;)
        fprintf(stderr, "vfpool: note: %.*s\n", (int)length, at);
    if (result < 0)
        fprintf(stderr, "vfpool: %s\n", error->message);
    return result < 0 ? EXIT_FAILED : EXIT_OK;
}
