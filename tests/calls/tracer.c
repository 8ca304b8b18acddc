/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tracer - run a program, and kill it before one of its system calls, or have that one fail
 *
 *   tracer WHO N WHAT SAY PROGRAM ARGUMENT...
 *
 * WHO    whose calls count: hook, the program itself; gate, vfpool-gate where that begins it; behind, what it leaves
 *        behind its back (setsid(2)); behind-gate, vfpool-gate where that one begins it
 * N      which of them, from 1 on; 0: none, they are counted
 * WHAT   kill: the process is killed before it makes that call. A number, from 0 on: the call fails in one of the ways
 *        in which it can, by the table below, and is not made; or it is made for half of the bytes
 * SAY    gets a line: how many calls there were, the call's number, and what became of it, "kill", an errno value,
 *        "short", or "-" where there is no such way; and whose call it was: "loader", before there is a program, or
 *        "program"
 *
 * What a libvirt or a kernel on files does (tests/libvirt, tests/kernel) is no call of the program's: they say so by
 * their name (prctl(2)). Exit status: the program's; 128 and more: a signal. It waits for the program and what that
 * began, a minute at most; who is behind its back is killed then, unless his calls count.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHORT (-1)
#define LONGEST_S 60
#define LATE_MS 1
#define LATE_STOPS 40
#define MAX_PROCESSES 256

static const struct ways {
    long call;
    int errors[7]; /* ended by 0 */
} all_ways[] = {
    {SYS_openat, {EACCES, EMFILE, ENFILE, ENOSPC, EIO, ENOMEM}},
    {SYS_open, {EACCES, EMFILE, ENFILE, ENOSPC, EIO, ENOMEM}},
    {SYS_read, {EIO, EINTR, SHORT}},
    {SYS_pread64, {EIO, SHORT}},
    {SYS_readlink, {EACCES, EIO, ENOMEM}},
    {SYS_readlinkat, {EACCES, EIO, ENOMEM}},
    {SYS_getdents64, {EIO, ENOMEM}},
    {SYS_write, {ENOSPC, EIO, EINTR, SHORT}},
    {SYS_pwrite64, {ENOSPC, EIO, SHORT}},
    {SYS_writev, {ENOSPC, EIO, EINTR}},
    {SYS_fsync, {EIO, ENOSPC}},
    {SYS_ftruncate, {EIO, ENOSPC}},
    {SYS_rename, {ENOSPC, EACCES, EIO}},
    {SYS_renameat, {ENOSPC, EACCES, EIO}},
    {SYS_renameat2, {ENOSPC, EACCES, EIO}},
    {SYS_symlinkat, {ENOSPC, EACCES, EIO, ENOMEM}},
    {SYS_mkdirat, {ENOSPC, EACCES, EIO}},
    {SYS_mkdir, {ENOSPC, EACCES, EIO}},
    {SYS_unlinkat, {EACCES, EIO}},
    {SYS_unlink, {EACCES, EIO}},
    {SYS_fchmod, {EPERM, EIO}},
    {SYS_newfstatat, {EACCES, EIO, ENOMEM}},
    {SYS_fstat, {EIO}},
    {SYS_statx, {EACCES, EIO}},
    {SYS_access, {EACCES, EIO}},
    {SYS_faccessat, {EACCES, EIO}},
    {SYS_faccessat2, {EACCES, EIO}},
    {SYS_flock, {EINTR, ENOLCK}},
    {SYS_fcntl, {EMFILE}},
    {SYS_dup, {EMFILE}},
    {SYS_dup2, {EMFILE}},
    {SYS_dup3, {EMFILE}},
    {SYS_pipe2, {EMFILE, ENFILE}},
    {SYS_socket, {EMFILE, ENFILE, EACCES, ENOMEM}},
    {SYS_bind, {EACCES, ENOMEM}},
    {SYS_sendto, {ENOMEM, EINTR}},
    {SYS_recvmsg, {ENOMEM, EINTR}},
    {SYS_memfd_create, {EMFILE, ENFILE, ENOMEM}},
    {SYS_pidfd_open, {EMFILE, ENFILE, ENOMEM}},
    {SYS_clone, {EAGAIN, ENOMEM}},
    {SYS_clone3, {EAGAIN, ENOMEM}},
    {SYS_fork, {EAGAIN, ENOMEM}},
    {SYS_vfork, {EAGAIN, ENOMEM}},
    {SYS_execve, {EACCES, ENOMEM, EMFILE}},
    {SYS_poll, {EINTR, ENOMEM}},
    {SYS_ppoll, {EINTR, ENOMEM}},
    {SYS_wait4, {EINTR}},
    {SYS_mmap, {ENOMEM}},
    {SYS_brk, {ENOMEM}},
    {SYS_mremap, {ENOMEM}},
};

