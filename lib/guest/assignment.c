/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "assignment.h"

#include <errno.h>
#include <string.h>

#include "memory.h"

#define MILLION 1000000
#define MAX_TRIES 2000 /* so that a guest whose interfaces all have one MAC address ends, too */

/* What counts, from the weightiest on; first of all, that there is a VF. */
enum { COST_NONE, COST_DOUBT, COST_RESERVED, COST_SEPARATE, COST_NUMA, COST_HAD, COST_ORDER, COST_PLACE, COST_PARTS };

struct cost {
    int64_t parts[COST_PARTS];
};

/* An interface that must not be on a PF. */
struct ban {
    size_t request;
    struct pciaddr pf;
    const struct ban *next;
};

/* Of a PF: its VFs, those that are free and that no request wants, and the requests that want one. */
struct tally {
    int64_t total, left, fixed;
};

/* VFs of one PF, the best first, as many as there are requests at most. */
struct bin {
    size_t count;
    const struct vf **vfs; /* the best of them, the better first */
    struct cost *costs;    /* of so many, from one on */
};

/* What libvirt chooses from for one network. */
struct problem {
    const struct assignment *requests; /* of the guest, all */
    size_t count;
    const struct vf_table *table;
    const struct ban *bans;
    size_t *mine; /* the requests for any VF of the table that are to be granted one */
    size_t mine_count;
    bool ordered; /* which interface gets which VF matters */
    struct bin *bins;
    size_t bin_count;
    struct tally *tallies; /* of each PF */
};

static int compare_costs(const struct cost *a, const struct cost *b)
{
    for (size_t i = 0; i < COST_PARTS; i++)
        if (a->parts[i] != b->parts[i])
            return a->parts[i] < b->parts[i] ? -1 : 1;
    return 0;
}

static void add_cost(struct cost *to, const struct cost *cost)
{
    for (size_t i = 0; i < COST_PARTS; i++)
        to->parts[i] += cost->parts[i];
}

static const struct pciaddr *pf_address(const struct assignment *request, const struct vf *vf)
{
    return &request->table->pfs[vf->pf].address;
}

/* ---- what there is ---- */

/* @open: of each VF, whether it is free and no request wants it. */
static struct tally *count_vfs(const struct assignment *requests, size_t count, const struct vf_table *table,
                               bool *open)
{
    struct tally *tallies = memory_new(table->pf_count, sizeof *tallies);
    for (size_t i = 0; i < table->vf_count; i++)
        open[i] = vf_is_free(&table->vfs[i]);
    for (size_t i = 0; i < count; i++)
        if (requests[i].wanted && requests[i].table == table) {
            open[requests[i].wanted - table->vfs] = false;
            tallies[requests[i].wanted->pf].fixed++;
        }
    for (size_t i = 0; i < table->vf_count; i++) {
        tallies[table->vfs[i].pf].total++;
        tallies[table->vfs[i].pf].left += open[i];
    }
    return tallies;
}

/* How many VFs of the PF the pool's wishes leave to the guest. */
static size_t limit(const struct problem *problem, uint16_t pf)
{
    const struct vf_table *table = problem->table;
    if (table->policy.numa == WISH_REQUIRE && table->distances && table->distances[pf] == VF_FAR)
        return 0;
    return table->policy.separate == WISH_REQUIRE ? !problem->tallies[pf].fixed : problem->mine_count;
}

/* Of the VFs of one PF: the better, the smaller. What does not matter is the same in all. */
static uint64_t rank(const struct vf *vf)
{
    return (uint64_t)(vf->doubt != VF_CLEAR) << 34 | (uint64_t)(vf->reserved != VF_FOR_GUEST) << 33 |
           (uint64_t)!vf->had << 32 | vf->returned;
}

/* A bin a PF; where the order matters, a bin a run of one PF's VFs. */
static void fill_bins(struct problem *problem, const bool *open)
{
    const struct vf_table *table = problem->table;
    const struct vf *last = NULL;
    for (size_t i = 0; i < table->vf_count; i++) {
        const struct vf *vf = &table->vfs[i];
        size_t most = open[i] ? limit(problem, vf->pf) : 0;
        if (most == 0)
            continue;
        size_t number = problem->ordered ? problem->bin_count - (last && last->pf == vf->pf) : vf->pf;
        for (; problem->bin_count <= number; problem->bin_count++) {
            problem->bins = memory_resize(problem->bins, problem->bin_count + 1, sizeof *problem->bins);
            problem->bins[problem->bin_count] =
                (struct bin){.vfs = memory_new(most, sizeof(void *)), .costs = memory_new(most, sizeof(struct cost))};
        }
        last = vf;
        /* Behind those that are no worse, as the list is in the order of the pool. */
        struct bin *bin = &problem->bins[number];
        size_t place = bin->count;
        while (place > 0 && rank(bin->vfs[place - 1]) > rank(vf))
            place--;
        if (place == most)
            continue;
        bin->count += bin->count < most;
        memmove(&bin->vfs[place + 1], &bin->vfs[place], (bin->count - place - 1) * sizeof *bin->vfs);
        bin->vfs[place] = vf;
    }
}

