#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The helpers: does each assertion fail when it should? The program under test
# is a stand-in.

load helpers

setup() {
    common_setup
    VFPOOL_BUILD=$BATS_TEST_TMPDIR/build
    mkdir -p "$VFPOOL_BUILD/hook"
}

# program NAME <SCRIPT: the stand-in.
program() {
    { echo '#!/bin/bash' && cat; } >"$VFPOOL_BUILD/hook/$1"
    chmod +x "$VFPOOL_BUILD/hook/$1"
}

@test "run_vfpool wants the exit code, keeps stdout and stderr apart" {
    program vfpool <<<'echo "out $*"; echo err >&2; exit 3'
    run_vfpool 3 status --format json
    assert_equal "$status|$output|$stderr" '3|out status --format json|err'
    run -1 run_vfpool 0 status
    [[ $output == *"exit code 3, not 0"* ]]
}

@test "run_program does not wait for ever" {
    VFPOOL_TIMEOUT=0.1
    mkfifo "$ROOT/never"
    run -1 run_program 0 cat "$ROOT/never"
    [[ $output == *"timed out"* ]]
    run_program 124 cat "$ROOT/never"
}

@test "a program does not get bats' own descriptor" {
    program vfpool <<<'[[ ! -e /proc/self/fd/3 ]]'
    run_vfpool 0 status
}

@test "run_hook calls as libvirt does" {
    program qemu <<<'pwd; echo "$*"; env | grep -v -e ^_= -e ^SHLVL= -e ^PWD= | cut -d = -f 1 | sort | xargs; cat'
    LEAKS=1 ASAN_OPTIONS='' run_hook 0 web prepare < <(guest web "${UUID[1]}")
    assert_equal "${output%%<*}" "/"$'\n'"web prepare begin -"$'\n'"HOME LC_ALL PATH VFPOOL_ROOT"$'\n'
    [[ $output == *"<name>web</name>"* ]]
    run_hook 0 web release '' saved </dev/null
    [[ $output == *"web release end saved"* ]]
    run_hook 0 web migrate other </dev/null
    [[ $output == *"web migrate other -"* ]]
}

@test "assert_one_line counts lines and looks into them" {
    program vfpool <<<'printf "$1" >&2'
    run_vfpool 0 'eth3 is down\n'
    assert_one_line eth3 down
    run -1 assert_one_line eth4
    for bad in '' '\n' 'two\nlines\n' 'cut off' '\ntwo\n' 'two\n\n'; do
        run_vfpool 0 "$bad"
        run -1 assert_one_line
    done
}

@test "assert_silent hears both" {
    program vfpool <<<'printf "$1"; printf "$2" >&2'
    run_vfpool 0 '' ''
    assert_silent
    run_vfpool 0 '\n' ''
    run -1 assert_silent
    run_vfpool 0 '' '\n'
    run -1 assert_silent
}

@test "assert_unchanged sees what came, went and changed" {
    ledger=$ROOT/run/vfpool
    snapshot
    mkdir -p "$ledger/guests" "$ledger/vfs"
    : >"$ledger/lock"
    assert_unchanged
    echo 1 >"$ledger/lock"
    run -1 assert_unchanged
    : >"$ledger/lock"
    echo a >"$ledger/guests/x"
    run -1 assert_unchanged
    ln -s ../guests/x "$ledger/vfs/y"
    snapshot
    assert_unchanged
    echo b >"$ledger/guests/x"
    run -1 assert_unchanged
    echo a >"$ledger/guests/x"
    assert_unchanged
    ln -sfn ../guests/z "$ledger/vfs/y"
    run -1 assert_unchanged
    rm "$ledger/vfs/y"
    run -1 assert_unchanged
    ln -s ../guests/x "$ledger/vfs/y"
    chmod 600 "$ledger/guests/x"
    run -1 assert_unchanged
}

@test "holder, taken and released are read from the links" {
    mkdir -p "$ROOT/run/vfpool/guests" "$ROOT/run/vfpool/vfs"
    assert_taken
    touch "$ROOT/run/vfpool/guests/${UUID[1]}.xml"
    ln -s "../guests/${UUID[1]}.xml" "$ROOT/run/vfpool/vfs/0000:01:10.0"
    ln -s "../guests/${UUID[2]}.xml" "$ROOT/run/vfpool/vfs/0000:01:10.2"
    assert_equal "$(holder 0000:01:10.0)|$(holder 0000:01:10.2)|$(holder 0000:01:10.4)" "${UUID[1]}||"
    assert_taken 0000:01:10.0 "${UUID[1]}"
    run -1 assert_taken
    run -1 assert_taken 0000:01:10.0 "${UUID[2]}"
    run -1 assert_taken 0000:01:10.0 "${UUID[1]}" 0000:01:10.0 "${UUID[1]}"
    touch "$ROOT/run/vfpool/vfs/0000:01:10.4"
    run -1 assert_taken 0000:01:10.0 "${UUID[1]}"
    run -1 assert_released "${UUID[1]}"
    run -1 assert_released "${UUID[2]}"
    assert_released "${UUID[3]}"
}

@test "assert_invariants fails on a broken ledger" {
    mkdir -p "$ROOT/run/vfpool/guests"
    assert_invariants
    : >"$ROOT/run/vfpool/left"
    run -1 assert_invariants
}

@test "pool and guest write what libvirt would" {
    pool net eth3 eth4 -- "<vlan><tag id='5'/></vlan>" "<!-- last -->"
    assert_equal "$(xmllint --xpath 'string(/network/forward[@mode="hostdev"]/pf[2]/@dev)' "$ROOT/etc/vfpool/net.xml")" eth4
    assert_equal "$(xmllint --xpath 'string(/network/vlan/tag/@id)' "$ROOT/etc/vfpool/net.xml")" 5
    guest "a<b>'&\"" "${UUID[16]}" net:"${MAC[258]}" net/gold:"${MAC[1]}" '<rng/>' >"$ROOT/guest.xml"
    get() { xmllint --xpath "string($1)" "$ROOT/guest.xml"; }
    assert_equal "$(get /domain/name)" "a<b>'&\""
    assert_equal "$(get /domain/uuid)" 00000000-0000-4000-8000-000000000010
    assert_equal "$(get '//interface[1]/source[not(@portgroup)]/@network')" net
    assert_equal "$(get '//interface[1]/mac/@address')" 52:54:00:00:01:02
    assert_equal "$(get '//interface[2]/source/@portgroup')" gold
    assert_equal "$(get 'count(/domain/devices/rng)')" 1
}

@test "wait_until polls, and gives up" {
    counter=0
    third_time() { ((++counter == 3)); }
    wait_until third_time
    assert_equal "$counter" 3
    VFPOOL_WAIT=0
    run -1 wait_until false
    [[ $output == *"in vain for: false"* ]]
}

@test "together: all are there before the first goes" {
    # Each counts who has arrived: were one let go early, it would see fewer.
    count() {
        local here=("$BATS_TEST_TMPDIR"/together/*.here)
        echo "$1 ${#here[@]}"
        return "$2"
    }
    together 20 count x
    for i in {1..20}; do
        assert_equal "$(<"$BATS_TEST_TMPDIR/together/$i.out")|$(<"$BATS_TEST_TMPDIR/together/$i.code")" "x 20|$i"
    done
    die() { kill -KILL "$BASHPID"; }
    run -1 together 2 die
    [[ $output == *"process 1 did not end"* ]]
}
