/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pf.h"

#include <errno.h>
#include <string.h>

#include "memory.h"
#include "rename.h"

void pf_finder_free(struct pf_finder *finder)
{
    free(steal(finder->all));
}

static int look(struct pf_finder *finder, struct error *error)
{
    int result = finder->looked ? 0 : host_pf_list(finder->host, &finder->all, &finder->count, error);
    finder->looked = result == 0;
    return result;
}

static void add(struct host_pf **pfs, size_t *count, const struct host_pf *pf)
{
    *pfs = memory_resize(*pfs, *count + 1, sizeof **pfs);
    (*pfs)[(*count)++] = *pf;
}

static int find_by_name(const struct pf_finder *finder, const char *name, struct host_pf *pf, struct error *error)
{
    struct host_pf now;
    char address[PCIADDR_SIZE];
    _cleanup_(error_free) struct error problem = {0};
    int result = host_pf_by_name(finder->host, name, pf, &problem);
    if (result == -ENOENT && rename_find(finder->host, name, &now))
        return error_set(error, ENOENT, "there is no network interface %s: %s is called %s now, name that one", name,
                         pciaddr_format(&now.address, address), now.name);
    return result < 0 ? error_set(error, problem.code, "%s", problem.message) : 0;
}

static bool has_mac(const struct host *host, const struct host_pf *pf, const char *mac)
{
    char its[HOST_MAC_SIZE];
    host_pf_mac(host, pf, its);
    return strcmp(its, mac) == 0;
}

/* The interface that the file names beside the address is most likely still it, and then the others need no look. */
static int find_by_mac(struct pf_finder *finder, const struct pool_source *source, struct host_pf **pfs, size_t *count,
                       struct error *error)
{
    struct host_pf pf;
    _cleanup_(error_free) struct error ignored = {0};
    if (source->dev && host_pf_by_name(finder->host, source->dev, &pf, &ignored) == 0 &&
        has_mac(finder->host, &pf, source->pf)) {
        add(pfs, count, &pf);
        return 0;
    }
    int result = look(finder, error);
    if (result < 0)
        return result;
    for (size_t i = 0; i < finder->count; i++)
        if (has_mac(finder->host, &finder->all[i], source->pf))
            add(pfs, count, &finder->all[i]);
    if (*count > 1)
        return error_set(error, EEXIST, "%s and %s have MAC address %s both: name one of them by its PCI address",
                         (*pfs)[0].name, (*pfs)[1].name, source->pf);
    return *count ? 0 : error_set(error, ENOENT, "there is no PF with MAC address %s", source->pf);
}

static int find_by_id(struct pf_finder *finder, const struct pool_source *source, struct host_pf **pfs, size_t *count,
                      struct error *error)
{
    int result = look(finder, error);
    if (result < 0)
        return result;
    for (size_t i = 0; i < finder->count; i++)
        if (host_pf_is(finder->host, &finder->all[i], source->vendor, source->device))
            add(pfs, count, &finder->all[i]);
    return *count ? 0 : error_set(error, ENOENT, "there is no PF of vendor and device %s", source->pf);
}

int pf_find(struct pf_finder *finder, const struct pool_source *source, struct host_pf **pfs, size_t *count,
            struct error *error)
{
    struct host_pf pf;
    int result = -EINVAL;
    *pfs = NULL;
    *count = 0;
    switch (source->key) {
    case PF_BY_MAC:
        return find_by_mac(finder, source, pfs, count, error);
    case PF_BY_ID:
        return find_by_id(finder, source, pfs, count, error);
    case PF_BY_ADDRESS:
        result = host_pf_by_address(finder->host, &source->address, &pf, error);
        break;
    case PF_BY_NAME:
        result = find_by_name(finder, source->dev, &pf, error);
        break;
    }
    if (result == 0)
        add(pfs, count, &pf);
    return result;
}
