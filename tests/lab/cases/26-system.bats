#!/usr/bin/env bats
# Guests that let go of a VF: their system takes part in a hot-unplug, and in the change between two teamed interfaces.
# One case for each boot, which takes most of its time.

load ../vfpool
load ../system

BATS_TEST_TIMEOUT=1200

mac=52:54:00:00:26:01

setup() {
    vfpool_ready
    pool passthrough enp1s0
    pools_up
    system_make
}
teardown() { vfpool_end; }

attached() {
    [ -n "$(live_vfs g1)" ] && [ "$(live_vfs g1)" = "$(claimed_vfs g1)" ]
    # shellcheck disable=SC2046 # two words
    [ "$(vf_mac_vlan $(vf_of "$(live_vfs g1)"))" = "$mac 0" ]
    # Before its system knows the device, it would not hear that it shall let it go.
    wait_until 100 system_has g1 "$1"
}
attach() {
    run_virsh attach-device g1 /tmp/attach.xml "${@:-"--live"}"
    attached 2
}
has_no_vf() { [ -z "$(live_vfs g1)" ]; }
has_no_claim() { [ -z "$(claimed_vfs g1)" ]; }
# let_go INTERFACES: as many are left. Some commands only ask the guest; the ledger knows as soon as libvirt does.
let_go() {
    wait_until 30 has_no_vf
    wait_until 1 has_no_claim
    wait_until 60 system_has g1 "$1"
}
alias_of() { virsh -q dumpxml g1 | xmllint --xpath "string(//interface[mac/@address='$mac'][last()]/alias/@name)" -; }

@test "an interface is detached, by each command, and its VF is free at once" {
    local vf first='' command
    lab_interface passthrough "$mac" > /tmp/attach.xml
    system_define g1 ""
    system_boot g1
    for command in "detach-device g1 /tmp/attach.xml" "detach-interface g1 hostdev --mac $mac" "detach-device-alias g1"; do
        attach
        vf=$(live_vfs g1)
        [ "${first:-$vf}" = "$vf" ]
        first=$vf
        [[ $command != *alias* ]] || command+=" $(alias_of)"
        # shellcheck disable=SC2086 # words
        run_virsh $command --live
        let_go 1
        vf_has_driver "$vf" none
        # It is anybody's.
        lab_define g2 "$(lab_interface passthrough)"
        run_virsh start g2
        is_exact g2
        [ "$(live_vfs g2)" = "$vf" ]
        run_virsh destroy g2
        run_virsh undefine g2
        nothing_left
    done
    # What is defined, and what runs, are two things.
    attach --live
    run_virsh attach-device g1 /tmp/attach.xml --config
    run_virsh detach-device g1 /tmp/attach.xml --config
    attached 2
    run_virsh detach-device g1 /tmp/attach.xml --live
    let_go 1
    attach --live --config
    run_virsh detach-device g1 /tmp/attach.xml --live --config
    let_go 1
    # The last VF goes from guest to guest.
    lab_vfs_left
    attach
    vf=$(live_vfs g1)
    lab_define g9 "$(lab_interface passthrough)"
    run_virsh_fail start g9
    says g1
    run_virsh detach-device g1 /tmp/attach.xml --live
    let_go 1
    run_virsh start g9
    is_exact g9
    [ "$(live_vfs g9)" = "$vf" ]
    run_virsh_fail attach-device g1 /tmp/attach.xml --live
    says "none are available"
    run_virsh destroy g9
    attach
    [ "$(live_vfs g1)" = "$vf" ]
}
# Guests take all VFs but one.
lab_vfs_left() {
    local i interfaces=''
    for i in 1 2 3 4 5 6; do interfaces+=$(lab_interface passthrough); done
    lab_define g8 "$interfaces"
    run_virsh start g8
    is_exact g8
}

@test "a teamed guest: its VF goes and comes, with the MAC address of the interface that stays" {
    lab_network "<network><name>plain</name><bridge name='virbr-lab'/></network>"
    lab_interface passthrough "$mac" "<teaming type='transient' persistent='ua-stays'/>" > /tmp/attach.xml
    system_define g1 "<interface type='network'><source network='plain'/><mac address='$mac'/><model type='virtio'/>
        <teaming type='persistent'/><alias name='ua-stays'/></interface>$(cat /tmp/attach.xml)"
    system_boot g1
    # lo, the team, its standby (virtio), and the VF, which QEMU plugs in once the guest knows of teams.
    attached 4
    for _ in 1 2; do
        run_virsh detach-device-alias g1 "$(alias_of)" --live
        let_go 3
        run_virsh attach-device g1 /tmp/attach.xml --live
        attached 4
    done
    run_virsh destroy g1
    nothing_left
}
