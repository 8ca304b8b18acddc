/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * interface - what libvirt would refuse of an interface on a pool, said before it does
 *
 * libvirt looks at these only when the interface has its VF, and so after prepare. docs/libvirt.md, section 2, has the
 * table of all that it refuses there, and where each is said.
 */
#ifndef VFPOOL_INTERFACE_H
#define VFPOOL_INTERFACE_H

#include <libxml/tree.h>

#include "error.h"

/* Of which interface an error speaks. */
struct interface_place {
    const char *guest; /* NULL: of each that says nothing else, by what its pool says */
    const char *pool;
    unsigned int number; /* among the guest's interfaces, from 1 */
};

/**
 * interface_check() - look for what no VF can do in a guest's <interface type='network'>
 *
 * bandwidth (libvirt src/conf/domain_conf.c, virDomainActualNetDefValidate), port isolation
 * (virDomainNetDefValidatePortOptions), queues, filterref and a tap of one's own (src/qemu/qemu_domain.c,
 * qemuDomainValidateActualNetDef).
 *
 * Return: 0 or -EINVAL.
 */
int interface_check(xmlNodePtr interface, const struct interface_place *place, struct error *error) must_check
    nonnull(1, 2, 3);

/**
 * interface_check_concrete() - look at what guest, portgroup and pool came to together, in <interface type='hostdev'>;
 * or at what the pool alone says, in its <network>
 *
 * One VLAN tag and no trunk (src/util/virnetdev.c, virNetDevSetNetConfig), no virtualport but 802.1Qbh, and none
 * beside a VLAN (src/hypervisor/virhostdev.c, virHostdevSetNetConfig and virHostdevNetConfigVirtPortProfile).
 *
 * Return: 0 or -EINVAL.
 */
int interface_check_concrete(xmlNodePtr interface, const struct interface_place *place, struct error *error) must_check
    nonnull(1, 2, 3);

#endif
