/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include "history-line.h"
#include "history.h"
#include "journal.h"
#include "memory.h"
#include "xml.h"

static const char *const names[FIELDS] = {
    [FIELD_TIME] = "time",       [FIELD_EVENT] = "event",   [FIELD_GUEST] = "guest", [FIELD_UUID] = "uuid",
    [FIELD_ADDRESS] = "address", [FIELD_PF] = "pf",         [FIELD_VF] = "vf",       [FIELD_POOL] = "pool",
    [FIELD_MAC] = "mac",         [FIELD_REASON] = "reason", [FIELD_ACTOR] = "actor"};

/* Days and seconds before now, as "2h", in the form of a line's time. */
static int read_age(const char *text, char since[CLAIM_TIME_SIZE])
{
    static const char units[] = "smhd";
    static const long seconds[] = {1, 60, 3600, 86400};
    char *end = NULL;
    long count = strtol(text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;
    if (!isdigit((unsigned char)text[0]) || !unit || end[1] || count > 100000)
        return -EINVAL;
    time_t then = time(NULL) - count * seconds[unit - units];
    struct tm parts;
    strftime(since, CLAIM_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&then, &parts));
    return 0;
}

int history_since(const char *text, char since[CLAIM_TIME_SIZE])
{
    static const char form[] = "0000-00-00T00:00:00Z";
    size_t length = strlen(text);
    if (length != strlen("0000-00-00") && length != strlen(form))
        return read_age(text, since);
    for (size_t i = 0; i < length; i++)
        if (form[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
            return -EINVAL;
    snprintf(since, CLAIM_TIME_SIZE, "%s%s", text, form + length);
    return 0;
}

/* Whom or what a person asks for. */
struct subject {
    const struct history_filter *filter;
    char of[PCIADDR_SIZE], vf[PCIADDR_SIZE]; /* addresses as they are recorded; empty where the text is none */
};

static bool is_device(char *const fields[FIELDS], const char *address)
{
    return address[0] && strcasecmp(fields[FIELD_ADDRESS], address) == 0;
}

/* By its PF and number, as "eth3 0" and "eth3/0". */
static bool is_numbered(char *const fields[FIELDS], const char *text)
{
    size_t length = strlen(fields[FIELD_PF]);
    return fields[FIELD_VF][0] && strncmp(text, fields[FIELD_PF], length) == 0 &&
           (text[length] == ' ' || text[length] == '/') && strcmp(text + length + 1, fields[FIELD_VF]) == 0;
}

static bool concerns(char *const fields[FIELDS], const struct subject *subject)
{
    const struct history_filter *filter = subject->filter;
    if (filter->since && strcmp(fields[FIELD_TIME], filter->since) < 0)
        return false;
    if (filter->pool && strcmp(fields[FIELD_POOL], filter->pool) != 0)
        return false;
    if (filter->guest && !domain_is_called(filter->guest, fields[FIELD_GUEST], fields[FIELD_UUID]))
        return false;
    if (filter->vf && !is_device(fields, subject->vf) && !is_numbered(fields, filter->vf))
        return false;
    return !filter->of || domain_is_called(filter->of, fields[FIELD_GUEST], fields[FIELD_UUID]) ||
           is_device(fields, subject->of);
}

static bool is_text(const char *line)
{
    for (const char *at = line; *at; at++)
        if ((unsigned char)*at < ' ' && *at != '\t')
            return false;
    return xmlCheckUTF8((const xmlChar *)line);
}

/* A line that is not whole is none. */
static void read_line(xmlNodePtr node, char *line, const struct subject *subject)
{
    char *fields[FIELDS], none[] = "";
    size_t count = 0;
    if (!is_text(line))
        return;
    for (char *field; (field = strsep(&line, "\t"));) {
        if (count == FIELDS)
            return;
        fields[count++] = field;
    }
    if (count < FIELD_ACTOR || strlen(fields[FIELD_TIME]) != CLAIM_TIME_SIZE - 1 || !fields[FIELD_EVENT][0])
        return;
    if (count == FIELD_ACTOR)
        fields[FIELD_ACTOR] = none;
    if (!concerns(fields, subject))
        return;
    xmlNodePtr event = xml_add(node, "event");
    for (size_t i = 0; i < FIELDS; i++)
        if (fields[i][0])
            xml_set(event, names[i], fields[i]);
}

/* A file's text, and whose it is: another one may come to the name meanwhile. @inode: 0: there is none */
static int read_file(int root, const char *path, char **text, ino_t *inode, struct error *error)
{
    struct stat before, after;
    int result = 0;
    do {
        free(steal(*text));
        before.st_ino = fstatat(root, path, &before, AT_SYMLINK_NOFOLLOW) == 0 ? before.st_ino : 0;
        result = journal_read(root, path, text);
        after.st_ino = fstatat(root, path, &after, AT_SYMLINK_NOFOLLOW) == 0 ? after.st_ino : 0;
    } while (result == 0 && before.st_ino != after.st_ino);
    *inode = before.st_ino;
    return result < 0 ? error_set(error, -result, "cannot read /%s: %s", path, strerror(-result)) : 0;
}

/* Return: where the last whole line ends. */
static off_t read_lines(char *text, off_t from, const struct subject *subject, xmlNodePtr node)
{
    size_t length = text ? strlen(text) : 0;
    char *rest = text && (size_t)from <= length ? text + from : NULL, *end = rest;
    for (char *line; rest && (line = strsep(&rest, "\n"));)
        if (rest) { /* else it has no end */
            read_line(node, line, subject);
            end = rest;
        }
    return end ? end - text : 0;
}

/* What was read to its end as the newer file may be the older one now. */
static int read_files(int root, const struct subject *subject, struct history_place *place, xmlNodePtr node,
                      struct error *error)
{
    static const char *const paths[] = {JOURNAL_DIRECTORY "/" HISTORY_FILE ".1", JOURNAL_DIRECTORY "/" HISTORY_FILE};
    bool found = place->inode == 0;
    int result = 0;
    for (size_t i = 0; i < sizeof paths / sizeof *paths && result == 0; i++) {
        _cleanup_(cleanup_free) char *text = NULL;
        ino_t inode = 0;
        result = read_file(root, paths[i], &text, &inode, error);
        bool here = place->inode && place->inode == inode, newest = i == 1;
        if (result < 0 || (!found && !here && !newest))
            continue;
        off_t end = read_lines(text, here ? place->offset : 0, subject, node);
        found = true;
        /* Turned, and nothing written since: there is no newer one yet. */
        if (newest ? inode != 0 : here)
            *place = (struct history_place){inode, end};
    }
    return result;
}

/* Only the last so many stay. */
static void keep_last(xmlNodePtr node, size_t last)
{
    size_t count = 0;
    for (xmlNodePtr event = node->last; event; event = event->prev)
        count++;
    for (; count > last; count--) {
        xmlNodePtr first = node->children;
        xmlUnlinkNode(first);
        xmlFreeNode(first);
    }
}

int history_read(int root, const struct history_filter *filter, struct history_place *place, xmlDocPtr *doc,
                 struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr history = xml_new("history");
    xmlNodePtr node = xmlDocGetRootElement(history);
    struct subject subject = {.filter = filter};
    const char *of = filter->of ? filter->of : filter->guest ? filter->guest : filter->vf ? filter->vf : filter->pool;
    struct pciaddr address;
    struct error words;
    *doc = NULL;
    if (filter->of && pciaddr_parse_any(filter->of, &address) == 0)
        pciaddr_format(&address, subject.of);
    if (filter->vf && pciaddr_parse_any(filter->vf, &address) == 0)
        pciaddr_format(&address, subject.vf);
    if (of) {
        /* What a person types need not be UTF-8. */
        (void)error_set(&words, EINVAL, "%s", of);
        xml_set(node, "of", words.message);
    }
    int result = read_files(root, &subject, place, node, error);
    if (result == 0 && filter->last)
        keep_last(node, filter->last);
    if (result == 0)
        *doc = steal(history);
    return result;
}
