/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * launcher - what libvirt calls as its qemu hook: it runs the program that does the work (qemu.c), and needs nothing
 *
 * libvirt kills a running guest whose hook fails at reconnect or attach (F10). qemu.c exits 0 there whatever happens,
 * which is no help when it does not get to run: with a library missing half way through an upgrade the dynamic linker
 * exits 127, and a crash or the kernel's OOM killer is a failure as well. So this is linked statically, allocates
 * nothing, and does three things:
 *
 *  - At an operation that must not fail, the program is a child with a deadline. Whatever becomes of it, this exits 0,
 *    and one line says how the ledger is put right. Nobody waits for a child that was killed: one that sleeps in the
 *    kernel may not end at all.
 *  - At one that may fail, this becomes the program, whose exit status is libvirt's answer. If it cannot, it refuses:
 *    a guest that has no claim does not start.
 *  - At any other the program would do nothing, and is not run: libvirt ends a guest that fails at "started", too.
 *
 * The program is looked for from where this file is, as AppArmor lets libvirt execute what is below its directory of
 * hooks, and not what is in /usr/libexec (F18):
 *
 *   /etc/libvirt/hooks/qemu             /etc/libvirt/hooks/vfpool/guest
 *   /etc/libvirt/hooks/qemu.d/vfpool    the same
 *   /usr/libexec/vfpool/qemu            /usr/libexec/vfpool/guest
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

/* Longer than the program waits for anything at these operations. */
#ifndef DEADLINE_S
#define DEADLINE_S 120
#endif

#define LONGEST_PLACE sizeof "/../vfpool/guest"

/* What a file of ours is known by, as in program.c. */
static const char marker[] __attribute__((used)) = "vfpool-program urn:vfpool:1";

/* As guest.c has them. */
static const struct {
    const char *name;
    bool may_fail;
} operations[] = {
    [GUEST_PREPARE] = {"prepare", true},      [GUEST_START] = {"start", true},    [GUEST_RELEASE] = {"release", true},
    [GUEST_RECONNECT] = {"reconnect", false}, [GUEST_ATTACH] = {"attach", false}, [GUEST_MIGRATE] = {"migrate", true},
    [GUEST_RESTORE] = {"restore", true},
};
static_assert(sizeof operations / sizeof *operations == GUEST_OPERATIONS, "every operation has its row");

static enum guest_operation find_operation(const char *name)
{
    for (int i = 0; i < GUEST_OPERATIONS; i++)
        if (strcmp(name, operations[i].name) == 0)
            return (enum guest_operation)i;
    return GUEST_OPERATIONS;
}

/* The first place where there is one; else the one that should have it, for the message. Return: 0, or -errno. */
static int find_program(char path[PATH_MAX])
{
    static const char *const places[] = {"/vfpool/guest", "/../vfpool/guest"};
    /* A file that was replaced meanwhile has " (deleted)" behind its name; its directory is right. */
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - LONGEST_PLACE);
    char *end = length < 0 ? NULL : memrchr(path, '/', (size_t)length);
    if (!end) {
        strcpy(path, "vfpool/guest");
        return length < 0 ? -errno : -ENOENT;
    }
    strcpy(end, places[0]);
    if (access(path, F_OK) == 0)
        return 0;
    /* In qemu.d this file has the name that would be the directory's. */
    bool is_below = errno == ENOTDIR;
    strcpy(end, places[1]);
    if (access(path, F_OK) == 0)
        return 0;
    int result = -errno;
    strcpy(end, places[is_below]);
    return result;
}

/* One write, so that it is one line; if nobody reads it there is nobody else to tell. */
static void say_undone(const char *program, char **argv, const char *why)
{
    (void)dprintf(STDERR_FILENO,
                  "vfpool: %s did not do its part at %s of guest '%.256s': %s: run 'vfpool reconcile' "
                  "once it can run\n",
                  program, argv[2], argv[1], why);
}

/* In the child. Return: never. */
static void become(const char *program, char **argv, pid_t parent)
{
    /* Nobody but the parent has an end for it. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() == parent)
        execv(program, argv);
    /* The parent would not know why. */
    say_undone(program, argv, strerror(errno));
    _exit(EXIT_SUCCESS);
}

static time_t now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

/* @ended: SIGCHLD, which is blocked. Return: whether it ended in time, with @status as waitpid() has it. */
static bool wait_for(pid_t child, const sigset_t *ended, int *status)
{
    time_t end = now() + DEADLINE_S;
    for (time_t time = now(); waitpid(child, status, WNOHANG) == 0; time = now()) {
        if (time >= end)
            return false;
        (void)sigtimedwait(ended, NULL, &(struct timespec){.tv_sec = end - time});
    }
    return true;
}

static void watch(pid_t child, const sigset_t *ended, const char *program, char **argv)
{
    char why[64] = "";
    int status = 0;
    if (!wait_for(child, ended, &status)) {
        kill(child, SIGKILL);
        snprintf(why, sizeof why, "it had not ended after %d s", DEADLINE_S);
    } else if (WIFSIGNALED(status)) {
        snprintf(why, sizeof why, "signal %d ended it", WTERMSIG(status));
    } else if (WEXITSTATUS(status) != 0) {
        snprintf(why, sizeof why, "exit status %d", WEXITSTATUS(status));
    }
    if (why[0])
        say_undone(program, argv, why);
}

/* For what must not fail. */
static void run_apart(const char *program, char **argv)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    struct sigaction action;
    sigset_t ended, mask;
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    /* Whoever ignores it is not told of its children's ends. */
    sigaction(SIGCHLD, &usual, &action);
    sigprocmask(SIG_BLOCK, &ended, &mask);
    pid_t parent = getpid(), child = fork();
    int code = errno;
    if (child == 0) {
        sigaction(SIGCHLD, &action, NULL);
        sigprocmask(SIG_SETMASK, &mask, NULL);
        become(program, argv, parent);
    }
    /* What is said to nobody is no reason to end. */
    signal(SIGPIPE, SIG_IGN);
    if (child < 0)
        say_undone(program, argv, strerror(code));
    else
        watch(child, &ended, program, argv);
}

int main(int argc, char **argv)
{
    char program[PATH_MAX];
    enum guest_operation operation = argc < 3 ? GUEST_OPERATIONS : find_operation(argv[2]);
    if (argc >= 3 && operation == GUEST_OPERATIONS)
        return EXIT_SUCCESS;
    int result = find_program(program);
    if (operation < GUEST_OPERATIONS && !operations[operation].may_fail) {
        run_apart(program, argv);
        return EXIT_SUCCESS;
    }
    if (result == 0)
        execv(program, argv);
    (void)dprintf(STDERR_FILENO, "vfpool: %s cannot be run: %s: install vfpool again\n", program,
                  strerror(result < 0 ? -result : errno));
    return EXIT_FAILURE;
}
