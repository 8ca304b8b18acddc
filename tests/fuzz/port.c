/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libvirt hands to its network hook: whose port it is, and of which VF. */
#include "allocation.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(cleanup_free) char *text = fuzz_text(data, size);
    _cleanup_(allocation_free) struct allocation allocation = {0};
    struct error error = {0};
    char uuid[UUID_SIZE];
    int result = allocation_read("passthrough", text, size, &allocation, &error);
    if (result > 0) {
        need(allocation.name && domain_parse_uuid(allocation.owner, uuid) == 0);
        need(strcmp(uuid, allocation.owner) == 0);
        need(memchr(allocation.mac, '\0', sizeof allocation.mac));
    }
    fuzz_check(result, &error);
    return 0;
}
