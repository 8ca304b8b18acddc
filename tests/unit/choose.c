/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "choose.h"

#include <errno.h>

#include "tap.h"

/*
 * A pool of four PFs at most: a letter a VF, A for one of the first PF, B of the second...; below it what is in its
 * way, '.' nothing, t taken, d its PF is down, v vanished. A request is '*' for any VF, or the index of the wanted one.
 * The answer is the index of each request's VF, or '!' and the index of the request that failed.
 */
static const struct {
    const char *name, *vfs, *obstacles, *requests, *answer;
    struct policy policy;
} cases[] = {
    {"the first", "AAAA", "....", "*", "0", {0}},
    {"the first ones, in order", "AAAA", "....", "***", "012", {0}},
    {"all there are", "AAAA", "....", "****", "0123", {0}},
    {"no request", "AAAA", "....", "", "", {0}},
    {"one too many", "AAAA", "....", "*****", "!4", {0}},
    {"an empty pool", "", "", "*", "!0", {0}},
    {"no request of an empty pool", "", "", "", "", {0}},
    {"past what is taken", "AAAA", "t.t.", "**", "13", {0}},
    {"past what is down", "AABB", "dd..", "**", "23", {0}},
    {"past what vanished", "AAAA", "v.v.", "**", "13", {0}},
    {"past all of these", "ABAA", "tdv.", "*", "3", {0}},
    {"none is left", "ABA", "tdv", "*", "!0", {0}},
    {"all or none", "AAA", "t.t", "**", "!1", {0}},
    {"a wanted one", "AAAA", "....", "2", "2", {0}},
    {"a wanted one is kept for its request, before", "AAAA", "....", "0*", "01", {0}},
    {"a wanted one is kept for its request, after", "AAAA", "....", "*0", "10", {0}},
    {"wanted ones in between", "AAAA", "....", "*1*0", "2130", {0}},
    {"a wanted one is taken", "AAAA", "..t.", "2", "!0", {0}},
    {"a wanted one is taken, and so nothing is granted", "AAAA", "..t.", "*2", "!1", {0}},
    {"a wanted one whose PF is down is granted", "AA", "dd", "1", "1", {0}},
    {"a wanted one that vanished is granted", "AA", "vv", "0", "0", {0}},
    {"wanted ones leave too few", "AA", "..", "01*", "!2", {0}},
    {"wanted ones leave too few, asked first", "AA", "..", "*01", "!0", {0}},
    {"one PF after the other, unless asked", "AABB", "....", "**", "01", {0}},
    {"different PFs when asked", "AABB", "....", "**", "02", {.separate = WISH_PREFER}},
    {"different PFs as long as there are", "AABB", "....", "****", "0123", {.separate = WISH_PREFER}},
    {"three PFs", "AABBCC", "......", "****", "0124", {.separate = WISH_PREFER}},
    {"the same PF rather than none", "AA", "..", "**", "01", {.separate = WISH_PREFER}},
    {"the same PF where the other is taken", "AABB", "..tt", "**", "01", {.separate = WISH_PREFER}},
    {"the same PF where the other is down", "AABB", "..dd", "**", "01", {.separate = WISH_PREFER}},
    {"another PF than that of a wanted one before", "AABB", "....", "0*", "02", {.separate = WISH_PREFER}},
    {"another PF than that of a wanted one after", "AABB", "....", "*0", "20", {.separate = WISH_PREFER}},
    {"all or none, on different PFs", "AB", "..", "***", "!2", {.separate = WISH_PREFER}},
    {"VFs of PFs in turn", "ABAB", "....", "***", "012", {.separate = WISH_PREFER}},
};

#define MAX 8

static struct host_pf pfs[4] = {{.name = "eth0", .examined = true},
                                {.name = "eth1", .examined = true},
                                {.name = "eth2", .examined = true},
                                {.name = "eth3", .examined = true}};

static void fill(struct vf *vfs, const char *letters, const char *obstacles)
{
    for (size_t i = 0; letters[i]; i++) {
        const char *known = ".tdv";
        vfs[i] = (struct vf){.address = {.bus = 1, .slot = (uint8_t)i},
                             .number = (uint16_t)i,
                             .pf = (uint16_t)(letters[i] - 'A'),
                             .obstacle = (uint8_t)(strchr(known, obstacles[i]) - known)};
    }
}

