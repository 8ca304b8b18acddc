#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a person sees: tables that fit, colours, VFs picked from many, and a status that draws itself again.

LEAK_CHECK=1
load helpers

setup() {
    common_setup
    host eth3:vfs=3,numa=0 ens2f0np0:vfs=63,numa=1
    pool net eth3 ens2f0np0
    LONG=a-guest-whose-name-is-as-long-as-a-name-can-be
    run_hook 0 web prepare < <(guest web "${UUID[1]}" "net:${MAC[1]}")
    run_hook 0 $LONG prepare < <(guest $LONG "${UUID[2]}" "net:${MAC[2]}" "net:${MAC[3]}")
}

# What a test that failed left running would be waited for.
teardown() {
    local pid
    pid=$(cat "$BATS_TEST_TMPDIR/pid" 2> /dev/null) && [[ -n $pid && -e /proc/$pid ]] || return 0
    kill -KILL "$pid"
    continue_script "$pid"
}

# script(1) stops when its child does.
continue_script() { kill -CONT "$(ps -o ppid= -p "$1" | tr -d ' ')" 2> /dev/null || :; }

# terminal COLUMNS ROWS VERB...: what a terminal of that size shows is in $STDOUT
terminal() {
    local size="stty cols $1 rows $2" command
    shift 2
    command="$size; echo \$\$ > ${BATS_TEST_TMPDIR@Q}/pid; exec ${VFPOOL_BUILD@Q}/hook/vfpool ${*@Q}"
    env -u COLUMNS TERM=xterm SHELL=/bin/sh script -qec "$command" /dev/null < /dev/null 3>&-
}

