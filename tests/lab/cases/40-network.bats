#!/usr/bin/env bats
# What others do to the network beneath a pool, and to its VFs: a clear line, never a VF twice, and reconcile mends it.

load ../vfpool

setup() {
    vfpool_ready
    pool passthrough enp1s0 enp2s0
    pools_up
}
teardown() { vfpool_end; }

running() {
    lab_define "$1" "$(lab_interface passthrough)"
    run_virsh start "$1"
    is_exact "$1"
}

@test "reconcile does everything once, and a dry run does nothing" {
    run_ok vfpool reconcile
    [ "$output" = "nothing to repair" ]
    run_virsh net-destroy passthrough
    run_virsh net-undefine passthrough
    run_ok vfpool reconcile --dry-run
    says "defined and started libvirt network 'passthrough' with 14 VFs"
    run_virsh net-list --all --name
    [ -z "${output//[[:space:]]/}" ]
    run_ok vfpool reconcile
    says "defined and started libvirt network 'passthrough' with 14 VFs"
    ports_are_right passthrough
    run_virsh net-info passthrough
    [[ $output =~ Autostart:\ +yes ]]
    [[ $output =~ Persistent:\ +yes ]]
}

@test "a network that is not active, or not there, is named, and reconcile makes it again" {
    lab_define g1 "$(lab_interface passthrough)"
    run_virsh net-destroy passthrough
    run_virsh_fail start g1
    says "libvirt network 'passthrough' is not active: run 'vfpool reconcile'"
    [ -z "$(ledger)" ]
    run_virsh net-undefine passthrough
    run_virsh_fail start g1
    says "libvirt has no network 'passthrough': run 'vfpool reconcile'"
    [ -z "$(ledger)" ]
    run_ok vfpool reconcile
    run_virsh start g1
    is_exact g1
    ports_are_right passthrough "$(live_vfs g1)"
}

@test "libvirt reloaded: it loses count of its ports, and neither a start nor reconcile falls for it" {
    running g1
    lab_reload
    # Without vfpool's care libvirt would give g1's VF to the next guest.
    running g2
    [ "$(live_vfs g1)" != "$(live_vfs g2)" ]
    is_exact g1
    ports_are_right passthrough "$(live_vfs g1)" "$(live_vfs g2)"
    lab_reload
    # The daemon hook has had it mended.
    wait_until 20 offer_holds passthrough
    run_ok vfpool reconcile
    [ "$output" = "nothing to repair" ]
    ports_are_right passthrough "$(live_vfs g1)" "$(live_vfs g2)"
    lab_reload
    run_virsh destroy g1
    running g3
    ports_are_right passthrough "$(live_vfs g3)" "$(live_vfs g2)"
}

@test "ports that were deleted by hand are made again by the next start" {
    running g1
    # All of them: ours, and the running guest's.
    virsh -q net-port-list passthrough | while read -r uuid; do virsh -q net-port-delete passthrough "$uuid"; done
    [ -z "$(ports passthrough)" ]
    running g2
    [ "$(live_vfs g1)" != "$(live_vfs g2)" ]
    is_exact g1
    run_ok vfpool reconcile
    is_exact g1
    run_virsh destroy g1
    ports_are_right passthrough "$(live_vfs g2)"
}

@test "a network that was edited by hand is put right around its guests" {
    running g1
    running g2
    ports passthrough | grep -v ' vfpool ' | sort > /tmp/before
    [ "$(wc -l < /tmp/before)" = 2 ]
    virsh -q net-dumpxml --inactive passthrough | sed '0,/<address/{/<address/d}' | sed '/<address/{x;s/^/x/;/^x\{10\}$/{x;d};x}' > /tmp/edited.xml
    run_virsh net-define /tmp/edited.xml
    run_ok vfpool reconcile
    # libvirt shows what is active, and that is right still.
    run_virsh net-destroy passthrough
    run_virsh net-define /tmp/edited.xml
    run_virsh net-start passthrough
    run_ok vfpool reconcile
    says "changed libvirt network 'passthrough' with 14 VFs"
    is_exact g1
    is_exact g2
    [ "$(virsh -q net-dumpxml passthrough | grep -c '<address')" = 14 ]
    running g3
    run_virsh destroy g1
    run_virsh destroy g2
    ports_are_right passthrough "$(live_vfs g3)"
}

