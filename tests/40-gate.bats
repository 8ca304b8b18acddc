#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The gate, with a libvirt that is a script: what it is asked, and what becomes of a start when it fails or hangs. The
# real one is in tests/lab.
# shellcheck disable=SC2030,SC2031 # each test is a process of its own, and that is what is wanted

LEAK_CHECK=1
load helpers
load libvirt/helpers

A=6695eb01-f6a4-8304-79aa-97f2502e1901
B=6695eb01-f6a4-8304-79aa-97f2502e1902

setup() {
    common_setup
    host eth3:vfs=3 eth4:vfs=2
    pool p eth3
    pool q eth4
    libvirt_begin
    libvirt 'cat >> "$log"'
    # Nobody settles, who would call it as well: what is wished of that is a file.
    mkdir -p "$ROOT/run/vfpool/unsettled"
}

# libvirt CODE...: what vfpool-gate does; its arguments are in $log before its input.
libvirt() {
    printf '#!/bin/sh\nlog=%s\necho "$@" >> "$log"\n%s\n' "$ROOT/calls" "$*" > "$ROOT/usr/sbin/vfpool-gate"
    chmod +x "$ROOT/usr/sbin/vfpool-gate"
}

calls() { cat "$ROOT/calls" 2> /dev/null; rm -f "$ROOT/calls"; }

# is_waiting PID: for a second it does not end, and asks libvirt nothing.
is_waiting() {
    run timeout 1 tail --pid "$1" -f /dev/null
    assert_equal "$status" 124
    assert_equal "$(calls)" ""
}

prepare() { # CODE UUID NUMBER NETWORK...
    local code=$1 uuid=$2 number=$3 interfaces=() network
    shift 3
    for network; do interfaces+=("$network:52:54:00:00:$number:0$((${#interfaces[@]} + 1))"); done
    run_hook "$code" "g$number" prepare < <(guest "g$number" "$uuid" "${interfaces[@]}")
}

give() { # UUID NUMBER ADDRESS [NETWORK]: libvirt gives it that one, and its network hook tells
    made 0 "${4:-p}" "$1" "g$2" "52:54:00:00:$2:01" "$3"
}

# interface NUMBER ADDRESS: a guest's, once it has that VF.
interface() {
    echo "<interface type='hostdev' managed='yes'><mac address='52:54:00:00:$1:01'/>
        <source><address type='pci' domain='0x${2:0:4}' bus='0x${2:5:2}' slot='0x${2:8:2}' function='0x${2:11}'/></source>
        </interface>"
}

start() { # CODE UUID NUMBER ADDRESS: it has that one
    run_hook "$1" "g$3" start < <(guest "g$3" "$2" "$(interface "$3" "$4")")
}

release() { # UUID NUMBER
    run_hook 0 "g$2" release < <(guest "g$2" "$1")
}

