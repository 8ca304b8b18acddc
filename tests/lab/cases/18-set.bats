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
    local pool_more
    pool_more="<metadata><vfpool:pool xmlns:vfpool='urn:vfpool:1'><vfpool:settings $1/></vfpool:pool></metadata>"
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

# Where the PF has given it none, igbvf makes up another MAC address each time it gets the VF.
@test "with the VFs' own driver on the host: as they were, and their interfaces are there again" {
    LAB_VF_PROBE=1 lab_vfs 2 enp1s0
    vf=$(lab_vf_addresses enp1s0 | sed -n 1p)
    wait_until 30 vf_has_driver "$vf" igbvf
    by_ip > /tmp/before
    address() { cat "/sys/bus/pci/devices/$vf/net"/*/address; }
    wait_until 30 address
    set_pool "max-rate='100' spoof-check='no' trust='yes'"
    lab_define g1 "$(lab_interface passthrough 52:54:00:11:22:33 "$vlan42")"
    for _ in 1 2; do
        run_virsh start g1
        [ "$(by_ip | sed -n 1p)" = "0 52:54:00:11:22:33 42 0 100 false true" ]
        run_virsh destroy g1
        wait_until 30 vf_has_driver "$vf" igbvf
        wait_until 30 address
        is_as_before
    done
}

@test "plugged in, and unplugged" {
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

@test "reset='yes': the kernel resets a VF before the guest gets it" {
    local pool_more="<metadata><vfpool:pool xmlns:vfpool='urn:vfpool:1' reset='yes'/></metadata>"
    pool passthrough enp1s0
    pools_up
    lab_define g1 "$(lab_interface passthrough)$(lab_interface passthrough)"
    # It is asked for by sysfs alone; VFIO resets by another function.
    tracing=/sys/kernel/tracing
    mountpoint -q "$tracing" || mount -t tracefs tracefs "$tracing"
    echo 'p:vf_reset pci_reset_function' > "$tracing/kprobe_events"
    echo 1 > "$tracing/events/kprobes/vf_reset/enable"
    run_virsh start g1
    echo 0 > "$tracing/events/kprobes/vf_reset/enable"
    cat "$tracing/trace"
    [ "$(grep -c ' vf_reset:' "$tracing/trace")" = 2 ]
    : > "$tracing/kprobe_events"
    is_exact g1
    run_virsh destroy g1
    is_as_before
}

page=/usr/src/vfpool/docs/settings.md
# block N: the N-th piece of XML of the page
block() { awk -v n="$1" '/^```xml/ { inside = 1; i++; next } /^```/ { inside = 0 } inside && i == n' "$page"; }
# page_pool N, page_guest N: what the page says, with this host's card
page_pool() {
    block "$1" | sed 's/eth3/enp1s0/' > /etc/vfpool/passthrough.xml
    pools_up
}
page_guest() { lab_define g1 "$(block "$1")"; }

@test "docs/settings.md as it stands: a router, a tenant and a faster one, and QinQ where the card cannot" {
    page_pool 1
    page_guest 2
    run_virsh start g1
    [ "$(by_ip | sed -n 1p)" = "0 52:54:00:00:00:01 0 0 0 false true" ]
    run_virsh destroy g1
    run_virsh undefine g1
    page_pool 3
    page_guest 4
    run_virsh start g1
    [ "$(by_ip | sed -n 1p)" = "0 52:54:00:00:00:02 17 0 100 true false" ]
    run_virsh destroy g1
    { sed '/<memory/,$d' /tmp/g1.xml && block 5 && sed -n '/<memory/,$p' /tmp/g1.xml; } > /tmp/faster.xml
    run_virsh undefine g1
    run_virsh define /tmp/faster.xml
    run_virsh start g1
    [ "$(one)" = "17 0 500 true false" ]
    run_virsh destroy g1
    run_virsh undefine g1
    page_pool 6
    page_guest 7
    run_virsh_fail start g1
    says "does not take vlan='100' qos='0' protocol='802.1ad'"
    is_as_before
}

# --- netdevsim: a simulated host whose PF eth3 is, to the kernel, a netdevsim -----------------------------------------

programs=/usr/src/vfpool/build/tests/netdevsim/hook simulated_root=/tmp/simulated
simulate() {
    # What it needs of the kernel, as far as that is not built in.
    modprobe psample
    [ -e /sys/bus/netdevsim ] || insmod /host/modules/netdevsim.ko
    [ -e /sys/bus/netdevsim/devices/netdevsim7 ] || echo "7 1" > /sys/bus/netdevsim/new_device
    echo 2 > /sys/bus/netdevsim/devices/netdevsim7/sriov_numvfs
    udevadm settle
    sim=$(basename /sys/bus/netdevsim/devices/netdevsim7/net/*)
    make -s -C /usr/src/vfpool netdevsim
    rm -rf "$simulated_root"
    mkdir -p "$simulated_root/etc/vfpool" "$simulated_root/run"
    /usr/src/vfpool/tests/host/build "$simulated_root" eth3:vfs=2
    cat "/sys/class/net/$sim/ifindex" > "$simulated_root/sys/class/net/eth3/ifindex"
    by_ip_there > /tmp/before.sim
}
by_ip_there() { ip -json -details link show dev "$sim" | jq -c '.[0].vfinfo_list[]'; }
# settings_there: of VF 0, without its MAC address, as vfpool tells them
settings_there() {
    VFPOOL_ROOT=$simulated_root "$programs/vfpool" status --long --format json |
        jq -c '.pools[0].vfs[0].settings | del(.mac, .ours)'
}
# life_there INTERFACE TAG COMMAND...: a guest with this interface comes, COMMAND succeeds, and it goes
life_there() {
    local interface=$1 tag=$2 mac live
    shift 2
    mac=$(sed -n "s/.*mac address='\([^']*\)'.*/\1/p" <<< "$interface")
    live="<interface type='hostdev'><mac address='$mac'/><source><address type='pci' domain='0' bus='1' slot='16' function='0'/></source></interface>"
    hook_there prepare "$interface" > /dev/null
    # What libvirt does.
    ip link set "$sim" vf 0 mac "$mac" vlan "$tag"
    hook_there start "$live"
    "$@"
    hook_there release "$interface"
    by_ip_there | diff /tmp/before.sim -
}
hook_there() {
    echo "<domain type='qemu'><name>g1</name><uuid>00000000-0000-4000-8000-000000000001</uuid><devices>$2</devices></domain>" |
        VFPOOL_ROOT=$simulated_root timeout 20 "$programs/qemu" g1 "$1" begin -
}
simulate_no_more() {
    echo 0 > /sys/bus/netdevsim/devices/netdevsim7/sriov_numvfs
    echo 7 > /sys/bus/netdevsim/del_device
}

@test "all settings there are, and QinQ as docs/settings.md has it, on netdevsim" {
    simulate
    cat > "$simulated_root/etc/vfpool/passthrough.xml" << 'POOL'
<network><name>passthrough</name><metadata><v:pool xmlns:v='urn:vfpool:1'><v:settings qos='5' protocol='802.1ad'
  min-rate='100' max-rate='1000' spoof-check='yes' trust='yes' link-state='disable' query-rss='yes'/></v:pool></metadata>
  <forward mode='hostdev' managed='yes'><pf dev='eth3'/></forward></network>
POOL
    all='{"vlan":42,"qos":5,"protocol":"802.1ad","min_rate":100,"max_rate":1000,"spoof_check":true,"trust":true,"query_rss":true,"link_state":"disable"}'
    has_all() { settings_there && [ "$(settings_there)" = "$all" ]; }
    life_there "$(lab_interface passthrough 52:54:00:00:00:01)" 42 has_all
    block 6 > "$simulated_root/etc/vfpool/passthrough.xml"
    has_tags() { by_ip_there | grep -q '"vlan_list":\[{"vlan":100,"protocol":"802.1ad"}\]'; }
    life_there "$(block 7)" 100 has_tags
    simulate_no_more
}
