/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* detach - go on in a process that nobody waits for, and that keeps nobody waiting */
#ifndef VFPOOL_DETACH_H
#define VFPOOL_DETACH_H

#include "cleanup.h"

#define DETACH_FD 3 /* where the one descriptor that was kept is */

/**
 * detach() - start a process with nothing of this one's but its memory and one descriptor
 * @fd:      kept, as DETACH_FD
 * @seconds: after which the kernel ends it
 *
 * libvirt waits for the end of its hooks' output, not for the hooks (F19, F40): one descriptor left open would hold up
 * the network that the hook was called for. So all of them are closed by their range, whatever they are, and standard
 * input, output and error are /dev/null. It has a session of its own, and its parent is init.
 *
 * Return: 1 in that process, which must end with _exit(); 0 in this one; or a negative errno value.
 */
int detach(int fd, unsigned int seconds) must_check;

#endif
