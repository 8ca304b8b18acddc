/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision.h"

#include <libxml/xmlstring.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

/* VFs of a pool, one after the other, with one reason. */
struct run {
    size_t first, count;
};

struct runs {
    const struct vf_table *table;
    struct run *runs;
    size_t count;
};

/* Whether what is said of a VF is said of each one like it: neither its number nor another device is named. */
static bool is_plain(const struct vf *vf)
{
    switch ((enum vf_obstacle)vf->obstacle) {
    case VF_USABLE:
    case VF_TAKEN:
    case VF_PF_TAKEN:
    case VF_PF_DOWN:
    case VF_NO_PF_NETDEV:
    case VF_NO_ETHERNET:
    case VF_NO_CARRIER:
        return !vf->detail && vf->reserved != VF_FOR_OTHER;
    case VF_VANISHED:
    case VF_IN_USE:
    case VF_UNSEEN:
    case VF_VDPA:
    case VF_HOST_USES:
    case VF_OTHER_DRIVER:
    case VF_ATTACHED:
    case VF_NOT_ALONE:
    case VF_PORTED:
        break;
    }
    return false;
}

/* Whether it is the next one of its PF, in the same case, where that is_plain(). Looked at for each VF of the pool. */
static bool continues(const struct vf *vf, const struct vf *next)
{
    return next->number == vf->number + 1 && next->pf == vf->pf && next->obstacle == vf->obstacle &&
           next->doubt == vf->doubt && next->reserved == vf->reserved && next->had == vf->had &&
           next->returned == vf->returned && !next->detail;
}

/* The first VF from @index on that an interface of the guest has. */
static size_t next_granted(const struct plan *plan, const struct vf_table *table, size_t index)
{
    size_t next = table->vf_count;
    for (size_t i = 0; i < plan->count; i++) {
        const struct vf *vf = plan->choices[i].granted;
        size_t at = plan->choices[i].table == table ? (size_t)(vf - table->vfs) : next;
        if (at >= index && at < next)
            next = at;
    }
    return next;
}

/* What the guest's interfaces have are runs of one VF, so that each other run comes before or after it. */
static void find_runs(const struct plan *plan, const struct vf_table *table, struct runs *runs)
{
    size_t granted = next_granted(plan, table, 0), room = 0;
    runs->table = table;
    runs->count = 0;
    for (size_t i = 0, end; i < table->vf_count && runs->count <= DECISION_ROWS; i = end) {
        end = i + 1;
        if (i == granted)
            granted = next_granted(plan, table, end);
        else if (is_plain(&table->vfs[i]))
            while (end < granted && continues(&table->vfs[end - 1], &table->vfs[end]))
                end++;
        if (runs->count == room || !runs->runs) {
            room = room ? room * 2 : 64;
            runs->runs = memory_resize(runs->runs, room, sizeof *runs->runs);
        }
        runs->runs[runs->count++] = (struct run){.first = i, .count = end - i};
    }
}

/* ---- text: some hundred rows are written while the ledger is locked, so there is no tree of them ---- */

struct text {
    char *data;
    size_t length, room;
};

static void reserve(struct text *out, size_t more)
{
    if (out->length + more <= out->room)
        return;
    out->room = 2 * (out->length + more);
    out->data = memory_resize(out->data, out->room, 1);
}

#define MAX_PART 128

/* At most MAX_PART characters. */
static void put(struct text *out, const char *format, ...) printf_like(2, 3);
static void put(struct text *out, const char *format, ...)
{
    va_list arguments;
    reserve(out, MAX_PART);
    va_start(arguments, format);
    out->length += (size_t)vsnprintf(out->data + out->length, MAX_PART, format, arguments);
    va_end(arguments);
}

static void put_value(struct text *out, const char *name, const char *value)
{
    /* A name that was cut short may end within a character. */
    bool whole = xmlCheckUTF8((const xmlChar *)value);
    put(out, " %s=\"", name);
    reserve(out, strlen(value) * strlen("&#34;") + MAX_PART);
    for (const char *at = value; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '&' || byte == '<' || byte == '"')
            put(out, "&#%u;", byte);
        else
            out->data[out->length++] = (char)(byte < ' ' ? ' ' : byte >= 0x80 && !whole ? '?' : byte);
    }
    put(out, "\"");
}

static void put_row(struct text *out, const struct vf_table *table, const struct vf *first, size_t count,
                    const char *name, const char *value)
{
    put(out, "<vfs");
    put_value(out, "pf", table->pfs[first->pf].name);
    put(out, " first=\"%u\" last=\"%zu\"", first->number, first->number + count - 1);
    if (value)
        put_value(out, name, value);
    put(out, "/>\n");
}

static void put_rows(struct text *out, const struct plan *plan, size_t index, const struct runs *runs, size_t count)
{
    _cleanup_(cleanup_free) long *shares = choose_shares(plan->choices, plan->count, index);
    char text[VF_REASON_SIZE];
    for (size_t i = 0; i < count; i++) {
        const struct vf *vf = &runs->table->vfs[runs->runs[i].first];
        const char *reason = NULL;
        bool chosen = plan->choices[index].granted == vf;
        if (!chosen && vf->obstacle != VF_TAKEN)
            reason = choose_reason(plan->choices, plan->count, index, vf, shares, text, sizeof text);
        put_row(out, runs->table, vf, runs->runs[i].count, chosen ? "chosen" : "reason", chosen ? "yes" : reason);
    }
}

/* @room: for how many rows there is; what is used of it is taken off. */
static void put_interface(struct text *out, const struct plan *plan, size_t index, struct runs *runs, size_t *room)
{
    const struct assignment *choice = &plan->choices[index];
    const struct request *request = plan->requests[index];
    char policy[POLICY_SIZE];
    put(out, "<interface number=\"%u\"", request->number);
    put_value(out, "pool", choice->table->pool->name);
    if (request->mac[0])
        put_value(out, "mac", request->mac);
    if (choice->wanted) {
        put(out, ">\n");
        put_row(out, choice->table, choice->granted, 1, "chosen", "yes");
    } else {
        if (runs->table != choice->table)
            find_runs(plan, choice->table, runs);
        size_t count = runs->count < *room ? runs->count : *room;
        put_value(out, "policy", policy_format(&choice->table->policy, policy));
        put(out, "%s>\n", count < runs->count ? " cut=\"yes\"" : "");
        put_rows(out, plan, index, runs, count);
        *room -= count;
    }
    put(out, "</interface>\n");
}

char *decision_format(const struct plan *plan)
{
    struct runs runs = {.table = NULL};
    struct text text = {.data = NULL};
    size_t room = DECISION_ROWS;
    put(&text, "<decision>\n");
    for (size_t i = 0; i < plan->count; i++)
        put_interface(&text, plan, i, &runs, &room);
    put(&text, "</decision>\n");
    free(runs.runs);
    return text.data;
}
