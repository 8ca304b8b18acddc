#!/usr/bin/env bats
# What vfpool costs: start and destroy of one guest, in pairs with libvirt's own pool in the same boot.

load ../vfpool

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
    rm -f "$hook"
    lab_reload
    start_and_destroy own
}
with_vfpool() {
    hook_back
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
    hook_back
    # The goal is 1.05, and not reached: 1.14 where a start and destroy take 4.2 s. This keeps it from growing.
    awk -v r="$ratio" 'BEGIN { exit !(r <= 1.25) }'
}

@test "the time that the hook takes" {
    pool passthrough enp1s0
    pools_up
    lab_define g1 "$(lab_interface passthrough)"
    cat > "$hook" << SCRIPT
#!/bin/bash
begin=\$EPOCHREALTIME
$installed_hook "\$@"
rc=\$?
echo "\$2 \$begin \$EPOCHREALTIME" >> /tmp/hook-times
exit \$rc
SCRIPT
    rm -f /tmp/hook-times
    for ((i = 0; i < 5; i++)); do
        run_virsh start g1
        run_virsh destroy g1
    done
    hook_content_back
    for operation in prepare start started stopped release; do
        awk -v op="$operation" '$1 == op { print ($3 - $2) * 1000 }' /tmp/hook-times > /tmp/one
        [ "$(wc -l < /tmp/one)" = 5 ]
        printf 'hook, %-22s %.0f ms, median of 5\n' "$operation" "$(median /tmp/one)" >> "$LAB_RESULTS/times.txt"
    done
}
