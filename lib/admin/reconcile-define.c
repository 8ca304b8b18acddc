/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each pool's network in libvirt: as the pool wants it. */
#include <errno.h>
#include <string.h>

#include "definition.h"
#include "gate-protocol.h"
#include "io.h"
#include "ledger.h"
#include "memory.h"
#include "offer.h"
#include "pf.h"
#include "reconcile-work.h"
#include "turn.h"
#include "xml.h"

/* What libvirt has of a pool's network. */
struct state {
    bool present, active, alike, miscounted, passing, unfinished;
};

static struct pciaddr *table_addresses(const struct vf_table *table)
{
    struct pciaddr *addresses = memory_new(table->vf_count, sizeof *addresses);
    for (size_t i = 0; i < table->vf_count; i++)
        addresses[i] = table->vfs[i].address;
    return addresses;
}

/* Whether what libvirt has is what the pool wants. Return: 1, 0 or a negative errno value. */
static int is_alike(const struct vf_table *table, const char *text, struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    _cleanup_(cleanup_free) char *have = NULL, *want = NULL;
    _cleanup_(cleanup_free) struct pciaddr *listed = NULL, *addresses = table_addresses(table);
    size_t length = 0, count = 0;
    int result = xml_parse(text, strlen(text), "libvirt's network", &doc, error);
    if (result < 0)
        return result;
    _cleanup_(cleanup_xml_string) char *mode = xml_attribute(xml_child(xmlDocGetRootElement(doc), "forward"), "mode");
    if (!mode || strcmp(mode, "hostdev") != 0)
        return error_set(error, EEXIST,
                         "libvirt has another network named '%s', with forward mode '%s': rename that one or the pool",
                         table->pool->name, mode ? mode : "none");
    listed = definition_addresses(doc, &count);
    result = definition_format(doc, DEFINITION_COMPARE, listed, count, 0, &have, &length, error);
    if (result == 0)
        result = definition_format(table->pool->doc, DEFINITION_COMPARE, addresses, table->vf_count, 0, &want, &length,
                                   error);
    return result == 0 ? strcmp(have, want) == 0 : result;
}

/* Return: 0, also when there is none, or a negative errno value. */
static int read_state(struct work *work, const struct vf_table *table, struct state *state, struct error *error)
{
    const char *show[] = {"network", table->pool->name, NULL};
    _cleanup_(cleanup_free) char *text = NULL;
    *state = (struct state){0};
    int result = work_heard(work, gate_ask(work->root, show, NULL, GATE_CALL_MS, &text, error));
    if (result < 0)
        return result == -ENOENT ? 0 : result;
    char *xml = text + strcspn(text, "\n");
    if (*xml)
        *xml++ = '\0';
    int alike = is_alike(table, xml, error);
    *state = (struct state){.present = true,
                            .active = gate_has_word(text, GATE_ACTIVE),
                            .alike = alike == 1,
                            .miscounted = gate_has_word(text, GATE_MISCOUNTED),
                            .passing = gate_has_word(text, GATE_PASSING),
                            .unfinished = gate_has_word(text, GATE_UNFINISHED)};
    return alike < 0 ? alike : 0;
}

static int define(struct work *work, const struct vf_table *table, bool restart, struct error *error)
{
    const char *arguments[] = {"define", table->pool->name, restart ? GATE_RESTART : GATE_KEEP, NULL};
    _cleanup_(cleanup_free) struct pciaddr *addresses = table_addresses(table);
    _cleanup_(cleanup_free) char *xml = NULL;
    size_t length = 0;
    int result =
        definition_format(table->pool->doc, DEFINITION_DEFINE, addresses, table->vf_count, 0, &xml, &length, error);
    return result < 0 ? result : work_heard(work, gate_change(work->root, arguments, xml, error));
}

/* Nobody is told any more that the network gives VFs, and who was told has got its own before it is ended. */
static int leave_alone(const struct work *work, const char *network, bool ends, struct error *error)
{
    int64_t deadline = io_now_ms() + OFFER_AWAIT_MS;
    const struct turn_wait wait = {.deadline = deadline + OFFER_AWAIT_MS};
    int result = offer_withdraw(work->root, network, error);
    while (result == 0 && ends && io_now_ms() < deadline) {
        _cleanup_(pciaddr_set_free) struct pciaddr_set awaited = {0};
        if (ledger_awaited(work->root, network, "", OFFER_AWAIT_MS, &awaited) == 0 && awaited.count == 0)
            return 0;
        /* Whoever has not got it by then counts as gone. */
        result = turn_pause(network, &wait, error);
    }
    return result;
}

/* How many VFs a pool will have that has none yet. */
static size_t count_wanted(const struct work *work, const struct pool *pool)
{
    struct pf_finder finder = {.host = &work->host};
    size_t wanted = 0;
    for (size_t i = 0; i < pool->source_count; i++) {
        _cleanup_(error_free) struct error absent = {0};
        _cleanup_(cleanup_free) struct host_pf *pfs = NULL;
        const struct pool_source *source = &pool->sources[i];
        size_t count = 0;
        if (!source->pf || pf_find(&finder, source, &pfs, &count, &absent) < 0)
            continue;
        for (unsigned int j = 0; j < source->vf_wanted; j++)
            wanted += !source->vfs || numbers_has(source->vfs, (int)j) ? count : 0;
    }
    pf_finder_free(&finder);
    return wanted;
}

int reconcile_define(struct work *work, const struct vf_table *table, size_t *vfs, struct error *error)
{
    struct state state;
    *vfs = table->vf_count ? table->vf_count : count_wanted(work, table->pool);
    int result = *vfs ? read_state(work, table, &state, error) : 0;
    if (result < 0 || *vfs == 0 ||
        (state.active && state.alike && !state.miscounted && !state.passing && !state.unfinished))
        return result;
    bool restart = !state.alike || state.miscounted;
    if (!work->dry_run)
        result = leave_alone(work, table->pool->name, restart && state.active, error);
    if (result == 0 && !work->dry_run)
        result = define(work, table, restart, error);
    if (result < 0)
        return result;
    lines_add(work->done, "%s libvirt network '%s' with %zu VF%s",
              !state.present     ? "defined and started"
              : !state.alike     ? "changed"
              : state.miscounted ? "ended and started (libvirt had lost count of its ports)"
              : state.unfinished ? "started, and made the ports of its guests again on"
              : !state.active    ? "started"
                                 : "set to start with libvirt:",
              table->pool->name, *vfs, PLURAL(*vfs));
    return state.present ? 2 : 1;
}
