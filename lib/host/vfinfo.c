/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfinfo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "memory.h"
#include "rtnetlink.h"

struct reading {
    struct settings *settings;
    size_t count;
};

/* ---- reading ---- */

/* Each attribute of a VF begins with the VF's number. Return: NULL when it is shorter than the kernel makes it. */
static const void *payload(const struct nlattr *attribute, size_t size)
{
    return mnl_attr_get_payload_len(attribute) >= size ? mnl_attr_get_payload(attribute) : NULL;
}

/* What a driver does not tell is all ones: rtnl_fill_vfinfo() sets it so before it asks the driver. */
static int tristate(const struct nlattr *attribute)
{
    const struct ifla_vf_trust *value = payload(attribute, sizeof *value);
    return !value || value->setting == UINT32_MAX ? SETTINGS_UNKNOWN : value->setting != 0;
}

struct told {
    uint32_t number; /* of the VF; UINT32_MAX: the kernel did not say */
    struct settings settings;
};

static int take_vlan(const struct nlattr *attribute, void *context)
{
    struct settings *settings = context;
    const struct ifla_vf_vlan_info *info = payload(attribute, sizeof *info);
    if (mnl_attr_get_type(attribute) != IFLA_VF_VLAN_INFO || !info)
        return MNL_CB_OK;
    settings->vlan = (int)info->vlan;
    settings->qos = (int)info->qos;
    if (info->vlan || info->qos)
        settings->protocol = info->vlan_proto == htons(ETH_P_8021AD) ? PROTOCOL_8021AD : PROTOCOL_8021Q;
    return MNL_CB_OK;
}

static void take_mac(const struct nlattr *attribute, struct told *told)
{
    const struct ifla_vf_mac *mac = payload(attribute, sizeof *mac);
    if (!mac)
        return;
    told->number = mac->vf;
    host_format_mac(mac->mac, told->settings.mac);
}

static int take(const struct nlattr *attribute, void *context)
{
    struct told *told = context;
    struct settings *settings = &told->settings;
    const struct ifla_vf_rate *rate = payload(attribute, sizeof *rate);
    const struct ifla_vf_link_state *link = payload(attribute, sizeof *link);
    switch (mnl_attr_get_type(attribute)) {
    case IFLA_VF_MAC:
        take_mac(attribute, told);
        break;
    case IFLA_VF_VLAN_LIST:
        return mnl_attr_parse_nested(attribute, take_vlan, settings); /* it is a list of one (MAX_VLAN_LIST_LEN) */
    case IFLA_VF_RATE:
        settings->min_rate = rate ? (int)rate->min_tx_rate : 0;
        settings->max_rate = rate ? (int)rate->max_tx_rate : 0;
        break;
    case IFLA_VF_SPOOFCHK:
        settings->spoof_check = tristate(attribute);
        break;
    case IFLA_VF_TRUST:
        settings->trust = tristate(attribute);
        break;
    case IFLA_VF_RSS_QUERY_EN:
        settings->query_rss = tristate(attribute);
        break;
    case IFLA_VF_LINK_STATE:
        settings->link_state =
            link && link->link_state < __IFLA_VF_LINK_STATE_MAX ? (int)link->link_state : SETTINGS_UNKNOWN;
        break;
    }
    return MNL_CB_OK;
}

static int take_vf(const struct nlattr *vf, void *context)
{
    const struct reading *reading = context;
    struct told told = {.number = UINT32_MAX, .settings = settings_none()};
    if (mnl_attr_get_type(vf) != IFLA_VF_INFO)
        return MNL_CB_OK;
    int result = mnl_attr_parse_nested(vf, take, &told);
    if (told.number < reading->count)
        reading->settings[told.number] = told.settings;
    return result;
}

static int take_list(const struct nlattr *attribute, void *context)
{
    return mnl_attr_get_type(attribute) == IFLA_VFINFO_LIST ? mnl_attr_parse_nested(attribute, take_vf, context)
                                                            : MNL_CB_OK;
}

static int look(const struct nlmsghdr *message, void *context)
{
    return message->nlmsg_type == RTM_NEWLINK ? mnl_attr_parse(message, sizeof(struct ifinfomsg), take_list, context)
                                              : MNL_CB_OK;
}

static int open_pf(const struct host *host, const struct host_pf *pf, struct rtnetlink **link, int *index,
                   struct error *error)
{
    int result = rtnetlink_open(host, link, error);
    *index = result < 0 ? 0 : host_pf_index(host, pf);
    return *index < 0 ? error_set(error, ENODEV, "PF %s has no network interface", pf->name) : result;
}

static struct nlmsghdr *put_request(char *buffer, uint16_t type, int index)
{
    struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
    request->nlmsg_type = type;
    struct ifinfomsg *about = mnl_nlmsg_put_extra_header(request, sizeof *about);
    about->ifi_family = AF_UNSPEC;
    about->ifi_index = index;
    return request;
}

