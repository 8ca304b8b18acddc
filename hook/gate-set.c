/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "gate-port.h"
#include "gate-verb.h"
#include "io.h"
#include "memory.h"
#include "program.h"
#include "xml.h"

/* What is to be held and freed, in the order of the lines. */
struct wish {
    struct pciaddr *addresses;
    size_t hold_count, free_count; /* the first ones; the last ones */
};

struct work {
    struct libvirt_network network;
    struct ports ports;
    struct wish wish;
};

static void close_work(struct work *work)
{
    free(work->wish.addresses);
    ports_free(&work->ports);
    libvirt_network_close(&work->network);
}

/* The lines with @verb, appended to @addresses. Return: how many, or -1 after complaining. */
static long parse_lines(const char *input, const char *verb, struct pciaddr *addresses)
{
    size_t length = strlen(verb);
    long count = 0;
    for (const char *line = input; *line; line += strcspn(line, "\n") + (strchr(line, '\n') != NULL)) {
        char text[PCIADDR_SIZE] = "";
        if (strncmp(line, verb, length) != 0)
            continue;
        snprintf(text, sizeof text, "%.*s", (int)strcspn(line + length, "\n"), line + length);
        if (pciaddr_parse(text, &addresses[count++]) < 0) {
            libvirt_complain(EXIT_USAGE, "'%s' is not a PCI address", text);
            return -1;
        }
    }
    return count;
}

static int read_wish(struct wish *wish)
{
    _cleanup_(cleanup_free) char *input = NULL;
    size_t length = 0, lines = 1;
    if (io_read(STDIN_FILENO, XML_MAX_BYTES, IO_NO_DEADLINE, &input, &length) < 0)
        return libvirt_complain(EXIT_FAILED, "cannot read standard input");
    for (const char *byte = input; *byte; byte++)
        lines += *byte == '\n';
    wish->addresses = memory_new(lines, sizeof *wish->addresses);
    long hold = parse_lines(input, "hold ", wish->addresses);
    long free = hold < 0 ? -1 : parse_lines(input, "free ", wish->addresses + hold);
    if (free < 0)
        return EXIT_USAGE;
    wish->hold_count = (size_t)hold;
    wish->free_count = (size_t)free;
    return 0;
}

/*
 * Before a VF is freed, what libvirt counts must be right, and that is seen in the network's XML. Whoever frees a VF
 * has the turn: nobody else ends the network meanwhile.
 */
static int prepare_to_free(struct work *work)
{
    int result = libvirt_network_read(&work->network);
    if (result != 0)
        return result;
    int again = ports_count_again(&work->network);
    if (again <= 0)
        return again == 0 ? 0 : EXIT_FAILED;
    ports_free(&work->ports);
    return ports_list(&work->network, &work->ports);
}

/* libvirt's error is one and the same for what somebody else has, and for what the network does not list (F25). */
static int explain_unheld(struct work *work, const struct pciaddr *address)
{
    char words[512], text[PCIADDR_SIZE];
    snprintf(words, sizeof words, "%s", libvirt_words());
    int result = ports_identify(&work->network, &work->ports);
    if (result == 0)
        result = libvirt_network_read(&work->network);
    if (result != 0 || ports_foreign(&work->ports, address) || !pciaddr_set_has(&work->network.listed, address))
        return result;
    return libvirt_complain(EXIT_FAILED, "cannot hold VF %s: %s", pciaddr_format(address, text), words);
}

static int hold(struct work *work, const struct pciaddr *address)
{
    char text[PCIADDR_SIZE];
    if (pciaddr_set_has(&work->ports.held, address))
        return 0;
    /* Many are asked for when others are freed, those of running guests among them: no trial and error then. */
    if (work->wish.free_count) {
        int result = ports_identify(&work->network, &work->ports);
        if (result != 0 || ports_foreign(&work->ports, address) || !pciaddr_set_has(&work->network.listed, address))
            return result;
    }
    if (ports_hold(&work->network, address) < 0)
        return explain_unheld(work, address);
    printf("held %s\n", pciaddr_format(address, text));
    return 0;
}

static const struct port *our_port(const struct ports *ports, const struct pciaddr *address)
{
    for (size_t i = 0; i < ports->count; i++)
        if (ports->ports[i].ours && pciaddr_equal(&ports->ports[i].address, address))
            return &ports->ports[i];
    return NULL;
}

static int set_free(struct work *work, const struct pciaddr *address)
{
    const char *name = work->network.name;
    const struct port *ours = our_port(&work->ports, address), *other = NULL;
    char text[PCIADDR_SIZE];
    pciaddr_format(address, text);
    if (!pciaddr_set_has(&work->network.listed, address))
        return libvirt_complain(EXIT_NO_NETWORK, "libvirt network '%s' does not list VF %s: run 'vfpool reconcile'",
                                name, text);
    int result = ours ? 0 : ports_identify(&work->network, &work->ports);
    if (result == 0 && !ours)
        other = ports_foreign(&work->ports, address);
    if (result == 0 && other)
        return libvirt_complain(
            EXIT_BUSY,
            "VF %s has a port of '%s' on libvirt network '%s' already; if it is nobody's: virsh net-port-delete %s %s",
            text, other->owner, name, name, other->uuid);
    if (result != 0 || !ours)
        return result;
    if (virNetworkPortDelete(ours->handle, 0) < 0)
        return libvirt_complain(EXIT_FAILED, "cannot free VF %s: %s", text, libvirt_words());
    printf("freed %s\n", text);
    return 0;
}

/* Everything is held before anything is freed: in between nothing more is open than afterwards. */
int verb_set(char **arguments)
{
    _cleanup_(close_work) struct work work = {0};
    int result = read_wish(&work.wish);
    if (result == 0)
        result = libvirt_network_find(arguments[0], &work.network);
    if (result == 0)
        result = ports_list(&work.network, &work.ports);
    if (result == 0 && work.wish.free_count)
        result = prepare_to_free(&work);
    for (size_t i = 0; i < work.wish.hold_count && result == 0; i++)
        result = hold(&work, &work.wish.addresses[i]);
    for (size_t i = 0; i < work.wish.free_count && result == 0; i++)
        result = set_free(&work, &work.wish.addresses[work.wish.hold_count + i]);
    return result;
}
