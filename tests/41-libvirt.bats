#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# vfpool-gate itself, with a libvirt on files (tests/libvirt): what it makes of networks and ports, and what is left when
# any of its calls fails or is the last one before a kill. The real libvirt is in tests/lab.

load helpers
as_installed
load libvirt/helpers

setup() { libvirt_setup; }

OFFERED="offered the free VFs of libvirt network 'p', and blocked the others"

# reserve VFS N: these of eth3 are for guest N alone, and blocked until it comes.
reserve() {
    sed -i "s,<pf dev='eth3'/>,<pf dev='eth3'><reserve vfs='$1' guest='g$2'/></pf>," "$ROOT/etc/vfpool/p.xml"
}

# Two guests run; the other VFs are open, or reserved, and blocked.
two_guests() {
    run_vfpool 0 reconcile
    run_guest 1
    run_guest 2
    settled
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
    rm -f "$LIBVIRT/calls"
}

# gone N...: guests that ran are not there any more, and nobody was told.
gone() {
    local n
    for n; do rm "$LIBVIRT/domains/${UUID[n]}.xml" "$ROOT/run/libvirt/qemu/g$n.xml"; done
}

# nobody_settles: what hooks leave to a process behind their backs stays undone until reconcile.
nobody_settles() { mkdir -p "$ROOT/run/vfpool/unsettled"; }

