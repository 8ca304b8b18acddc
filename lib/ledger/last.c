/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "last.h"

#include <stdio.h>
#include <string.h>

#include "domain.h"
#include "journal.h"
#include "memory.h"

#define LAST_FILE "last"
#define KEY_SIZE (UUID_SIZE + MAC_SIZE) /* with the spaces behind both, in place of the NULs */
#define NO_MAC "00:00:00:00:00:00"      /* no interface's (IEEE 802) */

/* A VF's address in a line: the later the line, the larger the number. */
struct use {
    uint64_t key;
    uint32_t number;
};

static void format_key(const char *uuid, const char *mac, char key[KEY_SIZE + 1])
{
    snprintf(key, KEY_SIZE + 1, "%s %s ", uuid, mac[0] ? mac : NO_MAC);
}

void last_add(int directory, const char *uuid, const char *mac, const struct pciaddr *address)
{
    char key[KEY_SIZE + 1], line[KEY_SIZE + PCIADDR_SIZE + 2], text[PCIADDR_SIZE];
    format_key(uuid, mac, key);
    snprintf(line, sizeof line, "%s%s\n", key, pciaddr_format(address, text));
    if (journal_add(directory, LAST_FILE, line))
        journal_shorten(directory, LAST_FILE, KEY_SIZE);
}

void last_read(int root, struct last *last)
{
    (void)journal_read(root, JOURNAL_DIRECTORY "/" LAST_FILE, &last->text);
}

void last_free(struct last *last)
{
    free(steal(last->text));
}

/* The address at the end of a line, @at. Return: whether it is one. */
static bool read_address(const char *at, struct pciaddr *address)
{
    char text[PCIADDR_SIZE];
    size_t length = strcspn(at, "\n");
    if (length >= sizeof text)
        return false;
    memcpy(text, at, length);
    text[length] = '\0';
    return pciaddr_parse(text, address) == 0;
}

bool last_find(const struct last *last, const char *uuid, const char *mac, struct pciaddr *address)
{
    char key[KEY_SIZE + 1];
    bool found = false;
    format_key(uuid, mac, key);
    for (const char *at = last->text; mac[0] && at && (at = strstr(at, key)); at += KEY_SIZE)
        if (at == last->text || at[-1] == '\n')
            found |= read_address(at + KEY_SIZE, address);
    return found;
}

static int by_key(const void *a, const void *b)
{
    const struct use *first = a, *second = b;
    if (first->key != second->key)
        return first->key < second->key ? -1 : 1;
    return (first->number > second->number) - (first->number < second->number);
}

/* A line without an address was cut off by a full disk. Return: all there are, by their addresses; the caller frees. */
static struct use *list_uses(const char *text, size_t *count)
{
    struct use *uses = memory_new(strlen(text) / KEY_SIZE + 1, sizeof *uses);
    *count = 0;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        struct pciaddr address;
        if (strcspn(line, "\n") > KEY_SIZE && read_address(line + KEY_SIZE, &address)) {
            uses[*count] = (struct use){.key = pciaddr_key(&address), .number = (uint32_t)*count + 1};
            ++*count;
        }
    }
    if (*count > 0)
        qsort(uses, *count, sizeof *uses, by_key);
    return uses;
}

static uint32_t find_use(const struct use *uses, size_t count, uint64_t key)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (uses[middle].key <= key)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && uses[low - 1].key == key ? uses[low - 1].number : 0;
}

void last_mark(const struct last *last, struct vf_table *table)
{
    size_t count;
    if (!last->text)
        return;
    _cleanup_(cleanup_free) struct use *uses = list_uses(last->text, &count);
    for (size_t i = 0; i < table->vf_count; i++)
        table->vfs[i].returned = find_use(uses, count, pciaddr_key(&table->vfs[i].address));
}
