#!/usr/bin/env bats
# VFs that the host, a process or a guest uses by another way than the pool.

load ../vfpool

setup() {
    vfpool_ready
    lab_vfs 2 enp1s0
    lab_vfs 2 enp2s0
    mapfile -t vfs < <(lab_vf_addresses enp1s0)
}
teardown() {
    [ -z "${group_fd:-}" ] || exec {group_fd}<&-
    vfpool_end
}

one_pool() {
    pool passthrough enp1s0
    pools_up
}

# What status says of a VF: "STATE REASON".
vf_says() {
    vfpool status --format json | jq -r --arg a "$1" '.pools[].vfs[] | select(.address == $a) | "\(.state) \(.reason)"'
}

@test "a VF whose VFIO group a process has open is passed over, and one that is left bound is chosen last" {
    one_pool
    echo vfio-pci > "/sys/bus/pci/devices/${vfs[0]}/driver_override"
    echo "${vfs[0]}" > /sys/bus/pci/drivers_probe
    vf_has_driver "${vfs[0]}" vfio-pci
    [[ $(vf_says "${vfs[0]}") == "free it is bound to vfio-pci, and no guest has it, so it is chosen last" ]]
    exec {group_fd}<> "/dev/vfio/$(basename "$(readlink "/sys/bus/pci/devices/${vfs[0]}/iommu_group")")"
    [[ $(vf_says "${vfs[0]}") == "unusable VF 0 of PF enp1s0 is in use by process "* ]]
    lab_define g1 "$(lab_interface passthrough)"
    lab_define g2 "$(lab_interface passthrough)"
    run_virsh start g1
    is_exact g1
    [ "$(live_vfs g1)" = "${vfs[1]}" ]
    run_virsh_fail start g2
    says "VF 0 of PF enp1s0 is in use by process"
    exec {group_fd}<&-
    run_virsh start g2
    is_exact g2
    [ "$(live_vfs g2)" = "${vfs[0]}" ]
    run_virsh destroy g2
    echo > "/sys/bus/pci/devices/${vfs[0]}/driver_override"
    echo "${vfs[0]}" > /sys/bus/pci/drivers/vfio-pci/unbind
}

@test "a VF that the host uses is chosen last, and one that a guest has by macvtap is that guest's" {
    LAB_VF_PROBE=1 lab_vfs 2 enp1s0
    mapfile -t vfs < <(lab_vf_addresses enp1s0)
    for vf in "${vfs[@]}"; do wait_until 20 vf_has_driver "$vf" igbvf; done
    one_pool
    netdev() { basename "$(echo "/sys/bus/pci/devices/$1/net/"*)"; }
    first=$(netdev "${vfs[0]}")
    ip link set "$first" up
    [[ $(vf_says "${vfs[0]}") == "free the host uses it: its network interface is up"* ]]
    lab_define g1 "$(lab_interface passthrough)"
    run_virsh start g1
    [ "$(live_vfs g1)" = "${vfs[1]}" ]
    run_virsh destroy g1
    ip link set "$first" down
    ip address add 192.0.2.1/24 dev "$first"
    [[ $(vf_says "${vfs[0]}") == "free the host uses it: its network interface has an address"* ]]
    ip address flush dev "$first"
    [[ $(vf_says "${vfs[0]}") == "free null" ]]
    lab_define m1 "<interface type='direct'><mac address='52:54:00:00:00:41'/><source dev='$first' mode='passthrough'/><model type='virtio'/></interface>"
    run_virsh start m1
    [[ $(ledger) == "${vfs[0]} held m1" ]]
    run_virsh start g1
    [ "$(live_vfs g1)" = "${vfs[1]}" ]
    run_virsh destroy m1
    [[ $(ledger) == "${vfs[1]} held g1" ]]
    run_virsh destroy g1
}

@test "a whole PF is refused while a guest has one of its VFs, which is named" {
    one_pool
    pf=$(basename "$(readlink -f /sys/class/net/enp1s0/device)")
    lab_define g1 "$(lab_interface passthrough)"
    lab_define g2 "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x${pf:0:4}' bus='0x${pf:5:2}' slot='0x${pf:8:2}' function='0x${pf:11:1}'/></source></hostdev>"
    run_virsh start g1
    is_exact g1
    run_virsh_fail start g2
    says "guest 'g2' asks for PF enp1s0 ($pf) by its address, and guest 'g1' has its VF ${vfs[0]}"
    [[ $(ledger) == "${vfs[0]} held g1" ]]
    run_virsh destroy g1
}

@test "status --watch shows at once that a PF has gone down, or is back" {
    local up watching
    one_pool
    shows() { tail -n 1 /tmp/watched | jq -e --argjson up "$1" '.pools[0].pfs[0].up == $up'; }
    timeout 150 vfpool status --watch --format json > /tmp/watched 3>&- &
    watching=$!
    wait_until 20 shows true
    # Without a word from the kernel it would look after five seconds, each time.
    SECONDS=0
    for up in false true false true; do
        case $up in true) ip link set enp1s0 up ;; false) ip link set enp1s0 down ;; esac
        wait_until 20 shows $up
    done
    echo "four changes seen in $SECONDS s"
    [ "$SECONDS" -lt 15 ]
    kill "$watching"
    wait "$watching" || true
}
