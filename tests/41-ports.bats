#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What becomes of the ports of guests that run, start or are gone, and of their claims, with a libvirt on files
# (tests/libvirt), whichever call fails or is the last one before a kill. The real libvirt is in tests/lab.

load helpers
as_installed
load libvirt/helpers
load libvirt/assertions

setup() { libvirt_setup; }

@test "a guest gets its VF, and gives it back" {
    reserve 3 3
    run_vfpool 0 reconcile
    run_guest 1
    run_guest 2
    assert_whole g1 g2 open vfpool
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[2]}"
    run_guest 3
    settled
    assert_whole g1 g2 open g3
    stop 1 "${V[0]}"
    stop 3 "${V[3]}"
    settled
    assert_whole open g2 open vfpool
    assert_taken "${V[1]}" "${UUID[2]}"
}

# bats test_tags=deep
@test "a reserved VF is blocked again behind its guest, whichever call fails or is the last one" {
    reserve 0 1
    two_guests
    nobody_settles
    stop 1 "${V[0]}"
    assert_whole open g2 open open
    FINALLY="assert_whole vfpool g2 open open" each_fault vfpool reconcile
}

# bats test_tags=deep
@test "a running guest without a claim is adopted, whichever call fails or is the last one" {
    adopted() {
        assert_whole g1 g2 open vfpool
        assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[2]}"
    }
    reserve 3 7
    two_guests
    rm -r "$ROOT/run/vfpool/guests" "$ROOT/run/vfpool/vfs"
    FINALLY=adopted each_fault vfpool reconcile
}

# bats test_tags=deep
@test "status says what it can, whichever call fails or is the last one" {
    reserve 3 7
    two_guests
    FINALLY="assert_whole g1 g2 open vfpool" each_fault vfpool status
}

# bats test_tags=deep
@test "transform says what it can, whichever call fails or is the last one" {
    reserve 3 7
    two_guests
    vm 3 p > "$ROOT/g3.xml"
    FINALLY="assert_whole g1 g2 open vfpool" each_fault vfpool transform "$ROOT/g3.xml"
}

# bats test_tags=deep
@test "a prepare where libvirt has lost count, whichever call fails or is the last one" {
    two_guests
    being_started
    reload p
    AFTER=after_prepare FINALLY="assert_whole g1|vfpool g2|vfpool open open" each_fault hook prepare 3
}

# bats test_tags=deep
@test "a prepare of a guest with a VF of its own, whichever call fails or is the last one" {
    reserve 3 3
    two_guests
    being_started
    AFTER=after_prepare FINALLY="assert_whole g1 g2 open vfpool" each_fault hook prepare 3
}

# Guest 3, on a network whose offer is not to be relied on, so that libvirt has to be asked.
being_started() {
    hook_environment
    nobody_settles
    : > "$ROOT/run/vfpool/offers/p"
    vm 3 p > "$LIBVIRT/domains/${UUID[3]}.xml"
}

# One that started all the same ends.
after_prepare() {
    assert_kept || return
    ((code != 0)) || hook release 3
    rm "$LIBVIRT/domains/${UUID[3]}.xml"
    assert_released "${UUID[3]}"
}

@test "a VF that libvirt has given to somebody else is passed over, and everybody says so" {
    run_vfpool 0 reconcile
    foreign 0 other "${UUID[9]}"
    foreign 1 another "${UUID[8]}"
    vm 1 p > "$ROOT/g1.xml"
    run_vfpool 0 transform "$ROOT/g1.xml"
    local planned=$output
    [[ $planned == *'function="0x4"'* ]]
    run_hook 0 g1 prepare < "$ROOT/g1.xml"
    assert_equal "$output" "$planned"
    assert_taken "${V[2]}" "${UUID[1]}"
    assert_equal "$(open_vfs p)" "${V[2]}"
    run_vfpool 0 status --format xml
    assert_equal "$(xmllint --xpath 'string(//vf[1]/@reason)' "$STDOUT")" \
        "libvirt has given VF 0 of PF eth3 to 'other', whom vfpool does not know (port a${UUID[9]:1:34}0)"
    give 1
    start 1
    run_guest 2
    settled
    run_hook 1 g3 prepare < <(vm 3 p)
    assert_one_line "pool 'p' has no free VF" "VF 0 of PF eth3 to 'other'" "VF 1 of PF eth3 to 'another'" "held by guest 'g2'"
    assert_released "${UUID[3]}"
    run_vfpool 1 transform <(vm 3 p)
    assert_one_line "pool 'p' has no free VF" "VF 0 of PF eth3 to 'other'"
    run_vfpool 0 reconcile
    assert_equal "$(owner p "${V[0]}")" other
    assert_whole other another g1 g2
}

