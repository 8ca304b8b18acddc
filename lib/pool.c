/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "builtin.h"
#include "io.h"
#include "schema.h"
#include "xml.h"

#define SUFFIX ".xml"
#define MAX_POOL_BYTES ((size_t)1024 * 1024)

static void free_pool(struct pool *pool)
{
    for (size_t i = 0; i < pool->source_count; i++)
        free(pool->sources[i].pf);
    free(pool->sources);
    free(pool->copies);
    free(pool->name);
    free(pool->path);
    free(pool->ignored);
    cleanup_xml_doc(&pool->doc);
}

void pools_free(struct pools *pools)
{
    for (size_t i = 0; i < pools->count; i++)
        free_pool(&pools->pools[i]);
    free(pools->pools);
    *pools = (struct pools){0};
}

bool pool_exists(int root, const char *network)
{
    char path[sizeof POOL_DIRECTORY + NAME_MAX + 2];
    if (strchr(network, '/') || !network[0] || network[0] == '.')
        return false;
    int length = snprintf(path, sizeof path, POOL_DIRECTORY "/%s" SUFFIX, network);
    return (size_t)length < sizeof path && faccessat(root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

struct pool *pools_find(const struct pools *pools, const char *name)
{
    for (size_t i = 0; i < pools->count; i++)
        if (strcmp(pools->pools[i].name, name) == 0)
            return &pools->pools[i];
    return NULL;
}

static int add_source(struct pool *pool, const struct pool_source *source)
{
    struct pool_source *larger = realloc(pool->sources, (pool->source_count + 1) * sizeof *larger);
    if (!larger)
        return -ENOMEM;
    larger[pool->source_count++] = *source;
    pool->sources = larger;
    return 0;
}

static int read_pf(struct pool *pool, xmlNodePtr node)
{
    _cleanup_(cleanup_xml_string) char *dev = xml_attribute(node, "dev");
    _cleanup_(cleanup_xml_string) char *number = xml_attribute(xml_child(node, "vf"), "num");
    struct pool_source source = {.pf = dev ? strdup(dev) : NULL,
                                 .vf_wanted = number ? (unsigned int)strtoul(number, NULL, 10) : 0};
    if (!source.pf)
        return error_memory(&pool->fault);
    if (add_source(pool, &source) == 0)
        return 0;
    free(source.pf);
    return error_memory(&pool->fault);
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
    return add_source(pool, &source) < 0 ? error_memory(&pool->fault) : 0;
}

static int read_copies(struct pool *pool, xmlNodePtr forward)
{
    for (xmlNodePtr node = xml_child(forward, "address"); node; node = xml_next(node)) {
        struct pciaddr *larger = realloc(pool->copies, (pool->copy_count + 1) * sizeof *larger);
        if (!larger)
            return error_memory(&pool->fault);
        pool->copies = larger;
        if (xml_pci_address(node, &larger[pool->copy_count]) == 0)
            pool->copy_count++;
    }
    return 0;
}

static int read_sources(struct pool *pool, xmlNodePtr network)
{
    xmlNodePtr forward = xml_child(network, "forward"), node;
    int result = 0;
    for (node = xml_child(forward, "pf"); node && result == 0; node = xml_next(node))
        result = read_pf(pool, node);
    if (pool->source_count > 0 || result < 0)
        return result < 0 ? result : read_copies(pool, forward);
    for (node = xml_child(forward, "address"); node && result == 0; node = xml_next(node))
        result = read_address(pool, node);
    if (result == 0 && pool->source_count == 0)
        return error_set(&pool->fault, EINVAL,
                         "%s, line %ld: the pool has no VFs: add <pf dev='...'/> or <address type='pci' .../>",
                         pool->path, xmlGetLineNo(forward));
    return result;
}

static void read_policies(struct pool *pool, xmlNodePtr network)
{
    xmlNodePtr metadata = xml_child(network, "metadata");
    _cleanup_(cleanup_xml_string) char *managed = xml_attribute(xml_child(network, "forward"), "managed");
    pool->managed = managed && strcmp(managed, "yes") == 0;
    for (xmlNodePtr node = metadata ? metadata->children : NULL; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE || !node->ns || strcmp((const char *)node->ns->href, VFPOOL_NAMESPACE) != 0)
            continue;
        _cleanup_(cleanup_xml_string) char *separate = xml_attribute(node, "separate");
        _cleanup_(cleanup_xml_string) char *host_used = xml_attribute(node, "host-used");
        pool->separate = separate && strcmp(separate, "prefer") == 0;
        pool->never_host_used = host_used && strcmp(host_used, "never") == 0;
    }
}

/* What libvirt takes in a network of this kind, and makes nothing of. Return: 0 or a negative errno value. */
static int read_ignored(struct pool *pool, xmlNodePtr network)
{
    _cleanup_(cleanup_xml_string) char *ipv6 = xml_attribute(network, "ipv6");
    bool foreign = false;
    for (xmlNodePtr node = network->children; node; node = node->next)
        foreign = foreign || (node->type == XML_ELEMENT_NODE && node->ns);
    const char *const words[] = {ipv6 ? "ipv6=''" : NULL, xml_child(network, "dns") ? "<dns>" : NULL,
                                 xml_child(network, "port") ? "<port>" : NULL,
                                 foreign ? "elements of other namespaces" : NULL};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char *longer = NULL;
        if (!words[i])
            continue;
        if (asprintf(&longer, "%s%s%s", pool->ignored ? pool->ignored : "", pool->ignored ? ", " : "", words[i]) < 0)
            return error_memory(&pool->fault);
        free(pool->ignored);
        pool->ignored = longer;
    }
    return 0;
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

/* Reads and checks one file; what is wrong with it becomes the pool's fault. */
static void read_pool(int directory, const char *file, struct pool *pool)
{
    _cleanup_(cleanup_free) char *data = NULL;
    size_t length = 0;
    int result = io_read_file(directory, file, MAX_POOL_BYTES, &data, &length);
    if (result < 0) {
        const char *why = result == -ELOOP   ? "it is a symbolic link, which is not followed"
                          : result == -EFBIG ? "it is larger than 1 MiB"
                                             : strerror(-result);
        error_set(&pool->fault, -result, "cannot read %s: %s", pool->path, why);
        return;
    }
    if (xml_parse(data, length, pool->path, &pool->doc, &pool->fault) < 0 || check_mode(pool) < 0 ||
        schema_check(builtin_pool_rng, builtin_length(pool_rng), pool->doc, pool->path, &pool->fault) < 0) {
        cleanup_xml_doc(&pool->doc);
        pool->doc = NULL;
        return;
    }
    xmlNodePtr network = xmlDocGetRootElement(pool->doc);
    _cleanup_(cleanup_xml_string) char *name = xml_text(xml_child(network, "name"));
    if (!name) {
        error_memory(&pool->fault);
        return;
    }
    if (strcmp(name, pool->name) != 0) {
        error_set(&pool->fault, EINVAL, "%s defines pool '%s': rename it to %s" SUFFIX, pool->path, name, name);
        return;
    }
    if (check_portgroups(pool, network) == 0 && read_sources(pool, network) == 0 && read_ignored(pool, network) == 0)
        read_policies(pool, network);
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

static int add_pool(int directory, const char *file, struct pools *pools)
{
    size_t length = strlen(file) - strlen(SUFFIX);
    struct pool *larger = realloc(pools->pools, (pools->count + 1) * sizeof *larger);
    if (!larger)
        return -ENOMEM;
    pools->pools = larger;
    struct pool *pool = &larger[pools->count];
    *pool = (struct pool){.name = strndup(file, length)};
    if (asprintf(&pool->path, "/" POOL_DIRECTORY "/%s", file) < 0)
        pool->path = NULL;
    pools->count++;
    if (!pool->name || !pool->path)
        return -ENOMEM;
    read_pool(directory, file, pool);
    return 0;
}

static bool is_pool_file(const char *file)
{
    size_t length = strlen(file);
    return file[0] != '.' && length > strlen(SUFFIX) && strcmp(file + length - strlen(SUFFIX), SUFFIX) == 0;
}

int pools_load(int root, struct pools *pools, struct error *error)
{
    *pools = (struct pools){0};
    int fd = openat(root, POOL_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : error_set(error, errno, "cannot open /" POOL_DIRECTORY ": %s", strerror(errno));
    DIR *directory = fdopendir(fd);
    if (!directory) {
        close(fd);
        return error_memory(error);
    }
    int result = 0;
    for (struct dirent *entry; result == 0 && (entry = io_next_entry(directory, &result));)
        if (is_pool_file(entry->d_name))
            result = add_pool(fd, entry->d_name, pools);
    closedir(directory);
    if (result < 0)
        return error_set(error, -result, "cannot read /" POOL_DIRECTORY ": %s", strerror(-result));
    if (pools->count > 0)
        qsort(pools->pools, pools->count, sizeof *pools->pools, compare_pools);
    refuse_duplicates(pools);
    return 0;
}