int vfinfo_read(const struct host *host, const struct host_pf *pf, struct settings **settings, struct error *error)
{
    _cleanup_(cleanup_rtnetlink) struct rtnetlink *link = NULL;
    _cleanup_(cleanup_free) char *buffer = memory_new(1, RTNETLINK_REQUEST_SIZE);
    *settings = NULL;
    int index = 0, result = open_pf(host, pf, &link, &index, error);
    if (result < 0)
        return result;
    struct nlmsghdr *request = put_request(buffer, RTM_GETLINK, index);
    /* With their counters, 256 VFs would not fit into the attribute's 64 KiB. */
    mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
    struct reading reading = {.settings = memory_new(pf->vf_count, sizeof *reading.settings), .count = pf->vf_count};
    for (unsigned int i = 0; i < pf->vf_count; i++)
        reading.settings[i] = settings_none();
    result = rtnetlink_call(link, request, look, &reading);
    if (result < 0) {
        free(reading.settings);
        return error_set(error, -result, "cannot read what PF %s has been told of its VFs: %s", pf->name,
                         strerror(-result));
    }
    *settings = reading.settings;
    return 0;
}

bool vfinfo_twin(const struct settings *settings, unsigned int number, unsigned int *other)
{
    const char *mac = settings[number].mac;
    if (!mac[0] || strcmp(mac, SETTINGS_NO_MAC) == 0)
        return false;
    for (*other = 0; *other < number; ++*other)
        if (strcmp(settings[*other].mac, mac) == 0)
            return true;
    return false;
}

/* ---- telling ---- */

/* What is told in one request; the other settings say nothing. */
enum part { PART_MAC, PART_VLAN, PART_RATE, PART_SPOOF_CHECK, PART_TRUST, PART_QUERY_RSS, PART_LINK_STATE, PARTS };

/* Those that are one number each; their attributes are alike (uapi/linux/if_link.h). */
static const struct {
    uint16_t type;
    size_t offset;
} switches[PARTS] = {
    [PART_SPOOF_CHECK] = {IFLA_VF_SPOOFCHK, offsetof(struct settings, spoof_check)},
    [PART_TRUST] = {IFLA_VF_TRUST, offsetof(struct settings, trust)},
    [PART_QUERY_RSS] = {IFLA_VF_RSS_QUERY_EN, offsetof(struct settings, query_rss)},
    [PART_LINK_STATE] = {IFLA_VF_LINK_STATE, offsetof(struct settings, link_state)},
};

static int get_switch(const struct settings *settings, enum part part)
{
    return *(const int *)((const char *)settings + switches[part].offset);
}

static struct settings pick(const struct settings *from, enum part part)
{
    struct settings settings = settings_none();
    switch (part) {
    case PART_MAC:
        memcpy(settings.mac, from->mac, sizeof settings.mac);
        break;
    case PART_VLAN:
        settings.vlan = from->vlan;
        settings.qos = from->qos;
        if (from->vlan > 0 || from->qos > 0)
            settings.protocol = from->protocol == SETTINGS_UNKNOWN ? PROTOCOL_8021Q : from->protocol;
        break;
    case PART_RATE:
        settings.min_rate = from->min_rate;
        settings.max_rate = from->max_rate;
        break;
    default:
        *(int *)((char *)&settings + switches[part].offset) = get_switch(from, part);
    }
    return settings;
}

static uint32_t number_of(int setting)
{
    return setting == SETTINGS_UNKNOWN ? 0 : (uint32_t)setting;
}

/* A tag of 802.1ad is known in the list only. */
static void put_vlan(struct nlmsghdr *request, unsigned int vf, const struct settings *settings)
{
    const uint16_t protocol = settings->protocol == PROTOCOL_8021AD ? ETH_P_8021AD : ETH_P_8021Q;
    const struct ifla_vf_vlan_info info = {
        .vf = vf, .vlan = number_of(settings->vlan), .qos = number_of(settings->qos), .vlan_proto = htons(protocol)};
    struct nlattr *list = mnl_attr_nest_start(request, IFLA_VF_VLAN_LIST);
    mnl_attr_put(request, IFLA_VF_VLAN_INFO, sizeof info, &info);
    mnl_attr_nest_end(request, list);
}

static void put_part(struct nlmsghdr *request, enum part part, unsigned int vf, const struct settings *settings)
{
    struct ifla_vf_mac mac = {.vf = vf};
    struct ifla_vf_trust value = {.vf = vf};
    const struct ifla_vf_rate rate = {
        .vf = vf, .min_tx_rate = number_of(settings->min_rate), .max_tx_rate = number_of(settings->max_rate)};
    switch (part) {
    case PART_MAC:
        (void)ether_aton_r(settings->mac, (struct ether_addr *)mac.mac); /* it was read, and is one */
        mnl_attr_put(request, IFLA_VF_MAC, sizeof mac, &mac);
        break;
    case PART_VLAN:
        put_vlan(request, vf, settings);
        break;
    case PART_RATE:
        mnl_attr_put(request, IFLA_VF_RATE, sizeof rate, &rate);
        break;
    default:
        value.setting = number_of(get_switch(settings, part));
        mnl_attr_put(request, switches[part].type, sizeof value, &value);
    }
}

