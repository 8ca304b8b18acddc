#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Draining: no new guest gets the VFs of a PF, or one VF; guests keep theirs.

LEAK_CHECK=1
load helpers
load libvirt/helpers

setup() {
    libvirt_setup
    mkdir -p "$ROOT/run/libvirt/qemu" "$ROOT/etc/libvirt/qemu"
    witness
    run_vfpool 0 reconcile
    SINCE='since 20[0-9-]*T[0-9:]*Z, by [a-z0-9 ]*'
}
DRAINED=var/lib/vfpool/drained

# states: "ADDRESS STATE" of each VF of p
states() {
    run_vfpool 0 status p --format json >&2 || return
    jq -r '.pools[0].vfs[] | "\(.address) \(.state)"' "$STDOUT"
}

@test "a PF: its free VFs are nobody's, and status, explain and the exhaustion error say who drained it, when and why" {
    run_vfpool 0 drain eth3 --reason 'new firmware'
    [[ ${output%%$'\n'*} == "drained PF eth3" ]]
    assert_equal "$(states | cut -d' ' -f2 | sort | uniq -c | xargs)" "4 drained"
    assert_equal "$(open_vfs p)" ""
    run_hook 1 g1 prepare < <(vm 1 p)
    grep -qx "vfpool: .*pool 'p' has no free VF for interface 1 of guest 'g1': PF eth3 is drained $SINCE: new firmware" "$STDERR"
    run_vfpool 0 status p
    grep -q "drained  *PF eth3 is drained $SINCE: new firmware$" "$STDOUT"
    [[ $output == *"4  4 drained"* ]]
    run_vfpool 4 explain - < <(vm 1 p)
    grep -q "^eth3  VFs 0-3: PF eth3 is drained $SINCE: new firmware" "$STDOUT"
    # It is asked for once more: it stays as it is.
    cp -r "$ROOT/$DRAINED" "$BATS_TEST_TMPDIR/drained"
    run_vfpool 0 drain eth3 --reason 'another reason'
    assert_equal "$output" "nothing changed"
    diff -r "$BATS_TEST_TMPDIR/drained" "$ROOT/$DRAINED"
    run_vfpool 0 undrain eth3
    [[ ${output%%$'\n'*} == "undrained PF eth3" ]]
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]}")"
    run_vfpool 0 undrain eth3
    assert_equal "$output" "nothing changed"
    run_guest 1
    assert_equal "$vf" "${V[0]}"
}

@test "one VF: the others are as before" {
    run_vfpool 0 drain "${V[0]#0000:}"
    [[ ${output%%$'\n'*} == "drained VF ${V[0]}" ]]
    assert_equal "$(states)" "${V[0]} drained"$'\n'"$(printf '%s free\n' "${V[@]:1}")"
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]:1}")"
    rm -f "$LIBVIRT/calls"
    run_guest 1
    assert_equal "$vf" "${V[1]}"
    # libvirt's next one is the right one: it need not be called.
    assert_equal "$(calls)" ""
    assert_invariants
}

@test "a guest keeps its VF, and nobody gets it afterwards" {
    run_guest 1
    run_vfpool 0 drain eth3
    assert_equal "$stderr" "vfpool: note: VFs of PF eth3 are had by 'g1'"
    assert_equal "$(states | head -n 1)" "${V[0]} held"
    run_vfpool 0 status p
    grep -q "held .*g1 .*PF eth3 is drained $SINCE$" "$STDOUT"
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
    stop 1 "${V[0]}"
    assert_released "${UUID[1]}"
    settled
    assert_equal "$(open_vfs p)" ""
    assert_equal "$(states | head -n 1)" "${V[0]} drained"
    assert_invariants
}

@test "--wait: until no guest has one, and who still has" {
    run_guest 1
    run_vfpool 6 drain eth3 --wait 1
    assert_equal "${stderr##*$'\n'}" "vfpool: after 1 s VFs of PF eth3 are still had by 'g1'"
    "$VFPOOL_BUILD/hook/vfpool" drain eth3 --wait 60 > "$BATS_TEST_TMPDIR/waited" 3>&- &
    waits=$!
    stop 1 "${V[0]}"
    wait "$waits"
    run_vfpool 0 drain eth3 --wait 1
    run_vfpool 0 undrain eth3
    run_guest 2
    run_vfpool 6 drain "$vf" --wait 1
    assert_equal "${stderr##*$'\n'}" "vfpool: after 1 s VF $vf is still had by 'g2'"
    # Each guest once, however many it has.
    run_hook 0 g8 prepare < <(guest g8 "${UUID[8]}" "p:${MAC[8]}" "p:${MAC[9]}")
    run_vfpool 0 drain eth3
    assert_equal "${stderr##*$'\n'}" "vfpool: note: VFs of PF eth3 are had by 'g2', 'g8'"
    run_vfpool 2 drain eth3 --wait 0
    assert_one_line "--wait is a number of seconds"
}

@test "what libvirt gives of a drained VF meanwhile is refused: hot-plug, and a start that is under way" {
    run_guest 1
    # libvirt's ports are not set: nobody is there to do it.
    mv "$ROOT/usr/sbin/vfpool-gate" "$ROOT/gate"
    run_vfpool 0 drain "${V[1]}"
    [[ ${output%%$'\n'*} == "drained VF ${V[1]}" ]]
    assert_one_line "vfpool: note: libvirt's ports are not set yet, which the next start does"
    mv "$ROOT/gate" "$ROOT/usr/sbin/vfpool-gate"
    made 1 p "${UUID[1]}" g1 "${MAC[2]}" "${V[1]}"
    assert_one_line "libvirt gives guest 'g1' VF ${V[1]} of pool 'p', and VF 1 of PF eth3 is drained since"
    assert_taken "${V[0]}" "${UUID[1]}"
    # The next start sets them.
    run_guest 2
    assert_equal "$vf" "${V[2]}"
    assert_invariants
}

