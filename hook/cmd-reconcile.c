/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "program.h"
#include "reconcile.h"
#include "sriov.h"

#define LONGEST_WAIT_S 3600

/* Return: seconds; 0: that is no number of them. */
static int read_wait(const char *text)
{
    char *end = NULL;
    long seconds = strtol(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && seconds <= LONGEST_WAIT_S ? (int)seconds : 0;
}

int cmd_reconcile(int root, int argc, char **argv, struct error *error)
{
    static const struct option options[] = {{"boot", no_argument, NULL, 'b'},
                                            {"dry-run", no_argument, NULL, 'n'},
                                            {"wait", required_argument, NULL, 'w'},
                                            {0}};
    bool dry_run = false, boot = false;
    int wait_s = -1; /* not said */
    for (int option; (option = command_option(argc, argv, ":n", options, error)) != -1;) {
        if (option == COMMAND_USAGE)
            return option;
        if (option == 'n')
            dry_run = true;
        else if (option == 'b')
            boot = true;
        else
            wait_s = read_wait(optarg);
    }
    if (optind != argc)
        return command_usage(error, "reconcile takes no arguments");
    if (wait_s == 0)
        return command_usage(error, "--wait is a number of seconds, 1 to 3600");
    _cleanup_(lines_free) struct lines done = {NULL};
    int result = boot ? reconcile_boot(root, dry_run, wait_s > 0 ? wait_s : SRIOV_WAIT_S, &done, error)
                      : reconcile(root, dry_run, wait_s > 0 ? wait_s : 0, &done, error);
    if (result == 0 && !done.text && !error->notes.text)
        lines_add(&done, boot ? "nothing to do" : "nothing to repair");
    return program_report(&done, result, error);
}
