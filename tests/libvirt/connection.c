/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake.h"
#include "memory.h"

struct _virConnect {
    int unused;
};

virConnectPtr virConnectOpen(const char *uri)
{
    CALL(uri, NULL);
    return memory_new(1, sizeof(struct _virConnect));
}

int virConnectClose(virConnectPtr connection)
{
    free(connection);
    return 0;
}

/* It is not asked: the client library knows, as the file "dead" does. */
int virConnectIsAlive(virConnectPtr connection)
{
    char path[PATH_SIZE];
    (void)connection;
    return !exists(path_of(path, "dead"));
}

/* What the file "version" says, else that of Debian 13. */
int virConnectGetLibVersion(virConnectPtr connection, unsigned long *version)
{
    char path[PATH_SIZE];
    (void)connection;
    CALL("", -1);
    _cleanup_(cleanup_free) char *text = read_file(path_of(path, "version"));
    *version = text ? strtoul(text, NULL, 10) : 11003000;
    return 0;
}
