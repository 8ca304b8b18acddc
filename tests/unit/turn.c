/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "turn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "io.h"
#include "tap.h"

static const struct turn_wait now = {.deadline = 0};
static int looks;

/* At the second look. */
static int give_up(void *context, struct error *error)
{
    (void)context;
    return ++looks < 2 ? 0 : error_set(error, ESTALE, "the world has changed");
}

/* A lock is an open file's: two turns of one process wait for each other as two processes' do. */
static void test_wait(int root)
{
    struct error error = {0};
    struct turn *mine = NULL, *shared = NULL, *other = NULL;
    if (!ok(turn_share(root, "p", NULL, &now, &mine, &error) == 0, "a turn"))
        return;
    ok(turn_share(root, "p", NULL, &now, &shared, &error) == 0, "is shared");
    ok(turn_take(root, "q", NULL, &now, &other, &error) == 0, "another network's is its own");
    turn_close(other);
    turn_close(shared);
    ok(turn_take(root, "p", NULL, &now, &other, &error) == -EAGAIN && !other,
       "who must have it alone waits until the deadline");
    is(error.message, "other guests are still being given VFs of pool 'p': see 'vfpool status', try again",
       "and says for whom");
    ok(turn_take(root, "p", NULL, &(struct turn_wait){io_now_ms() + 60000, give_up, NULL}, &other, &error) == -ESTALE &&
           !other && looks == 2,
       "what is looked at between two looks ends the wait");
    turn_close(mine);
    ok(turn_take(root, "p", NULL, &now, &other, &error) == 0, "it is had alone");
    ok(turn_share(root, "p", NULL, &now, &shared, &error) == -EAGAIN, "and nobody shares it then");
    turn_close(other);
}

static void test_names(int root)
{
    static char name[300];
    struct error error = {0};
    struct turn *turn = NULL;
    memset(name, 'x', sizeof name - 1);
    ok(turn_take(root, "../p", NULL, &now, &turn, &error) == -EINVAL && !turn, "a path is no pool's name");
    ok(turn_take(root, name, NULL, &now, &turn, &error) == -EINVAL && !turn, "nor what no file is called");
}

int main(void)
{
    const char *path = getenv("VFPOOL_ROOT");
    int root = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (ok(root >= 0, "a root")) {
        test_wait(root);
        test_names(root);
        close(root);
    }
    return tap_end();
}
