/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pciaddr.h"

#include <errno.h>
#include <string.h>

#include "tap.h"

/* The kernel's form: what is read and what is written of it; NULL: refused. */
static const struct {
    const char *text, *written;
} texts[] = {
    {"0000:00:00.0", "0000:00:00.0"},
    {"0000:01:10.2", "0000:01:10.2"},
    {"0000:ff:1f.7", "0000:ff:1f.7"},
    {"0000:AB:1F.7", "0000:ab:1f.7"},
    {"ffff:ff:1f.7", "ffff:ff:1f.7"},
    {"10000:e1:00.0", "10000:e1:00.0"},
    {"00010000:e1:00.0", "10000:e1:00.0"},
    {"00000001:00:00.0", "0001:00:00.0"},
    {"ffffffff:ff:1f.7", "ffffffff:ff:1f.7"},
    {"", NULL},
    {" 0000:01:10.2", NULL},
    {"0000:01:10.2 ", NULL},
    {"0000:01:10.2\n", NULL},
    {"0000:01:10", NULL},
    {"0000:01:10.", NULL},
    {"01:10.2", NULL},
    {"000:01:10.2", NULL},
    {"100000000:01:10.2", NULL},
    {"0000:1:10.2", NULL},
    {"0000:001:10.2", NULL},
    {"0000:01:1.2", NULL},
    {"0000:01:20.2", NULL},
    {"0000:01:10.8", NULL},
    {"0000:01:10.22", NULL},
    {"0000:01:10:2", NULL},
    {"0000.01.10.2", NULL},
    {"0000:0g:10.2", NULL},
    {"0x00:01:10.2", NULL},
    {"-001:01:10.2", NULL},
    {"+001:01:10.2", NULL},
    {"0000:01:10.2/..", NULL},
    {"../0000:01:10.2", NULL},
    {"0000", NULL},
    {":", NULL},
    {"@000:01:10.2", NULL},
    {"`000:01:10.2", NULL},
    {"/000:01:10.2", NULL},
    {"\xff\xff\xff\xff:01:10.2", NULL},
};

/* What a person types, and what it means. */
static const struct {
    const char *text, *written;
} typed[] = {
    {"0000:01:10.2", "0000:01:10.2"},
    {"10000:e1:00.0", "10000:e1:00.0"},
    {"01:10.2", "0000:01:10.2"},
    {"AB:1F.7", "0000:ab:1f.7"},
    {"pci_0000_01_10_2", "0000:01:10.2"},
    {"pci_10000_e1_00_0", "10000:e1:00.0"},
    {"pci_ffffffff_ff_1f_7", "ffffffff:ff:1f.7"},
    {"", NULL},
    {"01", NULL},
    {"01:10", NULL},
    {"1:10.2", NULL},
    {"01:20.2", NULL},
    {"01:10.8", NULL},
    {" 01:10.2", NULL},
    {"01:10.2 ", NULL},
    {"01:10.2.3", NULL},
    {":01:10.2", NULL},
    {"01_10_2", NULL},
    {"0000_01_10_2", NULL},
    {"pci_", NULL},
    {"pci_01_10_2", NULL},
    {"pci_01:10.2", NULL},
    {"pci_0000:01:10.2", NULL},
    {"pci_0000_01_10.2", NULL},
    {"pci_0000_01_10_2_", NULL},
    {"pci_0000_01_10_2_3", NULL},
    {"pci_100000000_01_10_2", NULL},
    {"PCI_0000_01_10_2", NULL},
    {"pci_pci_0000_01_10_2", NULL},
    {"01:10.2 and much more than an address has", NULL},
};

/* libvirt's four attributes. */
static const struct {
    const char *domain, *bus, *slot, *function, *written;
} parts[] = {
    {"0x0000", "0x01", "0x10", "0x2", "0000:01:10.2"},
    {"0", "1", "16", "2", "0000:01:10.2"},
    {"00", "01", "020", "02", "0000:01:10.2"},
    {NULL, "0x01", "0x10", "0x2", "0000:01:10.2"},
    {NULL, "1", NULL, NULL, "0000:01:00.0"},
    {NULL, NULL, NULL, NULL, "0000:00:00.0"},
    {"0X10000", "0XE1", "0", "0", "10000:e1:00.0"},
    {"4294967295", "255", "31", "7", "ffffffff:ff:1f.7"},
    {"4294967296", "0", "0", "0", NULL},
    {"18446744073709551616", "0", "0", "0", NULL},
    {"0", "256", "0", "0", NULL},
    {"0", "0", "32", "0", NULL},
    {"0", "0", "0", "8", NULL},
    {"", "0", "0", "0", NULL},
    {"0", "", "0", "0", NULL},
    {"0", "0", "", "0", NULL},
    {"0", "0", "0", "", NULL},
    {"-1", "0", "0", "0", NULL},
    {"+1", "0", "0", "0", NULL},
    {" 1", "0", "0", "0", NULL},
    {"1 ", "0", "0", "0", NULL},
    {"0x", "0", "0", "0", NULL},
    {"08", "0", "0", "0", NULL},
    {"1x", "0", "0", "0", NULL},
    {"a", "0", "0", "0", NULL},
    {"0", "1.0", "0", "0", NULL},
};

