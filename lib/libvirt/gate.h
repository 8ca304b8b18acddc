/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gate - which VFs libvirt may pick: the ports of the libvirt network that carries a pool's name
 *
 * libvirt gives a guest the first VF of the network without a port. A port of ours for every other VF leaves it no
 * choice (docs/design.md, section 2). Every call is made by vfpool-gate, a short process that is killed past its
 * deadline: a call back into libvirt from a hook can hang (F11), and libvirt's client library has no deadlines.
 */
#ifndef VFPOOL_GATE_H
#define VFPOOL_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "domain.h"
#include "error.h"
#include "pciaddr.h"

#define GATE_CALL_MS 8000  /* one try; there are two (F22) */
#define GATE_LIST_MS 30000 /* guests: libvirt waits for the hooks of those that start and stop (F26) */

/** gate_present() - whether libvirt serves networks here: virtnetworkd's socket, or the monolithic libvirtd's */
bool gate_present(int root) must_check;

/**
 * gate_usable() - whether libvirt can be called from this hook now
 *
 * Not while the monolithic daemon that called the hook starts its guests (F12): then libvirt gives what is open. Not,
 * with an error, when as many of its hooks run as it has workers (F11): a call would wait for a worker that waits for
 * the call.
 *
 * Return: 1, 0, or -EAGAIN with the setting to change.
 */
int gate_usable(int root, struct error *error) must_check nonnull(2);

/**
 * gate_port_uuid() - the UUID of vfpool's port on a VF: what tells our ports from others', by whatever owner
 *
 * Derived from the address: a port made again after a network was, is the same port, and need not be read. libvirt
 * makes up the UUIDs of all others at random, so nothing that a guest's XML says makes one look like ours.
 */
void gate_port_uuid(const struct pciaddr *address, char uuid[UUID_SIZE]) nonnull(1, 2);

/** gate_port_address() - whether a UUID is one of these. @address: then the VF's */
bool gate_port_address(const char *uuid, struct pciaddr *address) must_check nonnull(1, 2);

struct gate_set {
    struct pciaddr *addresses;
    size_t count;
};

/* A port of somebody else's. */
struct gate_port {
    struct pciaddr address;
    char uuid[UUID_SIZE];
    char owner[UUID_SIZE];
    char *name; /* the owner's */
};

struct gate_ports {
    struct gate_port *ports;
    size_t count;
};

/**
 * gate_ports() - the ports of others on a network
 * @ports: the caller frees it with gate_ports_free(), also after a failure
 *
 * Return: 0, or as gate_ask().
 */
int gate_ports(int root, const char *network, struct gate_ports *ports, struct error *error) must_check
    nonnull(2, 3, 4);

void gate_ports_free(struct gate_ports *ports) nonnull(1);

/** gate_ports_have() - whether one of them is this VF's */
bool gate_ports_have(const struct gate_ports *ports, const struct pciaddr *address) must_check nonnull(1, 2);

/**
 * gate_set() - block some VFs of a network, and open others
 * @block: each gets a port of ours unless it has one, whoever's; those that the network does not list are passed over
 * @open: none of them has a port of ours afterwards, and the network lists each
 *
 * @others: after -EBUSY the ports of others, for the caller to free with gate_ports_free(); may be NULL
 *
 * Doing it twice is doing it once.
 *
 * Return: how many ports it made or took away; -ETIMEDOUT; -ENOENT when the network is not there or not active; -EBUSY
 * when a VF to be opened has somebody else's port; -EIO with libvirt's words otherwise.
 */
int gate_set(int root, const char *network, const struct gate_set *block, const struct gate_set *open,
             struct gate_ports *others, struct error *error) must_check nonnull(2, 6);

/**
 * gate_ask() - have vfpool-gate answer
 * @arguments: behind the program's name, ended by NULL: libvirt-verb.h of hook/
 * @input:     for its standard input; may be NULL
 * @answer:    what it printed, which the caller frees
 *
 * Return: 0; -ETIMEDOUT; -ENOENT when what it was asked about is not there; -EHOSTDOWN where nobody answers at
 * libvirt's socket; -EINTR when vfpool-gate was killed; or a negative errno value with the one line that it said.
 */
int gate_ask(int root, const char *const *arguments, const char *input, int timeout_ms, char **answer,
             struct error *error) must_check nonnull(2, 5, 6);

/** gate_change() - have vfpool-gate change something; its notes are added. Return: how many changes it told of, or as
 * gate_ask(). */
int gate_change(int root, const char *const *arguments, const char *input, struct error *error) must_check
    nonnull(2, 4);

/** gate_has_word() - whether a line of several has this one, as the first line of "network" does */
bool gate_has_word(const char *line, const char *word) must_check nonnull(1, 2);

#endif
