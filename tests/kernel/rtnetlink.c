/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel's network interfaces on files, in place of lib/host/rtnetlink.c.
 *
 * $VFPOOL_ROOT/kernel/IFINDEX is a PF's: a line for each VF, "MAC VLAN QOS PROTOCOL MIN MAX SPOOFCHK TRUST RSS LINK",
 * the protocol in hexadecimal; -1 for what its driver does not tell. A line "error N" in its place is what each request
 * is refused with; "vf N" before a line gives it another number than its place.
 *
 * What is set is written there, and to kernel/log, a line each: "IFINDEX VF WHAT". kernel/rules says of WHAT (mac,
 * zero-mac, vlan, rate, spoofchk, trust, rss, link; of a PF: up), a line each: "WHAT ERRNO", it is refused; "WHAT 0",
 * it is taken, and nothing set; "trust-sets-spoofchk VALUE" is a side effect. kernel/kill counts the requests to set
 * something down: at 0 the process is killed before it is done.
 */
#include "rtnetlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

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

/* Out of memory is what it is for the programs: the end. */
static FILE *open_kernel(const char *name, const char *mode)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/kernel/%s", getenv("VFPOOL_ROOT"), name);
    FILE *file = fopen(path, mode);
    if (!file && errno == ENOMEM)
        memory_end();
    return file;
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

/* ---- setting ---- */

/* Return: the rule's number; -1: there is none. */
static int find_rule(const char *what)
{
    char word[32];
    int number, found = -1;
    FILE *file = open_kernel("rules", "r");
    while (file && fscanf(file, "%31s %d", word, &number) == 2)
        if (strcmp(word, what) == 0)
            found = number;
    if (file)
        fclose(file);
    return found;
}

static void count_down(void)
{
    int left = 0;
    FILE *file = open_kernel("kill", "r+");
    if (!file)
        return;
    if (fscanf(file, "%d", &left) != 1)
        abort();
    rewind(file);
    fprintf(file, "%d\n", left - 1);
    fclose(file);
    if (left <= 0)
        raise(SIGKILL);
}

static void log_change(int index, unsigned int vf, const char *what)
{
    FILE *file = open_kernel("log", "a");
    fprintf(file, "%d %u %s\n", index, vf, what);
    fclose(file);
}

/* A VF's line, taken apart. */
struct line {
    char mac[32], text[8][16];
};

static void format_line(FILE *file, const struct line *line, const char *protocol)
{
    fprintf(file, "%s %s %s %s", line->mac, line->text[0], line->text[1], protocol);
    for (int i = 2; i < 8; i++)
        fprintf(file, " %s", line->text[i]);
    fprintf(file, "\n");
}

/* One process at a time, and the whole file, whoever is killed meanwhile: a kernel is not. Return: locked until it is
 * closed. */
static FILE *lock_kernel(void)
{
    FILE *lock = open_kernel("lock", "a");
    if (!lock || flock(fileno(lock), LOCK_EX) < 0)
        abort();
    return lock;
}

static void replace(const char *from, const char *to)
{
    char paths[2][PATH_MAX];
    snprintf(paths[0], PATH_MAX, "%s/kernel/%s", getenv("VFPOOL_ROOT"), from);
    snprintf(paths[1], PATH_MAX, "%s/kernel/%s", getenv("VFPOOL_ROOT"), to);
    if (rename(paths[0], paths[1]) < 0)
        abort();
}

/* Fields FIRST to FIRST + COUNT - 1 (without the protocol) of a VF's line. */
struct change {
    const char *mac;
    int first, count;
    const uint32_t *values;
    unsigned int protocol;
};

static void change_line(FILE *file, const char *text, const struct change *change)
{
    struct line line;
    char was[16];
    if (sscanf(text, "%31s %15s %15s %15s %15s %15s %15s %15s %15s %15s", line.mac, line.text[0], line.text[1], was,
               line.text[2], line.text[3], line.text[4], line.text[5], line.text[6], line.text[7]) != 10)
        abort();
    if (change->mac)
        snprintf(line.mac, sizeof line.mac, "%s", change->mac);
    for (int i = 0; i < change->count; i++)
        snprintf(line.text[change->first + i], sizeof *line.text, "%u", change->values[i]);
    if (change->protocol)
        snprintf(was, sizeof was, "%x", change->protocol);
    format_line(file, &line, was);
}

static int rewrite(int index, unsigned int vf, const char *mac, int first, int count, const uint32_t *values,
                   unsigned int protocol)
{
    const struct change change = {mac, first, count, values, protocol};
    char name[16], new[24], line[160];
    unsigned int lines = 0;
    snprintf(name, sizeof name, "%d", index);
    snprintf(new, sizeof new, "new.%d", index);
    FILE *lock = lock_kernel(), *file = open_kernel(name, "r"), *out = file ? open_kernel(new, "w") : NULL;
    for (; out && fgets(line, sizeof line, file); lines++)
        if (lines == vf)
            change_line(out, line, &change);
        else
            fputs(line, out);
    if (file)
        fclose(file);
    if (out && fclose(out) == 0)
        replace(new, name);
    fclose(lock);
    return !out ? -ENODEV : vf < lines ? 0 : -EINVAL;
}

/* Return: 1 when the rules let it be done; else what the kernel says. */
static int may_set(int index, unsigned int vf, const char *what)
{
    count_down();
    log_change(index, vf, what);
    int rule = find_rule(what);
    return rule < 0 ? 1 : -rule;
}

