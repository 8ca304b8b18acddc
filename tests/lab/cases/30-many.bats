#!/usr/bin/env bats
# Many guests at the same instant. LAB_ROUNDS=10 for the long form.

load ../vfpool

# A round of fourteen takes minutes where the machine has little to give.
BATS_TEST_TIMEOUT=$((200 + 300 * ${LAB_ROUNDS:-2}))

setup() {
    vfpool_ready
    pool passthrough enp1s0 enp2s0
    pools_up
}
teardown() {
    hook_content_back
    # A case may have changed it, and been killed.
    if grep -q '^max_workers' "$lab_config"; then
        sed -i '/^max_workers/d' "$lab_config"
        lab_libvirtd_again
    fi
    vfpool_end
}

# at_once SECONDS COMMAND GUEST...: virsh COMMAND for each guest, together from a barrier; what each says into
# /tmp/said.GUEST, its exit code and seconds into /tmp/rc.GUEST.
at_once() {
    local limit=$1 command=$2 guest started=()
    shift 2
    exec 8> /tmp/barrier
    flock 8
    for guest; do
        {
            exec 8>&- 3>&-
            flock -s /tmp/barrier true
            begin=$(lab_uptime)
            rc=0
            timeout -k 5 "$limit" virsh -q "$command" "$guest" > "/tmp/said.$guest" 2>&1 || rc=$?
            echo "$rc $(awk -v a="$begin" -v b="$(lab_uptime)" 'BEGIN { printf "%.1f", b - a }')" > "/tmp/rc.$guest"
        } &
        started+=($!)
    done
    exec 8>&-
    # Not for all children: bats has one that counts down to the test's timeout.
    wait "${started[@]}"
}

# rounds COUNT ROUNDS: so many guests, started at the same instant and stopped at the same instant, again and again.
rounds() {
    local count=$1 guests=() i round before guest rc
    for ((i = 1; i <= count; i++)); do
        lab_define "g$i" "$(lab_interface passthrough "52:54:00:00:01:$(printf %02x "$i")")"
        guests+=("g$i")
    done
    for ((round = 1; round <= $2; round++)); do
        before=$(lab_uptime)
        at_once 280 start "${guests[@]}"
        lab_took "$count starts at once" "$before" "$(lab_uptime)"
        for guest in "${guests[@]}"; do
            cat "/tmp/said.$guest"
            read -r rc _ < "/tmp/rc.$guest"
            [ "$rc" = 0 ]
        done
        ledger > /tmp/ledger
        [ "$(awk '$2 == "held"' /tmp/ledger | wc -l)" = "$count" ]
        for guest in "${guests[@]}"; do
            [ "$(live_vfs "$guest") held $guest" = "$(grep " $guest\$" /tmp/ledger)" ]
        done
        wait_until 20 ports_are_right passthrough
        at_once 280 destroy "${guests[@]}"
        for guest in "${guests[@]}"; do [[ $(cat "/tmp/rc.$guest") == "0 "* ]]; done
        nothing_left
    done
}

# bats test_tags=short
@test "six guests at the same instant: each has the VF that was claimed" {
    rounds 6 1
}

@test "fourteen guests at the same instant: each has the VF that was claimed" {
    rounds 14 "${LAB_ROUNDS:-2}"
}

@test "more guests than VFs at the same instant: those that fail say why" {
    lab_vfs 2 enp1s0
    lab_vfs 2 enp2s0
    run_ok vfpool reconcile
    guests=()
    for i in {1..6}; do
        lab_define "g$i" "$(lab_interface passthrough)"
        guests+=("g$i")
    done
    at_once 120 start "${guests[@]}"
    failed=0
    for guest in "${guests[@]}"; do
        output=$(cat "/tmp/said.$guest")
        echo "$output"
        if [[ $(cat "/tmp/rc.$guest") == "0 "* ]]; then
            is_exact "$guest"
        else
            failed=$((failed + 1))
            says "pool 'passthrough' has no free VF for interface 1 of guest '$guest'"
        fi
    done
    [ "$failed" = 2 ]
}

