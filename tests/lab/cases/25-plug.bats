#!/usr/bin/env bats
# Interfaces on a pool that are attached to running guests: what libvirt gives is what the ledger says, at once.
#
# Not here: a guest that lets go of a device. These guests have only their firmware, which does not.

load ../vfpool

setup() {
    LAB_OFFER=    # where every VF is held, nothing can be attached
    vfpool_ready
    pool passthrough enp1s0
    pools_up
}
teardown() { vfpool_end; }

# room NAME [DEVICE]: it has room for more devices
room() {
    local i ports=''
    for ((i = 1; i <= 8; i++)); do ports+="<controller type='pci' index='$i' model='pcie-root-port'/>"; done
    lab_define "$1" "${2:-}$ports"
}
running() {
    room "$1" "$(lab_interface passthrough)"
    run_virsh start "$1"
    is_exact "$1"
}
# attach GUEST [MAC]
attach() {
    lab_interface passthrough "${2:-}" > "/tmp/attach.$1.xml"
    run_virsh attach-device "$1" "/tmp/attach.$1.xml" --live
}
# has_vfs GUEST COUNT: so many VFs, the same by libvirt's account and by vfpool's. (A plugged-in one is not on QEMU's
# command line.)
has_vfs() {
    local live
    live=$(live_vfs "$1" | sort)
    if [ "$(wc -l <<< "$live")" != "$2" ] || [ "$live" != "$(claimed_vfs "$1" | sort)" ]; then
        echo "# $1 has ${live//$'\n'/ }, the ledger says $(claimed_vfs "$1" | tr '\n' ' ')"
        return 1
    fi
}

# bats test_tags=short
@test "an interface is attached to a running guest, and the ledger knows" {
    running g1
    attach g1
    has_vfs g1 2
    run_virsh destroy g1
    nothing_left
}

@test "interfaces are attached one after the other, to a guest with a VF and to one without" {
    running g1
    attach g1 52:54:00:00:25:01
    has_vfs g1 2
    attach g1 52:54:00:00:25:02
    has_vfs g1 3
    run_virsh attach-interface g1 --type network --source passthrough --live
    has_vfs g1 4
    for mac in 52:54:00:00:25:01 52:54:00:00:25:02; do
        vf=$(vfpool status --format json | jq -r --arg mac "$mac" '.pools[].vfs[] | select(.mac == $mac) | .address')
        # shellcheck disable=SC2046 # two words
        [ "$(vf_mac_vlan $(vf_of "$vf"))" = "$mac 0" ]
    done
    # One without a VF at its start.
    room g2
    run_virsh start g2
    attach g2
    has_vfs g2 1
    running g3
    ports_are_right passthrough "$(live_vfs g3)"
    run_virsh destroy g1
    run_virsh destroy g2
    [ "$(ledger)" = "$(live_vfs g3) held g3" ]
    run_virsh destroy g3
    nothing_left
}

@test "attached with --config, it is there at the next start" {
    room g1
    lab_interface passthrough > /tmp/attach.xml
    run_virsh attach-device g1 /tmp/attach.xml --config
    run_virsh start g1
    is_exact g1
    run_virsh destroy g1
    nothing_left
}

@test "an attach beside six starts" {
    local i started=()
    run_virsh net-list
    room g0
    run_virsh start g0
    for i in 1 2 3 4 5 6; do lab_define "g$i" "$(lab_interface passthrough)"; done
    for i in 1 2 3 4 5 6; do
        timeout 120 virsh -q start "g$i" > "/tmp/said.g$i" 2>&1 3>&- &
        started+=($!)
    done
    attach g0
    wait "${started[@]}"
    has_vfs g0 1
    for i in 1 2 3 4 5 6; do is_exact "g$i"; done
    # Now there is none left: libvirt says so, and vfpool says who has them.
    run_virsh_fail attach-device g0 /tmp/attach.g0.xml --live
    says "none are available"
    run_ok vfpool status
    for i in 0 1 2 3 4 5 6; do says "g$i"; done
    has_vfs g0 1
}

@test "an attach that fails gives the VF back" {
    running g1
    # The address of a device that the guest has.
    address=$(virsh -q dumpxml g1 | xmllint --xpath "//controller[@type='pci'][@index='1']/address" -)
    lab_interface passthrough "" "$address" > /tmp/attach.xml
    run_virsh_fail attach-device g1 /tmp/attach.xml --live
    has_vfs g1 1
    ports_are_right passthrough "$(live_vfs g1)"
    attach g1
    has_vfs g1 2
}

@test "libvirtd restarted, killed and reloaded with an attached interface" {
    running g1
    attach g1
    for how in lab_libvirtd_restart lab_libvirtd_kill9 lab_reload; do
        $how
        [ "$how" != lab_libvirtd_kill9 ] || lab_libvirtd_start
        # Nobody asks for it.
        wait_until 20 offer_holds passthrough
        has_vfs g1 2
        running g2
        has_vfs g1 2
        room g3
        run_virsh start g3
        attach g3
        has_vfs g3 1
        [ "$(ledger | cut -d' ' -f1 | sort -u | wc -l)" = 4 ]
        run_virsh destroy g2
        run_virsh destroy g3
        run_virsh undefine g2
        run_virsh undefine g3
        has_vfs g1 2
    done
    run_virsh destroy g1
    nothing_left
}

@test "a start and a stop call libvirt not at all" {
    lab_define g1 "$(lab_interface passthrough)"
    mv /usr/sbin/vfpool-gate /usr/sbin/vfpool-gate.real
    printf '#!/bin/sh\necho "$@" >> /tmp/gate-calls\nexec vfpool-gate.real "$@"\n' > /usr/sbin/vfpool-gate
    chmod 755 /usr/sbin/vfpool-gate
    rm -f /tmp/gate-calls
    run_virsh start g1
    run_virsh destroy g1
    mv /usr/sbin/vfpool-gate.real /usr/sbin/vfpool-gate
    [ ! -e /tmp/gate-calls ]
    echo "calls into libvirt in a start and a stop: 0" >> "$LAB_RESULTS/times.txt"
}