static int set_mac(int index, const struct ifla_vf_mac *mac)
{
    static const uint8_t none[6];
    char text[32];
    int result = may_set(index, mac->vf, memcmp(mac->mac, none, sizeof none) == 0 ? "zero-mac" : "mac");
    host_format_mac(mac->mac, text);
    return result <= 0 ? result : rewrite(index, mac->vf, text, 0, 0, NULL, 0);
}

static int take_vlan_info(const struct nlattr *attribute, void *context)
{
    *(struct ifla_vf_vlan_info *)context = *(struct ifla_vf_vlan_info *)mnl_attr_get_payload(attribute);
    return MNL_CB_OK;
}

static int set_vlan(int index, const struct nlattr *list)
{
    struct ifla_vf_vlan_info info = {0};
    if (mnl_attr_parse_nested(list, take_vlan_info, &info) != MNL_CB_OK)
        abort();
    int result = may_set(index, info.vf, "vlan");
    const uint32_t values[] = {info.vlan, info.qos};
    return result <= 0 ? result : rewrite(index, info.vf, NULL, 0, 2, values, ntohs(info.vlan_proto));
}

static int set_numbers(int index, const struct nlattr *attribute)
{
    static const struct {
        uint16_t type;
        const char *what;
        int first, count;
    } kinds[] = {{IFLA_VF_RATE, "rate", 2, 2},
                 {IFLA_VF_SPOOFCHK, "spoofchk", 4, 1},
                 {IFLA_VF_TRUST, "trust", 5, 1},
                 {IFLA_VF_RSS_QUERY_EN, "rss", 6, 1},
                 {IFLA_VF_LINK_STATE, "link", 7, 1}};
    const uint32_t *words = mnl_attr_get_payload(attribute);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].type != mnl_attr_get_type(attribute))
            continue;
        int result = may_set(index, words[0], kinds[i].what);
        int spoof_check = kinds[i].type == IFLA_VF_TRUST ? find_rule("trust-sets-spoofchk") : -1;
        const uint32_t side_effect = (uint32_t)spoof_check;
        if (result > 0 && spoof_check >= 0 && rewrite(index, words[0], NULL, 4, 1, &side_effect, 0) < 0)
            abort();
        return result <= 0 ? result : rewrite(index, words[0], NULL, kinds[i].first, kinds[i].count, words + 1, 0);
    }
    return -EOPNOTSUPP;
}

struct setting {
    int index, result;
};

static int set_attribute(const struct nlattr *attribute, void *context)
{
    struct setting *setting = context;
    uint16_t type = mnl_attr_get_type(attribute);
    if (type == IFLA_VF_MAC && mnl_attr_get_payload_len(attribute) == sizeof(struct ifla_vf_mac))
        setting->result = set_mac(setting->index, mnl_attr_get_payload(attribute));
    else if (type == IFLA_VF_VLAN_LIST)
        setting->result = set_vlan(setting->index, attribute);
    else
        setting->result = set_numbers(setting->index, attribute);
    return MNL_CB_OK;
}

static int set_vf(const struct nlattr *attribute, void *context)
{
    return mnl_attr_parse_nested(attribute, set_attribute, context);
}

static int set_list(const struct nlattr *attribute, void *context)
{
    return mnl_attr_get_type(attribute) == IFLA_VFINFO_LIST ? mnl_attr_parse_nested(attribute, set_vf, context)
                                                            : MNL_CB_ERROR;
}

/* Return: 0, or what the rules say. */
static int set_up(int index)
{
    char pattern[PATH_MAX], text[32] = "";
    glob_t found;
    int result = may_set(index, 0, "up");
    snprintf(pattern, sizeof pattern, "%s/sys/class/net/*/ifindex", getenv("VFPOOL_ROOT"));
    if (result <= 0)
        return result;
    if (glob(pattern, 0, NULL, &found) != 0)
        abort();
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *path = found.gl_pathv[i];
        FILE *file = fopen(path, "r");
        if (!file || !fgets(text, sizeof text, file) || fclose(file) != 0)
            abort();
        if (atoi(text) != index)
            continue;
        strcpy(strrchr(path, '/') + 1, "flags");
        file = fopen(path, "w");
        if (!file || fputs("0x1003\n", file) < 0 || fclose(file) != 0)
            abort();
    }
    globfree(&found);
    return 0;
}

static int set_link(const struct nlmsghdr *request)
{
    const struct ifinfomsg *about = mnl_nlmsg_get_payload(request);
    if (about->ifi_change & IFF_UP)
        return set_up(about->ifi_index);
    struct setting setting = {.index = about->ifi_index, .result = -EINVAL};
    if (mnl_attr_parse(request, sizeof *about, set_list, &setting) != MNL_CB_OK)
        abort();
    return setting.result;
}

static int take(struct rtnetlink *link, struct nlmsghdr *request, mnl_cb_t look, void *context)
{
    const struct ifinfomsg *about = mnl_nlmsg_get_payload(request);
    const char *root = getenv("VFPOOL_ROOT");
    char name[16];
    if (root && request->nlmsg_type == RTM_SETLINK)
        return set_link(request);
    if (request->nlmsg_type != RTM_GETLINK || !asks_for_vfs(request) || !root)
        return -EINVAL;
    snprintf(name, sizeof name, "%d", about->ifi_index);
    FILE *file = open_kernel(name, "r");
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

/* What is done in here is the kernel's, for tests/calls/tracer.c, which goes by the name. */
int rtnetlink_call(struct rtnetlink *link, struct nlmsghdr *request, mnl_cb_t look, void *context)
{
    prctl(PR_SET_NAME, "in the kernel");
    int result = take(link, request, look, context);
    prctl(PR_SET_NAME, "vfpool");
    return result;
}
