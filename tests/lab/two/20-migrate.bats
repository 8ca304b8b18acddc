#!/usr/bin/env bats
# A guest with a virtio interface and a VF, joined by <teaming>, migrates: QEMU takes the VF away before, and gives it the
# one that libvirt on the other host got for it.

bats_require_minimum_version 1.5.0
load ../vfpool
load ../system
load host

# A guest's system takes minutes to boot, without KVM.
BATS_TEST_TIMEOUT=5400

address=$two_net.50
mac=52:54:00:37:00:50

setup() {
    wait_until 600 b_serves
    vfpool_ready
    on_b vfpool_ready
    # What the VFs get beside the guest's MAC address; and what there is to be put back.
    pool_more="<metadata><vfpool:pool xmlns:vfpool='urn:vfpool:1'><vfpool:settings trust='yes'/></vfpool:pool></metadata>"
    pool passthrough enp1s0 enp2s0
    pools_up
    on_b "pool_more=\"$pool_more\"; pool passthrough enp4s0 enp5s0 && vfpool reconcile"
    system_make
    LAB_COMMAND_TIMEOUT=300 on_b system_make
    system_address=$address system_define g1 "<interface type='bridge'><source bridge='br0'/><mac address='$mac'/>
        <model type='virtio'/><teaming type='persistent'/><alias name='ua-standby'/></interface>
        $(lab_interface passthrough "$mac" "<teaming type='transient' persistent='ua-standby'/>")"
    before_a=$(all_settings)
    before_b=$(on_b "$(declare -f all_settings); all_settings")
}
teardown() {
    [ -z "${pinger:-}" ] || kill "$pinger" 2> /dev/null || true
    vfpool_end
    on_b 'BATS_TEST_COMPLETED=1 vfpool_end'
}

# What the PFs were told of all their VFs.
all_settings() {
    local pf
    for pf in $(lab_pfs); do
        ip -json link show dev "$pf" | jq -c '.[0].vfinfo_list[] | [.vf, .address, .vlan_list, .trust, .spoofchk, .link_state]'
    done
}
answers() { ping -c 1 -W 5 "$address"; }

# on HOST WORDS: as on_b, for either.
on() {
    if [ "$1" = b ]; then on_b "$2"; else eval "$2"; fi
}
other() { [ "$1" = a ] && echo b || echo a; }

# An emulated VF tells its guest's driver its MAC address only once after its PF was up again, and without that the guest
# does not join the two.
pfs_again() {
    local pf
    for pf in $(lab_pfs); do ip link set "$pf" down && ip link set "$pf" up || return; done
    for pf in $(lab_pfs); do wait_until 30 lab_carrier "$pf" || return; done
}

# has_left: nothing of g1 is here, and the VFs are as they were before. has_come: it runs, with what the pool says.
has_left() { [ -z "$(ledger)" ] && ports_are_right passthrough && [ "$(all_settings)" = "$1" ]; }
has_come() {
    is_exact g1 || return
    local place
    read -ra place <<< "$(vf_of "$(claimed_vfs g1)")"
    ip -json link show dev "${place[0]}" |
        jq -e --argjson vf "${place[1]}" --arg mac "$1" '.[0].vfinfo_list[] | select(.vf == $vf) | .trust and .address == $mac' > /dev/null
}
before() { if [ "$1" = b ]; then echo "$before_b"; else echo "$before_a"; fi; }
functions=$(declare -f all_settings pfs_again has_left has_come)

