/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * qemu - libvirt's door: /etc/libvirt/hooks/qemu (https://libvirt.org/hooks.html)
 *
 *   qemu GUEST OPERATION SUBOPERATION EXTRA < domain.xml
 *
 * libvirt ignores what is printed at prepare; it reads it at migrate and restore. What is printed to standard error
 * reaches the user of virsh start when the hook fails.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "guest.h"
#include "io.h"
#include "program.h"
#include "xml.h"

#define INPUT_MS 10000

static int read_input(char **data, size_t *length, struct error *error)
{
    int result = io_read(STDIN_FILENO, XML_MAX_BYTES, INPUT_MS, data, length);
    switch (result) {
    case 0:
        return 0;
    case -EFBIG:
        return error_set(error, EFBIG, "the domain XML is larger than %zu MiB", XML_MAX_BYTES >> 20);
    case -ETIMEDOUT:
        return error_set(error, ETIMEDOUT, "the domain XML on standard input did not end within %d s", INPUT_MS / 1000);
    default:
        return error_set(error, -result, "cannot read standard input: %s", strerror(-result));
    }
}

static int run(int root, enum guest_operation operation, struct error *error)
{
    _cleanup_(cleanup_free) char *data = NULL, *text = NULL;
    size_t length = 0, text_length = 0;
    int result = read_input(&data, &length, error);
    if (result == 0)
        result = guest_run(root, operation, data, length, &text, &text_length, error);
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
    if (argc != 5) {
        fprintf(stderr, "usage: qemu GUEST OPERATION SUBOPERATION EXTRA < domain.xml\n");
        return EXIT_USAGE;
    }
    enum guest_operation operation = guest_operation(argv[2]);
    if (operation == GUEST_OPERATIONS)
        return EXIT_OK;
    program_guard_memory(guest_may_fail(operation) ? EXIT_FAILED : EXIT_OK);
    int root = program_start(&error);
    int result = root < 0 ? root : run(root, operation, &error);
    if (root >= 0)
        close(root);
    int status = program_end(&error, result);
    return guest_may_fail(operation) ? status : EXIT_OK;
}
