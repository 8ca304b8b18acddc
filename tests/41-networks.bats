#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What reconcile makes of libvirt's networks, with a libvirt on files (tests/libvirt), and what is left when any of the calls
# fails or is the last one before a kill. The real libvirt is in tests/lab.

load helpers
as_installed
load libvirt/helpers
load libvirt/assertions

setup() { libvirt_setup; }

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