# fixed OPERATION UUID: of a guest that names its VF itself.
fixed() {
    run_hook 0 fixed "$1" < <(guest fixed "$2" "<hostdev mode='subsystem' type='pci' managed='yes'>
        <source><address domain='0x0000' bus='0x01' slot='0x10' function='0x2'/></source></hostdev>")
}

# reserve NETWORK NUMBER: its VF 1 is for that guest, which must have just that one.
reserve() {
    sed -i "s|<pf dev='\([^']*\)'/>|<pf dev='\1'><reserve vfs='1' guest='g$2'/></pf>|" "$ROOT/etc/vfpool/$1.xml"
}

# offer NETWORK [BLOCKED...]: libvirt may give all of its VFs but those.
offer() {
    local mark=$ROOT/run/vfpool/witness/daemon daemon
    read -r daemon < "$mark"
    mkdir -p "$ROOT/run/vfpool/offers"
    printf '%s\n' "$daemon $(stat -c '%i %.9Y' "$mark")" "${@:2}" > "$ROOT/run/vfpool/offers/$1"
}

# spread: pool p is on two PFs, and guests are on both in turn.
spread() {
    rm "$ROOT/etc/vfpool/q.xml"
    pool p eth3 eth4 -- "<metadata><v:pool xmlns:v='urn:vfpool:1' order='spread'/></metadata>"
}

# was_long_ago UUID: when it claimed its VFs.
was_long_ago() {
    local file=$ROOT/run/vfpool/guests/$1.xml clock
    clock=$(grep -o 'clock="[^"]*"' "$file" | tr -dc 0-9)
    sed -i "s/clock=\"$clock\"/clock=\"$((clock - 30001))\"/" "$file"
}

@test "prepare blocks the pool's other VFs and opens its own, start and release call nobody" {
    prepare 0 "$A" 11 p
    assert_equal "$(calls)" "set p
block 0000:01:10.2
block 0000:01:10.4
open 0000:01:10.0"
    assert_taken 0000:01:10.0 "$A"
    give "$A" 11 0000:01:10.0
    start 0 "$A" 11 0000:01:10.0
    assert_taken 0000:01:10.0 "$A"
    release "$A" 11
    assert_equal "$(calls)" ""
    assert_released "$A"
}

@test "nothing is given where libvirt does not tell of it" {
    local witness=$ROOT/run/vfpool/witness/daemon network=$ROOT/etc/libvirt/hooks/network what
    local call="libvirt does not call vfpool's hooks network and daemon: systemctl reload"
    rm "$witness"
    snapshot
    for what in lost forged ended replaced absent; do
        witness
        case $what in
        lost) rm "$witness" ;;
        forged) echo mark > "$witness" ;;
        ended) sed -i '1s/ .*/ 1/' "$witness" ;;
        replaced) printf '#!/bin/sh\n# vfpool, too\n' > "$network" ;;
        absent) rm "$network" ;;
        esac
        prepare 1 "$A" 11 q p
        if [[ $what == absent ]]; then
            assert_one_line "pool 'p' gives no VF, as there is no hook network of vfpool's" "hooks put"
        else
            assert_one_line "pool 'p' gives no VF, as $call libvirtd"
        fi
        assert_equal "$output" ""
        assert_taken
        assert_released "$A"
        # A daemon that is not there yet is started by being asked.
        assert_equal "$(calls)" "ports p"
    done
    rm "$witness"
    assert_unchanged
    : > "$ROOT/run/libvirt/virtnetworkd-sock"
    printf '#!/bin/sh\n# vfpool\n' > "$network"
    chmod +x "$network"
    prepare 1 "$A" 11 p
    assert_one_line "pool 'p' gives no VF, as $call virtqemud virtnetworkd"
    # What asks libvirt for nothing needs no word of it.
    fixed prepare "$B"
    assert_taken 0000:01:10.2 "$B"
    witness
    prepare 0 "$A" 11 p
    assert_taken 0000:01:10.2 "$B" 0000:01:10.0 "$A"
}

@test "a silent libvirt that does not tell what it gives is said to be silent" {
    rm "$ROOT/run/vfpool/witness/daemon"
    libvirt 'exec sleep 300'
    VFPOOL_BUILD=$PLAIN/tests/libvirt/hasty prepare 1 "$A" 11 p
    assert_one_line "libvirt did not answer within"
    assert_equal "$(calls)" "ports p"
    assert_released "$A"
}

@test "a guest whose VF libvirt gave without a word does not start" {
    prepare 0 "$A" 11 p
    calls > /dev/null
    start 1 "$A" 11 0000:01:10.0
    assert_one_line "libvirt gave guest 'g11' VF 0000:01:10.0 of pool 'p', and did not tell its network hook: see 'vfpool doctor'"
    assert_taken 0000:01:10.0 "$A"
    release "$A" 11
    assert_released "$A"
    # Told of one of two, it has said nothing of the other.
    run_hook 0 g11 prepare < <(guest g11 "$A" p:52:54:00:00:11:01 q:52:54:00:00:11:01)
    give "$A" 11 0000:01:10.0
    run_hook 1 g11 start < <(guest g11 "$A" "$(interface 11 0000:01:10.0)" "$(interface 11 0000:02:10.0)")
    assert_one_line "libvirt gave guest 'g11' VF 0000:02:10.0 of pool 'q', and did not tell"
    give "$A" 11 0000:02:10.0 q
    run_hook 0 g11 start < <(guest g11 "$A" "$(interface 11 0000:01:10.0)" "$(interface 11 0000:02:10.0)")
    assert_taken 0000:01:10.0 "$A" 0000:02:10.0 "$A"
    release "$A" 11
    # Where there is no libvirt, nobody could tell.
    rm "$ROOT/run/libvirt/libvirt-sock"
    prepare 0 "$A" 11 p
    start 0 "$A" 11 0000:01:10.0
}

@test "a guest on two pools opens both, in the order of their names" {
    prepare 0 "$A" 11 q p
    assert_equal "$(calls)" "set p
block 0000:01:10.2
block 0000:01:10.4
open 0000:01:10.0
set q
block 0000:02:10.2
open 0000:02:10.0"
}

