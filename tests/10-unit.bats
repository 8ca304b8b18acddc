#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The tests in C (tests/unit), where a table is clearer. "make tests" builds them.

LEAK_CHECK=1
load helpers

# unit NAME: all its tests pass, and it came to its end.
unit() {
    [[ -x $VFPOOL_BUILD/tests/unit/$1 ]] || fail "$VFPOOL_BUILD/tests/unit/$1 is not built: make tests" || return
    run_program 0 "$VFPOOL_BUILD/tests/unit/$1" || return
    [[ -z $stderr ]] || fail "it complained" || return
    ((${2-1} <= $(grep -c '^ok ' "$STDOUT"))) || fail "too few tests" || return
    assert_equal "$(tail -n 1 "$STDOUT")" "1..$(grep -c '^ok ' "$STDOUT")"
}

@test "pciaddr: addresses of PCI functions" {
    unit pciaddr 110
}

@test "choose: which VF each request gets, and why not another" {
    unit choose 90
}

@test "assignment: as good as the best of all there are, on random hosts" {
    unit assignment 3
    cat "$STDOUT"
}

@test "numbers: lists of CPUs, nodes and VFs" {
    unit numbers 40
}

@test "host: the machine's own interfaces" {
    unit host 5
}

@test "error: one line, whatever a guest is called" {
    unit error 15
}

@test "turn: who waits, and for how long" {
    unit turn 10
}

@test "parallel: what is done, what fails, is killed or hangs" {
    unit parallel 10
}

@test "xml: too large, no schema, what is allowed instead" {
    unit xml 10
}

@test "every program of tests/unit is run here" {
    for file in "$TESTS"/unit/*.c; do
        name=$(basename "$file" .c)
        grep -q "^    unit $name " "$BATS_TEST_FILENAME" || fail "$name is not"
    done
}
