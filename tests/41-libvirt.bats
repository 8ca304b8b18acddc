#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# vfpool-gate itself, and a libvirt that cannot be reached or is silent; it is one on files (tests/libvirt).

load helpers
as_installed
load libvirt/helpers
load libvirt/assertions

setup() { libvirt_setup; }

@test "the daemon that cannot be reached is named" {
    local kind number
    run_vfpool 0 reconcile
    for kind in network qemu; do
        rm "$LIBVIRT/calls"
        run_vfpool 0 reconcile
        number=$(grep -nm 1 "virConnectOpen $kind:///system" "$LIBVIRT/calls" | cut -d: -f1)
        rm "$LIBVIRT/calls"
        fault "$number" fail
        run_vfpool 1 reconcile
        assert_one_line "cannot reach libvirt: virConnectOpen is made to fail: is libvirtd (or virt${kind}d) running?"
        fault
    done
}

@test "vfpool-gate is not run by hand" {
    run_program 2 "$VFPOOL_BUILD/tests/libvirt/gate" domains 3>&-
    assert_one_line "is called by vfpool"
}

@test "what vfpool of another version asks of vfpool-gate is not done by halves" {
    asked() { # WORDS LINE...
        run_program 2 bash -c 'printf "%s\\n" "${@:2}" | "$0" set p 3< "$1"' "$VFPOOL_BUILD/tests/libvirt/gate" "$ROOT" "${@:2}"
        assert_one_line "$1"
        [[ ! -s $LIBVIRT/calls ]]
    }
    rm -f "$LIBVIRT/calls"
    asked "'0000:01:10' is not a PCI address" "open 0000:01:10.0" "block 0000:01:10"
    asked "'' is not a PCI address" "open "
    asked "a line is neither 'block ADDRESS' nor 'open ADDRESS'" "open 0000:01:10.0" "close 0000:01:10.2"
}

@test "a libvirt that is silent is waited for once" {
    two_guests
    host eth7:vfs=1
    pool q eth7
    fault virNetworkListAllPorts hang
    local begin=$SECONDS
    run_vfpool 1 reconcile
    ((SECONDS - begin < 16)) || fail "took $((SECONDS - begin)) s"
    assert_one_line "the pools' networks are as they were: libvirt did not answer within 8 s"
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[2]}"
}

# three_pools: p, q and r, whose networks are there, and begun again: the next reconcile looks at each.
three_pools() {
    host eth7:vfs=1 eth8:vfs=1
    pool q eth7
    pool r eth8
    two_guests
    rm "$LIBVIRT"/networks/[pqr].autostart
}

@test "a libvirt that is silent in the middle is asked nothing more, and what was not looked at is one line" {
    three_pools
    prepare 3 q
    vf=$(listed q)
    port q g3 "${UUID[3]}" "$vf"
    made 0 q "${UUID[3]}" g3 "${MAC[3]}" "$vf"
    start 3
    gone 2 3
    rm -f "$LIBVIRT/calls"
    fault virNetworkGetXMLDesc hang
    hastily 1 reconcile
    assert_equal "$stderr" \
        "vfpool: libvirt network 'p': libvirt did not answer within 8 s; not looked at: network 'q', network 'r'"
    assert_equal "$(grep -c virNetworkGetXMLDesc "$LIBVIRT/calls")" 1
    # What the list of guests tells needs no libvirt any more; but only the claim tells whose the port on q is.
    [[ -z $(holder "${V[1]}") ]]
    assert_equal "$(grep -rl "$LIBVIRT/ports/q" -e g3 | wc -l)" 1
    [[ -e $ROOT/run/vfpool/guests/${UUID[3]}.xml ]]
    fault
    run_vfpool 0 reconcile
    [[ $output == *"opened a VF of libvirt network 'q' from guest 'g3'"* ]]
    assert_taken "${V[0]}" "${UUID[1]}"
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
}

@test "a libvirt that does not answer at all is asked once, however many pools there are" {
    three_pools
    fault virConnectOpen hang
    for verb in reconcile open; do
        rm -f "$LIBVIRT/calls"
        hastily 1 "$verb"
        assert_one_line "libvirt did not answer within 8 s"
        assert_equal "$(grep -c virConnectOpen "$LIBVIRT/calls")" 1
    done
    assert_one_line "network 'p': libvirt did not answer within 8 s; not looked at: network 'q', network 'r'"
}