struct process {
    pid_t pid;
    bool behind, gate;
    bool elsewhere; /* in libvirt, or in the kernel */
    bool inside;    /* of a call */
    int failure;    /* what the call that it is in returns then; 0: what it returns */
    bool changed;   /* what that was called with, which the process relies on to find there afterwards */
    unsigned long long rdi, rdx;
};

static struct process processes[MAX_PROCESSES];
static size_t process_count;
static const char *who, *what;
static unsigned long wanted, count;
static long met = -1;
static char became[16] = "-";
static bool of_loader;

static void die(const char *words)
{
    perror(words);
    exit(2);
}

static struct process *find(pid_t pid)
{
    for (size_t i = 0; i < process_count; i++)
        if (processes[i].pid == pid)
            return &processes[i];
    if (process_count == MAX_PROCESSES) {
        errno = ENOBUFS;
        die("processes");
    }
    processes[process_count] = (struct process){.pid = pid};
    return &processes[process_count++];
}

static bool counts(const struct process *process)
{
    bool gate = strcmp(who, "gate") == 0 || strcmp(who, "behind-gate") == 0;
    bool behind = strncmp(who, "behind", 6) == 0;
    return !process->elsewhere && process->gate == gate && process->behind == behind;
}

/* The way that is asked for. Return: an errno value, SHORT, or 0: there is none. */
static int find_way(long call)
{
    unsigned long number = strtoul(what, NULL, 10);
    for (size_t i = 0; i < sizeof all_ways / sizeof *all_ways; i++)
        if (all_ways[i].call == call)
            for (size_t j = 0; j <= number; j++) {
                if (!all_ways[i].errors[j])
                    return 0;
                if (j == number)
                    return all_ways[i].errors[j];
            }
    return 0;
}

/* Called with other arguments. */
static void change(struct process *process, struct user_regs_struct *registers, unsigned long long rdi,
                   unsigned long long rdx)
{
    process->changed = true;
    process->rdi = registers->rdi;
    process->rdx = registers->rdx;
    registers->rdi = rdi;
    registers->rdx = rdx;
    if (ptrace(PTRACE_SETREGS, process->pid, NULL, registers) < 0)
        die("PTRACE_SETREGS");
}

static void cut_short(struct process *process, struct user_regs_struct *registers)
{
    if (registers->rdx < 2)
        return;
    change(process, registers, registers->rdi, registers->rdx / 2);
    snprintf(became, sizeof became, "short");
}

static void make_fail(struct process *process, struct user_regs_struct *registers, int error)
{
    snprintf(became, sizeof became, "%d", error);
    /* The kernel's brk(2) has no errors: it says where the break is, which stays where it was. */
    if (registers->orig_rax == SYS_brk) {
        change(process, registers, 0, registers->rdx);
        return;
    }
    process->failure = error;
    registers->orig_rax = (unsigned long long)-1;
    if (ptrace(PTRACE_SETREGS, process->pid, NULL, registers) < 0)
        die("PTRACE_SETREGS");
}

