/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <libxml/hash.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "explain.h"
#include "gate.h"
#include "history.h"
#include "host.h"
#include "ledger.h"
#include "memory.h"
#include "xml.h"

/* What is known of a guest's claim, and of the time when it was made. */
struct past {
    struct host host;
    struct claim *claim;
    char *decision;
    xmlHashTablePtr holders; /* the history's event of each VF's address that was the last one before */
    bool *shown;             /* of each VF of the claim */
};

static const char *const attributes[] = {"number", "pool", "mac", "policy"};

/* ---- reading ---- */

static bool is_guest(const struct claim *claim, const char *guest)
{
    return domain_is_called(guest, claim->name, claim->uuid);
}

static int find_claim(int root, const char *guest, struct past *past, struct error *error)
{
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    struct claim **claims = NULL;
    size_t count = 0;
    int result = ledger_open(root, LEDGER_READ, LEDGER_LOCK_MS, &ledger, error);
    if (result == 0)
        result = ledger_all(ledger, &claims, &count, error);
    for (size_t i = 0; i < count && result == 0 && !past->claim; i++)
        if (is_guest(claims[i], guest))
            past->claim = steal(claims[i]);
    claims_free(claims, count);
    if (past->claim)
        ledger_decision(ledger, past->claim->uuid, &past->decision);
    return result;
}

/* The line of the history that tells of the claim; NULL: there is none. A second may have seen more than one. */
static xmlNodePtr find_claimed(const struct past *past, xmlDocPtr history)
{
    xmlNodePtr found = NULL;
    for (xmlNodePtr event = xml_child(xmlDocGetRootElement(history), "event"); event; event = xml_next(event)) {
        _cleanup_(cleanup_xml_string) char *what = xml_attribute(event, "event");
        _cleanup_(cleanup_xml_string) char *time = xml_attribute(event, "time");
        _cleanup_(cleanup_xml_string) char *uuid = xml_attribute(event, "uuid");
        if (what && time && uuid && strcmp(what, "claimed") == 0 && strcmp(time, past->claim->since) == 0 &&
            strcmp(uuid, past->claim->uuid) == 0)
            found = event;
    }
    return found;
}

/* Who had which VF when the claim was made: what the history tells up to then. */
static void find_holders(struct past *past, xmlDocPtr history)
{
    const xmlNode *claimed = find_claimed(past, history);
    past->holders = memory_need(xmlHashCreate(0));
    for (xmlNodePtr event = xml_child(xmlDocGetRootElement(history), "event"); event && event != claimed;
         event = xml_next(event)) {
        _cleanup_(cleanup_xml_string) char *time = xml_attribute(event, "time");
        _cleanup_(cleanup_xml_string) char *address = xml_attribute(event, "address");
        if (time && !claimed && strcmp(time, past->claim->since) > 0)
            return;
        if (address && xmlHashUpdateEntry(past->holders, (const xmlChar *)address, event, NULL) != 0)
            memory_end();
    }
}

static void close_past(struct past *past)
{
    host_close(&past->host);
    claim_free(past->claim);
    free(past->decision);
    free(past->shown);
    if (past->holders)
        xmlHashFree(past->holders, NULL);
}

/* ---- showing ---- */

static void set_holder(xmlNodePtr node, const struct past *past, const char *address)
{
    xmlNodePtr event = xmlHashLookup(past->holders, (const xmlChar *)address);
    _cleanup_(cleanup_xml_string) char *what = xml_attribute(event, "event");
    _cleanup_(cleanup_xml_string) char *guest = xml_attribute(event, "guest");
    _cleanup_(cleanup_free) char *reason = NULL;
    bool held = what && guest && (strcmp(what, "claimed") == 0 || strcmp(what, "held") == 0);
    if (held)
        reason = memory_format("it was held by guest '%s'", guest);
    xml_set(node, "reason", held ? reason : "it was held by another guest");
}

