#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What outlives a guest: who had which VF when, and which one it had last.

load helpers

V=(0000:01:10.0 0000:01:10.2 0000:01:10.4 0000:01:10.6)

setup() {
    common_setup
    host eth3:vfs=4
    HISTORY=$ROOT/var/lib/vfpool/history
    LAST=$ROOT/var/lib/vfpool/last
}

sticky() { pool p "$@" -- "<metadata><v:pool xmlns:v='urn:vfpool:1' sticky='yes'/></metadata>"; }

# prepare, start, release N [INTERFACES]: of guest N
of() {
    local i interfaces=()
    for ((i = 0; i < ${2:-1}; i++)); do interfaces+=(p:"${MAC[$1 * 16 + i]}"); done
    guest "g$1" "${UUID[$1]}" "${interfaces[@]}"
}
prepare() { run_hook 0 "g$1" prepare < <(of "$@") && cp "$STDOUT" "$BATS_TEST_TMPDIR/g$1.xml"; }
start() { run_hook 0 "g$1" start < "$BATS_TEST_TMPDIR/g$1.xml"; }
release() { run_hook 0 "g$1" release < <(of "$@"); }
lives() { prepare "$@" && start "$1" && release "$@"; }

# events [OF]: "EVENT GUEST VF" of each, on a line
events() {
    run_vfpool 0 history "$@" --format json >&2 && jq -r '.events[] | "\(.event) \(.guest) \(.vf // "-")"' "$STDOUT"
}

@test "who had which VF when, and who was refused" {
    pool p eth3
    lives 1 2
    prepare 2 3
    start 2
    prepare 3 1
    run_hook 1 g4 prepare < <(of 4)
    release 3
    release 2
    assert_equal "$(events | paste -sd ,)" 'claimed g1 0,claimed g1 1,held g1 0,held g1 1,returned g1 0,returned g1 1,claimed g2 0,claimed g2 1,claimed g2 2,held g2 0,held g2 1,held g2 2,claimed g3 3,refused g4 -,dropped g3 3,returned g2 0,returned g2 1,returned g2 2'
    assert_equal "$(events g3 | paste -sd ,)" 'claimed g3 3,dropped g3 3'
    assert_equal "$(events "${UUID[4]}")" 'refused g4 -'
    assert_equal "$(events "${V[2]}" | paste -sd ,)" 'claimed g2 2,held g2 2,returned g2 2'
    assert_equal "$(events nobody)" ''
    run_vfpool 0 history g4
    [[ $output =~ ^20[0-9-]+T[0-9:]+Z\ \ refused\ +g4$'\n'"    pool 'p' has no free VF for interface 1 of guest 'g4': 0000:01:10.0 is held by guest 'g2'," ]]
    run_vfpool 0 history "${V[3]}"
    [[ ${output%%$'\n'*} =~ \ claimed\ +${V[3]}\ \ eth3\ 3\ \ g3$ ]]
    run_vfpool 0 history g3 --format xml
    assert_equal "$(xmllint --xpath 'concat(//event[1]/@pool, " ", //event[1]/@mac)' "$STDOUT")" "p ${MAC[48]}"
}

@test "nothing recorded, or nothing of whom it is asked: said, and no failure" {
    fresh() {
        run_vfpool 0 history "$@"
        assert_equal "$output" "${words-Nothing has happened yet.}"
        run_vfpool 0 history "$@" --format json
        assert_equal "$output" '{"format":1,"events":[]}'
        run_vfpool 0 history "$@" --format xml
        assert_equal "$(xmllint --xpath 'count(/history/event)' "$STDOUT")" 0
    }
    fresh
    [[ ! -e $ROOT/var ]] || fail "history made something"
    words="Nothing is known of 'db-01'." fresh db-01
    pool p eth3
    prepare 1
    words="Nothing is known of 'db-01'." fresh db-01
    words="Nothing is known of '${V[3]}'." fresh "${V[3]}"
    words="Nothing is known of '<a b> ?c'." fresh $'<a\nb> \xffc'
    : > "$HISTORY"
    fresh
}

