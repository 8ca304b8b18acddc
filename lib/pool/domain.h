/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain - a guest's XML (https://libvirt.org/formatdomain.html), and which VFs it asks for */
#ifndef VFPOOL_DOMAIN_H
#define VFPOOL_DOMAIN_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "pciaddr.h"

#define UUID_SIZE sizeof "01234567-89ab-cdef-0123-456789abcdef"
#define MAC_SIZE sizeof "52:54:00:00:00:01"

enum request_type {
    REQUEST_NETWORK,   /* <interface type='network'> on a pool: any of its VFs will do */
    REQUEST_INTERFACE, /* <interface type='hostdev'>: this very PCI device */
    REQUEST_DIRECT,    /* <interface type='direct'> in mode passthrough: the device behind this network interface */
    REQUEST_HOSTDEV,   /* <hostdev type='pci'>: this very PCI device, and libvirt sets no MAC on it */
};

struct request {
    enum request_type type;
    unsigned int number; /* of the interface among the guest's, or of the hostdev among its; from 1 */
    char *network;       /* REQUEST_NETWORK: the pool's name */
    char *portgroup;     /* NULL: none named */
    char *alias;         /* NULL: none yet */
    char *netdev;        /* REQUEST_DIRECT: the host's network interface */
    /* Of the device on the host; not for REQUEST_NETWORK. For REQUEST_DIRECT the caller finds it; until then, and where
     * there is none, it is 0000:00:00.0, which is never a VF. */
    struct pciaddr address;
    char mac[MAC_SIZE]; /* in lower case; empty when there is none */
    xmlNodePtr element; /* in the domain's document; VLAN and guest address are read from here */
};

struct domain {
    xmlDocPtr doc;
    char uuid[UUID_SIZE]; /* in lower case, with hyphens; empty: a draft's that has none */
    char *name;
    struct request *requests; /* in the order of the document */
    size_t request_count;
};

/** domain_is_pool_t() - whether a network of this name is a pool */
typedef bool domain_is_pool_t(void *context, const char *network);

/**
 * domain_read() - read a domain's XML and find what it asks for
 * @is_pool: told of each network that an interface names; NULL: none is a pool
 * @draft:   not defined yet: libvirt will give the guest and its interfaces the UUID and MAC addresses that it lacks
 * @domain:  the caller frees with domain_free(), also after a failure
 *
 * A request is each interface on a pool, and each PCI device that is passed through; whether a pool offers that
 * device is the caller's to find out. An interface on a pool has to have a MAC address of its own (libvirt gives
 * one to each when a domain is defined) and no <bandwidth>, which a VF cannot do.
 *
 * Return: 0, or a negative errno value with the reason.
 */
int domain_read(const char *data, size_t length, domain_is_pool_t *is_pool, void *context, bool draft,
                struct domain *domain, struct error *error) must_check nonnull(1, 6, 7);
void domain_free(struct domain *domain) nonnull(1);

/**
 * domain_parse_uuid() - read a UUID, with or without hyphens, into libvirt's form
 *
 * Return: 0 or -EINVAL.
 */
int domain_parse_uuid(const char *text, char uuid[UUID_SIZE]) must_check nonnull(1, 2);

/**
 * domain_is_called() - whether a text that a person wrote means the guest of this name and UUID
 * @uuid: in libvirt's form; empty: it has none yet
 *
 * What can be read as a UUID is one, as virsh has it: a guest may have another one's UUID as its name.
 */
bool domain_is_called(const char *text, const char *name, const char *uuid) must_check nonnull(1, 2, 3);

#endif
