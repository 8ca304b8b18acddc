/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gate-verb.h"

#include <stdio.h>
#include <string.h>

#include "gate-libvirt.h"
#include "gate-network.h"
#include "gate-port.h"
#include "memory.h"

/* What is to be held and freed, in the order of the lines. */
struct wish {
    struct pciaddr *addresses;
    size_t hold_count, free_count; /* the first ones; the last ones */
};

struct work {
    struct libvirt_network network;
    struct ports ports;
    struct wish wish;
    bool complete; /* every VF that the network lists has a port */
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
            libvirt_complain(GATE_USAGE, "'%s' is not a PCI address", text);
            return -1;
        }
    }
    return count;
}

static int read_wish(struct wish *wish)
{
    _cleanup_(cleanup_free) char *input = NULL;
    size_t lines = 1;
    if (libvirt_input(&input) < 0)
        return GATE_FAILED;
    for (const char *byte = input; *byte; byte++)
        lines += *byte == '\n';
    wish->addresses = memory_new(lines, sizeof *wish->addresses);
    long hold = parse_lines(input, GATE_HOLD, wish->addresses);
    long free = hold < 0 ? -1 : parse_lines(input, GATE_FREE, wish->addresses + hold);
    if (free < 0)
        return GATE_USAGE;
    wish->hold_count = (size_t)hold;
    wish->free_count = (size_t)free;
    return 0;
}

/* Before a VF is freed, what libvirt counts must be right. Whoever frees a VF has the turn: nobody else ends the
 * network meanwhile. */
static int count_again(struct work *work)
{
    int again = network_count_again(&work->network);
    if (again <= 0)
        return again == 0 ? 0 : GATE_FAILED;
    ports_free(&work->ports);
    return ports_list(&work->network, &work->ports);
}

/*
 * What is known before anything is held. One call a port tells whose it is, and one call a VF whether it can be held:
 * the fewer of the two are made, and none where there are as many ports as VFs.
 */
static int look(struct work *work)
{
    size_t foreign = work->ports.count - work->ports.held.count, missing = 0;
    for (size_t i = 0; i < work->wish.hold_count; i++)
        missing += !pciaddr_set_has(&work->ports.held, &work->wish.addresses[i]);
    bool many = missing > 1 && missing >= foreign;
    int result = work->wish.free_count || many ? libvirt_network_read(&work->network) : 0;
    if (result == 0 && work->wish.free_count)
        result = count_again(work);
    work->complete = work->network.listed.count > 0 && work->ports.count >= work->network.listed.count;
    if (result == 0 && many && !work->complete)
        result = ports_identify(&work->network, &work->ports);
    return result;
}

/* libvirt's error is one and the same for what somebody else has, and for what the network does not list (F25). Who
 * holds needs no turn, so another process of ours may have held it since the ports were listed. */
static int explain_unheld(struct work *work, const struct pciaddr *address)
{
    char words[512], text[PCIADDR_SIZE];
    snprintf(words, sizeof words, "%s", libvirt_words());
    ports_free(&work->ports);
    int result = ports_list(&work->network, &work->ports);
    if (result != 0 || pciaddr_set_has(&work->ports.held, address))
        return result;
    result = ports_identify(&work->network, &work->ports);
    if (result == 0)
        result = libvirt_network_read(&work->network);
    if (result != 0 || ports_foreign(&work->ports, address) || !pciaddr_set_has(&work->network.listed, address))
        return result;
    return libvirt_complain(GATE_FAILED, "cannot hold VF %s: %s", pciaddr_format(address, text), words);
}

static int hold(struct work *work, const struct pciaddr *address)
{
    char text[PCIADDR_SIZE];
    if (work->complete || pciaddr_set_has(&work->ports.held, address))
        return 0;
    if (work->ports.identified &&
        (ports_foreign(&work->ports, address) || !pciaddr_set_has(&work->network.listed, address)))
        return 0;
    if (ports_hold(&work->network, address) < 0)
        return explain_unheld(work, address);
    printf(GATE_HELD "%s\n", pciaddr_format(address, text));
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
        return libvirt_complain(GATE_NO_NETWORK, "libvirt network '%s' does not list VF %s: run 'vfpool reconcile'",
                                name, text);
    int result = ours ? 0 : ports_identify(&work->network, &work->ports);
    if (result == 0 && !ours)
        other = ports_foreign(&work->ports, address);
    if (result == 0 && other)
        ports_print(&work->ports);
    if (result == 0 && other)
        return libvirt_complain(
            GATE_BUSY,
            "VF %s has a port of '%s' on libvirt network '%s' already; if it is nobody's: virsh net-port-delete %s %s",
            text, other->owner, name, name, other->uuid);
    if (result != 0 || !ours)
        return result;
    if (virNetworkPortDelete(ours->handle, 0) < 0)
        return libvirt_complain(GATE_FAILED, "cannot free VF %s: %s", text, libvirt_words());
    printf(GATE_FREED "%s\n", text);
    return 0;
}