/* Return: whether the call is the dynamic loader's (ld.so(8)). */
static bool is_in_loader(pid_t pid, unsigned long long address)
{
    char path[64], line[4096 + 128];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    if (!maps)
        die(path);
    while (!found && fgets(line, sizeof line, maps)) {
        char *end;
        unsigned long long from = strtoull(line, &end, 16), to = strtoull(end + 1, NULL, 16);
        found = from <= address && address < to && strstr(line, "/ld-");
    }
    fclose(maps);
    return found;
}

/* Return: whether the process lives. */
static bool do_it(struct process *process, struct user_regs_struct *registers)
{
    met = (long)registers->orig_rax;
    of_loader = is_in_loader(process->pid, registers->rip);
    if (strcmp(what, "kill") == 0) {
        snprintf(became, sizeof became, "kill");
        if (kill(process->pid, SIGKILL) < 0)
            die("kill");
        return false;
    }
    int way = find_way(met);
    if (way == SHORT)
        cut_short(process, registers);
    else if (way > 0)
        make_fail(process, registers, way);
    return true;
}

/* Its name is "in libvirt", or "in the kernel", as long as it is there. */
static void look_where(struct process *process, const struct user_regs_struct *registers)
{
    char name[sizeof(long)];
    if (registers->orig_rax != SYS_prctl || registers->rdi != PR_SET_NAME)
        return;
    errno = 0;
    long word = ptrace(PTRACE_PEEKDATA, process->pid, (void *)registers->rsi, NULL); /* NOLINT: an address there */
    if (errno != 0)
        die("PTRACE_PEEKDATA");
    memcpy(name, &word, sizeof name);
    process->elsewhere = strncmp(name, "in ", 3) == 0;
}

/* Return: whether the process lives. */
static bool enter(struct process *process, struct user_regs_struct *registers)
{
    /* The one by which it says so stands for what it asks for there. */
    bool mine = counts(process);
    look_where(process, registers);
    if (registers->orig_rax == SYS_setsid)
        process->behind = true;
    return !mine || ++count != wanted || do_it(process, registers);
}

static void leave(struct process *process, struct user_regs_struct *registers)
{
    if (!process->failure && !process->changed)
        return;
    if (process->failure)
        registers->rax = (unsigned long long)-process->failure;
    if (process->changed) {
        registers->rdi = process->rdi;
        registers->rdx = process->rdx;
    }
    process->failure = 0;
    process->changed = false;
    if (ptrace(PTRACE_SETREGS, process->pid, NULL, registers) < 0)
        die("PTRACE_SETREGS");
}

static void see_program(struct process *process)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/%d/exe", (int)process->pid);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        die(link);
    path[length] = '\0';
    process->gate = strstr(path, "/vfpool-gate") != NULL;
    process->elsewhere = false;
    process->inside = true; /* it leaves execve() */
}

/* Return: the signal to go on with, or -1 when the process was killed. */
static int see_stop(struct process *process, int status)
{
    struct user_regs_struct registers;
    unsigned long child;
    int signal = WSTOPSIG(status), event = status >> 16;
    if (event == PTRACE_EVENT_EXEC)
        see_program(process);
    if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
        if (ptrace(PTRACE_GETEVENTMSG, process->pid, NULL, &child) < 0)
            die("PTRACE_GETEVENTMSG");
        bool behind = process->behind, gate = process->gate;
        struct process *new = find((pid_t)child);
        new->behind = behind;
        new->gate = gate;
    }
    if (signal != (SIGTRAP | 0x80))
        return event != 0 || signal == SIGSTOP || signal == SIGTRAP ? 0 : signal;
    if (ptrace(PTRACE_GETREGS, process->pid, NULL, &registers) < 0)
        return 0; /* it was killed */
    process->inside = !process->inside;
    if (process->inside)
        return enter(process, &registers) ? 0 : -1;
    leave(process, &registers);
    return 0;
}

