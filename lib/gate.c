/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "daemon.h"
#include "io.h"
#include "memory.h"

#define TRIES 2
#define MAX_OUTPUT ((size_t)4 * 1024 * 1024)

bool gate_present(int root)
{
    return daemon_is_modular(root) || daemon_is_monolithic(root);
}

int gate_usable(int root, struct error *error)
{
    struct daemon_load load;
    if (!gate_present(root))
        return 0;
    /* A virtnetworkd has workers of its own, which no hook occupies. */
    if (daemon_is_modular(root) || !daemon_of_hook(root, &load))
        return 1;
    if (load.starting)
        return 0;
    if (load.hooks < load.max_workers)
        return 1;
    return error_set(
        error, EAGAIN,
        "%u guests are being started or stopped at once, as many as libvirtd has workers: raise max_workers "
        "(now %u) in /etc/libvirt/libvirtd.conf above the number of VFs, or try again",
        load.hooks, load.max_workers);
}

struct child {
    pid_t pid;
    int output, problems; /* its standard output and standard error */
};

static void close_child(struct child *child)
{
    cleanup_close(&child->output);
    cleanup_close(&child->problems);
    if (child->pid > 0) {
        kill(child->pid, SIGKILL);
        while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
}

static void run_child(int root, const char *const *arguments, int input, int output, int problems)
{
    const char *argv[16] = {"vfpool-gate"};
    static char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", NULL};
    for (size_t i = 0; i < 14 && arguments[i]; i++)
        argv[i + 1] = arguments[i];
    /* The root is inherited, for a program that is a script. */
    if (dup2(input, 0) == 0 && dup2(output, 1) == 1 && dup2(problems, 2) == 2 && fcntl(root, F_SETFD, 0) == 0)
        execveat(root, GATE_PATH, (char *const *)argv, environment, 0);
    dprintf(2, "cannot run /" GATE_PATH ": %s\n", strerror(errno));
    _exit(127);
}

static int start_child(int root, const char *const *arguments, const char *input, struct child *child)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1}, result = 0;
    _cleanup_(cleanup_close) int in = memfd_create("vfpool-gate", MFD_CLOEXEC);
    if (in < 0 || (input && (result = io_write(in, input, strlen(input))) < 0) || lseek(in, 0, SEEK_SET) < 0)
        return result < 0 ? result : -errno;
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0) {
        result = -errno;
    } else {
        child->pid = fork();
        if (child->pid == 0)
            run_child(root, arguments, in, out[1], err[1]);
        result = child->pid < 0 ? -errno : 0;
    }
    child->output = out[0];
    child->problems = err[0];
    cleanup_close(&out[1]);
    cleanup_close(&err[1]);
    return result;
}

/* Waits for the end of a child whose output has ended. Return: its exit status, or -ETIMEDOUT or another errno value.
 */
static int wait_child(struct child *child)
{
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    child->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int gate_call(int root, const char *const *arguments, const char *input, char **output, int timeout_ms,
              struct error *error)
{
    _cleanup_(close_child) struct child child = {.output = -1, .problems = -1};
    _cleanup_(cleanup_free) char *text = NULL, *words = NULL;
    size_t length = 0;
    int64_t deadline = io_now_ms() + timeout_ms;
    int result = start_child(root, arguments, input, &child);
    if (result == 0)
        result = io_read(child.output, MAX_OUTPUT, timeout_ms, &text, &length);
    if (result == 0) {
        int64_t left = deadline - io_now_ms();
        result = io_read(child.problems, MAX_OUTPUT, left > 0 ? (int)left : 0, &words, &length);
    }
    if (result == -ETIMEDOUT)
        return error_set(error, ETIMEDOUT, "libvirt did not answer within %d s", timeout_ms / 1000);
    if (result < 0)
        return error_set(error, -result, "cannot talk to vfpool-gate: %s", strerror(-result));
    int status = wait_child(&child);
    words[strcspn(words, "\n")] = '\0';
    if (status != 0)
        return error_set(error,
                         status == 3   ? ENOENT
                         : status == 4 ? EBUSY
                                       : EIO,
                         "%s", words[0] ? words : "vfpool-gate was killed");
    if (output)
        *output = steal(text);
    return 0;
}

/* Return: how many bytes of @input are used; @input has room for what is added. */
static size_t add_lines(char *input, size_t used, const char *verb, const struct gate_set *set)
{
    char text[PCIADDR_SIZE];
    for (size_t i = 0; set && i < set->count; i++)
        used += (size_t)sprintf(input + used, "%s %s\n", verb, pciaddr_format(&set->addresses[i], text));
    return used;
}

/* Return: 0 or a negative errno value; @output says what was done. */
static int set_ports(int root, const char *network, const struct gate_set *hold, const struct gate_set *free,
                     char **output, struct error *error)
{
    const char *arguments[] = {"set", network, NULL};
    size_t lines = (hold ? hold->count : 0) + (free ? free->count : 0);
    _cleanup_(cleanup_free) char *input = memory_new(lines + 1, sizeof "hold \n" + PCIADDR_SIZE);
    add_lines(input, add_lines(input, 0, "hold", hold), "free", free);
    int result = -ETIMEDOUT;
    for (int i = 0; i < TRIES && result == -ETIMEDOUT; i++)
        result = gate_call(root, arguments, input, output, GATE_CALL_MS, error);
    return result;
}

int gate_set(int root, const char *network, const struct gate_set *hold, const struct gate_set *free,
             struct error *error)
{
    return set_ports(root, network, hold, free, NULL, error);
}

int gate_hold(int root, const char *network, const struct gate_set *hold, struct error *error)
{
    _cleanup_(cleanup_free) char *output = NULL;
    int result = set_ports(root, network, hold, NULL, &output, error), count = 0;
    for (const char *line = output; line && *line; line++)
        count += *line == '\n';
    return result < 0 ? result : count;
}
