/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "numbers.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define WORDS (NUMBERS_MAX / 64)

static int parse_number(const char **text, unsigned long *number)
{
    char *end;
    if (!isdigit((unsigned char)**text))
        return -EINVAL;
    *number = strtoul(*text, &end, 10);
    *text = end;
    return 0;
}

/* Return: whether one of them was like that already. */
static bool set_range(struct numbers *numbers, unsigned long first, unsigned long last, bool on)
{
    bool again = false;
    for (unsigned long i = first; i <= last && i < NUMBERS_MAX; i++) {
        uint64_t bit = (uint64_t)1 << (i % 64);
        again |= on && (numbers->bits[i / 64] & bit);
        numbers->bits[i / 64] = on ? numbers->bits[i / 64] | bit : numbers->bits[i / 64] & ~bit;
    }
    return again;
}

int numbers_parse(const char *list, struct numbers *numbers)
{
    int again = 0;
    *numbers = (struct numbers){{0}};
    for (const char *p = list; *p && *p != '\n';) {
        bool on = *p != '^';
        unsigned long first, last;
        p += !on;
        if (parse_number(&p, &first) < 0)
            return -EINVAL;
        last = first;
        if (on && *p == '-' && (p++, parse_number(&p, &last) < 0 || last < first))
            return -EINVAL;
        again |= set_range(numbers, first, last, on);
        if (*p == ',' && p[1])
            p++;
        else if (*p && *p != '\n')
            return -EINVAL;
    }
    return again;
}

bool numbers_has(const struct numbers *numbers, int number)
{
    return number >= 0 && number < NUMBERS_MAX && (numbers->bits[number / 64] >> (number % 64) & 1);
}

bool numbers_add(struct numbers *numbers, const struct numbers *more)
{
    for (size_t i = 0; i < WORDS; i++)
        numbers->bits[i] |= more->bits[i];
    return numbers_last(more) >= 0;
}

void numbers_add_one(struct numbers *numbers, unsigned long number)
{
    set_range(numbers, number, number, true);
}

bool numbers_meet(const struct numbers *a, const struct numbers *b)
{
    for (size_t i = 0; i < WORDS; i++)
        if (a->bits[i] & b->bits[i])
            return true;
    return false;
}

int numbers_last(const struct numbers *numbers)
{
    for (size_t i = WORDS; i > 0; i--)
        if (numbers->bits[i - 1])
            return (int)(i * 64) - 1 - __builtin_clzll(numbers->bits[i - 1]);
    return -1;
}
