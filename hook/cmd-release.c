/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "program.h"
#include "release.h"

int cmd_release(int root, int argc, char **argv, struct error *error)
{
    if (argc != 2)
        return command_usage(error, "release takes one guest, by name or UUID, or one VF's address");
    int result = release_by_hand(root, argv[1], error);
    return result < 0 ? result : program_report(error);
}
