/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "libvirtd.h"
#include "memory.h"

struct opened {
    pid_t process;
    struct stat file;
};

struct vfio {
    int root;
    bool looked;
    int failure; /* why not all could be looked at, a negative errno value; 0: all was */
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

/* What ends meanwhile has nothing open. The rest is what one may not see: of other users, or, as root, what AppArmor
 * and SELinux keep a hook from, daemons confined by themselves: no guest is. */
static bool is_out_of_sight(int failure)
{
    return failure == ENOENT || failure == ESRCH || failure == EACCES || failure == EPERM;
}

static void fail(struct vfio *vfio, int failure)
{
    if (!is_out_of_sight(failure))
        vfio->failure = -failure;
}

static void look_at_file(struct vfio *vfio, int directory, const char *pid, const char *name)
{
    char target[PATH_MAX];
    struct stat file;
    ssize_t length = readlinkat(directory, name, target, sizeof target - 1);
    /* Anybody may have files open that have too long a name; VFIO's has not. */
    if (length < 0 && errno != ENAMETOOLONG)
        fail(vfio, errno);
    target[length > 0 ? length : 0] = '\0';
    /* A guest's /dev is a file system of its own, so the name alone does not say that it is the same file. */
    if (!strstr(target, "/vfio/"))
        return;
    if (fstatat(directory, name, &file, 0) == 0)
        add(vfio, (pid_t)strtol(pid, NULL, 10), &file);
    else
        fail(vfio, errno);
}

static void look_at_process(struct vfio *vfio, int proc, const char *pid)
{
    char path[NAME_MAX + 8];
    int result = 0;
    snprintf(path, sizeof path, "%s/fd", pid);
    _cleanup_(cleanup_dir) DIR *directory = io_list(proc, path);
    if (!directory)
        fail(vfio, errno);
    for (struct dirent *entry; directory && (entry = io_next_entry(directory, &result));)
        if (entry->d_name[0] != '.')
            look_at_file(vfio, dirfd(directory), pid, entry->d_name);
    if (result < 0)
        fail(vfio, -result);
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
    int result = proc ? 0 : -errno;
    vfio->looked = true;
    /* libvirt's profile lets its hooks look at all but virt-aa-helper; each look would be a denial in the kernel's log.
     */
    bool confined = proc && is_confined(dirfd(proc));
    for (struct dirent *entry; proc && (entry = io_next_entry(proc, &result));)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            !(confined && libvirtd_is_helper(strtol(entry->d_name, NULL, 10))))
            look_at_process(vfio, dirfd(proc), entry->d_name);
    /* Half a list, or none, says nothing of the rest. */
    if (result < 0)
        vfio->failure = result;
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
        return is_out_of_sight(errno) ? 0 : -errno;
    if (!vfio->looked)
        look(vfio);
    for (size_t i = 0; i < vfio->count; i++)
        if (is_same_file(&vfio->opened[i].file, &file))
            return vfio->opened[i].process;
    return vfio->failure;
}

pid_t vfio_user(struct vfio *vfio, const char *group, const char *device)
{
    char path[sizeof "devices/" + VFIO_NAME_SIZE];
    pid_t by_group = group[0] ? find_user(vfio, group) : 0;
    if (by_group > 0 || !device[0])
        return by_group;
    snprintf(path, sizeof path, "devices/%s", device);
    pid_t by_device = find_user(vfio, path);
    return by_device ? by_device : by_group;
}
