#!/usr/bin/env bats
# Interfaces on a pool that are attached to running guests: what libvirt gives is what the ledger says, at once.
#
# Not here: a guest that lets go of a device (26-system.bats). These guests have only their firmware, which does not.

load ../vfpool

# Settling that is killed eight times takes minutes.
BATS_TEST_TIMEOUT=500

setup() {
    vfpool_ready
    pool passthrough enp1s0
    pools_up
}
teardown() {
    hook_content_back
    vfpool_end
}

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

@test "a guest that does not let go of a detached VF keeps it until it ends" {
    running g1
    attach g1 52:54:00:00:25:01
    before=$(ledger)
    # libvirt has asked the guest, and whether it says so as an error is libvirt's own affair.
    run timeout 60 virsh -q detach-device g1 /tmp/attach.g1.xml --live 3>&-
    echo "$status $output"
    has_vfs g1 2
    [ "$(ledger)" = "$before" ]
    running g2
    # Nobody is given it, and it is not attached a second time by mistake.
    has_vfs g1 2
    [ "$(ledger | cut -d' ' -f1 | sort -u | wc -l)" = 3 ]
    run_virsh destroy g1
    [ "$(ledger)" = "$(live_vfs g2) held g2" ]
    run_virsh destroy g2
    nothing_left
}

@test "an interface is updated as far as libvirt lets it be, and keeps its VF" {
    room g1 "$(lab_interface passthrough 52:54:00:00:25:01)"
    run_virsh start g1
    is_exact g1
    before=$(ledger)
    vf=$(live_vfs g1)
    lab_interface passthrough 52:54:00:00:25:01 "<link state='down'/>" > /tmp/update.xml
    run timeout 60 virsh -q update-device g1 /tmp/update.xml --live 3>&-
    echo "$status $output"
    has_vfs g1 1
    [ "$(ledger)" = "$before" ]
    ports_are_right passthrough "$vf"
    lab_interface passthrough 52:54:00:00:25:01 "<vlan><tag id='9'/></vlan>" > /tmp/update.xml
    run_virsh update-device g1 /tmp/update.xml --config
    [ "$(ledger)" = "$before" ]
    run_virsh destroy g1
    run_virsh start g1
    is_exact g1
    # shellcheck disable=SC2046 # two words
    [ "$(vf_mac_vlan $(vf_of "$(live_vfs g1)"))" = "52:54:00:00:25:01 9" ]
}

@test "a VF attached by its address is seen, passed over, and adopted by reconcile" {
    local kind vf xml
    room g1
    run_virsh start g1
    vf=$(listed passthrough | head -n 1)
    [[ $vf =~ (.*):(.*):(.*)\.(.*) ]]
    address="<address type='pci' domain='0x${BASH_REMATCH[1]}' bus='0x${BASH_REMATCH[2]}' slot='0x${BASH_REMATCH[3]}' function='0x${BASH_REMATCH[4]}'/>"
    for kind in hostdev interface; do
        case $kind in
        hostdev) xml="<hostdev mode='subsystem' type='pci' managed='yes'><source>${address/type=\'pci\' /}</source></hostdev>" ;;
        interface) xml="<interface type='hostdev' managed='yes'><source>$address</source><mac address='52:54:00:00:25:0a'/></interface>" ;;
        esac
        echo "$xml" > /tmp/address.xml
        run_virsh attach-device g1 /tmp/address.xml --live
        # No hook was called.
        [ -z "$(ledger)" ]
        run_ok vfpool status
        echo "$output" | grep -F "${vf#0000:}"
        running g2
        [ "$(live_vfs g2)" != "$vf" ]
        # Neither does what is attached next get it.
        attach g2
        has_vfs g2 2
        run_ok vfpool reconcile
        says g1
        ledger | grep -F "$vf held g1"
        running g3
        run_virsh destroy g1
        [ "$(ledger | awk '{ print $3 }' | sort | uniq -c | tr -s ' ' | tr '\n' ,)" = " 2 g2, 1 g3," ]
        run_virsh destroy g2
        run_virsh destroy g3
        run_virsh undefine g2
        run_virsh undefine g3
        nothing_left
        run_virsh start g1
    done
}

