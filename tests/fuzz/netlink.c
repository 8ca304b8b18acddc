/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel answers about a PF's VFs: lib/host/rtnetlink.c and vfinfo.c as they are, over another socket.
 *
 * The input is the messages one after the other, each behind its length in two bytes, the lower first; behind the last
 * one nobody answers. The first byte says what is asked: an even one what is set, an odd one that something is.
 */
#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "rtnetlink.h"
#include "vfinfo.h"

#define VFS 8

static const uint8_t *answers;
static size_t left;
static size_t hidden; /* bytes behind the last answer, which nobody may read */
static char *buffer;

/* The names are the linker's: NOLINTBEGIN(bugprone-reserved-identifier) */
struct mnl_socket *__wrap_mnl_socket_open2(int bus, int flags);
int __wrap_mnl_socket_bind(struct mnl_socket *socket, unsigned int groups, pid_t pid);
int __wrap_mnl_socket_close(struct mnl_socket *socket);
int __wrap_mnl_socket_get_fd(const struct mnl_socket *socket);
unsigned int __wrap_mnl_socket_get_portid(const struct mnl_socket *socket);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *data, size_t length);
/* libmnl up to 1.0.5 takes the length of a message for an int, and goes back by one of more than 2 GiB
 * (mnl_nlmsg_ok()). The kernel makes none: the answer ends before it. */
static size_t bound(const char *data, size_t length)
{
    struct nlmsghdr header;
    for (size_t at = 0; at + sizeof header <= length; at += MNL_ALIGN(header.nlmsg_len)) {
        memcpy(&header, data + at, sizeof header);
        if (header.nlmsg_len > INT32_MAX)
            return at;
        if (header.nlmsg_len < sizeof header)
            break;
    }
    return length;
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *socket, void *data, size_t size);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __wrap_host_pf_index(const struct host *host, const struct host_pf *pf);
void __wrap_host_pf_examine(const struct host *host, struct host_pf *pf);

struct mnl_socket *__wrap_mnl_socket_open2(int bus, int flags)
{
    (void)bus, (void)flags;
    return memory_new(1, 1);
}

int __wrap_mnl_socket_bind(struct mnl_socket *socket, unsigned int groups, pid_t pid)
{
    (void)socket, (void)groups, (void)pid;
    return 0;
}

static void show(void)
{
    if (buffer)
        ASAN_UNPOISON_MEMORY_REGION(buffer, hidden);
    buffer = NULL;
}

/* rtnetlink_close() frees the buffer next. */
int __wrap_mnl_socket_close(struct mnl_socket *socket)
{
    show();
    free(socket);
    return 0;
}

int __wrap_mnl_socket_get_fd(const struct mnl_socket *socket)
{
    (void)socket;
    return -1;
}

unsigned int __wrap_mnl_socket_get_portid(const struct mnl_socket *socket)
{
    (void)socket;
    return 1;
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *data, size_t length)
{
    const struct nlmsghdr *request = data;
    (void)socket;
    need(length == request->nlmsg_len && length <= RTNETLINK_REQUEST_SIZE && mnl_nlmsg_ok(request, (int)length));
    return (ssize_t)length;
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *socket, void *data, size_t size)
{
    (void)socket;
    show();
    size_t length = left < 2 ? 0 : answers[0] | (size_t)answers[1] << 8;
    if (left < 2) {
        errno = EAGAIN;
        return -1;
    }
    answers += 2;
    left -= 2;
    length = length < left ? length : left;
    need(length <= size);
    if (length)
        memcpy(data, answers, length);
    answers += length;
    left -= length;
    length = bound(data, length);
    buffer = (char *)data + length;
    hidden = size - length;
    ASAN_POISON_MEMORY_REGION(buffer, hidden);
    return (ssize_t)length;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    (void)fd, (void)level, (void)name, (void)value, (void)length;
    return 0;
}

int __wrap_host_pf_index(const struct host *host, const struct host_pf *pf)
{
    (void)host, (void)pf;
    return 3;
}

void __wrap_host_pf_examine(const struct host *host, struct host_pf *pf)
{
    (void)host, (void)pf;
}
/* NOLINTEND(bugprone-reserved-identifier) */

/* What was read can be written, and is a setting each. */
static void check(const struct settings *settings, unsigned int number)
{
    char text[SETTINGS_SIZE];
    unsigned int other = 0;
    need(strlen(settings_format(settings, text)) < sizeof text);
    need(memchr(settings->mac, '\0', sizeof settings->mac));
    need(!vfinfo_twin(settings - number, number, &other) || other < number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct host host = {.sys = -1, .running = true};
    const struct host_pf pf = {.name = "eth3", .has_netdev = true, .vf_count = VFS};
    struct error error = {0};
    _cleanup_(cleanup_free) struct settings *settings = NULL;
    if (size == 0)
        return 0;
    answers = data + 1;
    left = size - 1;
    if (data[0] % 2) {
        const struct settings now = settings_none();
        struct settings wanted = {.mac = SETTINGS_NO_MAC, .vlan = 5, .protocol = PROTOCOL_8021AD, .max_rate = 100};
        fuzz_check(vfinfo_change(&host, &pf, 1, &now, &wanted, &error), &error);
        return 0;
    }
    int result = vfinfo_read(&host, &pf, &settings, &error);
    need(!settings == (result < 0));
    for (unsigned int i = 0; settings && i < VFS; i++)
        check(&settings[i], i);
    fuzz_check(result, &error);
    return 0;
}