@test "a port whose guest does not run is opened: a defined one's, and a transient one's that had a claim" {
    run_vfpool 0 reconcile
    foreign 0 g1 "${UUID[1]}"
    : > "$LIBVIRT/domains/${UUID[1]}.inactive"
    run_guest 2
    settled
    gone 2
    assert_whole g1 g2 open open
    run_vfpool 0 reconcile --dry-run
    assert_equal "$output" "opened a VF of libvirt network 'p' from guest 'g1', which is not running
opened a VF of libvirt network 'p' from guest 'g2', which is not running
released VF ${V[1]} of pool 'p' from guest 'g2' (${UUID[2]}), which is not running"
    assert_whole g1 g2 open open
    run_vfpool 0 reconcile
    assert_equal "$output" "opened a VF of libvirt network 'p' from guest 'g1', which is not running
opened a VF of libvirt network 'p' from guest 'g2', which is not running
$OFFERED
released VF ${V[1]} of pool 'p' from guest 'g2' (${UUID[2]}), which is not running"
    assert_whole open open open open
}

@test "a port whose guest does not run is opened where its pool is out of service, or has no VFs" {
    local broken
    for broken in "mv $ROOT/etc/vfpool/p.xml $ROOT/kept; echo '<network>' > $ROOT/etc/vfpool/p.xml" \
        "cp $ROOT/etc/vfpool/p.xml $ROOT/kept; sed -i 's/eth3/eth77/' $ROOT/etc/vfpool/p.xml"; do
        run_vfpool 0 reconcile
        run_guest 2
        settled
        gone 2
        eval "$broken"
        run_vfpool 0 reconcile
        [[ $output == "opened a VF of libvirt network 'p' from guest 'g2', which is not running
released VF ${V[0]} of pool 'p' from guest 'g2' (${UUID[2]}), which is not running" ]] || fail "$output" "$stderr"
        mv "$ROOT/kept" "$ROOT/etc/vfpool/p.xml"
        run_vfpool 0 reconcile
        assert_whole open open open open
    done
}

@test "a port of a guest that runs, and has not got its VF, is opened; not while a process has it open" {
    run_vfpool 0 reconcile
    run_guest 2
    settled
    # Its network was ended and begun again when the guest's last life ended, and its port of then was made again.
    port p g2 "${UUID[2]}" "${V[3]}"
    opened "${V[3]}"
    run_vfpool 0 reconcile
    assert_whole g2 open open g2
    exec {open}<&-
    host driver eth3/3 none
    run_vfpool 0 reconcile --dry-run
    assert_equal "$output" "opened a VF of libvirt network 'p' from guest 'g2', which does not have it"
    run_vfpool 0 reconcile
    grep -qx "opened a VF of libvirt network 'p' from guest 'g2', which does not have it" "$STDOUT"
    assert_whole g2 open open open
    assert_taken "${V[0]}" "${UUID[2]}"
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
}

@test "a libvirt whose socket cannot be looked at is not absent" {
    run_vfpool 0 reconcile
    run_guest 2
    settled
    gone 2
    looks_gone "${UUID[2]}"
    rm -f "$LIBVIRT/calls"
    # By its files alone the guest is gone, and its port would be nobody's.
    run_program 0 strace -qq -o "$ROOT/trace" -P run/libvirt/virtnetworkd-sock -P run/libvirt/libvirt-sock \
        -e inject=faccessat,faccessat2:error=EIO "$VFPOOL_BUILD/hook/vfpool" reconcile
    grep -q "EIO.*INJECTED" "$ROOT/trace"
    grep -q virNetworkPortDelete "$LIBVIRT/calls"
    assert_whole open open open open
    assert_taken
}

@test "where libvirt lists ports and not its guests, a claim that alone tells whose a port is stays" {
    run_vfpool 0 reconcile
    run_guest 2
    settled
    gone 2
    looks_gone "${UUID[2]}"
    fault virConnectListAllDomains fail
    run_vfpool 1 reconcile
    assert_taken "${V[0]}" "${UUID[2]}"
    fault
    run_vfpool 0 reconcile
    [[ $output == *"opened a VF of libvirt network 'p' from guest 'g2'"* ]]
    assert_taken
    assert_whole open open open open
}

@test "whoever settles leaves the claim that alone tells whose a port is, and drops another" {
    run_vfpool 0 reconcile
    run_guest 2
    run_guest 3
    settled
    gone 2 3
    looks_gone "${UUID[2]}"
    looks_gone "${UUID[3]}"
    # libvirt took back what one of them had, and its release was killed.
    unport p "${UUID[3]}" "${V[1]}"
    : > "$ROOT/run/vfpool/offers/p"
    run_program 0 "$VFPOOL_BUILD/hook/daemon" - reload begin SIGHUP
    settled
    assert_taken "${V[0]}" "${UUID[2]}"
    assert_whole g2 open open open
    run_vfpool 0 reconcile
    [[ $output == *"opened a VF of libvirt network 'p' from guest 'g2', which is not running"* ]]
    assert_taken
    assert_whole open open open open
}

@test "what a running guest claims, and neither has a port of nor open, comes back; not before a plug can have come to its end" {
    run_vfpool 0 reconcile
    run_guest 2
    # The hook is killed once the VF is claimed; libvirt takes the port back, and the plug has failed.
    made 0 p "${UUID[2]}" g2 "${MAC[22]}" "${V[3]}"
    assert_taken "${V[0]}" "${UUID[2]}" "${V[3]}" "${UUID[2]}"
    settled
    run_vfpool 0 reconcile
    assert_taken "${V[0]}" "${UUID[2]}" "${V[3]}" "${UUID[2]}"
    looks_gone "${UUID[2]}"
    # The same once more, and that one is on its way.
    made 0 p "${UUID[2]}" g2 "${MAC[22]}" "${V[3]}"
    run_vfpool 0 reconcile
    assert_taken "${V[0]}" "${UUID[2]}" "${V[3]}" "${UUID[2]}"
    looks_gone "${UUID[2]}"
    # A process has it open: the guest, whose port somebody deleted.
    opened "${V[3]}"
    run_vfpool 0 reconcile
    assert_taken "${V[0]}" "${UUID[2]}" "${V[3]}" "${UUID[2]}"
    exec {open}<&-
    host driver eth3/3 none
    run_vfpool 0 reconcile
    assert_equal "$output" "released VF ${V[3]} of pool 'p', which running guest 'g2' never got"
    assert_taken "${V[0]}" "${UUID[2]}"
    assert_whole g2 open open open
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
}

# bats test_tags=deep
@test "stale ports and claims are cleared whichever call fails or is the last one" {
    reserve 0 1
    two_guests
    : > "$LIBVIRT/domains/${UUID[2]}.inactive"
    gone 1 2
    FINALLY="assert_whole vfpool open open open" each_fault vfpool reconcile
    assert_taken
}

# Its VF would be given to somebody else, and libvirt has a port of it still.
@test "where a network's turn is not to be had a guest that is gone keeps its claim as long as its port" {
    two_guests
    gone 1
    rm "$ROOT/run/vfpool/turns/p"
    mkdir "$ROOT/run/vfpool/turns/p"
    run_vfpool 1 reconcile
    assert_one_line "cannot open /run/vfpool/turns/p: Is a directory"
    assert_equal "$(owner p "${V[0]}")" g1
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[2]}"
    rmdir "$ROOT/run/vfpool/turns/p"
    run_vfpool 0 reconcile
    assert_whole open g2 open open
    assert_taken "${V[1]}" "${UUID[2]}"
}

@test "a list of guests that is not whole drops nobody's claim" {
    two_guests
    for what in virConnectListAllDomains virDomainGetUUIDString; do
        fault "$what" fail
        run_vfpool 1 reconcile
        assert_one_line "cannot list the guests"
        fault
    done
    assert_whole g1 g2 open open
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[2]}"
}

