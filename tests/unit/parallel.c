/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parallel.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "io.h"
#include "tap.h"

static int late_ones;

static int say(size_t number, void *context, struct lines *done, struct error *error)
{
    (void)context;
    lines_add(done, "done %zu", number);
    error_note(error, "note %zu", number);
    return number == 1 ? error_set(error, EIO, "failed %zu", number) : 0;
}

static int die(size_t number, void *context, struct lines *done, struct error *error)
{
    if (number == 0)
        raise(SIGKILL);
    return say(2 * number, context, done, error);
}

static int hang(size_t number, void *context, struct lines *done, struct error *error)
{
    while (number == 0)
        pause();
    return say(2 * number, context, done, error);
}

static void late(size_t number, void *context, struct error *error)
{
    (void)context;
    late_ones++;
    (void)error_set(error, ETIMEDOUT, "work %zu is late", number);
}

/* @count works. Return: what parallel_run() says, its lines in @said, which the caller frees */
static int run(int (*work)(size_t, void *, struct lines *, struct error *), size_t count, int64_t ms, char **said,
               struct error *error)
{
    struct lines done = {0};
    const struct parallel parallel = {.count = count, .work = work, .late = late, .deadline_ms = io_now_ms() + ms};
    int result = parallel_run(&parallel, &done, error);
    *said = strdup(done.text ? done.text : "");
    lines_free(&done);
    return result;
}

int main(void)
{
    struct error failed = {0}, killed = {0}, hung = {0};
    char *said;
    ok(run(say, 3, 60000, &said, &failed) == -EIO, "one that fails fails all");
    is(said, "done 0\ndone 1\ndone 2\n", "what was done, in the order of the works");
    is(failed.message, "failed 1", "and why one failed");
    is(failed.notes.text, "note 0\nnote 1\nnote 2\n", "what is to be noted");
    free(said);
    ok(run(die, 2, 60000, &said, &killed) == -EPIPE, "one that is killed has failed");
    is(said, "done 2\n", "the other has not");
    is(killed.message, "a process of vfpool's was killed", "and that is said");
    free(said);
    ok(run(hang, 2, 1000, &said, &hung) == -ETIMEDOUT && late_ones == 1,
       "one that hangs is waited for until the deadline");
    is(said, "done 2\n", "the other has come to its end");
    is(hung.message, "work 0 is late", "whose work it is says what is late");
    free(said);
    error_free(&failed);
    error_free(&killed);
    error_free(&hung);
    return tap_end();
}
