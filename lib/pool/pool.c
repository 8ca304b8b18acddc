/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "builtin.h"
#include "io.h"
#include "memory.h"
#include "schema.h"
#include "settings.h"
#include "trust.h"
#include "xml.h"

#define SUFFIX ".xml"

static void free_source(struct pool_source *source)
{
    for (size_t i = 0; i < source->reserve_count; i++)
        free(source->reserves[i].guest);
    free(source->reserves);
    free(source->vfs);
    free(source->pf);
    free(source->dev);
}

void pool_free(struct pool *pool)
{
    for (size_t i = 0; i < pool->source_count; i++)
        free_source(&pool->sources[i]);
    free(pool->sources);
    free(pool->copies);
    free(pool->name);
    free(pool->path);
    free(pool->ignored);
    free(pool->override);
    cleanup_xml_doc(&pool->doc);
}

void pools_free(struct pools *pools)
{
    for (size_t i = 0; i < pools->count; i++)
        pool_free(&pools->pools[i]);
    free(pools->pools);
    drained_free(&pools->drained);
    *pools = (struct pools){0};
}

bool pool_exists(int root, const char *network)
{
    char path[sizeof POOL_DIRECTORY + NAME_MAX + 2];
    if (strchr(network, '/') || !network[0] || network[0] == '.')
        return false;
    int length = snprintf(path, sizeof path, POOL_DIRECTORY "/%s" SUFFIX, network);
    return (size_t)length < sizeof path && io_may_be(root, path);
}

bool pool_is_named(void *root, const char *network)
{
    return pool_exists(*(const int *)root, network);
}

struct pool *pools_find(const struct pools *pools, const char *name)
{
    for (size_t i = 0; i < pools->count; i++)
        if (strcmp(pools->pools[i].name, name) == 0)
            return &pools->pools[i];
    return NULL;
}

static void add_source(struct pool *pool, const struct pool_source *source)
{
    pool->sources = memory_resize(pool->sources, pool->source_count + 1, sizeof *pool->sources);
    pool->sources[pool->source_count++] = *source;
}

/* A list of VFs, which is there. */
static int read_numbers(struct pool *pool, xmlNodePtr node, struct numbers *numbers)
{
    _cleanup_(cleanup_xml_string) char *list = xml_attribute(node, "vfs");
    int result = numbers_parse(list, numbers);
    if (result == 0 && numbers_last(numbers) >= 0)
        return 0;
    return error_set(&pool->fault, EINVAL, "%s, line %ld: %s vfs='%s'", pool->path, xmlGetLineNo(node),
                     result > 0 ? "a VF comes twice in" : "there is no such list of VFs as", list);
}

static int read_reserve(struct pool *pool, struct pool_source *source, xmlNodePtr node)
{
    source->reserves = memory_resize(source->reserves, source->reserve_count + 1, sizeof *source->reserves);
    struct pool_reserve *reserve = &source->reserves[source->reserve_count++];
    _cleanup_(cleanup_xml_string) char *guest = xml_attribute(node, "guest");
    *reserve = (struct pool_reserve){.guest = memory_copy(guest)};
    if (read_numbers(pool, node, &reserve->vfs) < 0)
        return -EINVAL;
    for (int i = 0; i <= numbers_last(&reserve->vfs); i++)
        if (source->vfs && numbers_has(&reserve->vfs, i) && !numbers_has(source->vfs, i))
            return error_set(&pool->fault, EINVAL, "%s, line %ld: VF %d of PF %s is reserved, and not in the pool",
                             pool->path, xmlGetLineNo(node), i, source->pf);
    for (size_t i = 0; i + 1 < source->reserve_count; i++)
        if (numbers_meet(&source->reserves[i].vfs, &reserve->vfs))
            return error_set(&pool->fault, EINVAL, "%s, line %ld: a VF of PF %s is reserved twice", pool->path,
                             xmlGetLineNo(node), source->pf);
    return 0;
}

int pool_last_named(const struct pool_source *source)
{
    int last = source->vfs ? numbers_last(source->vfs) : -1;
    for (size_t i = 0; i < source->reserve_count; i++) {
        int reserved = numbers_last(&source->reserves[i].vfs);
        last = reserved > last ? reserved : last;
    }
    return last;
}

