/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 *   lock               flock(2); holds the writer's PID while the ledger is being changed, and is blank otherwise
 *   guests/UUID.xml    all that this guest holds (claim.h)
 *   vfs/DDDD:BB:SS.F   a symbolic link to ../guests/UUID.xml
 *   new.xml            a guest file on its way to its name
 *
 * A VF is taken if and only if its link resolves to a guest file that lists it. So there is one commit point:
 *
 *   put    links of the VFs; guest file by rename [commit]; links of VFs that the guest had and has no more go
 *   drop   guest file goes [commit]; its links go
 *
 * A process killed before the commit leaves links that say nothing, after it links that say nothing any more. Both
 * are found because the lock file then still holds a PID: the next process to get the lock sees it and repairs before
 * it does anything else. Hence under the lock every link in vfs/ counts, and what is taken is one listing of that
 * directory, however many VFs and guests there are.
 *
 * A guest file that cannot be understood is set aside as UUID.bad. The guest may be running, so its links stay, and
 * with them its VFs untouchable, until it is prepared or released. The bad file goes at the release after that.
 */
#include "ledger-file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "history.h"
#include "io.h"
#include "lock.h"
#include "memory.h"
#include "trust.h"

#define REFUSE_LOCK_MS 1000

/* ---- opening and closing ---- */

static int take_lock(struct ledger *ledger, enum ledger_mode mode, int timeout_ms, struct error *error)
{
    int64_t deadline = io_now_ms() + timeout_ms;
    int result = lock_take(ledger->lock, mode == LEDGER_WRITE, deadline);
    /* A reader that finds a killed writer's PID becomes a writer, to repair. */
    if (result == 0 && mode == LEDGER_READ && lock_pid(ledger->lock) != 0) {
        mode = LEDGER_WRITE;
        result = lock_take(ledger->lock, true, deadline);
    }
    ledger->writing = result == 0 && mode == LEDGER_WRITE;
    if (result != -ETIMEDOUT)
        return result < 0 ? error_set(error, -result, "cannot lock the ledger: %s", strerror(-result)) : 0;
    long holder = lock_pid(ledger->lock);
    if (holder == 0)
        return error_set(error, ETIMEDOUT, "the ledger was locked by readers for %d s: try again", timeout_ms / 1000);
    return error_set(
        error, ETIMEDOUT,
        "the ledger was locked for %d s by process %ld: look at it (ps %ld), end it if it hangs, try again",
        timeout_ms / 1000, holder, holder);
}

static int refuse_directory(int result, const char *path, struct error *error)
{
    const char *why = result == -ENOTDIR ? "it is a link or no directory: remove it"
                      : result == -EPERM ? "it belongs to another user, or others may write to it: correct its owner "
                                           "and mode (0700)"
                                         : strerror(-result);
    return error_set(error, -result, "cannot use /%s: %s", path, why);
}

static int open_part(int parent, const char *name, const char *path, bool make, int *fd, struct error *error)
{
    *fd = io_open_directory(parent, name, make);
    return *fd < 0 ? refuse_directory(*fd, path, error) : 0;
}

