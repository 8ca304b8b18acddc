/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "absent.h"

#include "daemon.h"
#include "io.h"

static bool is_open(const struct host *host, const struct claim *claim)
{
    for (size_t i = 0; i < claim->vf_count; i++)
        if (host_vf_user(host, &claim->vfs[i].address) != 0)
            return true;
    return false;
}

bool absent_is(int root, const struct host *host, const struct claim *claim)
{
    int64_t age = io_now_ms() - claim->clock;
    return age >= (claim->state == CLAIM_HELD ? ABSENT_HELD_MS : ABSENT_CLAIMED_MS) &&
           !daemon_has_guest(root, claim->name) && !is_open(host, claim);
}