/* That the VFs are not beyond those which the file has made, and that all of a PF's are said in one place. */
static int check_pf(struct pool *pool, const struct pool_source *source, xmlNodePtr node)
{
    int last = pool_last_named(source);
    if (source->vf_wanted && last >= (int)source->vf_wanted)
        return error_set(&pool->fault, EINVAL, "%s, line %ld: PF %s is to have %u VFs, and VF %d is none of them",
                         pool->path, xmlGetLineNo(node), source->pf, source->vf_wanted, last);
    for (size_t i = 0; i < pool->source_count; i++)
        if (pool->sources[i].key == source->key && strcmp(pool->sources[i].pf, source->pf) == 0 &&
            (source->vfs || source->reserves || pool->sources[i].vfs || pool->sources[i].reserves))
            return error_set(&pool->fault, EINVAL, "%s, line %ld: PF %s is here twice: say all its VFs in one <pf>",
                             pool->path, xmlGetLineNo(node), source->pf);
    return 0;
}

/* What the file knows a PF by: the schema has seen to it that it is one thing, in its form. */
static int read_key(const struct pool *pool, xmlNodePtr node, struct pool_source *source, struct error *error)
{
    _cleanup_(cleanup_xml_string) char *dev = xml_attribute(node, "dev");
    _cleanup_(cleanup_xml_string) char *address = xml_attribute(node, "address");
    _cleanup_(cleanup_xml_string) char *mac = xml_attribute(node, "mac");
    _cleanup_(cleanup_xml_string) char *vendor = xml_attribute(node, "vendor");
    _cleanup_(cleanup_xml_string) char *device = xml_attribute(node, "device");
    char text[PCIADDR_SIZE];
    source->dev = dev ? memory_copy(dev) : NULL;
    if (address && pciaddr_parse(address, &source->address) < 0)
        return error_set(error, EINVAL, "%s, line %ld: '%s' is not a PCI address", pool->path, xmlGetLineNo(node),
                         address);
    if (address) {
        source->key = PF_BY_ADDRESS;
        source->pf = memory_copy(pciaddr_format(&source->address, text));
    } else if (mac) {
        source->key = PF_BY_MAC;
        source->pf = memory_copy(mac);
        for (char *letter = source->pf; *letter; letter++)
            *letter = (char)tolower((unsigned char)*letter);
    } else if (vendor && device) {
        source->key = PF_BY_ID;
        source->vendor = (unsigned int)strtoul(vendor, NULL, 16);
        source->device = (unsigned int)strtoul(device, NULL, 16);
        source->pf = memory_format("%04x:%04x", source->vendor, source->device);
    } else {
        source->key = PF_BY_NAME;
        source->pf = memory_copy(dev ? dev : "");
    }
    return 0;
}

static int read_pf(struct pool *pool, xmlNodePtr node)
{
    _cleanup_(cleanup_xml_string) char *vfs = xml_attribute(node, "vfs");
    _cleanup_(cleanup_xml_string) char *number = xml_attribute(xml_child(node, "vf"), "num");
    _cleanup_(cleanup_xml_string) char *autoprobe = xml_attribute(xml_child(node, "vf"), "autoprobe");
    _cleanup_(cleanup_xml_string) char *up = xml_attribute(node, "up");
    struct pool_source source = {.vf_wanted = number ? (unsigned int)strtoul(number, NULL, 10) : 0,
                                 .up = up && strcmp(up, "yes") == 0};
    if (autoprobe)
        source.autoprobe = strcmp(autoprobe, "yes") == 0 ? AUTOPROBE_ON : AUTOPROBE_OFF;
    int result = read_key(pool, node, &source, &pool->fault);
    if (vfs && result == 0) {
        source.vfs = memory_new(1, sizeof *source.vfs);
        result = read_numbers(pool, node, source.vfs);
    }
    for (xmlNodePtr reserve = xml_child(node, "reserve"); reserve && result == 0; reserve = xml_next(reserve))
        result = read_reserve(pool, &source, reserve);
    if (result == 0)
        result = check_pf(pool, &source, node);
    add_source(pool, &source);
    return result;
}

static int read_address(struct pool *pool, xmlNodePtr node)
{
    struct pool_source source = {0};
    char text[PCIADDR_SIZE];
    if (xml_pci_address(node, &source.address) < 0)
        return error_set(&pool->fault, EINVAL, "%s, line %ld: this is not a PCI address", pool->path,
                         xmlGetLineNo(node));
    for (size_t i = 0; i < pool->source_count; i++)
        if (pciaddr_equal(&pool->sources[i].address, &source.address))
            return error_set(&pool->fault, EINVAL, "%s, line %ld: PCI address %s is listed twice", pool->path,
                             xmlGetLineNo(node), pciaddr_format(&source.address, text));
    add_source(pool, &source);
    return 0;
}