@test "a record that may not be read is no empty one" {
    local without=()
    pool p eth3
    prepare 1
    chmod 000 "$HISTORY"
    # root reads anything, unless it gives that up.
    ((EUID)) || without=(setpriv "--bounding-set=-dac_override,-dac_read_search" "--inh-caps=-dac_override,-dac_read_search")
    refused() { # FILE
        for form in table json xml; do
            run_program 5 "${without[@]}" "$VFPOOL_BUILD/hook/vfpool" history --format $form
            assert_one_line "cannot read /$1: Permission denied"
            [[ ! -s $STDOUT ]]
        done
    }
    refused var/lib/vfpool/history
    chmod 600 "$HISTORY"
    cp "$HISTORY" "$HISTORY.1"
    chmod 000 "$HISTORY.1"
    refused var/lib/vfpool/history.1
    chmod 600 "$HISTORY.1"
    chmod 000 "$ROOT/var/lib/vfpool"
    refused var/lib/vfpool/history.1
    chmod 700 "$ROOT/var/lib/vfpool"
    assert_equal "$(events)" $'claimed g1 0\nclaimed g1 0'
}

@test "what refuses a guest is in the history, whatever it is; what only tells is not" {
    pool p eth3
    printf '<network/>' > "$ROOT/etc/vfpool/p.xml"
    run_hook 1 g1 prepare < <(of 1)
    pool p eth3
    run_vfpool 0 transform - < <(of 2)
    run_hook 0 g2 restore < <(of 2)
    run_hook 0 g2 stopped < <(of 2)
    run_hook 0 other prepare < <(guest other "${UUID[9]}" default:"${MAC[9]}")
    assert_equal "$(events)" 'refused g1 -'
    # A device of the pool by its address, which another guest has.
    prepare 5
    run_hook 1 g6 prepare < <(guest g6 "${UUID[6]}" "<hostdev type='pci'><source><address domain='0' bus='0x01' slot='0x10' function='0x0'/></source></hostdev>")
    assert_equal "$(events g6)" 'refused g6 -'
    release 5
    # Refused at start, with a VF that another guest has.
    prepare 3
    prepare 4
    run_hook 1 g4 start < <(sed "s/function=\"0x2\"/function=\"0x0\"/" "$BATS_TEST_TMPDIR/g4.xml" | sed "s/<\/devices>/<interface type='network'><mac address='${MAC[77]}'\/><source network='p'\/><\/interface>&/")
    assert_equal "$(events g4 | paste -sd ,)" 'claimed g4 1,refused g4 -'
}

@test "nobody gets a line of somebody's, nor a terminal what it would obey" {
    pool p eth3
    run_hook 0 g1 prepare < <(guest $'a\tb' "${UUID[1]}" p:"${MAC[1]}")
    run_hook 0 g2 prepare < <(guest $'\u009b31m\u202e<&>"' "${UUID[2]}" p:"${MAC[2]}")
    assert_equal "$(wc -l < "$HISTORY")" 2
    run_vfpool 0 history
    [[ $output == *'a b'* && $output != *$'\u009b'* ]]
    run_vfpool 0 history --format json
    jq . "$STDOUT"
    assert_equal "$(jq -r '.events[1].guest' "$STDOUT")" $' 31m\u202e<&>"'
}

@test "lines that are not whole are none, and the next one is" {
    pool p eth3
    prepare 1
    printf '2026-01-01T00:00:00Z\theld\tg9\n\n\t\t\t\t\t\t\t\t\t\t\n%s\n\xff\xfe\t2\t3\t4\t5\t6\t7\t8\t9\t10\n1\t2\t\x01\t4\t5\t6\t7\t8\t9\t10\nhalf' \
        "$(tail -n 1 "$HISTORY")"$'\tx\ty' >> "$HISTORY"
    assert_equal "$(events)" 'claimed g1 0'
    release 1
    assert_equal "$(events | paste -sd ,)" 'claimed g1 0,dropped g1 0'
}

@test "the history is bounded, and the older half goes first" {
    local line i
    pool p eth3
    prepare 1
    line=$(< "$HISTORY")
    printf -v line '%s\n' "$line"
    for ((i = 0; i < 14; i++)); do line+=$line; done
    printf '%s' "$line" | sed 's/g1/old/g' | head -c 1048400 > "$HISTORY"
    release 1
    [[ -e $HISTORY.1 && ! -e $HISTORY ]]
    lives 1
    assert_equal "$(events | tail -n 4 | paste -sd ,)" 'dropped g1 0,claimed g1 0,held g1 0,returned g1 0'
    (($(cat "$HISTORY" "$HISTORY.1" | wc -c) < 2 * 1048576))
}

