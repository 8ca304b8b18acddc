/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "memory.h"

#define PROFILE_SIZE 128 /* of a name, as AppArmor has them for libvirt */

struct opened {
    pid_t process;
    struct stat file;
};

struct vfio {
    int root;
    bool looked;
    struct opened *opened;
    size_t count;
};

struct vfio *vfio_new(int root)
{
    struct vfio *vfio = memory_new(1, sizeof *vfio);
    vfio->root = root;
    return vfio;
}

void vfio_free(struct vfio *vfio)
{
    if (vfio)
        free(vfio->opened);
    free(vfio);
}

static void add(struct vfio *vfio, pid_t process, const struct stat *file)
{
    vfio->opened = memory_resize(vfio->opened, vfio->count + 1, sizeof *vfio->opened);
    vfio->opened[vfio->count++] = (struct opened){.process = process, .file = *file};
}

static void look_at_process(struct vfio *vfio, int proc, const char *pid)
{
    char path[NAME_MAX + 8], target[PATH_MAX];
    struct stat file;
    snprintf(path, sizeof path, "%s/fd", pid);
    _cleanup_(cleanup_dir) DIR *directory = io_list(proc, path);
    if (!directory)
        return;
    /* An error is the end, too: the process has ended, and has nothing open. */
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        /* A guest's /dev is a file system of its own, so the name alone does not say that it is the same file. */
        if (strstr(target, "/vfio/") && fstatat(dirfd(directory), entry->d_name, &file, 0) == 0)
            add(vfio, (pid_t)strtol(pid, NULL, 10), &file);
    }
}

/* The AppArmor profile that a process runs under, as "NAME (MODE)". Return: false where that cannot be said. */
static bool read_profile(int proc, const char *pid, char profile[PROFILE_SIZE])
{
    char path[NAME_MAX + 16];
    snprintf(path, sizeof path, "%s/attr/current", pid);
    _cleanup_(cleanup_close) int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, profile, PROFILE_SIZE - 1);
    profile[length > 0 ? length : 0] = '\0';
    return length > 0;
}

static bool begins(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static void look(struct vfio *vfio)
{
    char own[PROFILE_SIZE], profile[PROFILE_SIZE];
    _cleanup_(cleanup_dir) DIR *proc = io_list(AT_FDCWD, "/proc");
    vfio->looked = true;
    if (!proc)
        return;
    /* What libvirt's profile lets its hooks look at is all but virt-aa-helper, a child of libvirt's that reads XML;
     * each look would be a denial in the kernel's log. A child of libvirt's may become it at any time, so none of those
     * under libvirt's own profile is looked at either: neither they nor libvirt have a device open. */
    bool confined = read_profile(dirfd(proc), "self", own) && (begins(own, "libvirtd ") || begins(own, "virtqemud "));
    for (struct dirent *entry = readdir(proc); entry; entry = readdir(proc)) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        if (confined && read_profile(dirfd(proc), entry->d_name, profile) &&
            (strcmp(profile, own) == 0 || begins(profile, "virt-aa-helper")))
            continue;
        look_at_process(vfio, dirfd(proc), entry->d_name);
    }
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    if (S_ISCHR(a->st_mode) && S_ISCHR(b->st_mode))
        return a->st_rdev == b->st_rdev;
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

pid_t vfio_user(struct vfio *vfio, int group)
{
    char path[32];
    struct stat file;
    snprintf(path, sizeof path, "dev/vfio/%d", group);
    if (fstatat(vfio->root, path, &file, 0) < 0)
        return 0;
    if (!vfio->looked)
        look(vfio);
    for (size_t i = 0; i < vfio->count; i++)
        if (is_same_file(&vfio->opened[i].file, &file))
            return vfio->opened[i].process;
    return 0;
}
