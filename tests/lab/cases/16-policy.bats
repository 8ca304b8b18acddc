#!/usr/bin/env bats
# Which VF a guest gets by what its pool says, on a real libvirt and the real kernel's devices.

load ../vfpool

setup() {
    vfpool_ready
    lab_vfs 3 enp1s0
    lab_vfs 3 enp2s0
    mapfile -t one < <(lab_vf_addresses enp1s0)
    mapfile -t two < <(lab_vf_addresses enp2s0)
}
teardown() {
    [ -z "${pulled:-}" ] || lab_cable "$pulled" true
    [ -z "${driven:-}" ] || undrive "$driven"
    [ -z "${burnt:-}" ] || rename_back
    vfpool_end
}

# policy ATTRIBUTES PF...
policy() {
    local attributes=$1
    shift
    pool_more="<metadata><v:pool xmlns:v='urn:vfpool:1' $attributes/></metadata>" pool passthrough "$@"
}

# starts GUEST VF...: it gets just these, as the ledger says
starts() {
    local guest=$1
    shift
    run_virsh start "$guest"
    is_exact "$guest"
    [ "$(live_vfs "$guest" | xargs)" = "$*" ]
}

@test "spread over two cards, and interfaces of one guest on different ones" {
    policy "order='spread'" enp1s0 enp2s0
    pools_up
    for i in 1 2 3; do lab_define "g$i" "$(lab_interface passthrough)"; done
    lab_define both "$(lab_interface passthrough)$(lab_interface passthrough)"
    starts g1 "${one[0]}"
    starts g2 "${two[0]}"
    starts both "${one[1]}" "${two[1]}"
    starts g3 "${one[2]}"
    run_virsh destroy both
    run_virsh destroy g2
    # 1 of 3 is free on the first card, 3 of 3 on the other.
    starts g2 "${two[0]}"
}

@test "a card that has to be another one, and some VFs of one, of which one is reserved" {
    policy "separate='require'"
    sed -i "s|</forward>|<pf dev='enp1s0' vfs='1-2'><reserve vfs='1' guest='db'/></pf><pf dev='enp2s0' vfs='0'/></forward>|" \
        /etc/vfpool/passthrough.xml
    pools_up
    lab_define g1 "$(lab_interface passthrough)"
    lab_define both "$(lab_interface passthrough)$(lab_interface passthrough)"
    lab_define db "$(lab_interface passthrough)"
    starts g1 "${one[2]}"
    run_virsh_fail start both
    says "VF 1 of PF enp1s0 is reserved for guest 'db'"
    run_virsh destroy g1
    starts both "${one[2]}" "${two[0]}"
    run_virsh_fail start g1
    starts db "${one[1]}"
    run_virsh destroy db
    run_virsh_fail start g1
    says "VF 1 of PF enp1s0 is reserved for guest 'db'"
}

# undrive VF: bound to no driver again
undrive() {
    echo "$1" > "/sys/bus/pci/devices/$1/driver/unbind"
    echo > "/sys/bus/pci/devices/$1/driver_override"
}

@test "a VF that is bound to somebody else's driver is passed over" {
    modprobe pci-stub
    policy '' enp1s0
    pools_up
    driven=${one[0]}
    echo pci-stub > "/sys/bus/pci/devices/$driven/driver_override"
    echo "$driven" > /sys/bus/pci/drivers_probe
    vf_has_driver "$driven" pci-stub
    lab_define g1 "$(lab_interface passthrough)"
    starts g1 "${one[1]}"
    run_ok vfpool status
    says "VF 0 of PF enp1s0 is bound to driver pci-stub"
    run_virsh destroy g1
    undrive "$driven"
    driven=
    starts g1 "${one[0]}"
}

rename_back() {
    ip link set lan0 down
    ip link set lan0 address "$burnt"
    # udev may have kept the name as another one.
    ip -json link show lan0 | jq -r '.[].altnames // [] | .[]' | while read -r name; do
        ip link property del dev lan0 altname "$name"
    done
    ip link set lan0 name enp1s0
    ip link set enp1s0 up
}

@test "a card is known by what is burnt into it, under another name and with another MAC address" {
    run_ok vfpool discover enp1s0
    echo "${output/dev=\"enp1s0\" /}" > /etc/vfpool/passthrough.xml
    burnt=$(cat /sys/class/net/enp1s0/address)
    grep "<pf mac=\"$burnt\">" /etc/vfpool/passthrough.xml
    ip link set enp1s0 down
    ip link set enp1s0 address 02:00:5e:00:00:01
    ip link set enp1s0 name lan0
    ip link set lan0 up
    pools_up
    lab_define g1 "$(lab_interface passthrough)"
    starts g1 "${one[0]}"
    run_ok vfpool status
    says 'lan0    0  held'
    run_virsh destroy g1
}

# queued POOL: somebody waits for a VF of it
queued() { grep -q "FLOCK .* WRITE .*:$(stat -c %i "/run/vfpool/waiting/$1") " /proc/locks; }

@test "a guest has the VF again that it had last, and one waits for a VF to come back" {
    policy "sticky='yes' wait='40'" enp1s0
    pools_up
    for i in 1 2 3 4; do lab_define "g$i" "$(lab_interface passthrough)"; done
    starts g1 "${one[0]}"
    starts g2 "${one[1]}"
    run_virsh destroy g1
    run_virsh destroy g2
    starts g2 "${one[1]}"
    starts g1 "${one[0]}"
    starts g3 "${one[2]}"
    virsh start g4 > /tmp/g4.out 2>&1 3>&- &
    local starting=$!
    wait_until 30 queued passthrough
    run_virsh destroy g2
    wait "$starting"
    is_exact g4
    [ "$(live_vfs g4)" = "${one[1]}" ]
    run_ok vfpool history "${one[1]}"
    [[ $output == *held*g2*returned*g2*held*g2*returned*g2*held*g4* ]]
}

