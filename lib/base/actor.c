/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "actor.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "io.h"
#include "memory.h"

static char actor[160] = "vfpool";

static char *name_of(uid_t user)
{
    const struct passwd *entry = getpwuid(user);
    return entry ? memory_copy(entry->pw_name) : memory_format("user %lu", (unsigned long)user);
}

/* Who logged in, of the session that this process is of. Return: a name, or NULL when nobody did. */
static char *find_login(void)
{
    _cleanup_(cleanup_free) char *text = NULL;
    size_t length = 0;
    if (io_read_file(AT_FDCWD, "/proc/self/loginuid", 32, &text, &length) < 0)
        return NULL;
    unsigned long user = strtoul(text, NULL, 10);
    return length == 0 || user == (uid_t)-1 || user == getuid() ? NULL : name_of((uid_t)user);
}

void actor_be(const char *name)
{
    snprintf(actor, sizeof actor, "%s", name);
}

void actor_be_user(void)
{
    _cleanup_(cleanup_free) char *user = name_of(getuid());
    const char *sudo = secure_getenv("SUDO_USER");
    _cleanup_(cleanup_free) char *before = sudo && sudo[0] ? memory_format("sudo: %.64s", sudo) : find_login();
    _cleanup_(cleanup_free) char *both =
        memory_format("%s%s%s%s", user, before ? " (" : "", before ? before : "", before ? ")" : "");
    actor_be(before && strcmp(before, user) != 0 ? both : user);
}

const char *actor_name(void)
{
    return actor;
}
