/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "gate-libvirt.h"
#include "gate-verb.h"
#include "io.h"
#include "xml.h"

/* One that is not there any more needs no deleting. */
static int delete_port(const struct libvirt_network *network, const char *uuid)
{
    virNetworkPortPtr port = virNetworkPortLookupByUUIDString(network->handle, uuid);
    bool deleted = port && virNetworkPortDelete(port, 0) == 0;
    if (port)
        virNetworkPortFree(port);
    if (deleted)
        printf(GATE_FREED "%s\n", uuid);
    return deleted || virGetLastErrorCode() == VIR_ERR_NO_NETWORK_PORT
               ? 0
               : libvirt_complain(GATE_FAILED, "cannot delete port %s of libvirt network '%s': %s", uuid, network->name,
                                  libvirt_words());
}

int verb_prune(char **arguments)
{
    _cleanup_(libvirt_network_close) struct libvirt_network network = {0};
    _cleanup_(cleanup_free) char *input = NULL;
    size_t length = 0;
    if (io_read(STDIN_FILENO, XML_MAX_BYTES, IO_NO_DEADLINE, &input, &length) < 0)
        return libvirt_complain(GATE_FAILED, "cannot read standard input");
    int result = libvirt_network_find(arguments[0], &network);
    for (char *rest = NULL, *uuid = strtok_r(input, "\n", &rest); uuid && result == 0;
         uuid = strtok_r(NULL, "\n", &rest))
        result = delete_port(&network, uuid);
    return result;
}
