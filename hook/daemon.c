/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * daemon - libvirt's third door: /etc/libvirt/hooks/daemon (https://libvirt.org/hooks.html)
 *
 *   daemon - start|reload|shutdown ...
 *
 * Called when a daemon of libvirt's starts, and before it reloads: from then on what was known of it is old (F27). The
 * daemon goes on whatever this says.
 */
#include <stdio.h>
#include <string.h>

#include "actor.h"
#include "program.h"
#include "settle.h"
#include "witness.h"

int main(int argc, char **argv)
{
    _cleanup_(error_free) struct error error = {0};
    if (argc < 5) {
        fprintf(stderr, "usage: daemon - OPERATION SUBOPERATION EXTRA\n");
        return EXIT_USAGE;
    }
    if (strcmp(argv[2], "start") != 0 && strcmp(argv[2], "reload") != 0)
        return EXIT_OK;
    program_guard_memory(EXIT_FAILED);
    actor_be("libvirt");
    int root = program_start(&error);
    int result = root < 0 ? root : witness_leave(root);
    if (root >= 0 && result < 0)
        (void)error_set(&error, -result, "cannot write to /run/vfpool/witness: %s", strerror(-result));
    if (result == 0)
        settle_later(root);
    if (root >= 0)
        close(root);
    return program_end(&error, result);
}
