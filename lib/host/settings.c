/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings.h"

#include <errno.h>
#include <limits.h>
#include <linux/if_link.h>
#include <net/ethernet.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <string.h>

#include "words.h"
#include "xml.h"

#define MOST_WORDS 3

/* A number within its limit, or a word: its place in the list. The MAC address is apart. */
static const struct field {
    const char *name;
    size_t offset;
    int most;
    const char *words[MOST_WORDS + 1];
} fields[] = {
    {"vlan", offsetof(struct settings, vlan), 4094, {NULL}}, /* IEEE 802.1Q, 9.6: 4095 is reserved */
    {"qos", offsetof(struct settings, qos), 7, {NULL}},
    {"protocol", offsetof(struct settings, protocol), 0, {"802.1Q", "802.1ad"}},
    {"min-rate", offsetof(struct settings, min_rate), INT_MAX, {NULL}},
    {"max-rate", offsetof(struct settings, max_rate), INT_MAX, {NULL}},
    {"spoof-check", offsetof(struct settings, spoof_check), 0, {"no", "yes"}},
    {"trust", offsetof(struct settings, trust), 0, {"no", "yes"}},
    {"link-state",
     offsetof(struct settings, link_state),
     0,
     {[IFLA_VF_LINK_STATE_AUTO] = "auto",
      [IFLA_VF_LINK_STATE_ENABLE] = "enable",
      [IFLA_VF_LINK_STATE_DISABLE] = "disable"}},
    {"query-rss", offsetof(struct settings, query_rss), 0, {"no", "yes"}},
};

#define FIELDS (sizeof fields / sizeof *fields)

static int get(const struct settings *settings, const struct field *field)
{
    return *(const int *)((const char *)settings + field->offset);
}

static void set(struct settings *settings, const struct field *field, int value)
{
    *(int *)((char *)settings + field->offset) = value;
}

struct settings settings_none(void)
{
    struct settings settings = {.mac = ""};
    for (size_t i = 0; i < FIELDS; i++)
        set(&settings, &fields[i], SETTINGS_UNKNOWN);
    return settings;
}

bool settings_say(const struct settings *settings)
{
    for (size_t i = 0; i < FIELDS; i++)
        if (get(settings, &fields[i]) != SETTINGS_UNKNOWN)
            return true;
    return settings->mac[0];
}

void settings_merge(struct settings *settings, const struct settings *over)
{
    for (size_t i = 0; i < FIELDS; i++)
        if (get(over, &fields[i]) != SETTINGS_UNKNOWN)
            set(settings, &fields[i], get(over, &fields[i]));
    if (over->mac[0])
        memcpy(settings->mac, over->mac, sizeof settings->mac);
}

/* ---- as text ---- */

/* Return: the value, or SETTINGS_UNKNOWN when it is none of this field's. */
static int parse_value(const struct field *field, const char *text)
{
    char *end = NULL;
    for (int i = 0; field->words[i]; i++)
        if (strcmp(field->words[i], text) == 0)
            return i;
    if (field->words[0] || text[0] < '0' || text[0] > '9')
        return SETTINGS_UNKNOWN;
    errno = 0;
    long number = strtol(text, &end, 10);
    return errno == 0 && *end == '\0' && number <= field->most ? (int)number : SETTINGS_UNKNOWN;
}

static const char *format_value(const struct field *field, int value, char text[HOST_MAC_SIZE])
{
    snprintf(text, HOST_MAC_SIZE, "%d", value);
    return field->words[0] ? (value < MOST_WORDS ? field->words[value] : NULL) : text;
}

static int refuse(const struct field *field, const char *value, struct error *error)
{
    char words[40];
    snprintf(words, sizeof words, "0 to %d", field->most);
    if (field->words[0])
        (void)words_list(field->words, words, sizeof words);
    return error_set(error, EINVAL, "%s='%.64s': that can be %s", field->name, value, words);
}

/* One that a VF can have: a single station's (IEEE 802, 8.2.2), and not the none that a card may take. */
static int put_mac(struct settings *settings, const char *value, struct error *error)
{
    struct ether_addr address;
    static const struct ether_addr none;
    if (strlen(value) != HOST_MAC_SIZE - 1 || !ether_aton_r(value, &address) || address.ether_addr_octet[0] & 1 ||
        memcmp(&address, &none, sizeof none) == 0)
        return error_set(error, EINVAL,
                         "mac='%.64s': that can be the address of one station, such as 52:54:00:01:02:03", value);
    host_format_mac(address.ether_addr_octet, settings->mac);
    return 0;
}