# Neither history nor memory is worth a disk that fills up.
@test "what cannot be made shorter goes, and is begun anew" {
    sticky eth3
    lives 1
    # So large that nobody of ours wrote it; what is begun is what its release then adds.
    truncate -s 3M "$LAST"
    lives 1
    assert_equal "$(wc -l < "$LAST")" 1
    # No new file can be written beside it.
    mkdir "$LAST.new"
    truncate -s 1M "$LAST"
    lives 1
    assert_equal "$(wc -l < "$LAST")" 1
    # There is a directory where the older half is to be.
    mkdir "$HISTORY.1"
    truncate -s 1M "$HISTORY"
    prepare 1
    [[ ! -e $HISTORY && -d $HISTORY.1 ]]
    release 1
    assert_equal "$(events)" 'dropped g1 0'
}

@test "where nothing can be written no guest has to wait, and what is in the way is set aside" {
    pool p eth3
    mkdir -p "$ROOT/var"
    touch "$ROOT/var/lib"
    lives 1
    assert_equal "$(events)" ''
    rm "$ROOT/var/lib"
    mkdir -p "$ROOT/var/lib/vfpool"
    chmod 777 "$ROOT/var/lib/vfpool"
    lives 1
    assert_equal "$(events)" ''
    chmod 700 "$ROOT/var/lib/vfpool"
    ln -s /dev/full "$HISTORY"
    mkdir "$LAST"
    lives 1
    assert_equal "$(events | paste -sd ,)" 'claimed g1 0,held g1 0,returned g1 0'
    [[ -L $HISTORY.bad && -d $LAST.bad && -f $LAST ]]
    # A fifo that nobody reads.
    rm "$HISTORY"
    mkfifo "$HISTORY"
    lives 1
    [[ -p $HISTORY.bad && -f $HISTORY ]]
}

@test "a full disk costs history, not the start" {
    pool p eth3
    lives 1
    before=$(cksum < "$HISTORY")
    for call in prepare start release; do
        case $call in prepare | release) of 1 > "$BATS_TEST_TMPDIR/in" ;; start) cp "$STDOUT" "$BATS_TEST_TMPDIR/in" ;; esac
        hook_environment
        run_program 0 "${HOOK_ENVIRONMENT[@]}" strace -qq -f -o /dev/null -P "$HISTORY" -P "$LAST" \
            -e inject=write:error=ENOSPC "$VFPOOL_BUILD/hook/qemu" g1 $call begin - < "$BATS_TEST_TMPDIR/in"
    done
    assert_equal "$(cksum < "$HISTORY")" "$before"
    assert_taken
    assert_invariants
}

