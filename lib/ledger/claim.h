/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* claim - all that one guest holds, and its form as a guest file */
#ifndef VFPOOL_CLAIM_H
#define VFPOOL_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain.h"
#include "error.h"
#include "io.h"
#include "pciaddr.h"
#include "settings.h"

#define CLAIM_TIME_SIZE sizeof "2026-01-31T12:00:00Z"
#define CLAIM_REASON_SIZE 256

enum claim_state {
    CLAIM_CLAIMED, /* granted at prepare; libvirt has not confirmed it yet */
    CLAIM_HELD,    /* the guest was seen with it */
    CLAIM_STATES,
};

struct claim_vf {
    struct pciaddr address;
    char *pool;
    char *pf;
    unsigned int number;
    char mac[MAC_SIZE];       /* empty: none is known */
    bool by_address;          /* the guest asked for this very device: libvirt gives it without a port */
    bool given;               /* libvirt's network hook told that libvirt gave it to the guest */
    bool reset;               /* it is to be reset when libvirt gives it to the guest */
    struct settings wanted;   /* what it is to be set to while the guest has it */
    struct settings original; /* what was set before anything was changed; says nothing where that is not known */
    bool late;                /* that is yet to be set: hotplug.h */
    bool whole;               /* it is no VF but a PF, which the guest has as it is: whole.h */
    char *stuck; /* the guest has given it back, and it could not be set to that again, for this reason; else NULL */
    char reason[CLAIM_REASON_SIZE]; /* why the guest has just this one (reason.h); empty: that is not known */
};

struct claim {
    char uuid[UUID_SIZE];
    char *name;
    enum claim_state state;
    bool offered;                /* what libvirt gives of the pools' offers will do: the claim follows (offer.h) */
    char since[CLAIM_TIME_SIZE]; /* UTC; when it was claimed */
    int64_t clock; /* of io_now_ms(), when it came to be in this state, or was last plugged a VF; 0: a version wrote it
                      that did not say so */
    char stamp[IO_STAMP_SIZE]; /* of the file that it was read from: ledger_stamp() */
    struct claim_vf *vfs;
    size_t vf_count;
};

/** claim_time() - now, in the form of a claim's time */
void claim_time(char text[CLAIM_TIME_SIZE]) nonnull(1);

/** claim_continue() - the claim is as old as that one of the same guest's, of which it is what is left */
void claim_continue(struct claim *claim, const struct claim *old) nonnull(1, 2);

/** claim_new() - a claim without VFs, claimed now; never NULL */
struct claim *claim_new(const char *uuid, const char *name) must_check nonnull(1, 2);

/** claim_vf_of() - an entry of a VF that nobody has set or wants set anything of; @pool and @pf stay the caller's */
struct claim_vf claim_vf_of(const struct pciaddr *address, char *pool, char *pf, unsigned int number) must_check
    nonnull(1);

/** claim_add() - add a copy of a VF's entry */
void claim_add(struct claim *claim, const struct claim_vf *vf) nonnull(1, 2);

/** claim_kind() - what an entry is of: "VF", or "PF" */
static inline const char *claim_kind(const struct claim_vf *vf)
{
    return vf->whole ? "PF" : "VF";
}

/** claim_remove() - take a VF's entry out; one that is not there is no error */
void claim_remove(struct claim *claim, const struct pciaddr *address) nonnull(1, 2);

/** claim_move() - the entry of a VF, which libvirt gave another guest, if there is one, becomes that of another VF;
 * pool, MAC address and what is wanted stay */
void claim_move(struct claim *claim, const struct pciaddr *address, const struct claim_vf *to) nonnull(1, 2, 3);

/** claim_find() - the claim's entry for this VF, or NULL; a NULL claim has none */
const struct claim_vf *claim_find(const struct claim *claim, const struct pciaddr *address) must_check nonnull(2);

/** claim_find_of() - the entry of the interface with this MAC address on the pool, or NULL; a NULL claim has none */
const struct claim_vf *claim_find_of(const struct claim *claim, const char *pool, const char *mac) must_check
    nonnull(2, 3);

/** claim_state_name() - "claimed" or "held" */
const char *claim_state_name(enum claim_state state);

/**
 * claim_parse() - read a guest file
 * @uuid: whose it has to be
 * @path: names the file in the error
 *
 * Return: 0, or -EINVAL with the reason.
 */
int claim_parse(const char *data, size_t length, const char *uuid, const char *path, struct claim **claim,
                struct error *error) must_check nonnull(1, 3, 4, 5, 6);

/** claim_format() - write a guest file's text, which the caller frees. Return: 0 or -EILSEQ. */
int claim_format(const struct claim *claim, char **data, size_t *length, struct error *error) must_check
    nonnull(1, 2, 3, 4);

void claim_free(struct claim *claim);
void claims_free(struct claim **claims, size_t count);

static inline void cleanup_claim(struct claim **claim)
{
    claim_free(*claim);
}

#endif
