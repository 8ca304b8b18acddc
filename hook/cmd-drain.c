/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>
#include <stdlib.h>

#include "command.h"
#include "drain.h"
#include "program.h"

/* Return: seconds; 0: that is no number of them. */
static int read_wait(const char *text)
{
    char *end = NULL;
    long seconds = strtol(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && seconds <= DRAIN_LONGEST_WAIT_S ? (int)seconds : 0;
}

int cmd_drain(int root, int argc, char **argv, struct error *error)
{
    static const struct option known[] = {{"reason", required_argument, NULL, 'r'},
                                          {"wait", required_argument, NULL, 'w'},
                                          {"dry-run", no_argument, NULL, 'n'},
                                          {0}};
    struct drain_options options = {.reason = NULL};
    for (int option; (option = command_option(argc, argv, ":n", known, error)) != -1;) {
        if (option == COMMAND_USAGE)
            return option;
        if (option == 'n')
            options.dry_run = true;
        else if (option == 'r')
            options.reason = optarg;
        else if ((options.wait_s = read_wait(optarg)) == 0)
            return command_usage(error, "--wait is a number of seconds, 1 to %d", DRAIN_LONGEST_WAIT_S);
    }
    if (argc - optind != 1)
        return command_usage(error, "drain takes one PF or VF, by its address or the PF's name");
    _cleanup_(lines_free) struct lines done = {NULL};
    int result = drain(root, argv[optind], &options, &done, error);
    if (result == 0 && !done.text)
        lines_add(&done, "nothing changed");
    return program_report(&done, result, error);
}
