/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Interfaces of the running kernel for a simulated host: netdevsim does all that a PF's driver can, and has no PCI
 * device. Linked with --wrap=rtnetlink_open; the simulated PF has the ifindex of the one that is meant.
 */
#include "rtnetlink.h"

int __real_rtnetlink_open(const struct host *host, struct rtnetlink **link, struct error *error);
int __wrap_rtnetlink_open(const struct host *host, struct rtnetlink **link, struct error *error);

int __wrap_rtnetlink_open(const struct host *host, struct rtnetlink **link, struct error *error)
{
    struct host running = *host;
    running.running = true;
    return __real_rtnetlink_open(&running, link, error);
}
