/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "absent.h"

#include "io.h"
#include "libvirtd.h"

static bool is_open(const struct host *host, const struct claim *claim)
{
    for (size_t i = 0; i < claim->vf_count; i++)
        if (host_vf_user(host, &claim->vfs[i].address) != 0)
            return true;
    return false;
}

int64_t absent_after_ms(const struct claim *claim)
{
    return claim->clock + (claim->state == CLAIM_HELD ? ABSENT_HELD_MS : ABSENT_CLAIMED_MS) - io_now_ms();
}

bool absent_is(int root, const struct host *host, const struct claim *claim)
{
    return absent_after_ms(claim) <= 0 && !libvirtd_has_guest(root, claim->name) && !is_open(host, claim);
}
