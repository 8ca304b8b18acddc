/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* transform - the domain XML with the granted VFs in it; xslt/hostdev.xsl says what becomes of an interface */
#ifndef VFPOOL_TRANSFORM_H
#define VFPOOL_TRANSFORM_H

#include <stddef.h>

#include "domain.h"
#include "error.h"
#include "pciaddr.h"
#include "pool.h"

struct transform_grant {
    const struct request *request;
    const struct pool *pool;
    struct pciaddr address; /* the VF that this request is to have */
};

/**
 * transform_domain() - put VFs into a domain
 * @root:      of a site's own sheet, etc/vfpool/hostdev.xsl
 * @operation: "prepare", "restore" or "migrate"
 * @text:      the caller frees it
 *
 * The result is a domain with the same name and UUID, or there is none.
 *
 * Return: 0, -EINVAL with the sheet's reason, or what reading the site's sheet says.
 */
int transform_domain(int root, const char *operation, const struct domain *domain, const struct transform_grant *grants,
                     size_t grant_count, char **text, size_t *length, struct error *error) must_check
    nonnull(2, 3, 6, 7, 8);

#endif