@test "a static device stays blocked" {
    fixed prepare "$A"
    assert_equal "$(calls)" ""
    assert_taken 0000:01:10.2 "$A"
    prepare 0 "$B" 12 p p
    assert_equal "$(calls)" "set p
block 0000:01:10.2
open 0000:01:10.4
open 0000:01:10.0"
    # Nor does libvirt tell of it.
    fixed start "$A"
    fixed release "$A"
    assert_equal "$(calls)" ""
}

@test "nobody is asked where there is no libvirt, and for a guest without a pool" {
    run_hook 0 iso1 prepare < "$FIXTURES/captured/000.iso1.prepare.begin.-.xml"
    assert_equal "$(calls)" ""
    rm "$ROOT/run/libvirt/libvirt-sock"
    prepare 0 "$A" 11 p
    assert_equal "$(calls)" ""
    # The modular daemon's socket is as good.
    : > "$ROOT/run/libvirt/virtnetworkd-sock"
    prepare 0 "$B" 12 p
    [[ $(calls) == "set p"* ]]
}

@test "asking for a decision opens nothing, and asks whose ports there are" {
    guest g "$A" p:52:54:00:00:00:01 > "$ROOT/g.xml"
    run_vfpool 0 transform "$ROOT/g.xml"
    assert_equal "$(calls)" "ports p"
    run_vfpool 0 status
    assert_equal "$(calls)" "ports p
ports q"
    run_vfpool 0 status q
    assert_equal "$(calls)" "ports q"
    # At migrate a guest is locked in libvirt: it is not asked.
    run_hook 0 g migrate < "$ROOT/g.xml"
    assert_equal "$(calls)" ""
}

@test "what libvirt refuses fails the start in its words, and nothing stays claimed" {
    libvirt 'cat > /dev/null; echo "libvirt network p is not active: run vfpool reconcile" >&2; exit 3'
    snapshot
    prepare 1 "$A" 11 p
    assert_one_line "libvirt network p is not active: run vfpool reconcile"
    assert_equal "$output" ""
    assert_released "$A"
    assert_invariants
}

@test "a second network that fails leaves the first one open, and nothing claimed" {
    libvirt 'cat >> "$log"; [ "$2" = p ] || { echo "no q" >&2; exit 1; }'
    prepare 1 "$A" 11 p q
    assert_one_line "no q"
    # What is open there is any guest's.
    assert_equal "$(calls)" "set p
block 0000:01:10.2
block 0000:01:10.4
open 0000:01:10.0
set q
block 0000:02:10.2
open 0000:02:10.0"
    assert_released "$A"
    assert_invariants
}

@test "nothing is opened before all turns have come" {
    reserve q 11
    prepare 0 "$A" 11 q
    calls > /dev/null
    prepare 0 "$B" 12 p q < /dev/null 3>&- &
    local waiting=$!
    wait_until test -e "$ROOT/run/vfpool/turns/p"
    is_waiting "$waiting"
    assert_taken 0000:02:10.2 "$A"
    give "$A" 11 0000:02:10.2 q
    wait "$waiting"
    assert_equal "$(calls | grep '^[so]')" "set p
open 0000:01:10.0
set q
open 0000:02:10.0"
}

@test "who stops waits for nobody, whoever is to have just its own VFs" {
    reserve p 11
    prepare 0 "$B" 12 p
    give "$B" 12 0000:01:10.0
    start 0 "$B" 12 0000:01:10.0
    prepare 0 "$A" 11 p
    calls > /dev/null
    VFPOOL_TIMEOUT=10 release "$B" 12
    assert_equal "$(calls)" ""
    assert_taken 0000:01:10.2 "$A"
}

@test "what was opened and not taken is just open" {
    prepare 0 "$A" 11 p
    calls > /dev/null
    give "$A" 11 0000:01:10.4
    start 0 "$A" 11 0000:01:10.4
    assert_equal "$(calls)" ""
    assert_taken 0000:01:10.4 "$A"
}

@test "a libvirt that hangs is killed past the deadline, tried again, and fails the start" {
    libvirt 'exec sleep 300'
    local begin=$SECONDS
    prepare 1 "$A" 11 p
    assert_one_line "libvirt did not answer within 8 s"
    ((SECONDS - begin >= 15 && SECONDS - begin <= 30)) || fail "took $((SECONDS - begin)) s"
    assert_equal "$(calls | grep -c '^set')" 2
    assert_released "$A"
    run ! pgrep -f "$ROOT/usr/sbin/vfpool-gate"
}