@test "killed between any two steps of settling: the next one does what is left" {
    local call what pid
    running g1
    for what in settling libvirtd; do
        for call in 1 2 3 4; do
            echo "# $what is killed at call $call"
            case $what in
            settling) gate_broken "[ \$calls != $call ] || kill -9 \$PPID" ;;
            libvirtd) gate_broken "[ \$calls != $call ] || kill -9 $(networks_pid)" ;;
            esac
            pid=$(networks_pid)
            # A reload has the offer made again.
            kill -HUP "$pid"
            wait_until 40 settled_so_far "$call" || { cat /tmp/gate-calls; false; }
            if [ "$what" = libvirtd ] && [ "$(wc -l < /tmp/gate-calls)" -ge "$call" ]; then
                wait_until 20 libvirtd_gone "$pid"
                lab_libvirtd_start
            fi
            gate_mended
            # Nobody is asked to mend it.
            running g2
            is_exact g1
            [ "$(ledger | cut -d' ' -f1 | sort -u | wc -l)" = 2 ]
            wait_until 40 offer_holds passthrough
            ports_are_right passthrough "$(live_vfs g1)" "$(live_vfs g2)"
            run_virsh destroy g2
            run_virsh undefine g2
            ports_are_right passthrough "$(live_vfs g1)"
        done
    done
}
# settled_so_far CALL: or settling needed fewer calls.
settled_so_far() {
    [ -e /tmp/gate-calls ] || return
    [ "$(wc -l < /tmp/gate-calls)" -ge "$1" ] || offer_holds passthrough
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
    gate_broken :
    run_virsh start g1
    run_virsh destroy g1
    gate_mended
    [ ! -e /tmp/gate-calls ]
    echo "calls into libvirt in a start and a stop: 0" >> "$LAB_RESULTS/times.txt"
}

@test "a drained PF: neither a plug nor a start gets its VFs, and who has one, or is getting one, keeps it" {
    local guest
    pool passthrough enp1s0 enp2s0
    pools_up
    running g1
    [[ $(vf_of "$(live_vfs g1)") == "enp1s0 "* ]]
    # g2 is on its way: it has been prepared, and libvirt has given it nothing yet.
    cat > "$hook" << SCRIPT
#!/bin/bash
$installed_hook "\$@"
rc=\$?
[ "\$1 \$2" != "g2 prepare" ] || { touch /tmp/g2-prepared; timeout 60 bash -c 'until [ -e /tmp/g2-goes-on ]; do read -rt 0.2 _ <> <(:); done'; }
exit \$rc
SCRIPT
    rm -f /tmp/g2-prepared /tmp/g2-goes-on
    lab_define g2 "$(lab_interface passthrough)"
    virsh -q start g2 > /tmp/said.g2 2>&1 3>&- &
    start=$!
    wait_until 30 test -e /tmp/g2-prepared
    run_ok timeout 60 vfpool drain enp1s0 --reason 'new firmware'
    says "drained PF enp1s0"
    touch /tmp/g2-goes-on
    wait "$start" || { cat /tmp/said.g2; false; }
    hook_content_back
    is_exact g2
    attach g1 52:54:00:00:25:07
    has_vfs g1 2
    lab_define g3 "$(lab_interface passthrough)"
    run_virsh start g3
    is_exact g3
    [[ $(vf_of "$(live_vfs g3)") == "enp2s0 "* ]]
    [ "$(for vf in $(live_vfs g1); do vf_of "$vf"; done | cut -d' ' -f1 | sort -u | xargs)" = "enp1s0 enp2s0" ]
    run_fail vfpool drain enp1s0 --wait 1
    says "are still had by"
    for guest in g1 g2; do run_virsh destroy "$guest"; done
    run_ok vfpool drain enp1s0 --wait 20
    wait_until 20 offer_holds passthrough
    # None of them is open now, though guests have let go of two.
    [ "$(comm -23 <(lab_vf_addresses enp1s0 | sort) <(blocked_ports passthrough) | wc -l)" = 0 ]
    run_ok vfpool undrain enp1s0
    run_virsh start g1
    is_exact g1
    [[ $(vf_of "$(live_vfs g1)") == "enp1s0 "* ]]
}
