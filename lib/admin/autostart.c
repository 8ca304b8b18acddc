/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "autostart.h"

#include <errno.h>
#include <string.h>

#include "deferral.h"
#include "gate-protocol.h"
#include "gate.h"
#include "hooks.h"
#include "io.h"
#include "memory.h"

#define START_MS 60000 /* a guest with much memory takes its time */

struct list {
    struct deferral *deferrals;
    size_t count;
};

static void free_list(const struct list *list)
{
    deferrals_free(list->deferrals, list->count);
}

static void say_started(struct lines *done, const struct deferral *guest)
{
    lines_add(done, "started guest '%.256s', whose VFs libvirt could not be asked for before", guest->name);
}

static void note(struct error *error, const struct deferral *guest, const char *words)
{
    error_note(error, "guest '%.256s' was to start with libvirt, and does not run: %.*s", guest->name,
               (int)strcspn(words, "\n"), words);
}

/* What libvirt answers is the end of it; whatever else goes wrong, the next call tries again. */
static int start(int root, const struct deferral *guest, int timeout_ms, struct lines *done, struct error *error)
{
    const char *arguments[] = {"start", guest->uuid, NULL};
    _cleanup_(cleanup_free) char *answer = NULL;
    _cleanup_(error_free) struct error problem = {0};
    int result = gate_ask(root, arguments, NULL, timeout_ms, &answer, &problem);
    if (result < 0 && result != -ENOENT) {
        note(error, guest, problem.message);
        return result;
    }
    if (result == 0 && strncmp(answer, GATE_REFUSED, strlen(GATE_REFUSED)) == 0)
        note(error, guest, answer + strlen(GATE_REFUSED));
    else if (result == 0 && answer[0])
        say_started(done, guest);
    deferral_drop(root, guest->uuid);
    return 0;
}

void autostart_deferred(int root, bool dry_run, struct lines *done, struct error *error)
{
    _cleanup_(free_list) struct list list = {NULL, 0};
    _cleanup_(cleanup_close) int lock = -1;
    int64_t deadline = io_now_ms() + AUTOSTART_S * INT64_C(1000);
    if (!deferral_any(root))
        return;
    int result = dry_run ? 0 : deferral_lock(root, &lock);
    if (result == 0)
        result = deferral_list(root, &list.deferrals, &list.count);
    if (result < 0 && result != -ETIMEDOUT)
        error_note(error, "guests that wait for libvirt are not started: cannot read /run/vfpool/deferred: %s",
                   strerror(-result));
    /* Without our hooks, libvirt would give them whatever is there. */
    for (size_t i = 0; i < list.count && result != -EHOSTDOWN && hooks_are_put(root); i++) {
        int64_t left = deadline - io_now_ms();
        if (dry_run)
            say_started(done, &list.deferrals[i]);
        else if (left > 0)
            result = start(root, &list.deferrals[i], left < START_MS ? (int)left : START_MS, done, error);
    }
}
