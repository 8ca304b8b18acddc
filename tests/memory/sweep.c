/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sweep - fail allocations of a call in turn
 *
 *   sweep STATUS FAIL.SO INPUT VFPOOL PROGRAM ARGUMENT...
 *
 * Below $VFPOOL_ROOT the program is run once whole, then once for some 12 allocations of the thousands that it makes,
 * evenly spread, and for each of the last four, from the same ledger each time; with SWEEP=some for 60 and the last
 * 20, with SWEEP=all for every one. Each of these has to be whole as well (the same output, exit status and ledger), or
 * to end with exit status STATUS, nothing on standard output and one line on standard error. The ledger is then what it
 * was, or what the whole call makes of it, once VFPOOL has looked at it, which repairs what a kill leaves; with
 * SWEEP_AGAIN=1 it may be anything from which the same call, made again, makes that. The libvirt on files in
 * $FAKE_LIBVIRT, if there is one, counts as a part of the ledger.
 *
 * Prints "N of N allocations: N whole, N ended before a change, N after it"; exit status 1 when one is neither.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNMET 8
#define MAX_BYTES ((size_t)1 << 20)

struct run {
    int status; /* of the program; 128 and more: a signal */
    char *output, *errors, *ledger;
};

static const char *fail_so, *input, *vfpool, *root;
static char **program;
/* What a call changes, and what it was before. */
static char ledgers[2][4096], before[2][4200], mark[4200], tally[4200];
static size_t ledger_count;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static char *copy_text(int fd)
{
    char *text = calloc(1, MAX_BYTES);
    ssize_t length = pread(fd, text, MAX_BYTES - 1, 0);
    if (length < 0)
        die("read");
    return text;
}

