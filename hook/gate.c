/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gate - vfpool-gate, the only program that talks to libvirt
 *
 * Not for people: lib/gate.c runs it and kills it past a deadline, as libvirt's client library has none. One call, one
 * connection, one line on standard error when it fails. Exit status: 0 done, 1 libvirt said no, 2 wrong arguments, 3
 * the network is not there or not active, 4 somebody else has the port.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gate-libvirt.h"
#include "gate-verb.h"
#include "program.h"

static const struct {
    const char *name;
    int argument_count;
    int (*run)(char **arguments);
} verbs[] = {
    {"set", 1, verb_set},       {"open", 1, verb_open},     {"prune", 1, verb_prune},     {"network", 1, verb_network},
    {"define", 1, verb_define}, {"domain", 1, verb_domain}, {"domains", 0, verb_domains},
};

/* Errors are complained about where they matter, in one line. */
static void ignore_libvirt_error(void *context, virErrorPtr problem)
{
    (void)context, (void)problem;
}

int main(int argc, char **argv)
{
    program_guard_memory(EXIT_FAILED);
    virSetErrorFunc(NULL, ignore_libvirt_error);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs && argc > 1; i++) {
        if (strcmp(argv[1], verbs[i].name) != 0 || argc != 2 + verbs[i].argument_count)
            continue;
        int result = verbs[i].run(argv + 2);
        if (fflush(stdout) != 0 && result == 0)
            return libvirt_complain(EXIT_FAILED, "cannot write to standard output: %s", strerror(errno));
        return result;
    }
    return libvirt_complain(EXIT_USAGE, "vfpool-gate is called by vfpool, not by hand");
}
