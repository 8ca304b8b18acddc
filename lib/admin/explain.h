/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* explain - why a guest gets, or got, just these VFs, as one document that style sheets make views of */
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

/**
 * explain_guest() - the same of a guest, by its name or UUID: why it has the VFs of its claim, where that is kept there
 *
 *   <explanation guest=''>
 *     <interface number='' pool='' mac='' decided=''>  of each VF of the claim; decided: when the guest claimed
 *       <vf address='' pf='' vf='' chosen='yes' reason=''/>
 *     </interface>
 *   </explanation>
 *
 * Else as it would be now, with a note if it has a claim; libvirt is asked for its definition then.
 *
 * Return: as explain_read(); -ENOENT when there is no such guest.
 */
int explain_guest(int root, const char *guest, xmlDocPtr *doc, struct error *error) must_check nonnull(2, 3, 4);

#endif
