/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "numa.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "xml.h"

/* ---- what the guest's XML says ---- */

/* Adds the list in an attribute. Return: whether there is one. */
static bool add_list(const xmlNode *node, const char *name, struct numbers *to)
{
    struct numbers set;
    _cleanup_(cleanup_xml_string) char *list = node ? xml_attribute(node, name) : NULL;
    return list && numbers_parse(list, &set) >= 0 && numbers_add(to, &set);
}

static bool add_lists(const xmlNode *parent, const char *element, const char *name, struct numbers *to)
{
    bool found = false;
    for (xmlNodePtr node = parent ? xml_child(parent, element) : NULL; node; node = xml_next(node))
        found |= add_list(node, name, to);
    return found;
}

/* ---- what the host's nodes are ---- */

/* Adds the nodes of CPUs. What cannot be seen is no node: then nothing is near, and nothing far. */
static bool add_nodes(const struct host *host, const struct numbers *cpus, struct numbers *nodes)
{
    int result = 0;
    bool found = false;
    _cleanup_(cleanup_dir) DIR *directory = io_list(host->sys, "devices/system/node");
    for (struct dirent *entry; directory && (entry = io_next_entry(directory, &result));) {
        char path[NAME_MAX + 16];
        _cleanup_(cleanup_free) char *text = NULL;
        size_t length;
        struct numbers its;
        if (strncmp(entry->d_name, "node", 4) != 0 || !isdigit((unsigned char)entry->d_name[4]))
            continue;
        snprintf(path, sizeof path, "%s/cpulist", entry->d_name);
        if (io_read_file(dirfd(directory), path, (size_t)1 << 16, &text, &length) < 0 ||
            numbers_parse(text, &its) < 0 || !numbers_meet(&its, cpus))
            continue;
        numbers_add_one(nodes, strtoul(entry->d_name + 4, NULL, 10));
        found = true;
    }
    return found;
}

bool numa_of_guest(const struct host *host, const xmlNode *guest, struct numbers *nodes)
{
    struct numbers cpus = {{0}};
    const xmlNode *tune = xml_child(guest, "cputune"), *memory = xml_child(guest, "numatune");
    *nodes = (struct numbers){{0}};
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
