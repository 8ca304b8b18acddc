/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* decision - why a guest's interfaces got just these VFs, in short: what is kept with its claim */
#ifndef VFPOOL_DECISION_H
#define VFPOOL_DECISION_H

#include "plan.h"

#define DECISION_ROWS 1000 /* at most, in all */

/**
 * decision_format() - what was decided, at once after it was
 *
 *   <decision>
 *     <interface number='' pool='' mac='' policy='' cut='yes'>   as in explain.h; cut: there were more rows
 *       <vfs pf='' first='' last='' reason=''/>                  VFs in a row, by their numbers; no reason: held by
 * guests <vfs pf='' first='' last='' chosen='yes'/>
 *     </interface>
 *   </decision>
 *
 * It looks at no VF: of those that come after a good one, prepare does not know more either.
 *
 * Return: a text that the caller frees; never NULL.
 */
char *decision_format(const struct plan *plan) must_check nonnull(1);

#endif
