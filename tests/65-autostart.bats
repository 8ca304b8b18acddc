#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Guests that libvirtd starts by itself, when it cannot be called (F12), and that must have just the VFs that are chosen
# for them: refused, and started by vfpool once libvirt answers. libvirt is one on files (tests/libvirt).

load helpers
as_installed
load libvirt/helpers
load libvirt/assertions

setup() {
    libvirt_setup
    mkdir -p "$ROOT/run/libvirt/qemu" "$ROOT/etc/libvirt/qemu"
    fake_libvirtd
    reserve 0 9
    # As after a boot.
    nobody_settles
}

# waits N: what is said to libvirt
waits() {
    assert_one_line "libvirt, which is starting its guests, cannot be asked for the VFs that are chosen for guest 'g$1': vfpool starts it right after them"
}

# autostarts CODE N: libvirtd does, which has nobody that answers
autostarts() {
    vm "$2" p > "$LIBVIRT/domains/${UUID[$2]}.inactive"
    run_program "$1" "$ROOT/libvirtd" starting "$VFPOOL_BUILD/hook/qemu" "g$2" prepare begin - < "$LIBVIRT/domains/${UUID[$2]}.inactive"
}
# deferred N...: these guests wait, and no others
deferred() {
    local n expected=()
    for n; do expected+=("${UUID[n]}"); done
    assert_equal "$(ls "$ROOT/run/vfpool/deferred")" "$(printf '%s\n' "${expected[@]}" | sort)"
}
started() { grep -o "virDomainCreate .*" "$LIBVIRT/calls"; }
# creates COMMAND...: what comes of it when libvirt is told to start a guest, $1
creates() {
    printf '#!/bin/bash\nexec < /dev/null > /dev/null 2>> %q\n%s\n' "$ROOT/created" "$*" > "$LIBVIRT/create"
    chmod +x "$LIBVIRT/create"
}

@test "a guest that must have its own VFs is refused while libvirtd starts, and started after that, with them" {
    local n
    for n in 1 9; do
        autostarts 1 "$n"
        waits "$n"
    done
    assert_equal "$(calls)" ""
    assert_taken
    deferred 1 9
    assert_invariants
    # A start has its hook called, as by libvirt; one alone, as nobody gives it its VF here, for which the next would wait.
    creates "[[ \$1 != ${UUID[9]} ]] || VFPOOL_ROOT='$ROOT' '$VFPOOL_BUILD/hook/qemu' g9 prepare begin - < '$LIBVIRT/domains/${UUID[9]}.inactive'"
    run_vfpool 0 reconcile
    [[ $output == *"started guest 'g1', whose VFs libvirt could not be asked for before"* ]]
    [[ $output == *"started guest 'g9', whose VFs libvirt could not be asked for before"* ]]
    assert_equal "$stderr" ""
    assert_taken "${V[0]}" "${UUID[9]}"
    deferred
    assert_invariants
}

@test "one that may have any VF is not refused, and nobody starts it" {
    pool p eth3
    autostarts 0 1
    assert_taken "${V[0]}" "${UUID[1]}"
    [[ ! -e $ROOT/run/vfpool/deferred ]]
    run_vfpool 0 reconcile
    run ! started
}

@test "each requirement of a pool, or a guest, is one that libvirtd's own choice would break" {
    host eth4:vfs=2,numa=1
    pool p eth3 eth4 -- "<metadata><v:pool xmlns:v='urn:vfpool:1' separate='require'/></metadata>"
    vm_two() { guest "g$1" "${UUID[$1]}" "p:${MAC[$1]}" "p:${2:-${MAC[$1 + 1]}}"; }
    run_program 1 "$ROOT/libvirtd" starting "$VFPOOL_BUILD/hook/qemu" g1 prepare begin - < <(vm_two 1)
    waits 1
    pool p eth3 eth4
    run_program 1 "$ROOT/libvirtd" starting "$VFPOOL_BUILD/hook/qemu" g2 prepare begin - < <(vm_two 2 "${MAC[2]}")
    waits 2
    run_program 0 "$ROOT/libvirtd" starting "$VFPOOL_BUILD/hook/qemu" g3 prepare begin - < <(vm_two 3)
    deferred 1 2
}

@test "what no guest is to have libvirtd's own choice does not give" {
    local what
    host eth4:vfs=2
    for what in drained reserved down; do
        echo "# $what"
        rm -rf "$ROOT/run/vfpool/deferred" "$ROOT/var/lib/vfpool/drained"
        pool p eth3 eth4
        case $what in
        drained) run_vfpool 0 drain "${V[0]}" ;;
        reserved) reserve 0 9 ;;
        down) "$TESTS/host/build" "$ROOT" down eth3 ;;
        esac
        # The daemon that starts knows of no offer.
        rm -rf "$ROOT/run/vfpool/offers"
        autostarts 1 1
        waits 1
        assert_taken
        deferred 1
    done
    # Blocked, it is no danger.
    rm -rf "$ROOT/run/vfpool/deferred"
    run_vfpool 0 reconcile
    autostarts 0 1
}

