/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel's network interfaces on files, in place of lib/rtnetlink.c.
 *
 * $VFPOOL_ROOT/kernel/IFINDEX is a PF's: a line for each VF, "MAC VLAN QOS PROTOCOL MIN MAX SPOOFCHK TRUST RSS LINK",
 * the protocol in hexadecimal; -1 for what its driver does not tell. A line "error N" in its place is what each request
 * is refused with; "vf N" before a line gives it another number than its place.
 */
#include "rtnetlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

#define ANSWER_SIZE (128 * 1024)

struct rtnetlink {
    char *answer;
};

void rtnetlink_close(struct rtnetlink *link)
{
    if (link)
        free(link->answer);
    free(link);
}

int rtnetlink_open(const struct host *host, struct rtnetlink **link, struct error *error)
{
    (void)host, (void)error;
    *link = memory_new(1, sizeof **link);
    (*link)->answer = memory_new(1, ANSWER_SIZE);
    return 0;
}

/* As rtnl_fill_vfinfo() of the kernel's net/core/rtnetlink.c does: each VF has all attributes. */
static void put_vf(struct nlmsghdr *message, unsigned int number, const char *line)
{
    struct ifla_vf_mac mac = {.vf = number};
    struct ifla_vf_vlan_info vlan = {.vf = number};
    struct ifla_vf_rate rate = {.vf = number};
    struct ifla_vf_tx_rate old_rate = {.vf = number};
    struct ether_addr address;
    char text[32];
    unsigned int protocol;
    int setting[4];
    if (sscanf(line, "%31s %u %u %x %u %u %d %d %d %d", text, &vlan.vlan, &vlan.qos, &protocol, &rate.min_tx_rate,
               &rate.max_tx_rate, &setting[0], &setting[1], &setting[2], &setting[3]) != 10 ||
        !ether_aton_r(text, &address))
        abort();
    memcpy(mac.mac, &address, sizeof address);
    vlan.vlan_proto = htons((uint16_t)protocol);
    old_rate.rate = rate.max_tx_rate;
    const uint16_t types[] = {IFLA_VF_SPOOFCHK, IFLA_VF_TRUST, IFLA_VF_RSS_QUERY_EN, IFLA_VF_LINK_STATE};
    struct nlattr *vf = mnl_attr_nest_start(message, IFLA_VF_INFO);
    mnl_attr_put(message, IFLA_VF_MAC, sizeof mac, &mac);
    mnl_attr_put(message, IFLA_VF_RATE, sizeof rate, &rate);
    mnl_attr_put(message, IFLA_VF_TX_RATE, sizeof old_rate, &old_rate);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const struct ifla_vf_trust value = {.vf = number, .setting = (uint32_t)setting[i]};
        mnl_attr_put(message, types[i], sizeof value, &value);
    }
    struct nlattr *vlans = mnl_attr_nest_start(message, IFLA_VF_VLAN_LIST);
    mnl_attr_put(message, IFLA_VF_VLAN_INFO, sizeof vlan, &vlan);
    mnl_attr_nest_end(message, vlans);
    mnl_attr_nest_end(message, vf);
}

/* Return: 0, or what the file says that the kernel says. */
static int answer(FILE *file, struct nlmsghdr *message)
{
    char line[256];
    unsigned int number = 0, other;
    int refused, at;
    struct nlattr *list = mnl_attr_nest_start(message, IFLA_VFINFO_LIST);
    for (; fgets(line, sizeof line, file); number++) {
        if (sscanf(line, "error %d", &refused) == 1)
            return -refused;
        at = 0;
        if (sscanf(line, "vf %u %n", &other, &at) == 1 && at > 0)
            put_vf(message, other, line + at);
        else
            put_vf(message, number, line);
    }
    mnl_attr_nest_end(message, list);
    return 0;
}

static int take_mask(const struct nlattr *attribute, void *context)
{
    if (mnl_attr_get_type(attribute) == IFLA_EXT_MASK)
        *(uint32_t *)context = mnl_attr_get_u32(attribute);
    return MNL_CB_OK;
}

static bool asks_for_vfs(const struct nlmsghdr *request)
{
    uint32_t mask = 0;
    return mnl_attr_parse(request, sizeof(struct ifinfomsg), take_mask, &mask) == MNL_CB_OK &&
           mask == (RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
}

int rtnetlink_call(struct rtnetlink *link, struct nlmsghdr *request, mnl_cb_t look, void *context)
{
    const struct ifinfomsg *about = mnl_nlmsg_get_payload(request);
    const char *root = getenv("VFPOOL_ROOT");
    char path[PATH_MAX];
    if (request->nlmsg_type != RTM_GETLINK || !asks_for_vfs(request) || !root)
        return -EINVAL;
    snprintf(path, sizeof path, "%s/kernel/%d", root, about->ifi_index);
    FILE *file = fopen(path, "r");
    if (!file)
        return -ENODEV;
    struct nlmsghdr *message = mnl_nlmsg_put_header(link->answer);
    message->nlmsg_type = RTM_NEWLINK;
    struct ifinfomsg *header = mnl_nlmsg_put_extra_header(message, sizeof *header);
    header->ifi_index = about->ifi_index;
    int result = answer(file, message);
    fclose(file);
    if (result == 0 && look(message, context) != MNL_CB_OK)
        result = -EPROTO;
    return result;
}
