#!/usr/bin/env bats
# install.sh beside what is there: other hooks, guests that run, libvirt's own pool, before and after.

load ../vfpool

top=$lab_dir/../..
setup() { vfpool_ready; }
teardown() {
    # Whatever a case uninstalled.
    [ -x /usr/sbin/vfpool ] || "$top/install.sh" install
    hooks_are_ours || hooks_back
    vfpool_end
}

@test "installing again changes nothing, and a dry run says what would be done" {
    run_ok "$top/install.sh" install
    says "the hooks are /etc/libvirt/hooks/daemon /etc/libvirt/hooks/network /etc/libvirt/hooks/qemu"
    hooks_are_ours
    run_ok "$top/install.sh" uninstall --dry-run
    says "would run: rm -f /etc/libvirt/hooks/qemu"
    says "would run: rm -f /etc/libvirt/hooks/network"
    hooks_are_ours
    [ -x /usr/sbin/vfpool ]
}

# bats test_tags=short,ends,oldest
@test "a hook that is there already stays, and both run" {
    pool passthrough enp1s0
    printf '%s\n' '#!/bin/bash' 'echo "$1 $2" >> /tmp/user-hook' > "$hook"
    cp "$hook" /tmp/user-hook.was
    chmod 755 "$hook"
    rm -f /tmp/user-hook
    run_ok "$top/install.sh" install
    says "the hooks are /etc/libvirt/hooks/daemon /etc/libvirt/hooks/network /etc/libvirt/hooks/qemu.d/vfpool"
    cmp "$hook" /tmp/user-hook.was
    lab_define g1 "$(lab_interface passthrough)"
    run_virsh start g1
    is_exact g1
    run_virsh destroy g1
    nothing_left
    run_ok cat /tmp/user-hook
    for operation in prepare start started stopped release; do says "g1 $operation"; done
    # Its refusals count as before.
    printf '%s\n' '#!/bin/bash' '[ "$2" != prepare ] || { echo "not on Sundays" >&2; exit 1; }' > "$hook"
    run_virsh_fail start g1
    says "not on Sundays"
    nothing_left
    run_ok "$top/install.sh" uninstall
    [ -x "$hook" ]
    [ ! -e "$hook.d/vfpool" ]
}

@test "somebody else's network and daemon hooks stay, and ours beside them" {
    local name
    pool passthrough enp1s0
    for name in network daemon; do
        printf '%s\n' '#!/bin/bash' "echo \"$name \$1 \$2\" >> /tmp/user-hook" > "/etc/libvirt/hooks/$name"
        chmod 755 "/etc/libvirt/hooks/$name"
        cp "/etc/libvirt/hooks/$name" "/tmp/user-$name"
    done
    rm -f /tmp/user-hook
    run_ok "$top/install.sh" install
    says "the hooks are /etc/libvirt/hooks/daemon.d/vfpool /etc/libvirt/hooks/network.d/vfpool /etc/libvirt/hooks/qemu"
    wait_until 20 offer_holds passthrough
    # With room for one more device.
    lab_define g1 "$(lab_interface passthrough)$(printf "<controller type='pci' index='%d' model='pcie-root-port'/>" {1..8})"
    run_virsh start g1
    is_exact g1
    lab_interface passthrough > /tmp/attach.xml
    run_virsh attach-device g1 /tmp/attach.xml --live
    [ "$(live_vfs g1 | sort)" = "$(claimed_vfs g1 | sort)" ]
    run_virsh destroy g1
    nothing_left
    lab_reload
    run_ok cat /tmp/user-hook
    says "network passthrough port-created"
    says "network passthrough port-deleted"
    says "daemon - reload"
    # Its refusals count as before, and give the VF back.
    printf '%s\n' '#!/bin/bash' '[ "$2" != port-created ] || { echo "not on Sundays" >&2; exit 1; }' > "$network_hook"
    wait_until 20 offer_holds passthrough
    run_virsh_fail start g1
    says "not on Sundays"
    nothing_left
    for name in network daemon; do cp "/tmp/user-$name" "/etc/libvirt/hooks/$name"; done
    run_ok "$top/install.sh" uninstall
    for name in network daemon; do
        cmp "/etc/libvirt/hooks/$name" "/tmp/user-$name"
        [ ! -e "/etc/libvirt/hooks/$name.d/vfpool" ]
    done
}

