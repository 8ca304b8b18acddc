/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* status - the pools, their VFs and who holds them, as one document that style sheets make views of */
#ifndef VFPOOL_STATUS_H
#define VFPOOL_STATUS_H

#include <libxml/tree.h>
#include <stdbool.h>

#include "error.h"

/* What of it is wanted; NULL: it does not matter. */
struct status_filter {
    const char *pool;
    const char *state;
    const char *pf;    /* a name, or an address as pciaddr_parse_any() takes it */
    const char *guest; /* a name or UUID */
    bool settings;     /* also what is set on each VF */
};

/**
 * status_read() - look at everything under the lock
 * @doc: the caller frees it with xmlFreeDoc()
 *
 *   <status filtered='yes'>                           only where a state, PF or guest was asked for
 *     <pool name='' fault='' policy='' capacity='' offered=''>
 *                                                       fault: out of service, for this reason; capacity: how many VFs
 *                                                       guests have, or any guest could have, but for those that the
 *                                                       host uses; offered: how many libvirt may give by itself, where
 *                                                       it runs
 *       <pf name='' address='' numa='' up='' carrier='' speed='' made='' total=''/>
 *                                                       speed in Mbit/s; made, total: VFs that there are, and could be
 *       <vf address='' pf='' vf='' state='' reason='' mac='' since='' driver=''>
 *         <guest name='' uuid=''/>
 *         <settings mac='' vlan='' qos='' protocol='' min-rate='' max-rate='' spoof-check='' trust='' link-state=''
 *                   query-rss='' ours=''/>            rates in Mbit/s; protocol: 802.1Q or 802.1ad; ours: the names of
 *                                                     those that vfpool has set for the guest
 *       </vf>
 *       <missing>PF eth4 has no VFs: …</missing>
 *       <note>without effect on a VF: …</note>
 *     </pool>
 *   </status>
 *
 * state is free, claimed, held, drained, unusable or quarantined. What is not known has no attribute. A VF that a guest
 * holds though its pool does not have it any more is listed all the same.
 *
 * Of what is filtered, pools in which no VF is like that are left out, and what else there is to say of the others.
 *
 * Return: 0, also where nothing is like that; -ENOENT when there is no such pool or PF, -EINVAL when there is no such
 * state, or another negative errno value.
 */
int status_read(int root, const struct status_filter *filter, xmlDocPtr *doc, struct error *error) must_check
    nonnull(2, 3, 4);

/** status_filter() - take what is not wanted out of a document of status_read(), which calls it. Return: as that. */
int status_filter(xmlDocPtr doc, const struct status_filter *filter, struct error *error) must_check nonnull(1, 2, 3);

/**
 * status_network() - a pool as a network of libvirt's, every VF listed
 * @define: for libvirt to define; else as libvirt shows an active network of its own
 * @text:   the caller frees it
 */
int status_network(int root, const char *pool, bool define, char **text, size_t *length, struct error *error) must_check
    nonnull(2, 4, 5, 6);

#endif
