/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * journal - small files of whole lines that grow at their end, and never beyond JOURNAL_MAX
 *
 * They are kept beside what counts: one that cannot be written costs a line, never a failure. Whoever reads takes lines
 * that make no sense for what a full disk left. What is there under the name and is no file is set aside as NAME.bad.
 */
#ifndef VFPOOL_JOURNAL_H
#define VFPOOL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

#define JOURNAL_MAX ((size_t)1024 * 1024)  /* bytes */
#define JOURNAL_DIRECTORY "var/lib/vfpool" /* of those that outlive the host's uptime */

/** journal_directory() - open, and make if it is missing, JOURNAL_DIRECTORY. Return: a descriptor, or -1. */
int journal_directory(int root) must_check;

/**
 * journal_add() - append a line; while others may do so, too, with a lock of theirs held
 * @line: ends with a newline
 *
 * Return: whether the file has become too long: the caller makes it shorter.
 */
bool journal_add(int directory, const char *name, const char *line) nonnull(2, 3);

/**
 * journal_read() - all of it
 * @text: the caller frees it; NULL when there is nothing, or what is there cannot be read
 *
 * Return: 0, also when no file is there, or what the next line would set aside; or a negative errno value.
 */
int journal_read(int directory, const char *path, char **text) nonnull(2, 3);

/**
 * journal_shorten() - leave the last line of each key, and of many the later half
 * @key: how many of a line's first bytes say what it is of, and lines that are shorter go
 */
void journal_shorten(int directory, const char *name, size_t key) nonnull(2);

/** journal_turn() - the file becomes NAME.1, which is lost, and a new one begins */
void journal_turn(int directory, const char *name) nonnull(2);

#endif
