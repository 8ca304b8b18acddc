/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * wanted - the settings that a VF is to have: as the pool, a portgroup, and the guest where the pool lets it, say
 *
 * Each is a <vfpool:settings> (settings.h): in the pool's <vfpool:pool>, for all or with portgroup='NAME'; in the
 * guest's <vfpool:guest>, for all its VFs, or with interface='MAC' or hostdev='ADDRESS' for one.
 */
#ifndef VFPOOL_WANTED_H
#define VFPOOL_WANTED_H

#include <libxml/tree.h>

#include "domain.h"
#include "error.h"
#include "pool.h"
#include "settings.h"

/* For which of a guest's devices. */
struct wanted_device {
    const char *portgroup;         /* NULL: the default one */
    const char *mac;               /* of an interface; NULL: it is a plain <hostdev> */
    const struct pciaddr *address; /* of what the guest names by its address; NULL: of an interface on the pool */
};

/**
 * wanted_find() - what is wanted for a device of a guest's
 * @domain: the root element of the guest's XML; NULL: it is not known, and says nothing
 * @guest:  for the error
 *
 * Return: 0, -EINVAL when what they say together cannot be, or -EPERM when the pool does not let the guest say it.
 */
int wanted_find(const struct pool *pool, const struct wanted_device *device, const xmlNode *domain, const char *guest,
                struct settings *wanted, struct error *error) must_check nonnull(1, 2, 4, 5, 6);

/**
 * wanted_check_guest() - whether the guest has what its <settings> are for
 *
 * Return: 0 or -EINVAL.
 */
int wanted_check_guest(const struct domain *domain, struct error *error) must_check nonnull(1, 2);

#endif
