#!/usr/bin/env bats
# What happens to a guest while it has a VF, and to libvirt: the VF stays its own, and is given back when it is gone.
#
# Not here: virsh shutdown and virsh reboot. They ask the guest's system, and these guests have only their firmware.

load ../vfpool

setup() {
    library_back
    vfpool_ready
    pool passthrough enp1s0 enp2s0
    pools_up
}
teardown() {
    library_back
    vfpool_end
}
# libvirt ends none of these files with a line feed.
pids_of() { for name; do echo "$(< "/run/libvirt/qemu/$name.pid")"; done; }
# What the hooks link, and nothing of libvirt's.
library=$(ldconfig -p | awk '$1 == "libxslt.so.1" { print $NF; exit }')    # of its cache: also while it is away
library_back() {
    if [ -L "$library.away" ] || [ -e "$library.away" ]; then mv "$library.away" "$library"; fi
}

# A guest on the pool that has just started as it should.
running() {
    lab_define "$1" "$(lab_interface passthrough)${2:-}"
    run_virsh start "$1"
    is_exact "$1"
}
is_not_running() { ! virsh -q list --name | grep -qx "$1"; }

@test "suspend, resume and reset leave a guest its VF" {
    running g1
    vf=$(live_vfs g1)
    for command in suspend resume reset; do
        run_virsh "$command" g1
        is_exact g1
        [ "$(live_vfs g1)" = "$vf" ]
    done
    ports_are_right passthrough "$vf"
}

@test "a guest that ends by itself gives its VF back" {
    running g1
    # What the guest's own power off comes to.
    run virsh -q qemu-monitor-command g1 '{"execute":"quit"}'    # may fail: QEMU ends before it answers
    wait_until 20 is_not_running g1
    wait_until 20 nothing_left
    # It resets, and is to be destroyed then.
    lab_guest g2 "$(lab_interface passthrough)" |
        sed 's|<features>|<on_reboot>destroy</on_reboot><features>|' > /tmp/g2.xml
    run_virsh define /tmp/g2.xml
    run_virsh start g2
    is_exact g2
    run_virsh reset g2
    wait_until 20 is_not_running g2
    wait_until 20 nothing_left
}

@test "a guest whose QEMU is killed gives its VF back" {
    running g1
    running g2
    kill -9 "$(cat /run/libvirt/qemu/g1.pid)"
    wait_until 20 is_not_running g1
    vf=$(live_vfs g2)
    wait_until 20 ports_are_right passthrough "$vf"
    is_exact g2
    run ledger
    [ "$output" = "$vf held g2" ]
}

@test "libvirt does not save a guest that has a VF, and the guest keeps it" {
    running g1
    # VFIO devices of this kind cannot be saved: libvirt or QEMU says so.
    run_virsh_fail save g1 /tmp/g1.save
    is_exact g1
    run_virsh_fail managedsave g1
    is_exact g1
    ports_are_right passthrough "$(live_vfs g1)"
}

@test "a guest without a VF is saved and restored beside the pool" {
    running g1
    lab_define plain ""
    run_virsh start plain
    run_virsh save plain /tmp/plain.save
    run_virsh restore /tmp/plain.save
    run_virsh managedsave plain
    run_virsh start plain
    run ledger
    [ "$output" = "$(live_vfs g1) held g1" ]
}

@test "transform piped into virsh create is a way to start (F14)" {
    running g1
    lab_define g2 "$(lab_interface passthrough 52:54:00:11:22:44 "<vlan><tag id='5'/></vlan>")"
    virsh -q dumpxml g2 | vfpool transform - > /tmp/g2-now.xml
    run_virsh create /tmp/g2-now.xml
    is_exact g2
    vf=$(live_vfs g2)
    # shellcheck disable=SC2046 # two words
    [ "$(vf_mac_vlan $(vf_of "$vf"))" = "52:54:00:11:22:44 5" ]
    # The guest has no port of its own, so ours stays: nobody else gets this VF.
    ports_are_right passthrough "$(live_vfs g1)"
    run_virsh dumpxml --inactive g2
    [[ $output == *"<source network='passthrough'/>"* ]]
    running g3
    [ "$(printf '%s\n' "$(live_vfs g1)" "$vf" "$(live_vfs g3)" | sort -u | wc -l)" = 3 ]
    # Once more: now the transformed guest's VF is taken by one that came by virsh start.
    run_virsh destroy g2
    run_virsh start g2
    is_exact g2
}

# bats test_tags=short,ends
@test "running guests keep their VFs when libvirtd is restarted, and when it is killed" {
    running g1
    running g2 "$(lab_interface passthrough)"
    ledger > /tmp/before
    for how in lab_libvirtd_restart lab_libvirtd_kill9; do
        $how
        [ "$how" = lab_libvirtd_restart ] || lab_libvirtd_start
        is_exact g1
        is_exact g2
        [ "$(ledger)" = "$(cat /tmp/before)" ]
        # shellcheck disable=SC2046 # one word for each VF
        ports_are_right passthrough $(cut -d' ' -f1 /tmp/before)
    done
    # What libvirt tells its hook then is enough to know again who has what.
    rm -rf /run/vfpool
    lab_libvirtd_kill9
    lab_libvirtd_start
    is_exact g1
    is_exact g2
    running g3
    run_virsh destroy g1
    run_virsh destroy g2
    ports_are_right passthrough "$(live_vfs g3)"
}

