/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's own sysfs, where the kernel is asked for an interface's other names: no simulated host has them. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tap.h"

int main(void)
{
    _cleanup_(error_free) struct error error = {0};
    struct host host;
    struct host_pf pf;
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (!ok(root >= 0 && host_open(root, &host, &error) == 0, "the machine's sysfs opens"))
        return tap_end();
    ok(host_pf_by_name(&host, "nosuchinterface", &pf, &error) == -ENOENT,
       "an interface that is not there is not there");
    is(error.message, "there is no network interface nosuchinterface", "and that is said");
    error_free(&error);
    /* A container may have no /sys. */
    bool mounted = access("/sys/class/net/lo", F_OK) == 0;
    if (!mounted)
        printf("# /sys is not mounted here: nothing is to be known of lo\n");
    ok(host_pf_by_name(&host, "lo", &pf, &error) == (mounted ? -ENODEV : -ENOENT), "lo is found, where it can be");
    is(error.message, mounted ? "network interface lo is not a PCI device" : "there is no network interface lo",
       "and is no PF");
    host_close(&host);
    return tap_end();
}
