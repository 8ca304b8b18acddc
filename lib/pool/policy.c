/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "words.h"
#include "xml.h"

enum part { PART_ORDER, PART_NUMA, PART_SEPARATE, PART_STICKY, PART_WAIT, PARTS };

#define MOST_WORDS 4

/* The words in the order of the enums. */
static const struct {
    const char *name;
    const char *words[MOST_WORDS + 1];
} parts[PARTS] = {
    [PART_ORDER] = {"order", {"first", "spread", "pack", "lru"}},
    [PART_NUMA] = {"numa", {"ignore", "prefer", "require"}},
    [PART_SEPARATE] = {"separate", {"no", "prefer", "require"}},
    [PART_STICKY] = {"sticky", {"no", "yes"}},
    [PART_WAIT] = {"wait", {NULL}}, /* a number */
};

struct policy policy_default(void)
{
    return (struct policy){.order = ORDER_FIRST, .numa = WISH_PREFER, .separate = WISH_PREFER};
}

static int get(const struct policy *policy, enum part part)
{
    switch (part) {
    case PART_ORDER:
        return (int)policy->order;
    case PART_NUMA:
        return (int)policy->numa;
    case PART_SEPARATE:
        return (int)policy->separate;
    case PART_STICKY:
        return policy->sticky;
    case PART_WAIT:
        return (int)policy->wait;
    case PARTS:
        break;
    }
    return 0;
}

static void set(struct policy *policy, enum part part, int value)
{
    switch (part) {
    case PART_ORDER:
        policy->order = (enum policy_order)value;
        break;
    case PART_NUMA:
        policy->numa = (enum policy_wish)value;
        break;
    case PART_SEPARATE:
        policy->separate = (enum policy_wish)value;
        break;
    case PART_STICKY:
        policy->sticky = value;
        break;
    case PART_WAIT:
        policy->wait = (unsigned int)value;
        break;
    case PARTS:
        break;
    }
}

static bool set_number(struct policy *policy, enum part part, const char *value)
{
    char *end = NULL;
    long number = value[0] >= '0' && value[0] <= '9' ? strtol(value, &end, 10) : -1;
    if (number < 0 || number > POLICY_WAIT_MAX || *end)
        return false;
    set(policy, part, (int)number);
    return true;
}

/* Return: whether the value is one that the policy can have. */
static bool set_word(struct policy *policy, enum part part, const char *value)
{
    if (part == PART_WAIT)
        return set_number(policy, part, value);
    for (int i = 0; parts[part].words[i]; i++) {
        if (strcmp(parts[part].words[i], value) != 0)
            continue;
        set(policy, part, i);
        return true;
    }
    return false;
}

void policy_read(struct policy *policy, const xmlNode *node)
{
    for (enum part part = 0; part < PARTS; part++) {
        _cleanup_(cleanup_xml_string) char *value = xml_attribute(node, parts[part].name);
        if (value)
            (void)set_word(policy, part, value);
    }
}

const char *policy_format(const struct policy *policy, char text[POLICY_SIZE])
{
    static const enum part order[] = {PART_SEPARATE, PART_NUMA, PART_STICKY, PART_ORDER}; /* the weightiest first */
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof order / sizeof *order && used < POLICY_SIZE; i++)
        used += (size_t)snprintf(text + used, POLICY_SIZE - used, "%s%s='%s'", i ? " " : "", parts[order[i]].name,
                                 parts[order[i]].words[get(policy, order[i])]);
    return text;
}

/* ---- what a guest says ---- */

const xmlNode *policy_next(const xmlNode *node, const char *name)
{
    while (node && !(node->type == XML_ELEMENT_NODE && node->ns &&
                     strcmp((const char *)node->ns->href, VFPOOL_NAMESPACE) == 0 &&
                     strcmp((const char *)node->name, name) == 0))
        node = node->next;
    return node;
}

static const xmlNode *find_ours(const xmlNode *root, const char *name)
{
    const xmlNode *metadata = xml_child(root, "metadata");
    return metadata ? policy_next(metadata->children, name) : NULL;
}

