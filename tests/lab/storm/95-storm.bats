#!/usr/bin/env bats
# LAB_STORM=600 seconds of guests that come and go on pools of every policy, are plugged and unplugged, while libvirtd, the
# hooks, vfpool-gate and QEMUs are killed, PFs go down and /run is full. LAB_SEED: another storm. Then the host is made one
# that boots with all its guests, for the power cuts (96-cut.bats, run.sh).

load ../vfpool
load storm

BATS_TEST_TIMEOUT=$((${LAB_STORM:-600} + 1200))

setup() { vfpool_ready; }
teardown() {
    touch "$storm_end"
    cp "$storm_log" "$LAB_RESULTS/storm.log"
    [ -n "${BATS_TEST_COMPLETED:-}" ] || look
}

@test "a storm: no VF has two guests or none for ever, and fourteen guests start" {
    local guest seed=${LAB_SEED:-95} count call
    # So that it can be full without the host's memory being so.
    mount -o remount,size=64M /run
    : > "$storm_log"
    storm_pools
    run_ok vfpool reconcile
    storm_define
    storm_agrees
    storm_begins "$seed"
    pause "${LAB_STORM:-600}0"
    storm_ends
    {
        echo "storm of ${LAB_STORM:-600} s, seed $seed:"
        for call in start destroy attach-device detach-device; do
            count=$(grep -c "^[^ ]* 0 $call " "$storm_log") || true
            echo "  $call: $count done, $(grep -c "^[^ ]* [1-9][0-9]* $call " "$storm_log" || true) refused"
        done
        grep -o 'killed .*\|took .*\|filled .*\|reloaded .*\|reconciled' "$storm_log" | sort | uniq -c
        echo "  $(storm_strays | wc -l) QEMUs that libvirt lost"
    } | tee -a "$LAB_RESULTS/times.txt"
    for guest in $(storm_strays); do kill -9 "$guest"; done
    wait_until 30 no_strays
    run_ok vfpool reconcile
    run_ok vfpool reconcile
    [ "$output" = "nothing to repair" ]
    storm_agrees
    for guest in $(virsh -q list --name); do run_virsh destroy "$guest"; done
    nothing_left
    storm_agrees
    for guest in "${storm_guests[@]}"; do run_virsh start "$guest"; done
    storm_agrees
    [ "$(awk '$5 == "held"' /tmp/storm-ledger | wc -l)" = 17 ]
    storm_complies
    for guest in "${storm_guests[@]}"; do run_virsh autostart "$guest"; done
}
