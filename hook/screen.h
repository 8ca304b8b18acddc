/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* screen - what standard output is written on */
#ifndef VFPOOL_SCREEN_H
#define VFPOOL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/**
 * screen_width() - the columns that a line should fit into: $COLUMNS, as ls(1) and ps(1) take it, or the terminal's
 *
 * Return: 40 and more; 0: standard output is no terminal, and lines may have any length.
 */
unsigned int screen_width(void);

/** screen_has_color() - whether colours are shown. @when: auto, always or never; auto: on a terminal that has them */
bool screen_has_color(const char *when) must_check nonnull(1);

/** screen_is_drawn() - whether standard output is a terminal on which a picture can take the place of another */
bool screen_is_drawn(void) must_check;

/** screen_take() - begin with a picture; what the terminal shows now comes back at screen_leave() */
int screen_take(struct error *error) must_check nonnull(1);
void screen_leave(void);

/**
 * screen_draw() - draw what fits, in place of what was drawn before; the last line says how many are left out
 *
 * Return: 0 or a negative errno value.
 */
int screen_draw(const char *text, size_t length, struct error *error) must_check nonnull(1, 3);

#endif
