/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What vfpool-gate printed, and how it ended. The input's first byte is its exit status; what is behind the first NUL
 * byte of the rest is its standard error.
 */
#include "gate.h"
#include "child.h"
#include "fuzz.h"

static const char *text;
static size_t length;

int __wrap_child_run(const struct child *child, struct child_end *end); /* NOLINT(bugprone-reserved-identifier) */

/* The name is the linker's. */
int __wrap_child_run(const struct child *child, struct child_end *end) /* NOLINT(bugprone-reserved-identifier) */
{
    (void)child;
    const char *rest = text + 1;
    size_t output = strlen(rest), used = output + 1 < length ? output + 1 : output;
    *end = (struct child_end){.status = (unsigned char)text[0] % 8,
                              .output = memory_copy(rest),
                              .problems = memory_copy_part(rest + used, length - used)};
    return 0;
}

static void check_ports(const struct gate_ports *ports)
{
    const struct pciaddr no_vf = {0};
    for (size_t i = 0; i < ports->count; i++) {
        need(ports->ports[i].name && !strchr(ports->ports[i].name, '\n'));
        need(strlen(ports->ports[i].uuid) < UUID_SIZE && strlen(ports->ports[i].owner) < UUID_SIZE);
        need(gate_ports_have(ports, &ports->ports[i].address));
    }
    (void)gate_ports_have(ports, &no_vf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pciaddr address = {.bus = 1};
    const struct gate_set set = {.addresses = &address, .count = 1};
    struct gate_ports ports = {0}, others = {0};
    struct error error = {0};
    if (size == 0)
        return 0;
    _cleanup_(cleanup_free) char *copy = fuzz_text(data, size);
    text = copy;
    length = size - 1;
    int result = gate_ports(-1, "net", &ports, &error);
    check_ports(&ports);
    gate_ports_free(&ports);
    fuzz_check(result, &error);
    error = (struct error){0};
    result = gate_set(-1, "net", &set, &set, &others, &error);
    check_ports(&others);
    gate_ports_free(&others);
    fuzz_check(result, &error);
    need(gate_has_word("active passing", "active") && !gate_has_word("inactive", "active"));
    (void)gate_has_word(copy + 1, "blocking");
    return 0;
}
