/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "io.h"

#define HOOKS "etc/libvirt/hooks"
#define MAX_HOOK_BYTES ((size_t)16 * 1024 * 1024)
#define HOOK_PATH_SIZE (sizeof HOOKS + 2 * NAME_MAX)

/* A script's first line: #!, spaces, the interpreter (Linux fs/binfmt_script.c). */
static int check_interpreter(int root, const char *path, char *line, struct error *error)
{
    char *interpreter = line + 2 + strspn(line + 2, " \t");
    interpreter[strcspn(interpreter, " \t\r\n")] = '\0';
    const char *from_root = interpreter + strspn(interpreter, "/");
    if (interpreter[0] == '/' && faccessat(root, from_root, X_OK, 0) == 0)
        return 0;
    return error_set(error, ENOEXEC, "/%s cannot be run: its interpreter '%s' is not there", path, interpreter);
}

static int check_file(int root, const char *path, struct error *error)
{
    char start[256] = "";
    struct stat status;
    _cleanup_(cleanup_close) int file = openat(root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 || fstat(file, &status) < 0 || !S_ISREG(status.st_mode) || !(status.st_mode & S_IXUSR))
        return 0;
    if (read(file, start, sizeof start - 1) < 0)
        return error_set(error, ENOEXEC, "/%s cannot be read: %s", path, strerror(errno));
    if (strncmp(start, "#!", 2) == 0)
        return check_interpreter(root, path, start, error);
    /* Programs of this machine; other formats need a binfmt_misc that a hook had better not rely on. */
    if (memcmp(start, "\177ELF", 4) == 0)
        return 0;
    return error_set(error, ENOEXEC, "/%s cannot be run: it is no program, and no script that begins with #!", path);
}

int hooks_check(int root, const char *kind, struct error *error)
{
    char path[HOOK_PATH_SIZE];
    snprintf(path, sizeof path, HOOKS "/%s", kind);
    int result = check_file(root, path, error), listed = 0;
    snprintf(path, sizeof path, HOOKS "/%s.d", kind);
    _cleanup_(cleanup_dir) DIR *directory = io_list(root, path);
    for (struct dirent *entry; directory && result == 0 && (entry = io_next_entry(directory, &listed));) {
        snprintf(path, sizeof path, HOOKS "/%s.d/%s", kind, entry->d_name);
        result = entry->d_name[0] == '.' ? 0 : check_file(root, path, error);
    }
    return result == 0 && listed < 0
               ? error_set(error, ENOEXEC, "/" HOOKS "/%s.d cannot be read: %s", kind, strerror(-listed))
               : result;
}

/* A program with the marker of ours (hook/program.c), or a script that names vfpool. */
static bool is_ours(int root, const char *path, bool *program)
{
    static const char marker[] = "vfpool-program urn:vfpool:1";
    _cleanup_(cleanup_free) char *data = NULL;
    size_t length = 0;
    if (faccessat(root, path, X_OK, 0) < 0 || io_read_file(root, path, MAX_HOOK_BYTES, &data, &length) < 0)
        return false;
    *program = length > 4 && memcmp(data, "\177ELF", 4) == 0;
    const char *name = *program ? marker : "vfpool";
    return memmem(data, length, name, strlen(name));
}

bool hooks_find(int root, const char *kind, char path[HOOKS_PATH_SIZE], bool *program)
{
    static const char *const places[] = {".d/vfpool", ""};
    bool is_program = false, found = false;
    for (size_t i = 0; i < sizeof places / sizeof *places && !found; i++) {
        snprintf(path, HOOKS_PATH_SIZE, HOOKS "/%s%s", kind, places[i]);
        found = is_ours(root, path, &is_program);
    }
    if (program)
        *program = is_program;
    return found;
}

bool hooks_are_put(int root)
{
    char path[HOOKS_PATH_SIZE];
    return hooks_find(root, "qemu", path, NULL);
}
