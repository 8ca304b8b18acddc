/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * assignment - against all assignments that there are, on small hosts made at random
 *
 * $ASSIGNMENT_SEED, or the one that is printed, makes the same hosts again.
 */
#include "assignment.h"

#include <errno.h>
#include <time.h>

#include "tap.h"

#define HOSTS 20000
#define MAX_TABLES 2
#define MAX_PFS 4
#define MAX_VFS 7
#define MAX_REQUESTS 4
#define PARTS 7

struct host_case {
    struct pool pools[MAX_TABLES];
    struct vf_table tables[MAX_TABLES];
    struct vf vfs[MAX_TABLES][MAX_VFS];
    enum vf_distance distances[MAX_TABLES][MAX_PFS];
    struct assignment requests[MAX_REQUESTS];
    size_t table_count, count;
};

static struct host_pf pfs[MAX_PFS];
static uint64_t state;

/* Numbers from 0 up to @end (xorshift, as rand() is not the same everywhere). */
static unsigned int pick(unsigned int end)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned int)(state >> 33) % end;
}

static void make_table(struct host_case *host, size_t number)
{
    struct vf_table *table = &host->tables[number];
    *table = (struct vf_table){.pool = &host->pools[number], .pfs = pfs, .pf_count = MAX_PFS};
    table->policy.order = (enum policy_order)pick(4);
    table->policy.numa = (enum policy_wish)pick(3);
    table->policy.separate = (enum policy_wish)pick(3);
    table->vfs = host->vfs[number];
    table->vf_count = pick(MAX_VFS + 1);
    for (size_t i = 0; i < MAX_PFS; i++)
        host->distances[number][i] = (enum vf_distance)pick(3);
    table->distances = pick(2) ? host->distances[number] : NULL;
    bool in_order = pick(2);
    for (size_t i = 0; i < table->vf_count; i++)
        table->vfs[i] = (struct vf){.address = {.bus = (uint8_t)(1 + number), .slot = (uint8_t)i},
                                    .number = (uint16_t)i,
                                    .pf = (uint16_t)(in_order ? i * MAX_PFS / MAX_VFS : pick(MAX_PFS)),
                                    .obstacle = pick(4) ? VF_USABLE : VF_TAKEN,
                                    .doubt = pick(4) ? VF_CLEAR : VF_NETDEV_UP,
                                    .reserved = (uint8_t)(pick(4) ? VF_FOR_ANY : pick(3)),
                                    .had = !pick(5),
                                    .returned = table->policy.order == ORDER_LRU && pick(3) ? pick(100) : 0};
}

static bool wants(const struct host_case *host, const struct vf *vf)
{
    for (size_t i = 0; i < host->count; i++)
        if (host->requests[i].wanted == vf)
            return true;
    return false;
}

static void make_requests(struct host_case *host)
{
    static const char *const macs[] = {"", "1", "2", "3", "4", "5"};
    unsigned int different = pick(2) ? 6 : 3, count = 1 + pick(MAX_REQUESTS);
    host->count = 0;
    for (unsigned int i = 0; i < count; i++) {
        const struct vf_table *table = &host->tables[pick((unsigned int)host->table_count)];
        const struct vf *wanted = table->vf_count && !pick(5) ? &table->vfs[pick((unsigned int)table->vf_count)] : NULL;
        if (wanted && wants(host, wanted))
            continue;
        host->requests[host->count++] =
            (struct assignment){.table = table, .wanted = wanted, .mac = macs[pick(different)]};
    }
}

/* ---- what is allowed, and what it costs: said again, of a whole assignment ---- */

static bool is_first_on(const struct host_case *host, size_t request, const struct vf *const *vfs)
{
    for (size_t i = 0; i < host->count; i++)
        if (host->requests[i].table == host->requests[request].table && vfs[i]->pf == vfs[request]->pf &&
            (host->requests[i].wanted ? i != request : i < request))
            return false;
    return true;
}

