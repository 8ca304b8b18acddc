/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pciaddr - the address of a PCI function */
#ifndef VFPOOL_PCIADDR_H
#define VFPOOL_PCIADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"

struct pciaddr {
    uint32_t domain;
    uint8_t bus;
    uint8_t slot;     /* 0 to 0x1f */
    uint8_t function; /* 0 to 7 */
};

#define PCIADDR_SIZE sizeof "12345678:00:00.0"

/**
 * pciaddr_parse() - read "DDDD:BB:SS.F", the kernel's form (Linux drivers/pci/probe.c, pci_setup_device)
 * @text: nothing may follow the address; the domain has four to eight digits (VMD's are above 0xffff)
 *
 * Return: 0 or -EINVAL.
 */
int pciaddr_parse(const char *text, struct pciaddr *address) must_check nonnull(1, 2);

/**
 * pciaddr_parse_any() - read an address as a person has it: from lspci(8), sysfs or libvirt
 * @text: the kernel's form; "BB:SS.F", which is of domain 0; or "pci_DDDD_BB_SS_F", libvirt's name of the device
 *        (src/node_device/node_device_udev.c, udevProcessPCI)
 *
 * For command lines; files have the kernel's form.
 *
 * Return: 0 or -EINVAL.
 */
int pciaddr_parse_any(const char *text, struct pciaddr *address) must_check nonnull(1, 2);

/**
 * pciaddr_parse_parts() - read the four attributes of libvirt's <address type='pci'>
 *
 * Numbers as libvirt takes them (src/conf/device_conf.c, virPCIDeviceAddressParseXML): decimal, 0x or 0 before them.
 * A NULL part is 0.
 *
 * Return: 0 or -EINVAL.
 */
int pciaddr_parse_parts(const char *domain, const char *bus, const char *slot, const char *function,
                        struct pciaddr *address) must_check nonnull(5);

/** pciaddr_format() - write the kernel's form. Return: @text. */
const char *pciaddr_format(const struct pciaddr *address, char text[PCIADDR_SIZE]) nonnull(1, 2);

/** pciaddr_key() - a number that orders addresses as their text does, and is never 0 for a VF. */
static inline uint64_t pciaddr_key(const struct pciaddr *address)
{
    return (uint64_t)address->domain << 16 | (uint64_t)address->bus << 8 | (uint64_t)address->slot << 3 |
           address->function;
}

static inline struct pciaddr pciaddr_from_key(uint64_t key)
{
    return (struct pciaddr){.domain = (uint32_t)(key >> 16),
                            .bus = (uint8_t)(key >> 8),
                            .slot = (uint8_t)(key >> 3 & 0x1f),
                            .function = (uint8_t)(key & 7)};
}

static inline bool pciaddr_equal(const struct pciaddr *a, const struct pciaddr *b)
{
    return pciaddr_key(a) == pciaddr_key(b);
}

/* Addresses, to be asked for quickly. Starts as zeroes. */
struct pciaddr_set {
    uint64_t *slots; /* key + 1; 0 is an empty slot */
    size_t size;     /* a power of two, or 0 */
    size_t count;
};

/** pciaddr_set_add() - put an address in; twice is once */
void pciaddr_set_add(struct pciaddr_set *set, const struct pciaddr *address) nonnull(1, 2);
bool pciaddr_set_has(const struct pciaddr_set *set, const struct pciaddr *address) must_check nonnull(1, 2);
void pciaddr_set_free(struct pciaddr_set *set) nonnull(1);

#endif
