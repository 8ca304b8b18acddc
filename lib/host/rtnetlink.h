/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rtnetlink - one request to the running kernel about its network interfaces, and the answer (rtnetlink(7))
 *
 * Messages are made and read with libmnl, and the kernel's uapi/linux/if_link.h says what is in them.
 */
#ifndef VFPOOL_RTNETLINK_H
#define VFPOOL_RTNETLINK_H

#include <libmnl/libmnl.h>

#include "error.h"
#include "host.h"

#define RTNETLINK_MS 5000
#define RTNETLINK_REQUEST_SIZE 1024 /* bytes */

struct rtnetlink;

/**
 * rtnetlink_open() - @link: the caller closes with rtnetlink_close()
 *
 * Return: 0; -EOPNOTSUPP when the host is not the one that the running kernel is of; or another negative errno value.
 */
int rtnetlink_open(const struct host *host, struct rtnetlink **link, struct error *error) must_check nonnull(1, 2, 3);
void rtnetlink_close(struct rtnetlink *link);

static inline void cleanup_rtnetlink(struct rtnetlink **link)
{
    rtnetlink_close(*link);
}

/**
 * rtnetlink_call() - send a request, and look at each message of the answer
 * @request: in a buffer of RTNETLINK_REQUEST_SIZE
 * @look:    returns MNL_CB_OK; NULL: nothing is answered but that it was done
 *
 * Return: 0; what the kernel refused it with; or -ETIMEDOUT after RTNETLINK_MS.
 */
int rtnetlink_call(struct rtnetlink *link, struct nlmsghdr *request, mnl_cb_t look, void *context) must_check
    nonnull(1, 2);

#endif
