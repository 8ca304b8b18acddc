/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "portfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "gate.h"
#include "io.h"
#include "ledger.h"
#include "libvirtd.h"

#define PORTS "run/libvirt/network/%s/ports"
#define PATH_SIZE (sizeof PORTS + NAME_MAX)

static bool is_ours(const char *file)
{
    struct pciaddr address;
    char uuid[UUID_SIZE];
    if (strlen(file) != UUID_SIZE - 1 + strlen(".xml") || strcmp(file + UUID_SIZE - 1, ".xml") != 0)
        return false;
    memcpy(uuid, file, UUID_SIZE - 1);
    uuid[UUID_SIZE - 1] = '\0';
    return gate_port_address(uuid, &address);
}

static bool is_unfinished(int root, const char *network)
{
    char path[sizeof LEDGER_DIRECTORY "/ports/" + NAME_MAX + sizeof ".xml"];
    snprintf(path, sizeof path, LEDGER_DIRECTORY "/ports/%s.xml", network);
    return io_may_be(root, path);
}

int portfile_remove(int root, const char *network, struct error *error)
{
    char path[PATH_SIZE];
    int listed = 0, removed = 0, result = 0;
    if (strchr(network, '/') || (size_t)snprintf(path, sizeof path, PORTS, network) >= sizeof path)
        return 0;
    if (is_unfinished(root, network))
        return error_set(error, EBUSY,
                         "libvirt network '%s' was ended, and the ports of its guests are in /" LEDGER_DIRECTORY
                         "/ports/%s.xml: start libvirt (systemctl start libvirtd, or virtnetworkd), and try again",
                         network, network);
    _cleanup_(cleanup_dir) DIR *directory = io_list(root, path);
    if (!directory)
        return errno == ENOENT ? 0 : error_set(error, errno, "cannot read /%s: %s", path, strerror(errno));
    for (struct dirent *entry; result == 0 && (entry = io_next_entry(directory, &listed));) {
        if (!is_ours(entry->d_name))
            continue;
        if (unlinkat(dirfd(directory), entry->d_name, 0) < 0 && errno != ENOENT)
            result = error_set(error, errno, "cannot remove /%s/%s: %s", path, entry->d_name, strerror(errno));
        removed++;
    }
    if (result == 0 && listed < 0)
        result = error_set(error, -listed, "cannot read /%s: %s", path, strerror(-listed));
    if (result == 0 && removed && libvirtd_serves_networks(root))
        return error_set(error, EAGAIN, "libvirt was started meanwhile, and may block VFs of network '%s': try again",
                         network);
    return result < 0 ? result : removed;
}
