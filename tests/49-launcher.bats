#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# hook/launcher.c, what libvirt calls: whatever becomes of the program behind it, no guest that runs is told to end, and
# none starts that has no claim.

load helpers

setup() {
    common_setup
    hooks=$ROOT/etc/libvirt/hooks
    guest=$hooks/vfpool/guest
    mkdir -p "$hooks/vfpool"
    cp "$VFPOOL_BUILD/hook/launcher" "$hooks/qemu"
}

# A program that can be spoiled: one with sanitizers links other libraries, and says more.
plain_guest() { cp "$PLAIN/hook/qemu" "$guest"; }
# guest_is LINE...: a script
guest_is() {
    printf '%s\n' '#!/bin/bash' "$@" > "$guest"
    chmod +x "$guest"
}
run_launcher() { # CODE WORD...
    hook_environment
    run_program "$1" "${HOOK_ENVIRONMENT[@]}" "${launcher:-$hooks/qemu}" "${@:2}"
}
# goes_on TEXT: no operation fails at which libvirt would end the guest; what is said last is ours, and has the text
goes_on() {
    local operation
    for operation in reconnect attach; do
        run_launcher 0 g "$operation" begin - < /dev/null || return
        [[ ! -s $STDOUT && ${stderr##*$'\n'} == "vfpool: $guest did not do its part at $operation of guest 'g': "*"$1"*": run 'vfpool reconcile' once it can run" ]] ||
            fail "not that: $stderr" || return
        [[ -n ${says_more-} ]] || assert_one_line || return
    done
}

@test "it needs no library" {
    run ! grep -E 'NEEDED|INTERP' <(readelf -dl "$hooks/qemu")
    grep -aq 'vfpool-program urn:vfpool:1' "$hooks/qemu"
}

@test "arguments, standard input and output, environment and exit status go through" {
    local operation
    # shellcheck disable=SC2016 # the script's own
    guest_is 'printf "<%s>" "$@"' 'echo " $A $(cat) $(grep -E "Sig(Blk|Ign)" /proc/$$/status | xargs)"' 'echo words >&2' 'exit ${code:-0}'
    for operation in prepare start release migrate restore; do
        run_program 3 env A=b code=3 "$hooks/qemu" 'a guest' $operation begin - 'one more' '' <<< input
        [[ $output == "<a guest><$operation><begin><-><one more><> b input "* ]]
        assert_one_line words
    done
    for operation in reconnect attach; do
        run_program 0 env A=b "$hooks/qemu" g $operation begin - 'one more' '' <<< input
        [[ $output == "<g><$operation><begin><-><one more><> b input "* ]]
        assert_one_line words
    done
}

# Whoever calls it may ignore its children's ends.
@test "the program has the signals that the launcher got" {
    local signals
    guest_is 'exec grep -E "Sig(Blk|Ign)" /proc/self/status'
    for signals in --default-signal '--ignore-signal=CHLD --ignore-signal=PIPE' --block-signal=CHLD,USR1; do
        # shellcheck disable=SC2086
        run_program 0 env $signals "$guest"
        local expected=$output
        for operation in prepare reconnect; do
            # shellcheck disable=SC2086
            run_program 0 env $signals "$hooks/qemu" g $operation begin -
            assert_equal "$output" "$expected"
        done
    done
    guest_is 'exit 5'
    run_program 0 env --ignore-signal=CHLD "$hooks/qemu" g reconnect begin -
    assert_one_line "exit status 5"
}

@test "every operation of the program's runs it, and at any other there is nothing that can fail" {
    local operation operations
    mapfile -t operations < <(sed -n '/^} operations\[\]/,/^};/s/.*{\(.name = \)*"\([a-z]*\)".*/\2/p' "$TESTS/../lib/guest/guest.c")
    ((${#operations[@]} == 7))
    guest_is 'echo "$2"'
    for operation in "${operations[@]}"; do
        run_launcher 0 g "$operation" begin - < /dev/null
        assert_equal "$output" "$operation"
    done
    rm "$guest"
    for operation in started migrated prepared '' "$(printf 'x%.0s' {1..4000})"; do
        run_launcher 0 g "$operation" begin - < /dev/null
        assert_silent
    done
}

@test "a program that is not there, is not executable, or is none: running guests go on, others do not start" {
    local operation
    goes_on "No such file or directory"
    touch "$guest"
    goes_on "Permission denied"
    for operation in prepare start migrate restore release; do
        run_launcher 1 g $operation begin - < /dev/null
        assert_one_line "vfpool: $guest cannot be run: Permission denied: install vfpool again"
    done
    printf 'no program' > "$guest"
    chmod +x "$guest"
    goes_on "Exec format error"
    rm "$guest"
    run_launcher 1 g prepare begin - < /dev/null
    assert_one_line "$guest cannot be run: No such file or directory"
    run_launcher 1
    run_launcher 1 g
}

@test "a program that fails, crashes or is killed" {
    guest_is 'exit 127'
    goes_on "exit status 127"
    # shellcheck disable=SC2016 # the script's own
    guest_is 'ulimit -c 0; kill -SEGV $$'
    goes_on "signal 11 ended it"
    # shellcheck disable=SC2016
    guest_is 'kill -KILL $$'
    goes_on "signal 9 ended it"
    # Nobody reads what is said of it.
    run_program 0 perl -e 'pipe R, W; close R; open STDERR, ">&W"; exec @ARGV' "$hooks/qemu" g reconnect begin -
    run_program 0 bash -c 'exec "$@" <&- >&- 2>&-' bash "$hooks/qemu" g reconnect begin -
}

@test "a program that does not end is ended" {
    cp "$VFPOOL_BUILD/tests/launcher/impatient" "$hooks/qemu"
    # shellcheck disable=SC2016 # the script's own
    guest_is 'echo $$ > '"$ROOT/pid" "read -r _ <> $ROOT/fifo"
    mkfifo "$ROOT/fifo"
    goes_on "it had not ended after 1 s"
    wait_until gone "$(cat "$ROOT/pid")"
}
# It may wait for whoever asks for its exit status.
gone() { ! read -r -d '' _ 2> /dev/null < "/proc/$1/cmdline"; }

@test "a launcher that is killed takes the program with it" {
    local pid
    # shellcheck disable=SC2016 # the script's own
    guest_is 'echo $$ > '"$ROOT/pid.new && mv $ROOT/pid.new $ROOT/pid" "read -r _ <> $ROOT/fifo"
    mkfifo "$ROOT/fifo"
    "$hooks/qemu" g reconnect begin - < /dev/null 3>&- &
    pid=$!
    wait_until test -s "$ROOT/pid"
    kill -KILL "$pid"
    { wait "$pid" || :; } 2> /dev/null
    wait_until gone "$(cat "$ROOT/pid")"
}

@test "half way through an upgrade of libxslt: running guests go on, and nothing starts" {
    local operation
    plain_guest
    sed -i 's/libxslt\.so\.1/libxslt.so.9/' "$guest"
    says_more=1 goes_on "exit status 127"
    [[ $stderr == *libxslt.so.9* ]]
    run_launcher 0 g started begin - < /dev/null
    assert_silent
    for operation in prepare start migrate restore; do
        run_launcher 127 g $operation begin - < /dev/null
        assert_one_line libxslt.so.9
    done
}

@test "the hook behind it: a guest's life, from each place where the launcher may be" {
    local place
    host eth3:vfs=2
    pool net eth3
    plain_guest
    mkdir -p "$hooks/qemu.d" "$ROOT/usr/libexec/vfpool"
    cp "$hooks/qemu" "$hooks/qemu.d/vfpool"
    cp "$hooks/qemu" "$ROOT/usr/libexec/vfpool/qemu"
    cp "$guest" "$ROOT/usr/libexec/vfpool/guest"
    for place in "$hooks/qemu" "$hooks/qemu.d/vfpool" "$ROOT/usr/libexec/vfpool/qemu"; do
        launcher=$place run_launcher 0 g prepare begin - < <(guest g "${UUID[1]}" "net:${MAC[1]}")
        [[ $output == *'<interface type="hostdev"'* ]]
        assert_taken 0000:01:10.0 "${UUID[1]}"
        for operation in start reconnect attach; do
            launcher=$place run_launcher 0 g $operation begin - < <(running)
            assert_silent
            assert_taken 0000:01:10.0 "${UUID[1]}"
        done
        # What libvirt says after an upgrade is enough.
        rm -r "$ROOT/run/vfpool"
        launcher=$place run_launcher 0 g reconnect begin - more < <(running)
        assert_silent
        assert_taken 0000:01:10.0 "${UUID[1]}"
        launcher=$place run_launcher 0 g release end - < <(guest g "${UUID[1]}" "net:${MAC[1]}")
        assert_silent
        assert_released "${UUID[1]}"
        launcher=$place run_launcher 2 g prepare
        assert_one_line usage
        launcher=$place run_launcher 0 g reconnect
        assert_one_line usage
    done
    assert_invariants
}
running() {
    guest g "${UUID[1]}" "<interface type='hostdev' managed='yes'><mac address='${MAC[1]}'/>
        <source><address type='pci' domain='0' bus='0x01' slot='0x10' function='0x0'/></source></interface>"
}
