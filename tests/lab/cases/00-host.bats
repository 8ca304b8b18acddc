#!/usr/bin/env bats
# The lab itself, before vfpool: a host where libvirt's own pool does what libvirt says it does.

load ../helpers

setup() { lab_ready; }
teardown() { lab_clean; }

@test "the kernel has an IOMMU and its modules" {
    run_ok uname -r
    [ -n "$(ls -A /sys/class/iommu)" ]
    [ -d /sys/module/vfio_pci ]
    [ -d /sys/module/igb ]
}

@test "two PFs are up, with seven VFs each, each in an IOMMU group of its own" {
    run lab_pfs
    [ "$output" = $'enp1s0\nenp2s0' ]
    run lab_vf_addresses
    [ "${#lines[@]}" = 14 ]
    for address in "${lines[@]}"; do
        group=/sys/bus/pci/devices/$address/iommu_group/devices
        [ "$(ls "$group")" = "$address" ]
    done
}

# bats test_tags=short
@test "libvirtd is this Debian's" {
    run_ok virsh version --daemon
    . /etc/os-release
    case $VERSION_ID${LAB_LIBVIRT:-} in
    12) [[ $output == *"Running against daemon: 9.0.0"* ]] ;;
    13) [[ $output == *"Running against daemon: 11.3.0"* ]] ;;
    13backports) [[ $output =~ "Running against daemon: "([0-9]+) ]] && ((BASH_REMATCH[1] >= 12)) ;;
    *) false ;;
    esac
}

@test "a command that hangs fails its test" {
    LAB_COMMAND_TIMEOUT=1 run run_status 0 tail -f /dev/null
    [ "$status" = 1 ]
    [[ $output == *"ended by the deadline"* ]]
    LAB_COMMAND_TIMEOUT=1 run run_fail tail -f /dev/null
    [ "$status" = 1 ]
}

@test "libvirt's own pool: a guest gets a VF with its MAC and VLAN, and gives it back" {
    lab_network "<network><name>passthrough</name><forward mode='hostdev' managed='yes'><pf dev='enp1s0'/></forward></network>"
    lab_define g1 "$(lab_interface passthrough 52:54:00:11:22:33 "<vlan><tag id='42'/></vlan>")"
    first=$(lab_vf_addresses enp1s0 | head -n 1)
    vf_has_driver "$first" none

    before=$(lab_uptime)
    run_virsh start g1
    lab_took "guest start" "$before" "$(lab_uptime)"

    [ "$(live_vfs g1)" = "$first" ]
    [ "$(vf_driver "$first")" = vfio-pci ]
    [ "$(vf_of "$first")" = "enp1s0 0" ]
    [ "$(vf_mac_vlan enp1s0 0)" = "52:54:00:11:22:33 42" ]
    [[ $(tr '\0' ' ' < "/proc/$(cat /run/libvirt/qemu/g1.pid)/cmdline") == *vfio-pci*"$first"* ]]
    run ports passthrough
    [ "${#lines[@]}" = 1 ]
    [[ ${lines[0]} == *" g1 $first" ]]
    # The persistent XML still names the pool, not the VF.
    run_virsh dumpxml --inactive g1
    [[ $output == *"<source network='passthrough'/>"* ]]
    [[ $output != *hostdev* ]]

    before=$(lab_uptime)
    run_virsh destroy g1
    lab_took "guest destroy" "$before" "$(lab_uptime)"
    vf_has_driver "$first" none
    [ "$(vf_mac_vlan enp1s0 0 | cut -d' ' -f2)" = 0 ]
    [ -z "$(ports passthrough)" ]
}

@test "a VF that the host itself uses goes to the guest and back to igbvf" {
    LAB_VF_PROBE=1 lab_vfs 1 enp2s0
    vf=$(lab_vf_addresses enp2s0)
    wait_until 20 vf_has_driver "$vf" igbvf
    lab_network "<network><name>passthrough</name><forward mode='hostdev' managed='yes'><pf dev='enp2s0'/></forward></network>"
    lab_define g1 "$(lab_interface passthrough)"
    run_virsh start g1
    vf_has_driver "$vf" vfio-pci
    before=$(lab_uptime)
    run_virsh destroy g1
    lab_took "guest destroy, igbvf" "$before" "$(lab_uptime)"
    wait_until 20 vf_has_driver "$vf" igbvf
}

@test "libvirt's own pool is empty after as many guests as VFs" {
    lab_vfs 1 enp2s0
    lab_network "<network><name>passthrough</name><forward mode='hostdev' managed='yes'><pf dev='enp2s0'/></forward></network>"
    lab_define g1 "$(lab_interface passthrough)"
    lab_define g2 "$(lab_interface passthrough)"
    run_virsh start g1
    run_virsh_fail start g2
    [[ $output == *"requires exclusive access to interfaces, but none are available"* ]]
    run_virsh destroy g1
    run_virsh start g2
}

@test "running guests and their ports survive a libvirtd that is killed" {
    lab_network "<network><name>passthrough</name><forward mode='hostdev' managed='yes'><pf dev='enp1s0'/></forward></network>"
    lab_define g1 "$(lab_interface passthrough)"
    run_virsh start g1
    vf=$(live_vfs g1)
    port=$(ports passthrough)
    before=$(lab_uptime)
    lab_libvirtd_kill9
    lab_libvirtd_start
    lab_took "libvirtd killed to answering" "$before" "$(lab_uptime)"
    [ "$(live_vfs g1)" = "$vf" ]
    [ "$(ports passthrough)" = "$port" ]
    run_virsh destroy g1
    [ -z "$(ports passthrough)" ]
}
