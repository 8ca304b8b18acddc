/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * autostart - start the guests that libvirt was to start by itself, and could not be called for then (deferral.h)
 *
 * A monolithic libvirtd starts its guests before it answers anybody (F12), and gives each what is open. A guest that
 * must have just the VFs that are chosen for it (plan_is_exact()) is refused then, and started here once libvirt
 * answers.
 */
#ifndef VFPOOL_AUTOSTART_H
#define VFPOOL_AUTOSTART_H

#include <stdbool.h>

#include "error.h"

#define AUTOSTART_S 120 /* for all of them; those that are left are for the next call */

/**
 * autostart_deferred() - start each guest that waits, one after the other; where another process does, nothing
 * @dry_run: say which, and start none
 * @done:    a line for each that was started
 * @error:   a note for each that was not, or does not run yet
 *
 * One that runs already is left alone, and one that is gone is forgotten, as is one that libvirt refuses: it has been
 * said. One that could not be asked for waits on. One that libvirt has not started within a minute is waited for no
 * longer; libvirt goes on with it.
 */
void autostart_deferred(int root, bool dry_run, struct lines *done, struct error *error) nonnull(3, 4);

#endif