static bool is_vf(const struct claim_vf *vf, const char *pf, unsigned long number)
{
    return vf->number == number && strcmp(vf->pf, pf) == 0;
}

/* The VF that was chosen for an interface is one row. */
static const xmlNode *find_chosen(const xmlNode *interface)
{
    xmlNodePtr row = xml_child(interface, "vfs");
    while (row && !xmlHasProp(row, (const xmlChar *)"chosen"))
        row = xml_next(row);
    return row;
}

/* The claim's VF of an interface, which is the chosen one unless libvirt gave another. */
static const struct claim_vf *find_given(const struct past *past, const xmlNode *interface)
{
    const xmlNode *chosen = find_chosen(interface);
    _cleanup_(cleanup_xml_string) char *mac = xml_attribute(interface, "mac");
    _cleanup_(cleanup_xml_string) char *pool = xml_attribute(interface, "pool");
    _cleanup_(cleanup_xml_string) char *pf = xml_attribute(chosen, "pf");
    _cleanup_(cleanup_xml_string) char *number = xml_attribute(chosen, "first");
    const struct claim_vf *given = NULL;
    for (size_t i = 0; i < past->claim->vf_count && pool; i++) {
        const struct claim_vf *vf = &past->claim->vfs[i];
        bool same = pf && number && is_vf(vf, pf, strtoul(number, NULL, 10));
        bool its = mac && vf->mac[0] ? strcasecmp(vf->mac, mac) == 0 : same;
        if (!past->shown[i] && its && strcmp(vf->pool, pool) == 0 && (!given || same))
            given = vf;
    }
    return given;
}

static void set_chosen(xmlNodePtr node, const char *pf, unsigned long number, const struct claim_vf *given)
{
    _cleanup_(cleanup_free) char *reason = NULL;
    if (given && is_vf(given, pf, number)) {
        xml_set(node, "chosen", "yes");
        return;
    }
    if (given)
        reason = memory_format("it was chosen, and libvirt gave VF %u of PF %s instead", given->number, given->pf);
    xml_set(node, "reason", given ? reason : "it was chosen, and has been taken from the guest since");
}

static void add_vf(xmlNodePtr parent, const struct past *past, const xmlNode *row, const struct host_pf *on,
                   const char *pf, unsigned long number, const struct claim_vf *given)
{
    _cleanup_(cleanup_xml_string) char *chosen = xml_attribute(row, "chosen");
    _cleanup_(cleanup_xml_string) char *reason = xml_attribute(row, "reason");
    struct pciaddr address;
    char text[PCIADDR_SIZE] = "";
    xmlNodePtr node = xml_add(parent, "vf");
    if (on && host_vf_address(&past->host, on, (unsigned int)number, &address) == 0)
        xml_set(node, "address", pciaddr_format(&address, text));
    xml_set(node, "pf", pf);
    xml_set_number(node, "vf", number);
    if (chosen) {
        set_chosen(node, pf, number, given);
    } else if (given && is_vf(given, pf, number)) {
        xml_set(node, "chosen", "yes");
        xml_set(node, "reason", "libvirt gave it");
    } else if (reason) {
        xml_set(node, "reason", reason);
    } else {
        set_holder(node, past, text);
    }
}

static void add_rows(xmlNodePtr parent, const struct past *past, const xmlNode *row, const struct claim_vf *given)
{
    _cleanup_(cleanup_xml_string) char *pf = xml_attribute(row, "pf");
    _cleanup_(cleanup_xml_string) char *first = xml_attribute(row, "first");
    _cleanup_(cleanup_xml_string) char *last = xml_attribute(row, "last");
    _cleanup_(error_free) struct error ignored = {0};
    struct host_pf on;
    if (!pf || !first || !last)
        return;
    bool found = host_pf_by_name(&past->host, pf, &on, &ignored) == 0;
    unsigned long end = strtoul(last, NULL, 10);
    for (unsigned long number = strtoul(first, NULL, 10); number <= end && number <= UINT16_MAX; number++)
        add_vf(parent, past, row, found ? &on : NULL, pf, number, given);
}