static void price_bin(const struct problem *problem, const struct bin *bin)
{
    const struct vf_table *table = problem->table;
    enum policy_order order = table->policy.order;
    struct cost cost = {{0}};
    for (size_t i = 0; i < bin->count; i++) {
        const struct vf *vf = bin->vfs[i];
        const struct tally *tally = &problem->tallies[vf->pf];
        cost.parts[COST_DOUBT] += vf->doubt != VF_CLEAR;
        cost.parts[COST_RESERVED] += vf->reserved != VF_FOR_GUEST;
        cost.parts[COST_SEPARATE] += table->policy.separate != WISH_NO && (i > 0 || tally->fixed);
        cost.parts[COST_NUMA] += table->policy.numa != WISH_NO && table->distances ? table->distances[vf->pf] : 0;
        cost.parts[COST_HAD] += !vf->had;
        if (order == ORDER_SPREAD) /* what is left when it is taken */
            cost.parts[COST_ORDER] -= (tally->left - (int64_t)i) * MILLION / tally->total;
        else if (order != ORDER_FIRST)
            cost.parts[COST_ORDER] += order == ORDER_LRU ? vf->returned : tally->left * MILLION / tally->total;
        cost.parts[COST_PLACE] += vf - table->vfs;
        bin->costs[i] = cost;
    }
}

/* ---- the search ---- */

/* Whether the bin can have my request @next, which comes before those up to @end that it has. */
static bool can_have(const struct problem *problem, const struct bin *bin, size_t next, size_t end)
{
    const struct assignment *requests = problem->requests, *request = &requests[problem->mine[next]];
    const struct pciaddr *pf = &problem->table->pfs[bin->vfs[0]->pf].address;
    for (size_t i = next + 1; i < end; i++)
        if (assignment_share_mac(&requests[problem->mine[i]], request))
            return false;
    for (size_t i = 0; i < problem->count; i++)
        if (requests[i].wanted && assignment_share_mac(&requests[i], request) &&
            pciaddr_equal(pf_address(&requests[i], requests[i].wanted), pf))
            return false;
    for (const struct ban *ban = problem->bans; ban; ban = ban->next)
        if (&requests[ban->request] == request && pciaddr_equal(&ban->pf, pf))
            return false;
    return true;
}

/* One bin more. @best: the lowest cost of so many of my requests. @taken: how many of them have a VF of the bin. */
static void try_bin(const struct problem *problem, const struct bin *bin, struct cost *best, size_t *taken)
{
    /* From the most on, as what is said of fewer is not to know of the bin yet. */
    for (size_t end = problem->mine_count; end > 0; end--)
        for (size_t n = 1; n <= bin->count && n <= end; n++) {
            if (problem->ordered && !can_have(problem, bin, end - n, end))
                break;
            struct cost cost = best[end - n];
            add_cost(&cost, &bin->costs[n - 1]);
            if (compare_costs(&cost, &best[end]) < 0) {
                best[end] = cost;
                taken[end] = n;
            }
        }
}

/* From the first bin to the last what is best, and back what that was made of. */
static void search(const struct problem *problem, struct assignment *requests, struct cost *total)
{
    const struct vf_table *table = problem->table;
    size_t left = problem->mine_count, row = left + 1, next = 0;
    _cleanup_(cleanup_free) struct cost *best = memory_new(row, sizeof *best);
    _cleanup_(cleanup_free) size_t *taken = memory_new(row * (problem->bin_count + 1), sizeof *taken);
    _cleanup_(cleanup_free) bool *chosen = memory_new(table->vf_count, sizeof *chosen);
    for (size_t i = 1; i < row; i++)
        best[i].parts[COST_NONE] = 1;
    for (size_t i = 0; i < problem->bin_count; i++)
        try_bin(problem, &problem->bins[i], best, taken + i * row);
    add_cost(total, &best[left]);
    if (total->parts[COST_NONE])
        return;
    for (size_t i = problem->bin_count; i > 0; i--)
        for (size_t n = taken[(i - 1) * row + left]; n > 0; n--, left--)
            chosen[problem->bins[i - 1].vfs[n - 1] - table->vfs] = true;
    for (size_t i = 0; next < problem->mine_count; i++)
        if (chosen[i])
            requests[problem->mine[next++]].granted = &table->vfs[i];
}

