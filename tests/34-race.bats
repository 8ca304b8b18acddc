#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Many at once: 64 processes on 16 VFs, together at a barrier. Every winner looks
# at the ledger itself, and holds what it won in a directory of its own, where
# making the same name twice is an error: no VF has two holders at any moment. The programs as they are installed:
# sanitized ones, 64 at a time, wait more for memory than for each other.

load helpers
as_installed

PROCESSES=64

setup() {
    common_setup
    LEDGER=$ROOT/run/vfpool
    OWN=$BATS_TEST_TMPDIR/own
    mkdir "$OWN"
    host eth3:vfs=8,total=8 eth4:vfs=8,total=8
    pool net eth3 eth4
    hook_environment
    HOOK=("${HOOK_ENVIRONMENT[@]}" "$VFPOOL_BUILD/hook/qemu")
}

# domain N COUNT: guest N's XML, in a file, so that the race is the hooks' alone.
domain() {
    local i devices=()
    for ((i = 1; i <= $2; i++)); do
        devices+=("net:${MAC[$1 * 8 + i]}")
    done
    guest "vm$1" "${UUID[$1]}" "${devices[@]}" >"$BATS_TEST_TMPDIR/vm$1.xml"
}

# granted FILE: the addresses in a domain's hostdev interfaces.
granted() {
    perl -0777 -ne 'print "$1:$2:$3.$4\n" while
        /<source>\s*<address type="pci" domain="0x(\w+)" bus="0x(\w+)" slot="0x(\w+)" function="0x(\w)"/g' "$1"
}