static void test_texts(void)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct pciaddr address = {.domain = 7};
        char written[PCIADDR_SIZE];
        int result = pciaddr_parse(texts[i].text, &address);
        if (!texts[i].written)
            ok(result == -EINVAL, "'%s' is refused", texts[i].text);
        else if (ok(result == 0, "'%s' is read", texts[i].text))
            is(pciaddr_format(&address, written), texts[i].written, "and written");
    }
}

static void test_parts(void)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct pciaddr address;
        char written[PCIADDR_SIZE];
        int result = pciaddr_parse_parts(parts[i].domain, parts[i].bus, parts[i].slot, parts[i].function, &address);
        if (!parts[i].written)
            ok(result == -EINVAL, "row %zu is refused", i);
        else if (ok(result == 0, "row %zu is read", i))
            is(pciaddr_format(&address, written), parts[i].written, "and written");
    }
}

static void test_typed(void)
{
    for (size_t i = 0; i < sizeof typed / sizeof *typed; i++) {
        struct pciaddr address = {0};
        char text[PCIADDR_SIZE];
        int result = pciaddr_parse_any(typed[i].text, &address);
        ok(typed[i].written ? result == 0 && strcmp(pciaddr_format(&address, text), typed[i].written) == 0
                            : result == -EINVAL,
           "a person's '%s'", typed[i].text);
    }
}

/* Every bus, slot and function of some domains, in their order. */
static void test_round_trip(void)
{
    static const uint32_t domains[] = {0, 1, 0xffff, 0x10000, 0xffffffff};
    size_t wrong = 0, disordered = 0;
    uint64_t last = 0;
    char text[PCIADDR_SIZE];
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
        for (unsigned int id = 0; id <= 0xffff; id++) {
            struct pciaddr address = {.domain = domains[i],
                                      .bus = (uint8_t)(id >> 8),
                                      .slot = (uint8_t)(id >> 3 & 31),
                                      .function = (uint8_t)(id & 7)};
            struct pciaddr read, back = pciaddr_from_key(pciaddr_key(&address));
            wrong += pciaddr_parse(pciaddr_format(&address, text), &read) < 0 || !pciaddr_equal(&address, &read) ||
                     !pciaddr_equal(&address, &back);
            disordered += last && pciaddr_key(&address) <= last;
            last = pciaddr_key(&address);
        }
    }
    ok(wrong == 0, "text and key of every address lead back to it (%zu do not)", wrong);
    ok(disordered == 0, "keys are in the order of the addresses (%zu are not)", disordered);
    ok(last == UINT64_C(0xffffffffffff), "the last address has the last key");
}

static void test_set(void)
{
    struct pciaddr_set set = {0};
    size_t wrong = 0, count = 50000;
    struct pciaddr zero = {0};
    ok(!pciaddr_set_has(&set, &zero), "an empty set has nothing, not even 0000:00:00.0");
    /* Neighbours and far ones: bits that a poor hash would drop. */
    for (size_t i = 0; i < count; i++) {
        struct pciaddr address = pciaddr_from_key(i % 2 ? i : (uint64_t)i << 24);
        wrong += pciaddr_set_has(&set, &address);
        pciaddr_set_add(&set, &address);
        wrong += !pciaddr_set_has(&set, &address);
    }
    ok(wrong == 0, "each is there once it is added, and not before (%zu are wrong)", wrong);
    ok(set.count == count, "all were counted (%zu)", set.count);
    for (size_t i = 0; i < count; i++) {
        struct pciaddr address = pciaddr_from_key(i % 2 ? i : (uint64_t)i << 24);
        struct pciaddr stranger = pciaddr_from_key(i % 2 ? i + (UINT64_C(1) << 20) : (uint64_t)i << 24 | 1U << 20);
        wrong += !pciaddr_set_has(&set, &address) || pciaddr_set_has(&set, &stranger);
    }
    ok(wrong == 0, "and still are, beside the others, which are not (%zu are wrong)", wrong);
    pciaddr_set_add(&set, &zero);
    ok(set.count == count, "what is there is not counted twice");
    pciaddr_set_free(&set);
    ok(!set.slots && set.count == 0 && !pciaddr_set_has(&set, &zero), "a freed set is empty");
}

int main(void)
{
    test_texts();
    test_parts();
    test_typed();
    test_round_trip();
    test_set();
    return tap_end();
}