@test "a guest that starts again while reconcile asks for it keeps its new claim, whatever the clock says" {
    run_vfpool 0 reconcile
    local since
    run_hook 0 g1 prepare < <(vm 1 p)
    since=$(sed -n 's/.*since="\([^"]*\)".*/\1/p' "$ROOT/run/vfpool/guests/${UUID[1]}.xml")
    vm 1 p > "$ROOT/g1.xml"
    concrete g1 "${UUID[1]}" "${MAC[1]}" "${V[0]}" > "$ROOT/concrete.xml"
    # Between the reading of the claims and their end: the guest stops and starts in the same second.
    mv "$ROOT/usr/sbin/vfpool-gate" "$ROOT/usr/sbin/gate"
    cat > "$ROOT/usr/sbin/vfpool-gate" << X
#!/bin/bash
if [[ \$1 == domains && ! -e $ROOT/once ]]; then
    : > "$ROOT/once"
    mv "$ROOT/run/libvirt/libvirt-sock" "$ROOT/sock"
    VFPOOL_ROOT=$ROOT "$VFPOOL_BUILD/hook/qemu" g1 release end - < "$ROOT/g1.xml" > /dev/null 3>&-
    VFPOOL_ROOT=$ROOT "$VFPOOL_BUILD/hook/qemu" g1 prepare begin - < "$ROOT/g1.xml" > /dev/null 3>&-
    VFPOOL_ROOT=$ROOT "$VFPOOL_BUILD/hook/qemu" g1 start begin - < "$ROOT/concrete.xml" > /dev/null 3>&-
    mv "$ROOT/sock" "$ROOT/run/libvirt/libvirt-sock"
    # Whatever that took, it was one second.
    sed -i 's/since="[^"]*"/since="$since"/' "$ROOT/run/vfpool/guests/${UUID[1]}.xml"
    exit 0
fi
exec "$ROOT/usr/sbin/gate" "\$@"
X
    chmod +x "$ROOT/usr/sbin/vfpool-gate"
    run_vfpool 0 reconcile
    [[ -e $ROOT/once ]]
    settled
    assert_equal "$(holder "${V[0]}")" "${UUID[1]}"
}

