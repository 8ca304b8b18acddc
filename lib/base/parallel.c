/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A worker writes what it did, its notes, and the errno value and the reason of a failure, with a NUL between them: to
 * a file, as a pipe would stay open in the workers of a worker.
 */
#include "parallel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "memory.h"

#define SAID_MAX (1024 * 1024) /* bytes, of one worker */

struct worker {
    pid_t process;
    int end;  /* readable when it has ended; -1: it was not started */
    int said; /* what it says; -1 before */
};

static bool say_text(int say, const char *text)
{
    return io_write(say, text ? text : "", text ? strlen(text) : 0) == 0 && io_write(say, "", 1) == 0;
}

static _Noreturn void be_worker(const struct parallel *parallel, size_t number, int say)
{
    struct lines done = {NULL};
    struct error error = {0};
    char code[16];
    /* Whoever reads the output of the program does not wait for a worker that the kernel holds up. */
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(nothing, 1) < 0 || dup2(nothing, 2) < 0)
        _exit(1);
    int result = parallel->work(number, parallel->context, &done, &error);
    snprintf(code, sizeof code, "%d", -result);
    bool said = say_text(say, done.text) && say_text(say, error.notes.text) && say_text(say, code) &&
                say_text(say, result < 0 ? error.message : NULL);
    /* A child that ends frees nothing. */
    _exit(said ? 0 : 1);
}

static int start_worker(const struct parallel *parallel, size_t number, struct worker *worker)
{
    worker->said = memfd_create("vfpool", MFD_CLOEXEC);
    if (worker->said < 0)
        return -errno;
    worker->process = fork();
    if (worker->process == 0)
        be_worker(parallel, number, worker->said);
    if (worker->process < 0)
        return -errno;
    /* glibc has a function for it since 2.36. */
    worker->end = (int)syscall(SYS_pidfd_open, worker->process, 0);
    if (worker->end >= 0)
        return 0;
    int result = -errno;
    kill(worker->process, SIGKILL);
    return result;
}

/* The next of the texts that @at stands before. Return: it, or NULL when it was not said to its end. */
static const char *next_text(const char **at, const char *end)
{
    const char *text = *at, *nul = memchr(text, '\0', (size_t)(end - text));
    *at = nul ? nul + 1 : end;
    return nul ? text : NULL;
}

static void add_lines(struct lines *lines, const char *text)
{
    for (size_t length; text && (length = strcspn(text, "\n")) > 0; text += length + 1)
        lines_add(lines, "%.*s", (int)length, text);
}

/* Return: what the worker's failure is, in @problem. */
static int hear(const struct worker *worker, struct lines *done, struct error *error, struct error *problem)
{
    _cleanup_(cleanup_free) char *said = NULL;
    size_t length = 0;
    int result =
        lseek(worker->said, 0, SEEK_SET) < 0 ? -errno : io_read(worker->said, SAID_MAX, IO_NO_DEADLINE, &said, &length);
    if (!said)
        return error_set(problem, -result, "what a process of vfpool's said cannot be read: %s", strerror(-result));
    const char *at = said, *end = said + length;
    add_lines(done, next_text(&at, end));
    add_lines(&error->notes, next_text(&at, end));
    const char *code = next_text(&at, end), *message = next_text(&at, end);
    if (!code || !message)
        return error_set(problem, EPIPE, "a process of vfpool's was killed");
    int failure = (int)strtol(code, NULL, 10);
    return failure == 0 ? 0 : error_set(problem, failure, "%s", message);
}

/* Return: what its failure is, in @problem. */
static int finish_worker(const struct parallel *parallel, size_t number, struct worker *worker, struct lines *done,
                         struct error *error, struct error *problem)
{
    int result = io_wait_readable(worker->end, parallel->deadline_ms);
    if (result < 0) {
        (void)error_set(problem, -result, "cannot wait for a process of vfpool's: %s", strerror(-result));
        kill(worker->process, SIGKILL);
    }
    if (result == -ETIMEDOUT)
        parallel->late(number, parallel->context, problem);
    /* One that the kernel holds up is init's when this process ends. */
    while (waitpid(worker->process, NULL, result < 0 ? WNOHANG : 0) < 0 && errno == EINTR)
        ;
    return result < 0 ? result : hear(worker, done, error, problem);
}

static int keep_failure(struct error *error, const struct error *problem)
{
    if (error->code)
        error_note(error, "%s", error->message);
    return error_set(error, problem->code, "%s", problem->message);
}

int parallel_run(const struct parallel *parallel, struct lines *done, struct error *error)
{
    _cleanup_(cleanup_free) struct worker *workers = memory_new(parallel->count, sizeof *workers);
    int failure = 0;
    for (size_t i = 0; i < parallel->count; i++) {
        struct error problem = {0};
        workers[i].said = workers[i].end = -1;
        int result = start_worker(parallel, i, &workers[i]);
        if (result < 0) {
            (void)error_set(&problem, -result, "cannot start a process: %s", strerror(-result));
            failure = keep_failure(error, &problem);
        }
    }
    for (size_t i = 0; i < parallel->count; i++) {
        struct error problem = {0};
        if (workers[i].end >= 0 && finish_worker(parallel, i, &workers[i], done, error, &problem) < 0)
            failure = keep_failure(error, &problem);
        if (workers[i].said >= 0)
            close(workers[i].said);
        if (workers[i].end >= 0)
            close(workers[i].end);
    }
    return failure;
}
