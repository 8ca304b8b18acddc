/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI addresses in each form: what is written of one is read as the same. */
#include "pciaddr.h"
#include "fuzz.h"
#include "gate.h"

static void check(const struct pciaddr *address)
{
    char text[PCIADDR_SIZE], uuid[UUID_SIZE];
    struct pciaddr again, keyed = pciaddr_from_key(pciaddr_key(address)), port;
    struct pciaddr_set set = {0};
    need(address->slot <= 0x1f && address->function <= 7);
    need(pciaddr_parse(pciaddr_format(address, text), &again) == 0 && pciaddr_equal(&again, address));
    need(pciaddr_parse_any(text, &again) == 0 && pciaddr_equal(&again, address));
    need(pciaddr_equal(&keyed, address));
    gate_port_uuid(address, uuid);
    need(gate_port_address(uuid, &port) && pciaddr_equal(&port, address));
    pciaddr_set_add(&set, address);
    need(pciaddr_set_has(&set, address) && set.count == 1);
    pciaddr_set_free(&set);
}

/* Up to four parts, with spaces between; one that is not there is NULL. */
static void check_parts(char *text)
{
    char *parts[4] = {0}, *rest = text;
    struct pciaddr address;
    for (size_t i = 0; i < 4; i++)
        parts[i] = strsep(&rest, " ");
    if (pciaddr_parse_parts(parts[0], parts[1], parts[2], parts[3], &address) == 0)
        check(&address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(cleanup_free) char *text = fuzz_text(data, size);
    struct pciaddr address, any;
    if (pciaddr_parse(text, &address) == 0) {
        check(&address);
        need(pciaddr_parse_any(text, &any) == 0 && pciaddr_equal(&any, &address));
    }
    if (pciaddr_parse_any(text, &any) == 0)
        check(&any);
    if (gate_port_address(text, &address))
        check(&address);
    check_parts(text);
    return 0;
}
