#!/usr/bin/env bats
# A host that has booted with systemd, its cards' driver loaded by udev: VFs, networks, and the guests that start with
# it. before.bash says what it was before. One boot for all cases, which come in their order.

load ../vfpool
load before

number() { cat "/sys/class/net/$1/device/sriov_numvfs"; }
autoprobe() { cat "/sys/class/net/$1/device/sriov_drivers_autoprobe"; }
property() { systemctl show --value -p "$1" "$2"; }
is_active() { systemctl -q is-active "$1"; }
has_ended() { [ "$(property ActiveState "$1")" = inactive ]; }
has_ended_or_failed() { has_ended "$1" || [ "$(property ActiveState "$1")" = failed ]; }
libvirt_ends() {
    local unit
    run_ok systemctl stop "${libvirt_units[@]}"
    for unit in "$guests_unit" "$networks_unit"; do wait_until 20 has_ended "$unit"; done
}
libvirt_starts() { run_ok systemctl start "${libvirt_enabled[@]}"; }

teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || {
        systemctl --no-pager status vfpool-boot vfpool "$guests_unit" "$networks_unit" 3>&-
        journalctl --no-pager -b -u vfpool-boot -u vfpool -u "$guests_unit" -u "$networks_unit" -n 60 3>&-
        look
    }
    systemctl start "${libvirt_enabled[@]}" 3>&-
}

@test "VFs are made before libvirt starts, and each guest of the boot has its own" {
    wait_until 60 is_active "$guests_unit"
    wait_until 60 is_active "$networks_unit"
    wait_until 10 is_active vfpool-boot.service
    [ "$(property ExecMainStatus vfpool-boot.service)" = 0 ]
    for unit in "$guests_unit" "$networks_unit"; do
        [ "$(property ExecMainExitTimestampMonotonic vfpool-boot.service)" -lt "$(property ExecMainStartTimestampMonotonic "$unit")" ]
    done
    [ "$(number enp1s0) $(number enp2s0)" = "5 3" ]
    [ "$(autoprobe enp1s0) $(autoprobe enp2s0)" = "0 1" ]
    [ "$(cat /sys/class/net/enp1s0/flags)" = 0x1003 ]
    wait_until 60 is_exact g1
    wait_until 60 is_exact g2
    [ "$(live_vfs g2 | wc -l)" = 2 ]
    [ -z "$(comm -12 <(live_vfs g1 | sort) <(live_vfs g2 | sort))" ]
    wait_until 60 has_ended vfpool.service
    [ "$(property Result vfpool.service)" = success ]
    wait_until 20 offer_holds passthrough
    lab_took "vfpool-boot.service" "$(property ExecMainStartTimestampMonotonic vfpool-boot.service | sed 's/......$/.&/')" \
        "$(property ExecMainExitTimestampMonotonic vfpool-boot.service | sed 's/......$/.&/')"
}

@test "a guest with a VF of its own has it: started once libvirt can be asked for it (F12)" {
    wait_until 60 is_exact g3
    [ "$(live_vfs g3)" = "$(basename "$(readlink -f /sys/class/net/enp1s0/device/virtfn4)")" ]
    if [ "$guests_unit" = libvirtd.service ]; then
        run_ok journalctl --no-pager -b -g 'started guest'
        says "started guest 'g3', whose VFs libvirt could not be asked for before"
        run_ok vfpool history g3
        says "refused"
    fi
    [ -z "$(ls /run/vfpool/deferred 2> /dev/null)" ]
    # The cases behind it do without.
    run_virsh destroy g3
    run_virsh undefine g3
    boot_pool passthrough enp1s0 5 "autoprobe='no'"
    run_ok vfpool reconcile
}

@test "doctor finds nothing wrong" {
    run_ok vfpool doctor
}

@test "a VF of which the host's drivers leave hands off has none after its guest" {
    local vf
    vf=$(live_vfs g1)
    run_virsh destroy g1
    vf_has_driver "$vf" none
    run_virsh start g1
    is_exact g1
}

@test "no number changes while libvirt runs, or a guest has a VF" {
    boot_pool passthrough enp1s0 4 "autoprobe='no'"
    run_fail vfpool reconcile --boot --wait 1
    says "PF enp1s0 keeps its 5 VFs, and pool 'passthrough' asks for 4: libvirt runs"
    libvirt_ends
    run_fail vfpool reconcile --boot --wait 1
    says "PF enp1s0 keeps its 5 VFs, and pool 'passthrough' asks for 4: guest 'g"
    [ "$(number enp1s0)" = 5 ]
    # Nor does the unit, which says so and starts nobody's guests late.
    run_fail systemctl restart vfpool-boot.service
    [ "$(number enp1s0)" = 5 ]
    libvirt_starts
    is_exact g1
    boot_pool passthrough enp1s0 5 "autoprobe='no'"
    run_ok systemctl restart vfpool-boot.service
}

@test "libvirtd is killed: systemd starts it, and reconcile runs after it" {
    local before pid
    wait_until 60 has_ended vfpool.service
    before=$(property ExecMainStartTimestampMonotonic vfpool.service)
    pid=$(networks_pid)
    reconciled_again() { has_ended vfpool.service && [ "$(property ExecMainStartTimestampMonotonic vfpool.service)" -gt "$before" ]; }
    kill -9 "$pid"
    wait_until 60 reconciled_again
    [ "$(property Result vfpool.service)" = success ]
    [ "$(networks_pid)" != "$pid" ]
    is_exact g1
    is_exact g2
    offer_holds passthrough
    offer_holds second
}

