/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * qemu - libvirt's door: what /etc/libvirt/hooks/qemu runs (launcher.c; https://libvirt.org/hooks.html)
 *
 *   qemu GUEST OPERATION SUBOPERATION EXTRA < domain.xml
 *
 * libvirt ignores what is printed at prepare; it reads it at migrate and restore. What is printed to standard error
 * reaches the user of virsh start when the hook fails.
 */
#include <stdint.h>
#include <stdio.h>

#include "actor.h"
#include "guest.h"
#include "program.h"
#include "settle.h"
#include "tally.h"

/* @concerned: of guests that have nothing to do with a pool there is nothing to count. */
static void count_time(int root, enum guest_operation operation, bool concerned, int64_t begun_us)
{
    if (concerned && operation == GUEST_PREPARE)
        tally_time(root, TALLY_PREPARE, begun_us);
    if (concerned && operation == GUEST_RELEASE)
        tally_time(root, TALLY_RELEASE, begun_us);
}

static int run(int root, enum guest_operation operation, struct error *error)
{
    int64_t begun_us = tally_now_us();
    _cleanup_(cleanup_free) char *data = NULL, *text = NULL;
    size_t length = 0, text_length = 0;
    bool changed = false;
    int result = program_read_xml("the domain XML", &data, &length, error);
    if (result == 0)
        result = guest_run(root, operation, data, length, &text, &text_length, &changed, error);
    count_time(root, operation, changed || text || result < 0, begun_us);
    if (changed)
        settle_later(root);
    if (result < 0 || !text)
        return result;
    result = program_print(text, text_length, error);
    _cleanup_(error_free) struct error undo = {0};
    if (result < 0 && operation == GUEST_PREPARE && guest_undo(root, data, length, &undo) < 0)
        error_note(error, "the claim could not be taken back: %s", undo.message);
    return result;
}

int main(int argc, char **argv)
{
    _cleanup_(error_free) struct error error = {0};
    enum guest_operation operation = argc < 3 ? GUEST_OPERATIONS : guest_operation(argv[2]);
    /* A libvirt of later may have more of them. */
    if (argc < 5) {
        fprintf(stderr, "usage: qemu GUEST OPERATION SUBOPERATION EXTRA < domain.xml\n");
        return operation == GUEST_OPERATIONS || guest_may_fail(operation) ? EXIT_USAGE : EXIT_OK;
    }
    if (operation == GUEST_OPERATIONS)
        return EXIT_OK;
    program_guard_memory(guest_may_fail(operation) ? EXIT_FAILED : EXIT_OK);
    actor_be("libvirt");
    int root = program_start(&error);
    int result = root < 0 ? root : run(root, operation, &error);
    if (root >= 0)
        close(root);
    int status = program_end(&error, result);
    return guest_may_fail(operation) ? status : EXIT_OK;
}