static void test_case(size_t number)
{
    struct pool pool = {0};
    struct vf vfs[MAX];
    struct vf_table table = {.pool = &pool, .policy = cases[number].policy, .pfs = pfs, .pf_count = 4, .vfs = vfs};
    struct assignment requests[MAX] = {0};
    char answer[MAX + 1] = "";
    size_t count = strlen(cases[number].requests), failed = 99;
    table.vf_count = strlen(cases[number].vfs);
    fill(vfs, cases[number].vfs, cases[number].obstacles);
    for (size_t i = 0; i < count; i++) {
        char wanted = cases[number].requests[i];
        /* What an earlier call left behind must not matter. */
        requests[i] = (struct assignment){
            .table = &table, .wanted = wanted == '*' ? NULL : &vfs[wanted - '0'], .granted = &vfs[0]};
    }
    int result = choose(requests, count, &failed);
    if (result == 0)
        for (size_t i = 0; i < count; i++)
            answer[i] = (char)('0' + (requests[i].granted - vfs));
    else
        snprintf(answer, sizeof answer, "!%zu", failed);
    is(answer, cases[number].answer, cases[number].name);
    ok(result == 0 || result == -ENOSPC, "with an answer of its own (%d)", result);
    for (size_t i = 0; i < table.vf_count; i++)
        if (strchr(".tdv", cases[number].obstacles[i]) - ".tdv" != vfs[i].obstacle)
            ok(false, "%s: choose changed a VF", cases[number].name);
}

/* Requests of two pools do not get in each other's way. */
static void test_two_pools(void)
{
    struct pool pools[2] = {{0}};
    static const struct policy policies[2] = {{.separate = WISH_PREFER}, {0}};
    struct vf vfs[2][2];
    struct vf_table tables[2];
    struct assignment requests[4];
    size_t failed = 99;
    for (size_t i = 0; i < 2; i++) {
        fill(vfs[i], "AA", "..");
        tables[i] = (struct vf_table){
            .pool = &pools[i], .policy = policies[i], .pfs = &pfs[i], .pf_count = 1, .vfs = vfs[i], .vf_count = 2};
    }
    for (size_t i = 0; i < 4; i++)
        requests[i] = (struct assignment){.table = &tables[i % 2]};
    ok(choose(requests, 4, &failed) == 0, "two of each of two pools");
    ok(requests[0].granted == &vfs[0][0] && requests[1].granted == &vfs[1][0] && requests[2].granted == &vfs[0][1] &&
           requests[3].granted == &vfs[1][1],
       "each of its own pool, in order");
    fill(vfs[1], "AA", ".t");
    ok(choose(requests, 4, &failed) == -ENOSPC && failed == 3, "the pool that has too few fails the guest");
}

static void test_reasons(void)
{
    struct pool pool = {0};
    struct vf vfs[7];
    struct vf_table table = {
        .pool = &pool, .policy = {.separate = WISH_PREFER}, .pfs = pfs, .pf_count = 4, .vfs = vfs, .vf_count = 7};
    struct assignment requests[3] = {{.table = &table}, {.table = &table}, {.table = &table, .wanted = &vfs[6]}};
    static const char *const expected[3][7] = {
        {"taken", "PF eth1 is down: ip link set eth1 up", "VF 2 of PF eth0 is gone from sysfs", "",
         "VF 3 of PF eth0 comes before it", "it goes to another interface of the guest",
         "it goes to another interface of the guest"},
        {"taken", "PF eth1 is down: ip link set eth1 up", "VF 2 of PF eth0 is gone from sysfs",
         "it goes to another interface of the guest", "the guest has an interface on PF eth0 already", "",
         "it goes to another interface of the guest"},
        {"taken", "PF eth1 is down: ip link set eth1 up", "VF 2 of PF eth0 is gone from sysfs",
         "the guest asks for another VF by its address", "the guest asks for another VF by its address",
         "the guest asks for another VF by its address", ""},
    };
    char text[200];
    size_t failed = 99;
    fill(vfs, "ABAAACD", "tdv....");
    ok(choose(requests, 3, &failed) == 0, "three requests are granted");
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 7; j++)
            is(choose_reason(requests, 3, i, &vfs[j], NULL, text, sizeof text), expected[i][j], "the reason");
    is(choose_reason(requests, 3, 1, &vfs[1], NULL, text, 8), "PF eth1", "a reason is cut where there is no room");
}

static void test_reasons_of_failure(void)
{
    struct pool pool = {0};
    struct vf vfs[3];
    struct vf_table table = {.pool = &pool, .pfs = pfs, .pf_count = 4, .vfs = vfs, .vf_count = 3};
    struct assignment requests[3] = {{.table = &table}, {.table = &table, .wanted = &vfs[2]}, {.table = &table}};
    char text[200];
    size_t failed = 99;
    fill(vfs, "AAA", ".t.");
    ok(choose(requests, 3, &failed) == -ENOSPC && failed == 2, "the third finds nothing");
    is(choose_reason(requests, 3, 2, &vfs[0], NULL, text, sizeof text), "it goes to another interface of the guest",
       "the first would have got one");
    is(choose_reason(requests, 3, 2, &vfs[1], NULL, text, sizeof text), "taken", "one is taken");
    is(choose_reason(requests, 3, 2, &vfs[2], NULL, text, sizeof text), "it goes to another interface of the guest",
       "one is wanted by another");
}

int main(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        test_case(i);
    test_two_pools();
    test_reasons();
    test_reasons_of_failure();
    return tap_end();
}
