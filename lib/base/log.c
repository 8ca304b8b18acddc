/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_SIZE 4096

void log_line(int root, int priority, const char *text)
{
    /* A socket has no openat(2); the descriptor's own name is short. */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char line[LINE_SIZE];
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/dev/log", root);
    int length = snprintf(line, sizeof line, "<%d>vfpool[%ld]: %s", LOG_DAEMON | priority, (long)getpid(), text);
    _cleanup_(cleanup_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || length < 0)
        return;
    size_t size = (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    (void)sendto(fd, line, size, MSG_NOSIGNAL, (const struct sockaddr *)&address, sizeof address);
}
