/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "memory.h"
#include "rtnetlink.h"

struct reading {
    struct settings *settings;
    size_t count;
};

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
    settings->vlan = info->vlan;
    settings->qos = info->qos;
    settings->protocol = info->vlan || info->qos ? ntohs(info->vlan_proto) : 0;
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
        settings->min_rate = rate ? rate->min_tx_rate : 0;
        settings->max_rate = rate ? rate->max_tx_rate : 0;
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
        settings->link_state = link ? (int)link->link_state : SETTINGS_UNKNOWN;
        break;
    }
    return MNL_CB_OK;
}

static int take_vf(const struct nlattr *vf, void *context)
{
    const struct reading *reading = context;
    struct told told = {.number = UINT32_MAX,
                        .settings = {.known = true,
                                     .spoof_check = SETTINGS_UNKNOWN,
                                     .trust = SETTINGS_UNKNOWN,
                                     .query_rss = SETTINGS_UNKNOWN,
                                     .link_state = SETTINGS_UNKNOWN}};
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

int settings_read(const struct host *host, const struct host_pf *pf, struct settings **settings, struct error *error)
{
    _cleanup_(cleanup_rtnetlink) struct rtnetlink *link = NULL;
    _cleanup_(cleanup_free) char *buffer = memory_new(1, RTNETLINK_REQUEST_SIZE);
    *settings = NULL;
    int result = rtnetlink_open(host, &link, error);
    if (result < 0)
        return result;
    int index = host_pf_index(host, pf);
    if (index < 0)
        return error_set(error, ENODEV, "PF %s has no network interface", pf->name);
    struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
    request->nlmsg_type = RTM_GETLINK;
    struct ifinfomsg *about = mnl_nlmsg_put_extra_header(request, sizeof *about);
    about->ifi_family = AF_UNSPEC;
    about->ifi_index = index;
    /* With their counters, 256 VFs would not fit into the attribute's 64 KiB. */
    mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
    struct reading reading = {.settings = memory_new(pf->vf_count, sizeof *reading.settings), .count = pf->vf_count};
    result = rtnetlink_call(link, request, look, &reading);
    if (result < 0) {
        free(reading.settings);
        return error_set(error, -result, "cannot read what PF %s has been told of its VFs: %s", pf->name,
                         strerror(-result));
    }
    *settings = reading.settings;
    return 0;
}

bool settings_twin(const struct settings *settings, unsigned int number, unsigned int *other)
{
    const char *mac = settings[number].mac;
    if (!mac[0] || strcmp(mac, "00:00:00:00:00:00") == 0)
        return false;
    for (*other = 0; *other < number; ++*other)
        if (strcmp(settings[*other].mac, mac) == 0)
            return true;
    return false;
}

const char *settings_link_state(const struct settings *settings)
{
    static const char *const names[] = {[IFLA_VF_LINK_STATE_AUTO] = "auto",
                                        [IFLA_VF_LINK_STATE_ENABLE] = "enable",
                                        [IFLA_VF_LINK_STATE_DISABLE] = "disable"};
    size_t index = (size_t)settings->link_state;
    return index < sizeof names / sizeof *names ? names[index] : NULL;
}
