#!/usr/bin/env bats
# What vfpool costs: start and destroy of one guest, in pairs with libvirt's own pool in the same boot.

load ../vfpool

# Five storms of seven starts take minutes.
BATS_TEST_TIMEOUT=1200

setup() { vfpool_ready; }
teardown() { vfpool_end; }

pairs=${LAB_PAIRS:-10}

# Seconds that start and destroy of a guest take together, into $took.
start_and_destroy() {
    local before=$EPOCHREALTIME after
    virsh -q start "$1" 3>&-
    virsh -q destroy "$1" 3>&-
    after=$EPOCHREALTIME
    took=$(awk -v a="$before" -v b="$after" 'BEGIN { printf "%.3f", b - a }')
}
# median FILE: of its numbers, one a line
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
without_vfpool() {
    hooks_gone
    start_and_destroy own
}
with_vfpool() {
    hooks_back
    # Its ports as they are in steady state: the reload has its own cost (40-network.bats).
    vfpool reconcile > /dev/null 3>&-
    start_and_destroy pool
}

@test "start and destroy of a guest, in pairs with libvirt's own pool" {
    lab_network "<network><name>own</name><forward mode='hostdev' managed='yes'><pf dev='enp2s0'/></forward></network>"
    pool passthrough enp1s0
    pools_up
    lab_define own "$(lab_interface own)"
    lab_define pool "$(lab_interface passthrough)"
    without_vfpool    # caches are warm for both
    with_vfpool
    : > /tmp/ratios
    for ((i = 0; i < pairs; i++)); do
        # Each is the first of its pair every other time.
        if ((i % 2)); then with_vfpool; b=$took; without_vfpool; a=$took; else without_vfpool; a=$took; with_vfpool; b=$took; fi
        awk -v a="$a" -v b="$b" 'BEGIN { print b / a }' >> /tmp/ratios
        echo "$a $b" >> /tmp/pairs
    done
    cut -d' ' -f1 /tmp/pairs > /tmp/a
    cut -d' ' -f2 /tmp/pairs > /tmp/b
    ratio=$(median /tmp/ratios)
    line="start+destroy, $pairs pairs: libvirt $(median /tmp/a) s, vfpool $(median /tmp/b) s, median ratio $ratio"
    echo "$line" | tee -a "$LAB_RESULTS/times.txt"
    hooks_back
    # The goal is 1.05, and not reached: 1.14 where a start and destroy take 4.2 s. This keeps it from growing.
    awk -v r="$ratio" 'BEGIN { exit !(r <= 1.25) }'
}

# time_the_hook: it writes down how long each of its operations takes, until hook_content_back.
time_the_hook() {
    cat > "$hook" << SCRIPT
#!/bin/bash
begin=\$EPOCHREALTIME
$installed_hook "\$@"
rc=\$?
echo "\$2 \$begin \$EPOCHREALTIME" >> /tmp/hook-times
exit \$rc
SCRIPT
}
# starts_and_stops COUNT: of guest g1, from where times are counted.
starts_and_stops() {
    rm -f /tmp/hook-times
    for ((i = 0; i < $1; i++)); do
        run_virsh start g1
        run_virsh destroy g1
    done
}
# hook_ms OPERATION COUNT: the median of so many.
hook_ms() {
    awk -v op="$1" '$1 == op { print ($3 - $2) * 1000 }' /tmp/hook-times > /tmp/one
    [ "$(wc -l < /tmp/one)" = "$2" ]
    median /tmp/one
}

@test "the time that the hook takes" {
    pool passthrough enp1s0
    pools_up
    lab_define g1 "$(lab_interface passthrough)"
    time_the_hook
    starts_and_stops 5
    hook_content_back
    for operation in prepare start started stopped release; do
        took=$(hook_ms "$operation" 5)
        printf 'hook, %-22s %.0f ms, median of 5\n' "$operation" "$took" >> "$LAB_RESULTS/times.txt"
    done
}

# hook_times_on PF...: seven starts and stops of a guest on a pool of these.
hook_times_on() {
    pool passthrough "$@"
    run_ok vfpool reconcile
    starts_and_stops 7
}

@test "the hook takes as long with all cards' VFs in the network as with one card's" {
    local all=() few=() many=() operation
    for pf in /sys/class/net/enp?s0/device/sriov_numvfs; do all+=("$(basename "${pf%/device/*}")"); done
    lab_define g1 "$(lab_interface passthrough)"
    time_the_hook
    hook_times_on "${all[0]}"
    for operation in prepare release; do few+=("$(hook_ms "$operation" 7)"); done
    hook_times_on "${all[@]}"
    for operation in prepare release; do many+=("$(hook_ms "$operation" 7)"); done
    hook_content_back
    for operation in 0 1; do
        awk -v a="${few[operation]}" -v b="${many[operation]}" -v n="${#all[@]}" -v op="$operation" 'BEGIN {
            printf "hook, %s: 7 VFs %.0f ms, %d VFs %.0f ms, ratio %.2f (limit 1.15)\n", op ? "release" : "prepare", a, 7 * n, b, b / a
            exit !(b / a <= 1.15) }' | tee -a "$LAB_RESULTS/times.txt"
        [ "${PIPESTATUS[0]}" = 0 ]
    done
}

# storm COMMAND GUEST...: all at once; the seconds that it takes, into $took.
storm() {
    local command=$1 before after guest running=()
    shift
    before=$EPOCHREALTIME
    for guest; do
        timeout 250 virsh -q "$command" "$guest" 3>&- &
        running+=($!)
    done
    for guest in "${running[@]}"; do wait "$guest"; done
    after=$EPOCHREALTIME
    took=$(awk -v a="$before" -v b="$after" 'BEGIN { printf "%.3f", b - a }')
}

@test "seven starts at once, in turns with libvirt's own pool" {
    local own=() ours=() i
    lab_network "<network><name>own</name><forward mode='hostdev' managed='yes'><pf dev='enp2s0'/></forward></network>"
    pool passthrough enp1s0
    pools_up
    for ((i = 1; i <= 7; i++)); do
        lab_define "own$i" "$(lab_interface own)"
        lab_define "ours$i" "$(lab_interface passthrough)"
        own+=("own$i")
        ours+=("ours$i")
    done
    : > /tmp/ratios
    for ((i = 0; i < ${LAB_STORMS:-5}; i++)); do
        storm start "${own[@]}"
        a=$took
        storm destroy "${own[@]}"
        storm start "${ours[@]}"
        b=$took
        storm destroy "${ours[@]}"
        awk -v a="$a" -v b="$b" 'BEGIN { print b / a }' >> /tmp/ratios
        echo "seven starts at once: libvirt $a s, vfpool $b s" >> "$LAB_RESULTS/times.txt"
    done
    echo "seven starts at once, ${LAB_STORMS:-5} rounds: median ratio $(median /tmp/ratios)" | tee -a "$LAB_RESULTS/times.txt"
}