# live ROUNDS COUNT N: prepares and releases guest N, again and again; COUNT is
# the number of its interfaces, or "mixed" for one to three.
live() {
    local rounds=$1 count=$2 n=$3 round won=0 lost=0 code address xml=$BATS_TEST_TMPDIR/vm$3.xml
    local out=$BATS_TEST_TMPDIR/vm$3.out got
    [[ $count != mixed ]] || count=$((n % 3 + 1))
    for ((round = 0; round < rounds; round++)); do
        code=0
        "${HOOK[@]}" "vm$n" prepare begin - <"$xml" >"$out" 2>"$out.err" || code=$?
        if ((code)); then
            [[ $code == 1 && $(<"$out.err") == *"no free VF"* && ! -s $out ]] || fail "$code: $(<"$out.err")" || return
            [[ ! -e $LEDGER/guests/${UUID[n]}.xml ]] || fail "refused, with a claim" || return
            lost=$((lost + 1))
            continue
        fi
        won=$((won + 1))
        mapfile -t got < <(granted "$out")
        ((${#got[@]} == count)) || fail "${#got[@]} VFs instead of $count" || return
        for address in "${got[@]}"; do
            mkdir "$OWN/$address" || fail "$address was another's" || return
            [[ $(holder "$address") == "${UUID[n]}" ]] || fail "$address is $(holder "$address")'s" || return
        done
        # Given back here before it is given back there.
        for address in "${got[@]}"; do
            rmdir "$OWN/$address" || return
        done
        "${HOOK[@]}" "vm$n" release end - <"$xml" >"$out" 2>&1 || return
        [[ ! -s $out ]] || fail "release said: $(<"$out")" || return
    done
    echo "$won $lost"
}

# sum FIELD: of what the processes printed last.
sum() {
    local i total=0 line
    for ((i = 1; i <= PROCESSES; i++)); do
        line=$(tail -n 1 "$BATS_TEST_TMPDIR/together/$i.out")
        # shellcheck disable=SC2086
        set -- "$1" $line
        total=$((total + ${!1}))
    done
    echo "$total"
}

assert_all_succeeded() {
    local i
    for i in "$BATS_TEST_TMPDIR"/together/*.code; do
        [[ $(<"$i") == 0 ]] || fail "${i##*/}: $(<"$i")" "$(cat "${i%.code}.out" "${i%.code}.err")" || return
    done
}

# race ROUNDS COUNT: 64 guests; says how fast.
race() {
    local from took n calls
    for ((n = 1; n <= PROCESSES; n++)); do
        if [[ $2 == mixed ]]; then
            domain "$n" $((n % 3 + 1))
        else
            domain "$n" "$2"
        fi
    done
    VFPOOL_WAIT=120
    from=$EPOCHREALTIME
    together $PROCESSES live "$1" "$2"
    took=$(((${EPOCHREALTIME/./} - ${from/./}) / 1000))
    assert_all_succeeded
    won=$(sum 2) lost=$(sum 3)
    calls=$((won * 2 + lost))
    echo "# $PROCESSES processes, 16 VFs, $2 VFs a guest: $won prepared and released, $lost refused," \
        "$((calls * 1000 / took)) calls/s" >&3
    ((won + lost == PROCESSES * $1 && won >= 16))
    assert_equal "$(ls "$OWN")" ""
    assert_taken
    assert_invariants
}

@test "64 guests of one VF on 16: no VF twice" {
    race 6 1
}

@test "64 guests of one to three VFs on 16: all or none" {
    race 6 mixed
}

@test "64 at once on 16, and they stay: exactly 16 win" {
    for ((n = 1; n <= PROCESSES; n++)); do
        domain "$n" 1
    done
    stay() {
        local code=0
        "${HOOK[@]}" "vm$1" prepare begin - <"$BATS_TEST_TMPDIR/vm$1.xml" >"$BATS_TEST_TMPDIR/vm$1.out" 2>&1 || code=$?
        if ((code)); then
            echo "0 1"
        else
            echo "1 0"
        fi
    }
    together $PROCESSES stay
    assert_equal "$(sum 2) $(sum 3)" "16 48"
    assert_equal "$(for ((n = 1; n <= PROCESSES; n++)); do granted "$BATS_TEST_TMPDIR/vm$n.out"; done | sort | uniq -c | awk '$1 == 1' | wc -l)" 16
    assert_invariants
    together $PROCESSES give_back
    assert_taken
    assert_invariants
}

give_back() {
    "${HOOK[@]}" "vm$1" release end - <"$BATS_TEST_TMPDIR/vm$1.xml"
}

@test "one guest prepared 64 times at once has one claim" {
    domain 1 3
    same() { "${HOOK[@]}" vm1 prepare begin - <"$BATS_TEST_TMPDIR/vm1.xml"; }
    together $PROCESSES same
    assert_all_succeeded
    assert_equal "$(taken | wc -l)" 3
    assert_equal "$(cat "$BATS_TEST_TMPDIR"/together/*.out | cksum)" \
        "$(for ((n = 1; n <= PROCESSES; n++)); do cat "$BATS_TEST_TMPDIR/together/1.out"; done | cksum)"
    assert_invariants
}

@test "readers always see whole claims" {
    for ((n = 1; n <= PROCESSES; n++)); do
        domain "$n" 3
    done
    # Every fourth one reads.
    busy() {
        local round state
        if (($1 % 4)); then
            live 4 3 "$1"
            return
        fi
        for ((round = 0; round < 8; round++)); do
            state=$("$VFPOOL_BUILD/hook/vfpool" status --format json) || return
            jq -e '.pools[0].vfs | length == 16 and ([.[] | select(.guest)] | group_by(.guest.uuid) |
                all(length == 3)) and all(.state == "free" or .state == "claimed")' <<<"$state" >/dev/null ||
                fail "a claim in parts: $state" || return
            jq '[.pools[0].vfs[] | select(.guest)] | length' <<<"$state" >>"$BATS_TEST_TMPDIR/seen.$1"
        done
        echo "0 0"
    }
    VFPOOL_WAIT=120
    together $PROCESSES busy
    assert_all_succeeded
    # They did look while there was something to see.
    (($(cat "$BATS_TEST_TMPDIR"/seen.* | grep -cv '^0$') > 0)) || fail "the readers saw nothing"
    assert_taken
    assert_invariants
}

@test "killed ones among them harm nobody" {
    for ((n = 1; n <= PROCESSES; n++)); do
        domain "$n" 2
    done
    # Half of them die, each at another system call of those that change something.
    points=(symlinkat:1 symlinkat:2 renameat:1 unlinkat:1 unlinkat:2 unlinkat:3 fsync:1 fsync:2 ftruncate:1 ftruncate:2
        pwrite64:1 write:1)
    mortal() {
        local point=${points[$1 / 2 % ${#points[@]}]} code=0
        if (($1 % 2)); then
            "${HOOK_ENVIRONMENT[@]}" strace -qq -o /dev/null -e trace="${point%:*}" \
                -e inject="${point%:*}:signal=KILL:when=${point#*:}" \
                "$VFPOOL_BUILD/hook/qemu" "vm$1" prepare begin - <"$BATS_TEST_TMPDIR/vm$1.xml" || code=$?
            ((code == 137 || code == 1 || code == 0))
        else
            "${HOOK[@]}" "vm$1" prepare begin - <"$BATS_TEST_TMPDIR/vm$1.xml" || code=$?
            ((code == 0 || code == 1)) && "${HOOK[@]}" "vm$1" release end - <"$BATS_TEST_TMPDIR/vm$1.xml"
        fi
    }
    together $PROCESSES mortal
    assert_all_succeeded
    run_vfpool 0 status
    assert_invariants
    # Whoever died with a claim has it whole, and it can be released.
    assert_equal "$(taken | cut -d ' ' -f 2 | sort | uniq -c | awk '$1 != 2')" ""
    together $PROCESSES give_back
    assert_taken
    assert_invariants
}