@test "the units are in a sandbox, and systemd understands all of it" {
    run_ok systemd-analyze verify --man=no /usr/lib/systemd/system/vfpool-boot.service /usr/lib/systemd/system/vfpool.service \
        /usr/lib/systemd/system/vfpool-metrics.service /usr/lib/systemd/system/vfpool-metrics.timer
    [ -z "$output" ]
    run_ok systemd-analyze security --threshold=30 vfpool.service
    run_ok systemd-analyze security --threshold=30 vfpool-boot.service
    run_ok systemd-analyze security --threshold=30 vfpool-metrics.service
}

@test "metrics are written where a collector looks, out of the sandbox" {
    local file=/var/lib/prometheus/node-exporter/vfpool.prom
    mkdir -p "${file%/*}"
    chown nobody "${file%/*}"
    run_ok systemctl start vfpool-metrics.service
    [ "$(stat -c %a "$file")" = 644 ]
    grep -q '^vfpool_vfs{pool="passthrough",pf="enp1s0",state="held"} [1-9]' "$file"
    grep -qx 'vfpool_doctor_verdict{check="daemon"} 0' "$file"
    grep -q '^vfpool_pool_offered_vfs{pool="passthrough"} ' "$file"
}

@test "another number is made when nobody has a VF" {
    run_virsh destroy g1
    run_virsh destroy g2
    libvirt_ends
    boot_pool passthrough enp1s0 4 "autoprobe='no'"
    run_ok systemctl restart vfpool-boot.service
    [ "$(number enp1s0) $(autoprobe enp1s0)" = "4 0" ]
    libvirt_starts
    lists_four() { [ "$(listed passthrough | wc -l)" = 4 ]; }
    wait_until 60 lists_four
    wait_until 60 has_ended vfpool.service
    # 9.0.0 starts its guests with each start of the daemon, 11.3.0 with the first one of a boot.
    for guest in g1 g2; do
        virsh -q list --name | grep -qx "$guest" || run_virsh start "$guest"
        is_exact "$guest"
    done
    ports_are_right passthrough "$(live_vfs g1)" "$(live_vfs g2 | grep -xF -f <(listed passthrough))"
}

@test "where there is no pool, nothing is done at boot" {
    local guest
    for guest in g1 g2; do run_virsh destroy "$guest"; done
    mkdir /tmp/pools
    mv /etc/vfpool/*.xml /tmp/pools
    run_ok systemctl restart vfpool-boot.service
    [ "$(property ConditionResult vfpool-boot.service)" = no ]
    mv /tmp/pools/*.xml /etc/vfpool
    run_ok systemctl restart vfpool-boot.service
    [ "$(property ConditionResult vfpool-boot.service)" = yes ]
    [ "$(property Result vfpool-boot.service)" = success ]
}

# The last one: it takes vfpool away. The unit that reconciles is at work when that begins, and waits for a libvirt that
# does not answer; whoever removes ends it, and then needs an answer.
@test "uninstalled while reconcile is at work: it ends, and libvirt gives every VF" {
    local pid i count
    for i in g1 g2; do virsh -q destroy "$i" || true; done
    count=$(listed passthrough | wc -l)
    wait_until 60 has_ended vfpool.service
    pid=$(networks_pid)
    kill -STOP "$pid"
    run_ok systemctl start --no-block vfpool.service
    at_work() { [ "$(property ActiveState vfpool.service)" = activating ] && [ "$(property ExecMainPID vfpool.service)" != 0 ]; }
    wait_until 20 at_work
    "$lab_dir/../../install.sh" uninstall > /tmp/uninstall.log 2>&1 3>&- &
    i=$!
    wait_until 20 has_ended_or_failed vfpool.service
    kill -CONT "$pid"
    wait "$i"
    [ "$(tail -n 1 /tmp/uninstall.log)" = "uninstalled: libvirt picks the VFs of its networks by itself again" ]
    for i in /etc/libvirt/hooks/qemu /etc/libvirt/hooks/network /etc/libvirt/hooks/daemon /etc/libvirt/hooks/vfpool /run/vfpool \
        /usr/sbin/vfpool /usr/lib/systemd/system/vfpool.service /etc/systemd/system/multi-user.target.wants/vfpool.service; do
        [ ! -e "$i" ] && [ ! -L "$i" ]
    done
    # By ports, as AppArmor lets no guest open a VF of libvirt's own pool (F51).
    [ -z "$(blocked_ports passthrough)" ]
    for ((i = 1; i <= count; i++)); do
        echo "<networkport><uuid>0f0e0d0c-0000-4000-8000-00000000001$i</uuid><owner><name>last$i</name><uuid>0f0e0d0c-0000-4000-8000-00000000000$i</uuid></owner>
            <mac address='52:54:00:00:00:0$i'/></networkport>" > /tmp/port.xml
        run_virsh net-port-create passthrough /tmp/port.xml
    done
    [ "$(ports passthrough | awk '{ print $3 }' | sort -u | wc -l)" = "$count" ]
}

