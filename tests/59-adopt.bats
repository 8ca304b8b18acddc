#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# reconcile finds running guests that have VFs and no claim: which matter, and what is said where libvirt falls silent in
# the middle.

load helpers
as_installed
load libvirt/helpers

PF=0000:01:00.0

setup() {
    libvirt_setup
    run_vfpool 0 reconcile
}

# running N XML: guest N runs, with this device
running() {
    guest "g$1" "${UUID[$1]}" "$2" > "$LIBVIRT/domains/${UUID[$1]}.xml"
    mkdir -p "$ROOT/run/libvirt/qemu"
    : > "$ROOT/run/libvirt/qemu/g$1.xml"
}

# hostdev ADDRESS
hostdev() {
    echo "<hostdev mode='subsystem' type='pci' managed='yes'><source>
        <address domain='0x${1:0:4}' bus='0x${1:5:2}' slot='0x${1:8:2}' function='0x${1:11}'/></source></hostdev>"
}

# hastily CODE VERB...: deadlines that a test can wait for
hastily() { VFPOOL_BUILD=$PLAIN/tests/libvirt/hasty run_vfpool "$@"; }

@test "a running guest that has a PF as it is has a claim on it; what is no pool's in service is nobody's" {
    running 1 "$(hostdev $PF)"
    running 2 "$(hostdev 0000:77:00.0)"
    run_vfpool 0 reconcile
    grep -qx "claimed the VFs that running guest 'g1' has" "$STDOUT"
    run ! grep -q "'g2'" "$STDOUT"
    assert_taken $PF "${UUID[1]}"
    rm -r "$ROOT/run/vfpool/guests" "$ROOT/run/vfpool/vfs"
    echo '<network>' > "$ROOT/etc/vfpool/p.xml"
    run_vfpool 0 reconcile
    assert_one_line "/etc/vfpool/p.xml is not well-formed XML"
    assert_equal "$output" ""
    assert_taken
}

# again: from the same beginning, for the same calls
again() {
    rm -rf "$LIBVIRT" "$ROOT/run/vfpool"
    cp -a "$ROOT/before/libvirt" "$LIBVIRT"
    cp -a "$ROOT/before/vfpool" "$ROOT/run"
}

@test "a libvirt that falls silent at one guest is not asked for the next, and that is said" {
    local call first
    running 1 "$(hostdev "${V[1]}")"
    running 2 "$(hostdev "${V[2]}")"
    rm -f "$LIBVIRT/calls"
    mkdir "$ROOT/before"
    cp -a "$ROOT/run/vfpool" "$LIBVIRT" "$ROOT/before"
    again
    run_vfpool 0 reconcile
    assert_taken "${V[1]}" "${UUID[1]}" "${V[2]}" "${UUID[2]}"
    # The third is the first that asks for a guest itself: two were looked at before.
    IFS=': ' read -r call _ first < <(grep -n virDomainGetXMLDesc "$LIBVIRT/calls" | sed -n 3p)
    again
    fault "$call" hang
    hastily 1 reconcile
    assert_equal "$stderr" \
        "vfpool: guest $first: libvirt did not answer within 8 s; not looked at: running guests without a claim"
    assert_taken
    fault
    run_vfpool 0 reconcile
    assert_taken "${V[1]}" "${UUID[1]}" "${V[2]}" "${UUID[2]}"
}