static int open_lock(struct ledger *ledger, struct error *error)
{
    struct stat status;
    ledger->lock = openat(ledger->directory, LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (ledger->lock < 0 && errno != ELOOP && errno != EISDIR)
        return error_set(error, errno, "cannot open /" LEDGER_DIRECTORY "/" LOCK ": %s", strerror(errno));
    if (ledger->lock < 0 || fstat(ledger->lock, &status) < 0 || !S_ISREG(status.st_mode))
        return error_set(error, EINVAL, "cannot use /" LEDGER_DIRECTORY "/" LOCK ": it is no regular file: remove it");
    return 0;
}

static int open_files(struct ledger *ledger, struct error *error)
{
    int result = open_lock(ledger, error);
    if (result < 0)
        return result;
    result = open_part(ledger->directory, "guests", LEDGER_DIRECTORY "/guests", true, &ledger->guests, error);
    if (result < 0)
        return result;
    return open_part(ledger->directory, "vfs", LEDGER_DIRECTORY "/vfs", true, &ledger->vfs, error);
}

static int start_writing(struct ledger *ledger, struct error *error)
{
    long dead = lock_pid(ledger->lock);
    int result = lock_mark(ledger->lock, getpid());
    if (result < 0) {
        ledger->dirty = dead != 0;
        return error_set(error, -result, "cannot write /" LEDGER_DIRECTORY "/" LOCK ": %s", strerror(-result));
    }
    if (dead == 0)
        return 0;
    result = ledger_repair(ledger, error);
    ledger->dirty = result < 0;
    return result < 0 ? result : 0;
}

/* Whether a writer has been there; tmpfiles.d makes the directory alone. */
static bool was_written(int directory)
{
    return io_may_be(directory, "guests") || io_may_be(directory, "vfs");
}

static int open_ledger(int root, enum ledger_mode mode, int timeout_ms, struct ledger *ledger, struct error *error)
{
    bool make = mode == LEDGER_WRITE;
    if (make && mkdirat(root, "run", 0755) < 0 && errno != EEXIST)
        return error_set(error, errno, "cannot make /run: %s", strerror(errno));
    if (trust_way(root, "run", error) < 0)
        return error_prefix(error, "cannot use /" LEDGER_DIRECTORY);
    ledger->directory = io_open_directory(root, LEDGER_DIRECTORY, make);
    if (ledger->directory == -ENOENT && !make)
        return 0;
    if (ledger->directory < 0)
        return refuse_directory(ledger->directory, LEDGER_DIRECTORY, error);
    if (!make && !was_written(ledger->directory)) {
        close(ledger->directory);
        ledger->directory = -1;
        return 0;
    }
    int result = open_files(ledger, error);
    if (result == 0)
        result = take_lock(ledger, mode, timeout_ms, error);
    return result == 0 && ledger->writing ? start_writing(ledger, error) : result;
}

int ledger_open(int root, enum ledger_mode mode, int timeout_ms, struct ledger **ledger, struct error *error)
{
    _cleanup_(cleanup_ledger) struct ledger *opened = memory_new(1, sizeof *opened);
    *ledger = NULL;
    *opened = (struct ledger){.root = root, .directory = -1, .lock = -1, .guests = -1, .vfs = -1};
    int result = open_ledger(root, mode, timeout_ms, opened, error);
    if (result < 0)
        return result;
    *ledger = steal(opened);
    return 0;
}

void ledger_refuse(int root, const char *uuid, const char *name, const struct error *reason)
{
    _cleanup_(error_free) struct error ignored = {0};
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    bool locked = ledger_open(root, LEDGER_WRITE, REFUSE_LOCK_MS, &ledger, &ignored) == 0;
    history_refuse(root, locked, uuid, name, reason);
}

void ledger_note(int root, const char *event, const struct pciaddr *address, const char *pf, const char *reason)
{
    _cleanup_(error_free) struct error ignored = {0};
    _cleanup_(cleanup_ledger) struct ledger *ledger = NULL;
    bool locked = ledger_open(root, LEDGER_WRITE, LEDGER_LOCK_MS, &ledger, &ignored) == 0;
    history_device(root, locked, event, address, pf, reason);
}

void ledger_close(struct ledger *ledger)
{
    if (!ledger)
        return;
    /* A mark that cannot be taken away costs the next one a needless repair, and nothing else. */
    if (ledger->writing && !ledger->dirty && lock_mark(ledger->lock, 0) < 0)
        ledger->dirty = true;
    cleanup_close(&ledger->vfs);
    cleanup_close(&ledger->guests);
    cleanup_close(&ledger->lock);
    cleanup_close(&ledger->directory);
    free(ledger);
}

/* ---- names ---- */

static void guest_file(const char *uuid, const char *suffix, char name[GUEST_NAME_SIZE])
{
    snprintf(name, GUEST_NAME_SIZE, "%.36s.%.3s", uuid, suffix);
}

/* The UUID of a name like UUID.xml. Return: 0 or -EINVAL. */
static int file_guest(const char *name, char uuid[UUID_SIZE])
{
    char text[UUID_SIZE];
    if (strlen(name) != GUEST_NAME_SIZE - 1 || strcmp(name + UUID_SIZE, "xml") != 0 || name[UUID_SIZE - 1] != '.')
        return -EINVAL;
    memcpy(text, name, UUID_SIZE - 1);
    text[UUID_SIZE - 1] = '\0';
    return domain_parse_uuid(text, uuid);
}

/* Whose link this is. Return: 0, -ENOENT when there is none, -EINVAL when it is no link of ours, or what reading it
 * says. */
int ledger_read_link(const struct ledger *ledger, const char *address, char uuid[UUID_SIZE])
{
    char target[GUEST_PATH_SIZE + 8];
    ssize_t length = readlinkat(ledger->vfs, address, target, sizeof target - 1);
    if (length < 0)
        return -errno;
    target[length] = '\0';
    if (strncmp(target, "../guests/", strlen("../guests/")) != 0)
        return -EINVAL;
    return file_guest(target + strlen("../guests/"), uuid);
}

int ledger_no_link(const char *address, int result, struct error *error)
{
    if (result == -EINVAL)
        return error_set(error, EINVAL, LEDGER_NOT_OURS, address);
    return error_set(error, -result, "cannot read /" LEDGER_DIRECTORY "/vfs/%s: %s", address, strerror(-result));
}

/* Whether it is not known whose link it is. */
static bool is_unread(int result)
{
    return result < 0 && result != -ENOENT && result != -EINVAL;
}

/* ---- reading ---- */

static bool has_file(int guests, const char *uuid, const char *suffix)
{
    char name[GUEST_NAME_SIZE];
    guest_file(uuid, suffix, name);
    return io_may_be(guests, name);
}

/* Whether there is a guest file under either name. */
static bool has_any_file(const struct ledger *ledger, const char *uuid)
{
    return has_file(ledger->guests, uuid, "bad") || has_file(ledger->guests, uuid, "xml");
}

int ledger_unlisted(const char *part, int result, struct error *error)
{
    return error_set(error, -result, "cannot read /" LEDGER_DIRECTORY "/%s: %s", part, strerror(-result));
}

int ledger_taken(const struct ledger *ledger, const char *except, struct pciaddr_set *set, struct error *error)
{
    char owner[UUID_SIZE];
    if (ledger->directory < 0)
        return 0;
    if (except && !has_any_file(ledger, except))
        except = NULL;
    _cleanup_(cleanup_dir) DIR *directory = io_list(ledger->vfs, ".");
    if (!directory)
        return ledger_unlisted("vfs", -errno, error);
    int result = 0;
    struct pciaddr address;
    for (struct dirent *entry; (entry = io_next_entry(directory, &result));)
        if (pciaddr_parse(entry->d_name, &address) == 0 &&
            !(except && ledger_read_link(ledger, entry->d_name, owner) == 0 && strcmp(owner, except) == 0))
            pciaddr_set_add(set, &address);
    return result < 0 ? ledger_unlisted("vfs", result, error) : 0;
}

static int read_guest(const struct ledger *ledger, const char *name, const char *uuid, struct claim **claim,
                      struct error *error)
{
    _cleanup_(cleanup_free) char *data = NULL;
    char path[sizeof LEDGER_DIRECTORY + GUEST_PATH_SIZE + 2];
    size_t length = 0;
    snprintf(path, sizeof path, "/" LEDGER_DIRECTORY "/guests/%s", name);
    int result = io_read_file(ledger->guests, name, MAX_GUEST_BYTES, &data, &length);
    if (result == -ENOENT)
        return -ENOENT;
    if (result == -EFBIG || result == -ELOOP || result == -EISDIR)
        return error_set(error, EINVAL, "%s is not a guest file: %s", path, strerror(-result));
    if (result < 0)
        return error_set(error, -result, "cannot read %s: %s", path, strerror(-result));
    result = claim_parse(data, length, uuid, path, claim, error);
    if (result == 0)
        ledger_stamp(ledger->root, uuid, (*claim)->stamp);
    return result;
}

/* @change: whether what the guest holds is about to be another thing: a file that cannot be understood is set aside */
static int get(struct ledger *ledger, const char *uuid, bool change, struct claim **claim, struct error *error)
{
    char name[GUEST_NAME_SIZE], bad[GUEST_NAME_SIZE];
    _cleanup_(error_free) struct error problem = {0};
    *claim = NULL;
    if (ledger->directory < 0)
        return 0;
    guest_file(uuid, "xml", name);
    int result = read_guest(ledger, name, uuid, claim, &problem);
    if (result == 0 || result == -ENOENT)
        return 0;
    if (result != -EINVAL)
        return error_set(error, -result, "%s", problem.message);
    guest_file(uuid, "bad", bad);
    if (!ledger->writing || !change) {
        error_note(error, "%s: its VFs are not given out", problem.message);
        return 0;
    }
    if (renameat(ledger->guests, name, ledger->guests, bad) < 0)
        return error_set(error, errno, "%s, and cannot be set aside: %s", problem.message, strerror(errno));
    snprintf(ledger->set_aside, sizeof ledger->set_aside, "%s", uuid);
    error_note(error, "%s: set aside as %s, its VFs are not given out until the guest is started or released",
               problem.message, bad);
    return 0;
}

int ledger_get(struct ledger *ledger, const char *uuid, struct claim **claim, struct error *error)
{
    return get(ledger, uuid, false, claim, error);
}

int ledger_edit(struct ledger *ledger, const char *uuid, struct claim **claim, struct error *error)
{
    return get(ledger, uuid, true, claim, error);
}

int ledger_holder(struct ledger *ledger, const struct pciaddr *address, struct claim **claim, char uuid[UUID_SIZE],
                  struct error *error)
{
    char text[PCIADDR_SIZE];
    *claim = NULL;
    uuid[0] = '\0';
    if (ledger->directory < 0)
        return 0;
    int result = ledger_read_link(ledger, pciaddr_format(address, text), uuid);
    if (result == -ENOENT)
        return 0;
    if (result < 0)
        return ledger_no_link(text, result, error);
    result = ledger_get(ledger, uuid, claim, error);
    /* A file that holds no claim was found to be no good. */
    if (result < 0 || claim_find(*claim, address) || (!*claim && has_any_file(ledger, uuid)))
        return result;
    claim_free(steal(*claim));
    uuid[0] = '\0';
    return 0;
}

static int compare_claims(const void *a, const void *b)
{
    return strcmp((*(struct claim *const *)a)->uuid, (*(struct claim *const *)b)->uuid);
}

static void add_claim(struct claim ***claims, size_t *count, struct claim *claim)
{
    *claims = memory_resize(*claims, *count + 1, sizeof **claims);
    (*claims)[(*count)++] = claim;
}

int ledger_list(struct ledger *ledger, bool change, struct claim ***claims, size_t *count, struct error *error)
{
    *claims = NULL;
    *count = 0;
    if (ledger->directory < 0)
        return 0;
    _cleanup_(cleanup_dir) DIR *directory = io_list(ledger->guests, ".");
    if (!directory)
        return ledger_unlisted("guests", -errno, error);
    int result = 0, listed = 0;
    char uuid[UUID_SIZE];
    for (struct dirent *entry; result == 0 && (entry = io_next_entry(directory, &listed));) {
        struct claim *claim = NULL;
        if (file_guest(entry->d_name, uuid) < 0)
            continue;
        result = get(ledger, uuid, change, &claim, error);
        if (claim)
            add_claim(claims, count, claim);
    }
    if (result == 0 && listed < 0)
        result = ledger_unlisted("guests", listed, error);
    if (*count > 0)
        qsort(*claims, *count, sizeof **claims, compare_claims);
    return result;
}

int ledger_all(struct ledger *ledger, struct claim ***claims, size_t *count, struct error *error)
{
    return ledger_list(ledger, false, claims, count, error);
}

/* ---- changing ---- */

/* Makes a VF's link. Return: 1 when it is new, 0 when the guest had it, -EEXIST when another guest has it. */
int ledger_make_link(struct ledger *ledger, const char *uuid, const struct pciaddr *address, struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *claim = NULL;
    char target[sizeof "../guests/" + GUEST_NAME_SIZE], owner[UUID_SIZE] = "", text[PCIADDR_SIZE];
    snprintf(target, sizeof target, "../guests/%.36s.xml", uuid);
    pciaddr_format(address, text);
    if (symlinkat(target, ledger->vfs, text) == 0)
        return 1;
    if (errno == EEXIST) {
        if (ledger_read_link(ledger, text, owner) == 0 && strcmp(owner, uuid) == 0)
            return 0;
        int result = ledger_holder(ledger, address, &claim, owner, error);
        if (result < 0)
            return result;
        if (owner[0])
            return error_set(error, EEXIST, "VF %s is taken by guest %s", text, owner);
        /* A link that says nothing. */
        if (unlinkat(ledger->vfs, text, 0) == 0 && symlinkat(target, ledger->vfs, text) == 0)
            return 1;
    }
    return error_set(error, errno, "cannot make /" LEDGER_DIRECTORY "/vfs/%s: %s", text, strerror(errno));
}

/* Only a link of the guest's own: two files that list one VF have one link, and it is one's of them. */
static void remove_link(struct ledger *ledger, const char *uuid, const struct pciaddr *address)
{
    char text[PCIADDR_SIZE], owner[UUID_SIZE];
    int result = ledger_read_link(ledger, pciaddr_format(address, text), owner);
    ledger->dirty = ledger->dirty || is_unread(result);
    if (result < 0 || strcmp(owner, uuid) != 0)
        return;
    if (unlinkat(ledger->vfs, text, 0) < 0 && errno != ENOENT)
        ledger->dirty = true;
}

/* The VFs of a claim whose links were made in this call: new[i] is set. */
static void undo_links(struct ledger *ledger, const struct claim *claim, const bool *new)
{
    for (size_t i = 0; i < claim->vf_count; i++)
        if (new[i])
            remove_link(ledger, claim->uuid, &claim->vfs[i].address);
}

static int make_links(struct ledger *ledger, const struct claim *claim, bool *new, struct error *error)
{
    for (size_t i = 0; i < claim->vf_count; i++) {
        int result = ledger_make_link(ledger, claim->uuid, &claim->vfs[i].address, error);
        if (result < 0)
            return result;
        new[i] = result == 1;
    }
    return 0;
}

int ledger_kept(const struct ledger *ledger, const char *uuid, struct pciaddr **addresses, size_t *count,
                struct error *error)
{
    *addresses = NULL;
    *count = 0;
    if (ledger->directory < 0)
        return 0;
    _cleanup_(cleanup_dir) DIR *directory = io_list(ledger->vfs, ".");
    if (!directory)
        return ledger_unlisted("vfs", -errno, error);
    struct pciaddr address;
    char owner[UUID_SIZE];
    int result = 0;
    for (struct dirent *entry; (entry = io_next_entry(directory, &result));) {
        int link = pciaddr_parse(entry->d_name, &address);
        if (link == 0)
            link = ledger_read_link(ledger, entry->d_name, owner);
        if (is_unread(link))
            return ledger_no_link(entry->d_name, link, error);
        if (link < 0 || strcmp(owner, uuid) != 0)
            continue;
        *addresses = memory_resize(*addresses, *count + 1, sizeof **addresses);
        (*addresses)[(*count)++] = address;
    }
    return result < 0 ? ledger_unlisted("vfs", result, error) : 0;
}

/* Removes the guest's links that its claim does not list; a NULL claim lists none. */
static int remove_stale_links(struct ledger *ledger, const char *uuid, const struct claim *claim, struct error *error)
{
    _cleanup_(cleanup_free) struct pciaddr *kept = NULL;
    _cleanup_(error_free) struct error ignored = {0};
    char text[PCIADDR_SIZE];
    size_t count;
    int result = ledger_kept(ledger, uuid, &kept, &count, &ignored);
    for (size_t i = 0; i < count; i++) {
        if (claim_find(claim, &kept[i]))
            continue;
        remove_link(ledger, uuid, &kept[i]);
        if (!claim)
            error_note(error, "released VF %s, which was kept for guest %s", pciaddr_format(&kept[i], text), uuid);
    }
    return result;
}

void ledger_by_hand(struct ledger *ledger)
{
    ledger->reason = "released by hand";
}

/* What the guest had before goes: by its old claim, or where that was set aside as bad, by looking at every link. */
static void remove_old_links(struct ledger *ledger, const char *uuid, const struct claim *old,
                             const struct claim *claim, struct error *error)
{
    for (size_t i = 0; old && i < old->vf_count; i++)
        if (!claim_find(claim, &old->vfs[i].address))
            remove_link(ledger, uuid, &old->vfs[i].address);
    if (has_file(ledger->guests, uuid, "bad") && remove_stale_links(ledger, uuid, claim, error) < 0)
        ledger->dirty = true;
}

int ledger_put(struct ledger *ledger, const struct claim *claim, struct error *error)
{
    _cleanup_(cleanup_free) char *data = NULL;
    _cleanup_(cleanup_free) bool *new = memory_new(claim->vf_count, sizeof *new);
    _cleanup_(cleanup_claim) struct claim *old = NULL;
    char path[GUEST_PATH_SIZE];
    size_t length = 0;
    if (claim->vf_count == 0)
        return ledger_drop(ledger, claim->uuid, error);
    int result = ledger_edit(ledger, claim->uuid, &old, error);
    if (result == 0)
        result = claim_format(claim, &data, &length, error);
    if (result < 0)
        return result;
    result = make_links(ledger, claim, new, error);
    if (result == 0) {
        snprintf(path, sizeof path, "guests/%.36s.xml", claim->uuid);
        result = io_replace_file(ledger->directory, NEW_FILE, path, data, length, 0600);
        if (result < 0)
            error_set(error, -result, "cannot write /" LEDGER_DIRECTORY "/%s: %s", path, strerror(-result));
    }
    if (result < 0) {
        undo_links(ledger, claim, new);
        return result;
    }
    remove_old_links(ledger, claim->uuid, old, claim, error);
    history_change(ledger->root, old, claim, ledger->reason);
    return 0;
}

int ledger_drop(struct ledger *ledger, const char *uuid, struct error *error)
{
    _cleanup_(cleanup_claim) struct claim *old = NULL;
    char name[GUEST_NAME_SIZE], bad[GUEST_NAME_SIZE];
    guest_file(uuid, "bad", bad);
    int result = ledger_edit(ledger, uuid, &old, error);
    if (result < 0)
        return result;
    guest_file(uuid, "xml", name);
    if (unlinkat(ledger->guests, name, 0) < 0 && errno != ENOENT)
        return error_set(error, errno, "cannot remove /" LEDGER_DIRECTORY "/guests/%s: %s", name, strerror(errno));
    remove_old_links(ledger, uuid, old, NULL, error);
    /* What was set aside just now is left for a person to look at. */
    if (strcmp(ledger->set_aside, uuid) != 0 && unlinkat(ledger->guests, bad, 0) < 0 && errno != ENOENT)
        unlinkat(ledger->guests, bad, AT_REMOVEDIR);
    history_change(ledger->root, old, NULL, ledger->reason);
    return 0;
}

int ledger_forget(struct ledger *ledger, const struct pciaddr *address, struct error *error)
{
    char text[PCIADDR_SIZE];
    if (unlinkat(ledger->vfs, pciaddr_format(address, text), 0) == 0 || errno == ENOENT)
        return 0;
    return error_set(error, errno, "cannot remove /" LEDGER_DIRECTORY "/vfs/%s: %s", text, strerror(errno));
}
