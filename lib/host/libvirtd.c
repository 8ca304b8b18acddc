/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirtd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "io.h"
#include "xml.h"

#define COMM_SIZE 17                     /* TASK_COMM_LEN and a line feed */
#define LIBVIRT_STATE "run/libvirt/qemu" /* a file for each guest that runs, or is being started */
#define LIBVIRT_NETWORKS "run/libvirt/network"
#define LIBVIRT_DEFINED "etc/libvirt/qemu"
#define AA_HELPER "virt-aa-helper"
#define HOOKS_DIRECTORY "/etc/libvirt/hooks/"

#define NETWORK_SOCKET "run/libvirt/virtnetworkd-sock"

bool libvirtd_is_modular(int root)
{
    return faccessat(root, NETWORK_SOCKET, F_OK, 0) == 0;
}

static bool is_absent(int root, const char *path)
{
    return faccessat(root, path, F_OK, 0) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

bool libvirtd_has_socket(int root)
{
    return !is_absent(root, NETWORK_SOCKET) || !is_absent(root, "run/libvirt/libvirt-sock");
}

/* Return: the process that has locked the file, -1 where it cannot be seen from here, or 0. */
static long locked_by(int root, const char *path)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    _cleanup_(cleanup_close) int fd = openat(root, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
        return 0;
    return lock.l_pid > 0 ? lock.l_pid : -1;
}

static bool is_locked(int root, const char *path)
{
    return locked_by(root, path) != 0;
}

bool libvirtd_runs(int root)
{
    return is_locked(root, "run/libvirtd.pid") || is_locked(root, "run/virtqemud.pid") ||
           is_locked(root, "run/virtnetworkd.pid");
}

bool libvirtd_serves_networks(int root)
{
    return is_locked(root, "run/libvirtd.pid") || is_locked(root, "run/virtnetworkd.pid");
}

/* Reads a small file of /proc. Return: its length, or -1 when it is not there (any more). */
static ssize_t read_proc(const char *path, char *text, size_t size)
{
    _cleanup_(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);
    if (length < 0)
        return -1;
    text[length] = '\0';
    return length;
}

static bool read_name(const char *directory, char name[COMM_SIZE])
{
    char path[512];
    snprintf(path, sizeof path, "%s/comm", directory);
    if (read_proc(path, name, COMM_SIZE) < 0)
        return false;
    name[strcspn(name, "\n")] = '\0';
    return true;
}

/*
 * Whether a child of a thread of libvirt's is a hook, anybody's: it, or its script, is in the hooks' directory.
 *
 * One that still has the thread's name is about to become another program. AppArmor lets libvirt's hooks look at all of
 * them but virt-aa-helper.
 */
static bool is_hook(const char *pid, const char *thread)
{
    char path[64], name[COMM_SIZE], line[4096];
    snprintf(path, sizeof path, "/proc/%s", pid);
    if (!read_name(path, name) || strcmp(name, thread) == 0 || strcmp(name, AA_HELPER) == 0)
        return false;
    snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
    ssize_t length = read_proc(path, line, sizeof line);
    for (ssize_t i = 0, argument = 0; i < length && argument < 3; i += (ssize_t)strlen(line + i) + 1, argument++)
        if (strstr(line + i, HOOKS_DIRECTORY))
            return true;
    return false;
}

/* How many of the children that a thread started are hooks: /proc/PID/task/TID/children (proc(5)). */
static unsigned int count_hooks(const char *task, const char *thread)
{
    char path[512];
    _cleanup_(cleanup_free) char *children = NULL;
    size_t length = 0;
    unsigned int count = 0;
    snprintf(path, sizeof path, "%s/children", task);
    if (io_read_file(AT_FDCWD, path, 1 << 20, &children, &length) < 0)
        return 0;
    for (char *rest = NULL, *pid = strtok_r(children, " \n", &rest); pid; pid = strtok_r(NULL, " \n", &rest))
        count += is_hook(pid, thread);
    return count;
}

static long parent_of(long pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%ld/status", pid);
    const char *line = read_proc(path, text, sizeof text) < 0 ? NULL : strstr(text, "\nPPid:");
    return line ? strtol(line + sizeof "\nPPid:" - 1, NULL, 10) : 0;
}

static bool is_named(long process, const char *wanted)
{
    char path[64], name[COMM_SIZE];
    snprintf(path, sizeof path, "/proc/%ld", process);
    return read_name(path, name) && strcmp(name, wanted) == 0;
}

bool libvirtd_is_helper(long process)
{
    /* What virt-aa-helper starts has its name, and its profile, until it has become another program. */
    long parent = parent_of(process);
    return is_named(process, AA_HELPER) || is_named(parent, "libvirtd") || is_named(parent, "virtqemud");
}

/* The daemon of this name that called this hook, itself or by way of somebody's script. Return: its PID, or 0. */
static long find_caller(const char *daemon)
{
    for (long pid = getppid(); pid > 1; pid = parent_of(pid))
        if (is_named(pid, daemon))
            return pid;
    return 0;
}

/* Looks at the threads of a daemon. Return: false when it is not there. */
static bool look_at_threads(long daemon, struct libvirtd_load *load)
{
    char path[64], task[384], name[COMM_SIZE];
    snprintf(path, sizeof path, "/proc/%ld/task", daemon);
    _cleanup_(cleanup_dir) DIR *tasks = daemon ? io_list(AT_FDCWD, path) : NULL;
    if (!tasks)
        return false;
    /* An error is the end, too: the daemon has ended, and nobody waits for this hook. */
    for (struct dirent *entry = readdir(tasks); entry; entry = readdir(tasks)) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(task, sizeof task, "%s/%s", path, entry->d_name);
        if (!read_name(task, name))
            continue;
        load->starting |= strcmp(name, "daemon-init") == 0;
        load->reloading |= strcmp(name, "daemon-reload") == 0;
        load->hooks += count_hooks(task, name);
    }
    return true;
}