# widest: the longest line of what is in $OUT, without its colours, and of what that name is longer
widest() { tr -d '\r' < "$OUT" | grep -v "$LONG" | sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g' | awk '{ if (length > most) most = length } END { print most }'; }

@test "status, explain and doctor fit the terminal, whatever they say; names are in full" {
    OUT=$BATS_TEST_TMPDIR/out
    run_vfpool 0 drain eth3 --reason "new firmware on Monday evening, please do not move any guests here before that is done"
    guest other "${UUID[3]}" "net:${MAC[3]}" "net:${MAC[4]}" > "$ROOT/g.xml"
    for columns in 70 80 100; do
        terminal "$columns" 24 status --color=never > "$OUT"
        (($(widest) <= columns)) || fail "$columns: $(< "$OUT")"
        grep -q "claimed  *web" "$OUT"
        # What somebody's name needs, it gets.
        grep -q "$LONG" "$OUT"
        for verb in doctor "explain $ROOT/g.xml" "status --summary"; do
            # shellcheck disable=SC2086
            terminal "$columns" 24 $verb > "$OUT" || [[ $verb == doctor ]]
            (($(widest) <= columns)) || fail "$columns: $verb: $(< "$OUT")"
        done
    done
    # Where it is no terminal, a VF is a line.
    run_vfpool 0 status
    assert_equal "$(grep -c ' drained .*PF eth3 is drained since .* before that is done$' "$STDOUT")" 1
    assert_equal "$(grep -c '^0000:' "$STDOUT")" 66
    run_vfpool 0 undrain eth3
    run_vfpool 0 drain ens2f0np0 --reason "new firmware on Monday evening, please do not move any guests here before that is done"
    run_vfpool 0 status
    assert_equal "$(grep -c '^0000:.* drained .*PF ens2f0np0 is drained since .* before that is done$' "$STDOUT")" 62
    # On one, what takes several lines is said once.
    terminal 80 24 status > "$OUT"
    assert_equal "$(grep -c 'as above' "$OUT")" 61
    # COLUMNS is obeyed, as ls(1) does.
    COLUMNS=80 run_vfpool 0 status
    assert_equal "$(grep -c 'as above' "$STDOUT")" 61
    for columns in 0 x '' -5 80x; do
        COLUMNS=$columns run_vfpool 0 status
        assert_equal "$(grep -c 'as above' "$STDOUT")" 0
    done
    COLUMNS=99999999999999999999 run_vfpool 0 status
    COLUMNS=1 run_vfpool 0 doctor ||:
}

@test "--color: always, never and auto; the environment counts for auto alone" {
    run_vfpool 0 status
    plain=$output
    for when in --color --color=always; do
        NO_COLOR=1 TERM=dumb run_vfpool 0 status $when
        [[ $output == *$'\e[33mclaimed\e[0m'* ]]
        assert_equal "$(sed 's/\x1b\[[0-9]*m//g' "$STDOUT")" "$plain"
    done
    run_vfpool 0 status --color=auto
    assert_equal "$output" "$plain"
    [[ $(terminal 200 50 status --color=never) != *$'\e'* ]]
    [[ $(terminal 200 50 status --color=auto) == *$'\e[33m'* ]]
    for verb in doctor history "explain web"; do
        # shellcheck disable=SC2086
        run_program '[0-4]' "$VFPOOL_BUILD/hook/vfpool" $verb --color=never
        plain=$output
        # shellcheck disable=SC2086
        run_program '[0-4]' "$VFPOOL_BUILD/hook/vfpool" $verb --color
        [[ $output != "$plain" ]]
        assert_equal "$(sed 's/\x1b\[[0-9]*m//g' "$STDOUT")" "$plain"
    done
    for when in '' 'auto always' 'never,'; do run_vfpool 2 status --color="$when"; done
    run_vfpool 2 status --color=sometimes
    assert_one_line "--color takes auto, always or never, not 'sometimes'"
    run_vfpool 0 status --color --format json
    [[ $output != *$'\e'* ]]
}

@test "--summary: a row a PF, and a bar that leaves out nothing" {
    run_vfpool 0 drain 0000:01:10.4
    run_vfpool 0 status --summary
    assert_equal "$output" "pool net
eth3         3 VFs  [++-]                        2 claimed, 1 drained, NUMA node 0
ens2f0np0   63 VFs  [+....................]      1 claimed, 62 free, NUMA node 1"
    host down eth3
    run_vfpool 0 status --summary
    [[ $output == *"eth3         3 VFs  [++x] "*"NUMA node 0, down"* ]]
    run_vfpool 2 status --summary --wide
    assert_one_line "status takes --summary, or --wide and --long"
}

@test "--state, --pf, --guest: what is like that, in each form; totals are of all, and so are left out" {
    run_vfpool 0 status --state claimed
    assert_equal "$(sed 's/  */ /g' "$STDOUT")" "pool net
ADDRESS PF VF STATE GUEST
0000:01:10.0 eth3 0 claimed web
0000:01:10.2 eth3 1 claimed $LONG
0000:02:10.0 ens2f0np0 0 claimed $LONG"
    run_vfpool 0 status --pf eth3
    assert_equal "$(grep -c '^0000:01' "$STDOUT") $(grep -c '^0000' "$STDOUT")" "3 3"
    for pf in 0000:02:00.0 02:00.0 pci_0000_02_00_0; do
        run_vfpool 0 status --pf $pf --state free --format json
        assert_equal "$(jq -c '[.pools[0].vfs | length, (.[].pf)] | unique' "$STDOUT")" '[62,"ens2f0np0"]'
        assert_equal "$(jq -c '[.pools[0].pfs[].name]' "$STDOUT")" '["ens2f0np0"]'
    done
    for who in web "${UUID[1]}" "${UUID[1]^^}"; do
        run_vfpool 0 status --guest "$who" --format xml
        assert_equal "$(xmllint --xpath 'concat(count(//vf), //vf/@address, //guest/@name)' "$STDOUT")" "10000:01:10.0web"
    done
    # A pool with nothing like that is left out, and so is what there is to say of it.
    pool aside eth9
    run_vfpool 0 status --guest web
    [[ $output != *aside* && $output != *missing* ]]
    for what in '--guest nobody' '--state quarantined' '--pf eth3 --state quarantined' '--pf eth3 --guest nobody'; do
        # shellcheck disable=SC2086
        run_vfpool 0 status $what
        assert_equal "$output" "No VF is like that."
        # shellcheck disable=SC2086
        run_vfpool 0 status $what --format json
        assert_equal "$output" '{"format":1,"pools":[]}'
    done
    # The VFs of a pool whose file is gone are of a PF still.
    mv "$ROOT/etc/vfpool/net.xml" "$BATS_TEST_TMPDIR"
    run_vfpool 0 status --pf eth3
    assert_equal "$(grep -c '^0000:01' "$STDOUT") $(grep -c '^0000:02' "$STDOUT")" "2 0"
    mv "$BATS_TEST_TMPDIR/net.xml" "$ROOT/etc/vfpool"
    run_vfpool 3 status --state fre
    assert_one_line "there is no state 'fre': free, claimed, held"
    run_vfpool 3 status --pf eth9
    assert_one_line "no pool has a PF 'eth9'"
}

# watching FILE ARGUMENT...: a terminal on which it runs, in the background
watching() {
    local file=$1
    shift
    (terminal 100 12 status --watch "$@" > "$file" 2>&1) &
    WATCHING=$!
    wait_until grep -q 'pool net' "$file"
}

@test "--watch draws again when a claim, a pool file or what is drained changes, and leaves the terminal as it was" {
    OUT=$BATS_TEST_TMPDIR/out
    watching "$OUT"
    # More than the terminal has rows for is said to be there.
    wait_until grep -q "(6[0-9] lines more: --summary" "$OUT"
    count=$(grep -c 'pool net' "$OUT")
    run_hook 0 web release < <(guest web "${UUID[1]}" "net:${MAC[1]}")
    redrawn() { (($(grep -c 'pool net' "$OUT") > count)) && grep -q '0000:01:10.0  eth3         0  .*free' "$OUT"; }
    wait_until redrawn
    run_vfpool 0 drain eth3
    wait_until grep -q drained "$OUT"
    pool zwei eth3
    count=$(grep -c 'pool net' "$OUT")
    drawn() { (($(grep -c 'pool net' "$OUT") > count)); }
    wait_until drawn
    kill -INT "$(< "$BATS_TEST_TMPDIR/pid")"
    wait "$WATCHING"
    # The other screen first, and back at the end.
    [[ $(head -c 8 "$OUT") == $'\e[?1049h' ]]
    [[ $(tail -c 8 "$OUT") == $'\e[?1049l' ]]
}

@test "--watch: stopped and continued, it gives the terminal back and takes it again; its size may change" {
    OUT=$BATS_TEST_TMPDIR/out
    watching "$OUT" --pf eth3
    pid=$(< "$BATS_TEST_TMPDIR/pid")
    kill -TSTP "$pid"
    stopped() { [[ $(awk '{ print $3 }' "/proc/$pid/stat") == T ]]; }
    wait_until stopped
    kill -CONT "$pid"
    continue_script "$pid"
    again() { (($(grep -c 'pool net' "$OUT") > $1)); }
    wait_until again 1
    # Given back in between, as script(1), which stopped as well, has it only now.
    [[ $(grep -oF $'\e[?1049l' "$OUT" | wc -l) == 1 && $(grep -oF $'\e[?1049h' "$OUT" | wc -l) == 2 ]]
    kill -WINCH "$pid"
    wait_until again 2
    # What else there is to say is below the table.
    echo x > "$ROOT/run/vfpool/guests/${UUID[2]}.xml"
    wait_until grep -q "/guests/${UUID[2]}" "$OUT"
    kill -TERM "$pid"
    wait "$WATCHING"
    [[ $(tail -c 8 "$OUT") == $'\e[?1049l' ]]
}

@test "--watch into a pipe: each status that differs, until nobody reads" {
    mkfifo "$BATS_TEST_TMPDIR/pipe"
    "$VFPOOL_BUILD/hook/vfpool" status --watch --format json > "$BATS_TEST_TMPDIR/pipe" 3>&- &
    watching=$!
    echo "$watching" > "$BATS_TEST_TMPDIR/pid"
    exec 7< "$BATS_TEST_TMPDIR/pipe"
    read -ru 7 first
    jq -e '.pools[0].vfs[0].guest.name == "web"' <<< "$first"
    run_hook 0 web release < <(guest web "${UUID[1]}" "net:${MAC[1]}")
    read -ru 7 second
    jq -e '.pools[0].vfs[0].state == "free"' <<< "$second"
    exec 7<&-
    wait "$watching"
    # On a dumb terminal nothing is drawn over.
    OUT=$BATS_TEST_TMPDIR/out
    (env -u COLUMNS TERM=dumb SHELL=/bin/sh script -qec "echo \$\$ > $BATS_TEST_TMPDIR/pid; exec $VFPOOL_BUILD/hook/vfpool status --watch" /dev/null < /dev/null > "$OUT" 3>&-) &
    watching=$!
    wait_until grep -q 'pool net' "$OUT"
    kill -HUP "$(< "$BATS_TEST_TMPDIR/pid")"
    wait "$watching"
    run ! grep -q $'\e' "$OUT"
}
