/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "returns.h"

#include <stdio.h>
#include <string.h>

#include "journal.h"
#include "ledger.h"
#include "memory.h"

#define SHORTEST strlen("0000:00:00.0")

struct returns_vf {
    uint64_t key; /* of the address */
    uint32_t number;
};

struct returns {
    struct returns_vf *vfs; /* in the order of their addresses */
    size_t count;
};

static int by_key(const void *a, const void *b)
{
    const struct returns_vf *first = a, *second = b;
    if (first->key != second->key)
        return first->key < second->key ? -1 : 1;
    return (first->number > second->number) - (first->number < second->number);
}

/* A line that is no address was cut off by a full disk. */
static void parse(char *text, struct returns *returns)
{
    char *rest = NULL;
    uint32_t number = 0;
    struct pciaddr address;
    size_t kept = 0;
    returns->vfs = memory_new(strlen(text) / (SHORTEST + 1) + 1, sizeof *returns->vfs);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (pciaddr_parse(line, &address) == 0)
            returns->vfs[returns->count++] = (struct returns_vf){.key = pciaddr_key(&address), .number = ++number};
    if (returns->count == 0)
        return;
    qsort(returns->vfs, returns->count, sizeof *returns->vfs, by_key);
    for (size_t i = 0; i < returns->count; i++)
        if (i + 1 == returns->count || returns->vfs[i].key != returns->vfs[i + 1].key)
            returns->vfs[kept++] = returns->vfs[i];
    returns->count = kept;
}

void returns_add(int directory, const struct pciaddr *address)
{
    char text[PCIADDR_SIZE], line[PCIADDR_SIZE + 1];
    snprintf(line, sizeof line, "%s\n", pciaddr_format(address, text));
    if (journal_add(directory, RETURNS_FILE, line))
        journal_shorten(directory, RETURNS_FILE, 0);
}

/* Return: the return's number: the later, the larger; 0: the VF was not away, as far as is known */
static uint32_t returns_find(const struct returns *returns, const struct pciaddr *address)
{
    uint64_t key = pciaddr_key(address);
    size_t low = 0, high = returns->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (returns->vfs[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < returns->count && returns->vfs[low].key == key ? returns->vfs[low].number : 0;
}

void returns_mark(int root, struct vf_table *table)
{
    _cleanup_(cleanup_free) char *text = NULL;
    struct returns returns = {0};
    if (table->policy.order != ORDER_LRU)
        return;
    (void)journal_read(root, LEDGER_DIRECTORY "/" RETURNS_FILE, &text);
    if (text)
        parse(text, &returns);
    for (size_t i = 0; i < table->vf_count; i++)
        table->vfs[i].returned = returns_find(&returns, &table->vfs[i].address);
    free(returns.vfs);
}
