/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "last.h"

#include <stdio.h>
#include <string.h>

#include "domain.h"
#include "journal.h"

#define LAST_FILE "last"
#define KEY_SIZE (UUID_SIZE + MAC_SIZE) /* with the spaces behind both, in place of the NULs */

static void format_key(const char *uuid, const char *mac, char key[KEY_SIZE + 1])
{
    snprintf(key, KEY_SIZE + 1, "%s %s ", uuid, mac);
}

void last_add(int directory, const char *uuid, const char *mac, const struct pciaddr *address)
{
    char key[KEY_SIZE + 1], line[KEY_SIZE + PCIADDR_SIZE + 2], text[PCIADDR_SIZE];
    if (!mac[0])
        return;
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

bool last_find(const struct last *last, const char *uuid, const char *mac, struct pciaddr *address)
{
    char key[KEY_SIZE + 1], text[PCIADDR_SIZE];
    bool found = false;
    format_key(uuid, mac, key);
    for (const char *at = last->text; mac[0] && at && (at = strstr(at, key)); at += KEY_SIZE) {
        size_t length = strcspn(at + KEY_SIZE, "\n");
        if ((at != last->text && at[-1] != '\n') || length >= sizeof text)
            continue;
        memcpy(text, at + KEY_SIZE, length);
        text[length] = '\0';
        found |= pciaddr_parse(text, address) == 0;
    }
    return found;
}
