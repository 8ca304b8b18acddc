#!/usr/bin/env bats
# A modular libvirt (DAEMONS=modular): which daemon calls which hook, and each of them ending by itself.

load ../vfpool

setup() {
    vfpool_ready
    pool passthrough enp1s0 enp2s0
    pools_up
}
teardown() {
    sed -i '/^max_workers/d' /etc/libvirt/virt{qemu,network}d.conf
    if [ -n "${few_workers:-}" ]; then lab_libvirtd_again; fi
    # A case may have left scripts there.
    hooks_are_ours || hooks_back
    vfpool_end
}

running() {
    lab_define "$1" "$(lab_interface passthrough)"
    run_virsh start "$1"
    is_exact "$1"
}
# spread_pool: of both cards; each start has to call libvirt, as its VF is not the first that is open.
spread_pool() {
    pool_more="<metadata><v:pool xmlns:v='urn:vfpool:1' order='spread'/></metadata>" pool passthrough enp1s0 enp2s0
    run_ok vfpool reconcile
}
# daemon_again SIGNAL NAME: it ends, and is started again; the others run on.
daemon_again() {
    local pid
    pid=$(daemon_pid "$2")
    kill "-$1" "$pid"
    wait_until 60 libvirtd_gone "$pid"
    lab_libvirtd_start
}
virtqemud_reloads() { kill -HUP "$(daemon_pid virtqemud)"; }

@test "virtqemud calls the qemu hook, virtnetworkd the network hook, and each the daemon hook" {
    local name
    rm -f /tmp/called
    # Beside ours: in their place they would be somebody's, and nothing given.
    for name in qemu network daemon; do
        mkdir -p "/etc/libvirt/hooks/$name.d"
        printf '%s\n' '#!/bin/bash' "echo $name \"\$2 \$(cat /proc/\$PPID/comm)\" >> /tmp/called" \
            > "/etc/libvirt/hooks/$name.d/log"
        chmod 755 "/etc/libvirt/hooks/$name.d/log"
    done
    running g1
    run_virsh destroy g1
    lab_libvirtd_restart
    lab_reload
    run sort -u /tmp/called
    echo "$output"
    for name in prepare start started stopped release; do says "qemu $name virtqemud"; done
    for name in port-created port-deleted; do says "network $name virtnetworkd"; done
    for name in "${lab_daemons[@]}"; do
        says "daemon start $name"
        says "daemon reload $name"
    done
    # And nobody else's.
    run ! grep -vE '^(qemu [a-z]+ virtqemud|network [a-z-]+ virtnetworkd|daemon [a-z]+ virt(qemu|network|nodedev|proxy)d)$' /tmp/called
}

@test "the two ways to libvirt, by its own daemon's socket and by virtproxyd's, say the same" {
    running g1
    [ -S /run/libvirt/libvirt-sock ]
    [ -S /run/libvirt/virtnetworkd-sock ]
    run_ok vfpool reconcile
    [ "$output" = "nothing to repair" ]
    run_virsh -c 'network:///system?mode=legacy' net-port-list passthrough
    [ "${#lines[@]}" = 1 ]
    # Without virtproxyd nothing is missing.
    kill "$(daemon_pid virtproxyd)"
    wait_until 20 libvirtd_gone "$(daemon_pid virtproxyd)"
    run_ok vfpool reconcile
    [ "$output" = "nothing to repair" ]
    running g2
    run_virsh destroy g1
    lab_libvirtd_start
}

@test "virtnetworkd is killed, ended, reloaded: guests keep their VFs, and the offer is made again" {
    local how mark
    running g1
    for how in "daemon_again KILL virtnetworkd" "daemon_again TERM virtnetworkd" lab_reload; do
        echo "# $how"
        mark=$(cat /run/vfpool/offers/passthrough)
        $how
        # Nobody asks for it.
        wait_until 20 offer_holds passthrough
        [ "$(cat /run/vfpool/offers/passthrough)" != "$mark" ]
        is_exact g1
        ports_are_right passthrough "$(live_vfs g1)"
        running g2
        [ "$(live_vfs g2)" != "$(live_vfs g1)" ]
        run_virsh destroy g2
        run_virsh undefine g2
    done
    run_virsh destroy g1
}