@test "a guest that ends while libvirtd is dead gives its VF back when it is there again" {
    running g1
    running g2
    lab_libvirtd_kill9
    kill -9 "$(cat /run/libvirt/qemu/g1.pid)"
    lab_libvirtd_start
    wait_until 20 is_not_running g1
    is_exact g2
    wait_until 20 ports_are_right passthrough "$(live_vfs g2)"
    [ "$(ledger)" = "$(live_vfs g2) held g2" ]
}

# kill_after OPERATION: our hook as before, and then libvirtd dies.
kill_after() {
    cat > "$hook" << SCRIPT
#!/bin/bash
$installed_hook "\$@"
rc=\$?
[ "\$2" != $1 ] || kill -9 \$PPID
exit \$rc
SCRIPT
}

@test "libvirtd killed between any two operations of a start is mended by reconcile" {
    lab_define g1 "$(lab_interface passthrough)"
    lab_define g2 "$(lab_interface passthrough)"
    for operation in prepare start started; do
        echo "# killed after $operation"
        kill_after "$operation"
        run_virsh_fail start g1
        wait_until 20 libvirtd_gone "$(libvirtd_pid)"
        hook_content_back
        lab_libvirtd_start
        run_ok vfpool reconcile
        if is_not_running g1; then
            nothing_left
        else
            is_exact g1
            ports_are_right passthrough "$(live_vfs g1)"
            run_virsh destroy g1
        fi
        run_virsh start g2
        is_exact g2
        run_virsh destroy g2
        nothing_left
    done
}

@test "libvirtd killed while a guest is stopped is mended by reconcile" {
    lab_define g1 "$(lab_interface passthrough)"
    for operation in stopped release; do
        echo "# killed after $operation"
        run_virsh start g1
        is_exact g1
        kill_after "$operation"
        run_virsh_fail destroy g1
        wait_until 20 libvirtd_gone "$(libvirtd_pid)"
        hook_content_back
        lab_libvirtd_start
        wait_until 20 is_not_running g1
        run_ok vfpool reconcile
        nothing_left
    done
}

# bats test_tags=short,ends,oldest
@test "libvirtd killed and started half way through an upgrade of libxslt: guests run on, and reconcile knows them again" {
    local guest pids
    [ -e "$library" ]
    running g1
    running g2
    lab_define g3 "$(lab_interface passthrough)"
    ledger | sort > /tmp/before
    pids=$(pids_of g1 g2)
    # It runs after ours, whatever that said.
    rm -f /tmp/seen
    mkdir -p "$hook.d"
    printf '%s\n' '#!/bin/bash' 'echo "$1 $2" >> /tmp/seen' > "$hook.d/seen"
    chmod 755 "$hook.d/seen"
    lab_libvirtd_kill9
    rm -rf /run/vfpool/guests /run/vfpool/vfs
    mv "$library" "$library.away"
    # Not by its own exit status, 127, of which bats makes something else.
    run_fail sh -c '"$0" g1 prepare begin - || exit 1' "$guest_program"
    says libxslt.so.1
    lab_libvirtd_start
    for guest in g1 g2; do
        wait_until 30 grep -qx "$guest reconnect" /tmp/seen
        # This waits until libvirt has done with its answer.
        run_virsh suspend "$guest"
        run_virsh resume "$guest"
    done
    [ "$(pids_of g1 g2)" = "$pids" ]
    # shellcheck disable=SC2086 # two words
    kill -0 $pids
    run_virsh_fail start g3
    says libxslt.so.1
    library_back
    [ ! -e /run/vfpool/guests ] || [ -z "$(ls /run/vfpool/guests)" ]
    run_ok vfpool reconcile
    is_exact g1
    is_exact g2
    [ "$(ledger | sort)" = "$(cat /tmp/before)" ]
    # shellcheck disable=SC2046 # one word for each VF
    ports_are_right passthrough $(cut -d' ' -f1 /tmp/before)
    # That daemon's hooks could not say that it calls them.
    rm -r "$hook.d"
    lab_libvirtd_restart
    is_exact g1
    is_exact g2
    run_virsh start g3
    is_exact g3
}

# bats test_tags=short,ends
@test "after the host's reboot guests that start with the daemon have what libvirt picked, and reconcile blocks the rest (F12)" {
    for guest in g1 g2; do
        lab_define "$guest" "$(lab_interface passthrough)"
        run_virsh autostart "$guest"
    done
    # One that ran when the host went down leaves nothing behind.
    run_virsh start g1
    lab_define g9 "$(lab_interface passthrough)"
    run_virsh start g9
    host_reboots
    lab_libvirtd_start
    wait_until 60 is_running g1
    wait_until 60 is_running g2
    is_exact g1
    is_exact g2
    [ "$(live_vfs g1)" != "$(live_vfs g2)" ]
    run_ok vfpool reconcile
    ports_are_right passthrough "$(live_vfs g1)" "$(live_vfs g2)"
    run_ok vfpool reconcile
    [ "$output" = "nothing to repair" ]
    running g3
    [ "$(ledger | wc -l)" = 3 ]
}
is_running() { virsh -q list --name | grep -qx "$1" && [ "$(virsh -q domstate "$1")" = running ]; }
