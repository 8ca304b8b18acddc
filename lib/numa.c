/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "numa.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "xml.h"

static void set_bits(struct numa_set *set, unsigned long first, unsigned long last, bool on)
{
    for (unsigned long i = first; i <= last && i < NUMA_MAX; i++) {
        uint64_t bit = (uint64_t)1 << (i % 64);
        set->bits[i / 64] = on ? set->bits[i / 64] | bit : set->bits[i / 64] & ~bit;
    }
}

static int parse_number(const char **text, unsigned long *number)
{
    char *end;
    if (!isdigit((unsigned char)**text))
        return -EINVAL;
    *number = strtoul(*text, &end, 10);
    *text = end;
    return 0;
}

int numa_parse(const char *list, struct numa_set *set)
{
    *set = (struct numa_set){{0}};
    for (const char *p = list; *p && *p != '\n';) {
        bool on = *p != '^';
        unsigned long first, last;
        p += !on;
        if (parse_number(&p, &first) < 0)
            return -EINVAL;
        last = first;
        if (on && *p == '-' && (p++, parse_number(&p, &last) < 0 || last < first))
            return -EINVAL;
        set_bits(set, first, last, on);
        if (*p == ',' && p[1])
            p++;
        else if (*p && *p != '\n')
            return -EINVAL;
    }
    return 0;
}

bool numa_has(const struct numa_set *set, int number)
{
    return number >= 0 && number < NUMA_MAX && (set->bits[number / 64] >> (number % 64) & 1);
}

static bool meet(const struct numa_set *a, const struct numa_set *b)
{
    uint64_t common = 0;
    for (size_t i = 0; i < sizeof a->bits / sizeof *a->bits; i++)
        common |= a->bits[i] & b->bits[i];
    return common;
}

/* Return: whether something is in it. */
static bool add(struct numa_set *to, const struct numa_set *set)
{
    for (size_t i = 0; i < sizeof to->bits / sizeof *to->bits; i++)
        to->bits[i] |= set->bits[i];
    return meet(set, set);
}

/* ---- what the guest's XML says ---- */

/* Adds the list in an attribute. Return: whether there is one. */
static bool add_list(const xmlNode *node, const char *name, struct numa_set *to)
{
    struct numa_set set;
    _cleanup_(cleanup_xml_string) char *list = node ? xml_attribute(node, name) : NULL;
    return list && numa_parse(list, &set) == 0 && add(to, &set);
}

static bool add_lists(const xmlNode *parent, const char *element, const char *name, struct numa_set *to)
{
    bool found = false;
    for (xmlNodePtr node = parent ? xml_child(parent, element) : NULL; node; node = xml_next(node))
        found |= add_list(node, name, to);
    return found;
}

/* ---- what the host's nodes are ---- */

/* Adds the nodes of CPUs. What cannot be seen is no node: then nothing is near, and nothing far. */
static bool add_nodes(const struct host *host, const struct numa_set *cpus, struct numa_set *nodes)
{
    int result = 0;
    bool found = false;
    _cleanup_(cleanup_dir) DIR *directory = io_list(host->sys, "devices/system/node");
    for (struct dirent *entry; directory && (entry = io_next_entry(directory, &result));) {
        char path[NAME_MAX + 16];
        _cleanup_(cleanup_free) char *text = NULL;
        size_t length;
        struct numa_set its;
        if (strncmp(entry->d_name, "node", 4) != 0 || !isdigit((unsigned char)entry->d_name[4]))
            continue;
        snprintf(path, sizeof path, "%s/cpulist", entry->d_name);
        if (io_read_file(dirfd(directory), path, (size_t)1 << 16, &text, &length) < 0 || numa_parse(text, &its) < 0 ||
            !meet(&its, cpus))
            continue;
        unsigned long node = strtoul(entry->d_name + 4, NULL, 10);
        set_bits(nodes, node, node, true);
        found = true;
    }
    return found;
}

bool numa_of_guest(const struct host *host, const xmlNode *guest, struct numa_set *nodes)
{
    struct numa_set cpus = {{0}};
    const xmlNode *tune = xml_child(guest, "cputune"), *memory = xml_child(guest, "numatune");
    *nodes = (struct numa_set){{0}};
    bool pinned = add_lists(tune, "vcpupin", "cpuset", &cpus);
    /* What is pinned alone is not bound by what holds for all. */
    if (!pinned)
        pinned = add_lists(guest, "vcpu", "cpuset", &cpus);
    bool bound = pinned && add_nodes(host, &cpus, nodes);
    bound |= memory && add_lists(memory, "memory", "nodeset", nodes);
    bound |= memory && add_lists(memory, "memnode", "nodeset", nodes);
    if (!bound && add_lists(tune, "emulatorpin", "cpuset", &cpus))
        bound = add_nodes(host, &cpus, nodes);
    return bound;
}