# says_reason VF TEXT: status says just that of it
says_reason() { [ "$(reason "$1")" = "$2" ] || { reason "$1"; return 1; }; }
reason() { vfpool status --format json | jq -r --arg a "$1" '.pools[].vfs[] | select(.address == $a) | .reason'; }

@test "a guest on NUMA node 1 gets a VF of the card there, and explain says why" {
    lab_vfs 2 ens65
    mapfile -t far < <(lab_vf_addresses ens65)
    [ "$(cat /sys/class/net/ens65/device/numa_node)" = 1 ]
    policy '' enp1s0 ens65
    pools_up
    on_node() { # N GUEST: defined so that it runs there
        lab_guest "$2" "$(lab_interface passthrough)" > "/tmp/$2.xml"
        sed -i "s|<vcpu|<numatune><memory mode='preferred' nodeset='$1'/></numatune>&|" "/tmp/$2.xml"
        run_virsh define "/tmp/$2.xml"
    }
    for i in 1 2 3; do on_node 1 "g$i"; done
    lab_define anywhere "$(lab_interface passthrough)"
    starts g1 "${far[0]}"
    starts anywhere "${one[0]}"
    starts g2 "${far[1]}"
    # There is no more on that node. Of the emulated board's own bus the kernel does not know the node.
    starts g3 "${one[1]}"
    run_ok vfpool explain g1
    says "${far[0]}  ens65    0  chosen: separate='prefer' numa='prefer' sticky='no' order='first'; passed over: "
    says "not known to be on the guest's NUMA nodes (enp1s0)"
    for guest in g1 g2 g3 anywhere; do run_virsh destroy "$guest"; done
    policy "numa='require'" ens65
    # The network has the other card still, and libvirt gives that first.
    run_virsh_fail start g1
    says "VF ${one[0]}, which pool 'passthrough' does not have: run 'vfpool reconcile'"
    [ -z "$(ledger)" ]
    run_ok vfpool reconcile
    on_node 0 near
    run_virsh_fail start near
    says "PF ens65 is on NUMA node 1, where the guest does not run"
    starts g1 "${far[0]}"
    run_virsh destroy g1
    lab_vfs 0 ens65
}

@test "a PF without carrier is passed over where the pool requires one, and a VF in a bridge is chosen last" {
    policy "carrier='require'" enp1s0 enp2s0
    pools_up
    lab_define g1 "$(lab_interface passthrough)"
    pulled=enp1s0
    lab_cable "$pulled" false
    starts g1 "${two[0]}"
    says_reason "${one[0]}" "PF enp1s0 has no carrier"
    run_virsh destroy g1
    lab_cable "$pulled" true
    pulled=
    starts g1 "${one[0]}"
    run_virsh destroy g1
    LAB_VF_PROBE=1 lab_vfs 1 enp2s0
    vf=$(lab_vf_addresses enp2s0)
    wait_until 20 vf_has_driver "$vf" igbvf
    netdev=$(basename "/sys/bus/pci/devices/$vf/net/"*)
    # igbvf refuses a VLAN here, which a bridge gives its ports otherwise.
    ip link add br0 type bridge vlan_default_pvid 0
    ip link set "$netdev" master br0
    [[ $(reason "$vf") == *", so it is chosen last" ]]
    policy "host-used='never'" enp2s0
    run_virsh_fail start g1
    says "VF 0 of PF enp2s0 is not for guests: "
    ip link del br0
}

@test "a VF whose IOMMU group has the PF in it, and one that is gone, are passed over" {
    lab_vfs 2 ens66
    mapfile -t far < <(lab_vf_addresses ens66)
    policy '' ens66 enp1s0
    pools_up
    pf=$(basename "$(readlink /sys/class/net/ens66/device)")
    says_reason "${far[0]}" "VF 0 of PF ens66 shares its IOMMU group with $pf (igb), which stays with the host"
    lab_define g1 "$(lab_interface passthrough)"
    starts g1 "${one[0]}"
    run_virsh destroy g1
    # A VF that the pool names, and that is there no longer.
    policy ''
    for vf in "${far[1]}" "${one[1]}"; do
        sed -i "s|</forward>|<address type='pci' domain='0x0000' bus='0x${vf:5:2}' slot='0x${vf:8:2}' function='0x${vf:11}'/>&|" \
            /etc/vfpool/passthrough.xml
    done
    lab_vfs 1 ens66
    pools_up
    run_ok vfpool status
    says "${far[1]}"
    starts g1 "${one[1]}"
    run_virsh destroy g1
    # A claim that cannot be read keeps its VF from all others.
    policy '' enp1s0
    pools_up
    lab_guest g3 "$(lab_interface passthrough)" > /tmp/g3.xml
    run_virsh create /tmp/g3.xml
    uuid=$(virsh domuuid g3)
    echo spoiled > "/run/vfpool/guests/$uuid.xml"
    starts g1 "${one[1]}"
    run_ok vfpool explain /tmp/g1.xml
    says "it is quarantined: the file of guest $uuid is corrupt"
    run_virsh destroy g3
    run_virsh destroy g1
    lab_vfs 0 ens66
}
