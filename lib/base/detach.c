/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "detach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Return: whether nothing but @fd is left open. */
static int close_all(int fd)
{
    if (dup2(fd, DETACH_FD) != DETACH_FD || close_range(DETACH_FD + 1, UINT_MAX, 0) < 0 || close_range(0, 2, 0) < 0)
        return 0;
    return open("/dev/null", O_RDWR) == 0 && dup2(0, 1) == 1 && dup2(0, 2) == 2;
}

/* In the first child: the second one, which init takes over, goes on. */
static void leave(int fd, unsigned int seconds)
{
    sigset_t none;
    if (setsid() < 0 || fork() != 0)
        _exit(0);
    if (!close_all(fd) || chdir("/") < 0)
        _exit(1);
    sigemptyset(&none);
    signal(SIGALRM, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    alarm(seconds);
}

int detach(int fd, unsigned int seconds)
{
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child == 0) {
        leave(fd, seconds);
        return 1;
    }
    while (waitpid(child, NULL, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}
