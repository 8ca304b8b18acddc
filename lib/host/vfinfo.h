/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfinfo - what the driver of a PF has been told of each of its VFs, and telling it
 *
 * The list of the kernel's net/core/rtnetlink.c: rtnl_fill_vfinfo(), do_setvfinfo().
 */
#ifndef VFPOOL_VFINFO_H
#define VFPOOL_VFINFO_H

#include <stdbool.h>

#include "error.h"
#include "host.h"
#include "settings.h"

/**
 * vfinfo_read() - read those of all VFs of a PF
 * @settings: by the VFs' numbers, pf->vf_count of them, which the caller frees; NULL after a failure. One of which the
 *            kernel does not tell says nothing.
 *
 * Return: 0, -EOPNOTSUPP when the host is not that of the running kernel, -ENODEV when the PF has no network interface,
 * or what the kernel says.
 */
int vfinfo_read(const struct host *host, const struct host_pf *pf, struct settings **settings,
                struct error *error) must_check nonnull(1, 2, 3, 4);

/**
 * vfinfo_twin() - whether a VF of a smaller number has the same MAC address as this one
 * @settings: of all VFs of the PF
 * @other:    the first such VF's number
 */
bool vfinfo_twin(const struct settings *settings, unsigned int number, unsigned int *other) must_check nonnull(1, 3);

/**
 * vfinfo_change() - tell the PF's driver what it is to be told of a VF, and see that it took it
 * @now:    what it has been told so far
 * @wanted: what these say is told where it differs; all that can be is told, whatever else is refused
 *
 * A card may not take back that a VF has a MAC address of the administrator's: it then gets a random one, and a note
 * says so.
 *
 * Return: 0; -EIO when the driver took it and did nothing; or what rtnetlink_open() and the kernel say, first.
 */
int vfinfo_change(const struct host *host, const struct host_pf *pf, unsigned int number, const struct settings *now,
                  const struct settings *wanted, struct error *error) must_check nonnull(1, 2, 4, 5, 6);

#endif
