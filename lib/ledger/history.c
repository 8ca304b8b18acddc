/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "history.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "journal.h"
#include "last.h"
#include "xml.h"

#define HISTORY_FILE "history"
#define MAX_LINE (3 * sizeof(struct error)) /* a name, a reason, and some short words */

/* In the order of a line, with tabs between; one that does not apply is empty. */
enum field {
    FIELD_TIME,
    FIELD_EVENT,
    FIELD_GUEST,
    FIELD_UUID,
    FIELD_ADDRESS,
    FIELD_PF,
    FIELD_VF,
    FIELD_POOL,
    FIELD_MAC,
    FIELD_REASON,
    FIELDS
};

static const char *const names[FIELDS] = {
    [FIELD_TIME] = "time",       [FIELD_EVENT] = "event",  [FIELD_GUEST] = "guest", [FIELD_UUID] = "uuid",
    [FIELD_ADDRESS] = "address", [FIELD_PF] = "pf",        [FIELD_VF] = "vf",       [FIELD_POOL] = "pool",
    [FIELD_MAC] = "mac",         [FIELD_REASON] = "reason"};

/* ---- writing ---- */

/* A guest's name may hold anything. Nothing is allocated: what is told of was done, and must not fail here. */
static void add_line(int directory, const char *const fields[FIELDS])
{
    struct error field;
    char line[MAX_LINE];
    size_t used = 0;
    for (size_t i = 0; i < FIELDS; i++) {
        /* One printable line without tabs, cut at a whole character. */
        (void)error_set(&field, 1, "%s", fields[i] ? fields[i] : "");
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%s", i ? "\t" : "", field.message);
        if (used + 1 >= sizeof line)
            return;
    }
    line[used++] = '\n';
    line[used] = '\0';
    if (journal_add(directory, HISTORY_FILE, line))
        journal_turn(directory, HISTORY_FILE);
}

/* @reason: NULL: it needs none */
static void add_event(int directory, const char *event, const struct claim *claim, const struct claim_vf *vf,
                      const char *reason)
{
    char time[CLAIM_TIME_SIZE], address[PCIADDR_SIZE], number[16];
    claim_time(time);
    number[0] = '\0';
    if (!vf->whole)
        snprintf(number, sizeof number, "%u", vf->number);
    const char *const fields[FIELDS] = {[FIELD_TIME] = time,
                                        [FIELD_EVENT] = event,
                                        [FIELD_GUEST] = claim->name,
                                        [FIELD_UUID] = claim->uuid,
                                        [FIELD_ADDRESS] = pciaddr_format(&vf->address, address),
                                        [FIELD_PF] = vf->pf,
                                        [FIELD_VF] = number,
                                        [FIELD_POOL] = vf->pool,
                                        [FIELD_MAC] = vf->mac,
                                        [FIELD_REASON] = reason};
    add_line(directory, fields);
}

/* Whether the guest was seen with the VF, or libvirt told that it gave it. */
static bool is_used(const struct claim *claim, const struct claim_vf *vf)
{
    return claim->state == CLAIM_HELD || vf->given;
}

/* One that was only claimed was not away. */
static void add_return(int directory, const struct claim *claim, const struct claim_vf *vf, const char *reason)
{
    bool used = is_used(claim, vf);
    add_event(directory, used ? "returned" : "dropped", claim, vf, reason);
    if (used)
        last_add(directory, claim->uuid, vf->mac, &vf->address);
}