static bool is_allowed(const struct host_case *host, const struct vf *const *vfs)
{
    for (size_t i = 0; i < host->count; i++) {
        const struct assignment *one = &host->requests[i];
        if (one->wanted)
            continue;
        if (one->table->policy.numa == WISH_REQUIRE && one->table->distances &&
            one->table->distances[vfs[i]->pf] == VF_FAR)
            return false;
        if (one->table->policy.separate == WISH_REQUIRE && !is_first_on(host, i, vfs))
            return false;
        for (size_t j = 0; j < host->count; j++) {
            const struct assignment *other = &host->requests[j];
            if (j == i)
                continue;
            if (vfs[j] == vfs[i] || (vfs[j]->pf == vfs[i]->pf && one->mac[0] && strcmp(one->mac, other->mac) == 0))
                return false;
            if (j > i && !other->wanted && other->table == one->table && vfs[j] < vfs[i])
                return false;
        }
    }
    return true;
}

static void count_pf(const struct host_case *host, const struct vf_table *table, uint16_t pf, long *total, long *left)
{
    *total = *left = 0;
    for (size_t i = 0; i < table->vf_count; i++) {
        if (table->vfs[i].pf != pf)
            continue;
        ++*total;
        *left += vf_is_free(&table->vfs[i]) && !wants(host, &table->vfs[i]);
    }
}

static void price(const struct host_case *host, const struct vf *const *vfs, long cost[PARTS])
{
    memset(cost, 0, PARTS * sizeof *cost);
    for (size_t i = 0; i < host->count; i++) {
        const struct vf_table *table = host->requests[i].table;
        long total, left;
        if (host->requests[i].wanted)
            continue;
        count_pf(host, table, vfs[i]->pf, &total, &left);
        cost[0] += vfs[i]->doubt != VF_CLEAR;
        cost[1] += vfs[i]->reserved != VF_FOR_GUEST;
        cost[2] += table->policy.separate != WISH_NO && !is_first_on(host, i, vfs);
        if (table->policy.numa != WISH_NO && table->distances)
            cost[3] += (long)table->distances[vfs[i]->pf];
        cost[4] += !vfs[i]->had;
        for (size_t j = 0; j < i && table->policy.order == ORDER_SPREAD; j++)
            left -= !host->requests[j].wanted && host->requests[j].table == table && vfs[j]->pf == vfs[i]->pf;
        if (table->policy.order == ORDER_LRU)
            cost[5] += vfs[i]->returned;
        else if (table->policy.order != ORDER_FIRST)
            cost[5] += (table->policy.order == ORDER_SPREAD ? -1 : 1) * (left * 1000000 / total);
        cost[6] += vfs[i] - table->vfs;
    }
}

