#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Out of memory: allocations of each call fail, one in each run (tests/memory/sweep.c), in the programs as they are
# installed, as sanitizers have a malloc of their own. Either the call is whole or it ends, with one line and a ledger
# that is what it was or what the call makes of it.

# bats file_tags=deep

VFPOOL_TIMEOUT=400    # hundreds of runs each
load helpers

A=${UUID[1]}

setup() {
    common_setup
    XML=$BATS_TEST_TMPDIR/guest.xml
    host eth3:vfs=3 eth4:vfs=0,total=8
    pool net eth3
    guest other "${UUID[2]}" "net:${MAC[9]}" > "$XML"
    run_hook 0 other prepare < "$XML"
    guest g "$A" "net:${MAC[1]}" "net:${MAC[2]}" > "$XML"
}

# sweep STATUS PROGRAM ARGUMENT...: allocations of it fail, one in each run; $SWEEP: how many (tests/memory/sweep.c)
sweep() {
    local ended=$1 program=$2
    shift 2
    run_program 0 "$PLAIN/tests/memory/sweep" "$ended" "$PLAIN/tests/memory/fail.so" "$XML" \
        "$PLAIN/hook/vfpool" "$PLAIN/$program" "$@"
    echo "# $program $*: $output"
    counted "${output%% of *}" "failed allocations"
}

hook() { # STATUS OPERATION
    sweep "$1" hook/qemu g "$2" "$(suboperation "$2")" -
}

