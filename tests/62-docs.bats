#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the documents say that can be run, or looked up.

load helpers
as_installed

# fenced FILE LANGUAGE: what is between ```LANGUAGE and ```, the first of them
fenced() {
    awk -v begin="\`\`\`$2" '!/^```/ { if (on) print; next } inside { if (on) exit; inside = 0; next } { inside = 1; on = $0 == begin }' \
        "$TESTS/../$1"
}

# runs README: its script, pasted in the checkout, prints what it says
runs() {
    fenced "$1" sh > "$BATS_TEST_TMPDIR/script"
    [[ $(wc -l < "$BATS_TEST_TMPDIR/script") -gt 8 ]]
    # Built in place, as README says, or by the tests.
    mkdir "$BATS_TEST_TMPDIR/checkout"
    ln -s "$TESTS" "$BATS_TEST_TMPDIR/checkout/tests"
    ln -s "$VFPOOL_BUILD" "$BATS_TEST_TMPDIR/checkout/build"
    cd "$BATS_TEST_TMPDIR/checkout" || return
    TMPDIR=$BATS_TEST_TMPDIR bash "$BATS_TEST_TMPDIR/script" > "$BATS_TEST_TMPDIR/is" 2>&1 || : # the last one is refused
    fenced "$1" '' > "$BATS_TEST_TMPDIR/said"
    diff "$BATS_TEST_TMPDIR/said" "$BATS_TEST_TMPDIR/is"
}

@test "README's script prints what it says" {
    runs README.md
}

@test "README in Korean has the same script and output, word for word" {
    local language
    for language in sh ''; do
        fenced README.md "$language" > "$BATS_TEST_TMPDIR/one"
        fenced README.ko.md "$language" > "$BATS_TEST_TMPDIR/other"
        diff "$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/other"
    done
    runs README.ko.md
    # So has the first pool; the lab runs it (60-howto).
    diff <(sed -n '/^```sh$/,/^```$/p' "$TESTS/../docs/howto/first-pool.md") <(sed -n '/^```sh$/,/^```$/p' "$TESTS/../docs/howto/first-pool.ko.md")
    # Neither has a heading that the other lacks.
    assert_equal "$(grep -c '^## ' "$TESTS/../README.ko.md")" "$(grep -c '^## ' "$TESTS/../README.md")"
}

@test "README has half of the words it had" {
    (($(wc -w < "$TESTS/../README.md") <= 755))
}

@test "what documents link to is there" {
    local file target
    cd "$TESTS/.."
    for file in *.md docs/*.md docs/howto/*.md; do
        while IFS= read -r target; do
            [[ -e ${file%/*}/$target || (! $file == */* && -e $target) ]] || fail "$file: there is no $target"
        done < <(grep -o '](\([^)#]*\)' "$file" | sed 's/^](//' | grep -v '^https\?:' | grep .)
    done
}

@test "docs/errors.md has every error line, and none that is not one" {
    /usr/bin/python3 "$TESTS/docs/errors.py" "$TESTS/.."
}
