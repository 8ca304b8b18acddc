/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trust - files and directories that nobody but root, or the user we run as, can change
 *
 * A hook runs as root, and gives devices of the host to guests. Who may write a pool file, a style sheet or the ledger,
 * or put another one in its place, decides that; so each of them, and each directory on the way, has to be root's.
 */
#ifndef VFPOOL_TRUST_H
#define VFPOOL_TRUST_H

#include <stddef.h>

#include "error.h"

/**
 * trust_way() - the directories from the root on to a path, which is a directory as well
 *
 * The last one is not looked at if it is a symbolic link: who opens it does not follow one.
 *
 * Return: 0, also where one is not there; -EPERM, with its name and what to do.
 */
int trust_way(int root, const char *path, struct error *error) must_check nonnull(2, 3);

/**
 * trust_read_file() - io_read_file() of a file that nobody else can write
 *
 * Return: as io_read_file(), or -EPERM.
 */
int trust_read_file(int directory, const char *path, size_t max, char **data, size_t *length) must_check
    nonnull(2, 4, 5);

/** trust_words() - what trust_read_file()'s negative errno value means, as a clause */
const char *trust_words(int result) must_check;

#endif