static int tell_part(struct rtnetlink *link, int index, unsigned int vf, enum part part,
                     const struct settings *settings)
{
    _cleanup_(cleanup_free) char *buffer = memory_new(1, RTNETLINK_REQUEST_SIZE);
    struct nlmsghdr *request = put_request(buffer, RTM_SETLINK, index);
    struct nlattr *list = mnl_attr_nest_start(request, IFLA_VFINFO_LIST);
    struct nlattr *info = mnl_attr_nest_start(request, IFLA_VF_INFO);
    put_part(request, part, vf, settings);
    mnl_attr_nest_end(request, info);
    mnl_attr_nest_end(request, list);
    return rtnetlink_call(link, request, NULL, NULL);
}

/* A locally administered address of one station (IEEE 802, 8.2). */
static void make_mac(char mac[HOST_MAC_SIZE])
{
    uint8_t bytes[ETH_ALEN];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        memset(bytes, 0x5a, sizeof bytes); /* it cannot fail for so few (getrandom(2)) */
    bytes[0] = (uint8_t)((bytes[0] & 0xfc) | 2);
    host_format_mac(bytes, mac);
}

/* @wanted: its MAC address becomes the one that the VF has got in place of none */
static int tell_mac(struct rtnetlink *link, int index, const struct host_pf *pf, unsigned int vf,
                    struct settings *wanted, struct error *error)
{
    int result = tell_part(link, index, vf, PART_MAC, wanted);
    if (result == 0 || result == -ENODEV || strcmp(wanted->mac, SETTINGS_NO_MAC) != 0)
        return result;
    make_mac(wanted->mac);
    result = tell_part(link, index, vf, PART_MAC, wanted);
    if (result == 0)
        error_note(error, "VF %u of PF %s had no MAC address, and the card does not take it back: it has %s now", vf,
                   pf->name, wanted->mac);
    return result;
}

/* Some cards take no rate, say, without a link, and only say that it is invalid. */
static int refuse(const struct host *host, const struct host_pf *pf, unsigned int vf, const struct settings *settings,
                  int result, struct error *error)
{
    struct host_pf now = *pf;
    char text[SETTINGS_SIZE];
    host_pf_examine(host, &now);
    return error_set(error, -result, "PF %s%s does not take %s for VF %u: %s", pf->name,
                     now.up == 0        ? ", which is down,"
                     : now.carrier == 0 ? ", which has no carrier,"
                                        : "",
                     settings_format(settings, text), vf, strerror(-result));
}

/* Tells what differs. @wanted: where the VF has got a MAC address in place of none, that is what is wanted then.
 * Return: whether anything was told; or what was refused first. */
static int tell(const struct host *host, const struct host_pf *pf, unsigned int number, const struct settings *now,
                struct settings *wanted, struct error *error)
{
    _cleanup_(cleanup_rtnetlink) struct rtnetlink *link = NULL;
    struct settings whole = *now;
    int index = 0, first = 0;
    settings_merge(&whole, wanted);
    for (enum part part = 0; part < PARTS; part++) {
        struct settings before = pick(now, part), after = pick(&whole, part);
        if (settings_equal(&before, &after))
            continue;
        int result = link ? 0 : open_pf(host, pf, &link, &index, error);
        if (result < 0)
            return result;
        result = part == PART_MAC ? tell_mac(link, index, pf, number, &after, error)
                                  : tell_part(link, index, number, part, &after);
        if (part == PART_MAC)
            memcpy(wanted->mac, after.mac, sizeof wanted->mac);
        if (result < 0 && first == 0)
            first = refuse(host, pf, number, &after, result, error);
    }
    return first < 0 ? first : link != NULL;
}

/* Return: 0 when nothing is missed, or it cannot be known; 1 when something is. @now: what is set */
static int check(const struct host *host, const struct host_pf *pf, unsigned int vf, const struct settings *wanted,
                 struct settings *now, struct error *error)
{
    _cleanup_(cleanup_free) struct settings *all = NULL;
    char value[HOST_MAC_SIZE];
    int result = vfinfo_read(host, pf, &all, error);
    if (!all)
        return result;
    *now = all[vf];
    const char *missed = settings_find_missed(now, wanted, value);
    if (!missed)
        return 0;
    (void)error_set(error, EIO, "PF %s took %s='%s' for VF %u, and did not set it", pf->name, missed, value, vf);
    return 1;
}

int vfinfo_change(const struct host *host, const struct host_pf *pf, unsigned int number, const struct settings *now,
                  const struct settings *wanted, struct error *error)
{
    struct settings asked = *wanted, is = *now;
    int result = 1;
    /* With one thing a card may set another: then that is told once more. */
    for (int i = 0; i < 2 && result > 0; i++) {
        result = tell(host, pf, number, &is, &asked, error);
        if (result > 0)
            result = check(host, pf, number, &asked, &is, error);
    }
    return result > 0 ? -EIO : result;
}