@test "another client's port on a VF of the pool is not taken away, and the next VF is given" {
    vf=$(lab_vf_addresses enp1s0 | head -n 1)
    run_virsh net-port-delete passthrough "$(ports passthrough | awk -v vf="$vf" '$3 == vf { print $1 }')"
    echo "<networkport><uuid>76667000-0000-4000-8000-00000000000b</uuid><owner><name>other</name><uuid>76667000-0000-4000-8000-00000000000a</uuid></owner>
        <mac address='52:54:00:00:00:0a'/></networkport>" > /tmp/port.xml
    run_virsh net-port-create passthrough /tmp/port.xml
    [ "$(owner_of passthrough "$vf")" = other ]
    run_ok vfpool status --format json
    says "libvirt has given VF 0 of PF enp1s0 to 'other', whom vfpool does not know"
    # The next VF is as good.
    running g1
    is_exact g1
    [ "$(live_vfs g1)" != "$vf" ]
    [ "$(owner_of passthrough "$vf")" = other ]
    run_ok vfpool reconcile
    [ "$(owner_of passthrough "$vf")" = other ]
    run_virsh destroy g1
    run_virsh net-port-delete passthrough "$(ports passthrough | awk '$2 == "other" { print $1 }')"
    run_virsh start g1
    is_exact g1
    [ "$(live_vfs g1)" = "$vf" ]
    run_virsh destroy g1
    nothing_left
}

@test "VFs removed and made again: reconcile makes the network again, and guests on other PFs keep theirs" {
    running g1
    [[ $(vf_of "$(live_vfs g1)") == "enp1s0 "* ]]
    ports passthrough | grep ' g1 ' > /tmp/before
    lab_vfs 3 enp2s0
    run_ok vfpool reconcile
    says "changed libvirt network 'passthrough' with 10 VFs"
    is_exact g1
    [ "$(ports passthrough | grep ' g1 ')" = "$(cat /tmp/before)" ]
    ports_are_right passthrough "$(live_vfs g1)"
    lab_vfs 0 enp2s0
    running g2
    run_ok vfpool reconcile
    says "changed libvirt network 'passthrough' with 7 VFs"
    is_exact g1
    is_exact g2
    run_virsh destroy g1
    run_virsh destroy g2
    nothing_left
}

@test "VFs that the pool file asks for are made" {
    lab_vfs 0 enp2s0
    sed -i "s|<pf dev='enp2s0'/>|<pf dev='enp2s0'><vf num='4'/></pf>|" /etc/vfpool/passthrough.xml
    run_ok vfpool reconcile
    says "made 4 VFs on PF enp2s0"
    says "changed libvirt network 'passthrough' with 11 VFs"
    ports_are_right passthrough
    run_ok vfpool reconcile
    [ "$output" = "nothing to repair" ]
}

# asks_for N: VFs on enp2s0, in the pool file
asks_for() {
    sed -i "s|<pf dev='enp2s0'.*|<pf dev='enp2s0'><vf num='$1'/></pf>|" /etc/vfpool/passthrough.xml
}

@test "VFs that a card cannot make, or that are there in another number, are said in words" {
    local numvfs=/sys/class/net/enp2s0/device/sriov_numvfs
    lab_vfs 0 enp2s0
    asks_for 24
    run_ok vfpool reconcile
    says "cannot make 24 VFs on PF enp2s0 for pool 'passthrough': it makes 7 at most"
    run_ok vfpool status --format json
    says "PF enp2s0 has no VFs: the pool file asks for 24, and it makes 7 at most"
    [ "$(cat "$numvfs")" = 0 ]
    # Another number is there, and a guest has one of them: they stay.
    lab_vfs 3 enp2s0
    ip link set enp1s0 down
    run_ok vfpool reconcile
    running g1
    [[ $(vf_of "$(live_vfs g1)") == "enp2s0 "* ]]
    asks_for 5
    run_ok vfpool reconcile
    run_ok vfpool status --format json
    says "PF enp2s0 has 3 VFs, and the pool file asks for 5"
    [ "$(cat "$numvfs")" = 3 ]
    is_exact g1
    run_virsh destroy g1
    # Made while the card is down, they are of use once it is up.
    lab_vfs 0 enp2s0
    ip link set enp2s0 down
    run_ok vfpool reconcile
    says "made 5 VFs on PF enp2s0"
    lab_define g2 "$(lab_interface passthrough)"
    run_virsh_fail start g2
    says "PF enp2s0 is down"
    ip link set enp2s0 up
    wait_until 30 lab_carrier enp2s0
    run_virsh start g2
    is_exact g2
    ip link set enp1s0 up
}