@test "without the qemu hook no guest gets a VF" {
    pool passthrough enp1s0
    pools_up
    lab_define g1 "$(lab_interface passthrough)"
    rm "$hook"
    run_virsh_fail start g1
    says "guest 'g1' was given a VF of pool 'passthrough' and never asked for it"
    lab_libvirtd_restart
    run_virsh_fail start g1
    says "guest 'g1' was given a VF of pool 'passthrough' and never asked for it"
    # Nor does vfpool block any, as if it were removed; and says what is missing.
    [ -z "$(blocked_ports passthrough)" ]
    run_ok vfpool status
    says "there is no hook qemu of vfpool's: /usr/libexec/vfpool/hooks put"
    hooks_back
    run_virsh start g1
    is_exact g1
}

@test "without the network hook, or the daemon hook, nothing is given, and that is said" {
    pool passthrough enp1s0
    pools_up
    for name in network daemon; do
        # It is not there, or not executable: libvirt passes it over either way (F44).
        if [ "$name" = daemon ]; then rm "/etc/libvirt/hooks/$name"; else chmod -x "/etc/libvirt/hooks/$name"; fi
        lab_define g1 "$(lab_interface passthrough)"
        run_virsh_fail start g1
        says "pool 'passthrough' gives no VF, as there is no hook $name of vfpool's: /usr/libexec/vfpool/hooks put"
        [ -z "$(ledger)" ]
        run_fail vfpool reconcile
        says "no VF is given, as there is no hook $name of vfpool's"
        [ "$(blocked_ports passthrough | wc -l)" = 7 ]
        run_ok vfpool status
        says "its free VFs are not offered, and guests get none, as there is no hook $name of vfpool's"
        run_fail vfpool doctor
        says "no VF is given"
        # Not by the qemu hook's absence either.
        rm "$hook"
        run_virsh_fail start g1
        says "requires exclusive access to interfaces, but none are available"
        hooks_back
        run_ok vfpool reconcile
        offer_holds passthrough
        run_virsh undefine g1
    done
}

# bats test_tags=short
@test "uninstalled, libvirt picks by itself again; installed, vfpool does" {
    pool passthrough enp1s0
    pools_up
    lab_define g1 "$(lab_interface passthrough)"
    lab_define g2 "$(lab_interface passthrough)"
    run_virsh start g1
    is_exact g1
    run_ok "$top/install.sh" uninstall
    for path in "$hook" "${guest_program%/*}" "$network_hook" "$daemon_hook" /usr/sbin/vfpool /usr/sbin/vfpool-gate /usr/libexec/vfpool /run/vfpool; do [ ! -e "$path" ]; done
    [ -e /etc/vfpool/passthrough.xml ]
    # The running guest runs on, and the other one gets what libvirt picks.
    [ -n "$(live_vfs g1)" ]
    # Under AppArmor libvirt's own pool cannot (F51); with vfpool there again it can.
    if [ -n "${LAB_APPARMOR:-}" ]; then
        run_virsh_fail start g2
        says "Permission denied"
        run_ok "$top/install.sh" install
        run_virsh start g2
    else
        run_virsh start g2
    fi
    [ "$(live_vfs g2)" != "$(live_vfs g1)" ]
    [ "$(ports passthrough | awk '$2 != "vfpool" { print $2 }' | sort)" = $'g1\ng2' ]
    # Installed where guests run already: their VFs are theirs.
    run_ok "$top/install.sh" install
    is_exact g1
    is_exact g2
    ports_are_right passthrough "$(live_vfs g1)" "$(live_vfs g2)"
    lab_define g3 "$(lab_interface passthrough)"
    run_virsh start g3
    is_exact g3
}

@test "a pool takes over a network of libvirt's own with guests running" {
    lab_network "<network><name>passthrough</name><forward mode='hostdev' managed='yes'><pf dev='enp1s0'/></forward></network>"
    lab_define g1 "$(lab_interface passthrough)"
    run_virsh start g1
    pool passthrough enp1s0 enp2s0
    run_ok vfpool reconcile
    says "changed libvirt network 'passthrough' with 14 VFs"
    is_exact g1
    ports_are_right passthrough "$(live_vfs g1)"
    lab_define g2 "$(lab_interface passthrough)"
    run_virsh start g2
    is_exact g2
}
