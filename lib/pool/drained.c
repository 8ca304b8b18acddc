/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drained.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "memory.h"
#include "trust.h"

#define MAX_BYTES ((size_t)4096)
#define PATH_SIZE (sizeof DRAINED_DIRECTORY "/" + PCIADDR_SIZE)

static const char *path_of(const struct pciaddr *address, char path[PATH_SIZE])
{
    char text[PCIADDR_SIZE];
    snprintf(path, PATH_SIZE, DRAINED_DIRECTORY "/%s", pciaddr_format(address, text));
    return path;
}

static void printf_like(3, 4) format_line(char *line, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    lines_format(line, size, format, arguments);
    va_end(arguments);
}

/* For XML and terminals, whoever wrote it. Return: the caller's. */
static char *printable(const char *words)
{
    char line[DRAINED_WORDS_SIZE];
    format_line(line, sizeof line, "%s", words);
    return memory_copy(line);
}

/* A line of text; whatever else is there, it is drained. */
static char *read_words(int directory, const char *file)
{
    _cleanup_(cleanup_free) char *words = NULL;
    size_t length = 0;
    if (trust_read_file(directory, file, MAX_BYTES, &words, &length) < 0)
        return memory_copy("by a file that cannot be read");
    words[strcspn(words, "\n")] = '\0';
    return words[0] ? printable(words) : memory_copy("by a file that says nothing");
}

int drained_load(int root, struct drained *drained, struct error *error)
{
    int result = 0;
    *drained = (struct drained){0};
    _cleanup_(cleanup_dir) DIR *directory = io_list(root, DRAINED_DIRECTORY);
    if (!directory)
        return errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : error_set(error, errno, "cannot open /" DRAINED_DIRECTORY ": %s", strerror(errno));
    for (struct dirent *entry; (entry = io_next_entry(directory, &result));) {
        struct drained_device device;
        if (pciaddr_parse(entry->d_name, &device.address) < 0)
            continue;
        device.words = read_words(dirfd(directory), entry->d_name);
        drained->devices = memory_resize(drained->devices, drained->count + 1, sizeof *drained->devices);
        drained->devices[drained->count++] = device;
    }
    return result < 0 ? error_set(error, -result, "cannot read /" DRAINED_DIRECTORY ": %s", strerror(-result)) : 0;
}

void drained_free(struct drained *drained)
{
    for (size_t i = 0; i < drained->count; i++)
        free(drained->devices[i].words);
    free(drained->devices);
    *drained = (struct drained){0};
}

const char *drained_find(const struct drained *drained, const struct pciaddr *pf, const struct pciaddr *vf)
{
    for (size_t i = 0; i < drained->count; i++)
        if (pciaddr_equal(&drained->devices[i].address, pf) || pciaddr_equal(&drained->devices[i].address, vf))
            return drained->devices[i].words;
    return NULL;
}

/* With the directories on the way. Return: a descriptor or a negative errno value. */
static int open_directory(int root)
{
    static const char *const way[] = {"var", "var/lib"};
    for (size_t i = 0; i < sizeof way / sizeof *way; i++)
        if (mkdirat(root, way[i], 0755) < 0 && errno != EEXIST)
            return -errno;
    _cleanup_(cleanup_close) int state = io_open_directory(root, "var/lib/vfpool", true);
    return state < 0 ? state : io_open_directory(state, "drained", true);
}

int drained_add(int root, const struct pciaddr *address, const char *words, struct error *error)
{
    char path[PATH_SIZE], text[PCIADDR_SIZE];
    _cleanup_(cleanup_close) int directory = open_directory(root);
    if (directory >= 0 && io_may_be(root, path_of(address, path)))
        return -EEXIST;
    _cleanup_(cleanup_free) char *clean = printable(words);
    _cleanup_(cleanup_free) char *line = memory_format("%s\n", clean);
    int result = directory < 0
                     ? directory
                     : io_replace_file(directory, ".new", pciaddr_format(address, text), line, strlen(line), 0600);
    return result < 0 ? error_set(error, -result, "cannot write /%s: %s", path_of(address, path), strerror(-result))
                      : 0;
}

int drained_remove(int root, const struct pciaddr *address, struct error *error)
{
    char path[PATH_SIZE];
    if (unlinkat(root, path_of(address, path), 0) == 0)
        return 0;
    return errno == ENOENT ? -ENOENT : error_set(error, errno, "cannot remove /%s: %s", path, strerror(errno));
}
