#!/usr/bin/env bats
# What is set on VFs: by us, by libvirt, by hand; the kernel's own account of it is ip's.

load ../vfpool

setup() { vfpool_ready; }
teardown() {
    for vf in 0 1; do
        # igb takes no address back to none.
        ip link set enp1s0 vf "$vf" mac "52:54:00:99:00:0$vf" max_tx_rate 0 spoofchk on trust off vlan 0
    done
    vfpool_end
}

# by_ip PF: "NUMBER MAC VLAN MAX SPOOFCHK TRUST LINK" of each VF
by_ip() {
    ip -json -details link show dev "$1" | jq -r '.[0].vfinfo_list[] |
        "\(.vf) \(.address) \(.vlan_list[0].vlan // 0) \(.rate.max_tx // .tx_rate // 0) \(.spoofchk) \(.trust) \(.link_state)"'
}
by_vfpool() {
    vfpool status passthrough --long --format json | jq -r --arg pf "$1" '.pools[0].vfs[] | select(.pf == $pf) |
        "\(.vf) \(.settings.mac) \(.settings.vlan) \(.settings.max_rate) \(.settings.spoof_check) \(.settings.trust) \(.settings.link_state)"'
}

@test "status --long says of each VF what ip does" {
    pool passthrough enp1s0 enp2s0
    pools_up
    lab_define g1 "$(lab_interface passthrough 52:54:00:11:22:33 "<vlan><tag id='42'/></vlan>")"
    run_virsh start g1
    ip link set enp1s0 vf 1 max_tx_rate 100 spoofchk off trust on
    for pf in enp1s0 enp2s0; do
        by_ip "$pf"
        [ "$(by_ip "$pf" | wc -l)" = 7 ]
        [ "$(by_vfpool "$pf")" = "$(by_ip "$pf")" ]
    done
    [[ $(by_vfpool enp1s0 | sed -n 1p) == "0 52:54:00:11:22:33 42 "* ]]
    [[ $(by_vfpool enp1s0 | sed -n 2p) == *" 100 false true "* ]]
    run_ok vfpool status
    [[ $output != *"the same MAC address"* ]]
    ip link set enp1s0 vf 1 mac 52:54:00:11:22:33
    run_ok vfpool status
    says "note: VFs 0 and 1 of PF enp1s0 have the same MAC address, 52:54:00:11:22:33"
    vfpool status passthrough --long | grep -A 1 g1 | grep 'mac 52:54:00:11:22:33, vlan 42 qos 0 802.1Q, .*spoof check on'
}