static void read_copies(struct pool *pool, xmlNodePtr forward)
{
    for (xmlNodePtr node = xml_child(forward, "address"); node; node = xml_next(node)) {
        pool->copies = memory_resize(pool->copies, pool->copy_count + 1, sizeof *pool->copies);
        if (xml_pci_address(node, &pool->copies[pool->copy_count]) == 0)
            pool->copy_count++;
    }
}

static int read_sources(struct pool *pool, xmlNodePtr network)
{
    xmlNodePtr forward = xml_child(network, "forward"), node;
    for (node = xml_child(forward, "pf"); node; node = xml_next(node))
        if (read_pf(pool, node) < 0)
            return -EINVAL;
    if (pool->source_count > 0) {
        read_copies(pool, forward);
        return 0;
    }
    for (node = xml_child(forward, "address"); node; node = xml_next(node))
        if (read_address(pool, node) < 0)
            return -EINVAL;
    if (pool->source_count == 0)
        return error_set(&pool->fault, EINVAL,
                         "%s, line %ld: the pool has no VFs: add <pf dev='...'/> or <address type='pci' .../>",
                         pool->path, xmlGetLineNo(forward));
    return 0;
}

static void read_policies(struct pool *pool, xmlNodePtr network)
{
    xmlNodePtr metadata = xml_child(network, "metadata");
    _cleanup_(cleanup_xml_string) char *managed = xml_attribute(xml_child(network, "forward"), "managed");
    pool->policy = policy_default();
    pool->managed = managed && strcmp(managed, "yes") == 0;
    for (xmlNodePtr node = metadata ? metadata->children : NULL; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE || !node->ns || strcmp((const char *)node->ns->href, VFPOOL_NAMESPACE) != 0)
            continue;
        _cleanup_(cleanup_xml_string) char *host_used = xml_attribute(node, "host-used");
        _cleanup_(cleanup_xml_string) char *offer = xml_attribute(node, "offer");
        _cleanup_(cleanup_xml_string) char *override = xml_attribute(node, "override");
        policy_read(&pool->policy, node);
        pool->override = override ? memory_copy(override) : NULL;
        pool->offer_no = offer && strcmp(offer, "no") == 0;
        _cleanup_(cleanup_xml_string) char *reset = xml_attribute(node, "reset");
        pool->reset = reset && strcmp(reset, "yes") == 0;
        _cleanup_(cleanup_xml_string) char *carrier = xml_attribute(node, "carrier");
        pool->carrier_required = carrier && strcmp(carrier, "require") == 0;
        pool->never_host_used = host_used && strcmp(host_used, "never") == 0;
    }
}

/* What libvirt takes in a network of this kind, and makes nothing of. */
static void read_ignored(struct pool *pool, xmlNodePtr network)
{
    _cleanup_(cleanup_xml_string) char *ipv6 = xml_attribute(network, "ipv6");
    bool foreign = false;
    for (xmlNodePtr node = network->children; node; node = node->next)
        foreign = foreign || (node->type == XML_ELEMENT_NODE && node->ns);
    const char *mistaken = policy_mistaken(network);
    _cleanup_(cleanup_free) char *other =
        mistaken ? memory_format("what is in '%.64s', which is not vfpool's namespace, " VFPOOL_NAMESPACE, mistaken)
                 : NULL;
    const char *const words[] = {other, ipv6 ? "ipv6=''" : NULL, xml_child(network, "dns") ? "<dns>" : NULL,
                                 xml_child(network, "port") ? "<port>" : NULL,
                                 foreign ? "elements of other namespaces" : NULL};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!words[i])
            continue;
        char *shorter = pool->ignored;
        pool->ignored = memory_format("%s%s%s", shorter ? shorter : "", shorter ? ", " : "", words[i]);
        free(shorter);
    }
}

static bool has_one_name(const xmlNode *a, const xmlNode *b)
{
    _cleanup_(cleanup_xml_string) char *first = xml_attribute(a, "name");
    _cleanup_(cleanup_xml_string) char *second = xml_attribute(b, "name");
    return first && second && strcmp(first, second) == 0;
}