@test "reconcile --wait: a libvirt that starts its guests is waited for, and one that never answers is not for ever" {
    VFPOOL_BUILD=$PLAIN/tests/libvirt/hasty
    mkdir -p "$ROOT/etc/libvirt"
    # It answers who asks for the fifth time: more often than any one call is tried.
    libvirt 'cat > /dev/null; [ "$(grep -c . "$log")" -ge 5 ] || exec sleep 300; [ "$1" = version ] || { echo "it answers" >&2; exit 1; }'
    run_vfpool 1 reconcile
    assert_one_line "libvirt did not answer within"
    assert_equal "$(calls | grep -c .)" 1
    run_vfpool 1 reconcile --wait 60
    assert_one_line "it answers"
    assert_equal "$(calls | grep -c '^version')" 5
    libvirt 'exec sleep 300'
    run_vfpool 1 reconcile --wait 1
    assert_one_line "libvirt did not answer within"
}

@test "a gate program that closes its output and stays is killed past the deadline" {
    libvirt 'exec > /dev/null 2>&1; exec sleep 300'
    VFPOOL_BUILD=$PLAIN/tests/libvirt/hasty prepare 1 "$A" 11 p
    assert_one_line "libvirt did not answer within"
    run ! pgrep -f "$ROOT/usr/sbin/vfpool-gate"
}

@test "a gate program that says much on both outputs is read to its end" {
    libvirt 'cat > /dev/null; head -c 300000 /dev/zero | tr "\\0" "\\n" >&2; head -c 300000 /dev/zero | tr "\\0" "\\n"; exit 0'
    prepare 0 "$A" 11 p
}

@test "a hook that is killed takes its gate program along" {
    libvirt 'echo $$ > "$log.pid"; exec sleep 300'
    hook_environment
    "${HOOK_ENVIRONMENT[@]}" "$VFPOOL_BUILD/hook/qemu" g11 prepare begin - < <(guest g11 "$A" "p:${MAC[1]}") 3>&- &
    local hook=$!
    wait_until test -s "$ROOT/calls.pid"
    kill -KILL "$hook"
    wait_until eval '! kill -0 "$(< "$ROOT/calls.pid")" 2> /dev/null'
}

@test "a child that libvirt's answer leaves behind does not keep the hook waiting" {
    libvirt 'sleep 300 & echo $! >> "$log.left"; cat > /dev/null; exit 0'
    local begin=$SECONDS
    prepare 0 "$A" 11 p
    ((SECONDS - begin < 5)) || fail "took $((SECONDS - begin)) s"
    xargs kill < "$ROOT/calls.left"
}

@test "release never fails because of libvirt: it asks it nothing" {
    prepare 0 "$A" 11 p
    calls > /dev/null
    libvirt 'exec sleep 300'
    VFPOOL_TIMEOUT=10 release "$A" 11
    assert_silent
    assert_equal "$(calls)" ""
    assert_released "$A"
}

@test "a gate program that is killed without a word is said" {
    libvirt 'kill -KILL $$'
    prepare 1 "$A" 11 p
    assert_one_line "vfpool-gate was killed"
    assert_released "$A"
}

@test "a gate program that fails with nothing that can be printed is said" {
    libvirt "printf '\\001\\177' >&2; exit 1"
    prepare 1 "$A" 11 p
    assert_one_line "vfpool-gate was killed"
    assert_released "$A"
}

@test "a gate program that is missing is said" {
    rm "$ROOT/usr/sbin/vfpool-gate"
    prepare 1 "$A" 11 p
    assert_one_line "cannot run" "vfpool-gate"
    assert_released "$A"
}

@test "guests that may have any VF do not wait for each other" {
    local i
    for i in 1 2 3; do
        VFPOOL_TIMEOUT=10 prepare 0 "${A%?}$i" "1$i" p
    done
    # What others wait for stays open beside one's own.
    assert_equal "$(calls)" "set p
block 0000:01:10.2
block 0000:01:10.4
open 0000:01:10.0
set p
block 0000:01:10.4
open 0000:01:10.2
set p
open 0000:01:10.4"
    # Each gets one of them, whichever comes first.
    give "${A%?}3" 13 0000:01:10.0
    give "${A%?}1" 11 0000:01:10.2
    give "${A%?}2" 12 0000:01:10.4
    assert_taken 0000:01:10.0 "${A%?}3" 0000:01:10.2 "${A%?}1" 0000:01:10.4 "${A%?}2"
    start 0 "${A%?}3" 13 0000:01:10.0
    start 0 "${A%?}1" 11 0000:01:10.2
    start 0 "${A%?}2" 12 0000:01:10.4
    assert_equal "$(calls)" ""
    assert_invariants
}

