/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "reconcile.h"
#include "sriov.h"

#define LONGEST_WAIT_S 3600

int cmd_reconcile(int root, int argc, char **argv, struct error *error)
{
    struct command_flags flags = {.longest_wait_s = LONGEST_WAIT_S};
    int first = command_flags(argc, argv, "boot wait dry-run format", &flags, error);
    if (first < 0)
        return first;
    if (first != argc)
        return command_usage(error, "reconcile takes no arguments");
    _cleanup_(lines_free) struct lines done = {NULL};
    int result = flags.boot
                     ? reconcile_boot(root, flags.dry_run, flags.wait_s ? flags.wait_s : SRIOV_WAIT_S, &done, error)
                     : reconcile(root, flags.dry_run, flags.wait_s, &done, error);
    return command_report(&flags, &done, flags.boot ? "nothing to do" : "nothing to repair", result, error);
}
