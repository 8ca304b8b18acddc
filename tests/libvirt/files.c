/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fake.h"
#include "io.h"
#include "xml.h"

void must(bool true_, const char *what)
{
    if (true_)
        return;
    perror(what);
    abort();
}

static const char *libvirt_directory(void)
{
    static char directory[PATH_SIZE];
    if (getenv("FAKE_LIBVIRT"))
        return getenv("FAKE_LIBVIRT");
    if (!directory[0]) {
        ssize_t length = readlink("/proc/self/exe", directory, sizeof directory - sizeof "/libvirt");
        must(length > 0, "/proc/self/exe");
        directory[length] = '\0';
        char *end = strstr(directory, "/usr/sbin/");
        must(end, "FAKE_LIBVIRT is not set");
        strcpy(end, "/libvirt");
    }
    return directory;
}

char *path_of(char path[PATH_SIZE], const char *format, ...)
{
    int length = snprintf(path, PATH_SIZE, "%s/", libvirt_directory());
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path + length, PATH_SIZE - (size_t)length, format, arguments);
    va_end(arguments);
    return path;
}

bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

char *read_file(const char *path)
{
    char *text = NULL;
    size_t length;
    int result = io_read_file(AT_FDCWD, path, XML_MAX_BYTES, &text, &length);
    must(result == 0 || result == -ENOENT, path);
    return text;
}

void write_file(const char *path, const char *text)
{
    char directory[PATH_SIZE];
    snprintf(directory, sizeof directory, "%s", path);
    *strrchr(directory, '/') = '\0';
    must(mkdir(directory, 0755) == 0 || errno == EEXIST, directory);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    must(file >= 0 && io_write(file, text, strlen(text)) == 0 && close(file) == 0, path);
}

void remove_file(const char *path)
{
    must(unlink(path) == 0 || errno == ENOENT, path);
}

size_t list_files(const char *path, const char *suffix, char names[256][64])
{
    size_t count = 0;
    int result = 0;
    _cleanup_(cleanup_dir) DIR *directory = io_list(AT_FDCWD, path);
    for (struct dirent *entry; directory && (entry = io_next_entry(directory, &result));) {
        size_t length = strlen(entry->d_name), end = strlen(suffix);
        if (entry->d_name[0] == '.' || length <= end || strcmp(entry->d_name + length - end, suffix) != 0)
            continue;
        must(count < 256 && length - end < 64, path);
        snprintf(names[count++], 64, "%.*s", (int)(length - end), entry->d_name);
    }
    return count;
}