@test "who asks for one by its address is refused, too; who has it, is not" {
    by_address="<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0x01' slot='0x10' function='0x2'/></source></hostdev>"
    whole="<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source></hostdev>"
    run_hook 0 g1 prepare < <(guest g1 "${UUID[1]}" "$by_address")
    run_vfpool 0 drain eth3 --reason 'new firmware'
    run_hook 0 g1 started < <(guest g1 "${UUID[1]}" "$by_address")
    run_hook 0 g1 reconnect < <(guest g1 "${UUID[1]}" "$by_address")
    assert_taken "${V[1]}" "${UUID[1]}"
    run_hook 1 g2 prepare < <(guest g2 "${UUID[2]}" "${by_address/0x2/0x4}")
    assert_one_line "guest 'g2' asks for PCI device ${V[2]}, which is drained since" ": new firmware"
    run_hook 0 g1 release < <(guest g1 "${UUID[1]}" "$by_address")
    run_hook 1 g3 prepare < <(guest g3 "${UUID[3]}" "$whole")
    assert_one_line "guest 'g3' asks for PCI device 0000:01:00.0, which is drained since"
    assert_taken
}

@test "it outlives a reboot, and a file that cannot be read drains" {
    run_vfpool 0 drain eth3
    # The host boots.
    rm -rf "$ROOT/run/vfpool"
    witness
    assert_equal "$(states | cut -d' ' -f2 | sort -u)" drained
    : > "$ROOT/$DRAINED/0000:01:00.0"
    run_vfpool 0 status p
    [[ $output == *"is drained by a file that says nothing"* ]]
    chmod 666 "$ROOT/$DRAINED/0000:01:00.0"
    run_vfpool 0 status p
    [[ $output == *"is drained by a file that cannot be read"* ]]
    run_vfpool 0 undrain 01:00.0
    assert_equal "$(ls "$ROOT/$DRAINED")" ""
}

@test "who drained it: the user, and who that was before sudo" {
    export SUDO_USER=alice
    run_vfpool 0 drain eth3
    run_vfpool 0 status p
    [[ $output == *", by $(id -un) (sudo: alice)"* ]]
}

@test "a reason may hold anything: it is one printable line, in XML, JSON and on a terminal" {
    run_vfpool 0 drain eth3 --reason $'a\e[31mb\xff<c>\nd'
    for form in table xml json; do
        run_vfpool 0 status p --format $form
        assert_equal "$(LC_ALL=C tr -d '\n\40-\176' < "$STDOUT" | wc -c)" 0
    done
    jq -e '.pools[0].vfs[0].reason | endswith(": a [31mb?<c> d")' "$STDOUT"
    # So is what somebody else wrote there.
    printf 'by\e[31mh\xffand' > "$ROOT/$DRAINED/0000:01:00.0"
    run_vfpool 0 status p --format json
    assert_equal "$(jq -r '.pools[0].vfs[0].reason' "$STDOUT")" "PF eth3 is drained by [31mh?and"
}

@test "a dry run says just what the run says, and changes nothing" {
    run_guest 1
    said() { printf '%s\n' "$output" "$stderr"; }
    for arguments in "undrain eth3" "drain eth3" "drain eth3" "undrain eth3" "drain ${V[1]}" "drain ${V[0]}"; do
        snapshot
        # shellcheck disable=SC2086 # words
        run_vfpool 0 $arguments --dry-run
        before=$(said)
        assert_unchanged
        # shellcheck disable=SC2086 # words
        run_vfpool 0 $arguments
        assert_equal "$(said)" "$before"
    done
    [[ $stderr == "vfpool: note: VF ${V[0]} is had by 'g1'" ]]
    # Also where libvirt cannot be asked.
    mv "$ROOT/usr/sbin/vfpool-gate" "$ROOT/gate"
    run_vfpool 0 undrain "${V[0]}" --dry-run
    before=$(said)
    run_vfpool 0 undrain "${V[0]}"
    assert_equal "$(said)" "$before"
    [[ $stderr == *"libvirt's ports are not set yet"* ]]
}

@test "no device of that name; a card that is gone is undrained by its address" {
    for verb in drain undrain; do
        run_vfpool 1 $verb eth9
        assert_one_line "eth9"
        run_vfpool 2 $verb
    done
    run_vfpool 1 drain 0000:77:00.0
    host eth5
    rm "$ROOT"/sys/class/net/eth5/device/sriov_*
    run_vfpool 1 drain eth5
    assert_one_line "eth5 does not do SR-IOV"
    run_vfpool 1 drain eth3 --reason "$(printf '%0200d' 0)"
    assert_one_line "the reason is longer than 160 bytes"
    assert_equal "$(states | cut -d' ' -f2 | sort -u)" free
    run_vfpool 0 drain eth3
    rm -rf "$ROOT/sys/class/net/eth3" "$ROOT"/sys/bus/pci/devices/0000:01:*
    run_vfpool 0 undrain 0000:01:00.0
    [[ ${output%%$'\n'*} == "undrained 0000:01:00.0" ]]
}