@test "a VF that its guest has, or has not come for in time, is blocked beside the next one's" {
    prepare 0 "$A" 11 p
    give "$A" 11 0000:01:10.0
    calls > /dev/null
    prepare 0 "$B" 12 p
    assert_equal "$(calls)" "set p
block 0000:01:10.0
block 0000:01:10.4
open 0000:01:10.2"
    was_long_ago "$B"
    prepare 0 "${A%?}3" 13 p
    assert_equal "$(calls)" "set p
block 0000:01:10.0
block 0000:01:10.2
open 0000:01:10.4"
    assert_taken 0000:01:10.0 "$A" 0000:01:10.2 "$B" 0000:01:10.4 "${A%?}3"
}

@test "a guest that must have just its own VFs waits until nobody waits for libvirt" {
    reserve p 11
    prepare 0 "$B" 12 p
    prepare 0 "${A%?}3" 13 p
    calls > /dev/null
    prepare 0 "$A" 11 p < /dev/null 3>&- &
    local waiting=$!
    is_waiting "$waiting"
    assert_taken 0000:01:10.0 "$B" 0000:01:10.4 "${A%?}3"
    give "$B" 12 0000:01:10.0
    is_waiting "$waiting"
    # One may as well be gone.
    release "${A%?}3" 13
    wait "$waiting"
    assert_equal "$(calls)" "set p
block 0000:01:10.0
block 0000:01:10.4
open 0000:01:10.2"
    assert_taken 0000:01:10.0 "$B" 0000:01:10.2 "$A"
}

@test "a guest that must have just its own VFs is waited for until it has them all" {
    reserve p 11
    prepare 0 "$A" 11 p p
    assert_equal "$(calls)" "set p
block 0000:01:10.4
open 0000:01:10.2
open 0000:01:10.0"
    prepare 0 "$B" 12 p < /dev/null 3>&- &
    local waiting=$!
    is_waiting "$waiting"
    give "$A" 11 0000:01:10.0
    is_waiting "$waiting"
    made 0 p "$A" g11 52:54:00:00:11:02 0000:01:10.2
    wait "$waiting"
    assert_equal "$(calls)" "set p
block 0000:01:10.0
block 0000:01:10.2
open 0000:01:10.4"
    assert_taken 0000:01:10.0 "$A" 0000:01:10.2 "$A" 0000:01:10.4 "$B"
}

@test "one MAC address on two pools: both are waited for" {
    run_hook 0 g11 prepare < <(guest g11 "$A" p:52:54:00:00:11:01 q:52:54:00:00:11:01)
    assert_equal "$(calls | grep -c '^set')" 2
    prepare 0 "$B" 12 q < /dev/null 3>&- &
    local waiting=$!
    is_waiting "$waiting"
    give "$A" 11 0000:01:10.0
    is_waiting "$waiting"
    give "$A" 11 0000:02:10.0 q
    wait "$waiting"
    assert_taken 0000:01:10.0 "$A" 0000:02:10.0 "$A" 0000:02:10.2 "$B"
}

@test "a guest that starts again does not wait for its own earlier start" {
    reserve p 11
    libvirt 'echo no >&2; exit 1'
    prepare 1 "$A" 11 p
    libvirt 'cat >> "$log"'
    local before=$SECONDS
    prepare 0 "$A" 11 p
    release "$A" 11
    prepare 0 "$A" 11 p
    # Its release was killed.
    prepare 0 "$A" 11 p
    give "$A" 11 0000:01:10.2
    start 0 "$A" 11 0000:01:10.2
    release "$A" 11
    # Nor does another guest, while it starts again.
    prepare 0 "$A" 11 p
    release "$A" 11
    prepare 0 "$B" 12 p
    give "$B" 12 0000:01:10.0
    start 0 "$B" 12 0000:01:10.0
    prepare 0 "$A" 11 p
    [ "$((SECONDS - before))" -lt 10 ]
}

@test "a guest that never came for its VFs is waited for, but not for ever" {
    local turn=$ROOT/run/vfpool/turns/p uuid opened stamp
    reserve p 11
    prepare 0 "$A" 11 p
    prepare 0 "$B" 12 p < /dev/null 3>&- &
    local waiting=$!
    calls > /dev/null
    is_waiting "$waiting"
    read -r uuid opened stamp < "$turn"
    assert_equal "$uuid" "$A"
    was_long_ago "$A"
    is_waiting "$waiting"
    echo "$uuid $((opened - 30001)) $stamp" > "$turn"
    wait "$waiting"
    # What is its own stays that.
    assert_equal "$(calls)" "set p
block 0000:01:10.2
block 0000:01:10.4
open 0000:01:10.0"
    assert_taken 0000:01:10.0 "$B" 0000:01:10.2 "$A"
}