static void add_interface(xmlNodePtr parent, struct past *past, const xmlNode *interface)
{
    const struct claim_vf *given = find_given(past, interface);
    _cleanup_(cleanup_xml_string) char *cut = xml_attribute(interface, "cut");
    xmlNodePtr node = xml_add(parent, "interface");
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        _cleanup_(cleanup_xml_string) char *value = xml_attribute(interface, attributes[i]);
        if (value)
            xml_set(node, attributes[i], value);
    }
    for (xmlNodePtr row = xml_child(interface, "vfs"); row; row = xml_next(row))
        add_rows(node, past, row, given);
    xml_set(node, "decided", past->claim->since);
    if (cut)
        xml_set(node, "cut", "yes");
    if (given)
        past->shown[given - past->claim->vfs] = true;
}

/* What the guest has, and nobody decided at its start. */
static void add_plugged(xmlNodePtr parent, const struct claim_vf *vf, unsigned long number)
{
    char address[PCIADDR_SIZE];
    xmlNodePtr interface = xml_add(parent, "interface");
    xml_set_number(interface, "number", number);
    xml_set(interface, "pool", vf->pool);
    if (vf->mac[0])
        xml_set(interface, "mac", vf->mac);
    xmlNodePtr node = xml_add(interface, "vf");
    xml_set(node, "address", pciaddr_format(&vf->address, address));
    xml_set(node, "pf", vf->pf);
    xml_set_number(node, "vf", vf->number);
    xml_set(node, "chosen", "yes");
    xml_set(node, "reason", "libvirt gave it to the guest while it ran");
}

static int show_past(int root, struct past *past, xmlDocPtr *doc, struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr decision = NULL, history = NULL;
    _cleanup_(error_free) struct error ignored = {0};
    int result = xml_parse(past->decision, strlen(past->decision), "the guest's decision", &decision, error);
    if (result == 0)
        result = host_open(root, &past->host, error);
    if (result < 0)
        return result;
    /* Without it, who had a VF meanwhile is not said. */
    if (history_read(root, NULL, &history, &ignored) == 0)
        find_holders(past, history);
    past->shown = memory_new(past->claim->vf_count, sizeof *past->shown);
    *doc = xml_new("explanation");
    xmlNodePtr node = xmlDocGetRootElement(*doc);
    unsigned long number = 1;
    xml_set(node, "guest", past->claim->name);
    for (xmlNodePtr at = xml_child(xmlDocGetRootElement(decision), "interface"); at; at = xml_next(at), number++)
        add_interface(node, past, at);
    for (size_t i = 0; i < past->claim->vf_count; i++)
        if (!past->shown[i] && !past->claim->vfs[i].whole)
            add_plugged(node, &past->claim->vfs[i], number++);
    return 0;
}

int explain_guest(int root, const char *guest, xmlDocPtr *doc, struct error *error)
{
    _cleanup_(close_past) struct past past = {.host.sys = -1};
    _cleanup_(cleanup_free) char *xml = NULL;
    const char *const arguments[] = {"definition", guest, NULL};
    int result = find_claim(root, guest, &past, error);
    if (result < 0)
        return result;
    if (past.decision)
        return show_past(root, &past, doc, error);
    result = gate_present(root) ? gate_ask(root, arguments, NULL, GATE_CALL_MS, &xml, error)
                                : error_set(error, EHOSTDOWN, "libvirt is not running");
    if (result == -ENOENT)
        return error_set(error, ENOENT, "there is no guest '%s', and no file", guest);
    if (result < 0)
        return error_prefix(error, "cannot ask for the XML of guest '%s'", guest);
    if (past.claim)
        error_note(error, "how it was decided for guest '%s' is not kept: this is how it would be now", guest);
    return explain_read(root, xml, strlen(xml), doc, error);
}
