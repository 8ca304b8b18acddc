#!/usr/bin/env bats
# What vfpool sets on a guest's VFs, and that all is as it was when they come back: on igb, as far as it goes, and on
# netdevsim, whose driver does all that one can.

load ../vfpool

setup() {
    vfpool_ready
    # Of each case the same, whatever the one before it left.
    for vf in 0 1; do
        ip link set enp1s0 vf "$vf" mac "52:54:00:99:00:0$vf" max_tx_rate 0 spoofchk on trust off vlan 0
    done
    by_ip > /tmp/before
}
teardown() { vfpool_end; }

# "NUMBER MAC VLAN QOS MAX SPOOFCHK TRUST" of each VF of enp1s0; one: of VF 0 without its MAC address
by_ip() {
    ip -json -details link show dev enp1s0 | jq -r '.[0].vfinfo_list[] | "\(.vf) \(.address) \(.vlan_list[0].vlan // 0) " +
        "\(.vlan_list[0].qos // 0) \(.rate.max_tx // .tx_rate // 0) \(.spoofchk) \(.trust)"'
}
one() { by_ip | sed -n '1s/^0 [^ ]* //p'; }
is_as_before() { by_ip | diff /tmp/before -; }

# set_pool ATTRIBUTES: what is wanted of all VFs
set_pool() {
    local offer=${LAB_OFFER:+offer='$LAB_OFFER'} pool_more LAB_OFFER=
    pool_more="<metadata><vfpool:pool xmlns:vfpool='urn:vfpool:1' $offer><vfpool:settings $1/></vfpool:pool></metadata>"
    pool passthrough enp1s0
    pools_up
}
vlan42="<vlan><tag id='42'/></vlan>"

# bats test_tags=short
@test "rate, spoof check, trust and VLAN priority are set at a start, and put back at the stop" {
    set_pool "max-rate='100' spoof-check='no' trust='yes' qos='3'"
    lab_define g1 "$(lab_interface passthrough 52:54:00:11:22:33 "$vlan42")"
    run_virsh start g1
    [ "$(by_ip | sed -n 1p)" = "0 52:54:00:11:22:33 42 3 100 false true" ]
    run_virsh destroy g1
    is_as_before
}