@test "the next guest does not wait for one that was released" {
    reserve p 11
    prepare 0 "$A" 11 p
    release "$A" 11
    VFPOOL_TIMEOUT=10 prepare 0 "$B" 12 p
    assert_taken 0000:01:10.0 "$B"
}

@test "no file that the hook has open reaches libvirt's process" {
    libvirt 'cat > /dev/null; ls -l /proc/self/fd > "$log.fds"'
    prepare 0 "$A" 11 p
    # Standard descriptors, ls's own look at the directory, and the root, for scripts as this one.
    run ! grep -E "vfpool/(lock|turns|guests|vfs)" "$ROOT/calls.fds"
}

# --- how busy the daemon is that called -------------------------------------------

# behind_script: somebody's script is where libvirt has its hooks, and calls ours.
behind_script() {
    printf '#!/bin/sh\n"%s" "$@"\n' "$VFPOOL_BUILD/hook/qemu" >"$ROOT/etc/libvirt/hooks/qemu"
    chmod +x "$ROOT/etc/libvirt/hooks/qemu"
}

@test "a daemon that starts its guests is not called back, also from behind somebody's script" {
    local by
    fake_libvirtd
    behind_script
    for by in "$ROOT/etc/libvirt/hooks/qemu" "$VFPOOL_BUILD/hook/qemu"; do
        run_program 0 "$ROOT/libvirtd" starting "$by" g11 prepare begin - < <(guest g11 "$A" p:52:54:00:00:11:01)
        assert_equal "$(calls)" ""
        assert_taken 0000:01:10.0 "$A"
        run_program 0 "$ROOT/libvirtd" "$by" g11 prepare begin - < <(guest g11 "$A" p:52:54:00:00:11:01)
        [[ $(calls) == "set p"* ]]
    done
}

# What it tells of then runs, and would run on.
@test "a daemon that starts tells of a guest with another one's VF: not refused, but said" {
    local words="libvirt gives guest 'g12' VF 0000:01:10.0 of pool 'p', which is held by guest 'g11'"
    fake_libvirtd
    behind_script
    prepare 0 "$A" 11 p
    give "$A" 11 0000:01:10.0
    start 0 "$A" 11 0000:01:10.0
    mkdir -p "$ROOT/run/libvirt/qemu"
    : > "$ROOT/run/libvirt/qemu/g12.xml"
    snapshot
    allocation "$B" g12 52:54:00:00:12:01 0000:01:10.0 > "$BATS_TEST_TMPDIR/allocation"
    run_program 0 "$ROOT/libvirtd" starting "$VFPOOL_BUILD/hook/network" p port-created begin - < "$BATS_TEST_TMPDIR/allocation"
    assert_equal "$stderr" \
        "vfpool: note: $words: only one of them can really have it; look at virsh dumpxml of both"
    assert_unchanged
    run_program 1 "$ROOT/libvirtd" "$VFPOOL_BUILD/hook/network" p port-created begin - < "$BATS_TEST_TMPDIR/allocation"
    assert_equal "$stderr" "vfpool: $words"
    assert_taken 0000:01:10.0 "$A"
}

# It waits for the lock that libvirt has of the guest meanwhile (F61).
@test "a reload that does not end, as it waits for this guest's hook, is not waited for" {
    local begin=$SECONDS
    fake_libvirtd
    reserve q 13
    run_program 0 "$ROOT/reload" "$VFPOOL_BUILD/hook/qemu" g13 prepare begin - < <(guest g13 "$B" q:52:54:00:00:13:01)
    [[ $(calls) == version$'\n'"set q"* ]]
    assert_taken 0000:02:10.2 "$B"
    ((SECONDS - begin < 20)) || fail "took $((SECONDS - begin)) s"
}

@test "in a reload in which libvirt answers nobody all who need it give up together" {
    local begin=$SECONDS
    fake_libvirtd
    libvirt 'exec tail -f /dev/null'
    guest g13 "$A" q:52:54:00:00:13:01 > "$ROOT/g13"
    guest g14 "$B" q:52:54:00:00:14:01 > "$ROOT/g14"
    run_program 0 "$ROOT/reload" bash -c 'for i in 13 14; do {
        "$0" "g$i" prepare begin - < "$VFPOOL_ROOT/g$i" 2> "$VFPOOL_ROOT/said$i"
        echo $? >> "$VFPOOL_ROOT/codes"
    } & done; wait' "$VFPOOL_BUILD/hook/qemu"
    assert_equal "$(< "$ROOT/codes")" 1$'\n'1
    assert_equal "$(calls)" version$'\n'version
    for i in 13 14; do
        assert_equal "$(< "$ROOT/said$i")" "vfpool: libvirt, which reloads or starts, does not answer: start the guest again"
    done
    assert_taken
    ((SECONDS - begin < 20)) || fail "took $((SECONDS - begin)) s"
}