@test "libvirtd not running: a line, and no hang" {
    LAB_COMMAND_TIMEOUT=20
    lab_libvirtd_stop
    run timeout 20 vfpool reconcile
    echo "$status $output"
    [ "$status" = 6 ]
    says "libvirt is not running"
    run_ok vfpool status
    # Killed, it leaves a socket that nobody listens on.
    lab_libvirtd_start
    lab_libvirtd_kill9
    run timeout 20 vfpool reconcile
    echo "$status $output"
    [ "$status" = 6 ]
    says "cannot reach libvirt"
    # Stopped in the middle of its work, it does not answer at all.
    lab_libvirtd_start
    kill -STOP "$(networks_pid)"
    run timeout 40 vfpool reconcile
    kill -CONT "$(networks_pid)"
    echo "$status $output"
    [ "$status" = 6 ]
    says "libvirt did not answer within"
    run_ok vfpool reconcile
}

@test "reconcile while guests of the pool are stopped: neither waits for the other" {
    local i before stopping=()
    for i in 1 2 3 4; do running "g$i"; done
    before=$(lab_uptime)
    for i in 1 2 3 4; do
        timeout 60 virsh -q destroy "g$i" > "/tmp/said.g$i" 2>&1 3>&- &
        stopping+=($!)
    done
    for i in 1 2 3; do run_ok vfpool reconcile; done
    wait "${stopping[@]}"
    # One that waited for the other would be killed after 8 s.
    lab_took "4 stops and 3 reconciles" "$before" "$(lab_uptime)"
    [ -z "$(cat /tmp/said.g[1-4])" ]
    run_ok vfpool reconcile
    nothing_left
}

@test "vfpool-gate killed at any moment of a restart: the next reconcile has all ports back" {
    local vf1 vf2 delay
    running g1
    running g2
    vf1=$(live_vfs g1) vf2=$(live_vfs g2)
    for delay in 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 1.0 1.3; do
        lab_reload
        gate_broken "[ \$1 != define ] || exec timeout -s KILL $delay $gate.real \"\$@\""
        timeout 60 vfpool reconcile > /tmp/killed 2>&1 3>&- || true
        gate_mended
        echo "# after $delay s: $(tr '\n' ';' < /tmp/killed)"
        run_ok vfpool reconcile
        [ "$(owner_of passthrough "$vf1") $(owner_of passthrough "$vf2")" = "g1 g2" ]
        ports_are_right passthrough "$vf1" "$vf2"
        run_ok vfpool reconcile
        [ "$output" = "nothing to repair" ]
    done
    is_exact g1
    is_exact g2
}

@test "vfpool-gate killed at each of its calls while guests run: the next reconcile has all ports back" {
    local vf1 vf2 call
    running g1
    running g2
    vf1=$(live_vfs g1) vf2=$(live_vfs g2)
    for call in 1 2 3 4 5 6 7 8; do
        lab_reload
        gate_broken "[ \$calls != $call ] || exec timeout -s KILL 0.2 $gate.real \"\$@\""
        timeout 60 vfpool reconcile > /tmp/killed 2>&1 3>&- || true
        gate_mended
        echo "# call $call, $(sed -n "${call}p" /tmp/gate-calls): $(tr '\n' ';' < /tmp/killed)"
        run_ok vfpool reconcile
        [ "$(owner_of passthrough "$vf1") $(owner_of passthrough "$vf2")" = "g1 g2" ]
        ports_are_right passthrough "$vf1" "$vf2"
    done
    is_exact g1
    is_exact g2
}
