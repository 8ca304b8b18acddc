/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "needs.h"

#include <string.h>

#include "domain.h"
#include "host.h"
#include "ledger.h"
#include "memory.h"
#include "pool.h"
#include "vf.h"
#include "whole.h"
#include "xml.h"

/* What is asked for of one pool. */
struct need {
    const char *pool; /* the request's, or the table's */
    unsigned long vfs;
};

struct needs {
    struct domain domain;
    struct host host;
    struct pools pools;
    struct vf_table *tables;
    struct need *needs; /* in the order in which the domain names them */
    size_t count;
};

static void free_needs(struct needs *needs)
{
    free(needs->needs);
    vf_tables_free(needs->tables, needs->pools.count);
    pools_free(&needs->pools);
    host_close(&needs->host);
    domain_free(&needs->domain);
}

static int load_needs(struct needs *needs, int root, const char *data, size_t length, struct error *error)
{
    *needs = (struct needs){.host.sys = -1};
    int result = domain_read(data, length, pool_is_named, &root, true, &needs->domain, error);
    if (result == 0)
        result = pools_load(root, &needs->pools, error);
    if (result == 0)
        result = host_open(root, &needs->host, error);
    if (result == 0)
        needs->tables = vf_tables_load(&needs->host, &needs->pools, ledger_has_pool);
    return result;
}

static void count(struct needs *needs, const char *pool, unsigned long vfs)
{
    size_t i = 0;
    while (i < needs->count && strcmp(needs->needs[i].pool, pool) != 0)
        i++;
    if (i == needs->count) {
        needs->needs = memory_resize(needs->needs, ++needs->count, sizeof *needs->needs);
        needs->needs[i] = (struct need){pool, 0};
    }
    needs->needs[i].vfs += vfs;
}

/* A device by its address, of whatever pools. */
static void count_device(struct needs *needs, const struct request *request)
{
    for (size_t i = 0; i < needs->pools.count; i++) {
        const struct vf_table *table = &needs->tables[i];
        unsigned long vfs = vf_find(table, &request->address) ? 1 : 0;
        uint16_t pf;
        if (whole_find(table, request, &pf))
            for (size_t j = 0; j < table->vf_count; j++)
                vfs += table->vfs[j].pf == pf;
        if (vfs > 0)
            count(needs, table->pool->name, vfs);
    }
}

static void count_requests(struct needs *needs)
{
    for (size_t i = 0; i < needs->domain.request_count; i++) {
        struct request *request = &needs->domain.requests[i];
        if (request->type == REQUEST_NETWORK) {
            count(needs, request->network, 1);
            continue;
        }
        if (request->netdev && host_netdev_device(&needs->host, request->netdev, &request->address) < 0)
            continue;
        count_device(needs, request);
    }
}

xmlDocPtr needs_new(void)
{
    return xml_new("needs");
}

int needs_add(int root, const char *data, size_t length, xmlDocPtr doc, struct error *error)
{
    _cleanup_(free_needs) struct needs needs;
    int result = load_needs(&needs, root, data, length, error);
    if (result < 0)
        return result;
    count_requests(&needs);
    xmlNodePtr guest = xml_add(xmlDocGetRootElement(doc), "guest");
    xml_set(guest, "name", needs.domain.name);
    if (needs.domain.uuid[0])
        xml_set(guest, "uuid", needs.domain.uuid);
    for (size_t i = 0; i < needs.count; i++) {
        xmlNodePtr pool = xml_add(guest, "pool");
        xml_set(pool, "name", needs.needs[i].pool);
        xml_set_number(pool, "vfs", needs.needs[i].vfs);
    }
    return 0;
}
