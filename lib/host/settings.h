/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * settings - what a PF's driver can be told of one of its VFs: what is set, what is wanted, or what was set before
 *
 * What "ip link set PF vf N ..." sets (ip-link(8)). In XML it is one element with an attribute for each that is said:
 * in a pool file, in a guest's <metadata>, in a guest file, and in the status.
 */
#ifndef VFPOOL_SETTINGS_H
#define VFPOOL_SETTINGS_H

#include <libxml/tree.h>
#include <stdbool.h>

#include "error.h"
#include "host.h"

#define SETTINGS_UNKNOWN (-1)
#define SETTINGS_NO_MAC "00:00:00:00:00:00"

enum settings_protocol { PROTOCOL_8021Q, PROTOCOL_8021AD };

/* Each number is SETTINGS_UNKNOWN where it is not said: the driver does not tell, or nobody asks for it. */
struct settings {
    char mac[HOST_MAC_SIZE]; /* the administrative address; empty: not said; SETTINGS_NO_MAC: none is set */
    int vlan;                /* 0: none */
    int qos;                 /* of the VLAN tag, 0 to 7 */
    int protocol;            /* of the VLAN tag: enum settings_protocol; not said where there is none */
    int min_rate;            /* of sending, Mbit/s; 0: none is guaranteed */
    int max_rate;            /* Mbit/s; 0: no limit */
    int spoof_check;         /* 1 or 0, as the next two */
    int trust;
    int query_rss;
    int link_state; /* IFLA_VF_LINK_STATE_* of uapi/linux/if_link.h */
};

/** settings_none() - settings that say nothing */
struct settings settings_none(void) must_check;

/** settings_say() - whether they say anything */
bool settings_say(const struct settings *settings) must_check nonnull(1);

/** settings_merge() - what @over says takes the place of what @settings say of it */
void settings_merge(struct settings *settings, const struct settings *over) nonnull(1, 2);

/** settings_put() - the setting of this name. Return: 0; -ENOENT: there is none; -EINVAL: with what it can be. */
int settings_put(struct settings *settings, const char *name, const char *value, struct error *error) must_check
    nonnull(1, 2, 3, 4);

/** settings_read() - what an element's attributes say; what is no setting, or has no value of one, says nothing, and so
 * does a NULL element */
void settings_read(struct settings *settings, const xmlNode *node) nonnull(1);

/** settings_write() - give an element the attributes that say it */
void settings_write(const struct settings *settings, xmlNodePtr node) nonnull(1, 2);

/** settings_equal() - whether they say the same, and leave the same unsaid */
bool settings_equal(const struct settings *a, const struct settings *b) must_check nonnull(1, 2);

#define SETTINGS_SIZE 240

/** settings_format() - the attributes that say it, with spaces between, in @text. Return: @text. */
const char *settings_format(const struct settings *settings, char text[SETTINGS_SIZE]) nonnull(1, 2);

/** settings_names() - the names of what it says, with spaces between, in @text. Return: @text. */
const char *settings_names(const struct settings *settings, char text[SETTINGS_SIZE]) nonnull(1, 2);

/**
 * settings_check() - whether they can be true together
 *
 * Return: 0, or -EINVAL with a clause: "it asks for ...".
 */
int settings_check(const struct settings *settings, struct error *error) must_check nonnull(1, 2);

/**
 * settings_find_missed() - the first setting that is wanted and is not what is set
 * @is: where it does not tell of a setting, that is taken to be as it is wanted
 * @value: as it is wanted, in words
 *
 * Return: its name, or NULL.
 */
const char *settings_find_missed(const struct settings *is, const struct settings *wanted,
                                 char value[HOST_MAC_SIZE]) must_check nonnull(1, 2, 3);

#endif
