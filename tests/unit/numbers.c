/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "numbers.h"

#include <errno.h>

#include "tap.h"

/* Those below 16 that are in it, as a string of ones and zeros; or "refused". */
static const struct {
    const char *list, *expected;
} cases[] = {
    {"", "0000000000000000"},
    {"0", "1000000000000000"},
    {"15", "0000000000000001"},
    {"0-3", "1111000000000000"},
    {"0-3,8", "1111000010000000"},
    {"0-3\n", "1111000000000000"},
    {"0-7,^2", "1101111100000000"},
    {"0-7,^2,^3,10-11", "1100111100110000"},
    {"^2,0-3", "1111000000000000"},
    {"3-3", "0001000000000000"},
    {"00-03", "1111000000000000"},
    {"14-99999999", "0000000000000011"},
    {"99999999999999999999", "0000000000000000"},
    {"3-0", "refused"},
    {"^0-3", "refused"},
    {"-3", "refused"},
    {"3-", "refused"},
    {",", "refused"},
    {"1,", "refused"},
    {"1,,2", "refused"},
    {"1 2", "refused"},
    {"a", "refused"},
    {"1a", "refused"},
    {"^", "refused"},
    {"0x1", "refused"},
    {"+1", "refused"},
    {" 1", "refused"},
};

int main(void)
{
    struct numbers set;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[17] = "refused";
        int result = numbers_parse(cases[i].list, &set);
        for (int n = 0; result >= 0 && n < 16; n++)
            text[n] = numbers_has(&set, n) ? '1' : '0';
        if (result >= 0)
            text[16] = '\0';
        is(text, cases[i].expected, "the list");
        ok(result >= 0 || result == -EINVAL, "%.*s: an answer of its own", (int)strcspn(cases[i].list, "\n"),
           cases[i].list);
    }
    ok(numbers_parse("65535", &set) == 0 && numbers_has(&set, NUMBERS_MAX - 1), "the last one");
    ok(numbers_last(&set) == NUMBERS_MAX - 1, "which is the last");
    ok(numbers_parse("0-3,64", &set) == 0 && numbers_last(&set) == 64, "none comes twice");
    ok(numbers_parse("0-3,3", &set) == 1 && numbers_last(&set) == 3, "one comes twice");
    ok(numbers_parse("0-3,^3,3", &set) == 0, "one comes back");
    ok(numbers_parse("", &set) == 0 && numbers_last(&set) == -1, "no number");
    ok(!numbers_has(&set, -1) && !numbers_has(&set, NUMBERS_MAX), "past the ends");
    return tap_end();
}
