/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gate - vfpool-gate, the only program that talks to libvirt
 *
 * Not for people: lib/libvirt/gate.c runs it and kills it past a deadline, as libvirt's client library has none. One
 * call, one connection, one line on standard error when it fails: lib/libvirt/gate-protocol.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "libvirt-connection.h"
#include "libvirt-verb.h"
#include "program.h"

static const struct {
    const char *name;
    int argument_count;
    int (*run)(char **arguments);
} verbs[] = {
    {"set", 1, verb_set},         {"ports", 1, verb_ports},     {"open", 1, verb_open},
    {"prune", 1, verb_prune},     {"network", 1, verb_network}, {"define", 2, verb_define},
    {"domain", 1, verb_domain},   {"domains", 0, verb_domains}, {"definition", 1, verb_definition},
    {"devices", 0, verb_devices}, {"version", 0, verb_version}, {"start", 1, verb_start},
};

/* Errors are complained about where they matter, in one line. */
static void ignore_libvirt_error(void *context, virErrorPtr problem)
{
    (void)context, (void)problem;
}

int main(int argc, char **argv)
{
    program_guard_memory(GATE_FAILED);
    virSetErrorFunc(NULL, ignore_libvirt_error);
    bool called = fcntl(GATE_ROOT_FD, F_GETFD) >= 0;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs && argc > 1 && called; i++) {
        if (strcmp(argv[1], verbs[i].name) != 0 || argc != 2 + verbs[i].argument_count)
            continue;
        int result = verbs[i].run(argv + 2);
        if ((fflush(stdout) != 0 || ferror(stdout)) && result == 0)
            return libvirt_complain(GATE_FAILED, "cannot write to standard output: %s", strerror(errno));
        return result;
    }
    return libvirt_complain(GATE_USAGE, "vfpool-gate is called by vfpool, not by hand");
}
