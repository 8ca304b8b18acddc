/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tally.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ledger.h"

/* With the number of its layout. */
#define TALLY_FILE LEDGER_DIRECTORY "/tally-1"

const uint32_t tally_bounds[TALLY_BOUNDS] = {1000,   2500,   5000,    10000,   25000,   50000,
                                             100000, 250000, 1000000, 2500000, 5000000, 10000000};

/* As in struct tally. */
struct page {
    _Atomic uint64_t counts[TALLY_COUNTS];
    struct {
        _Atomic uint64_t buckets[TALLY_BOUNDS + 1];
        _Atomic uint64_t total_us;
    } times[TALLY_OPERATIONS];
};

static_assert(sizeof(struct page) == sizeof(struct tally), "the page is read as it is");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "processes share the page");

const struct tally_word tally_words[TALLY_COUNTS] = {
    [TALLY_CLAIMED] = {"event", "claimed"},
    [TALLY_HELD] = {"event", "held"},
    [TALLY_RETURNED] = {"event", "returned"},
    [TALLY_DROPPED] = {"event", "dropped"},
    [TALLY_QUARANTINED] = {"event", "quarantined"},
    [TALLY_DRAINED] = {"event", "drained"},
    [TALLY_UNDRAINED] = {"event", "undrained"},
    [TALLY_REFUSED + ERROR_INPUT] = {"refusal", "wrong"},
    [TALLY_REFUSED + ERROR_EXHAUSTED] = {"refusal", "exhausted"},
    [TALLY_REFUSED + ERROR_REFUSED] = {"refusal", "in-use"},
    [TALLY_REFUSED + ERROR_SILENT] = {"refusal", "libvirt-silent"},
    [TALLY_REFUSED + ERROR_OTHER] = {"refusal", "failed"},
    [TALLY_SETTLED] = {"settling", "done"},
    [TALLY_SETTLING_FAILED] = {"settling", "failed"},
};

/* Its memory is reserved first: on a full file system an addition would be the end of the process (SIGBUS). Return:
 * NULL where there is no ledger, or no room. */
static struct page *open_page(int root)
{
    _cleanup_(cleanup_close) int file = openat(root, TALLY_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat status;
    if (file < 0 || fstat(file, &status) < 0 || !S_ISREG(status.st_mode))
        return NULL;
    bool reserved = status.st_size >= (off_t)sizeof(struct page) && status.st_blocks > 0;
    if (!reserved && fallocate(file, 0, 0, sizeof(struct page)) < 0)
        return NULL;
    struct page *page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return page == MAP_FAILED ? NULL : page;
}

void tally_add(int root, enum tally_count what)
{
    struct page *page = open_page(root);
    if (!page)
        return;
    atomic_fetch_add(&page->counts[what], 1);
    munmap(page, sizeof *page);
}

void tally_event(int root, const char *name)
{
    for (int i = 0; i < TALLY_REFUSED; i++)
        if (strcmp(name, tally_words[i].name) == 0)
            tally_add(root, (enum tally_count)i);
}

void tally_refused(int root, int code)
{
    tally_add(root, (enum tally_count)(TALLY_REFUSED + (int)error_kind(code)));
}

int64_t tally_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

void tally_time(int root, enum tally_operation operation, int64_t begun_us)
{
    int64_t us = tally_now_us() - begun_us;
    struct page *page = open_page(root);
    size_t bucket = 0;
    if (!page)
        return;
    while (bucket < TALLY_BOUNDS && us > tally_bounds[bucket])
        bucket++;
    atomic_fetch_add(&page->times[operation].total_us, (uint64_t)us);
    atomic_fetch_add(&page->times[operation].buckets[bucket], 1);
    munmap(page, sizeof *page);
}

int tally_read(int root, struct tally *tally)
{
    _cleanup_(cleanup_close) int file = openat(root, TALLY_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    memset(tally, 0, sizeof *tally);
    if (file < 0)
        return errno == ENOENT ? 0 : -errno;
    return pread(file, tally, sizeof *tally, 0) < 0 ? -errno : 0;
}