void history_change(int root, const struct claim *old, const struct claim *new, const char *reason)
{
    _cleanup_(cleanup_close) int directory = journal_directory(root);
    if (directory < 0)
        return;
    for (size_t i = 0; old && i < old->vf_count; i++)
        if (!claim_find(new, &old->vfs[i].address))
            add_return(directory, old, &old->vfs[i], reason);
    for (size_t i = 0; new &&i < new->vf_count; i++) {
        const struct claim_vf *vf = &new->vfs[i], *before = claim_find(old, &vf->address);
        bool is_new = !before, held = new->state == CLAIM_HELD;
        if (vf->stuck && !(before && before->stuck))
            add_event(directory, "quarantined", new, vf, vf->stuck);
        if (vf->stuck)
            continue;
        if (is_new || (held && old && old->state != CLAIM_HELD)) {
            add_event(directory, held ? "held" : "claimed", new, vf, is_new ? vf->reason : NULL);
            if (held)
                last_add(directory, new->uuid, vf->mac, &vf->address);
        }
    }
}

void history_refuse(int root, const char *uuid, const char *name, const char *reason)
{
    char time[CLAIM_TIME_SIZE];
    _cleanup_(cleanup_close) int directory = journal_directory(root);
    claim_time(time);
    const char *const fields[FIELDS] = {[FIELD_TIME] = time,
                                        [FIELD_EVENT] = "refused",
                                        [FIELD_GUEST] = name,
                                        [FIELD_UUID] = uuid,
                                        [FIELD_REASON] = reason};
    if (directory >= 0)
        add_line(directory, fields);
}

/* ---- reading ---- */

/* Whom or what a person asks for. */
struct subject {
    const char *text;           /* NULL: for everything */
    char address[PCIADDR_SIZE]; /* as it is recorded; empty where the text is none */
};

static bool concerns(char *const fields[FIELDS], const struct subject *of)
{
    return !of->text || domain_is_called(of->text, fields[FIELD_GUEST], fields[FIELD_UUID]) ||
           (of->address[0] && strcasecmp(fields[FIELD_ADDRESS], of->address) == 0);
}

static bool is_text(const char *line)
{
    for (const char *at = line; *at; at++)
        if ((unsigned char)*at < ' ' && *at != '\t')
            return false;
    return xmlCheckUTF8((const xmlChar *)line);
}

/* A line that is not whole is none. */
static void read_line(xmlNodePtr node, char *line, const struct subject *of)
{
    char *fields[FIELDS];
    size_t count = 0;
    if (!is_text(line))
        return;
    for (char *field; (field = strsep(&line, "\t"));) {
        if (count == FIELDS)
            return;
        fields[count++] = field;
    }
    if (count < FIELDS || !concerns(fields, of))
        return;
    xmlNodePtr event = xml_add(node, "event");
    for (size_t i = 0; i < FIELDS; i++)
        if (fields[i][0])
            xml_set(event, names[i], fields[i]);
}

static int read_part(int root, const char *path, const struct subject *of, xmlNodePtr node, struct error *error)
{
    _cleanup_(cleanup_free) char *text = NULL;
    int result = journal_read(root, path, &text);
    if (result < 0)
        return error_set(error, -result, "cannot read /%s: %s", path, strerror(-result));
    for (char *rest = text, *line; rest && (line = strsep(&rest, "\n"));)
        if (rest) /* else it has no end */
            read_line(node, line, of);
    return 0;
}

int history_read(int root, const char *of, xmlDocPtr *doc, struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr history = xml_new("history");
    xmlNodePtr node = xmlDocGetRootElement(history);
    struct subject subject = {.text = of};
    struct pciaddr address;
    struct error words;
    *doc = NULL;
    if (of && pciaddr_parse_any(of, &address) == 0)
        pciaddr_format(&address, subject.address);
    if (of) {
        /* What a person types need not be UTF-8. */
        (void)error_set(&words, EINVAL, "%s", of);
        xml_set(node, "of", words.message);
    }
    int result = read_part(root, JOURNAL_DIRECTORY "/" HISTORY_FILE ".1", &subject, node, error);
    if (result == 0)
        result = read_part(root, JOURNAL_DIRECTORY "/" HISTORY_FILE, &subject, node, error);
    if (result == 0)
        *doc = steal(history);
    return result;
}