@test "without systemd, who settles behind libvirt's hooks starts them" {
    run_vfpool 0 reconcile
    autostarts 1 9
    deferred 9
    rmdir "$ROOT/run/vfpool/unsettled"
    run_hook 0 g1 prepare < <(vm 1 p)
    run_hook 0 g1 release < <(vm 1 p)
    settled
    assert_equal "$(started)" "virDomainCreate ${UUID[9]}"
    deferred
}

@test "a dry run says whom it would start" {
    autostarts 1 1
    snapshot
    run_vfpool 0 reconcile --dry-run
    [[ $output == *"started guest 'g1', whose VFs libvirt could not be asked for before"* ]]
    run ! started
    assert_unchanged
}

@test "who runs already, is gone, or was started by somebody, is not started" {
    local n
    for n in 1 2 3 4; do autostarts 1 "$n"; done
    vm 1 p > "$LIBVIRT/domains/${UUID[1]}.xml"
    rm "$LIBVIRT/domains/${UUID[2]}.inactive"
    # Also one that was refused, and one without an interface on the pool by now.
    run_vfpool 0 reconcile --dry-run
    run_hook 3 g3 prepare < <(guest g3 "${UUID[3]}" "p:${MAC[3]}" "p:${MAC[4]}" "p:${MAC[5]}" "p:${MAC[6]}" "p:${MAC[7]}") || true
    run_hook 0 g4 prepare < <(guest g4 "${UUID[4]}")
    deferred 1 2
    run_vfpool 0 reconcile
    run ! started
    assert_equal "$stderr" ""
    [[ $output != *"started guest"* ]]
    deferred
}

@test "what libvirt refuses is said, once, and the others are started" {
    local n
    for n in 1 2 3; do autostarts 1 "$n"; done
    creates "[[ \$1 != ${UUID[2]} ]]"
    run_vfpool 0 reconcile
    [[ $stderr == *"note: guest 'g2' was to start with libvirt, and does not run: Hook script execution failed: it said no"* ]]
    [[ $output == *"started guest 'g1'"* ]]
    [[ $output == *"started guest 'g3'"* ]]
    deferred
    run_vfpool 0 reconcile
    assert_equal "$output$stderr" "nothing to repair"
}

@test "a call that is killed, fails, or is not answered, or a libvirt that ends meanwhile, and the next one starts them" {
    local what
    autostarts 1 1
    # The network is as it should be: what is left is to start the guest.
    creates 'exit 1'
    : > "$LIBVIRT/dead"
    run_vfpool 0 reconcile
    [[ $stderr == *"note: guest 'g1' was to start with libvirt, and does not run: Hook script"* ]]
    rm "$LIBVIRT/dead" "$LIBVIRT/create"
    for what in kill hang; do
        deferred 1
        fault virDomainCreate "$what"
        hastily 0 reconcile
        [[ $stderr == *"note: guest 'g1' was to start with libvirt, and does not run: "* ]]
        fault
    done
    # That it cannot be asked is no refusal.
    fault virDomainLookupByUUIDString fail
    run_vfpool 0 reconcile
    [[ $stderr == *"note: guest 'g1' was to start with libvirt, and does not run: virDomainLookupByUUIDString is made to fail"* ]]
    fault
    deferred 1
    run_vfpool 0 reconcile
    assert_equal "$output" "started guest 'g1', whose VFs libvirt could not be asked for before"
    deferred
}

@test "where it cannot be written down that a guest waits, that is said" {
    mkdir -p "$ROOT/run/vfpool"
    : > "$ROOT/run/vfpool/deferred"
    autostarts 1 1
    [[ $stderr == *"note: vfpool will not start it: cannot write to /run/vfpool/deferred: "* ]]
    [[ $stderr == *"vfpool: libvirt, which is starting its guests, cannot be asked for the VFs"* ]]
    rm "$ROOT/run/vfpool/deferred"
}

@test "what is no guest in there is passed over, and a name that cannot be read is the UUID" {
    autostarts 1 1
    autostarts 1 2
    : > "$ROOT/run/vfpool/deferred/.123"
    : > "$ROOT/run/vfpool/deferred/${UUID[1]}"
    run_vfpool 0 reconcile
    [[ $output == *"started guest '${UUID[1]}'"* ]]
    [[ $output == *"started guest 'g2'"* ]]
    assert_equal "$(ls -A "$ROOT/run/vfpool/deferred")" ".123"
}

@test "two processes do not start them both" {
    autostarts 1 1
    {
        flock 7
        run_vfpool 0 reconcile
    } 7< "$ROOT/run/vfpool/deferred"
    run ! started
    assert_equal "$stderr" ""
    deferred 1
}

@test "without vfpool's hooks none is started" {
    autostarts 1 1
    rm "$ROOT/etc/libvirt/hooks/"*
    run_vfpool '*' reconcile
    run ! started
    deferred 1
}