@test "a guest that is called vfpool is a guest" {
    reserve 1-3 7
    run_vfpool 0 reconcile
    foreign 0 vfpool "${UUID[7]}"
    assert_whole vfpool vfpool vfpool vfpool
    run_vfpool 0 open
    assert_whole vfpool open open open
    grep -q "${UUID[7]}" "$LIBVIRT"/ports/p/*.xml
}

# strangers FROM TO: so many guests run that have devices, and none of a pool.
strangers() {
    local i uuid
    for ((i = $1; i <= $2; i++)); do
        uuid=$(printf '77777777-0000-4000-8000-%012d' "$i")
        concrete "s$i" "$uuid" 52:54:00:00:99:01 0000:77:00.0 > "$LIBVIRT/domains/$uuid.xml"
    done
}

@test "running guests without a VF cost reconcile no process each" {
    local few
    two_guests
    strangers 1 1
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
    few=$(calls | grep -c virConnectOpen)
    strangers 2 20
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
    assert_equal "$(calls | grep -c virConnectOpen)" "$few"
    # Those among them that have one are found, one by its network interface.
    rm -r "$ROOT/run/vfpool/guests" "$ROOT/run/vfpool/vfs"
    guest g3 "${UUID[3]}" "<interface type='direct'><mac address='${MAC[3]}'/>
        <source dev='eth3v3' mode='passthrough'/></interface>" > "$LIBVIRT/domains/${UUID[3]}.xml"
    run_vfpool 0 reconcile
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[2]}" "${V[3]}" "${UUID[3]}"
}

@test "one running guest that cannot be read keeps no other from its claim" {
    two_guests
    rm -r "$ROOT/run/vfpool/guests" "$ROOT/run/vfpool/vfs"
    echo '<domain/>' > "$LIBVIRT/domains/00000000-0000-4000-8000-00000000000f.xml"
    run_vfpool 1 reconcile
    [[ ${stderr##*$'\n'} == "vfpool: guest 00000000-0000-4000-8000-00000000000f: the domain XML has no <name>"* ]]
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[2]}"
}

@test "a libvirt that is silent about running guests is asked for no other" {
    two_guests
    rm -r "$ROOT/run/vfpool/guests" "$ROOT/run/vfpool/vfs"
    strangers 1 20
    fault virDomainGetXMLDesc hang
    hastily 1 reconcile
    assert_one_line "running guests without a claim were not looked at: libvirt did not answer within 30 s"
    assert_equal "$(grep -c virDomainGetXMLDesc "$LIBVIRT/calls")" 1
}
