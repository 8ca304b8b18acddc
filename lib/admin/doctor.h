/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doctor - whether this host is as it should be for vfpool, and what to do where it is not */
#ifndef VFPOOL_DOCTOR_H
#define VFPOOL_DOCTOR_H

#include <libxml/tree.h>
#include <stddef.h>

#include "error.h"

/**
 * doctor_examine() - look at the host, the pools, the hooks and libvirt; changes nothing
 * @doc:   a <doctor> with <check name='' verdict='ok|warning|wrong' finding='' remedy=''/>, in the order of their
 * weight: one for all that is well of a check, or one for each thing that is not, with its own remedy where there is
 *         one. The caller frees it.
 * @worst: of the verdicts: 0 for ok, 1 for a warning, 2 for what is wrong, as monitoring plugins have them
 *
 * libvirt is asked, within GATE_CALL_MS for each question; what cannot be found out is a warning of the check that
 * asks.
 *
 * Return: 0 or a negative errno value.
 */
int doctor_examine(int root, xmlDocPtr *doc, int *worst, struct error *error) must_check nonnull(2, 3, 4);

#endif
