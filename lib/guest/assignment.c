/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "assignment.h"

#include <errno.h>
#include <string.h>

#include "memory.h"

#define MILLION 1000000
#define MAX_TRIES 2000 /* so that a guest whose interfaces all have one MAC address ends, too */

/* What counts, from the weightiest on. */
enum { COST_DOUBT, COST_RESERVED, COST_SEPARATE, COST_NUMA, COST_HAD, COST_ORDER, COST_PLACE, COST_PARTS };

struct cost {
    int64_t parts[COST_PARTS];
};

/* An interface that must not be on a PF. */
struct ban {
    size_t request;
    struct pciaddr pf;
    const struct ban *next;
};

struct bin {
    uint16_t pf;
    size_t count;          /* of its VFs that are kept, as many as there are requests at most */
    const struct vf **vfs; /* the best first */
    struct cost *costs;    /* of the first 0, 1, ... of them */
};

/* What libvirt chooses from for one network. */
struct problem {
    struct assignment *requests; /* of the guest, all */
    size_t count;
    const struct vf_table *table;
    const struct ban *bans;
    size_t *mine; /* the requests for any VF of the table that are to be granted one */
    size_t mine_count;
    bool ordered; /* which interface gets which VF matters */
    bool wanted;  /* a request wants one of the table */
    struct bin *bins;
    size_t bin_count;
    size_t *totals, *frees, *fixed; /* of each PF: its VFs, those that are free, those that requests want */
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

static bool have_one_mac(const struct assignment *a, const struct assignment *b)
{
    return a != b && a->mac && b->mac && a->mac[0] && strcmp(a->mac, b->mac) == 0;
}

static const struct pciaddr *pf_address(const struct assignment *request, const struct vf *vf)
{
    return &request->table->pfs[vf->pf].address;
}

/* ---- what there is ---- */

static bool is_wanted(const struct problem *problem, const struct vf *vf)
{
    for (size_t i = 0; i < problem->count; i++)
        if (problem->requests[i].wanted == vf)
            return true;
    return false;
}

static bool is_free(const struct problem *problem, const struct vf *vf)
{
    return vf_is_free(vf) && !(problem->wanted && is_wanted(problem, vf));
}

static void count_vfs(struct problem *problem)
{
    const struct vf_table *table = problem->table;
    problem->totals = memory_new(table->pf_count, sizeof *problem->totals);
    problem->frees = memory_new(table->pf_count, sizeof *problem->frees);
    problem->fixed = memory_new(table->pf_count, sizeof *problem->fixed);
    for (size_t i = 0; i < problem->count; i++)
        if (problem->requests[i].table == table && problem->requests[i].wanted) {
            problem->fixed[problem->requests[i].wanted->pf]++;
            problem->wanted = true;
        }
    bool shares = table->policy.order == ORDER_SPREAD || table->policy.order == ORDER_PACK;
    for (size_t i = 0; i < table->vf_count && shares; i++) {
        problem->totals[table->vfs[i].pf]++;
        problem->frees[table->vfs[i].pf] += is_free(problem, &table->vfs[i]);
    }
}

/* How many VFs of the PF the pool's wishes leave to the guest. */
static size_t limit(const struct problem *problem, uint16_t pf)
{
    const struct vf_table *table = problem->table;
    if (table->policy.numa == WISH_REQUIRE && table->distances && table->distances[pf] == VF_FAR)
        return 0;
    if (table->policy.separate != WISH_REQUIRE)
        return problem->mine_count;
    return problem->fixed[pf] ? 0 : 1;
}

static struct bin *find_bin(struct problem *problem, uint16_t pf, uint16_t last)
{
    for (size_t i = 0; i < problem->bin_count && !problem->ordered; i++)
        if (problem->bins[i].pf == pf)
            return &problem->bins[i];
    if (problem->ordered && problem->bin_count && pf == last)
        return &problem->bins[problem->bin_count - 1];
    problem->bins = memory_resize(problem->bins, problem->bin_count + 1, sizeof *problem->bins);
    struct bin *bin = &problem->bins[problem->bin_count++];
    *bin = (struct bin){.pf = pf, .vfs = memory_new(problem->mine_count, sizeof *bin->vfs)};
    return bin;
}

/* Of the VFs of one PF: the better, the smaller. What does not matter is the same in all. */
static uint64_t rank(const struct vf *vf)
{
    return (uint64_t)(vf->doubt != VF_CLEAR) << 34 | (uint64_t)(vf->reserved != VF_FOR_GUEST) << 33 |
           (uint64_t)!vf->had << 32 | vf->returned;
}

/* Behind those that are no worse; the list is in the order of the pool. */
static void add_to_bin(struct bin *bin, const struct vf *vf, size_t most)
{
    size_t place = bin->count;
    while (place > 0 && rank(bin->vfs[place - 1]) > rank(vf))
        place--;
    if (place >= most)
        return;
    bin->count += bin->count < most;
    memmove(bin->vfs + place + 1, bin->vfs + place, (bin->count - place - 1) * sizeof *bin->vfs);
    bin->vfs[place] = vf;
}

static void fill_bins(struct problem *problem)
{
    const struct vf_table *table = problem->table;
    struct bin *bin = NULL;
    uint16_t last = 0;
    for (size_t i = 0; i < table->vf_count; i++) {
        const struct vf *vf = &table->vfs[i];
        size_t most = limit(problem, vf->pf);
        if (!is_free(problem, vf) || most == 0)
            continue;
        if (!bin || vf->pf != last)
            bin = find_bin(problem, vf->pf, last);
        last = vf->pf;
        add_to_bin(bin, vf, most);
    }
}

/* ---- what it costs ---- */

static int64_t order_cost(const struct problem *problem, const struct vf *vf, size_t before)
{
    uint16_t pf = vf->pf;
    int64_t free_vfs = (int64_t)problem->frees[pf], total = (int64_t)problem->totals[pf];
    switch (problem->table->policy.order) {
    case ORDER_SPREAD: /* of what is left when it is taken */
        return -(free_vfs - (int64_t)before) * MILLION / total;
    case ORDER_PACK:
        return free_vfs * MILLION / total;
    case ORDER_LRU:
        return vf->returned;
    case ORDER_FIRST:
        break;
    }
    return 0;
}

static void price_bin(const struct problem *problem, struct bin *bin)
{
    const struct vf_table *table = problem->table;
    bool separate = table->policy.separate != WISH_NO;
    bin->costs = memory_new(bin->count + 1, sizeof *bin->costs);
    for (size_t i = 0; i < bin->count; i++) {
        struct cost *cost = &bin->costs[i + 1];
        *cost = bin->costs[i];
        cost->parts[COST_DOUBT] += bin->vfs[i]->doubt != VF_CLEAR;
        cost->parts[COST_RESERVED] += bin->vfs[i]->reserved != VF_FOR_GUEST;
        cost->parts[COST_SEPARATE] += separate && (i > 0 || problem->fixed[bin->pf]);
        cost->parts[COST_NUMA] += table->policy.numa != WISH_NO && table->distances ? table->distances[bin->pf] : 0;
        cost->parts[COST_HAD] += !bin->vfs[i]->had;
        cost->parts[COST_ORDER] += order_cost(problem, bin->vfs[i], i);
        cost->parts[COST_PLACE] += bin->vfs[i] - table->vfs;
    }
}

/* ---- who must not be where ---- */

static bool is_banned(const struct problem *problem, size_t request, const struct bin *bin)
{
    const struct pciaddr *pf = &problem->table->pfs[bin->pf].address;
    for (const struct ban *ban = problem->bans; ban; ban = ban->next)
        if (ban->request == request && pciaddr_equal(&ban->pf, pf))
            return true;
    for (size_t i = 0; i < problem->count; i++) {
        const struct assignment *other = &problem->requests[i];
        if (other->wanted && have_one_mac(other, &problem->requests[request]) &&
            pciaddr_equal(pf_address(other, other->wanted), pf))
            return true;
    }
    return false;
}

/* Whether the bin can have the request, which comes before those from @next to @end that it has. */
static bool can_have(const struct problem *problem, const struct bin *bin, size_t request, size_t next, size_t end)
{
    for (size_t i = next; i < end; i++)
        if (have_one_mac(&problem->requests[problem->mine[i]], &problem->requests[problem->mine[request]]))
            return false;
    return !is_banned(problem, problem->mine[request], bin);
}

static bool find_order(const struct problem *problem)
{
    for (size_t i = 0; i < problem->mine_count; i++)
        for (size_t j = 0; j < problem->count; j++)
            if (have_one_mac(&problem->requests[problem->mine[i]], &problem->requests[j]))
                return true;
    return false;
}

/* ---- the search ---- */

/* One bin more. @before, @after: the lowest cost of so many requests, and whether there is one. */
struct state {
    struct cost cost;
    bool possible;
};

static void try_bin(const struct problem *problem, const struct bin *bin, const struct state *before,
                    struct state *after, size_t *taken)
{
    for (size_t end = 0; end <= problem->mine_count; end++) {
        after[end] = before[end];
        taken[end] = 0;
        for (size_t n = 1; n <= bin->count && n <= end; n++) {
            const struct state *from = &before[end - n];
            if (problem->ordered && !can_have(problem, bin, end - n, end - n + 1, end))
                break;
            struct cost cost = from->cost;
            add_cost(&cost, &bin->costs[n]);
            if (!from->possible || (after[end].possible && compare_costs(&cost, &after[end].cost) >= 0))
                continue;
            after[end] = (struct state){.cost = cost, .possible = true};
            taken[end] = n;
        }
    }
}

static int compare_places(const void *a, const void *b)
{
    const struct vf *first = *(const struct vf *const *)a, *second = *(const struct vf *const *)b;
    return first < second ? -1 : first > second;
}

/* From the last bin back to the first. */
static void grant(const struct problem *problem, const size_t *taken)
{
    size_t left = problem->mine_count, row = problem->mine_count + 1;
    _cleanup_(cleanup_free) const struct vf **vfs = memory_new(left, sizeof *vfs);
    for (size_t i = problem->bin_count; i > 0; i--)
        for (size_t n = taken[(i - 1) * row + left]; n > 0; n--)
            vfs[--left] = problem->bins[i - 1].vfs[n - 1];
    qsort(vfs, problem->mine_count, sizeof *vfs, compare_places);
    for (size_t i = 0; i < problem->mine_count; i++)
        problem->requests[problem->mine[i]].granted = vfs[i];
}

static int search(const struct problem *problem, struct cost *total)
{
    size_t row = problem->mine_count + 1;
    struct state *states = memory_new(2 * row, sizeof *states);
    size_t *taken = memory_new(row * (problem->bin_count + 1), sizeof *taken);
    struct state *before = states, *after = states + row;
    before[0].possible = true;
    for (size_t i = 0; i < problem->bin_count; i++) {
        try_bin(problem, &problem->bins[i], before, after, taken + i * row);
        struct state *swapped = before;
        before = after;
        after = swapped;
    }
    bool possible = before[problem->mine_count].possible;
    if (possible) {
        add_cost(total, &before[problem->mine_count].cost);
        grant(problem, taken);
    }
    free(states);
    free(taken);
    return possible ? 0 : -ENOSPC;
}

static void free_problem(struct problem *problem)
{
    for (size_t i = 0; i < problem->bin_count; i++) {
        free(problem->bins[i].vfs);
        free(problem->bins[i].costs);
    }
    free(problem->bins);
    free(problem->mine);
    free(problem->totals);
    free(problem->frees);
    free(problem->fixed);
}

/* ---- all pools ---- */

/* Of the pool of request @which and those behind it; @total grows. */
static int assign_pool(struct assignment *requests, size_t count, size_t first, size_t which, const struct ban *bans,
                       struct cost *total)
{
    struct problem problem = {.requests = requests, .count = count, .table = requests[which].table, .bans = bans};
    problem.mine = memory_new(first, sizeof *problem.mine);
    for (size_t i = which; i < first; i++)
        if (!requests[i].wanted && requests[i].table == problem.table)
            problem.mine[problem.mine_count++] = i;
    problem.ordered = find_order(&problem);
    count_vfs(&problem);
    fill_bins(&problem);
    for (size_t i = 0; i < problem.bin_count; i++)
        price_bin(&problem, &problem.bins[i]);
    int result = search(&problem, total);
    free_problem(&problem);
    return result;
}

static int assign(struct assignment *requests, size_t count, size_t first, const struct ban *bans, struct cost *total)
{
    int result = 0;
    for (size_t i = 0; i < count; i++)
        requests[i].granted = NULL;
    for (size_t i = 0; i < first && result == 0; i++) {
        if (requests[i].wanted &&
            (requests[i].wanted->obstacle == VF_TAKEN || requests[i].wanted->obstacle == VF_PF_TAKEN))
            result = -ENOSPC;
        else if (requests[i].wanted)
            requests[i].granted = requests[i].wanted;
        else if (!requests[i].granted)
            result = assign_pool(requests, count, first, i, bans, total);
    }
    return result;
}

/* Two requests of which one has to go elsewhere. */
static bool find_clash(const struct assignment *requests, size_t first, struct ban clash[2])
{
    for (size_t i = 0; i < first; i++) {
        for (size_t j = i + 1; j < first; j++) {
            const struct assignment *one = &requests[i], *other = &requests[j];
            if (one->wanted || other->wanted ||
                !pciaddr_equal(pf_address(one, one->granted), pf_address(other, other->granted)))
                continue;
            bool strict = one->table == other->table && one->table->policy.separate == WISH_REQUIRE;
            if (!strict && !have_one_mac(one, other))
                continue;
            clash[0] = (struct ban){.request = i, .pf = *pf_address(one, one->granted)};
            clash[1] = (struct ban){.request = j, .pf = clash[0].pf};
            return true;
        }
    }
    return false;
}

struct best {
    const struct vf **granted; /* of each request */
    struct cost cost;
    bool found;
    size_t tries;
};

static void try_all(struct assignment *requests, size_t count, size_t first, const struct ban *bans, struct best *best)
{
    struct cost total = {{0}};
    struct ban clash[2];
    if (++best->tries > MAX_TRIES || assign(requests, count, first, bans, &total) < 0 ||
        (best->found && compare_costs(&total, &best->cost) >= 0))
        return;
    if (find_clash(requests, first, clash)) {
        for (size_t i = 0; i < 2; i++) {
            clash[i].next = bans;
            try_all(requests, count, first, &clash[i], best);
        }
        return;
    }
    best->found = true;
    best->cost = total;
    for (size_t i = 0; i < count; i++)
        best->granted[i] = requests[i].granted;
}

int assignment_find(struct assignment *requests, size_t count, size_t first)
{
    struct best best = {.granted = memory_new(count, sizeof *best.granted)};
    try_all(requests, count, first, NULL, &best);
    for (size_t i = 0; i < count; i++)
        requests[i].granted = best.granted[i];
    free(best.granted);
    return best.found ? 0 : -ENOSPC;
}

long *assignment_shares(const struct assignment *requests, size_t count, const struct vf_table *table)
{
    _cleanup_(cleanup_free) long *totals = memory_new(table->pf_count, sizeof *totals);
    long *shares = memory_new(table->pf_count, sizeof *shares);
    const struct problem problem = {.requests = (struct assignment *)requests, .count = count, .wanted = true};
    for (size_t i = 0; i < table->vf_count; i++) {
        totals[table->vfs[i].pf]++;
        shares[table->vfs[i].pf] += is_free(&problem, &table->vfs[i]);
    }
    for (size_t i = 0; i < table->pf_count; i++)
        shares[i] = totals[i] ? shares[i] * MILLION / totals[i] : 0;
    return shares;
}