const xmlNode *policy_of_pool(const xmlNode *root)
{
    return find_ours(root, "pool");
}

const xmlNode *policy_of_guest(const xmlNode *root)
{
    return find_ours(root, "guest");
}

static const char *mistaken(const xmlNode *node)
{
    static const char stem[] = "urn:vfpool";
    const char *found = NULL;
    for (; node && !found; node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        const char *href = node->ns ? (const char *)node->ns->href : NULL;
        bool like = href && strncasecmp(href, stem, sizeof stem - 1) == 0 && strcmp(href, VFPOOL_NAMESPACE) != 0;
        found = like ? href : mistaken(node->children);
    }
    return found;
}

const char *policy_mistaken(const xmlNode *root)
{
    const xmlNode *metadata = xml_child(root, "metadata");
    return metadata ? mistaken(metadata->children) : NULL;
}

static bool names(const char *allowed, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = allowed; at && (at = strstr(at, name)); at += length)
        if ((at == allowed || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' '))
            return true;
    return false;
}

int policy_check_allowed(const char *allowed, bool all, const char *name, const char *value, const char *guest,
                         const char *pool, struct error *error)
{
    if (names(allowed, name) || (all && names(allowed, "all")))
        return 0;
    return error_set(error, EPERM,
                     "guest '%.256s' says %s='%s' in its <metadata>, and pool '%s' does not let guests say that: it "
                     "would have to have override='%s'",
                     guest, name, value, pool, name);
}

static int override_one(struct policy *policy, const char *name, const char *value, const char *allowed,
                        const char *guest, const char *pool, struct error *error)
{
    char words[80];
    enum part part = 0;
    while (part < PARTS && strcmp(parts[part].name, name) != 0)
        part++;
    if (part == PARTS)
        return error_set(error, EINVAL, "guest '%.256s' says %.64s='%.64s' in its <metadata>: there is no such policy",
                         guest, name, value);
    if (!set_word(policy, part, value)) {
        snprintf(words, sizeof words, "0 to %d", POLICY_WAIT_MAX);
        if (part != PART_WAIT)
            (void)words_list(parts[part].words, words, sizeof words);
        return error_set(error, EINVAL, "guest '%.256s' says %s='%.64s' in its <metadata>: that can be %s", guest, name,
                         value, words);
    }
    return policy_check_allowed(allowed, true, name, value, guest, pool, error);
}

/* Whatever else of vfpool's it has there is a mistake: a policy that is not followed would not be noticed. */
static int check_elements(const xmlNode *root, const char *guest, struct error *error)
{
    const xmlNode *metadata = xml_child(root, "metadata");
    for (const xmlNode *node = metadata ? metadata->children : NULL; node; node = node->next)
        if (node->type == XML_ELEMENT_NODE && node->ns && strcmp((const char *)node->ns->href, VFPOOL_NAMESPACE) == 0 &&
            strcmp((const char *)node->name, "guest") != 0)
            return error_set(error, EINVAL, "guest '%.256s' has <%.64s> in its <metadata>: vfpool knows <guest> only",
                             guest, (const char *)node->name);
    const xmlNode *own = policy_of_guest(root);
    for (const xmlNode *node = own ? own->children : NULL; node; node = node->next)
        if (node->type == XML_ELEMENT_NODE && policy_next(node, "settings") != node)
            return error_set(error, EINVAL,
                             "guest '%.256s' has <%.64s> in its <metadata>: in <guest>, vfpool knows <settings> only, "
                             "of its own namespace",
                             guest, (const char *)node->name);
    return 0;
}

int policy_override(struct policy *policy, const xmlNode *root, const char *allowed, const char *guest,
                    const char *pool, struct error *error)
{
    const xmlNode *node = policy_of_guest(root);
    int result = check_elements(root, guest, error);
    for (const xmlAttr *attribute = node ? node->properties : NULL; attribute && result == 0;
         attribute = attribute->next) {
        _cleanup_(cleanup_xml_string) char *value = (char *)xmlNodeGetContent((const xmlNode *)attribute);
        result = override_one(policy, (const char *)attribute->name, value, allowed, guest, pool, error);
    }
    return result;
}