@test "sticky: the VF that an interface had last, when it is free" {
    sticky eth3
    lives 1
    prepare 2
    prepare 1
    assert_taken "${V[0]}" "${UUID[2]}" "${V[1]}" "${UUID[1]}"
    start 1
    release 1
    release 2
    # g2 was never seen with it.
    prepare 3
    assert_equal "$(holder "${V[0]}")" "${UUID[3]}"
    run_vfpool 0 explain --format json - < <(of 1)
    assert_equal "$(jq -r '.interfaces[0].vfs[] | "\(.vf) \(.reason // "")"' "$STDOUT" | paste -sd ,)" \
        "0 it is held by guest 'g3',1 ,2 the guest had VF 1 of PF eth3 last,3 the guest had VF 1 of PF eth3 last"
    prepare 1
    assert_equal "$(holder "${V[1]}")" "${UUID[1]}"
    release 1
    # Another host life: the ledger is gone.
    rm -r "$ROOT/run/vfpool"
    prepare 1
    assert_taken "${V[1]}" "${UUID[1]}"
    release 1
    # Its interface has another MAC address: another interface.
    run_hook 0 g1 prepare < <(guest g1 "${UUID[1]}" p:"${MAC[99]}")
    assert_taken "${V[0]}" "${UUID[1]}"
    # A pool that is not sticky.
    pool p eth3
    prepare 1
    assert_taken "${V[0]}" "${UUID[1]}"
}

@test "sticky: interfaces together, and what weighs more" {
    sticky eth3
    lives 1 2
    prepare 2 1
    prepare 1 2
    assert_taken "${V[0]}" "${UUID[2]}" "${V[1]}" "${UUID[1]}" "${V[2]}" "${UUID[1]}"
    start 1
    release 1 2
    release 2
    prepare 1 2
    assert_taken "${V[1]}" "${UUID[1]}" "${V[2]}" "${UUID[1]}"
    release 1 2
    # A VF that the host uses is chosen last, and one of another PF where they are to be apart.
    host eth4:vfs=2
    sticky eth3 eth4
    prepare 1 2
    assert_taken "${V[1]}" "${UUID[1]}" 0000:02:10.0 "${UUID[1]}"
}

@test "sticky: what cannot be understood is forgotten, and the file is bounded" {
    local i other
    sticky eth3
    lives 1
    prepare 2
    lives 1
    assert_equal "$(tail -n 1 "$LAST")" "${UUID[1]} ${MAC[16]} ${V[1]}"
    release 2
    printf '%s %s x\n%s %s 0000:99:00.0\n%s %s 0000:01:10.00000000\nhalf' "${UUID[1]}" "${MAC[16]}" "${UUID[1]}" "${MAC[16]}" "${UUID[1]}" "${MAC[16]}" >> "$LAST"
    prepare 1 # of a VF that is not there
    assert_taken "${V[0]}" "${UUID[1]}"
    release 1
    other=${UUID[7]}
    for ((i = 0; i < 16000; i++)); do
        printf '%s 52:54:00:00:%02x:%02x 0000:01:10.4\n' "$other" $((i % 3)) $((i % 5))
    done > "$LAST" 2> /dev/null
    lives 1
    assert_equal "$(wc -l < "$LAST")" 17 # and the return
    prepare 3
    lives 1
    assert_equal "$(tail -n 1 "$LAST")" "${UUID[1]} ${MAC[16]} ${V[1]}"
}

# --- who asked, and what of it is wanted ---------------------------------------

@test "who asked: libvirt, or a user by name, and who that was before sudo" {
    pool p eth3
    lives 1
    prepare 2
    SUDO_USER=alice run_vfpool 0 release --force g2
    run_vfpool 0 history --format json
    assert_equal "$(jq -r '.events[] | "\(.event) \(.actor)"' "$STDOUT" | sort -u | paste -sd ,)" \
        "claimed libvirt,dropped $(id -un) (sudo: alice),held libvirt,returned libvirt"
    run_vfpool 0 history g2
    [[ ${output##*$'\n'} == "    by $(id -un) (sudo: alice): released by hand" ]]
    # Of earlier versions a line does not say it.
    sed -i 's/\t[^\t]*$//' "$HISTORY"
    run_vfpool 0 history --format json
    assert_equal "$(jq -r '.events[].actor' "$STDOUT" | sort -u)" null
    # Its rows fit a terminal, but for what has a line of its own.
    run_vfpool 0 history
    assert_equal "$(grep -v '^    ' "$STDOUT" | awk 'length > 80')" ""
}

@test "some of it: since a time, the last ones, of a guest, a VF or a pool" {
    host eth4:vfs=1
    pool p eth3
    pool q eth4
    prepare 1
    run_hook 0 g9 prepare < <(guest g9 "${UUID[9]}" q:"${MAC[9]}")
    release 1
    sed -i '1s/^[^\t]*/2026-01-02T03:04:05Z/; 2s/^[^\t]*/2026-01-02T03:04:06Z/' "$HISTORY"
    assert_equal "$(events --since 2026-01-02T03:04:06Z | paste -sd ,)" 'claimed g9 0,dropped g1 0'
    assert_equal "$(events --since 2026-01-03)" 'dropped g1 0'
    assert_equal "$(events --since 2h)" 'dropped g1 0'
    assert_equal "$(events --since 2026-01-02 --last 2 | paste -sd ,)" 'claimed g9 0,dropped g1 0'
    assert_equal "$(events -n 1)" 'dropped g1 0'
    assert_equal "$(events --guest g9)" 'claimed g9 0'
    assert_equal "$(events --guest "${UUID[1]}" --last 1)" 'dropped g1 0'
    assert_equal "$(events --pool p | paste -sd ,)" 'claimed g1 0,dropped g1 0'
    assert_equal "$(events --vf eth4/0)" 'claimed g9 0'
    assert_equal "$(events --vf "${V[0]#0000:}" --pool q)" ''
    assert_equal "$(events --pool p --guest g9)" ''
    for wrong in '--since yesterday' '--since 2026-1-2' '--since 2026/01/02' '--since 5' '--last 0' '--last many' '--format csv'; do
        # shellcheck disable=SC2086 # two words
        run_vfpool 2 history $wrong
        assert_one_line "history ${wrong%% *} takes" || assert_one_line "${wrong%% *} takes"
    done
}

@test "--follow tells what happens, also when the file is turned" {
    pool p eth3
    prepare 1
    "$VFPOOL_BUILD/hook/vfpool" history --follow --guest g1 > "$BATS_TEST_TMPDIR/followed" 3>&- &
    followed=$!
    has() { [[ $(grep -c . "$BATS_TEST_TMPDIR/followed") == "$1" ]]; }
    wait_until grep -q claimed "$BATS_TEST_TMPDIR/followed"
    start 1
    wait_until grep -q held "$BATS_TEST_TMPDIR/followed"
    mv "$HISTORY" "$HISTORY.1"
    prepare 2
    release 1
    wait_until grep -q returned "$BATS_TEST_TMPDIR/followed"
    kill "$followed"
    assert_equal "$(grep -o 'claimed\|held\|returned\|dropped' "$BATS_TEST_TMPDIR/followed" | paste -sd ,)" claimed,held,returned
}

@test "each event is a line of the host's log" {
    host_log
    pool p eth3
    lives 1
    prepare 2
    run_hook 1 g4 prepare < <(of 4 5)
    SUDO_USER=alice run_vfpool 0 release --force g2
    run_vfpool 0 drain eth3 --reason 'new firmware' || true
    wait_until grep -q 'drained' "$BATS_TEST_TMPDIR/log"
    kill "$log"
    cat "$BATS_TEST_TMPDIR/log"
    user="$(id -un) (sudo: alice)"
    while IFS= read -r line; do
        grep -qE "^<30>vfpool\[[0-9]+\]: $line" "$BATS_TEST_TMPDIR/log" || fail "no line: $line"
    done << LINES
claimed VF ${V[0]} \(eth3 0\) of pool 'p', guest 'g1' \(${UUID[1]}\), by libvirt: .
held VF ${V[0]} \(eth3 0\) of pool 'p', guest 'g1' \(${UUID[1]}\), by libvirt$
returned VF ${V[0]} \(eth3 0\) of pool 'p', guest 'g1' \(${UUID[1]}\), by libvirt$
refused guest 'g4' \(${UUID[4]}\), by libvirt: pool 'p' has no free VF
dropped VF ${V[0]} \(eth3 0\) of pool 'p', guest 'g2' \(${UUID[2]}\), by ${user//[()]/.}: released by hand$
drained device 0000:01:00.0 \(eth3\), by $(id -un)[^:]*: new firmware$
LINES
}

@test "where the ledger cannot be locked, the host's log has the line all the same" {
    host_log
    pool p eth3
    rm -rf "$ROOT/run/vfpool"
    : > "$ROOT/run/vfpool"
    run_vfpool 0 drain eth3 --reason 'new firmware'
    wait_until grep -q "drained device 0000:01:00.0 (eth3), by .*: new firmware$" "$BATS_TEST_TMPDIR/log"
    run_hook 1 g1 prepare < <(of 1)
    wait_until grep -q "refused guest 'g1' .*: " "$BATS_TEST_TMPDIR/log"
    kill "$log"
}

@test "a log that does not read costs a line, and nobody waits" {
    mkdir -p "$ROOT/dev"
    # Its queue is full: nobody reads.
    perl -MSocket -MFcntl -e 'socket(my $s, PF_UNIX, SOCK_DGRAM, 0); bind($s, sockaddr_un($ARGV[0])) or die;
        socket(my $c, PF_UNIX, SOCK_DGRAM, 0); fcntl($c, F_SETFL, O_NONBLOCK); connect($c, sockaddr_un($ARGV[0])) or die;
        1 while defined(send($c, "x" x 4096, 0)); open(my $o, ">", $ARGV[1]); close($o); sleep' \
        "$ROOT/dev/log" "$BATS_TEST_TMPDIR/full" 3>&- &
    log=$!
    wait_until test -e "$BATS_TEST_TMPDIR/full"
    pool p eth3
    VFPOOL_TIMEOUT=20 lives 1
    kill "$log"
}
