/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* port - the network ports of one guest's VFs: freed for libvirt to take at prepare, held again at release */
#ifndef VFPOOL_PORT_H
#define VFPOOL_PORT_H

#include "claim.h"
#include "error.h"
#include "plan.h"

/**
 * port_open() - let libvirt give the guest just what the plan chose for its interfaces
 * @plan: chosen, and claimed in the ledger
 *
 * Waits for the guest's turn on each network, holds every other VF of its pools, and frees the chosen ones. Where there
 * is no libvirt, or it cannot be called now (F12), nothing is done.
 *
 * Return: 0, or a negative errno value; then what was freed is held again, as far as libvirt answers.
 */
int port_open(int root, const struct plan *plan, struct error *error) must_check nonnull(2, 3);

/**
 * port_leave() - before libvirt frees the ports of a guest that stops: not while it may give a VF to another guest
 *
 * Never fails. port_close() follows.
 */
void port_leave(int root, const struct claim *claim) nonnull(2);

/**
 * port_close() - hold a guest's VFs again, before its claim goes
 *
 * Never fails: the next guest's port_open() holds what is not. What went wrong is a note.
 */
void port_close(int root, const struct claim *claim, struct error *error) nonnull(2, 3);

#endif
