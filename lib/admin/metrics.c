/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics.h"

#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "memory.h"
#include "status.h"
#include "tally.h"
#include "xml.h"

static void add_hook(xmlNodePtr parent, const char *operation, const struct tally_times *times)
{
    char text[32];
    uint64_t count = 0;
    xmlNodePtr hook = xml_add(parent, "hook");
    xml_set(hook, "operation", operation);
    for (size_t i = 0; i < TALLY_BOUNDS; i++) {
        xmlNodePtr bucket = xml_add(hook, "bucket");
        count += times->buckets[i];
        snprintf(text, sizeof text, "%g", tally_bounds[i] / 1e6);
        xml_set(bucket, "le", text);
        xml_set_number(bucket, "count", count);
    }
    xml_set_number(hook, "count", count + times->buckets[TALLY_BOUNDS]);
    snprintf(text, sizeof text, "%.6f", (double)times->total_us / 1e6);
    xml_set(hook, "seconds", text);
}

static void add_tally(xmlNodePtr parent, const struct tally *tally)
{
    for (size_t i = 0; i < TALLY_COUNTS; i++) {
        xmlNodePtr node = xml_add(parent, tally_words[i].kind);
        xml_set(node, "name", tally_words[i].name);
        xml_set_number(node, "count", tally->counts[i]);
    }
    add_hook(parent, "prepare", &tally->times[TALLY_PREPARE]);
    add_hook(parent, "release", &tally->times[TALLY_RELEASE]);
}

/* The root of a document, which it no longer has, below another. */
static void move_root(xmlNodePtr parent, xmlDocPtr from)
{
    xmlNodePtr node = xmlDocGetRootElement(from);
    xmlUnlinkNode(node);
    xmlAddChild(parent, node);
}

int metrics_read(int root, xmlDocPtr *doc, struct error *error)
{
    const struct status_filter all = {0};
    _cleanup_(cleanup_xml_doc) xmlDocPtr status = NULL, doctor = NULL;
    struct tally tally;
    int worst, result = status_read(root, &all, &status, error);
    if (result == 0)
        result = doctor_examine(root, &doctor, &worst, error);
    if (result < 0)
        return result;
    *doc = xml_new("metrics");
    xmlNodePtr node = xmlDocGetRootElement(*doc);
    move_root(node, status);
    move_root(node, doctor);
    result = tally_read(root, &tally);
    if (result < 0)
        return error_set(error, -result, "cannot read what was counted: %s", strerror(-result));
    add_tally(node, &tally);
    return 0;
}
