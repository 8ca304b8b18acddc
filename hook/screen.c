/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "io.h"
#include "memory.h"
#include "program.h"

#define LEAST_WIDTH 40
#define MOST_WIDTH 1000

/* xterm's, which every terminal of today has: the other screen, without lines that go on in the next row, no cursor. */
#define TAKE "\033[?1049h\033[?7l\033[?25l"
#define LEAVE "\033[?25h\033[?7h\033[?1049l"
#define HOME "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_BELOW "\033[J"

static struct winsize get_size(void)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
        return (struct winsize){0};
    return size;
}

unsigned int screen_width(void)
{
    const char *columns = getenv("COLUMNS");
    char *end = NULL;
    unsigned long width = columns && columns[0] >= '1' && columns[0] <= '9' ? strtoul(columns, &end, 10) : 0;
    if (!width || *end)
        width = isatty(STDOUT_FILENO) ? get_size().ws_col : 0;
    return width == 0 ? 0 : width < LEAST_WIDTH ? LEAST_WIDTH : width > MOST_WIDTH ? MOST_WIDTH : (unsigned int)width;
}

/* A dumb terminal would show as text what is to be a colour: terminfo's entry of that name has none. */
static bool is_dumb(void)
{
    const char *terminal = getenv("TERM");
    return terminal && strcmp(terminal, "dumb") == 0;
}

/* https://no-color.org: any value that is not empty turns colours off, unless the command line asks for them. */
bool screen_has_color(const char *when)
{
    const char *no_color = getenv("NO_COLOR");
    if (strcmp(when, "auto") != 0)
        return strcmp(when, "always") == 0;
    return isatty(STDOUT_FILENO) && !is_dumb() && !(no_color && no_color[0]);
}

bool screen_is_drawn(void)
{
    return isatty(STDOUT_FILENO) && !is_dumb();
}

int screen_take(struct error *error)
{
    return program_print(TAKE, strlen(TAKE), error);
}

void screen_leave(void)
{
    _cleanup_(error_free) struct error gone = {0};
    /* A terminal that is gone has nothing to give back. */
    if (program_print(LEAVE, strlen(LEAVE), &gone) < 0)
        return;
}

static size_t count_lines(const char *text, size_t length)
{
    size_t lines = 0;
    for (const char *at = text; (at = memchr(at, '\n', length - (size_t)(at - text))); at++)
        lines++;
    return lines;
}

int screen_draw(const char *text, size_t length, struct error *error)
{
    size_t rows = get_size().ws_row, lines = count_lines(text, length), shown = lines;
    rows = rows < 2 ? 24 : rows;
    if (lines > rows - 1)
        shown = rows - 2;
    _cleanup_(cleanup_free) char *picture = memory_new(length + shown * strlen(CLEAR_LINE) + 128, 1);
    char *to = stpcpy(picture, HOME);
    for (size_t line = 0; line < shown; line++) {
        const char *end = memchr(text, '\n', length);
        size_t part = (size_t)(end - text);
        to = stpcpy(mempcpy(to, text, part), CLEAR_LINE "\n");
        text += part + 1;
        length -= part + 1;
    }
    if (shown < lines)
        to += sprintf(to, "(%zu lines more: --summary, --state, --pf, --guest)" CLEAR_LINE "\n", lines - shown);
    to = stpcpy(to, CLEAR_BELOW);
    return program_print(picture, (size_t)(to - picture), error);
}