static bool is_over(void)
{
    for (size_t i = 0; i < process_count; i++)
        if (processes[i].pid && (!processes[i].behind || strncmp(who, "behind", 6) == 0))
            return false;
    return true;
}

/*
 * One that ended is its parent's to wait for when it was waited for here, and the parent has to bear that this takes a
 * while: what else there is goes first, but not for ever.
 */
static pid_t wait_for_any(int *status)
{
    static unsigned int late;
    siginfo_t info, other = {0};
    if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOWAIT | __WALL) < 0)
        return -1;
    if (info.si_code != CLD_EXITED && info.si_code != CLD_KILLED)
        return waitpid(info.si_pid, status, __WALL);
    if (late++ < LATE_STOPS) {
        poll(NULL, 0, LATE_MS);
        if (waitid(P_ALL, 0, &other, WSTOPPED | WNOWAIT | WNOHANG | __WALL) == 0 && other.si_pid != 0)
            return waitpid(other.si_pid, status, __WALL);
    }
    late = 0;
    return waitpid(info.si_pid, status, __WALL);
}

static void interrupt(int number)
{
    (void)number;
}

/* Where each process that has not ended is. */
static void complain(void)
{
    fprintf(stderr, "tracer: not over after %d s\n", LONGEST_S);
    for (size_t i = 0; i < process_count; i++) {
        char path[64], line[256];
        snprintf(path, sizeof path, "/proc/%d/%s", (int)processes[i].pid, processes[i].inside ? "syscall" : "stat");
        FILE *file = processes[i].pid ? fopen(path, "re") : NULL;
        if (file && fgets(line, sizeof line, file))
            fprintf(stderr, "%s%s%s: %s", path, processes[i].gate ? ", gate" : "",
                    processes[i].behind ? ", behind" : "", line);
        if (file)
            fclose(file);
    }
}

static int watch(pid_t program)
{
    int ended = 0;
    while (!is_over()) {
        int status;
        pid_t pid = wait_for_any(&status);
        if (pid < 0 && errno == ECHILD)
            return ended;
        if (pid < 0 && errno == EINTR)
            complain();
        if (pid < 0)
            die("waitpid");
        if (!WIFSTOPPED(status)) {
            if (pid == program)
                ended = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            find(pid)->pid = 0;
            continue;
        }
        int signal = see_stop(find(pid), status);
        if (signal >= 0 && ptrace(PTRACE_SYSCALL, pid, NULL, signal) < 0 && errno != ESRCH)
            die("PTRACE_SYSCALL");
    }
    return ended;
}

static pid_t start(char **argv)
{
    int status;
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0)
            die("PTRACE_TRACEME");
        execvp(argv[0], argv);
        die(argv[0]);
    }
    if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, pid, NULL,
               PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK |
                   PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE) < 0)
        die("PTRACE_SETOPTIONS");
    return pid;
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "usage: tracer WHO N WHAT SAY PROGRAM ARGUMENT...\n");
        return 2;
    }
    who = argv[1];
    wanted = strtoul(argv[2], NULL, 10);
    what = argv[3];
    FILE *say = fopen(argv[4], "we");
    if (!say)
        die(argv[4]);
    sigaction(SIGALRM, &(const struct sigaction){.sa_handler = interrupt}, NULL);
    alarm(LONGEST_S);
    pid_t program = start(argv + 5);
    /* Until it is the program, its calls are ours. */
    find(program)->elsewhere = true;
    if (ptrace(PTRACE_SYSCALL, program, NULL, 0) < 0)
        die("PTRACE_SYSCALL");
    int status = watch(program);
    if (fprintf(say, "%lu %ld %s %s\n", count, met, became, of_loader ? "loader" : "program") < 0 || fclose(say) != 0)
        die(argv[4]);
    return status;
}
