/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * log - the host's log: journald(8), or what else reads /dev/log
 *
 * Not by syslog(3): that waits for a log that does not read, and a hook must not; and it knows no other root than /.
 */
#ifndef VFPOOL_LOG_H
#define VFPOOL_LOG_H

#include <syslog.h>

#include "cleanup.h"

/**
 * log_line() - write a line, as syslog(3) does: "<PRIORITY>vfpool[PID]: TEXT" (RFC 3164) to dev/log
 * @root:     a descriptor of $VFPOOL_ROOT
 * @priority: LOG_INFO, LOG_WARNING; the facility is LOG_DAEMON
 * @text:     one line; what is too long for a datagram is cut
 *
 * Where there is no log, or it does not read just now, the line is lost.
 */
void log_line(int root, int priority, const char *text) nonnull(3);

#endif