static int compare_prices(const long *a, const long *b)
{
    for (size_t i = 0; i < PARTS; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* Return: whether there is an assignment; the cheapest one's price is in @best. */
static bool try_all(const struct host_case *host, size_t request, const struct vf **vfs, bool found, long best[PARTS])
{
    if (request == host->count) {
        long cost[PARTS];
        if (!is_allowed(host, vfs))
            return found;
        price(host, vfs, cost);
        if (!found || compare_prices(cost, best) < 0)
            memcpy(best, cost, sizeof cost);
        return true;
    }
    const struct assignment *one = &host->requests[request];
    for (size_t i = 0; i < one->table->vf_count; i++) {
        vfs[request] = &one->table->vfs[i];
        if (one->wanted ? one->wanted == vfs[request] && vfs[request]->obstacle != VF_TAKEN
                        : vf_is_free(vfs[request]) && !wants(host, vfs[request]))
            found = try_all(host, request + 1, vfs, found, best);
    }
    return found;
}

/* Whether a PF comes again in the list, behind another one. */
static bool has_runs(const struct vf_table *table)
{
    for (size_t i = 1; i < table->vf_count; i++)
        for (size_t j = 0; j + 1 < i; j++)
            if (table->vfs[j].pf == table->vfs[i].pf && table->vfs[i - 1].pf != table->vfs[i].pf)
                return true;
    return false;
}

/* What the header says: else "separate" and "spread" are counted run by run. */
static bool is_exact(const struct host_case *host)
{
    bool runs = false, meet = false;
    for (size_t i = 0; i < host->table_count; i++)
        runs |= has_runs(&host->tables[i]);
    for (size_t i = 0; i < host->count; i++)
        for (size_t j = 0; j < i; j++)
            meet |= host->requests[i].mac[0] && strcmp(host->requests[i].mac, host->requests[j].mac) == 0;
    return !runs || !meet;
}

static void show(const struct host_case *host)
{
    for (size_t t = 0; t < host->table_count; t++) {
        const struct vf_table *table = &host->tables[t];
        printf("# pool %zu: order %d numa %d separate %d:", t, table->policy.order, table->policy.numa,
               table->policy.separate);
        for (size_t i = 0; i < table->vf_count; i++)
            printf(" %c%s%s%.*s%s", 'A' + table->vfs[i].pf, table->vfs[i].obstacle ? "t" : "",
                   table->vfs[i].doubt ? "?" : "", table->vfs[i].reserved, "rr",
                   table->distances ? &"n\0u\0f"[2 * (int)table->distances[table->vfs[i].pf]] : "");
        printf("\n");
    }
    for (size_t i = 0; i < host->count; i++)
        printf("# request of pool %zu, mac '%s', wants %zd, got %zd\n",
               (size_t)(host->requests[i].table - host->tables), host->requests[i].mac,
               host->requests[i].wanted ? host->requests[i].wanted - host->requests[i].table->vfs : -1,
               host->requests[i].granted ? host->requests[i].granted - host->requests[i].table->vfs : -1);
}

int main(void)
{
    const char *seed = getenv("ASSIGNMENT_SEED");
    uint64_t first = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
    unsigned int possible = 0, impossible = 0, wrong = 0, worse = 0, inexact = 0;
    state = first * 2654435761U + 1;
    printf("# ASSIGNMENT_SEED=%llu\n", (unsigned long long)first);
    for (size_t i = 0; i < MAX_PFS; i++)
        pfs[i] = (struct host_pf){.examined = true, .address = {.bus = (uint8_t)(0x40 + i)}};
    for (unsigned int i = 0; i < HOSTS; i++) {
        struct host_case host = {.table_count = 1 + pick(MAX_TABLES)};
        const struct vf *vfs[MAX_REQUESTS] = {0}, *given[MAX_REQUESTS];
        long best[PARTS], cost[PARTS];
        for (size_t t = 0; t < host.table_count; t++)
            make_table(&host, t);
        make_requests(&host);
        bool can = try_all(&host, 0, vfs, false, best);
        bool did = assignment_find(host.requests, host.count, host.count) == 0;
        for (size_t r = 0; r < host.count; r++)
            given[r] = host.requests[r].granted;
        possible += can;
        impossible += !can;
        bool is_wrong = can != did || (did && !is_allowed(&host, given));
        wrong += is_wrong;
        if (did && !is_wrong)
            price(&host, given, cost);
        bool is_worse = did && !is_wrong && compare_prices(cost, best) != 0;
        inexact += is_worse && !is_exact(&host);
        worse += is_worse && is_exact(&host);
        if (is_wrong || (is_worse && is_exact(&host))) {
            printf("# host %u:\n", i);
            show(&host);
        }
    }
    ok(possible > HOSTS / 4 && impossible > HOSTS / 20, "%u hosts can, %u cannot", possible, impossible);
    ok(wrong == 0, "what can be is found, and only that (%u not)", wrong);
    ok(worse == 0, "the best is found (%u not, %u where runs count)", worse, inexact);
    return tap_end();
}