/* Of the pool of request @which and those behind it; @total grows. */
static void assign_pool(struct assignment *requests, size_t count, size_t first, size_t which, const struct ban *bans,
                        struct cost *total)
{
    const struct vf_table *table = requests[which].table;
    _cleanup_(cleanup_free) bool *open = memory_new(table->vf_count, sizeof *open);
    _cleanup_(cleanup_free) struct tally *tallies = count_vfs(requests, count, table, open);
    _cleanup_(cleanup_free) size_t *mine = memory_new(first, sizeof *mine);
    struct problem problem = {
        .requests = requests, .count = count, .table = table, .bans = bans, .mine = mine, .tallies = tallies};
    for (size_t i = which; i < first; i++) {
        if (requests[i].wanted || requests[i].table != table)
            continue;
        mine[problem.mine_count++] = i;
        for (size_t j = 0; j < count && !problem.ordered; j++)
            problem.ordered = assignment_share_mac(&requests[i], &requests[j]);
    }
    fill_bins(&problem, open);
    for (size_t i = 0; i < problem.bin_count; i++)
        price_bin(&problem, &problem.bins[i]);
    search(&problem, requests, total);
    for (size_t i = 0; i < problem.bin_count; i++) {
        free(problem.bins[i].vfs);
        free(problem.bins[i].costs);
    }
    free(problem.bins);
}

/* ---- all pools ---- */

/* Whether one of the two has to go elsewhere. */
static bool clash(const struct assignment *one, const struct assignment *other)
{
    bool strict = one->table == other->table && one->table->policy.separate == WISH_REQUIRE;
    return !one->wanted && !other->wanted && (strict || assignment_share_mac(one, other)) &&
           pciaddr_equal(pf_address(one, one->granted), pf_address(other, other->granted));
}

struct best {
    const struct vf **granted; /* of each request */
    struct cost cost;
    size_t tries;
};

static void try_all(struct assignment *requests, size_t count, size_t first, const struct ban *bans, struct best *best)
{
    struct cost total = {{0}};
    if (++best->tries > MAX_TRIES)
        return;
    for (size_t i = 0; i < count; i++)
        requests[i].granted = i < first ? requests[i].wanted : NULL;
    for (size_t i = 0; i < first && !total.parts[COST_NONE]; i++)
        if (!requests[i].granted)
            assign_pool(requests, count, first, i, bans, &total);
    if (total.parts[COST_NONE] || compare_costs(&total, &best->cost) >= 0)
        return;
    for (size_t i = 0; i < first; i++)
        for (size_t j = i + 1; j < first; j++) {
            if (!clash(&requests[i], &requests[j]))
                continue;
            struct ban ban = {.request = i, .pf = *pf_address(&requests[i], requests[i].granted), .next = bans};
            try_all(requests, count, first, &ban, best);
            ban.request = j;
            try_all(requests, count, first, &ban, best);
            return;
        }
    best->cost = total;
    for (size_t i = 0; i < count; i++)
        best->granted[i] = requests[i].granted;
}

int assignment_find(struct assignment *requests, size_t count, size_t first)
{
    _cleanup_(cleanup_free) const struct vf **granted = memory_new(count, sizeof *granted);
    struct best best = {.granted = granted, .cost.parts[COST_NONE] = 1};
    bool taken = false;
    for (size_t i = 0; i < first && !taken; i++)
        taken = requests[i].wanted &&
                (requests[i].wanted->obstacle == VF_TAKEN || requests[i].wanted->obstacle == VF_PF_TAKEN);
    if (!taken)
        try_all(requests, count, first, NULL, &best);
    for (size_t i = 0; i < count; i++)
        requests[i].granted = granted[i];
    return best.cost.parts[COST_NONE] ? -ENOSPC : 0;
}

long *assignment_shares(const struct assignment *requests, size_t count, const struct vf_table *table)
{
    _cleanup_(cleanup_free) bool *open = memory_new(table->vf_count, sizeof *open);
    _cleanup_(cleanup_free) struct tally *tallies = count_vfs(requests, count, table, open);
    long *shares = memory_new(table->pf_count, sizeof *shares);
    for (size_t i = 0; i < table->pf_count; i++)
        shares[i] = tallies[i].total ? (long)(tallies[i].left * MILLION / tallies[i].total) : 0;
    return shares;
}
