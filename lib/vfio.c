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

#include "daemon.h"
#include "io.h"
#include "memory.h"

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

/* Whether this runs under AppArmor's profile of libvirt's, as a hook does. */
static bool is_confined(int proc)
{
    char profile[16] = "";
    _cleanup_(cleanup_close) int fd = openat(proc, "self/attr/current", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, profile, sizeof profile - 1);
    return length > 0 && (strncmp(profile, "libvirtd ", 9) == 0 || strncmp(profile, "virtqemud ", 10) == 0);
}

static void look(struct vfio *vfio)
{
    _cleanup_(cleanup_dir) DIR *proc = io_list(AT_FDCWD, "/proc");
    vfio->looked = true;
    if (!proc)
        return;
    /* libvirt's profile lets its hooks look at all but virt-aa-helper; each look would be a denial in the kernel's log.
     */
    bool confined = is_confined(dirfd(proc));
    for (struct dirent *entry = readdir(proc); entry; entry = readdir(proc))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            !(confined && daemon_is_helper(strtol(entry->d_name, NULL, 10))))
            look_at_process(vfio, dirfd(proc), entry->d_name);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    if (S_ISCHR(a->st_mode) && S_ISCHR(b->st_mode))
        return a->st_rdev == b->st_rdev;
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* @name: below /dev/vfio */
static pid_t find_user(struct vfio *vfio, const char *name)
{
    char path[sizeof "dev/vfio/" + NAME_MAX];
    struct stat file;
    snprintf(path, sizeof path, "dev/vfio/%s", name);
    if (fstatat(vfio->root, path, &file, 0) < 0)
        return 0;
    if (!vfio->looked)
        look(vfio);
    for (size_t i = 0; i < vfio->count; i++)
        if (is_same_file(&vfio->opened[i].file, &file))
            return vfio->opened[i].process;
    return 0;
}

pid_t vfio_user(struct vfio *vfio, const char *group, const char *device)
{
    char path[sizeof "devices/" + VFIO_NAME_SIZE];
    pid_t user = group[0] ? find_user(vfio, group) : 0;
    if (user || !device[0])
        return user;
    snprintf(path, sizeof path, "devices/%s", device);
    return find_user(vfio, path);
}