/* What libvirt (src/network/bridge_driver.c, networkValidate) refuses of portgroups, and a schema cannot say. */
static int check_portgroups(struct pool *pool, xmlNodePtr network)
{
    size_t defaults = 0;
    for (xmlNodePtr node = xml_child(network, "portgroup"); node; node = xml_next(node)) {
        _cleanup_(cleanup_xml_string) char *is_default = xml_attribute(node, "default");
        defaults += is_default && strcmp(is_default, "yes") == 0;
        if (defaults > 1)
            return error_set(&pool->fault, EINVAL, "%s, line %ld: a second default portgroup: there can be one",
                             pool->path, xmlGetLineNo(node));
        if ((xml_child(node, "vlan") || xml_child(network, "vlan")) && xml_child(node, "virtualport"))
            return error_set(&pool->fault, EINVAL,
                             "%s, line %ld: this portgroup has a VLAN and a virtualport: libvirt takes one of them",
                             pool->path, xmlGetLineNo(node));
        for (xmlNodePtr other = xml_next(node); other; other = xml_next(other))
            if (has_one_name(node, other))
                return error_set(&pool->fault, EINVAL, "%s, line %ld: a second portgroup of this name", pool->path,
                                 xmlGetLineNo(other));
    }
    return 0;
}

static bool has_portgroup(xmlNodePtr network, const char *name)
{
    for (xmlNodePtr node = xml_child(network, "portgroup"); node; node = xml_next(node)) {
        _cleanup_(cleanup_xml_string) char *other = xml_attribute(node, "name");
        if (strcmp(other, name) == 0)
            return true;
    }
    return false;
}

/* @all: those for all of the pool's VFs, under those of a portgroup */
static int check_settings_of(struct pool *pool, xmlNodePtr network, const xmlNode *node, const struct settings *all)
{
    _cleanup_(cleanup_xml_string) char *portgroup = xml_attribute(node, "portgroup");
    struct settings settings = *all;
    if (portgroup && !has_portgroup(network, portgroup))
        return error_set(&pool->fault, EINVAL, "%s, line %ld: the pool has no portgroup '%s'", pool->path,
                         xmlGetLineNo(node), portgroup);
    for (const xmlNode *other = node->next; (other = policy_next(other, "settings")); other = other->next) {
        _cleanup_(cleanup_xml_string) char *name = xml_attribute(other, "portgroup");
        if (portgroup ? name && strcmp(name, portgroup) == 0 : !name)
            return error_set(&pool->fault, EINVAL, "%s, line %ld: a second <settings> for the same VFs", pool->path,
                             xmlGetLineNo(other));
    }
    settings_read(&settings, node);
    if (settings_check(&settings, &pool->fault) < 0)
        return error_prefix(&pool->fault, "%s, line %ld", pool->path, xmlGetLineNo(node));
    return 0;
}

static int check_settings(struct pool *pool, xmlNodePtr network)
{
    const xmlNode *own = policy_of_pool(network);
    struct settings all = settings_none();
    for (const xmlNode *node = own ? own->children : NULL; (node = policy_next(node, "settings")); node = node->next) {
        _cleanup_(cleanup_xml_string) char *portgroup = xml_attribute(node, "portgroup");
        if (!portgroup)
            settings_read(&all, node);
    }
    for (const xmlNode *node = own ? own->children : NULL; (node = policy_next(node, "settings")); node = node->next)
        if (check_settings_of(pool, network, node, &all) < 0)
            return -EINVAL;
    return 0;
}

/* The commonest mistake, any other network of libvirt's, gets words of its own. */
static int check_mode(struct pool *pool)
{
    xmlNodePtr forward = xml_child(xmlDocGetRootElement(pool->doc), "forward");
    _cleanup_(cleanup_xml_string) char *mode = xml_attribute(forward, "mode");
    if (!forward || (mode && strcmp(mode, "hostdev") == 0))
        return 0;
    return error_set(&pool->fault, EINVAL,
                     "%s, line %ld: forward mode is '%s', but a pool has <forward mode='hostdev'>", pool->path,
                     xmlGetLineNo(forward), mode ? mode : "");
}

/* What is wrong with the text becomes the pool's fault. @name: what it has to say that it is called; NULL: anything */
static void parse_pool(struct pool *pool, const char *data, size_t length, const char *name)
{
    if (xml_parse(data, length, pool->path, &pool->doc, &pool->fault) < 0 || check_mode(pool) < 0 ||
        schema_check(builtin_pool_rng, builtin_length(pool_rng), pool->doc, pool->path, &pool->fault) < 0) {
        cleanup_xml_doc(&pool->doc);
        pool->doc = NULL;
        return;
    }
    xmlNodePtr network = xmlDocGetRootElement(pool->doc);
    _cleanup_(cleanup_xml_string) char *said = xml_text(xml_child(network, "name"));
    if (name && strcmp(said, name) != 0) {
        error_set(&pool->fault, EINVAL, "%s defines pool '%s': rename it to %s" SUFFIX, pool->path, said, said);
        return;
    }
    if (!name) {
        free(pool->name);
        pool->name = memory_copy(said);
    }
    if (check_portgroups(pool, network) < 0 || check_settings(pool, network) < 0 || read_sources(pool, network) < 0)
        return;
    read_ignored(pool, network);
    read_policies(pool, network);
}