# boots: g1 on a, which answers, and is asked from now on.
boots() {
    pfs_again
    system_boot g1
    wait_until 120 answers
    at=a
    ping -D -i 0.2 "$address" > /tmp/pings 3>&- &
    pinger=$!
}
# migrate_unhooked: to the other host. migrate: and it is looked at what either says.
migrate_unhooked() {
    on "$(other "$at")" "$functions; pfs_again"
    LAB_COMMAND_TIMEOUT=600 on "$at" "virsh -q migrate --live g1 qemu+tcp://lab-$(other "$at")/system"
}
migrate() {
    migrate_unhooked
    on "$at" "$functions; has_left '$(before "$at")'"
    on "$(other "$at")" "$functions; wait_until 60 has_come $mac"
}
# moves WHAT COMMAND: there and back, by COMMAND each; how long there was no answer, of each the longest.
moves() {
    local i
    : > /tmp/moves
    for ((i = 1; i <= ${LAB_MIGRATIONS:-20}; i++)); do
        printf '%s ' "$EPOCHREALTIME" >> /tmp/moves
        "$2"
        at=$(other "$at")
        wait_until 120 answers
        echo "$EPOCHREALTIME" >> /tmp/moves
        lab_mark "migration $i done"
    done
    kill -INT "$pinger"
    wait "$pinger"
    pinger=
    gaps /tmp/moves /tmp/pings | sort -n > /tmp/gaps
    awk -v "what=$1" '{ gap[NR] = $1 }
        END { printf "gaps of pings, %s: median %s s, longest %s s of %d\n", what, gap[int((NR + 1) / 2)], gap[NR], NR }' /tmp/gaps |
        tee -a "$LAB_RESULTS/times.txt"
    on "$at" 'virsh -q destroy g1'
}
# gaps MOVES PINGS: of each line "BEGAN ENDED" of MOVES the longest time between two answers, in seconds
gaps() {
    awk 'NR == FNR { began[NR] = $1; ended[NR] = $2; gap[NR] = 0; moves = NR; next }
        / bytes from / {
            now = substr($1, 2) + 0
            for (i = 1; last && i <= moves; i++) if (now > began[i] && last < ended[i] && now - last > gap[i]) gap[i] = now - last
            last = now
        }
        END { for (i = 1; i <= moves; i++) printf "%.1f\n", gap[i] }' "$1" "$2"
}

@test "twenty migrations there and back: each time the VF that it had is free, and the one that it gets is claimed" {
    boots
    has_come "$mac"
    moves 'with vfpool' migrate
}

@test "the same with libvirt's own pool on both" {
    run_ok vfpool open
    b_ok 'vfpool open'
    hooks_gone
    on_b hooks_gone
    boots
    moves 'without vfpool' migrate_unhooked
    hooks_back
    on_b hooks_back
    run_ok vfpool reconcile
    b_ok 'vfpool reconcile'
}

# stays: g1 is on a as it was, and b has nothing.
stays() {
    wait_until 60 has_come "$mac"
    [ "$(claimed_vfs g1)" = "$1" ]
    wait_until 120 answers
    on_b "$functions; wait_until 30 has_left '$before_b'"
}

@test "a migration that fails leaves all as it was: used up, cancelled, killed in the middle" {
    local had migration how
    boots
    has_come "$mac"
    had=$(claimed_vfs g1)
    b_ok 'vfpool drain enp4s0 && vfpool drain enp5s0'
    LAB_COMMAND_TIMEOUT=300 run_virsh_fail migrate --live g1 qemu+tcp://lab-b/system
    says "pool 'passthrough' has no free VF"
    stays "$had"
    b_ok 'vfpool undrain enp4s0 && vfpool undrain enp5s0'
    # Slow enough that there is a middle.
    run_virsh migrate-setspeed g1 1
    for how in cancelled killed; do
        timeout 600 virsh -q migrate --live g1 qemu+tcp://lab-b/system > /tmp/migration 2>&1 3>&- &
        migration=$!
        wait_until 120 on_b 'virsh -q domstate g1'
        if [ "$how" = cancelled ]; then run_virsh domjobabort g1; else b_ok 'kill -9 "$(cat /run/libvirt/qemu/g1.pid)"'; fi
        ! wait "$migration" || { echo "# it was there before it was $how"; return 1; }
        stays "$had"
    done
    run_virsh destroy g1
}

@test "docs/howto/migration.md, as it stands" {
    system_address=$address system_define web ""
    pfs_again
    on_b "$functions; pfs_again"
    follow howto/migration 1 1
    wait_until 600 system_said web up
    wait_until 120 answers
    follow howto/migration 2 4
    has_left "$before_a"
    b_ok 'is_exact web'
    wait_until 120 answers
}