@test "hooks of others occupy workers, too" {
    fake_libvirtd
    behind_script
    echo 'max_workers = 1' >"$ROOT/etc/libvirt/libvirtd.conf"
    run_program 1 "$ROOT/libvirtd" "$ROOT/etc/libvirt/hooks/qemu" g11 prepare begin - < <(guest g11 "$A" p:52:54:00:00:11:01)
    assert_one_line '1 guest is being started or stopped at once' max_workers
    assert_equal "$(calls)" ""
    echo 'max_workers = 2' >"$ROOT/etc/libvirt/libvirtd.conf"
    run_program 0 "$ROOT/libvirtd" "$ROOT/etc/libvirt/hooks/qemu" g11 prepare begin - < <(guest g11 "$A" p:52:54:00:00:11:01)
    [[ $(calls) == "set p"* ]]
}

# Networks are another daemon's, which serves while this one starts its guests, by workers of its own.
@test "a virtqemud that starts its guests, or has no worker left, keeps nobody from calling libvirt" {
    fake_libvirtd
    behind_script
    mv "$ROOT/libvirtd" "$ROOT/virtqemud"
    echo 'max_workers = 1' > "$ROOT/etc/libvirt/virtqemud.conf"
    : > "$ROOT/run/libvirt/virtnetworkd-sock"
    run_program 0 "$ROOT/virtqemud" starting "$ROOT/etc/libvirt/hooks/qemu" g11 prepare begin - < <(guest g11 "$A" p:52:54:00:00:11:01)
    [[ $(calls) == "set p"* ]]
    assert_taken 0000:01:10.0 "$A"
}

@test "nobody waits for a VF where that might keep libvirt from giving one back" {
    rm "$ROOT/run/libvirt/libvirt-sock"
    fake_libvirtd
    behind_script
    cp "$ROOT/libvirtd" "$ROOT/virtqemud"
    pool q eth4 -- "<metadata><v:pool xmlns:v='urn:vfpool:1' wait='20'/></metadata>"
    prepare 0 "$A" 11 q q
    guest g12 "$B" q:52:54:00:00:12:01 > "$BATS_TEST_TMPDIR/guest.xml"
    echo 'max_workers = 1' > "$ROOT/etc/libvirt/libvirtd.conf"
    run_program 1 "$ROOT/libvirtd" "$ROOT/etc/libvirt/hooks/qemu" g12 prepare begin - < "$BATS_TEST_TMPDIR/guest.xml"
    assert_one_line "not waiting, as 1 of libvirtd's 1 workers are at work: pool 'q' has no free VF"
    echo 'max_workers = 1' > "$ROOT/etc/libvirt/virtqemud.conf"
    run_program 1 "$ROOT/virtqemud" "$ROOT/etc/libvirt/hooks/qemu" g12 prepare begin - < "$BATS_TEST_TMPDIR/guest.xml"
    assert_one_line "not waiting, as 1 of virtqemud's 1 workers are at work: pool 'q' has no free VF"
    # Half of them, no more.
    echo 'max_workers = 2' > "$ROOT/etc/libvirt/libvirtd.conf"
    "$ROOT/libvirtd" "$ROOT/etc/libvirt/hooks/qemu" g12 prepare begin - < "$BATS_TEST_TMPDIR/guest.xml" > "$STDOUT" 2> "$STDERR" 3>&- &
    local waiting=$!
    is_waiting "$waiting"
    echo 'max_workers = 1' > "$ROOT/etc/libvirt/libvirtd.conf"
    ! wait "$waiting" || fail "it got one"
    grep -q "no longer waiting, as 1 of libvirtd's 1 workers are at work: pool 'q' has no free VF" "$STDERR"
    assert_invariants
}

@test "a guest that is refused while it waits for its turn touches no port" {
    reserve p 11
    prepare 0 "$A" 11 p
    calls > /dev/null
    fake_libvirtd
    behind_script
    echo 'max_workers = 2' > "$ROOT/etc/libvirt/libvirtd.conf"
    run_program 1 "$ROOT/libvirtd" "$ROOT/etc/libvirt/hooks/qemu" g12 prepare begin - < <(guest g12 "$B" p:52:54:00:00:12:01) 3>&- &
    local waiting=$!
    is_waiting "$waiting"
    echo 'max_workers = 1' > "$ROOT/etc/libvirt/libvirtd.conf"
    wait "$waiting"
    grep -q max_workers "$STDERR"
    assert_equal "$(calls)" ""
    assert_taken 0000:01:10.2 "$A"
}

