#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# libvirt's network hook: what libvirt gives a guest, at its start or later, is what the ledger says, and what another
# guest has is refused.

load helpers
as_installed

A=${UUID[1]}
B=${UUID[2]}

setup() {
    common_setup
    host eth3:vfs=3 eth4:vfs=2
    pool p eth3
    pool q eth4
    mkdir -p "$ROOT/run/libvirt/qemu"
}

prepare() { # UUID NAME NETWORK:MAC...
    run_hook 0 "$2" prepare < <(guest "$2" "$1" "${@:3}")
}

# runs NAME: libvirt keeps its state
runs() { : > "$ROOT/run/libvirt/qemu/$1.xml"; }

# claim UUID: "ADDRESS MAC given" of each VF
claim() {
    xmllint --xpath '/guest/vf' "$ROOT/run/vfpool/guests/$1.xml" | sed -E \
        's/.* address="([^"]*)".* mac="([^"]*)"( by="[^"]*")?( given="(yes)")?.*/\1 \2\3 \5/; s/ +$//' |
        sed 's/<vf address="\([^"]*\)".*/\1/'
}

# bound ADDRESS: to vfio-pci; whoever has it open has $ROOT/dev/vfio/$group open
bound() {
    group=$(basename "$(readlink "$ROOT/sys/bus/pci/devices/$1/iommu_group")")
    mkdir -p "$ROOT/dev/vfio"
    : > "$ROOT/dev/vfio/$group"
    host driver "$1" vfio-pci
}

assert_claim() { # UUID LINE...
    assert_equal "$(claim "$1")" "$(printf '%s\n' "${@:2}")"
    assert_invariants
}

@test "what libvirt gives as it was claimed is marked, and nothing is said" {
    prepare "$A" a "p:${MAC[1]}"
    made 0 p "$A" a "${MAC[1]}" 0000:01:10.0
    assert_silent
    assert_claim "$A" "0000:01:10.0 ${MAC[1]} yes"
    # Told again, as when the daemon starts, nothing is written.
    snapshot
    made 0 p "$A" a "${MAC[1]}" 0000:01:10.0
    assert_unchanged
}

@test "a guest's VFs in another order: each interface has what libvirt gave it" {
    prepare "$A" a "p:${MAC[1]}" "p:${MAC[2]}"
    made 0 p "$A" a "${MAC[2]}" 0000:01:10.0
    assert_claim "$A" "0000:01:10.0 ${MAC[2]} yes" "0000:01:10.2 ${MAC[1]}"
    made 0 p "$A" a "${MAC[1]}" 0000:01:10.2
    assert_claim "$A" "0000:01:10.0 ${MAC[2]} yes" "0000:01:10.2 ${MAC[1]} yes"
}

@test "a VF of nobody's in place of the claimed one: the claim follows, and that one is free" {
    prepare "$A" a "p:${MAC[1]}" "q:${MAC[2]}"
    made 0 p "$A" a "${MAC[1]}" 0000:01:10.4
    assert_claim "$A" "0000:02:10.0 ${MAC[2]}" "0000:01:10.4 ${MAC[1]} yes"
    made 0 q "$A" a "${MAC[2]}" 0000:02:10.0
    assert_taken 0000:01:10.4 "$A" 0000:02:10.0 "$A"
}

@test "another guest's VF is refused in one line with both names, and nothing changes" {
    prepare "$A" a "p:${MAC[1]}"
    prepare "$B" b "p:${MAC[2]}"
    snapshot
    made 0 p "$A" a "${MAC[1]}" 0000:01:10.0
    snapshot
    made 1 p "$B" b "${MAC[2]}" 0000:01:10.0
    assert_one_line "gives guest 'b' VF 0000:01:10.0 of pool 'p', which is held by guest 'a'"
    assert_unchanged
}