# running FUNCTION FUNCTION: the guest with these VFs
running() {
    local function devices=()
    for function; do
        devices+=("<interface type='hostdev' managed='yes'><mac address='${MAC[${#devices[@]} + 1]}'/>
            <source><address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x$function'/></source>
            </interface>")
    done
    guest g "$A" "${devices[@]}" > "$XML"
}

prepared() {
    run_hook 0 g prepare < "$XML"
}

# A libvirt that says yes, and has no networks and no guests yet.
libvirt() {
    load libvirt/helpers
    libvirt_begin
    printf '#!/bin/sh\n[ "$1" = network ] && exit 3\ncat > /dev/null\n' > "$ROOT/usr/sbin/vfpool-gate"
    chmod +x "$ROOT/usr/sbin/vfpool-gate"
}

@test "prepare, and where it ends nothing is claimed" {
    hook 1 prepare
    [[ $output == *" 0 after it" ]]
}

@test "prepare with libvirt" {
    libvirt
    hook 1 prepare
}

@test "start" {
    prepared
    running 2 4
    hook 1 start
}

@test "release, with libvirt" {
    prepared
    running 2 4
    run_hook 0 g start < "$XML"
    libvirt
    hook 1 release
}

@test "reconnect and attach, which never fail" {
    running 2 4
    hook 0 reconnect
    hook 0 attach
}

@test "migrate and restore" {
    running 0 2 # the first one is another guest's here
    hook 1 migrate
    run_hook 0 g migrate < "$XML"
    [[ $output == *'function="0x4"'* ]]
    hook 1 restore
}

@test "transform and explain" {
    sweep 1 hook/vfpool transform -
    sweep 1 hook/vfpool explain -
}

@test "status, as a table and as XML" {
    sweep 1 hook/vfpool status
    sweep 1 hook/vfpool status --format xml
}

@test "dumpxml and network" {
    sweep 1 hook/vfpool dumpxml net
    sweep 1 hook/vfpool network net
}

@test "history" {
    prepared
    sweep 1 hook/vfpool history
}

@test "discover" {
    sweep 1 hook/vfpool discover
}

@test "release by hand" {
    prepared
    looks_gone "$A"
    sweep 1 hook/vfpool release --dry-run "$A"
    sweep 1 hook/vfpool release "$A"
    sweep 1 hook/vfpool release 0000:01:10.2
}

@test "reconcile and open, with libvirt" {
    libvirt
    # An offer is withdrawn before it is made.
    SWEEP_AGAIN=1 sweep 1 hook/vfpool reconcile
    sweep 1 hook/vfpool open
}

# network OPERATION: the network hook, about the guest's first VF
network() {
    allocation "$A" g "${MAC[1]}" 0000:01:10.2 > "$XML"
    sweep 1 hook/network net "$1" begin -
}

@test "what libvirt gave, and took back" {
    prepared
    network port-created
    network port-deleted
}

@test "prepare, start and release of an offered VF" {
    load libvirt/helpers
    libvirt_begin
    witness
    run_vfpool 0 reconcile
    [[ -e $ROOT/run/vfpool/offers/net ]]
    sweep 1 hook/qemu g prepare begin -
    prepared
    run_program 0 "$PLAIN/hook/network" net port-created begin - < <(allocation "$A" g "${MAC[1]}" 0000:01:10.2)
    run_program 0 "$PLAIN/hook/network" net port-created begin - < <(allocation "$A" g "${MAC[2]}" 0000:01:10.4)
    running 2 4
    sweep 1 hook/qemu g start begin -
    # Of a start that failed before libvirt gave anything: else somebody settles behind it.
    guest g "$A" "net:${MAC[1]}" "net:${MAC[2]}" > "$XML"
    prepared
    sweep 1 hook/qemu g release end -
}

# A driver that does not tell what is set: each run sets it.
@test "start and release of a guest with settings" {
    guest g "$A" "net:${MAC[1]}" > "$XML"
    pool net eth3 -- "<metadata><v:pool xmlns:v='urn:vfpool:1'><v:settings trust='yes'/></v:pool></metadata>"
    mkdir "$ROOT/kernel"
    for _ in 0 1 2; do echo "52:54:00:00:00:01 0 0 8100 0 0 -1 -1 -1 0"; done > "$ROOT/kernel/$(cat "$ROOT/sys/class/net/eth3/ifindex")"
    run_program 0 "$PLAIN/tests/kernel/hook/qemu" g prepare begin - < "$XML"
    running 2
    sweep 1 tests/kernel/hook/qemu g start begin -
    [[ -s $ROOT/kernel/log ]]
    sweep 1 tests/kernel/hook/qemu g release end -
}

@test "vfpool-gate where it changes something: the same call, made again, finishes it" {
    load libvirt/helpers
    libvirt_begin
    run_vfpool 0 reconcile
    boot 5 net
    export FAKE_LIBVIRT=$LIBVIRT SWEEP_AGAIN=1
    printf 'block 0000:01:10.2\nblock 0000:01:10.4\n' | "$ROOT/usr/sbin/vfpool-gate" set net 3< "$ROOT"
    assert_equal "$(owner net 0000:01:10.0),$(owner net 0000:01:10.2)" "g5,vfpool"
    printf 'open 0000:01:10.2\nopen 0000:01:10.4\n' > "$XML"
    sweep 1 tests/libvirt/gate set net
    # A call that was killed leaves vfpool's own ports for the next "set" to make: here are none.
    "$ROOT/usr/sbin/vfpool-gate" set net < "$XML" 3< "$ROOT"
    run_vfpool 0 network net
    sed 's/function="0x4"/function="0x6"/' "$STDOUT" > "$XML"
    sweep 1 tests/libvirt/gate define net restart
    rm "$LIBVIRT/domains/${UUID[5]}.xml"
    echo "${UUID[5]}" > "$XML"
    sweep 1 tests/libvirt/gate prune net
    sweep 1 tests/libvirt/gate open net
}

@test "vfpool-gate where it changes nothing" {
    load libvirt/helpers
    libvirt_begin
    run_vfpool 0 reconcile
    export FAKE_LIBVIRT=$LIBVIRT
    sweep 1 tests/libvirt/gate network net
    sweep 1 tests/libvirt/gate ports net
    # All as it is wished: a call that changed something says so, the next one does not.
    printf 'block 0000:01:10.4\n' > "$XML"
    sweep 1 tests/libvirt/gate set net
    echo "${UUID[7]}" > "$XML"
    sweep 1 tests/libvirt/gate prune net
}