/* Everything is held before anything is freed: in between nothing more is open than afterwards. */
int verb_set(char **arguments)
{
    _cleanup_(close_work) struct work work = {0};
    int result = read_wish(&work.wish);
    if (result == 0 && work.wish.hold_count)
        result = ports_guard(false);
    if (result == 0)
        result = libvirt_network_find(arguments[0], &work.network);
    if (result == 0)
        result = network_finish(&work.network);
    if (result == 0)
        result = ports_list(&work.network, &work.ports);
    if (result == 0)
        result = look(&work);
    for (size_t i = 0; i < work.wish.hold_count && result == 0; i++)
        result = hold(&work, &work.wish.addresses[i]);
    for (size_t i = 0; i < work.wish.free_count && result == 0; i++)
        result = set_free(&work, &work.wish.addresses[work.wish.hold_count + i]);
    return result;
}

int verb_ports(char **arguments)
{
    _cleanup_(libvirt_network_close) struct libvirt_network network = {0};
    _cleanup_(ports_free) struct ports ports = {0};
    int result = libvirt_network_find(arguments[0], &network);
    if (result == 0)
        result = ports_list(&network, &ports);
    if (result == 0)
        result = ports_identify(&network, &ports);
    if (result == 0)
        ports_print(&ports);
    return result;
}

/* One that is not there any more needs no deleting. */
static int delete_port(const struct libvirt_network *network, const char *uuid)
{
    virNetworkPortPtr port = virNetworkPortLookupByUUIDString(network->handle, uuid);
    bool deleted = port && virNetworkPortDelete(port, 0) == 0;
    if (port)
        virNetworkPortFree(port);
    if (deleted)
        printf(GATE_FREED "%s\n", uuid);
    return deleted || virGetLastErrorCode() == VIR_ERR_NO_NETWORK_PORT
               ? 0
               : libvirt_complain(GATE_FAILED, "cannot delete port %s of libvirt network '%s': %s", uuid, network->name,
                                  libvirt_words());
}

int verb_prune(char **arguments)
{
    _cleanup_(libvirt_network_close) struct libvirt_network network = {0};
    _cleanup_(cleanup_free) char *input = NULL;
    if (libvirt_input(&input) < 0)
        return GATE_FAILED;
    int result = libvirt_network_find(arguments[0], &network);
    for (char *rest = NULL, *uuid = strtok_r(input, "\n", &rest); uuid && result == 0;
         uuid = strtok_r(NULL, "\n", &rest))
        result = delete_port(&network, uuid);
    return result;
}

/* What cannot be freed keeps no other one. */
static int free_all(const struct ports *ports)
{
    int failed = 0;
    for (size_t i = 0; i < ports->count; i++) {
        char text[PCIADDR_SIZE];
        if (!ports->ports[i].ours)
            continue;
        pciaddr_format(&ports->ports[i].address, text);
        if (virNetworkPortDelete(ports->ports[i].handle, 0) == 0)
            printf(GATE_FREED "%s\n", text);
        else if (virGetLastErrorCode() != VIR_ERR_NO_NETWORK_PORT && failed++ == 0)
            (void)libvirt_complain(GATE_FAILED, "cannot free VF %s: %s", text, libvirt_words());
    }
    return failed ? GATE_FAILED : 0;
}

int verb_open(char **arguments)
{
    _cleanup_(libvirt_network_close) struct libvirt_network network = {0};
    _cleanup_(ports_free) struct ports ports = {0};
    int result = ports_guard(true);
    if (result == 0)
        result = libvirt_network_find(arguments[0], &network);
    if (result == 0)
        result = network_finish(&network);
    if (result == 0)
        result = libvirt_network_read(&network);
    /* libvirt is going to choose by its count from here on. */
    if (result == 0 && network_count_again(&network) < 0)
        result = GATE_FAILED;
    if (result == 0)
        result = ports_list(&network, &ports);
    return result == 0 ? free_all(&ports) : result;
}
