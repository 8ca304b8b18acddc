/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fault that has to be found: a byte behind a block is read where the input begins with a word. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char word[] = "fuzz";
    _cleanup_(cleanup_free) char *text = fuzz_text(data, size);
    for (size_t i = 0; i < sizeof word - 1; i++)
        if (text[i] != word[i])
            return 0;
    fprintf(stderr, "%d\n", text[size + 1]);
    return 0;
}
