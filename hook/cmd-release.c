/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "program.h"
#include "release.h"

int cmd_release(int root, int argc, char **argv, struct error *error)
{
    int first = command_operands(argc, argv, error);
    if (first < 0)
        return first;
    if (argc - first != 1)
        return command_usage(error, "release takes one guest, by name or UUID, or one VF's address");
    int result = release_by_hand(root, argv[first], error);
    return result < 0 ? result : program_report(error);
}