int settings_put(struct settings *settings, const char *name, const char *value, struct error *error)
{
    if (strcmp(name, "mac") == 0)
        return put_mac(settings, value, error);
    for (size_t i = 0; i < FIELDS; i++) {
        if (strcmp(fields[i].name, name) != 0)
            continue;
        int number = parse_value(&fields[i], value);
        if (number == SETTINGS_UNKNOWN)
            return refuse(&fields[i], value, error);
        set(settings, &fields[i], number);
        return 0;
    }
    return -ENOENT;
}

void settings_read(struct settings *settings, const xmlNode *node)
{
    for (size_t i = 0; i < FIELDS; i++) {
        _cleanup_(cleanup_xml_string) char *value = xml_attribute(node, fields[i].name);
        int number = value ? parse_value(&fields[i], value) : SETTINGS_UNKNOWN;
        if (number != SETTINGS_UNKNOWN)
            set(settings, &fields[i], number);
    }
    _cleanup_(cleanup_xml_string) char *mac = xml_attribute(node, "mac");
    struct ether_addr address;
    if (mac && strlen(mac) == HOST_MAC_SIZE - 1 && ether_aton_r(mac, &address))
        host_format_mac(address.ether_addr_octet, settings->mac);
}

void settings_write(const struct settings *settings, xmlNodePtr node)
{
    char text[HOST_MAC_SIZE];
    if (settings->mac[0])
        xml_set(node, "mac", settings->mac);
    for (size_t i = 0; i < FIELDS; i++) {
        int value = get(settings, &fields[i]);
        const char *word = value == SETTINGS_UNKNOWN ? NULL : format_value(&fields[i], value, text);
        if (word)
            xml_set(node, fields[i].name, word);
    }
}

const char *settings_format(const struct settings *settings, char text[SETTINGS_SIZE])
{
    char number[HOST_MAC_SIZE];
    size_t used = 0;
    text[0] = '\0';
    if (settings->mac[0])
        used = (size_t)snprintf(text, SETTINGS_SIZE, "mac='%s'", settings->mac);
    for (size_t i = 0; i < FIELDS && used < SETTINGS_SIZE; i++) {
        int value = get(settings, &fields[i]);
        const char *word = value == SETTINGS_UNKNOWN ? NULL : format_value(&fields[i], value, number);
        if (word)
            used +=
                (size_t)snprintf(text + used, SETTINGS_SIZE - used, "%s%s='%s'", used ? " " : "", fields[i].name, word);
    }
    return text;
}

const char *settings_names(const struct settings *settings, char text[SETTINGS_SIZE])
{
    size_t used = (size_t)snprintf(text, SETTINGS_SIZE, "%s", settings->mac[0] ? "mac" : "");
    for (size_t i = 0; i < FIELDS && used < SETTINGS_SIZE; i++)
        if (get(settings, &fields[i]) != SETTINGS_UNKNOWN)
            used += (size_t)snprintf(text + used, SETTINGS_SIZE - used, "%s%s", used ? " " : "", fields[i].name);
    return text;
}

/* ---- together ---- */

bool settings_equal(const struct settings *a, const struct settings *b)
{
    for (size_t i = 0; i < FIELDS; i++)
        if (get(a, &fields[i]) != get(b, &fields[i]))
            return false;
    return strcmp(a->mac, b->mac) == 0;
}

int settings_check(const struct settings *settings, struct error *error)
{
    if (settings->max_rate > 0 && settings->min_rate > settings->max_rate)
        return error_set(error, EINVAL, "it asks for min-rate='%d', which is above max-rate='%d'", settings->min_rate,
                         settings->max_rate);
    return 0;
}

const char *settings_find_missed(const struct settings *is, const struct settings *wanted, char value[HOST_MAC_SIZE])
{
    for (size_t i = 0; i < FIELDS; i++) {
        int want = get(wanted, &fields[i]), have = get(is, &fields[i]);
        if (want == SETTINGS_UNKNOWN || have == SETTINGS_UNKNOWN || want == have)
            continue;
        const char *word = format_value(&fields[i], want, value);
        if (word && word != value)
            snprintf(value, HOST_MAC_SIZE, "%s", word);
        return fields[i].name;
    }
    memcpy(value, wanted->mac, HOST_MAC_SIZE);
    return wanted->mac[0] && is->mac[0] && strcmp(wanted->mac, is->mac) != 0 ? "mac" : NULL;
}
