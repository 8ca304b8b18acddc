/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * settings - what the driver of a PF has been told of each of its VFs
 *
 * What "ip link set PF vf N ..." sets (ip-link(8)); the kernel's net/core/rtnetlink.c, rtnl_fill_vfinfo().
 */
#ifndef VFPOOL_SETTINGS_H
#define VFPOOL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "host.h"

#define SETTINGS_UNKNOWN (-1) /* the driver does not tell */

struct settings {
    bool known;              /* the kernel told of this VF */
    char mac[HOST_MAC_SIZE]; /* the administrative address; 00:00:00:00:00:00: none was set */
    unsigned int vlan;       /* 0: none */
    unsigned int qos;
    unsigned int protocol; /* of the VLAN tag: ETH_P_8021Q or ETH_P_8021AD; 0 without one */
    unsigned int min_rate; /* of sending, Mbit/s; 0: none is guaranteed */
    unsigned int max_rate; /* Mbit/s; 0: no limit */
    int spoof_check;       /* 1, 0, SETTINGS_UNKNOWN, as the next two */
    int trust;
    int query_rss;
    int link_state; /* IFLA_VF_LINK_STATE_*, or SETTINGS_UNKNOWN */
};

/**
 * settings_read() - read those of all VFs of a PF
 * @settings: by the VFs' numbers, pf->vf_count of them, which the caller frees; NULL after a failure
 *
 * Return: 0, -EOPNOTSUPP when the host is not that of the running kernel, -ENODEV when the PF has no network interface,
 * or what the kernel says.
 */
int settings_read(const struct host *host, const struct host_pf *pf, struct settings **settings,
                  struct error *error) must_check nonnull(1, 2, 3, 4);

/**
 * settings_twin() - whether a VF of a smaller number has the same MAC address as this one
 * @settings: of all VFs of the PF
 * @other:    the first such VF's number
 */
bool settings_twin(const struct settings *settings, unsigned int number, unsigned int *other) must_check nonnull(1, 3);

/** settings_link_state() - "auto", "enable", "disable", or NULL when it is not known */
const char *settings_link_state(const struct settings *settings) must_check nonnull(1);

#endif
