/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "error.h"

#include <errno.h>
#include <stdlib.h>

#include "tap.h"

static void test_words(void)
{
    struct error error = {0};
    ok(error_set(&error, ENOENT, "no %s", "pool") == -ENOENT && error.code == ENOENT, "the code comes back negative");
    is(error.message, "no pool", "the words");
    ok(error_prefix(&error, "guest '%s'", "g") == -ENOENT, "a prefix keeps the code");
    is(error.message, "guest 'g': no pool", "a prefix comes before");
    error_set(&error, EINVAL, "%s", "a\nb\tc\r\x1b[31m\x7f\x01");
    is(error.message, "a b c  [31m", "controls are spaces, and none is left at the end");
    error_set(&error, EINVAL, "%s",
              "x\xc2\x9b"
              "31m\xc2\x80y");
    is(error.message, "x 31m y", "so are the C1 controls");
    error_set(&error, EINVAL, "%s", "\xc2\xa0\xed\x95\x9c\xea\xb8\x80\xf0\x9f\x98\x80");
    is(error.message, "\xc2\xa0\xed\x95\x9c\xea\xb8\x80\xf0\x9f\x98\x80", "other characters stay");
    error_set(&error, EINVAL, "%s", "");
    is(error.message, "", "nothing is nothing");
}

/* Cut at a whole character, whatever its length and wherever the room ends. */
static void test_cut(void)
{
    static const char *const characters[] = {"a", "\xc3\xa9", "\xed\x95\x9c", "\xf0\x9f\x98\x80"};
    static char text[3 * sizeof((struct error *)0)->message];
    struct error error = {0};
    for (size_t i = 0; i < sizeof characters / sizeof *characters; i++) {
        size_t length = strlen(characters[i]), room = sizeof error.message - 1, wrong = 0;
        for (size_t pad = 0; pad < length; pad++) {
            memset(text, '-', pad);
            text[pad] = '\0';
            for (size_t at = pad; at + length < sizeof text - 1; at += length)
                memcpy(text + at, characters[i], length + 1);
            error_set(&error, EINVAL, "%s", text);
            size_t end = strlen(error.message);
            wrong += (end - pad) % length != 0 || end > room || end + 2 * length <= room ||
                     strncmp(error.message, text, end) != 0;
        }
        ok(wrong == 0, "characters of %zu bytes", length);
    }
    memset(text, 'x', sizeof text - 1);
    error_set(&error, EINVAL, "end");
    error_prefix(&error, "%s", text);
    ok(strlen(error.message) < sizeof error.message && strstr(error.message, ": end"),
       "a long prefix leaves room for what it is before");
}

static void test_notes(void)
{
    struct error error = {0};
    size_t lines = 0;
    error_note(&error, "one\ntwo %d", 2);
    is(error.notes.text, "one two 2\n", "a note is one line");
    for (int i = 0; i < 1000; i++)
        error_note(&error, "note %d, which is long enough to fill any room some day", i);
    for (const char *p = error.notes.text; (p = strchr(p, '\n')); p++)
        lines++;
    ok(lines == 1001, "there is room for all (%zu)", lines);
    error_note(&error, "note 7, which is long enough to fill any room some day");
    ok(strlen(strstr(error.notes.text, "note 999,")) < 70, "what was said once is enough");
    error_note(&error, "some day");
    ok(strstr(error.notes.text, "\nsome day\n") != NULL, "the end of another line is not that line");
    struct error other = {0};
    error_note(&other, "one two 2");
    error_note(&other, "another");
    error_move_notes(&error, &other);
    ok(!other.notes.text && strstr(error.notes.text, "\nsome day\nanother\n"), "notes move, each once");
    error_free(&error);
}

int main(void)
{
    test_words();
    test_cut();
    test_notes();
    return tap_end();
}
