/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* words - what a message says of several */
#ifndef VFPOOL_WORDS_H
#define VFPOOL_WORDS_H

#include <stddef.h>

#include "cleanup.h"

/** words_list() - words of which one is to be chosen, as a text: "first, spread or pack", in @text. Return: @text. */
const char *words_list(const char *const *words, char *text, size_t size) nonnull(1, 2);

#endif
