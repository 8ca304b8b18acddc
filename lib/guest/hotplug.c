/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hotplug.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "claim-settings.h"
#include "detach.h"
#include "host.h"
#include "io.h"
#include "libvirtd.h"
#include "log.h"
#include "wanted.h"
#include "xml.h"

#define FINISH_S 30
#define PAUSE_MS 100

int hotplug_find_wanted(int root, const struct pool *pool, const char *guest, const char *mac, const char *portgroup,
                        struct settings *wanted, struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr state = libvirtd_read_guest(root, guest);
    const struct wanted_device device = {.portgroup = portgroup, .mac = mac};
    const xmlNode *domain = state ? xml_child(xmlDocGetRootElement(state), "domain") : NULL;
    return wanted_find(pool, &device, domain, guest, wanted, error);
}

int hotplug_finish(struct ledger *ledger, int root, const char *uuid, const struct pciaddr *address,
                   struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *claim = NULL;
    int result = ledger_edit(ledger, uuid, &claim, error);
    for (size_t i = 0; claim && result == 0 && i < claim->vf_count; i++) {
        struct claim_vf *vf = &claim->vfs[i];
        if (!pciaddr_equal(&vf->address, address) || !vf->late)
            continue;
        result = claim_settings_apply(root, claim, address, true, error);
        if (result < 0)
            return result;
        vf->late = false;
        result = ledger_put(ledger, claim, error);
        return result < 0 ? result : 1;
    }
    return result;
}

static bool is_open(int root, const struct pciaddr *address)
{
    _cleanup_(error_free) struct error ignored = {0};
    struct host host = {.sys = -1};
    bool open = host_open(root, &host, &ignored) == 0 && host_vf_user(&host, address) > 0;
    host_close(&host);
    return open;
}

static void finish(int root, const char *uuid, const struct pciaddr *address)
{
    _cleanup_(error_free) struct error error = {0};
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    int64_t deadline = io_now_ms() + FINISH_S * 1000;
    char text[PCIADDR_SIZE];
    while (!is_open(root, address) && io_now_ms() < deadline && ledger_has_link(root, address))
        poll(NULL, 0, PAUSE_MS);
    int result = is_open(root, address) ? ledger_open(root, LEDGER_WRITE, LEDGER_LOCK_MS, &ledger, &error) : 0;
    if (ledger)
        result = hotplug_finish(ledger, root, uuid, address, &error);
    if (result < 0) {
        (void)error_prefix(&error, "VF %s is not set as guest '%s' asks yet (run 'vfpool reconcile')",
                           pciaddr_format(address, text), uuid);
        log_line(root, LOG_WARNING, error.message);
    }
}

void hotplug_finish_later(int root, const char *uuid, const struct pciaddr *address)
{
    /* Without a process, reconcile does it. */
    if (detach(root, 2 * FINISH_S) <= 0)
        return;
    finish(DETACH_FD, uuid, address);
    _exit(0);
}
