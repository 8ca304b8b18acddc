/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* explain - why a guest gets just these VFs, as one document that style sheets make views of */
#ifndef VFPOOL_EXPLAIN_H
#define VFPOOL_EXPLAIN_H

#include <libxml/tree.h>
#include <stddef.h>

#include "error.h"

/**
 * explain_read() - decide as prepare would now, and say of every VF of the pools why it is taken, or not
 * @data: the domain's XML, which need not be defined yet
 * @doc:  the caller frees it with xmlFreeDoc()
 *
 *   <explanation guest=''>
 *     <interface number='' pool='' mac='' policy=''>   one that asks for a VF of a pool, or names one by its address
 *       <vf address='' pf='' vf='' chosen='yes'/>
 *       <vf address='' pf='' vf='' reason=''/>
 *     </interface>
 *     <failure>pool 'p' has no free VF …</failure>     then the interfaces behind the one that fails are left out
 *   </explanation>
 *
 * Claims nothing. VFs are in the order of their pool.
 *
 * Return: 0, also when the guest would get nothing; or a negative errno value.
 */
int explain_read(int root, const char *data, size_t length, xmlDocPtr *doc, struct error *error) must_check
    nonnull(2, 4, 5);

#endif