@test "a guest that asked for the device by its address keeps it" {
    run_hook 0 a prepare < <(guest a "$A" "<hostdev mode='subsystem' type='pci' managed='yes'>
        <source><address domain='0x0000' bus='0x01' slot='0x10' function='0x0'/></source></hostdev>")
    prepare "$B" b "p:${MAC[2]}"
    made 1 p "$B" b "${MAC[2]}" 0000:01:10.0
    assert_one_line "held by guest 'a'"
    ended 0 p "$A" a "${MAC[1]}" 0000:01:10.0
    assert_taken 0000:01:10.0 "$A" 0000:01:10.2 "$B"
}

@test "hot-plug: a running guest has what it gets, whether it had a VF before or not" {
    runs a
    made 0 p "$A" a "${MAC[1]}" 0000:01:10.2
    assert_silent
    assert_claim "$A" "0000:01:10.2 ${MAC[1]} yes"
    run_vfpool 0 status --format json
    assert_equal "$(jq -r '.pools[].vfs[] | select(.guest) | "\(.address) \(.state) \(.guest.name)"' <<< "$output")" \
        "0000:01:10.2 held a"
    made 0 q "$A" a "${MAC[2]}" 0000:02:10.0
    assert_claim "$A" "0000:01:10.2 ${MAC[1]} yes" "0000:02:10.0 ${MAC[2]} yes"
    # The next start passes over it.
    prepare "$B" b "p:${MAC[3]}" "p:${MAC[4]}"
    assert_taken 0000:01:10.0 "$B" 0000:01:10.2 "$A" 0000:01:10.4 "$B" 0000:02:10.0 "$A"
}

@test "hot-unplug: the VF leaves the claim, and with the last one the claim goes" {
    runs a
    made 0 p "$A" a "${MAC[1]}" 0000:01:10.2
    made 0 p "$A" a "${MAC[2]}" 0000:01:10.4
    ended 0 p "$A" a "${MAC[1]}" 0000:01:10.2
    assert_silent
    assert_claim "$A" "0000:01:10.4 ${MAC[2]} yes"
    ended 0 p "$A" a "${MAC[2]}" 0000:01:10.4
    assert_released "$A"
    assert_invariants
    # Twice is no error.
    ended 0 p "$A" a "${MAC[2]}" 0000:01:10.4
    assert_silent
}

@test "a port that somebody deletes beneath a running guest does not take its VF" {
    local vf=0000:01:10.0 group
    runs a
    made 0 p "$A" a "${MAC[1]}" "$vf"
    bound "$vf"
    exec {open}< "$ROOT/dev/vfio/$group"
    ended 0 p "$A" a "${MAC[1]}" "$vf"
    assert_one_line "the port of guest 'a' is gone, and VF $vf is in use by process"
    assert_taken "$vf" "$A"
    exec {open}<&-
    ended 0 p "$A" a "${MAC[1]}" "$vf"
    assert_taken
}

@test "where it cannot be seen whether a VF is in use, its guest keeps it" {
    runs a
    made 0 p "$A" a "${MAC[1]}" 0000:01:10.0
    mv "$ROOT/sys" "$ROOT/sys.away"
    ended 1 p "$A" a "${MAC[1]}" 0000:01:10.0
    assert_one_line "cannot open the kernel's sys directory"
    mv "$ROOT/sys.away" "$ROOT/sys"
    assert_taken 0000:01:10.0 "$A"
}

# blind CODE OPERATION ALLOCATION...: as made and ended, where no process can be looked at
blind() {
    hook_environment
    run_program "$1" "${HOOK_ENVIRONMENT[@]}" strace -qq -o /dev/null -P /proc -e trace=openat \
        -e inject=openat:error=EMFILE "$PLAIN/hook/network" p "$2" begin - < <(allocation "${@:3}")
}

@test "where no process can be looked at, a guest keeps its VF, and gets no other" {
    local vf=0000:01:10.0 group
    runs a
    made 0 p "$A" a "${MAC[1]}" "$vf"
    bound "$vf"
    snapshot
    blind 1 port-deleted "$A" a "${MAC[1]}" "$vf"
    assert_one_line "whether VF $vf of guest 'a' is in use cannot be seen: Too many open files"
    blind 1 port-created "$A" a "${MAC[1]}" "$vf"
    assert_one_line "whether VF $vf of guest 'a' is in use cannot be seen: Too many open files"
    assert_unchanged
    made 0 p "$A" a "${MAC[1]}" "$vf"
    assert_claim "$A" "$vf ${MAC[1]} yes"
    ended 0 p "$A" a "${MAC[1]}" "$vf"
    assert_taken
}

@test "a start that fails has given its VFs back before the guest's release" {
    prepare "$A" a "p:${MAC[1]}"
    made 0 p "$A" a "${MAC[1]}" 0000:01:10.0
    ended 0 p "$A" a "${MAC[1]}" 0000:01:10.0
    assert_taken
    run_hook 0 a release < <(guest a "$A")
    assert_released "$A"
}

@test "who is no guest has no claim" {
    made 0 p "$A" other "${MAC[1]}" 0000:01:10.0
    assert_silent
    ended 0 p "$A" other "${MAC[1]}" 0000:01:10.0
    assert_taken
}

@test "a VF that the pool does not have is libvirt's affair" {
    runs a
    made 0 p "$A" a "${MAC[1]}" 0000:02:10.0
    made 0 p "$A" a "${MAC[1]}" 0000:77:10.0
    assert_silent
    assert_taken
}

@test "a VF that the pool does not have, in place of the claimed one, is refused: by the network hook, and at start" {
    prepare "$A" a "p:${MAC[1]}"
    snapshot
    made 1 p "$A" a "${MAC[1]}" 0000:02:10.0
    assert_one_line "libvirt gives guest 'a' VF 0000:02:10.0, which pool 'p' does not have: run 'vfpool reconcile'"
    assert_unchanged
    # Where that hook is not called; and also where another pool has it.
    rm "$ROOT/etc/vfpool/q.xml"
    run_hook 1 a start < <(guest a "$A" "<interface type='hostdev' managed='yes'><mac address='${MAC[1]}'/><source>
        <address type='pci' domain='0x0000' bus='0x02' slot='0x10' function='0x0'/></source></interface>")
    assert_one_line "libvirt gave guest 'a' a VF that its pool does not have: run 'vfpool reconcile'"
    run_hook 0 a release < <(guest a "$A" "p:${MAC[1]}")
    assert_released "$A"
}

@test "vfpool's own ports, other networks and other operations cost nothing" {
    # No lock is taken.
    PORT=00000000-7666-4000-8000-000000000180 made 0 p 76667000-0000-4000-8000-000000000000 vfpool \
        52:54:00:00:00:01 0000:01:10.0
    assert_silent
    run_network 0 default port-created <<< 'not XML'
    run_network 0 p started <<< 'not XML'
    run_network 0 p updated <<< 'not XML'
    [[ ! -e $ROOT/run/vfpool ]]
    run_network 0 p port-created < <(allocation "$A" a "${MAC[1]}" 0000:01:10.0 | sed '/<plug/,/plug>/d')
    [[ ! -e $ROOT/run/vfpool ]]
}

@test "a guest is not taken for vfpool, whatever its name and UUID; nor a port that is ours on another VF" {
    local ours=76667000-0000-4000-8000-000000000000
    prepare "$ours" vfpool "p:${MAC[1]}"
    made 0 p "$ours" vfpool "${MAC[1]}" 0000:01:10.0
    assert_claim "$ours" "0000:01:10.0 ${MAC[1]} yes"
    made 1 p "$B" b "${MAC[2]}" 0000:01:10.0
    assert_one_line "held by guest 'vfpool'"
    # What vfpool blocks 0000:01:10.0 with, on 0000:01:10.2.
    prepare "$B" b "p:${MAC[2]}"
    PORT=00000000-7666-4000-8000-000000000180 made 0 p "$B" b "${MAC[2]}" 0000:01:10.2
    assert_claim "$B" "0000:01:10.2 ${MAC[2]} yes"
}

# After a reload libvirt gives out what running guests have (F27).
@test "a guest's own VF a second time is refused, and the end of that port takes nothing away" {
    prepare "$A" a "p:${MAC[1]}"
    made 0 p "$A" a "${MAC[1]}" 0000:01:10.0
    run_hook 0 a start < <(guest a "$A" "<interface type='hostdev' managed='yes'><mac address='${MAC[1]}'/><source>
        <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/></source></interface>")
    runs a
    snapshot
    made 1 p "$A" a "${MAC[2]}" 0000:01:10.0
    assert_one_line "VF 0000:01:10.0 of pool 'p' for interface ${MAC[2]}" "has it already for interface ${MAC[1]}"
    assert_unchanged
    ended 0 p "$A" a "${MAC[2]}" 0000:01:10.0
    assert_unchanged
    ended 0 p "$A" a "${MAC[1]}" 0000:01:10.0
    assert_released "$A"
}

@test "what cannot be read is refused in one line" {
    run_network 1 p port-created <<< 'not XML'
    assert_one_line "the hook's XML"
    run_network 1 p port-created < <(allocation not-a-uuid a "${MAC[1]}" 0000:01:10.0)
    assert_one_line "does not say whose port of network 'p' it is about"
    hook_environment
    run_program 2 "${HOOK_ENVIRONMENT[@]}" "$VFPOOL_BUILD/hook/network" p port-created begin
    assert_one_line "usage: network"
}

@test "a damaged claim is not taken for another guest's VF" {
    prepare "$A" a "p:${MAC[1]}"
    echo damaged > "$ROOT/run/vfpool/guests/$A.xml"
    made 1 p "$B" b "${MAC[2]}" 0000:01:10.0
    [[ $stderr == *"held by guest '$A'"* ]]
}

# With a libvirt that is a script (40-gate.bats).
