/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shortage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A text that grows until it is full. */
struct list {
    char text[1400];
    size_t left_out;
};

static void list_add(struct list *list, const char *format, ...) printf_like(2, 3);
static void list_add(struct list *list, const char *format, ...)
{
    size_t used = strlen(list->text), room = sizeof list->text - used;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(list->text + used, room, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < room)
        return;
    list->text[used] = '\0';
    list->left_out++;
}

/* Says who holds a VF. Return: 0 or a negative errno value. */
static int list_holder(struct list *list, struct ledger *ledger, const struct vf *vf, struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *claim = NULL;
    char uuid[UUID_SIZE], text[PCIADDR_SIZE];
    int result = ledger_holder(ledger, &vf->address, &claim, uuid, error);
    if (result < 0)
        return result;
    pciaddr_format(&vf->address, text);
    const char *separator = list->text[0] ? ", " : "";
    const struct claim_vf *held = claim_find(claim, &vf->address);
    if (held && held->stuck)
        list_add(list, "%s%s is quarantined: %.200s (vfpool reconcile, or vfpool release %s)", separator, text,
                 held->stuck, text);
    else if (claim)
        list_add(list, "%s%s is held by guest '%.64s'", separator, text, claim->name);
    else
        list_add(list, "%s%s is quarantined: the file of guest %s is corrupt (vfpool release %s)", separator, text,
                 uuid, text);
    return 0;
}

/* What stands in the way of each VF of a pool; an obstacle that many VFs in a row share is said once. */
static int list_obstacles(struct list *list, const struct plan *plan, size_t index, struct ledger *ledger,
                          struct error *error)
{
    const struct vf_table *table = plan->choices[index].table;
    char reason[VF_REASON_SIZE], last[sizeof reason] = "", text[PCIADDR_SIZE];
    int result = 0;
    for (size_t i = 0; i < table->vf_count && result == 0; i++) {
        const struct vf *vf = &table->vfs[i];
        const char *separator = list->text[0] ? ", " : "";
        choose_reason(plan->choices, plan->count, index, vf, NULL, reason, sizeof reason);
        if (vf->obstacle == VF_TAKEN)
            result = list_holder(list, ledger, vf, error);
        else if (vf_is_free(vf) && !choose_excludes(plan->choices, plan->count, index, vf))
            list_add(list, "%s%s is free but %s", separator, pciaddr_format(&vf->address, text), reason);
        else if (strcmp(reason, last) != 0)
            list_add(list, "%s%s", separator, reason);
        strcpy(last, reason);
    }
    if (result < 0)
        return result;
    _cleanup_(cleanup_free) char *gone = whole_missing(ledger, table);
    if (gone)
        list_add(list, "%s%s", list->text[0] ? ", " : "", gone);
    if (table->missing)
        list_add(list, "%s%s", list->text[0] ? ", " : "", table->missing);
    if (list->left_out) {
        char tail[48];
        snprintf(tail, sizeof tail, " and %zu more", list->left_out);
        size_t used = strlen(list->text);
        strcpy(list->text + (used + sizeof tail < sizeof list->text ? used : sizeof list->text - sizeof tail), tail);
    }
    return 0;
}

int shortage_describe(struct plan *plan, size_t index, struct ledger *ledger, struct error *error)
{
    const struct request *request = plan->requests[index];
    const struct assignment *choice = &plan->choices[index];
    const char *guest = plan->domain.name, *pool = choice->table->pool->name;
    struct list list = {.text = ""};
    int result = 0;
    if (choice->wanted) {
        char reason[VF_REASON_SIZE];
        if (choice->wanted->obstacle == VF_PF_TAKEN)
            list_add(&list, "%s", vf_reason(choice->table, choice->wanted, reason, sizeof reason));
        else
            result = list_holder(&list, ledger, choice->wanted, error);
        return result < 0 ? result
                          : error_set(error, EBUSY, "guest '%.256s' asks for a VF of pool '%s' by its address, and %s",
                                      guest, pool, list.text);
    }
    result = list_obstacles(&list, plan, index, ledger, error);
    if (result < 0)
        return result;
    plan->exhausted = choice->table->pool;
    return error_set(error, EDQUOT, "pool '%s' has no free VF for interface %u of guest '%.256s': %s", pool,
                     request->number, guest, list.text[0] ? list.text : "it has none at all");
}