@test "as many starts as libvirt has workers: each is quick to start or to name the setting (F11)" {
    echo "max_workers = 3" >> "$lab_config"
    lab_libvirtd_restart
    wait_until 20 offer_holds passthrough
    guests=()
    for i in {1..6}; do
        lab_define "g$i" "$(lab_interface passthrough)"
        guests+=("g$i")
    done
    at_once 60 start "${guests[@]}"
    count=0
    for guest in "${guests[@]}"; do
        output=$(cat "/tmp/said.$guest")
        read -r rc seconds < "/tmp/rc.$guest"
        echo "# $guest: exit code $rc after $seconds s: $output"
        if [ "$rc" = 0 ]; then
            count=$((count + 1))
            is_exact "$guest"
        else
            [ "$rc" = 1 ]
            [ "${seconds%.*}" -lt 15 ]
            says max_workers
        fi
    done
    echo "max_workers = 3, six starts at once: $count started" >> "$LAB_RESULTS/times.txt"
    # No start calls libvirt.
    [ "$count" = 6 ]
    # Those that failed start now.
    for guest in "${guests[@]}"; do
        [[ $(cat "/tmp/rc.$guest") == "0 "* ]] || run_virsh start "$guest"
        is_exact "$guest"
    done
}

@test "a VF that libvirt frees while another guest waits for its own is not mistaken for it" {
    # libvirt frees the port of a guest that stops some time before it calls release; it gives a guest that starts the
    # first VF that is free some time after prepare. The script makes both times long, so that they overlap.
    cat > "$hook" << SCRIPT
#!/bin/bash
[ "\$1 \$2" != "g1 release" ] || sleep 6
$installed_hook "\$@"
rc=\$?
[ "\$1 \$2" != "g2 prepare" ] || { touch /tmp/g2-prepared; sleep 3; }
exit \$rc
SCRIPT
    rm -f /tmp/g2-prepared
    lab_define g1 "$(lab_interface passthrough)"
    lab_define g2 "$(lab_interface passthrough)"
    run_virsh start g1
    virsh -q start g2 > /tmp/said.g2 2>&1 3>&- &
    start=$!
    wait_until 30 test -e /tmp/g2-prepared
    virsh -q destroy g1 > /tmp/said.g1 2>&1 3>&- &
    destroy=$!
    wait "$start" || { cat /tmp/said.g2; false; }
    wait "$destroy"
    is_exact g2
    wait_until 20 ports_are_right passthrough "$(live_vfs g2)"
}

@test "starts and stops in wild order: never a VF twice, nothing left" {
    for i in {1..6}; do lab_define "g$i" "$(lab_interface passthrough)$(lab_interface passthrough)"; done
    started=()
    for i in {1..6}; do
        {
            for _ in 1 2; do
                timeout 100 virsh -q start "g$i" || true
                timeout 100 virsh -q destroy "g$i" || true
            done
        } > "/tmp/said.g$i" 2>&1 3>&- &
        started+=($!)
    done
    wait "${started[@]}"
    cat /tmp/said.g*
    [ ! -s /tmp/said.g1 ]
    [ -z "$(cat /tmp/said.g*)" ]
    nothing_left
}

@test "fourteen guests that start with the daemon: each has the VF that the ledger says (F12)" {
    local i before
    for i in {1..14}; do
        lab_define "g$i" "$(lab_interface passthrough "52:54:00:00:03:$(printf %02x "$i")")"
        run_virsh autostart "g$i"
    done
    host_reboots
    before=$(lab_uptime)
    lab_libvirtd_start
    wait_until 200 all_run 14
    lab_took "14 guests by autostart" "$before" "$(lab_uptime)"
    # None was refused, and nobody was asked to mend anything.
    for i in {1..14}; do is_exact "g$i"; done
    [ "$(ledger | awk '$2 == "held"' | cut -d' ' -f1 | sort -u | wc -l)" = 14 ]
    run_virsh destroy g1
    run_virsh destroy g14
    # Nothing in memory says that VFs were ever offered: that is for reconcile, which vfpool.service calls after libvirt.
    run_ok vfpool reconcile
    offer_holds passthrough
    # shellcheck disable=SC2046 # one word for each VF
    ports_are_right passthrough $(ledger | cut -d' ' -f1)
    run_ok vfpool reconcile
    [ "$output" = "nothing to repair" ]
    run_virsh start g14
    is_exact g14
}
all_run() { [ "$(virsh -q list --state-running --name | grep -c .)" = "$1" ]; }