@test "what libvirt, or a person, left changed is put back, too" {
    pool passthrough enp1s0
    pools_up
    lab_define g1 "$(lab_interface passthrough 52:54:00:11:22:33 "$vlan42")"
    run_virsh start g1
    ip link set enp1s0 vf 0 max_tx_rate 50 spoofchk off trust on
    # libvirt keeps there what it has to put back.
    rm -rf /run/libvirt/hostdevmgr/*
    run_virsh destroy g1
    is_as_before
}

@test "QEMU is killed, and libvirtd is: put back all the same" {
    set_pool "max-rate='100' spoof-check='no' trust='yes'"
    lab_define g1 "$(lab_interface passthrough)"
    run_virsh start g1
    [ "$(one)" = "0 0 100 false true" ]
    kill -9 "$(cat /run/libvirt/qemu/g1.pid)"
    wait_until 20 is_as_before
    wait_until 20 nothing_left
    run_virsh start g1
    lab_libvirtd_kill9
    lab_libvirtd_start
    [ "$(one)" = "0 0 100 false true" ]
    run_virsh destroy g1
    wait_until 20 is_as_before
}

@test "what igb does not take: the start fails with its name, and all is as it was" {
    while IFS='|' read -r settings says; do
        set_pool "$settings"
        lab_define g1 "$(lab_interface passthrough '' "$vlan42")"
        run_virsh_fail start g1
        says "guest 'g1': PF enp1s0 does not take $says"
        is_as_before
        nothing_left
        run_virsh undefine g1
    done << 'REFUSED'
trust='yes' max-rate='2000'|min-rate='0' max-rate='2000' for VF 0: Invalid argument
trust='yes' min-rate='10'|min-rate='10' max-rate='0' for VF 0: Invalid argument
spoof-check='no' protocol='802.1ad'|vlan='42' qos='0' protocol='802.1ad' for VF 0: Protocol not supported
link-state='disable' query-rss='yes'|query-rss='yes' for VF 0: Operation not supported
REFUSED
}

# killed_at OPERATION N: the hook is killed at its N-th message to the kernel in this operation
killed_at() {
    cat > "$hook" << HOOK
#!/bin/bash
[ "\$2" = $1 ] || exec $installed_hook "\$@"
exec strace -f -o /tmp/strace -e trace=sendto -e inject=sendto:signal=SIGKILL:when=$2 $installed_hook "\$@"
HOOK
}

@test "the hook is killed between two settings, and between the last one and its record" {
    set_pool "max-rate='100' spoof-check='no' trust='yes'"
    lab_define g1 "$(lab_interface passthrough)"
    # 1: what is set is read; 2 to 4: set; 5: read back.
    for n in 1 3 4 5; do
        killed_at start "$n"
        run_virsh_fail start g1
        hook_content_back
        wait_until 20 nothing_left
        is_as_before
    done
}

@test "plugged in, and unplugged" {
    [ -z "${LAB_OFFER:-}" ] || skip "where every VF is held, nothing can be attached"
    set_pool "max-rate='100' spoof-check='no' trust='yes' qos='3'"
    lab_define g1 ''
    run_virsh start g1
    lab_interface passthrough 52:54:00:11:22:33 "$vlan42" > /tmp/attach.xml
    run_virsh attach-device g1 /tmp/attach.xml --live
    is_set() { [ "$(by_ip | sed -n 1p)" = "0 52:54:00:11:22:33 42 3 100 false true" ]; }
    wait_until 20 is_set
    # Firmware lets go of nothing (F38): the guest's end is the unplugging here.
    run_virsh destroy g1
    wait_until 20 is_as_before
}

@test "all settings there are, on netdevsim" {
    # What it needs of the kernel, as far as that is not built in.
    modprobe psample
    [ -e /sys/bus/netdevsim ] || insmod /host/netdevsim.ko
    [ -e /sys/bus/netdevsim/devices/netdevsim7 ] || echo "7 1" > /sys/bus/netdevsim/new_device
    echo 2 > /sys/bus/netdevsim/devices/netdevsim7/sriov_numvfs
    udevadm settle
    sim=$(basename /sys/bus/netdevsim/devices/netdevsim7/net/*)
    make -s -C /usr/src/vfpool netdevsim
    programs=/usr/src/vfpool/build/tests/netdevsim/hook root=/tmp/simulated
    rm -rf "$root"
    mkdir -p "$root/etc/vfpool" "$root/run"
    /usr/src/vfpool/tests/host/build "$root" eth3:vfs=2
    cat "/sys/class/net/$sim/ifindex" > "$root/sys/class/net/eth3/ifindex"
    cat > "$root/etc/vfpool/net.xml" << 'POOL'
<network><name>net</name><metadata><v:pool xmlns:v='urn:vfpool:1'><v:settings qos='5' protocol='802.1ad' min-rate='100'
  max-rate='1000' spoof-check='yes' trust='yes' link-state='disable' query-rss='yes'/></v:pool></metadata>
  <forward mode='hostdev' managed='yes'><pf dev='eth3'/></forward></network>
POOL
    uuid=00000000-0000-4000-8000-000000000001
    guest() {
        cat << GUEST
<domain type='qemu'><name>g1</name><uuid>$uuid</uuid><devices><interface type='$1'><mac address='52:54:00:00:00:01'/>
<source $2/><vlan><tag id='42'/></vlan></interface></devices></domain>
GUEST
    }
    guest network "network='net'" > /tmp/guest.xml
    guest hostdev "><address type='pci' domain='0' bus='1' slot='16' function='0'/></source><x" > /tmp/live.xml
    simulated() { echo "$sim" && ip -json -details link show dev "$sim" | jq -c '.[0].vfinfo_list[]'; }
    hook() { VFPOOL_ROOT=$root timeout 20 "$programs/qemu" g1 "$1" begin - < "$2"; }
    simulated > /tmp/before.sim
    hook prepare /tmp/guest.xml > /dev/null
    # What libvirt does.
    ip link set "$sim" vf 0 mac 52:54:00:00:00:01 vlan 42
    hook start /tmp/live.xml
    VFPOOL_ROOT=$root "$programs/vfpool" status --long
    [ "$(VFPOOL_ROOT=$root "$programs/vfpool" status --long --format json | jq -c '.pools[0].vfs[0].settings | del(.mac)')" = \
        '{"vlan":42,"qos":5,"protocol":"802.1ad","min_rate":100,"max_rate":1000,"spoof_check":true,"trust":true,"query_rss":true,"link_state":"disable"}' ]
    hook release /tmp/guest.xml
    simulated | diff /tmp/before.sim -
    echo 0 > /sys/bus/netdevsim/devices/netdevsim7/sriov_numvfs
    echo 7 > /sys/bus/netdevsim/del_device
}