void pool_read(const char *data, size_t length, const char *path, struct pool *pool)
{
    *pool = (struct pool){.name = memory_copy(""), .path = memory_copy(path)};
    if (length > POOL_MAX_BYTES)
        (void)error_set(&pool->fault, EFBIG, "%s is larger than 1 MiB", path);
    else
        parse_pool(pool, data, length, NULL);
}

/* Reads and checks one file. */
static void read_pool(int directory, const char *file, struct pool *pool)
{
    _cleanup_(cleanup_free) char *data = NULL;
    struct stat status;
    size_t length = 0;
    int result = trust_read_file(directory, file, POOL_MAX_BYTES, &data, &length);
    if (result < 0) {
        error_set(&pool->fault, -result, "cannot read %s: %s", pool->path,
                  result == -EFBIG ? "it is larger than 1 MiB" : trust_words(result));
        return;
    }
    if (fstatat(directory, file, &status, AT_SYMLINK_NOFOLLOW) == 0)
        pool->written = status.st_mtim;
    parse_pool(pool, data, length, pool->name);
}

/* A second sound file that names the same pool, perhaps a copy: which one is meant cannot be known. */
static void refuse_duplicates(struct pools *pools)
{
    for (size_t i = 0; i < pools->count; i++) {
        struct pool *copy = &pools->pools[i];
        xmlNodePtr network = copy->doc ? xmlDocGetRootElement(copy->doc) : NULL;
        _cleanup_(cleanup_xml_string) char *name = xml_text(xml_child(network, "name"));
        struct pool *pool = name ? pools_find(pools, name) : NULL;
        if (!pool || pool == copy)
            continue;
        error_set(&pool->fault, EEXIST, "pool '%s' is defined by %s and by %s: remove one", name, pool->path,
                  copy->path);
        copy->fault = pool->fault;
    }
}

static int compare_pools(const void *a, const void *b)
{
    return strcmp(((const struct pool *)a)->name, ((const struct pool *)b)->name);
}

static void add_pool(int directory, const char *file, struct pools *pools)
{
    size_t length = strlen(file) - strlen(SUFFIX);
    pools->pools = memory_resize(pools->pools, pools->count + 1, sizeof *pools->pools);
    struct pool *pool = &pools->pools[pools->count++];
    *pool =
        (struct pool){.name = memory_copy_part(file, length), .path = memory_format("/" POOL_DIRECTORY "/%s", file)};
    read_pool(directory, file, pool);
}

static void sort_pools(struct pools *pools)
{
    if (pools->count > 0)
        qsort(pools->pools, pools->count, sizeof *pools->pools, compare_pools);
}

void pools_put(struct pools *pools, struct pool *pool)
{
    struct pool *place = pools_find(pools, pool->name);
    if (place) {
        pool_free(place);
        *place = *pool;
        return;
    }
    pools->pools = memory_resize(pools->pools, pools->count + 1, sizeof *pools->pools);
    pools->pools[pools->count++] = *pool;
    sort_pools(pools);
}

void pools_drop(struct pools *pools, const char *name)
{
    struct pool *pool = pools_find(pools, name);
    if (!pool)
        return;
    pool_free(pool);
    *pool = pools->pools[--pools->count];
    sort_pools(pools);
}

static bool is_pool_file(const char *file)
{
    size_t length = strlen(file);
    return file[0] != '.' && length > strlen(SUFFIX) && strcmp(file + length - strlen(SUFFIX), SUFFIX) == 0;
}

int pools_load(int root, struct pools *pools, struct error *error)
{
    *pools = (struct pools){.root = root};
    if (trust_way(root, POOL_DIRECTORY, error) < 0)
        return error_prefix(error, "pool files are not read");
    _cleanup_(cleanup_dir) DIR *directory = io_list(root, POOL_DIRECTORY);
    if (!directory)
        return errno == ENOENT ? 0 : error_set(error, errno, "cannot open /" POOL_DIRECTORY ": %s", strerror(errno));
    int result = 0;
    for (struct dirent *entry; (entry = io_next_entry(directory, &result));)
        if (is_pool_file(entry->d_name))
            add_pool(dirfd(directory), entry->d_name, pools);
    if (result < 0)
        return error_set(error, -result, "cannot read /" POOL_DIRECTORY ": %s", strerror(-result));
    sort_pools(pools);
    refuse_duplicates(pools);
    return pools->count > 0 ? drained_load(root, &pools->drained, error) : 0;
}
