/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt-verb.h"

#include <stdio.h>
#include <string.h>

#include "libvirt-connection.h"
#include "libvirt-network.h"
#include "libvirt-port.h"
#include "memory.h"

/* What is to be blocked and opened, in the order of the lines. */
struct wish {
    struct pciaddr *addresses;
    size_t block_count, open_count; /* the first ones; the last ones */
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
    long block = parse_lines(input, GATE_BLOCK, wish->addresses);
    long open = block < 0 ? -1 : parse_lines(input, GATE_OPEN, wish->addresses + block);
    if (open < 0)
        return GATE_USAGE;
    /* What a vfpool of another version says, in the moment of an upgrade, is not done by halves. */
    if ((size_t)(block + open + 1) != lines)
        return libvirt_complain(GATE_USAGE, "a line is neither '" GATE_BLOCK "ADDRESS' nor '" GATE_OPEN "ADDRESS'");
    wish->block_count = (size_t)block;
    wish->open_count = (size_t)open;
    return 0;
}

/* Before a VF is opened, what libvirt counts must be right. Whoever opens a VF has the turn: nobody else ends the
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
 * What is known before anything is blocked. One call a port tells whose it is, and one call a VF whether it can be
 * blocked: the fewer of the two are made, and none where there are as many ports as VFs.
 */
static int look(struct work *work)
{
    size_t foreign = work->ports.count - work->ports.blocked.count, missing = 0;
    for (size_t i = 0; i < work->wish.block_count; i++)
        missing += !pciaddr_set_has(&work->ports.blocked, &work->wish.addresses[i]);
    bool many = missing > 1 && missing >= foreign;
    int result = work->wish.open_count || many ? libvirt_network_read(&work->network) : 0;
    if (result == 0 && work->wish.open_count)
        result = count_again(work);
    if (result != 0)
        return result;
    work->complete = work->network.listed.count > 0 && work->ports.count >= work->network.listed.count;
    return many && !work->complete ? ports_identify(&work->network, &work->ports) : 0;
}

/* libvirt's error is one and the same for what somebody else has, and for what the network does not list (F25). Who
 * blocks needs no turn, so another process of ours may have blocked it since the ports were listed. */
static int explain_unblocked(struct work *work, const struct pciaddr *address)
{
    char words[512], text[PCIADDR_SIZE];
    snprintf(words, sizeof words, "%s", libvirt_words());
    ports_free(&work->ports);
    int result = ports_list(&work->network, &work->ports);
    if (result != 0 || pciaddr_set_has(&work->ports.blocked, address))
        return result;
    result = ports_identify(&work->network, &work->ports);
    if (result == 0)
        result = libvirt_network_read(&work->network);
    if (result != 0 || ports_foreign(&work->ports, address) || !pciaddr_set_has(&work->network.listed, address))
        return result;
    return libvirt_complain(GATE_FAILED, "cannot block VF %s: %s", pciaddr_format(address, text), words);
}

static int block(struct work *work, const struct pciaddr *address)
{
    char text[PCIADDR_SIZE];
    if (work->complete || pciaddr_set_has(&work->ports.blocked, address))
        return 0;
    if (work->ports.identified &&
        (ports_foreign(&work->ports, address) || !pciaddr_set_has(&work->network.listed, address)))
        return 0;
    if (ports_block(&work->network, address) < 0)
        return explain_unblocked(work, address);
    printf(GATE_BLOCKED "%s\n", pciaddr_format(address, text));
    return 0;
}

static const struct port *our_port(const struct ports *ports, const struct pciaddr *address)
{
    for (size_t i = 0; i < ports->count; i++)
        if (ports->ports[i].ours && pciaddr_equal(&ports->ports[i].address, address))
            return &ports->ports[i];
    return NULL;
}

static int open_one(struct work *work, const struct pciaddr *address)
{
    const char *name = work->network.name;
    const struct port *ours = our_port(&work->ports, address);
    char text[PCIADDR_SIZE];
    pciaddr_format(address, text);
    if (!pciaddr_set_has(&work->network.listed, address))
        return libvirt_complain(GATE_NO_NETWORK, "libvirt network '%s' does not list VF %s: run 'vfpool reconcile'",
                                name, text);
    if (!ours) {
        int result = ports_identify(&work->network, &work->ports);
        const struct port *other = result == 0 ? ports_foreign(&work->ports, address) : NULL;
        if (!other)
            return result;
        ports_print(&work->ports);
        return libvirt_complain(
            GATE_BUSY,
            "VF %s has a port of '%s' on libvirt network '%s' already; if it is nobody's: virsh net-port-delete %s %s",
            text, other->owner, name, name, other->uuid);
    }
    if (virNetworkPortDelete(ours->handle, 0) < 0)
        return libvirt_complain(GATE_FAILED, "cannot open VF %s: %s", text, libvirt_words());
    printf(GATE_OPENED "%s\n", text);
    return 0;
}

/* Everything is blocked before anything is opened: in between nothing more is open than afterwards. */
int verb_set(char **arguments)
{
    _cleanup_(close_work) struct work work = {0};
    int result = read_wish(&work.wish);
    if (result == 0 && work.wish.block_count)
        result = ports_guard(false);
    if (result == 0)
        result = libvirt_network_find(arguments[0], &work.network);
    if (result == 0)
        result = network_finish(&work.network);
    if (result == 0)
        result = ports_list(&work.network, &work.ports);
    if (result == 0)
        result = look(&work);
    for (size_t i = 0; i < work.wish.block_count && result == 0; i++)
        result = block(&work, &work.wish.addresses[i]);
    for (size_t i = 0; i < work.wish.open_count && result == 0; i++)
        result = open_one(&work, &work.wish.addresses[work.wish.block_count + i]);
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
        printf(GATE_OPENED "%s\n", uuid);
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

/* What cannot be opened keeps no other one. */
static int open_all(const struct ports *ports)
{
    int failed = 0;
    for (size_t i = 0; i < ports->count; i++) {
        char text[PCIADDR_SIZE];
        if (!ports->ports[i].ours)
            continue;
        pciaddr_format(&ports->ports[i].address, text);
        if (virNetworkPortDelete(ports->ports[i].handle, 0) == 0)
            printf(GATE_OPENED "%s\n", text);
        else if (virGetLastErrorCode() != VIR_ERR_NO_NETWORK_PORT && failed++ == 0)
            (void)libvirt_complain(GATE_FAILED, "cannot open VF %s: %s", text, libvirt_words());
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
    if (result != 0)
        return result;
    /* libvirt is going to choose by its count from here on. */
    if (network_count_again(&network) < 0)
        return GATE_FAILED;
    result = ports_list(&network, &ports);
    return result != 0 ? result : open_all(&ports);
}
