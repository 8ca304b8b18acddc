#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A libvirt on files, its guests and its administrators at random: tests/races/drive knows who has what, and looks at
# ledger, ports and settings every so often. $SEED for another run.

load helpers

# driven PROCESSES OPERATIONS SEED...: a run each
driven() {
    local seed count
    for seed in "${@:3}"; do
        timeout 3000 "$TESTS/races/drive" "$PLAIN" "$ROOT" "$seed" "$2" "$1" > "$STDOUT" 2> "$STDERR" 3>&- ||
            fail "$(< "$STDOUT")" "$(< "$STDERR")" "drive $seed $2 $1; the operations: $(tail -n 60 "$ROOT/operations")"
        count=$(sed -n 's/^\([0-9]*\) operations.*/\1/p' "$STDOUT")
        ((count * 4 >= $2)) || fail "$(< "$STDOUT")"
        cat "$STDOUT"
        counted "$count" "random operations"
    done
}

# bats test_tags=deep
@test "at random, several at once, hooks killed: no VF twice, none lost, none refused that is free" {
    case ${SWEEP-} in
    all) driven 4 40 {1..40} && driven 4 36000 "${SEED:-1}" ;;
    some) driven 4 40 {1..8} ;;
    *) driven 4 40 "${SEED:-1}" ;;
    esac
}

# bats test_tags=deep
@test "at random, one at a time" {
    case ${SWEEP-} in
    all) driven 1 40 {1..40} && driven 1 2000 "${SEED:-2}" ;;
    some) driven 1 40 {1..4} ;;
    *) driven 1 40 "${SEED:-2}" ;;
    esac
}

@test "what is lost is seen: a setting that stays, a claim that nobody has, a VF that two have" {
    local what
    local -A said=([setting]="is not set as it was" [claim]="the ledger does not know" [twice]="is given to")
    for what in "${!said[@]}"; do
        LOSE=$what run timeout 300 "$TESTS/races/drive" "$PLAIN" "$ROOT" 1 120 1 3>&-
        [[ $status == 1 && $output == *"${said[$what]}"* ]] || fail "$what: exit status $status" "$output"
        rm -rf "$ROOT"
    done
}
