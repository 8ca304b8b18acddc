/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * network - libvirt's other door: /etc/libvirt/hooks/network (https://libvirt.org/hooks.html)
 *
 *   network NETWORK port-created|port-deleted begin - < hookData.xml
 *
 * A port-created that fails is undone, and what is printed to standard error reaches the user who started the guest or
 * attached the interface. libvirt waits with the network locked (F32): nothing here calls it, and a process that
 * settles (settle.h) comes to it once this one has ended.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "actor.h"
#include "allocation.h"
#include "libvirtd.h"
#include "offer.h"
#include "pool.h"
#include "program.h"
#include "settle.h"
#include "tally.h"

/* A port that the daemon finds when it starts is there: refused, it would only not be counted (F33). */
static bool must_not_fail(void)
{
    bool starting = libvirtd_is_starting();
    if (starting)
        program_guard_memory(EXIT_OK);
    return starting;
}

/* @starting: whether the daemon is; looked at where it matters */
static int run(int root, const char *network, bool created, bool *starting, struct error *error)
{
    int64_t begun_us = tally_now_us();
    _cleanup_(cleanup_free) char *data = NULL;
    _cleanup_(allocation_free) struct allocation allocation = {0};
    size_t length = 0;
    int result = program_read_xml("the hook's XML", &data, &length, error);
    if (result < 0)
        return result;
    /* Most are ours, where VFs are blocked: they end here. */
    result = allocation_read(network, data, length, &allocation, error);
    if (result == 0)
        return 0;
    *starting = must_not_fail();
    if (result < 0)
        return result;
    result =
        created ? allocation_made(root, &allocation, *starting, error) : allocation_ended(root, &allocation, error);
    if (!created)
        tally_time(root, TALLY_RELEASE, begun_us);
    if (offer_is_due(root, network))
        settle_later(root);
    return result;
}

int main(int argc, char **argv)
{
    _cleanup_(error_free) struct error error = {0};
    if (argc < 5) {
        fprintf(stderr, "usage: network NETWORK OPERATION SUBOPERATION EXTRA < hookData.xml\n");
        return EXIT_USAGE;
    }
    bool created = strcmp(argv[2], "port-created") == 0;
    if (!created && strcmp(argv[2], "port-deleted") != 0)
        return EXIT_OK;
    bool starting = false;
    program_guard_memory(EXIT_FAILED);
    actor_be("libvirt");
    int root = program_start(&error);
    int result = root;
    if (root >= 0)
        result = pool_exists(root, argv[1]) ? run(root, argv[1], created, &starting, &error) : 0;
    if (root >= 0)
        close(root);
    int status = program_end(&error, result);
    return starting && result != -EBUSY ? EXIT_OK : status;
}
