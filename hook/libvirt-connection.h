/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt-connection - what the parts of vfpool-gate share: the connection, a network on it, and how they fail */
#ifndef VFPOOL_LIBVIRT_CONNECTION_H
#define VFPOOL_LIBVIRT_CONNECTION_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdbool.h>

#include "cleanup.h"
#include "gate-protocol.h"
#include "pciaddr.h"

/** libvirt_complain() - say on standard error why it failed, in one line. Return: @code, an exit status. */
int libvirt_complain(int code, const char *format, ...) printf_like(2, 3);

/** libvirt_say() - print a line of the output: @word, and what follows, made one line whatever a guest is called */
void libvirt_say(const char *word, const char *format, ...) printf_like(2, 3);

/** libvirt_words() - the last call's error, in libvirt's words; never NULL */
const char *libvirt_words(void);

/** libvirt_connect() - Return: 0 and a connection to close, or an exit status after complaining. */
int libvirt_connect(const char *uri, virConnectPtr *connection) must_check nonnull(1, 2);

struct libvirt_network {
    const char *name;
    virConnectPtr connection;
    virNetworkPtr handle;
    /* By libvirt_network_read(): */
    int connections;           /* how many of its VFs libvirt counts as in use */
    struct pciaddr_set listed; /* what libvirt may pick */
};

/** libvirt_network_find() - Return: 0, or an exit status after complaining; GATE_NO_NETWORK when it is not defined. */
int libvirt_network_find(const char *name, struct libvirt_network *network) must_check nonnull(1, 2);

/** libvirt_network_read() - reads its XML. Return: 0, or an exit status after complaining. */
int libvirt_network_read(struct libvirt_network *network) must_check nonnull(1);

/** libvirt_network_start() - have it active. Return: 0, also where it is, or -1 with libvirt's words in @words. */
int libvirt_network_start(const struct libvirt_network *network, char *words, size_t size) must_check nonnull(1, 2);

/** libvirt_network_failed() - complain that a call on the network failed, or that it is not active */
int libvirt_network_failed(const struct libvirt_network *network, const char *what) nonnull(1, 2);

/** libvirt_network_close() - also for one that was not found */
void libvirt_network_close(struct libvirt_network *network) nonnull(1);

/** libvirt_input() - all of standard input, which the caller frees. Return: 0, or -1 after complaining. */
int libvirt_input(char **input) must_check nonnull(1);

#endif
