/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "witness.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon.h"
#include "io.h"
#include "ledger.h"

#define WITNESSES LEDGER_DIRECTORY "/witness"
#define MAX_BYTES ((size_t)PATH_MAX + 128)

static const char *const names[] = {[WITNESS_NETWORK] = "network", [WITNESS_DAEMON] = "daemon"};

/* What a mark says. */
struct mark {
    long process;
    unsigned long long started; /* in the kernel's ticks */
    unsigned long long inode;   /* of the file that was run */
    long long changed;          /* and when it was written last, in nanoseconds: an editor may keep the inode */
    char path[PATH_MAX];
};

static long long changed_ns(const struct stat *status)
{
    return (long long)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

static bool read_mark(int root, enum witness witness, struct mark *mark)
{
    char path[64];
    _cleanup_(cleanup_free) char *text = NULL;
    size_t length = 0;
    snprintf(path, sizeof path, WITNESSES "/%s", names[witness]);
    return io_read_file(root, path, MAX_BYTES, &text, &length) == 0 &&
           sscanf(text, "%ld %llu %llu %lld %4095[^\n]", &mark->process, &mark->started, &mark->inode, &mark->changed,
                  mark->path) == 5;
}

static bool is_same(const struct mark *a, const struct mark *b)
{
    return a->process == b->process && a->started == b->started && a->inode == b->inode && a->changed == b->changed &&
           strcmp(a->path, b->path) == 0;
}

/* Whether its daemon runs, and would run the same file. */
static bool is_true(const struct mark *mark)
{
    struct stat status;
    return daemon_started(mark->process) == mark->started && stat(mark->path, &status) == 0 &&
           status.st_ino == mark->inode && changed_ns(&status) == mark->changed && (status.st_mode & S_IXUSR);
}

/* Return: false where no daemon called. */
static bool make_mark(struct mark *mark)
{
    struct stat status;
    mark->process = daemon_of_networks();
    mark->started = mark->process ? daemon_started(mark->process) : 0;
    ssize_t length = readlink("/proc/self/exe", mark->path, sizeof mark->path - 1);
    mark->path[length > 0 ? length : 0] = '\0';
    if (!mark->started || stat(mark->path, &status) < 0)
        return false;
    mark->inode = status.st_ino;
    mark->changed = changed_ns(&status);
    return true;
}

int witness_leave(int root, enum witness witness)
{
    struct mark now, before;
    char text[MAX_BYTES], temporary[32];
    if (!make_mark(&now) || (witness == WITNESS_NETWORK && read_mark(root, witness, &before) && is_same(&now, &before)))
        return 0;
    _cleanup_(cleanup_close) int directory = ledger_directory(root, "witness");
    if (directory < 0)
        return directory;
    /* Several may be called at once. */
    snprintf(temporary, sizeof temporary, ".%s.%ld", names[witness], (long)getpid());
    int length = snprintf(text, sizeof text, "%ld %llu %llu %lld %s\n", now.process, now.started, now.inode,
                          now.changed, now.path);
    return io_replace_file(directory, temporary, names[witness], text, (size_t)length);
}

bool witness_mark(int root, char mark[WITNESS_MARK_SIZE])
{
    struct mark network, daemon;
    struct stat status;
    mark[0] = '\0';
    if (!read_mark(root, WITNESS_NETWORK, &network) || !read_mark(root, WITNESS_DAEMON, &daemon) ||
        network.process != daemon.process || network.started != daemon.started || !is_true(&network) ||
        !is_true(&daemon) || fstatat(root, WITNESSES "/daemon", &status, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    /* A file that was replaced is another one: each call of the daemon hook makes one. */
    snprintf(mark, WITNESS_MARK_SIZE, "%ld %llu %llu %lld.%09ld", network.process, network.started,
             (unsigned long long)status.st_ino, (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    return true;
}

void witness_forget(int root)
{
    unlinkat(root, WITNESSES "/network", 0);
}

bool witness_is_unsteady(int root)
{
    struct mark daemon;
    /* Whatever became of the hook's file: it may be on its way out. */
    return read_mark(root, WITNESS_DAEMON, &daemon) && daemon_started(daemon.process) == daemon.started &&
           daemon_is_unsteady(daemon.process);
}
