/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of numbers: those that were read, written as ranges, are read as the same. */
#include "numbers.h"
#include "fuzz.h"

/* "65535," each: no list of all that there can be is longer. */
#define LIST_SIZE ((size_t)NUMBERS_MAX * 6 + 1)

static void format(const struct numbers *numbers, char *list)
{
    const int end = numbers_last(numbers);
    size_t used = 0;
    for (int first = 0; first <= end; first++) {
        int last = first;
        if (!numbers_has(numbers, first))
            continue;
        while (numbers_has(numbers, last + 1))
            last++;
        used += (size_t)snprintf(list + used, LIST_SIZE - used, "%s%d-%d", used ? "," : "", first, last);
        need(used < LIST_SIZE);
        first = last;
    }
    list[used] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char list[LIST_SIZE];
    static struct numbers numbers, again, sum;
    _cleanup_(cleanup_free) char *text = fuzz_text(data, size);
    if (numbers_parse(text, &numbers) < 0)
        return 0;
    int last = numbers_last(&numbers);
    need(last < NUMBERS_MAX && !numbers_has(&numbers, last + 1) && (last < 0 || numbers_has(&numbers, last)));
    format(&numbers, list);
    need(numbers_parse(list, &again) == 0 && memcmp(&again, &numbers, sizeof again) == 0);
    need(numbers_meet(&again, &numbers) == (last >= 0));
    sum = (struct numbers){{0}};
    need(numbers_add(&sum, &numbers) == (last >= 0) && memcmp(&sum, &numbers, sizeof sum) == 0);
    return 0;
}
