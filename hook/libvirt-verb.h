/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt-verb - the verbs of vfpool-gate, in libvirt-set.c, libvirt-network.c and libvirt-guest.c
 *
 * Return: an exit status; what went wrong has been said.
 */
#ifndef VFPOOL_LIBVIRT_VERB_H
#define VFPOOL_LIBVIRT_VERB_H

/** set NETWORK < lines: "block ADDRESS" and "open ADDRESS"; says what it changed, as "blocked ADDRESS", "opened
 * ADDRESS" */
int verb_set(char **arguments);

/** open NETWORK: every port of ours goes */
int verb_open(char **arguments);

/** ports NETWORK: the ports that are not ours */
int verb_ports(char **arguments);

/** prune NETWORK < UUIDs of ports, a line each: they go; says which did */
int verb_prune(char **arguments);

/** network NETWORK: what it is like, in the words of lib/libvirt/gate-protocol.h, and its XML */
int verb_network(char **arguments);

/**
 * define NETWORK restart|keep < XML: define it anew, and have it active, and at each start of libvirt
 *
 * An active one goes on as it is until it is ended and started: see libvirt-network.h.
 */
int verb_define(char **arguments);

/** domains: each guest that runs or is being started, and each that is defined */
int verb_domains(char **arguments);

/** devices < UUIDs, a line each: what those of these guests have that run, in the words of lib/libvirt/gate-protocol.h
 */
int verb_devices(char **arguments);

/** domain GUEST: its XML as it is now, by UUID or name; GATE_NO_NETWORK when there is none */
int verb_domain(char **arguments);

/** definition GUEST: its XML as it will be started next; GATE_NO_NETWORK when there is none */
int verb_definition(char **arguments);

/** start GUEST: one that is defined, by UUID; says "started", or "refused WORDS", or nothing when it runs already;
 * GATE_NO_NETWORK when there is none */
int verb_start(char **arguments);

/** version: libvirt's, as 1,000,000 * major + 1,000 * minor + micro */
int verb_version(char **arguments);

#endif