# assert_whole OWNER...: the network is there as the pool wants it, each VF that it lists has the port of one of these
# ("vfpool": ours), or is "open", and libvirt counts right.
assert_whole() {
    local i vf is connections ports
    [[ -e $LIBVIRT/networks/p.active && -e $LIBVIRT/networks/p.persistent && -e $LIBVIRT/networks/p.autostart ]] ||
        fail "the network is not there: $(ls "$LIBVIRT/networks")" || return
    look p
    assert_equal "${LISTED[*]}" "${V[*]:0:$#}" || return
    for ((i = 0; i < $#; i++)); do
        vf=${V[i]}
        is=${OWNER[$vf]-}
        [[ " ${OPEN[*]} " != *" $vf "* ]] || is=${is:+"counted wrong, and "}${is:-open}
        [[ $is =~ ^(${*:i+1:1})$ ]] || fail "$vf is '$is'" || return
    done
    read -r connections < "$LIBVIRT/networks/p.connections" || return
    ports=("$LIBVIRT"/ports/p/*.xml)
    [[ -e ${ports[0]} ]] || ports=()
    assert_equal "$connections" ${#ports[@]} || return
    [[ ! -e $ROOT/run/vfpool/ports/p.xml ]] || fail "ports are still to be made again" || return
    assert_invariants
}

# assert_kept: whatever went wrong, the VF of each running guest has a port, or is written down to get it again with its
# network.
assert_kept() {
    local kept=$ROOT/run/vfpool/ports/p.xml i
    [[ -e $LIBVIRT/networks/p.active || -e $kept ]] || fail "the network is gone" || return
    look p
    for i in 0 1; do
        [[ -n ${OWNER[${V[i]}]-} ]] || grep -qs "<name>g$((i + 1))</name>" "$kept" ||
            fail "the port of guest $((i + 1)) is gone" || return
    done
}

@test "a network is defined, started with libvirt, and offered; then there is nothing to do" {
    reserve 3 7
    run_vfpool 0 reconcile
    assert_equal "$output" "defined and started libvirt network 'p' with 4 VFs
$OFFERED"
    assert_whole open open open vfpool
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
}

@test "a network whose libvirt does not tell what it gives is blocked, and offered once it does" {
    local hook
    for hook in network daemon; do
        mv "$ROOT/etc/libvirt/hooks/$hook" "$ROOT/$hook"
        run_vfpool 1 reconcile
        [[ $output == *"blocked 4 VFs of libvirt network 'p'" ]]
        [[ $stderr == "vfpool: no VF is given, as there is no hook $hook of vfpool's"* ]]
        assert_whole vfpool vfpool vfpool vfpool
        run_hook 1 g1 prepare < <(vm 1 p)
        assert_one_line "pool 'p' gives no VF, as there is no hook $hook of vfpool's"
        assert_released "${UUID[1]}"
        settled
        assert_whole vfpool vfpool vfpool vfpool
        mv "$ROOT/$hook" "$ROOT/etc/libvirt/hooks/$hook"
        run_vfpool 0 reconcile
        assert_equal "$output" "$OFFERED"
        assert_whole open open open open
    done
}

# bats test_tags=deep
@test "a network is made whichever call fails or is the last one" {
    reserve 2-3 7
    FINALLY="assert_whole open open vfpool vfpool" each_fault vfpool reconcile
}

# bats test_tags=deep
@test "what is open is blocked whichever call fails or is the last one" {
    two_guests
    reserve 2-3 7
    AFTER=assert_kept FINALLY="assert_whole g1 g2 vfpool vfpool" each_fault vfpool reconcile
}

# bats test_tags=deep
@test "what is blocked is opened whichever call fails or is the last one" {
    reserve 2-3 7
    two_guests
    pool p eth3
    AFTER=assert_kept FINALLY="assert_whole g1 g2 open open" each_fault vfpool reconcile
}

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

# other_vfs COUNT: the pool has those of another PF too.
other_vfs() {
    host "eth4:vfs=$1"
    pool p eth3 eth4
    V+=(0000:02:10.0 0000:02:10.2)
}

@test "a network with other VFs is changed around its guests" {
    two_guests
    other_vfs 2
    run_vfpool 0 reconcile
    assert_equal "$output" "changed libvirt network 'p' with 6 VFs
$OFFERED"
    assert_whole g1 g2 open open open open
}

# bats test_tags=deep
@test "a network is changed around its guests whichever call fails or is the last one" {
    reserve 3 7
    two_guests
    other_vfs 1
    reserve 3 7
    AFTER=assert_kept FINALLY="assert_whole g1|vfpool g2|vfpool open vfpool open" each_fault vfpool reconcile
}

# bats test_tags=deep
@test "a network whose ports libvirt has lost count of is started again, whichever call fails or is the last one" {
    reserve 3 7
    two_guests
    reload p
    AFTER=assert_kept FINALLY="assert_whole g1|vfpool g2|vfpool open vfpool" each_fault vfpool reconcile
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

@test "what cannot be put back around a guest is said" {
    reserve 3 7
    two_guests
    reload p
    fault virNetworkPortCreateXML fail
    run_vfpool 1 reconcile
    grep -q "the port of guest 'g1' on libvirt network 'p', VF ${V[0]}, could not be made again: " "$STDERR"
    grep -q "the port of guest 'g2' on libvirt network 'p', VF ${V[1]}, could not be made again: " "$STDERR"
    grep -q "cannot block VF ${V[3]} of libvirt network 'p' again: " "$STDERR"
    fault
    run_vfpool 0 reconcile
    assert_whole vfpool vfpool open vfpool
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

@test "a network that does not start with libvirt is set to, without ending it" {
    two_guests
    rm "$LIBVIRT/networks/p.autostart"
    run_vfpool 0 reconcile
    assert_equal "$output" "set to start with libvirt: libvirt network 'p' with 4 VFs
$OFFERED"
    [[ $(calls) != *virNetworkDestroy* ]]
    rm "$LIBVIRT/networks/p.persistent"
    run_vfpool 0 reconcile
    [[ $(calls) != *virNetworkDestroy* ]]
    assert_whole g1 g2 open open
}

@test "a network keeps its UUID; one that the pool file writes otherwise is the same" {
    pool p eth3 -- "<uuid>0000aaaa-0000-4000-8000-00000000000b</uuid>"
    run_vfpool 0 reconcile
    other_vfs 1
    pool p eth3 eth4 -- "<uuid>0000AAAA0000400080000000 0000000B</uuid>"
    sed -i 's/ 0000000B/0000000B/' "$ROOT/etc/vfpool/p.xml"
    run_vfpool 0 reconcile
    assert_equal "$output" "changed libvirt network 'p' with 5 VFs
$OFFERED"
    assert_whole open open open open open
}

@test "a pool file with another UUID than the network's is refused, and changes nothing" {
    two_guests
    host eth4:vfs=1
    pool p eth3 eth4 -- "<uuid>0000aaaa-0000-4000-8000-00000000000b</uuid>"
    run_vfpool 1 reconcile
    assert_one_line "libvirt network 'p' has UUID 11111111-1111-4111-8111-111111111111, and the pool file says 0000aaaa-"
    assert_whole g1 g2 open open
}

@test "a network is not ended where a network hook that cannot be run would fail its start" {
    two_guests
    other_vfs 1
    mkdir -p "$ROOT/etc/libvirt/hooks/network.d"
    for text in '#!/no/such/shell' 'echo no program' '#! /bin/dash'; do
        echo "$text" > "$ROOT/etc/libvirt/hooks/network.d/site"
        chmod +x "$ROOT/etc/libvirt/hooks/network.d/site"
        run_vfpool 1 reconcile
        assert_one_line "/etc/libvirt/hooks/network.d/site cannot be run"
        [[ $(calls) != *virNetworkDestroy* ]]
        assert_equal "$(owner p "${V[0]}") $(owner p "${V[1]}")" "g1 g2"
    done
    # libvirt passes over what is not executable; and here is its interpreter.
    chmod -x "$ROOT/etc/libvirt/hooks/network.d/site"
    printf '#! /bin/dash -e\n' > "$ROOT/etc/libvirt/hooks/network.d/other"
    cp /bin/true "$ROOT/bin/dash"
    chmod +x "$ROOT/etc/libvirt/hooks/network.d/other"
    run_vfpool 0 reconcile
    assert_whole g1 g2 open open open
}

# foreign N NAME UUID: the N-th VF, which is open, is given to somebody who never asked for it.
foreign() {
    mkdir -p "$ROOT/run/libvirt/qemu"
    alone give_foreign "$@"
    settled
}
give_foreign() {
    port p "$2" "$3" "${V[$1]}"
    made 0 p "$3" "$2" "${MAC[9]}" "${V[$1]}"
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

@test "a VF that another process blocks at the same moment is blocked: that is no failure" {
    run_vfpool 0 reconcile
    reserve 0 7
    # Between the list of the ports and the first one that is made, somebody blocks the same.
    mv "$ROOT/usr/sbin/vfpool-gate" "$ROOT/usr/sbin/gate"
    cat > "$ROOT/usr/sbin/vfpool-gate" << X
#!/bin/bash
cat > "$ROOT/wish"
printf 'block %s\n' "${V[0]}" > "$ROOT/other"
FAKE_BETWEEN="$ROOT/usr/sbin/gate set p < $ROOT/other > /dev/null" exec "$ROOT/usr/sbin/gate" "\$@" < "$ROOT/wish"
X
    chmod +x "$ROOT/usr/sbin/vfpool-gate"
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
    assert_whole vfpool open open open
}

@test "a guest that ends while an offer is made: what is reserved for it is blocked" {
    reserve 0 1
    run_vfpool 0 reconcile
    run_guest 1
    settled
    assert_whole g1 open open open
    rm "$ROOT/run/vfpool/offers/p"
    # Between the ports and the offer libvirt takes back what the guest had, and calls for its release.
    mv "$ROOT/usr/sbin/vfpool-gate" "$ROOT/usr/sbin/gate"
    hook_environment
    allocation "${UUID[1]}" g1 "${MAC[1]}" "${V[0]}" > "$ROOT/port"
    vm 1 p > "$ROOT/guest"
    cat > "$ROOT/usr/sbin/vfpool-gate" << X
#!/bin/bash
"$ROOT/usr/sbin/gate" "\$@" || exit
if [[ \$1 == set && ! -e $ROOT/ended ]]; then
    : > "$ROOT/ended"
    rm "$LIBVIRT/domains/${UUID[1]}.xml" "$ROOT/run/libvirt/qemu/g1.xml" "$LIBVIRT/ports/p/a${UUID[1]:1:34}0.xml" "$LIBVIRT/networks/p.count/${V[0]}"
    read -r count < "$LIBVIRT/networks/p.connections"
    echo \$((count - 1)) > "$LIBVIRT/networks/p.connections"
    ${HOOK_ENVIRONMENT[*]@Q} "$VFPOOL_BUILD/hook/network" p port-deleted begin - < "$ROOT/port" > /dev/null 3>&- || echo failed > "$ROOT/ended"
    ${HOOK_ENVIRONMENT[*]@Q} "$VFPOOL_BUILD/hook/qemu" g1 release end - < "$ROOT/guest" > /dev/null 3>&- || echo failed > "$ROOT/ended"
fi
X
    chmod +x "$ROOT/usr/sbin/vfpool-gate"
    run_vfpool 0 reconcile
    [[ -e $ROOT/ended && ! -s $ROOT/ended ]]
    settled
    assert_released "${UUID[1]}"
    assert_whole vfpool open open open
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

@test "one network that cannot be put right does not keep reconcile from the others" {
    host eth5:vfs=2 eth6:vfs=2
    pool a eth5
    pool z eth6
    run_vfpool 0 reconcile
    rm "$LIBVIRT"/networks/[apz].autostart
    sed -i "s/mode=.hostdev./mode='nat'/" "$LIBVIRT/networks/p.active"
    run_vfpool 1 reconcile
    [[ $output == *"set to start with libvirt: libvirt network 'a'"*"'z'"* ]]
    [[ $stderr == "vfpool: libvirt has another network named 'p', with forward mode 'nat'"* ]]
    [[ -e $LIBVIRT/networks/a.autostart && -e $LIBVIRT/networks/z.autostart ]]
}

@test "what cannot be done is not said to be done" {
    fault virNetworkCreate fail
    run_vfpool 1 reconcile
    assert_one_line "cannot start libvirt network 'p': virNetworkCreate is made to fail"
    assert_equal "$output" ""
}

@test "a pool whose file is gone gives its VFs back to libvirt, and keeps its guests" {
    reserve 3 7
    two_guests
    rm "$ROOT/etc/vfpool/p.xml"
    run_vfpool 0 reconcile --dry-run
    assert_equal "$output" "opened all VFs of libvirt network 'p', as its pool file is gone"
    assert_whole g1 g2 open vfpool
    run_vfpool 0 reconcile
    assert_equal "$output" "opened all VFs of libvirt network 'p', as its pool file is gone"
    assert_equal "$(open_vfs p)" "${V[2]}
${V[3]}"
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[2]}"
    pool p eth3
    run_vfpool 0 reconcile
    assert_whole g1 g2 open open
}

# What has no libvirt to be tried on: VFs that are made, a network of them, its offer.
@test "a dry run says what the real run says, line by line" {
    same() {
        run_vfpool 0 reconcile --dry-run
        said=$output
        run_vfpool 0 reconcile
        assert_equal "$said" "$output"
        [[ $output != "nothing to repair" ]]
    }
    # A pool on a PF without VFs.
    host numvfs eth3 0
    echo "<network><name>p</name><forward mode='hostdev' managed='yes'><pf dev='eth3'><vf num='4'/></pf></forward></network>" > "$ROOT/etc/vfpool/p.xml"
    run_vfpool 0 reconcile --dry-run
    assert_equal "$output" "made 4 VFs on PF eth3
defined and started libvirt network 'p' with 4 VFs
$OFFERED"
    host numvfs eth3 4
    same
    [[ $output == *"$OFFERED" ]]
    # A guest that runs and has no claim; links that are lost, and left over.
    run_guest 1
    rm "$ROOT/run/vfpool/guests/${UUID[1]}.xml"
    same
    [[ $output == *"VF ${V[0]} was left over"*"claimed the VFs that running guest 'g1' has"* ]]
    rm "$ROOT/run/vfpool/vfs/${V[0]}"
    same
    [[ $output == *"VF ${V[0]} of guest 'g1' had lost its link: made again"* ]]
}

@test "reconcile says what it could not mend: a PF that is not there, VFs that are not made" {
    run_vfpool 0 reconcile
    echo "<network><name>p</name><forward mode='hostdev' managed='yes'><pf dev='eth3'/><pf dev='eth9'/></forward></network>" > "$ROOT/etc/vfpool/p.xml"
    run_vfpool 0 reconcile
    assert_equal "$output" "changed libvirt network 'p' with 4 VFs
$OFFERED"
    assert_equal "$stderr" "vfpool: note: pool 'p': there is no network interface eth9"
    for mode in '' --dry-run; do
        run_vfpool 0 reconcile $mode
        assert_equal "$output$stderr" "vfpool: note: pool 'p': there is no network interface eth9"
    done
}

@test "a dry run makes nothing, and needs nothing" {
    snapshot
    run_vfpool 0 reconcile --dry-run
    assert_equal "$output" "defined and started libvirt network 'p' with 4 VFs
$OFFERED"
    assert_unchanged
    calls > /dev/null
    two_guests
    reload p
    snapshot
    run_vfpool 0 reconcile --dry-run
    assert_equal "$output" "ended and started (libvirt had lost count of its ports) libvirt network 'p' with 4 VFs
$OFFERED"
    assert_unchanged
    [[ $(calls) != *Create* ]]
}

@test "open waits for the turn: a guest that is being given a VF gets it" {
    reserve 3 1
    run_vfpool 0 reconcile
    prepare 1
    run_vfpool 0 open < /dev/null 3>&- &
    local waiting=$!
    run timeout 1 tail --pid "$waiting" -f /dev/null
    assert_equal "$status" 124
    assert_equal "$(open_vfs p)" "${V[3]}"
    give 1
    start 1
    wait "$waiting"
    settled
    assert_whole open open open g1
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

# bats test_tags=deep
@test "open gives every VF of ours to libvirt's own choice, whichever call fails or is the last one" {
    reserve 2-3 7
    two_guests
    run_vfpool 0 open
    assert_equal "$(open_vfs p)" "${V[2]}
${V[3]}"
    run_vfpool 0 reconcile
    AFTER=assert_kept FINALLY="assert_whole g1 g2 vfpool vfpool" each_fault vfpool open
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

# hastily CODE ARGUMENT...: run_vfpool with deadlines that a test can wait for.
hastily() { VFPOOL_BUILD=$PLAIN/tests/libvirt/hasty run_vfpool "$@"; }

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
