/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "claim.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "io.h"
#include "memory.h"
#include "xml.h"

static const char *const state_names[] = {
    [CLAIM_CLAIMED] = "claimed",
    [CLAIM_HELD] = "held",
};
static_assert(sizeof state_names / sizeof *state_names == CLAIM_STATES, "every state has a name");

const char *claim_state_name(enum claim_state state)
{
    return state_names[state];
}

void claim_time(char text[CLAIM_TIME_SIZE])
{
    time_t now = time(NULL);
    struct tm parts;
    strftime(text, CLAIM_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
}

struct claim *claim_new(const char *uuid, const char *name)
{
    struct claim *claim = memory_new(1, sizeof *claim);
    snprintf(claim->uuid, sizeof claim->uuid, "%s", uuid);
    claim_time(claim->since);
    claim->clock = io_now_ms();
    claim->name = memory_copy(name);
    return claim;
}

void claim_continue(struct claim *claim, const struct claim *old)
{
    memcpy(claim->since, old->since, sizeof claim->since);
    claim->clock = old->clock;
}

struct claim_vf claim_vf_of(const struct pciaddr *address, char *pool, char *pf, unsigned int number)
{
    return (struct claim_vf){.address = *address,
                             .pool = pool,
                             .pf = pf,
                             .number = number,
                             .wanted = settings_none(),
                             .original = settings_none()};
}

void claim_add(struct claim *claim, const struct claim_vf *vf)
{
    claim->vfs = memory_resize(claim->vfs, claim->vf_count + 1, sizeof *claim->vfs);
    struct claim_vf *copy = &claim->vfs[claim->vf_count++];
    *copy = *vf;
    copy->pool = memory_copy(vf->pool);
    copy->pf = memory_copy(vf->pf);
    copy->stuck = vf->stuck ? memory_copy(vf->stuck) : NULL;
}

static void free_vf(struct claim_vf *vf)
{
    free(vf->pool);
    free(vf->pf);
    free(vf->stuck);
}

void claim_remove(struct claim *claim, const struct pciaddr *address)
{
    size_t kept = 0;
    for (size_t i = 0; i < claim->vf_count; i++) {
        if (!pciaddr_equal(&claim->vfs[i].address, address)) {
            claim->vfs[kept++] = claim->vfs[i];
            continue;
        }
        free_vf(&claim->vfs[i]);
    }
    claim->vf_count = kept;
}

void claim_move(struct claim *claim, const struct pciaddr *address, const struct claim_vf *to)
{
    for (size_t i = 0; i < claim->vf_count; i++) {
        struct claim_vf *vf = &claim->vfs[i];
        if (!pciaddr_equal(&vf->address, address))
            continue;
        snprintf(vf->reason, sizeof vf->reason, "libvirt gave VF %u of PF %s, which was chosen, to another guest",
                 vf->number, vf->pf);
        vf->address = to->address;
        vf->number = to->number;
        free(vf->pf);
        vf->pf = memory_copy(to->pf);
        vf->original = settings_none();
        return;
    }
}

const struct claim_vf *claim_find(const struct claim *claim, const struct pciaddr *address)
{
    for (size_t i = 0; claim && i < claim->vf_count; i++)
        if (pciaddr_equal(&claim->vfs[i].address, address))
            return &claim->vfs[i];
    return NULL;
}

const struct claim_vf *claim_find_of(const struct claim *claim, const char *pool, const char *mac)
{
    for (size_t i = 0; claim && i < claim->vf_count; i++)
        if (!claim->vfs[i].stuck && strcmp(claim->vfs[i].pool, pool) == 0 && strcmp(claim->vfs[i].mac, mac) == 0)
            return &claim->vfs[i];
    return NULL;
}

void claim_free(struct claim *claim)
{
    if (!claim)
        return;
    for (size_t i = 0; i < claim->vf_count; i++)
        free_vf(&claim->vfs[i]);
    free(claim->vfs);
    free(claim->name);
    free(claim);
}

void claims_free(struct claim **claims, size_t count)
{
    for (size_t i = 0; claims && i < count; i++)
        claim_free(claims[i]);
    free(claims);
}

static int parse_vf(struct claim *claim, xmlNodePtr node)
{
    _cleanup_(cleanup_xml_string) char *address = xml_attribute(node, "address");
    _cleanup_(cleanup_xml_string) char *pool = xml_attribute(node, "pool");
    _cleanup_(cleanup_xml_string) char *pf = xml_attribute(node, "pf");
    _cleanup_(cleanup_xml_string) char *number = xml_attribute(node, "num");
    _cleanup_(cleanup_xml_string) char *mac = xml_attribute(node, "mac");
    _cleanup_(cleanup_xml_string) char *by = xml_attribute(node, "by");
    _cleanup_(cleanup_xml_string) char *given = xml_attribute(node, "given");
    _cleanup_(cleanup_xml_string) char *reset = xml_attribute(node, "reset");
    _cleanup_(cleanup_xml_string) char *late = xml_attribute(node, "late");
    _cleanup_(cleanup_xml_string) char *stuck = xml_attribute(node, "stuck");
    _cleanup_(cleanup_xml_string) char *whole = xml_attribute(node, "whole");
    _cleanup_(cleanup_xml_string) char *reason = xml_attribute(node, "reason");
    struct pciaddr parsed;
    if (!address || !pool || !pf || !number || pciaddr_parse(address, &parsed) < 0)
        return -EINVAL;
    char *end = NULL;
    struct claim_vf vf = claim_vf_of(&parsed, pool, pf, (unsigned int)strtoul(number, &end, 10));
    vf.stuck = stuck;
    vf.reset = reset && strcmp(reset, "due") == 0;
    vf.late = late && strcmp(late, "yes") == 0;
    if (*end != '\0' || end == number || claim_find(claim, &vf.address))
        return -EINVAL;
    vf.by_address = by && strcmp(by, "address") == 0;
    vf.given = given && strcmp(given, "yes") == 0;
    vf.whole = whole && strcmp(whole, "yes") == 0;
    snprintf(vf.mac, sizeof vf.mac, "%s", mac ? mac : "");
    /* One that is too long is not ours, and worth no failure. */
    if (reason && strlen(reason) < sizeof vf.reason)
        strcpy(vf.reason, reason);
    settings_read(&vf.wanted, xml_child(node, "wanted"));
    settings_read(&vf.original, xml_child(node, "original"));
    claim_add(claim, &vf);
    return 0;
}

static int parse_state(struct claim *claim, const char *name)
{
    for (int state = 0; state < CLAIM_STATES; state++) {
        if (strcmp(name, state_names[state]) == 0) {
            claim->state = (enum claim_state)state;
            return 0;
        }
    }
    return -EINVAL;
}

int claim_parse(const char *data, size_t length, const char *uuid, const char *path, struct claim **claim,
                struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    int result = xml_parse(data, length, path, &doc, error);
    if (result < 0)
        return result;
    xmlNodePtr root = xmlDocGetRootElement(doc);
    _cleanup_(cleanup_xml_string) char *owner = xml_attribute(root, "uuid");
    _cleanup_(cleanup_xml_string) char *name = xml_attribute(root, "name");
    _cleanup_(cleanup_xml_string) char *state = xml_attribute(root, "state");
    _cleanup_(cleanup_xml_string) char *since = xml_attribute(root, "since");
    _cleanup_(cleanup_xml_string) char *offered = xml_attribute(root, "offered");
    _cleanup_(cleanup_xml_string) char *clock = xml_attribute(root, "clock");
    if (!xml_is(root, "guest") || !owner || strcmp(owner, uuid) != 0 || !name || !state || !since ||
        strlen(since) >= CLAIM_TIME_SIZE)
        return error_set(error, EINVAL, "%s is not the file of guest %s", path, uuid);
    _cleanup_(cleanup_claim) struct claim *parsed = claim_new(uuid, name);
    snprintf(parsed->since, sizeof parsed->since, "%s", since);
    parsed->clock = clock ? strtoll(clock, NULL, 10) : 0;
    parsed->offered = offered && strcmp(offered, "yes") == 0;
    result = parse_state(parsed, state);
    for (xmlNodePtr node = xml_child(root, "vf"); node && result == 0; node = xml_next(node))
        result = parse_vf(parsed, node);
    if (result < 0)
        return error_set(error, EINVAL, "%s has an entry that cannot be understood", path);
    *claim = steal(parsed);
    return 0;
}

static void format_vf(xmlNodePtr root, const struct claim_vf *vf)
{
    char address[PCIADDR_SIZE];
    xmlNodePtr node = xml_add(root, "vf");
    xml_set(node, "address", pciaddr_format(&vf->address, address));
    xml_set(node, "pool", vf->pool);
    xml_set(node, "pf", vf->pf);
    xml_set_number(node, "num", vf->number);
    if (vf->mac[0])
        xml_set(node, "mac", vf->mac);
    if (vf->by_address)
        xml_set(node, "by", "address");
    if (vf->whole)
        xml_set(node, "whole", "yes");
    if (vf->given)
        xml_set(node, "given", "yes");
    if (vf->reset)
        xml_set(node, "reset", "due");
    if (vf->late)
        xml_set(node, "late", "yes");
    if (vf->stuck)
        xml_set(node, "stuck", vf->stuck);
    if (vf->reason[0])
        xml_set(node, "reason", vf->reason);
    if (settings_say(&vf->wanted))
        settings_write(&vf->wanted, xml_add(node, "wanted"));
    if (settings_say(&vf->original))
        settings_write(&vf->original, xml_add(node, "original"));
}

int claim_format(const struct claim *claim, char **data, size_t *length, struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = xml_new("guest");
    xmlNodePtr root = xmlDocGetRootElement(doc);
    char clock[24];
    xml_set(root, "uuid", claim->uuid);
    xml_set(root, "name", claim->name);
    xml_set(root, "state", claim_state_name(claim->state));
    xml_set(root, "since", claim->since);
    snprintf(clock, sizeof clock, "%" PRId64, claim->clock);
    xml_set(root, "clock", clock);
    if (claim->offered)
        xml_set(root, "offered", "yes");
    for (size_t i = 0; i < claim->vf_count; i++)
        format_vf(root, &claim->vfs[i]);
    return xml_format(doc, true, data, length, error);
}
