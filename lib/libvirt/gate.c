/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "child.h"
#include "gate-protocol.h"
#include "io.h"
#include "libvirtd.h"
#include "memory.h"

#define TRIES 2
#define MAX_ARGUMENTS 4

bool gate_present(int root)
{
    return libvirtd_has_socket(root);
}

int gate_usable(int root, struct error *error)
{
    struct libvirtd_load load;
    if (!gate_present(root))
        return 0;
    /* virtnetworkd has workers of its own: virtqemud's hooks occupy none, and it serves while guests are autostarted.
     */
    if (libvirtd_is_modular(root) || !libvirtd_of_hook(root, &load))
        return 1;
    if (load.starting)
        return 0;
    if (load.hooks < load.max_workers)
        return 1;
    return error_set(
        error, EAGAIN,
        "%u guest%s %s being started or stopped at once, as many as libvirtd has workers: raise max_workers "
        "(now %u) in /etc/libvirt/libvirtd.conf above the number of VFs, or try again",
        load.hooks, PLURAL(load.hooks), load.hooks == 1 ? "is" : "are", load.max_workers);
}

#define OUR_UUID "%08" PRIx32 "-7666-4000-8000-%012" PRIx32

void gate_port_uuid(const struct pciaddr *address, char uuid[UUID_SIZE])
{
    snprintf(uuid, UUID_SIZE, OUR_UUID, address->domain, (uint32_t)(pciaddr_key(address) & 0xffff));
}

bool gate_port_address(const char *uuid, struct pciaddr *address)
{
    char again[UUID_SIZE];
    if (strlen(uuid) != UUID_SIZE - 1)
        return false;
    uint64_t domain = strtoull(uuid, NULL, 16), rest = strtoull(uuid + 24, NULL, 16);
    *address = pciaddr_from_key(domain << 16 | (rest & 0xffff));
    gate_port_uuid(address, again);
    return strcmp(again, uuid) == 0;
}

static int call(int root, const char *const *arguments, const char *input, int timeout_ms, struct child_end *end,
                struct error *error)
{
    const char *words[MAX_ARGUMENTS + 2] = {"vfpool-gate"};
    for (size_t i = 0; i < MAX_ARGUMENTS && arguments[i]; i++)
        words[i + 1] = arguments[i];
    struct child child = {.root = root,
                          .root_fd = GATE_ROOT_FD,
                          .path = GATE_PATH,
                          .arguments = words,
                          .input = input,
                          .timeout_ms = timeout_ms};
    int result = child_run(&child, end);
    if (result == -ETIMEDOUT)
        return error_set(error, ETIMEDOUT, "libvirt did not answer within %d s", (timeout_ms + 999) / 1000);
    if (result < 0)
        return error_set(error, -result, "cannot talk to vfpool-gate: %s", strerror(-result));
    if (end->status == GATE_DONE)
        return 0;
    end->problems[strcspn(end->problems, "\n")] = '\0';
    result = error_set(error,
                       end->status == GATE_NO_NETWORK  ? ENOENT
                       : end->status == GATE_BUSY      ? EBUSY
                       : end->status == GATE_NO_DAEMON ? EHOSTDOWN
                                                       : EIO,
                       "%s", end->problems);
    /* What cannot be printed says no more than nothing. */
    return error->message[0] ? result : error_set(error, result == -EIO ? EINTR : -result, "vfpool-gate was killed");
}

int gate_ask(int root, const char *const *arguments, const char *input, int timeout_ms, char **answer,
             struct error *error)
{
    _cleanup_(child_free) struct child_end end = {0};
    int result = call(root, arguments, input, timeout_ms, &end, error);
    if (result == 0)
        *answer = steal(end.output);
    return result;
}

bool gate_ports_have(const struct gate_ports *ports, const struct pciaddr *address)
{
    for (size_t i = 0; i < ports->count; i++)
        if (pciaddr_equal(&ports->ports[i].address, address))
            return true;
    return false;
}

void gate_ports_free(struct gate_ports *ports)
{
    for (size_t i = 0; i < ports->count; i++)
        free(ports->ports[i].name);
    free(ports->ports);
    *ports = (struct gate_ports){0};
}

/* Reads the lines of ports; others are passed over. */
static void read_ports(const char *output, struct gate_ports *ports)
{
    for (const char *line = output; line && *line; line += strcspn(line, "\n") + (strchr(line, '\n') != NULL)) {
        char address[PCIADDR_SIZE];
        struct gate_port port;
        int used = 0;
        if (sscanf(line, GATE_PORT "%16s %36s %36s %n", address, port.uuid, port.owner, &used) != 3 || used == 0 ||
            pciaddr_parse(address, &port.address) < 0)
            continue;
        port.name = memory_copy_part(line + used, strcspn(line + used, "\n"));
        ports->ports = memory_resize(ports->ports, ports->count + 1, sizeof *ports->ports);
        ports->ports[ports->count++] = port;
    }
}

int gate_ports(int root, const char *network, struct gate_ports *ports, struct error *error)
{
    const char *arguments[] = {"ports", network, NULL};
    _cleanup_(cleanup_free) char *answer = NULL;
    *ports = (struct gate_ports){0};
    int result = gate_ask(root, arguments, NULL, GATE_CALL_MS, &answer, error);
    if (result == 0)
        read_ports(answer, ports);
    return result;
}

/* Passes on the notes. Return: how many lines say that something was changed. */
static int count_changes(const char *output, struct error *error)
{
    int count = 0;
    for (const char *line = output; *line; line += strcspn(line, "\n") + (strchr(line, '\n') != NULL)) {
        if (strncmp(line, GATE_NOTE, strlen(GATE_NOTE)) == 0)
            error_note(error, "%.*s", (int)(strcspn(line, "\n") - strlen(GATE_NOTE)), line + strlen(GATE_NOTE));
        else
            count++;
    }
    return count;
}

static int change(int root, const char *const *arguments, const char *input, struct gate_ports *others,
                  struct error *error)
{
    _cleanup_(child_free) struct child_end end = {0};
    int result = call(root, arguments, input, GATE_CALL_MS, &end, error);
    int changes = end.output ? count_changes(end.output, error) : 0;
    if (result == -EBUSY && others)
        read_ports(end.output, others);
    return result < 0 ? result : changes;
}

int gate_change(int root, const char *const *arguments, const char *input, struct error *error)
{
    return change(root, arguments, input, NULL, error);
}

/* Return: how many bytes of @input are used; @input has room for what is added. */
static size_t add_lines(char *input, size_t used, const char *verb, const struct gate_set *set)
{
    char text[PCIADDR_SIZE];
    for (size_t i = 0; set && i < set->count; i++)
        used += (size_t)sprintf(input + used, "%s%s\n", verb, pciaddr_format(&set->addresses[i], text));
    return used;
}

int gate_set(int root, const char *network, const struct gate_set *block, const struct gate_set *open,
             struct gate_ports *others, struct error *error)
{
    const char *arguments[] = {"set", network, NULL};
    size_t lines = (block ? block->count : 0) + (open ? open->count : 0);
    _cleanup_(cleanup_free) char *input = memory_new(lines + 1, sizeof GATE_BLOCK + PCIADDR_SIZE);
    add_lines(input, add_lines(input, 0, GATE_BLOCK, block), GATE_OPEN, open);
    int result = -ETIMEDOUT;
    for (int i = 0; i < TRIES && result == -ETIMEDOUT; i++)
        result = change(root, arguments, input, others, error);
    return result;
}

bool gate_has_word(const char *line, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = line; (at = strstr(at, word)) != NULL; at += length)
        if ((at == line || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}
