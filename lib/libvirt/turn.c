/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "turn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "io.h"
#include "ledger.h"
#include "lock.h"
#include "memory.h"
#include "offer.h"

#define LOOK_MS 20

struct turn {
    int root;
    int file; /* locked; holds "UUID MILLISECONDS STAMP" of the guest that kept it last, and of its claim then */
};

static void pause_for(int milliseconds)
{
    struct timespec time = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

/* Whether the guest that kept it last has what was opened for it, or will not have it any more. */
static bool is_settled(const struct turn *turn, const char *network, const char *own)
{
    char text[192] = "", uuid[UUID_SIZE] = "", then[IO_STAMP_SIZE] = "", now[IO_STAMP_SIZE];
    long long opened = 0;
    ssize_t length = pread(turn->file, text, sizeof text - 1, 0);
    if (length <= 0 || sscanf(text, "%36s %lld %63s", uuid, &opened, then) != 3)
        return true;
    int64_t age = io_now_ms() - opened;
    ledger_stamp(turn->root, uuid, now);
    /* A guest that asks again has no other life. */
    if (age < 0 || age > OFFER_AWAIT_MS || (own && strcmp(uuid, own) == 0))
        return true;
    /* With each VF that it is given its claim changes, and at start; at release it goes. */
    return strcmp(then, now) != 0 && !ledger_awaits(turn->root, uuid, network);
}

static int open_turn(int root, const char *network, struct error *error)
{
    char path[sizeof TURN_DIRECTORY + NAME_MAX + 2];
    _cleanup_(cleanup_close) int directory = ledger_directory(root, "turns");
    if (directory < 0)
        return error_set(error, -directory, "cannot use /" TURN_DIRECTORY ": %s", strerror(-directory));
    if (strchr(network, '/') || strlen(network) > NAME_MAX)
        return error_set(error, EINVAL, "'%.64s' cannot be the name of a pool", network);
    snprintf(path, sizeof path, "%s", network);
    int file = openat(directory, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return file < 0 ? error_set(error, errno, "cannot open /" TURN_DIRECTORY "/%.64s: %s", network, strerror(errno))
                    : file;
}

static int too_late(const char *network, struct error *error)
{
    return error_set(error, EAGAIN,
                     "other guests are still being given VFs of pool '%s': see 'vfpool status', try again", network);
}

static int go_on(const char *network, const struct turn_wait *wait, struct error *error)
{
    if (io_now_ms() >= wait->deadline)
        return too_late(network, error);
    return wait->check ? wait->check(wait->context, error) : 0;
}

int turn_pause(const char *network, const struct turn_wait *wait, struct error *error)
{
    pause_for(LOOK_MS);
    return go_on(network, wait, error);
}

/* The lock is asked for again and again, so that each that waits sees in time that it must give up. */
static int lock_turn(const struct turn *turn, const char *network, bool alone, const struct turn_wait *wait,
                     struct error *error)
{
    for (;;) {
        int result = lock_take(turn->file, alone, io_now_ms() + 10 * LOOK_MS);
        if (result == 0)
            return 0;
        if (result != -ETIMEDOUT)
            return error_set(error, -result, "cannot lock /" TURN_DIRECTORY "/%.64s: %s", network, strerror(-result));
        result = go_on(network, wait, error);
        if (result < 0)
            return result;
    }
}

static int take(int root, const char *network, const char *uuid, bool alone, const struct turn_wait *wait,
                struct turn **turn, struct error *error)
{
    struct turn *taken = memory_new(1, sizeof *taken);
    *turn = NULL;
    taken->root = root;
    taken->file = open_turn(root, network, error);
    int result = taken->file < 0 ? taken->file : lock_turn(taken, network, alone, wait, error);
    while (result == 0 && !is_settled(taken, network, uuid))
        result = turn_pause(network, wait, error);
    if (result < 0)
        turn_close(taken);
    else
        *turn = taken;
    return result;
}

int turn_take(int root, const char *network, const char *uuid, const struct turn_wait *wait, struct turn **turn,
              struct error *error)
{
    return take(root, network, uuid, true, wait, turn, error);
}

int turn_share(int root, const char *network, const char *uuid, const struct turn_wait *wait, struct turn **turn,
               struct error *error)
{
    return take(root, network, uuid, false, wait, turn, error);
}

int turn_keep(struct turn *turn, const char *uuid, struct error *error)
{
    char text[192], stamp[IO_STAMP_SIZE];
    ledger_stamp(turn->root, uuid, stamp);
    int length = snprintf(text, sizeof text, "%s %lld %s\n", uuid, (long long)io_now_ms(), stamp);
    errno = 0;
    if (ftruncate(turn->file, 0) < 0 || pwrite(turn->file, text, (size_t)length, 0) != length)
        return error_set(error, errno ? errno : EIO, "cannot write /" TURN_DIRECTORY ": %s",
                         strerror(errno ? errno : EIO));
    return 0;
}

void turn_forget(struct turn *turn, const char *network)
{
    char path[sizeof TURN_DIRECTORY + NAME_MAX + 2];
    snprintf(path, sizeof path, TURN_DIRECTORY "/%s", network);
    unlinkat(turn->root, path, 0);
}

void turn_close(struct turn *turn)
{
    if (!turn)
        return;
    cleanup_close(&turn->file);
    free(turn);
}
