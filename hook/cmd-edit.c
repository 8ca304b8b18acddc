/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* As virsh edit: what is wrong is said, and the editor comes back with what was written. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "define.h"
#include "io.h"
#include "memory.h"
#include "program.h"

extern char **environ;

struct text {
    char *data;
    size_t length;
};

static void free_text(struct text *text)
{
    free(text->data);
}

static bool is_alike(const struct text *a, const struct text *b)
{
    return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

/* As git(1) takes them: what the shell makes of $VISUAL, else $EDITOR, with the file's name behind. */
static int run_editor(const char *path, struct error *error)
{
    const char *visual = getenv("VISUAL"), *editor = getenv("EDITOR");
    const char *chosen = visual && visual[0] ? visual : editor && editor[0] ? editor : "vi";
    _cleanup_(cleanup_free) char *command = memory_format("%s \"$1\"", chosen);
    char *arguments[] = {(char[]){"sh"}, (char[]){"-c"}, command, (char[]){"sh"}, memory_copy(path), NULL};
    pid_t process = 0;
    int status = 0, failure = posix_spawn(&process, "/bin/sh", NULL, NULL, arguments, environ);
    free(arguments[4]);
    if (failure)
        return error_set(error, failure, "cannot run '%s': %s", chosen, strerror(failure));
    while (waitpid(process, &status, 0) < 0)
        if (errno != EINTR)
            return error_set(error, errno, "cannot wait for '%s': %s", chosen, strerror(errno));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0
               ? 0
               : error_set(error, ECANCELED, "'%s' did not end with exit status 0: nothing is changed", chosen);
}

/* A file of the pool's text, for the editor. */
static int make_file(const struct text *text, char *path, size_t size, struct error *error)
{
    const char *directory = getenv("TMPDIR");
    int length = snprintf(path, size, "%s/vfpool-XXXXXX.xml", directory && directory[0] ? directory : "/tmp");
    if ((size_t)length >= size)
        return error_set(error, ENAMETOOLONG, "$TMPDIR is too long");
    _cleanup_(cleanup_close) int fd = mkostemps(path, 4, O_CLOEXEC);
    int result = fd < 0 ? -errno : io_write(fd, text->data, text->length);
    return result < 0 ? error_set(error, -result, "cannot write %s: %s", path, strerror(-result)) : 0;
}

/* Return: whether the editor is to come back. Nobody is asked who is not there. */
static bool ask(const struct error *problem)
{
    char *line = NULL;
    size_t size = 0;
    bool again = false;
    if (!isatty(STDIN_FILENO))
        return false;
    fprintf(stderr, "vfpool: %s\n", problem->message);
    while (true) {
        fputs("Try again? [y,n]: ", stderr);
        if (getline(&line, &size, stdin) < 0)
            break;
        again = line[0] == 'y' || line[0] == 'Y';
        if (again || line[0] == 'n' || line[0] == 'N')
            break;
    }
    free(line);
    return again;
}

/* The file is another one by now, by somebody else's hand. */
static int check_same(int root, const char *name, const struct text *before, struct error *error)
{
    _cleanup_(free_text) struct text now = {0};
    int result = define_read(root, name, &now.data, &now.length, error);
    if (result < 0)
        return result;
    return is_alike(&now, before) ? 0 : error_set(error, EBUSY, "pool '%s' was changed meanwhile", name);
}

/* One round. Return: 0, 1 when nothing was changed, or a negative errno value. */
static int edit(int root, const char *path, const struct text *before, const struct define_options *options,
                struct lines *done, struct error *error)
{
    _cleanup_(free_text) struct text after = {0};
    _cleanup_(cleanup_free) char *words = memory_format("%s.xml", options->name);
    int result = run_editor(path, error);
    if (result == 0)
        result = command_read(path, &after.data, &after.length, error);
    if (result < 0)
        return result;
    if (is_alike(&after, before))
        return 1;
    result = check_same(root, options->name, before, error);
    return result < 0 ? result : define_pool(root, after.data, after.length, words, options, done, error);
}

static int edit_until_right(int root, const struct text *before, const struct define_options *options,
                            struct lines *done, struct error *error)
{
    char path[PATH_MAX];
    int result = make_file(before, path, sizeof path, error);
    if (result < 0)
        return result;
    do {
        result = edit(root, path, before, options, done, error);
    } while (result < 0 && !done->text && ask(error));
    if (result >= 0 || done->text)
        unlink(path);
    else
        error_note(error, "what was written is in %s", path);
    if (result > 0)
        lines_add(done, "pool '%s' was not changed", options->name);
    return result < 0 ? result : 0;
}

int cmd_edit(int root, int argc, char **argv, struct error *error)
{
    struct command_flags flags = {0};
    int first = command_flags(argc, argv, "alone", &flags, error);
    if (first < 0 || command_takes_one(argc - first, "edit takes one pool", error) < 0)
        return COMMAND_USAGE;
    const struct define_options options = {.name = argv[first], .alone = flags.alone};
    _cleanup_(lines_free) struct lines done = {NULL};
    _cleanup_(free_text) struct text before = {0};
    int result = define_read(root, options.name, &before.data, &before.length, error);
    if (result == 0)
        result = edit_until_right(root, &before, &options, &done, error);
    return program_report(&done, result, error);
}
