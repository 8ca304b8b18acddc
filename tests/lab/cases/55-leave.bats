#!/usr/bin/env bats
# vfpool leaves, while libvirt runs, hangs or is stopped, and whatever runs meanwhile: libvirt can give every VF again, or
# vfpool stays and says what to do. By install.sh, or, with LAB_PACKAGE, by dpkg or rpm. And guests that leave without a word.

load ../vfpool

top=$lab_dir/../..
setup() { vfpool_ready; }
teardown() {
    [ -z "${stopped_daemon:-}" ] || kill -CONT "$stopped_daemon"
    daemon_runs "${lab_daemons[-1]}" || lab_libvirtd_start
    installed_again
    vfpool_end
}

# leave: removes it, as it was installed; come: installs it
if [ -e /host/package.deb ]; then
    leave=(dpkg -r vfpool)
    come=(dpkg -i /host/package.deb)
elif [ -e /host/package.rpm ]; then
    leave=(rpm -e vfpool)
    come=(rpm -i --nodeps --replacepkgs /host/package.rpm)
else
    leave=("$top/install.sh" uninstall)
    come=("$top/install.sh" install)
fi
installed_again() {
    if [ ! -e /usr/sbin/vfpool ]; then
        "${come[@]}" || return
        # A package's scripts wait for nobody who sets up the networks.
        vfpool reconcile
    fi
    hooks_are_ours || hooks_back
}
# blocked_pool: one whose VFs are all blocked, as they are for one guest
blocked_pool() {
    pool passthrough enp1s0
    sed -i "s,<pf dev='enp1s0'/>,<pf dev='enp1s0'><reserve vfs='0-6' guest='g1'/></pf>," /etc/vfpool/passthrough.xml
    pools_up
    [ "$(blocked_ports passthrough | wc -l)" = 7 ]
}
# gone [VF...]: vfpool is, and libvirt gives every VF but these
gone() {
    local path guest
    for path in "$hook" "${guest_program%/*}" "$network_hook" "$daemon_hook" /usr/sbin/vfpool /usr/sbin/vfpool-gate /run/vfpool; do
        [ ! -e "$path" ] || { echo "# left: $path"; return 1; }
    done
    [ -z "$(blocked_ports passthrough)" ] || { echo "# blocked: $(blocked_ports passthrough)"; return 1; }
    [ -z "${LAB_APPARMOR:-}" ] || return 0
    # As many guests as there are VFs, all at once.
    local i want=$((7 - $#)) commands=
    for ((i = 1; i <= want; i++)); do
        lab_define "last$i" "$(lab_interface passthrough)" || return
        commands+="start last$i; "
    done
    LAB_COMMAND_TIMEOUT=150 run_virsh "$commands" || return
    for ((i = 1; i <= want; i++)); do
        guest=$(live_vfs "last$i")
        [ -n "$guest" ] && [[ " $* " != *" $guest "* ]] || return
    done
}

@test "removed while libvirt runs, with all that it blocks and a guest" {
    blocked_pool
    lab_define g1 "$(lab_interface passthrough)"
    run_virsh start g1
    is_exact g1
    leave_unchecked=1
    run_ok "${leave[@]}"
    gone "$(live_vfs g1)"
}

@test "removed while libvirt hangs: vfpool stays as it was and says why; once libvirt answers it goes" {
    blocked_pool
    stopped_daemon=$(networks_pid)
    kill -STOP "$stopped_daemon"
    LAB_COMMAND_TIMEOUT=150 run_fail "${leave[@]}"
    says "libvirt did not answer"
    says "vfpool is not removed"
    says "systemctl restart libvirtd"
    kill -CONT "$stopped_daemon"
    stopped_daemon=
    [ -x /usr/sbin/vfpool ]
    [ -x /usr/sbin/vfpool-gate ]
    hooks_are_ours
    wait_until 60 libvirtd_answers
    # A package's script has left a process behind that looks at them.
    wait_until 60 eval '[ "$(blocked_ports passthrough | wc -l)" = 7 ]'
    lab_define g1 "$(lab_interface passthrough)"
    run_virsh start g1
    is_exact g1
    run_virsh destroy g1
    leave_unchecked=1
    run_ok "${leave[@]}"
    gone
}

@test "removed while libvirt is stopped: it gives every VF when it is started next" {
    blocked_pool
    lab_define g1 "$(lab_interface passthrough)"
    run_virsh start g1
    is_exact g1
    local vf
    vf=$(live_vfs g1)
    [ "$(find /run/libvirt/network/passthrough/ports -name '*-7666-4000-8000-*.xml' | wc -l)" = 6 ]
    lab_libvirtd_stop
    leave_unchecked=1
    run_ok "${leave[@]}"
    [ "$(find /run/libvirt/network/passthrough/ports -name '*.xml' | wc -l)" = 1 ]
    lab_libvirtd_start
    [ "$(live_vfs g1)" = "$vf" ]
    [ "$(owner_of passthrough "$vf")" = g1 ]
    gone "$vf"
}

@test "removed while a process settles, several times: nothing is blocked then, nor later" {
    local round
    for round in 1 2 3 4; do
        pool passthrough enp1s0
        # Of these VFs some are blocked: nobody may have them.
        sed -i "s,<pf dev='enp1s0'/>,<pf dev='enp1s0'><reserve vfs='0-3' guest='nobody'/></pf>," /etc/vfpool/passthrough.xml
        pools_up
        wait_until 20 offer_holds passthrough
        [ "$(blocked_ports passthrough | wc -l)" = 4 ]
        # It begins to settle now, and removal comes right behind it.
        lab_reload
        run_ok "${leave[@]}"
        [ -z "$(blocked_ports passthrough)" ]
        [ ! -e /run/vfpool ]
        lab_reload
        [ -z "$(blocked_ports passthrough)" ]
        installed_again
    done
}

# Some of them start before the hooks are gone, some behind them; one may fail, as its claim is gone when libvirt asks.
@test "removed while guests start: nothing is blocked then, and who runs has a VF of its own" {
    local guest starts=()
    pool passthrough enp1s0
    # Of these VFs some are blocked: they are for a guest that starts, and for nobody.
    sed -i "s,<pf dev='enp1s0'/>,<pf dev='enp1s0'><reserve vfs='0' guest='g1'/><reserve vfs='4-6' guest='nobody'/></pf>," /etc/vfpool/passthrough.xml
    pools_up
    wait_until 20 offer_holds passthrough
    for guest in g1 g2 g3 g4; do
        lab_define "$guest" "$(lab_interface passthrough)"
    done
    for guest in g1 g2 g3 g4; do
        virsh -q start "$guest" > "/tmp/$guest.out" 2>&1 3>&- &
        starts+=($!)
    done
    # As soon as one has claimed.
    wait_until 40 eval '[ -n "$(ls /run/vfpool/guests)" ]'
    leave_unchecked=1
    LAB_COMMAND_TIMEOUT=150 run_ok "${leave[@]}"
    for guest in "${starts[@]}"; do wait "$guest" || true; done
    [ -z "$(blocked_ports passthrough)" ]
    [ ! -e /run/vfpool ]
    # Those that did not start do now.
    for guest in g1 g2 g3 g4; do
        [ "$(virsh domstate "$guest")" = running ] || run_virsh start "$guest"
    done
    [ "$(for guest in g1 g2 g3 g4; do live_vfs "$guest"; done | sort -u | wc -l)" = 4 ]
    for guest in g1 g2 g3 g4; do run_virsh destroy "$guest"; done
    gone
}

@test "purged, nothing of it is left; from another PREFIX it is not removed" {
    blocked_pool
    leave_unchecked=1
    if [ -e /host/package.deb ]; then
        # What the administrator wrote is his, purged or not.
        run_ok dpkg -P vfpool
        [ -e /etc/vfpool/passthrough.xml ]
    elif [ -e /host/package.rpm ]; then
        run_ok "${leave[@]}"
        [ -e /etc/vfpool/passthrough.xml ]
    else
        run_fail env PREFIX=/usr/local "$top/install.sh" uninstall
        says "there is no /usr/local/sbin/vfpool"
        hooks_are_ours
        [ "$(blocked_ports passthrough | wc -l)" = 7 ]
        run_ok "$top/install.sh" uninstall --purge
        [ ! -e /etc/vfpool ]
    fi
    mkdir -p /etc/vfpool
    [ -e /host/package.rpm ] || [ ! -e /var/lib/vfpool ]
    gone
}

@test "a guest whose hooks are killed at its end keeps its VF from nobody" {
    pool passthrough enp1s0
    sed -i "s,<pf dev='enp1s0'/>,<pf dev='enp1s0' vfs='0-1'/>," /etc/vfpool/passthrough.xml
    pools_up
    local began guest vf
    for guest in g1 g2 g3 g4; do lab_define "$guest" "$(lab_interface passthrough)"; done
    run_virsh start g1
    began=$SECONDS
    is_exact g1
    vf=$(live_vfs g1)
    # Killed are both that take the VF back.
    for guest in qemu network; do
        printf '%s\n' '#!/bin/bash' 'case $2 in release | port-deleted) kill -9 $$ ;; esac' "exec $installed/$guest \"\$@\"" \
            > "/etc/libvirt/hooks/$guest"
    done
    run_virsh destroy g1
    hooks_back
    [ "$(claimed_vfs g1)" = "$vf" ]
    wait_until 40 eval '((SECONDS - began > 31))'
    # libvirt gives it: it has no port.
    run_virsh start g2
    is_exact g2
    run_virsh start g3
    is_exact g3
    [ -z "$(claimed_vfs g1)" ]
    # And where it is the last one.
    began=$SECONDS
    for guest in qemu network; do
        printf '%s\n' '#!/bin/bash' 'case $2 in release | port-deleted) kill -9 $$ ;; esac' "exec $installed/$guest \"\$@\"" \
            > "/etc/libvirt/hooks/$guest"
    done
    run_virsh destroy g2
    hooks_back
    wait_until 40 eval '((SECONDS - began > 31))'
    run_virsh start g4
    is_exact g4
    [ -z "$(claimed_vfs g2)" ]
}