/* Whether there is a file NAME.xml. Return: 1, 0, or -1 when that cannot be seen. */
static int has_xml(int root, const char *directory, const char *name)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s.xml", directory, name);
    if (strchr(name, '/') || (size_t)length >= sizeof path || faccessat(root, directory, F_OK, 0) < 0)
        return -1;
    return faccessat(root, path, F_OK, 0) == 0 ? 1 : errno == ENOENT ? 0 : -1;
}

int libvirtd_find_guest(int root, const char *name)
{
    return has_xml(root, LIBVIRT_STATE, name);
}

bool libvirtd_has_guest(int root, const char *name)
{
    return libvirtd_find_guest(root, name) != 0;
}

xmlDocPtr libvirtd_read_guest(int root, const char *name)
{
    char path[PATH_MAX];
    _cleanup_(cleanup_free) char *data = NULL;
    _cleanup_(error_free) struct error ignored = {0};
    size_t length = 0;
    xmlDocPtr doc = NULL;
    if (strchr(name, '/') || (size_t)snprintf(path, sizeof path, LIBVIRT_STATE "/%s.xml", name) >= sizeof path ||
        io_read_file(root, path, XML_MAX_BYTES, &data, &length) < 0 ||
        xml_parse(data, length, path, &doc, &ignored) < 0)
        return NULL;
    return doc;
}

bool libvirtd_has_network(int root, const char *name)
{
    return has_xml(root, LIBVIRT_NETWORKS, name) != 0;
}

bool libvirtd_defines_guest(int root, const char *name)
{
    return has_xml(root, LIBVIRT_DEFINED, name) == 1;
}

bool libvirtd_of_hook(int root, struct libvirtd_load *load)
{
    static const char *const names[] = {"libvirtd", "virtqemud"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        long daemon = find_caller(names[i]);
        if (!daemon)
            continue;
        *load = (struct libvirtd_load){.name = names[i], .max_workers = libvirtd_max_workers(root, names[i])};
        return look_at_threads(daemon, load);
    }
    return false;
}

long libvirtd_of_networks(void)
{
    long daemon = find_caller("libvirtd");
    return daemon ? daemon : find_caller("virtnetworkd");
}

long libvirtd_find_networks(int root)
{
    long daemon = locked_by(root, "run/libvirtd.pid");
    if (daemon == 0)
        daemon = locked_by(root, "run/virtnetworkd.pid");
    return daemon < 0 ? 0 : daemon;
}

unsigned long long libvirtd_started(long process)
{
    char path[64], text[1024];
    unsigned long long started = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", process);
    /* Field 22; the second one, a name in parentheses, may contain anything. */
    const char *rest = read_proc(path, text, sizeof text) < 0 ? NULL : strrchr(text, ')');
    if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                        &started) != 1)
        return 0;
    return started;
}

bool libvirtd_is_unsteady(long process)
{
    struct libvirtd_load load = {.starting = false};
    return look_at_threads(process, &load) && (load.starting || load.reloading);
}

bool libvirtd_is_starting(void)
{
    struct libvirtd_load load = {.starting = false};
    return look_at_threads(libvirtd_of_networks(), &load) && load.starting;
}

unsigned int libvirtd_max_workers(int root, const char *name)
{
    char path[64];
    _cleanup_(cleanup_free) char *text = NULL;
    size_t length = 0;
    unsigned int workers = LIBVIRTD_DEFAULT_WORKERS;
    snprintf(path, sizeof path, "etc/libvirt/%s.conf", name);
    if (io_read_file(root, path, 1 << 20, &text, &length) < 0)
        return workers;
    /* The last setting counts; a comment's line does not start with the name. */
    for (char *rest = NULL, *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        unsigned int value = 0;
        if (sscanf(line, " max_workers = %u", &value) == 1 && value > 0)
            workers = value;
    }
    return workers;
}