@test "virtqemud is killed, ended, reloaded: what virtnetworkd offers stays as it is" {
    local how mark
    running g1
    mark=$(cat /run/vfpool/offers/passthrough)
    for how in "daemon_again KILL virtqemud" "daemon_again TERM virtqemud" virtqemud_reloads; do
        echo "# $how"
        $how
        wait_until 20 libvirtd_answers
        is_exact g1
        ports_are_right passthrough "$(live_vfs g1)"
        [ "$(cat /run/vfpool/offers/passthrough)" = "$mark" ]
        running g2
        run_virsh destroy g2
        run_virsh undefine g2
    done
    # It ends while it is away.
    kill -9 "$(daemon_pid virtqemud)"
    wait_until 20 libvirtd_gone "$(daemon_pid virtqemud)"
    kill -9 "$(cat /run/libvirt/qemu/g1.pid)"
    lab_libvirtd_start
    wait_until 20 nothing_left
}

@test "a guest does not start, and one that runs stops, while virtnetworkd is not there: nothing is left" {
    lab_define g1 "$(lab_interface passthrough)"
    running g2
    kill "$(daemon_pid virtnetworkd)"
    wait_until 60 libvirtd_gone "$(daemon_pid virtnetworkd)"
    run_virsh_fail start g1
    says "vfpool: cannot reach libvirt: Failed to connect socket to '/var/run/libvirt/virtnetworkd-sock'"
    [ "$(ledger)" = "$(live_vfs g2) held g2" ]
    run_virsh destroy g2
    lab_libvirtd_start
    run_ok vfpool reconcile
    nothing_left
    run_virsh start g1
    is_exact g1
}

@test "more starts at once than virtqemud or virtnetworkd has workers: each calls libvirt, and none hangs (F11)" {
    local i started=() before
    spread_pool
    few_workers=1
    for i in qemu network; do echo "max_workers = 2" >> "/etc/libvirt/virt${i}d.conf"; done
    lab_libvirtd_restart
    for i in {1..6}; do lab_define "g$i" "$(lab_interface passthrough)"; done
    before=$(lab_uptime)
    for i in {1..6}; do
        timeout 150 virsh -q start "g$i" > "/tmp/said.g$i" 2>&1 3>&- &
        started+=($!)
    done
    for i in {0..5}; do wait "${started[$i]}" || { cat /tmp/said.g*; false; }; done
    lab_took "6 starts of order='spread', 2 workers" "$before" "$(lab_uptime)"
    for i in {1..6}; do is_exact "g$i"; done
    [ "$(ledger | cut -d' ' -f1 | sort -u | wc -l)" = 6 ]
}

@test "guests that start with virtqemud have what vfpool chooses: virtnetworkd answers meanwhile (F12)" {
    local i
    spread_pool
    for i in 1 2 3; do
        lab_define "g$i" "$(lab_interface passthrough)"
        run_virsh autostart "g$i"
    done
    host_reboots
    lab_libvirtd_start
    for i in 1 2 3; do wait_until 60 is_running "g$i"; done
    for i in 1 2 3; do is_exact "g$i"; done
    # Left to libvirt, all would be on the first card.
    [ "$(for i in 1 2 3; do vf_of "$(live_vfs "g$i")" | cut -d' ' -f1; done | sort | uniq -c | awk '{ print $1 }' | sort | xargs)" = "1 2" ]
    # shellcheck disable=SC2046 # one word for each VF
    ports_are_right passthrough $(ledger | cut -d' ' -f1)
    run_ok vfpool reconcile
    [ "$output" = "nothing to repair" ]
}
is_running() { virsh -q list --name | grep -qx "$1" && [ "$(virsh -q domstate "$1")" = running ]; }