static pid_t start(char **argv, char **environment, const char *stdin_path, int out, int err)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, stdin_path, O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    /* vfpool-gate finds the root there (lib/libvirt/gate-protocol.h). */
    posix_spawn_file_actions_addopen(&actions, 3, root, O_RDONLY | O_DIRECTORY, 0);
    if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environment) != 0)
        die(argv[0]);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static int wait_for(pid_t pid)
{
    int status;
    if (waitpid(pid, &status, 0) < 0)
        die("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void command(char **argv)
{
    extern char **environ;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (wait_for(start(argv, environ, "/dev/null", null, null)) != 0)
        die(argv[0]);
    close(null);
}

/* ---- the ledger, as text ---- */

/* The time of a claim is when it was made, by two clocks. */
static void mask_time(char *text)
{
    static const char *const names[] = {" since=\"", " clock=\""};
    for (size_t i = 0; i < 2; i++) {
        char *found = strstr(text, names[i]), *value = found ? found + strlen(names[i]) : NULL;
        if (value)
            memmove(value, value + strcspn(value, "\""), strlen(value + strcspn(value, "\"")) + 1);
    }
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Turns hold times and inode numbers, and are no part of what is claimed; nor is what libvirt was asked.
 */
static int is_entry(const struct dirent *entry)
{
    static const char *const others[] = {"turns", "calls"};
    bool is_other = entry->d_name[0] == '.';
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        is_other |= strcmp(entry->d_name, others[i]) == 0;
    return !is_other;
}

static void describe(FILE *to, const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_entry, by_name);
    for (int i = 0; i < count; i++) {
        char name[8192], text[65536] = "";
        struct stat status;
        snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        if (lstat(name, &status) < 0)
            die(name);
        int fd = S_ISREG(status.st_mode) ? open(name, O_RDONLY | O_CLOEXEC) : -1;
        ssize_t length = S_ISLNK(status.st_mode) ? readlink(name, text, sizeof text - 1)
                         : fd >= 0               ? read(fd, text, sizeof text - 1)
                                                 : 0;
        if (fd >= 0)
            close(fd);
        if (length < 0)
            die(name);
        mask_time(text);
        fprintf(to, "%s: %s\n", name, text);
        if (S_ISDIR(status.st_mode))
            describe(to, name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static char *read_ledger(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);
    for (size_t i = 0; i < ledger_count; i++)
        describe(to, ledgers[i]);
    if (fclose(to) != 0)
        die("open_memstream");
    return text;
}

static void save_ledger(void)
{
    for (size_t i = 0; i < ledger_count; i++)
        command((char *[]){"cp", "-a", ledgers[i], before[i], NULL});
}

/* An offer holds for one inode of witness/daemon, which no call that is tried here writes. */
static void restore_ledger(void)
{
    for (size_t i = 0; i < ledger_count; i++) {
        char from[8500];
        snprintf(from, sizeof from, "%s/.", before[i]);
        command((char *[]){"find", ledgers[i], "-mindepth", "1", "!", "-path", "*/witness", "!", "-path",
                           "*/witness/daemon", "-delete", NULL});
        command((char *[]){"cp", "-a", from, ledgers[i], NULL});
    }
}

static void add_ledger(const char *format, const char *path)
{
    snprintf(ledgers[ledger_count], sizeof *ledgers, format, path);
    snprintf(before[ledger_count], sizeof *before, "%s.before", ledgers[ledger_count]);
    ledger_count++;
}

/* ---- one call ---- */

/* As libvirt calls a hook: next to nothing in the environment. */
static struct run run(unsigned long fail_at)
{
    char preload[4200], at[64], where[4200], marked[4300], counted[4300], libvirt[4200];
    struct run result;
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", fail_so);
    snprintf(at, sizeof at, "FAIL_AT=%lu", fail_at);
    snprintf(where, sizeof where, "VFPOOL_ROOT=%s", root);
    snprintf(libvirt, sizeof libvirt, "FAKE_LIBVIRT=%s", getenv("FAKE_LIBVIRT") ? getenv("FAKE_LIBVIRT") : "");
    snprintf(marked, sizeof marked, "FAIL_MARK=%s", mark);
    snprintf(counted, sizeof counted, "%s=%s", fail_at > 0 ? "NO_COUNT" : "FAIL_COUNT", tally);
    (void)unlink(tally); /* of a run before this one */
    char *environment[] = {
        preload, at, where, marked, counted, libvirt, "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    int out = memfd_create("output", MFD_CLOEXEC), err = memfd_create("errors", MFD_CLOEXEC);
    result.status = wait_for(start(program, environment, input, out, err));
    result.output = copy_text(out);
    result.errors = copy_text(err);
    result.ledger = read_ledger();
    close(out);
    close(err);
    return result;
}

static void forget(struct run *run)
{
    free(run->output);
    free(run->errors);
    free(run->ledger);
}

static bool is_one_line(const char *text)
{
    const char *end = strchr(text, '\n');
    return end && end > text && end[1] == '\0';
}

static bool is_whole(const struct run *run, const struct run *whole)
{
    return run->status == whole->status && strcmp(run->output, whole->output) == 0 &&
           strcmp(run->errors, whole->errors) == 0 && strcmp(run->ledger, whole->ledger) == 0;
}

/* Whether a call that ended did so as it should, but for the ledger. */
static bool has_ended(const struct run *run, int status)
{
    return run->status == status && run->output[0] == '\0' && is_one_line(run->errors);
}

static void repair(struct run *run)
{
    command((char *[]){(char *)vfpool, "status", NULL});
    free(run->ledger);
    run->ledger = read_ledger();
}

/* Whether the same call, made again, finds a way from where this one ended. */
static bool is_mended(const struct run *whole)
{
    if (!getenv("SWEEP_AGAIN"))
        return false;
    struct run again = run(0);
    bool mended = again.status == 0 && strcmp(again.ledger, whole->ledger) == 0;
    if (!mended)
        printf("made again: exit status %d\n%s%s%s", again.status, again.output, again.errors, again.ledger);
    forget(&again);
    return mended;
}

/* Of the run that left it. */
static unsigned long read_count(void)
{
    char text[32] = "";
    int fd = open(tally, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
        die(tally);
    close(fd);
    return strtoul(text, NULL, 10);
}

static unsigned long next_after(unsigned long i, unsigned long total)
{
    const char *sweep = getenv("SWEEP");
    bool all = sweep && strcmp(sweep, "all") == 0, some = sweep && strcmp(sweep, "some") == 0;
    unsigned long spread = some ? 60 : 12, last = some ? 20 : 4;
    return all || i + last >= total ? i + 1 : i + 1 + total / spread;
}

int main(int argc, char **argv)
{
    root = getenv("VFPOOL_ROOT");
    if (argc < 6 || !root) {
        fprintf(stderr, "usage: VFPOOL_ROOT=... sweep STATUS FAIL.SO INPUT VFPOOL PROGRAM ARGUMENT...\n");
        return 2;
    }
    int status = atoi(argv[1]);
    fail_so = argv[2];
    input = argv[3];
    vfpool = argv[4];
    program = argv + 5;
    add_ledger("%s/run/vfpool", root);
    if (getenv("FAKE_LIBVIRT"))
        add_ledger("%s", getenv("FAKE_LIBVIRT"));
    snprintf(mark, sizeof mark, "%s.mark", ledgers[0]);
    snprintf(tally, sizeof tally, "%s.count", ledgers[0]);
    /* Libxml2 takes addresses for random numbers. Where it is forbidden, a run may meet a neighbour. */
    (void)personality(ADDR_NO_RANDOMIZE);
    save_ledger();
    char *unchanged = read_ledger();
    struct run whole = run(0);
    unsigned long count = 0, same = 0, ended = 0, late = 0;
    restore_ledger();
    if (whole.status != 0)
        die("the call fails by itself");
    unsigned long total = read_count();
    /* That many runs in a row without a failure are no accident. */
    for (unsigned long i = 1, unmet = 0; unmet < UNMET; i = next_after(i, total)) {
        struct run one = run(i);
        unmet = unlink(mark) == 0 ? 0 : unmet + 1;
        count += unmet == 0;
        bool changed = strcmp(one.ledger, unchanged) != 0;
        if (changed && !is_whole(&one, &whole))
            repair(&one);
        if (is_whole(&one, &whole))
            same += unmet == 0;
        else if (has_ended(&one, status) && strcmp(one.ledger, unchanged) == 0)
            ended++;
        else if (has_ended(&one, status) && (strcmp(one.ledger, whole.ledger) == 0 || is_mended(&whole)))
            late++;
        else
            printf("allocation %lu: exit status %d\n%s%s%s", i, one.status, one.output, one.errors, one.ledger);
        if (changed)
            restore_ledger();
        forget(&one);
    }
    printf("%lu of %lu allocations: %lu whole, %lu ended before a change, %lu after it\n", count, total, same, ended,
           late);
    for (size_t i = 0; i < ledger_count; i++)
        command((char *[]){"rm", "-rf", before[i], NULL});
    forget(&whole);
    free(unchanged);
    return same + ended + late == count && ended > 0 ? 0 : 1;
}
