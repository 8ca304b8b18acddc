/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fake - as much of libvirt's client library as vfpool-gate uses, on files that tests write, too: below
 * $FAKE_LIBVIRT, or below ROOT/libvirt for the program ROOT/usr/sbin/vfpool-gate, whose callers leave it no environment
 *
 *   networks/NAME.persistent   a definition; NAME.autostart beside it
 *   networks/NAME.active       the XML of one that runs
 *   networks/NAME.connections  how many of its VFs it counts as in use; NAME.count/ADDRESS: those that it does
 *   ports/NAME/UUID.xml
 *   domains/UUID.xml           a guest that runs; UUID.inactive: one that is defined, with its XML where that matters
 *   create                     a program that starts a guest, by its UUID; without it one that is defined just runs
 *   dead                       the connection is
 *   calls                      a line for each call that would go to the daemon
 *   fault                      "WHICH WHAT": the call of that name, or the WHICH-th of all; fail, hang, kill (before it
 *                              has done anything) or killed (after)
 *
 * libvirt's own test driver has no network ports, and forgets all with the process. What is modelled is what
 * docs/libvirt.md says of libvirt, F3, F24, F25 and F27 above all.
 */
#ifndef VFPOOL_TESTS_LIBVIRT_FAKE_H
#define VFPOOL_TESTS_LIBVIRT_FAKE_H

#include <libvirt/libvirt.h>
#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

#define PATH_SIZE 4096

struct _virNetwork {
    char name[256];
};

/** must() - end the program with a line on standard error where it is not so */
void must(bool true_, const char *what);

/* ---- files ---- */

/** path_of() - a file's path, below libvirt's directory. Return: @path */
char *path_of(char path[PATH_SIZE], const char *format, ...) printf_like(2, 3);
bool exists(const char *path);
/** read_file() - Return: what is in it, which the caller frees; NULL when it is not there */
char *read_file(const char *path);
/** write_file() - the whole file; its directory is made */
void write_file(const char *path, const char *text);
/** remove_file() - it need not be there */
void remove_file(const char *path);
/** list_files() - the names in a directory that end in @suffix, without it. Return: how many; 0 when it is not there */
size_t list_files(const char *path, const char *suffix, char names[256][64]);

/* ---- calls ---- */

struct call {
    int lock;
    bool kill;
};

/** fail() - what virGetLastError*() say from now on, a code of virterror.h. Return: -1 */
int fail(int code, const char *format, ...) printf_like(2, 3);
/** begin_call() - a line in "calls", the lock, and the fault where it is this call's. Return: whether it is to be done
 */
bool begin_call(struct call *call, const char *name, const char *object);
/** end_call() - what it did is done */
void end_call(struct call *call);

#define CALL(object, failure)                                                                                          \
    _cleanup_(end_call) struct call call = {0};                                                                        \
    if (!begin_call(&call, __func__, object))                                                                          \
    return failure

/* ---- networks ---- */

/** parse() - Return: the document, which the caller frees; NULL: no XML, or not of that root, and the call failed */
xmlDocPtr parse(const char *text, const char *root);
char *network_file(char path[PATH_SIZE], const char *name, const char *suffix);
/** network_is() - "persistent", "active", or "autostart" */
bool network_is(const char *name, const char *state);
/** network_read() - as parse(), what it is in that state */
xmlDocPtr network_read(const char *name, const char *state);
int network_connections(const char *name);
void network_set_connections(const char *name, int count);

#endif
