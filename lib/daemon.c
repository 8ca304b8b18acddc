/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "io.h"

#define COMM_SIZE 17 /* TASK_COMM_LEN and a line feed */

bool daemon_is_modular(int root)
{
    return faccessat(root, "run/libvirt/virtnetworkd-sock", F_OK, 0) == 0;
}

bool daemon_is_monolithic(int root)
{
    return faccessat(root, "run/libvirt/libvirt-sock", F_OK, 0) == 0;
}

/* Reads a small file of /proc. Return: false when it is not there (any more). */
static bool read_proc(const char *path, char *text, size_t size)
{
    _cleanup_(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);
    if (length < 0)
        return false;
    text[length] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return true;
}

/* How many of the children that a thread started carry this name: /proc/PID/task/TID/children (proc(5)). */
static unsigned int count_children(const char *task, const char *name)
{
    char path[512], comm[COMM_SIZE];
    _cleanup_(cleanup_free) char *children = NULL;
    size_t length = 0;
    unsigned int count = 0;
    snprintf(path, sizeof path, "%s/children", task);
    if (io_read_file(AT_FDCWD, path, 1 << 20, &children, &length) < 0)
        return 0;
    for (char *rest = NULL, *pid = strtok_r(children, " \n", &rest); pid; pid = strtok_r(NULL, " \n", &rest)) {
        snprintf(path, sizeof path, "/proc/%s/comm", pid);
        count += read_proc(path, comm, sizeof comm) && strcmp(comm, name) == 0;
    }
    return count;
}

bool daemon_of_hook(int root, struct daemon_load *load)
{
    char path[64], task[384], comm[COMM_SIZE], own[COMM_SIZE];
    *load = (struct daemon_load){.max_workers = daemon_max_workers(root)};
    snprintf(path, sizeof path, "/proc/%ld/comm", (long)getppid());
    if (!read_proc(path, comm, sizeof comm) || strcmp(comm, "libvirtd") != 0 ||
        !read_proc("/proc/self/comm", own, sizeof own))
        return false;
    snprintf(path, sizeof path, "/proc/%ld/task", (long)getppid());
    DIR *tasks = opendir(path);
    if (!tasks)
        return false;
    for (struct dirent *entry = readdir(tasks); entry; entry = readdir(tasks)) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(task, sizeof task, "%s/%s/comm", path, entry->d_name);
        load->starting |= read_proc(task, comm, sizeof comm) && strcmp(comm, "daemon-init") == 0;
        snprintf(task, sizeof task, "%s/%s", path, entry->d_name);
        load->hooks += count_children(task, own);
    }
    closedir(tasks);
    return true;
}

unsigned int daemon_max_workers(int root)
{
    _cleanup_(cleanup_free) char *text = NULL;
    size_t length = 0;
    unsigned int workers = DAEMON_DEFAULT_WORKERS;
    if (io_read_file(root, "etc/libvirt/libvirtd.conf", 1 << 20, &text, &length) < 0)
        return workers;
    /* The last setting counts; a comment's line does not start with the name. */
    for (char *rest = NULL, *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        unsigned int value = 0;
        if (sscanf(line, " max_workers = %u", &value) == 1 && value > 0)
            workers = value;
    }
    return workers;
}
