/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* numbers - lists of numbers, as "0-3,8": CPUs, NUMA nodes, VFs of a PF */
#ifndef VFPOOL_NUMBERS_H
#define VFPOOL_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "cleanup.h"

#define NUMBERS_MAX 65536 /* those from there on are left out */

struct numbers {
    uint64_t bits[NUMBERS_MAX / 64];
};

/**
 * numbers_parse() - read a list as libvirt and the kernel write it: "0-3,^2,8"
 *
 * Return: 0, 1 when a number comes twice, or -EINVAL (https://libvirt.org/formatdomain.html#cpu-allocation).
 */
int numbers_parse(const char *list, struct numbers *numbers) must_check nonnull(1, 2);

/** numbers_has() - whether this number is one of them */
bool numbers_has(const struct numbers *numbers, int number) must_check nonnull(1);

/** numbers_add() - all of @more, too. Return: whether there are any. */
bool numbers_add(struct numbers *numbers, const struct numbers *more) nonnull(1, 2);

/** numbers_add_one() - this one, too */
void numbers_add_one(struct numbers *numbers, unsigned long number) nonnull(1);

/** numbers_meet() - whether some are in both */
bool numbers_meet(const struct numbers *a, const struct numbers *b) must_check nonnull(1, 2);

/** numbers_last() - the largest; -1: there are none */
int numbers_last(const struct numbers *numbers) must_check nonnull(1);

#endif
