/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rename.h"

#include <stdio.h>
#include <string.h>

/* Reads systemd's en[P<domain>]p<bus>s<slot>[f<function>], all decimal, a port's name behind. */
static bool parse_path_name(const char *name, struct pciaddr *address)
{
    unsigned int domain = 0, bus, slot, function = 0;
    int used = 0;
    if (strncmp(name, "en", 2) != 0)
        return false;
    name += 2;
    if (sscanf(name, "P%up%n", &domain, &used) == 1 && used > 0)
        name += used - 1;
    if (sscanf(name, "p%us%u%n", &bus, &slot, &used) != 2)
        return false;
    name += used;
    if (*name == 'f' && sscanf(name, "f%u", &function) != 1)
        return false;
    *address =
        (struct pciaddr){.domain = domain, .bus = (uint8_t)bus, .slot = (uint8_t)slot, .function = (uint8_t)function};
    return bus <= 255 && slot <= 31 && function <= 7;
}

/* Whether one is the other and a port's name (np0). */
static bool is_port_of(const char *longer, const char *shorter)
{
    size_t length = strlen(shorter);
    return strncmp(longer, shorter, length) == 0 && strncmp(longer + length, "np", 2) == 0 && longer[length + 2];
}

bool rename_find(const struct host *host, const char *name, struct host_pf *pf)
{
    _cleanup_(cleanup_free) struct host_pf *pfs = NULL;
    _cleanup_(error_free) struct error ignored = {0};
    struct pciaddr address;
    size_t count = 0;
    bool placed = parse_path_name(name, &address);
    if (host_pf_list(host, &pfs, &count, &ignored) < 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!(placed && pciaddr_equal(&pfs[i].address, &address)) && !is_port_of(pfs[i].name, name) &&
            !is_port_of(name, pfs[i].name))
            continue;
        *pf = pfs[i];
        return true;
    }
    return false;
}
