/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pciaddr.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* The value of a hexadecimal digit, or more than 15. Not by isxdigit(): thousands of names are read at a time. */
static unsigned int digit(char c)
{
    unsigned int decimal = (unsigned char)c - (unsigned int)'0';
    unsigned int letter = ((unsigned char)c | 0x20U) - (unsigned int)'a';
    return decimal <= 9 ? decimal : letter <= 5 ? letter + 10 : 16;
}

/* Reads between min and max hexadecimal digits at *text and moves it behind them. */
static int parse_digits(const char **text, int min, int max, uint32_t *value)
{
    int count = 0;
    *value = 0;
    for (unsigned int next; count < max && (next = digit(**text)) <= 15; count++, (*text)++)
        *value = *value << 4 | next;
    return count >= min ? 0 : -EINVAL;
}

static int parse_separator(const char **text, char separator)
{
    return *(*text)++ == separator ? 0 : -EINVAL;
}

static int fill(struct pciaddr *address, uint32_t domain, uint32_t bus, uint32_t slot, uint32_t function)
{
    if (bus > 0xff || slot > 0x1f || function > 7)
        return -EINVAL;
    *address =
        (struct pciaddr){.domain = domain, .bus = (uint8_t)bus, .slot = (uint8_t)slot, .function = (uint8_t)function};
    return 0;
}

int pciaddr_parse(const char *text, struct pciaddr *address)
{
    uint32_t domain, bus, slot, function;
    if (parse_digits(&text, 4, 8, &domain) < 0 || parse_separator(&text, ':') < 0 ||
        parse_digits(&text, 2, 2, &bus) < 0 || parse_separator(&text, ':') < 0 ||
        parse_digits(&text, 2, 2, &slot) < 0 || parse_separator(&text, '.') < 0 ||
        parse_digits(&text, 1, 1, &function) < 0 || *text != '\0')
        return -EINVAL;
    return fill(address, domain, bus, slot, function);
}

int pciaddr_parse_any(const char *text, struct pciaddr *address)
{
    static const char prefix[] = "pci_";
    char full[PCIADDR_SIZE], *at;
    bool is_name = strncmp(text, prefix, sizeof prefix - 1) == 0;
    if (pciaddr_parse(text, address) == 0)
        return 0;
    int length = snprintf(full, sizeof full, "%s%s", is_name ? "" : "0000:", is_name ? text + sizeof prefix - 1 : text);
    if ((size_t)length >= sizeof full || (is_name && strpbrk(full, ":.")))
        return -EINVAL;
    for (const char *separator = "::."; is_name && *separator && (at = strchr(full, '_')); separator++)
        *at = *separator;
    return pciaddr_parse(full, address);
}

static int parse_number(const char *text, uint32_t *value)
{
    *value = 0;
    if (!text)
        return 0;
    if (!isdigit((unsigned char)*text))
        return -EINVAL;
    char *end = NULL;
    errno = 0;
    unsigned long number = strtoul(text, &end, 0);
    if (errno || *end != '\0' || number > UINT32_MAX)
        return -EINVAL;
    *value = (uint32_t)number;
    return 0;
}

int pciaddr_parse_parts(const char *domain, const char *bus, const char *slot, const char *function,
                        struct pciaddr *address)
{
    uint32_t d, b, s, f;
    if (parse_number(domain, &d) < 0 || parse_number(bus, &b) < 0 || parse_number(slot, &s) < 0 ||
        parse_number(function, &f) < 0)
        return -EINVAL;
    return fill(address, d, b, s, f);
}

const char *pciaddr_format(const struct pciaddr *address, char text[PCIADDR_SIZE])
{
    snprintf(text, PCIADDR_SIZE, "%04x:%02x:%02x.%x", address->domain, address->bus, address->slot,
             address->function & 7U);
    return text;
}

/* The slot that holds the key, or the empty one where it belongs. The factor is 2^64 over the golden ratio (Knuth). */
static size_t find_slot(const uint64_t *slots, size_t size, uint64_t key)
{
    size_t slot = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (size - 1);
    while (slots[slot] != 0 && slots[slot] != key + 1)
        slot = (slot + 1) & (size - 1);
    return slot;
}

static void grow(struct pciaddr_set *set)
{
    size_t size = set->size ? set->size * 4 : 256;
    uint64_t *slots = memory_new(size, sizeof *slots);
    for (size_t i = 0; i < set->size; i++)
        if (set->slots[i])
            slots[find_slot(slots, size, set->slots[i] - 1)] = set->slots[i];
    free(set->slots);
    set->slots = slots;
    set->size = size;
}

void pciaddr_set_add(struct pciaddr_set *set, const struct pciaddr *address)
{
    if (set->count * 2 >= set->size)
        grow(set);
    uint64_t key = pciaddr_key(address);
    size_t slot = find_slot(set->slots, set->size, key);
    if (set->slots[slot] == 0)
        set->count++;
    set->slots[slot] = key + 1;
}

bool pciaddr_set_has(const struct pciaddr_set *set, const struct pciaddr *address)
{
    return set->size && set->slots[find_slot(set->slots, set->size, pciaddr_key(address))] != 0;
}

void pciaddr_set_free(struct pciaddr_set *set)
{
    free(set->slots);
    *set = (struct pciaddr_set){0};
}
