/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pool file, as it is read from etc/vfpool, and the network of libvirt's that is made of it. */
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "definition.h"
#include "fuzz.h"
#include "io.h"
#include "pool.h"
#include "wanted.h"
#include "xml.h"

#define MAX_NAME 64
#define PATH_SIZE (sizeof POOL_DIRECTORY "/.xml" + MAX_NAME)

static int root = -1;

/* tests/fuzz/run has a directory in memory for it, and removes it. */
static void start(void)
{
    const char *parent = getenv("TMPDIR");
    _cleanup_(cleanup_free) char *path = memory_format("%s/vfpool-fuzz-XXXXXX", parent ? parent : "/dev/shm");
    need(mkdtemp(path));
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    need(root >= 0 && mkdirat(root, "etc", 0700) == 0 && mkdirat(root, POOL_DIRECTORY, 0700) == 0);
}

/* The file has the name that is in it: nearly every other one ends there. */
static void name_file(const char *text, char path[PATH_SIZE])
{
    const char *name = strstr(text, "<name>");
    size_t length = 0;
    name = name ? name + strlen("<name>") : "";
    while (length < MAX_NAME && (isalnum((unsigned char)name[length]) || name[length] == '-'))
        length++;
    snprintf(path, PATH_SIZE, POOL_DIRECTORY "/%.*s.xml", length ? (int)length : 4, length ? name : "pool");
}

/* A pool in service has a network that can be read again, with its name, in each form. */
static void check_definition(const struct pool *pool)
{
    const struct pciaddr vfs[] = {{.bus = 1, .slot = 0x10}, {.domain = 0x10000, .bus = 1, .slot = 0x1f, .function = 7}};
    for (enum definition_form form = DEFINITION_DUMP; form <= DEFINITION_COMPARE; form++) {
        struct error error = {0};
        _cleanup_(cleanup_free) char *text = NULL;
        _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
        size_t length = 0, count = 0;
        need(definition_format(pool->doc, form, vfs, 2, 1, &text, &length, &error) == 0);
        need(xml_parse(text, length, "the network", &doc, &error) == 0);
        _cleanup_(cleanup_xml_string) char *name = xml_text(xml_child(xmlDocGetRootElement(doc), "name"));
        need(name && strcmp(name, pool->name) == 0);
        free(definition_addresses(doc, &count));
        need(form == DEFINITION_COMPARE || count == 2);
    }
}

static void check_wanted(const struct pool *pool)
{
    struct wanted_device device = {.mac = "52:54:00:00:00:01"};
    struct settings wanted;
    struct error error = {0};
    int result = wanted_find(pool, &device, NULL, "guest", &wanted, &error);
    fuzz_check(result, &error);
}

static void check(struct pool *pool)
{
    fuzz_check(-pool->fault.code, &pool->fault);
    for (size_t i = 0; i < pool->source_count; i++)
        need(pool_last_named(&pool->sources[i]) < NUMBERS_MAX);
    if (pool->fault.code)
        return;
    need(pool->doc && pool->source_count > 0);
    check_definition(pool);
    check_wanted(pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(cleanup_free) char *text = fuzz_text(data, size);
    struct pools pools;
    struct error error = {0};
    char path[PATH_SIZE];
    if (root < 0)
        start();
    name_file(text, path);
    int file = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    need(file >= 0 && io_write(file, text, size) == 0 && close(file) == 0);
    need(pools_load(root, &pools, &error) == 0 && pools.count == 1);
    check(&pools.pools[0]);
    pools_free(&pools);
    need(unlinkat(root, path, 0) == 0);
    return 0;
}
