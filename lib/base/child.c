/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "io.h"
#include "memory.h"

#define MAX_OUTPUT ((size_t)4 * 1024 * 1024)
#define KILLED_MS 1000 /* the most that the kernel takes to end what was killed */

/* What comes out of a pipe. */
struct stream {
    int fd;
    bool ended;
    char *data;
    size_t length, size;
};

struct running {
    pid_t pid;
    int pidfd;
    struct stream output, problems;
};

static void close_running(struct running *running)
{
    cleanup_close(&running->pidfd);
    cleanup_close(&running->output.fd);
    cleanup_close(&running->problems.fd);
    free(running->output.data);
    free(running->problems.data);
}

void child_free(struct child_end *end)
{
    free(end->output);
    free(end->problems);
    *end = (struct child_end){0};
}

/* ---- in the child ---- */

/* An alarm outlives execve(2); what the caller blocked or ignored does, too. */
static void set_alarm(int timeout_ms)
{
    sigset_t none;
    sigemptyset(&none);
    signal(SIGALRM, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    alarm((unsigned int)timeout_ms / 1000 + 2);
}

static void become(const struct child *child, pid_t parent, const int fds[3])
{
    static char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", NULL};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it ended before that */
        _exit(127);
    set_alarm(child->timeout_ms);
    bool placed = dup2(fds[0], 0) == 0 && dup2(fds[1], 1) == 1 && dup2(fds[2], 2) == 2;
    /* Not dup2() alone: onto itself it leaves close-on-exec. */
    if (placed && (child->root == child->root_fd || dup2(child->root, child->root_fd) == child->root_fd) &&
        fcntl(child->root_fd, F_SETFD, 0) == 0)
        execveat(child->root_fd, child->path, (char *const *)child->arguments, environment, 0);
    dprintf(fds[2], "cannot run /%s: %s\n", child->path, strerror(errno));
    _exit(127);
}

/* ---- in the caller ---- */

static int start(const struct child *child, struct running *running)
{
    int output[2] = {-1, -1}, problems[2] = {-1, -1}, result = 0;
    pid_t self = getpid();
    _cleanup_(cleanup_close) int input = memfd_create("input", MFD_CLOEXEC);
    if (input < 0)
        return -errno;
    if (child->input)
        result = io_write(input, child->input, strlen(child->input));
    if (result < 0 || lseek(input, 0, SEEK_SET) < 0)
        return result < 0 ? result : -errno;
    if (pipe2(output, O_CLOEXEC) == 0 && pipe2(problems, O_CLOEXEC) == 0) {
        running->pid = fork();
        if (running->pid == 0)
            become(child, self, (const int[]){input, output[1], problems[1]});
        running->pidfd = running->pid < 0 ? -1 : pidfd_open(running->pid, 0);
    }
    result = running->pidfd < 0 ? -errno : 0;
    running->output.fd = output[0];
    running->problems.fd = problems[0];
    cleanup_close(&output[1]);
    cleanup_close(&problems[1]);
    return result;
}

/* Takes what there is, without waiting. */
static int drain(struct stream *stream)
{
    while (!stream->ended) {
        if (stream->size - stream->length < 2) {
            stream->size = stream->size ? stream->size * 2 : 4096;
            stream->data = memory_resize(stream->data, stream->size, 1);
        }
        struct pollfd ready = {.fd = stream->fd, .events = POLLIN};
        if (poll(&ready, 1, 0) <= 0)
            break;
        ssize_t count = read(stream->fd, stream->data + stream->length, stream->size - stream->length - 1);
        if (count < 0 && errno != EINTR)
            return -errno;
        stream->ended = count == 0;
        stream->length += count > 0 ? (size_t)count : 0;
        if (stream->length > MAX_OUTPUT)
            return -EFBIG;
    }
    return 0;
}

/* Reads both outputs, as a program that waits for one of them to be read never ends, until it has ended. */
static int follow(struct running *running, int64_t deadline)
{
    bool ended = false;
    int result = 0;
    while (!ended && result == 0) {
        struct pollfd items[] = {
            {.fd = running->pidfd, .events = POLLIN},
            {.fd = running->output.ended ? -1 : running->output.fd, .events = POLLIN},
            {.fd = running->problems.ended ? -1 : running->problems.fd, .events = POLLIN},
        };
        int64_t left = deadline - io_now_ms();
        int ready = left > 0 ? poll(items, 3, (int)left) : 0;
        if (ready < 0 && errno != EINTR)
            return -errno;
        if (ready == 0)
            return -ETIMEDOUT;
        ended = ready > 0 && items[0].revents;
        result = drain(&running->output);
        if (result == 0)
            result = drain(&running->problems);
    }
    return result;
}

/*
 * Return: its exit status, or 128 and the signal; a negative errno value when it does not end. What somebody traces
 * (ptrace(2)) has ended for the pidfd before it has for its parent: he hears of it first.
 */
static int reap(const struct running *running, int timeout_ms)
{
    int64_t deadline = io_now_ms() + timeout_ms;
    siginfo_t info = {0};
    while (info.si_pid == 0) {
        struct pollfd ended = {.fd = running->pidfd, .events = POLLIN};
        int64_t left = deadline - io_now_ms();
        if (left <= 0 || poll(&ended, 1, (int)left) == 0)
            return -ETIMEDOUT;
        if (waitid(P_PIDFD, (id_t)running->pidfd, &info, WEXITED | WNOHANG) < 0)
            return -errno;
        if (info.si_pid == 0)
            poll(NULL, 0, 1);
    }
    return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

static char *take_text(struct stream *stream)
{
    char *text = stream->data ? steal(stream->data) : memory_new(1, 1);
    text[stream->length] = '\0';
    return text;
}

int child_run(const struct child *child, struct child_end *end)
{
    _cleanup_(close_running) struct running running = {.pidfd = -1, .output.fd = -1, .problems.fd = -1};
    int64_t deadline = io_now_ms() + child->timeout_ms;
    int result = start(child, &running);
    *end = (struct child_end){.output = NULL};
    if (result == 0)
        result = follow(&running, deadline);
    if (result < 0 && running.pid > 0)
        kill(running.pid, SIGKILL);
    int status = running.pidfd >= 0 ? reap(&running, KILLED_MS) : 0;
    end->status = status < 0 ? 0 : status;
    end->output = take_text(&running.output);
    end->problems = take_text(&running.problems);
    return result < 0 ? result : status < 0 ? status : 0;
}
