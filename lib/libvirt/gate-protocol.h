/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gate-protocol - what vfpool and vfpool-gate say to each other
 *
 * Arguments are a verb and what it is about; input and output are lines of a word and what it is about, or XML. What
 * went wrong is one line on standard error and an exit status.
 */
#ifndef VFPOOL_GATE_PROTOCOL_H
#define VFPOOL_GATE_PROTOCOL_H

enum gate_status {
    GATE_DONE = 0,
    GATE_FAILED = 1,     /* libvirt said no */
    GATE_USAGE = 2,      /* wrong arguments */
    GATE_NO_NETWORK = 3, /* the network (or the guest) is not there or not active */
    GATE_BUSY = 4,       /* somebody else has the port */
    GATE_NO_DAEMON = 5,  /* nobody answers at libvirt's socket */
};

#define GATE_ROOT_FD 3 /* vfpool-gate finds $VFPOOL_ROOT open there */

/* The ports by which vfpool blocks VFs are a guest's that does not exist. */
#define GATE_OWNER_NAME "vfpool"
#define GATE_OWNER_UUID "76667000-0000-4000-8000-000000000000"

/* Input of "set". */
#define GATE_BLOCK "block "
#define GATE_OPEN "open "

/* Output of whatever changes something; a note is for the person. */
#define GATE_BLOCKED "blocked "
#define GATE_OPENED "opened "
#define GATE_NOTE "note "

/* Output of "ports", and of a "set" that ends with GATE_BUSY: ports of others, as "port ADDRESS PORT OWNER NAME", the
 * port and its owner by their UUIDs. */
#define GATE_PORT "port "

/* Output of "domains": each guest that runs, or is being started, and each that is defined, by its UUID. */
#define GATE_RUNNING "running "
#define GATE_DEFINED "defined "

/* Output of "devices", the lines of a guest together: "device UUID ADDRESS" for a PCI device, "direct UUID NETDEV" for
 * a network interface of the host's that it has for itself; one whose XML cannot be read is "unread UUID". */
#define GATE_DEVICE "device "
#define GATE_DIRECT "direct "
#define GATE_UNREAD "unread "

/* Output of "start": that it started, or what libvirt said no with, as "refused WORDS"; nothing when the guest ran. */
#define GATE_STARTED "started"
#define GATE_REFUSED "refused "

/* The words in the first line of "network"; its XML follows. */
#define GATE_ACTIVE "active"
#define GATE_INACTIVE "inactive"
#define GATE_MISCOUNTED "miscounted" /* libvirt has lost count of its ports (F27) */
#define GATE_PASSING "passing"       /* not defined, or not started with libvirt */
#define GATE_BLOCKING "blocking"     /* some of its VFs are blocked by vfpool */
#define GATE_UNFINISHED "unfinished" /* a killed call ended it and did not make its ports again */

/* The second argument of "define": whether an active network is ended and started. */
#define GATE_RESTART "restart"
#define GATE_KEEP "keep"

#endif
