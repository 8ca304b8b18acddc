#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A libvirt on files, its guests and its administrators at random: tests/races/drive knows who has what, and looks at
# ledger, ports and settings every so often. $SEED for another run; what failed once, and was mended, is in races/found.

load helpers

# driven COUNT WHAT...: COUNT operations at least
driven() {
    local count
    timeout 3000 "$TESTS/races/drive" "$PLAIN" "$ROOT" "${@:2}" > "$STDOUT" 2> "$STDERR" 3>&- ||
        fail "$(< "$STDOUT")" "$(< "$STDERR")" "drive ${*:2}; the operations: $(tail -n 60 "$ROOT/operations")"
    count=$(sed -n 's/^\([0-9]*\) operations.*/\1/p' "$STDOUT")
    ((count >= $1)) || fail "$(< "$STDOUT")"
    cat "$STDOUT"
    counted "$count" "random operations"
}

# bats test_tags=deep
@test "at random, several at once, hooks killed: no VF twice, none lost, none refused that is free" {
    case ${SWEEP-} in
    all) driven 20000 "${SEED:-1}" 36000 ;;
    some) driven 400 "${SEED:-1}" 800 ;;
    *) driven 60 "${SEED:-1}" 120 ;;
    esac
}

# bats test_tags=deep
@test "at random, one at a time" {
    case ${SWEEP-} in
    all) driven 1000 "${SEED:-2}" 2000 1 ;;
    some) driven 150 "${SEED:-2}" 300 1 ;;
    *) driven 40 "${SEED:-2}" 80 1 ;;
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
