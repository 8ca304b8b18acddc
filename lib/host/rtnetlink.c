/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtnetlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "memory.h"

/* The kernel answers about one interface in one message; the list of its VFs is one attribute, of 64 KiB at most. */
#define ANSWER_SIZE (128 * 1024)

struct rtnetlink {
    struct mnl_socket *socket;
    unsigned int sequence;
    char *answer;
};

void rtnetlink_close(struct rtnetlink *link)
{
    if (!link)
        return;
    if (link->socket)
        mnl_socket_close(link->socket);
    free(link->answer);
    free(link);
}

int rtnetlink_open(const struct host *host, struct rtnetlink **link, struct error *error)
{
    const struct timeval patience = {.tv_sec = RTNETLINK_MS / 1000};
    if (!host->running)
        return error_set(error, EOPNOTSUPP, "this is not the host of the running kernel");
    *link = memory_new(1, sizeof **link);
    (*link)->answer = memory_new(1, ANSWER_SIZE);
    (*link)->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!(*link)->socket && errno == ENOMEM)
        memory_end();
    if (!(*link)->socket || mnl_socket_bind((*link)->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        setsockopt(mnl_socket_get_fd((*link)->socket), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
        return error_set(error, errno, "cannot ask the kernel about its network interfaces: %s", strerror(errno));
    return 0;
}

int rtnetlink_call(struct rtnetlink *link, struct nlmsghdr *request, mnl_cb_t look, void *context)
{
    int result = MNL_CB_OK;
    request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    request->nlmsg_seq = ++link->sequence;
    if (mnl_socket_sendto(link->socket, request, request->nlmsg_len) < 0)
        return -errno;
    /* The acknowledgement, which is the last message, stops it. */
    while (result > MNL_CB_STOP) {
        ssize_t length = mnl_socket_recvfrom(link->socket, link->answer, ANSWER_SIZE);
        if (length < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        result = mnl_cb_run(link->answer, (size_t)length, link->sequence, mnl_socket_get_portid(link->socket), look,
                            context);
    }
    /* libmnl has it from the answer, whatever is in there. */
    return result == 0 ? 0 : errno > 0 ? -errno : -EPROTO;
}
