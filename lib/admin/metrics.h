/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* metrics - what there is to measure of this host's pools, as one document that a style sheet makes a form of */
#ifndef VFPOOL_METRICS_H
#define VFPOOL_METRICS_H

#include <libxml/tree.h>

#include "error.h"

/**
 * metrics_read() - status, doctor's verdicts, and what was counted since the host booted
 * @doc: the caller frees it with xmlFreeDoc()
 *
 *   <metrics>
 *     <status>…</status>                                as status_read() has it
 *     <doctor>…</doctor>                                as doctor_examine() has it
 *     <event name='claimed' count=''/>                  of the history (tally.h)
 *     <refusal name='exhausted' count=''/>
 *     <settling name='done|failed' count=''/>
 *     <hook operation='prepare|release' count='' seconds=''>
 *       <bucket le='0.001' count=''/>                   cumulative, seconds
 *     </hook>
 *   </metrics>
 *
 * Return: 0 or a negative errno value.
 */
int metrics_read(int root, xmlDocPtr *doc, struct error *error) must_check nonnull(2, 3);

#endif
