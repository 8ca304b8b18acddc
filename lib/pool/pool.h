/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pool - the pool files, etc/vfpool/NAME.xml
 *
 * A pool file is libvirt's network XML (https://libvirt.org/formatnetwork.html); what is allowed is said by pool.rng.
 * The file carries the name of its pool, so that one look at the file system tells whether a network is a pool.
 */
#ifndef VFPOOL_POOL_H
#define VFPOOL_POOL_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "drained.h"
#include "error.h"
#include "numbers.h"
#include "pciaddr.h"
#include "policy.h"

#define POOL_DIRECTORY "etc/vfpool"
#define POOL_MAX_BYTES ((size_t)1024 * 1024) /* of a pool's file */

/* VFs of a PF that are for one guest alone. */
struct pool_reserve {
    struct numbers vfs;
    char *guest; /* its name or its UUID */
};

/* What a pool file knows a PF by. */
enum pool_pf_key {
    PF_BY_NAME,    /* of its network interface */
    PF_BY_ADDRESS, /* of PCI */
    PF_BY_MAC,     /* the one burnt into the card */
    PF_BY_ID,      /* vendor and device: every such PF */
};

/* <vf autoprobe=''>: whether the host's drivers take the VFs of a PF. */
enum pool_autoprobe { AUTOPROBE_LEFT, AUTOPROBE_ON, AUTOPROBE_OFF };

/* Where VFs come from: a PF, or one by its address. */
struct pool_source {
    char *pf;                    /* what the file knows the PF by, as text; NULL: this is one VF */
    enum pool_pf_key key;        /* what that is */
    char *dev;                   /* the name of its network interface, or what that was once; NULL: not said */
    unsigned int vendor, device; /* of PF_BY_ID */
    struct numbers *vfs;         /* those of its VFs that are in the pool; NULL: all */
    struct pool_reserve *reserves;
    size_t reserve_count;
    unsigned int vf_wanted; /* <vf num=''>: that many are to be made; 0: leave it */
    enum pool_autoprobe autoprobe;
    bool up;                /* the PF is to be brought up */
    struct pciaddr address; /* of the VF, or of PF_BY_ADDRESS */
};

struct pool {
    char *name;
    char *path;              /* for messages */
    struct timespec written; /* when its file was, last */
    xmlDocPtr doc;           /* the whole network; NULL when the file breaks the schema */
    struct pool_source *sources;
    size_t source_count;
    /* Addresses beside a <pf>: libvirt's own copy of its VFs (net-dumpxml), no sources; of any other PF's there are
     * none. */
    struct pciaddr *copies;
    size_t copy_count;
    bool managed; /* libvirt takes VFs from their drivers and gives them back */
    struct policy policy;
    char *override;        /* the policies that guests may say, with spaces between, or "all"; NULL: none */
    bool offer_no;         /* its file says offer='no', as of earlier versions: without effect */
    bool reset;            /* a VF is reset before a guest gets it */
    bool carrier_required; /* VFs of a PF without carrier are not for guests */
    bool never_host_used;  /* VFs that the host uses itself are not for guests; else they are chosen last */
    char *ignored;         /* what the file says and no VF can do, as words; NULL: nothing */
    struct error fault;    /* code is not 0: out of service, for this reason */
};

struct pools {
    int root;           /* a descriptor of $VFPOOL_ROOT, which the caller keeps open */
    struct pool *pools; /* in the order of their names */
    size_t count;
    struct drained drained; /* of whatever pool */
};

/**
 * pool_exists() - whether a network of this name is a pool of ours
 * @root: a descriptor of $VFPOOL_ROOT
 */
bool pool_exists(int root, const char *network) must_check nonnull(2);

/** pool_is_named() - pool_exists(), as domain_read() asks; @root points to the descriptor */
bool pool_is_named(void *root, const char *network) must_check nonnull(1, 2);

/**
 * pools_load() - read every pool file
 * @pools: the caller frees with pools_free(), also after a failure
 *
 * A file that breaks the schema puts only its own pool out of service; two files that name one pool, both.
 *
 * Return: 0 (also when there is no directory), or a negative errno value.
 */
int pools_load(int root, struct pools *pools, struct error *error) must_check nonnull(2, 3);
void pools_free(struct pools *pools) nonnull(1);

/**
 * pool_read() - read the text of one pool file, which need not be in its place
 * @path: names it in the fault
 * @pool: its name is what the text says, empty where it says none; goes into pools_put(), or the caller frees it with
 *        pool_free()
 */
void pool_read(const char *data, size_t length, const char *path, struct pool *pool) nonnull(1, 3, 4);
void pool_free(struct pool *pool) nonnull(1);

/** pools_put() - put a pool, which is the array's then, in the place of the one of its name, or add it */
void pools_put(struct pools *pools, struct pool *pool) nonnull(1, 2);

/** pools_drop() - take the pool of this name out, if there is one */
void pools_drop(struct pools *pools, const char *name) nonnull(1, 2);

/** pool_last_named() - the highest number of a PF's VFs that the file says something of; -1: it does not */
int pool_last_named(const struct pool_source *source) must_check nonnull(1);

/** pools_find() - the pool of this name, or NULL */
struct pool *pools_find(const struct pools *pools, const char *name) must_check nonnull(1, 2);

#endif
