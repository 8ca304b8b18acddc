/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "witness.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hooks.h"
#include "io.h"
#include "ledger.h"
#include "libvirtd.h"

#define MARK LEDGER_DIRECTORY "/witness/daemon"
#define MAX_BYTES ((size_t)2 * HOOKS_PATH_SIZE + 256)
#define NS_PER_S INT64_C(1000000000)

/* A file that libvirt runs as a hook. */
struct file {
    const char *kind;
    char path[HOOKS_PATH_SIZE];
    unsigned long long inode;
    long long changed; /* when it was written last, in nanoseconds: an editor may keep the inode */
};

struct mark {
    long process; /* the daemon that serves networks */
    unsigned long long started;
    struct file daemon, network;
};

static long long to_ns(const struct timespec *time)
{
    return (long long)time->tv_sec * NS_PER_S + time->tv_nsec;
}

/* ---- one that is made ---- */

/* @put: when it came to be what it is. Return: false when there is no such hook of ours. */
static bool find_file(int root, const char *kind, struct file *file, long long *put)
{
    struct stat status;
    file->kind = kind;
    if (!hooks_find(root, kind, file->path, NULL) || fstatat(root, file->path, &status, 0) < 0)
        return false;
    file->inode = status.st_ino;
    file->changed = to_ns(&status.st_mtim);
    *put = to_ns(&status.st_ctim);
    return true;
}

static int write_mark(int root, const struct mark *mark)
{
    char text[MAX_BYTES], temporary[32];
    _cleanup_(cleanup_close) int directory = ledger_directory(root, "witness");
    if (directory < 0)
        return directory;
    /* Several may be called at once. */
    snprintf(temporary, sizeof temporary, ".daemon.%ld", (long)getpid());
    int length = snprintf(text, sizeof text, "%ld %llu\n%llu %lld %s\n%llu %lld %s\n", mark->process, mark->started,
                          mark->daemon.inode, mark->daemon.changed, mark->daemon.path, mark->network.inode,
                          mark->network.changed, mark->network.path);
    return io_replace_file(directory, temporary, "daemon", text, (size_t)length, 0600);
}

int witness_leave(int root)
{
    long long put;
    struct mark mark = {.process = libvirtd_of_networks()};
    mark.started = mark.process ? libvirtd_started(mark.process) : 0;
    if (!mark.started)
        return 0;
    if (find_file(root, "daemon", &mark.daemon, &put) && find_file(root, "network", &mark.network, &put))
        return write_mark(root, &mark);
    /* libvirt has looked, and found no network hook of ours. */
    return unlinkat(root, MARK, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* When a process began to run, by the clock that files are marked with. */
static long long began_at(unsigned long long started)
{
    struct timespec now = {0}, running = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    clock_gettime(CLOCK_BOOTTIME, &running);
    return to_ns(&now) - to_ns(&running) + (long long)started * (NS_PER_S / sysconf(_SC_CLK_TCK));
}

/* Return: whether a mark can be made, without having been told: @mark. */
static bool find_mark(int root, struct mark *mark)
{
    long long daemon_put = 0, network_put = 0;
    *mark = (struct mark){.process = libvirtd_find_networks(root)};
    mark->started = mark->process ? libvirtd_started(mark->process) : 0;
    if (!mark->started || !find_file(root, "daemon", &mark->daemon, &daemon_put) ||
        !find_file(root, "network", &mark->network, &network_put))
        return false;
    long long began = began_at(mark->started);
    return daemon_put < began && network_put < began;
}

bool witness_tells(int root)
{
    char text[WITNESS_MARK_SIZE];
    struct mark mark;
    return witness_mark(root, text) || find_mark(root, &mark);
}

bool witness_regain(int root)
{
    char text[WITNESS_MARK_SIZE];
    struct mark mark;
    return witness_mark(root, text) ||
           (find_mark(root, &mark) && write_mark(root, &mark) == 0 && witness_mark(root, text));
}

/* ---- what one is worth ---- */

static bool read_mark(int root, struct mark *mark)
{
    _cleanup_(cleanup_free) char *text = NULL;
    size_t length = 0;
    static_assert(HOOKS_PATH_SIZE == 320, "as below");
    *mark = (struct mark){.daemon.kind = "daemon", .network.kind = "network"};
    return io_read_file(root, MARK, MAX_BYTES, &text, &length) == 0 &&
           sscanf(text, "%ld %llu\n%llu %lld %319[^\n]\n%llu %lld %319[^\n]", &mark->process, &mark->started,
                  &mark->daemon.inode, &mark->daemon.changed, mark->daemon.path, &mark->network.inode,
                  &mark->network.changed, mark->network.path) == 8;
}

/* libvirt runs what is at that place, if it may be executed (F44): the file that was there, or another version of
 * ours. */
static bool is_called(int root, const struct file *file)
{
    struct stat status;
    char path[HOOKS_PATH_SIZE];
    bool program = false;
    if (fstatat(root, file->path, &status, 0) < 0 || !(status.st_mode & S_IXUSR))
        return false;
    if (status.st_ino == file->inode && to_ns(&status.st_mtim) == file->changed)
        return true;
    return hooks_find(root, file->kind, path, &program) && program && strcmp(path, file->path) == 0;
}

bool witness_mark(int root, char text[WITNESS_MARK_SIZE])
{
    struct mark mark;
    struct stat status;
    text[0] = '\0';
    if (!read_mark(root, &mark) || libvirtd_started(mark.process) != mark.started || !is_called(root, &mark.daemon) ||
        !is_called(root, &mark.network) || fstatat(root, MARK, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    /* A file that was replaced is another one: each call of the daemon hook makes one. */
    snprintf(text, WITNESS_MARK_SIZE, "%ld %llu %llu %lld.%09ld", mark.process, mark.started,
             (unsigned long long)status.st_ino, (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    return true;
}

int witness_missed(int root, const char *what, struct error *error)
{
    char path[HOOKS_PATH_SIZE];
    const char *kinds[] = {"network", "daemon"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!hooks_find(root, kinds[i], path, NULL))
            return error_set(error, ENOENT, "%s, as there is no hook %s of vfpool's: " HOOKS_PUT, what, kinds[i]);
    return error_set(error, ENOENT,
                     "%s, as libvirt does not call vfpool's hooks network and daemon: systemctl reload %s", what,
                     libvirtd_is_modular(root) ? "virtqemud virtnetworkd" : "libvirtd");
}

bool witness_is_unsteady(int root)
{
    struct mark mark;
    /* Whatever became of the hooks' files: they may be on their way out. */
    return read_mark(root, &mark) && libvirtd_started(mark.process) == mark.started &&
           libvirtd_is_unsteady(mark.process);
}
