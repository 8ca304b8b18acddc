/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's XML: what it asks for of two pools, and that XML with the VFs in it. */
#include <fcntl.h>

#include "domain.h"
#include "fuzz.h"
#include "transform.h"
#include "wanted.h"
#include "xml.h"

static const char *const networks[] = {
    "<network><name>passthrough</name><forward mode='hostdev' managed='yes'><pf dev='eth3'/></forward>"
    "<metadata><v:pool xmlns:v='urn:vfpool:1' override='all'><v:settings trust='yes'/></v:pool></metadata></network>",
    "<network><name>storage</name><forward mode='hostdev'><driver name='vfio'/><pf dev='eth4'/></forward>"
    "<vlan><tag id='100'/></vlan><virtualport type='802.1Qbh'><parameters profileid='a'/></virtualport>"
    "<portgroup name='bulk' default='yes'><vlan><tag id='101'/></vlan></portgroup>"
    "<portgroup name='trunk'><vlan trunk='yes'><tag id='1'/><tag id='2'/></vlan></portgroup></network>"};
#define POOLS (sizeof networks / sizeof *networks)

static struct pool pools[POOLS];
static int nowhere = -1; /* a root without a sheet of the site's */

static void start(void)
{
    static const char *const names[POOLS] = {"passthrough", "storage"};
    struct error error = {0};
    for (size_t i = 0; i < POOLS; i++) {
        pools[i] = (struct pool){.name = memory_copy(names[i]), .managed = i == 0, .override = memory_copy("all")};
        need(xml_parse(networks[i], strlen(networks[i]), "the pool", &pools[i].doc, &error) == 0);
    }
    nowhere = open("/proc/self/fdinfo", O_PATH | O_DIRECTORY | O_CLOEXEC);
    need(nowhere >= 0);
}

static bool is_pool(void *context, const char *network)
{
    (void)context;
    return strcmp(network, pools[0].name) == 0 || strcmp(network, pools[1].name) == 0;
}

static struct transform_grant grant(const struct request *request, size_t number)
{
    const struct pool *pool = request->network && strcmp(request->network, pools[1].name) == 0 ? &pools[1] : &pools[0];
    return (struct transform_grant){
        .request = request,
        .pool = pool,
        .address = {.domain = (uint32_t)(number >> 16), .bus = (uint8_t)(number >> 8), .slot = 0x10, .function = 2}};
}

/* What comes out is the same guest, and asks libvirt for nothing of a pool any more. */
static void check_text(const char *text, size_t length, const struct domain *before, bool draft)
{
    struct error error = {0};
    _cleanup_(domain_free) struct domain after = {0};
    need(strlen(text) == length);
    need(domain_read(text, length, is_pool, NULL, draft, &after, &error) == 0);
    need(strcmp(after.name, before->name) == 0 && strcmp(after.uuid, before->uuid) == 0);
    for (size_t i = 0; i < after.request_count; i++)
        need(after.requests[i].type != REQUEST_NETWORK);
}

static void transform(const struct domain *domain, const char *operation, bool draft)
{
    struct error error = {0};
    size_t count = 0, length = 0;
    _cleanup_(cleanup_free) char *text = NULL;
    _cleanup_(cleanup_free) struct transform_grant *grants = memory_new(domain->request_count, sizeof *grants);
    for (size_t i = 0; i < domain->request_count; i++)
        if (domain->requests[i].type == REQUEST_NETWORK || domain->requests[i].type == REQUEST_INTERFACE)
            grants[count++] = grant(&domain->requests[i], i);
    int result = transform_domain(nowhere, operation, domain, grants, count, &text, &length, &error);
    if (result == 0)
        check_text(text, length, domain, draft);
    fuzz_check(result, &error);
}

static void find_wanted(const struct domain *domain)
{
    for (size_t i = 0; i < domain->request_count; i++) {
        const struct request *request = &domain->requests[i];
        struct wanted_device device = {.portgroup = request->portgroup,
                                       .mac = request->type == REQUEST_HOSTDEV ? NULL : request->mac,
                                       .address = request->type == REQUEST_NETWORK ? NULL : &request->address};
        struct settings wanted;
        struct error error = {0};
        int result = wanted_find(grant(request, i).pool, &device, xmlDocGetRootElement(domain->doc), domain->name,
                                 &wanted, &error);
        fuzz_check(result, &error);
    }
}

static void read_and_transform(const char *text, size_t size, bool draft)
{
    struct error error = {0};
    _cleanup_(domain_free) struct domain domain = {0};
    int result = domain_read(text, size, is_pool, NULL, draft, &domain, &error);
    fuzz_check(result, &error);
    if (result < 0)
        return;
    error = (struct error){0};
    result = wanted_check_guest(&domain, &error);
    fuzz_check(result, &error);
    find_wanted(&domain);
    transform(&domain, draft ? "prepare" : "migrate", draft);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(cleanup_free) char *text = fuzz_text(data, size);
    if (nowhere < 0)
        start();
    read_and_transform(text, size, false);
    read_and_transform(text, size, true);
    return 0;
}