@test "where no worker is left, a guest still gets what is open anyway" {
    local hook=$ROOT/etc/libvirt/hooks/qemu
    fake_libvirtd
    behind_script
    reserve q 13
    offer p
    offer q 0000:02:10.2
    echo 'max_workers = 1' > "$ROOT/etc/libvirt/libvirtd.conf"
    run_program 0 "$ROOT/libvirtd" "$hook" g11 prepare begin - < <(guest g11 "$A" p:52:54:00:00:11:01)
    assert_taken 0000:01:10.0 "$A"
    # Who must have what is not open has to call libvirt.
    run_program 1 "$ROOT/libvirtd" "$hook" g13 prepare begin - < <(guest g13 "$B" q:52:54:00:00:13:01)
    assert_one_line '1 guest is being started or stopped at once' max_workers
    # So has a guest of which only one VF is open.
    offer p 0000:01:10.2
    run_program 1 "$ROOT/libvirtd" "$hook" g12 prepare begin - < <(guest g12 "$B" p:52:54:00:00:12:01 q:52:54:00:00:12:02)
    assert_one_line max_workers
    assert_equal "$(calls)" ""
    assert_taken 0000:01:10.0 "$A"
    assert_invariants
}

@test "where no worker is left, a guest gets what libvirt gives it, also where it would rather have another" {
    spread
    fake_libvirtd
    behind_script
    echo 'max_workers = 1' > "$ROOT/etc/libvirt/libvirtd.conf"
    offer p
    prepare 0 "$A" 11 p
    run_program 0 "$ROOT/libvirtd" "$ROOT/etc/libvirt/hooks/qemu" g12 prepare begin - < <(guest g12 "$B" p:52:54:00:00:12:01)
    assert_equal "$(calls)" ""
    assert_taken 0000:01:10.0 "$A" 0000:02:10.0 "$B"
    give "$B" 12 0000:01:10.2
    assert_taken 0000:01:10.0 "$A" 0000:01:10.2 "$B"
}

# --- what is open, and known to be ----------------------------------------------

# The offers hold, or are narrowed while guests wait: no process settles.

@test "guests that take what is open anyway call nobody, and wait for nobody" {
    fixed prepare "${A%?}3"
    offer p 0000:01:10.2
    prepare 0 "$A" 11 p
    VFPOOL_TIMEOUT=10 prepare 0 "$B" 12 p
    assert_equal "$(calls)" ""
    assert_taken 0000:01:10.2 "${A%?}3" 0000:01:10.0 "$A" 0000:01:10.4 "$B"
}

@test "where it is known what is open, only what is before a guest's own and nobody's is blocked" {
    spread
    offer p 0000:01:10.4 0000:02:10.2
    prepare 0 "$A" 11 p
    assert_equal "$(calls)" ""
    VFPOOL_TIMEOUT=10 prepare 0 "$B" 12 p
    assert_equal "$(calls)" "set p
block 0000:01:10.2
open 0000:02:10.0"
    assert_taken 0000:01:10.0 "$A" 0000:02:10.0 "$B"
    # That is known now; all others may be open again when nobody waits for libvirt.
    assert_equal "$(tail -n +2 "$ROOT/run/vfpool/offers/p")" "narrowed
0000:01:10.2
0000:01:10.4
0000:02:10.2"
}

@test "who takes what is open waits for a guest that must have just its own VFs, and that one for it" {
    local uuid opened stamp
    reserve p 11
    offer p 0000:01:10.2
    prepare 0 "${A%?}3" 13 p
    assert_equal "$(calls)" ""
    prepare 0 "$A" 11 p < /dev/null 3>&- &
    local waiting=$!
    is_waiting "$waiting"
    # No hook runs beside it: that would find the offer withdrawn, and start a process that settles.
    was_long_ago "${A%?}3"
    wait "$waiting"
    assert_equal "$(calls)" "set p
block 0000:01:10.0
open 0000:01:10.2"
    assert_taken 0000:01:10.0 "${A%?}3" 0000:01:10.2 "$A"
    prepare 0 "$B" 12 p < /dev/null 3>&- &
    waiting=$!
    is_waiting "$waiting"
    read -r uuid opened stamp < "$ROOT/run/vfpool/turns/p"
    echo "$uuid $((opened - 30001)) $stamp" > "$ROOT/run/vfpool/turns/p"
    wait "$waiting"
    assert_equal "$(calls)" ""
    assert_taken 0000:01:10.0 "${A%?}3" 0000:01:10.2 "$A" 0000:01:10.4 "$B"
}
