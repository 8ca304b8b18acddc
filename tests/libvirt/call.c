/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each call begins and ends with, and the faults that a test asks for; the last error. */
#include <errno.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>

#include "fake.h"

static struct {
    int code;
    char words[512];
} last;

int fail(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last.words, sizeof last.words, format, arguments);
    va_end(arguments);
    last.code = code;
    return -1;
}

/* Of tests/memory/fail.c, where it is preloaded: a call is libvirt's own doing, and done whole or not at all. */
void fail_pause(bool paused) __attribute__((weak));

/* And of tests/calls/tracer.c, which goes by the name. */
static void pause_failures(bool paused)
{
    prctl(PR_SET_NAME, paused ? "in libvirt" : "vfpool-gate");
    if (fail_pause)
        fail_pause(paused);
}

void end_call(struct call *call)
{
    pause_failures(false);
    if (call->kill)
        raise(SIGKILL);
    close(call->lock);
}

/* Return: whether the call is to fail. */
static bool meet_fault(struct call *call, const char *name, int number)
{
    char path[PATH_SIZE], which[64] = "", what[16] = "";
    _cleanup_(cleanup_free) char *fault = read_file(path_of(path, "fault"));
    if (!fault || sscanf(fault, "%63s %15s", which, what) != 2 || (strcmp(which, name) != 0 && atoi(which) != number))
        return false;
    if (strcmp(what, "kill") == 0)
        raise(SIGKILL);
    if (strcmp(what, "hang") == 0)
        close(call->lock);
    while (strcmp(what, "hang") == 0)
        pause();
    call->kill = strcmp(what, "killed") == 0;
    return strcmp(what, "fail") == 0;
}

bool begin_call(struct call *call, const char *name, const char *object)
{
    char path[PATH_SIZE];
    int number = 1;
    pause_failures(true);
    call->lock = open(path_of(path, "lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    must(call->lock >= 0 && flock(call->lock, LOCK_EX) == 0, path);
    _cleanup_(cleanup_free) char *calls = read_file(path_of(path, "calls"));
    for (const char *byte = calls; byte && *byte; byte++)
        number += *byte == '\n';
    int log = open(path_of(path, "calls"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    must(log >= 0 && dprintf(log, "%s %s\n", name, object) > 0 && close(log) == 0, path);
    last.code = 0;
    if (!meet_fault(call, name, number))
        return true;
    fail(VIR_ERR_INTERNAL_ERROR, "%s is made to fail", name);
    return false;
}

void virSetErrorFunc(void *context, virErrorFunc handler)
{
    (void)context, (void)handler;
}

const char *virGetLastErrorMessage(void)
{
    return last.code ? last.words : "no error";
}

int virGetLastErrorCode(void)
{
    return last.code;
}
