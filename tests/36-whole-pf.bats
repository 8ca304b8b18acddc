#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A PF that is given to a guest as it is takes its VFs along: it is one guest's, or its VFs are guests'.

load helpers
as_installed

A=${UUID[1]}
B=${UUID[2]}
C=${UUID[3]}
PF=0000:01:00.0
VF=0000:01:10.0
OTHER=0000:02:10.0

setup() {
    common_setup
    host eth3:vfs=2 eth4:vfs=1 eth5
    pool p eth3
    pool both eth4
    mkdir -p "$ROOT/run/libvirt/qemu"
}

prepare() { # CODE NAME UUID DEVICE...
    run_hook "$1" "$2" prepare < <(guest "${@:2}")
}

# of_pf ADDRESS: all states and reasons that status gives of VFs of PF eth3
of_eth3() {
    run_vfpool 0 status --format json >&2 || return
    jq -r '.pools[].vfs[] | select(.pf == "eth3") | "\(.state) \(.reason)"' "$STDOUT" | sort -u
}

# two_pfs: one pool of both PFs
two_pfs() {
    rm "$ROOT/etc/vfpool/p.xml" "$ROOT/etc/vfpool/both.xml"
    pool p eth3 eth4
}

# --- a guest has a VF -----------------------------------------------------------

@test "a PF is refused when a guest has one of its VFs, claimed or held, and nothing changes" {
    prepare 0 g1 "$A" "p:${MAC[1]}"
    for state in claimed held; do
        [[ $state == claimed ]] ||
            run_hook 0 g1 start < <(guest g1 "$A" "$(interface $VF "${MAC[1]}")")
        snapshot
        for device in "$(hostdev $PF)" "$(interface $PF "${MAC[2]}")"; do
            prepare 1 g2 "$B" "$device"
            assert_one_line "guest 'g2' asks for PF eth3 ($PF) by its address, and guest 'g1' has its VF $VF"
            run_vfpool 1 transform <(guest g2 "$B" "$device")
            assert_one_line "guest 'g1' has its VF $VF"
        done
        assert_unchanged
        assert_invariants
    done
    run_vfpool 4 explain --format json <(guest g2 "$B" "$(hostdev $PF)")
    assert_equal "$(jq -r .failure "$STDOUT")" \
        "guest 'g2' asks for PF eth3 ($PF) by its address, and guest 'g1' has its VF $VF"
    # It is there once the VF came back.
    run_hook 0 g1 release < <(guest g1 "$A")
    prepare 0 g2 "$B" "$(hostdev $PF)"
    assert_taken $PF "$B"
    assert_invariants
}

@test "a PF is refused when one of its VFs is quarantined" {
    prepare 0 g1 "$A" "p:${MAC[1]}"
    local file=$ROOT/run/vfpool/guests/$A.xml
    cp "$file" "$ROOT/good"
    sed -i "s/ address=\"$VF\"/& stuck=\"the card did not take it\"/; s/claimed/held/" "$file"
    prepare 1 g2 "$B" "$(hostdev $PF)"
    assert_one_line "its VF $VF, which guest 'g1' had, is quarantined: the card did not take it" "vfpool release $VF"
    # As it is for the guest that had it, as long as it cannot be given back.
    echo "<guest" >"$file"
    prepare 1 g2 "$B" "$(hostdev $PF)"
    assert_one_line "its VF $VF is quarantined: the file of guest $A is corrupt (vfpool release $VF)"
    prepare 0 g1 "$A" "$(hostdev $PF)"
    assert_taken $PF "$A"
}

@test "a VF that no pool lists any more, and a guest has, keeps the PF all the same" {
    prepare 0 g1 "$A" "p:${MAC[1]}" "p:${MAC[2]}"
    sed -i "s/<pf dev='eth3'/& vfs='1'/" "$ROOT/etc/vfpool/p.xml"
    looks_gone "$A"
    run_vfpool 0 release $VF
    prepare 0 g3 "$C" "both:${MAC[3]}"
    sed -i "s/vfs='1'/vfs='0'/" "$ROOT/etc/vfpool/p.xml"
    prepare 1 g2 "$B" "$(hostdev $PF)"
    assert_one_line "guest 'g1' has its VF 0000:01:10.2"
    assert_invariants
}

# --- a guest has the PF ---------------------------------------------------------

@test "no VF of a PF that a guest has is given to anybody, until it is released" {
    for device in "$(hostdev $PF)" "$(interface $PF "${MAC[9]}")"; do
        prepare 0 g2 "$B" "$device"
        assert_silent
        assert_taken $PF "$B"
        assert_invariants
        snapshot
        prepare 1 g1 "$A" "p:${MAC[1]}"
        assert_one_line "pool 'p' has no free VF for interface 1 of guest 'g1': PF eth3 is held whole by guest 'g2'"
        for other in "$(hostdev $VF)" "$(interface $VF "${MAC[1]}")"; do
            prepare 1 g1 "$A" "$other"
            assert_one_line "guest 'g1' asks for a VF of pool 'p' by its address, and PF eth3 is held whole by guest 'g2'"
        done
        run_vfpool 1 transform <(guest g1 "$A" "p:${MAC[1]}")
        assert_one_line "PF eth3 is held whole by guest 'g2'"
        prepare 1 g1 "$A" "$(hostdev $PF)"
        assert_one_line "guest 'g1' asks for PF eth3 ($PF) by its address, and it is held whole by guest 'g2'"
        assert_unchanged
        run_hook 0 g2 release < <(guest g2 "$B")
        assert_released "$B"
        prepare 0 g1 "$A" "p:${MAC[1]}"
        assert_taken $VF "$A"
        run_hook 0 g1 release < <(guest g1 "$A")
        assert_invariants
    done
}

@test "another PF's VF is given where the pool has one, and explain says why" {
    two_pfs
    prepare 0 g2 "$B" "$(hostdev $PF)"
    prepare 0 g1 "$A" "p:${MAC[1]}"
    assert_taken $PF "$B" $OTHER "$A"
    run_vfpool 0 explain g1 --format json
    [[ $(jq -r '.interfaces[0].vfs[].reason' "$STDOUT") == *"; passed over: 2 whose PF a guest has (eth3)" ]]
    run_vfpool 0 explain g2 --format json
    assert_equal "$(jq -c .interfaces "$STDOUT")" "[]"
    assert_invariants
}

@test "status says it of each VF, and of the PF itself, also when the VFs are gone" {
    assert_equal "$(of_eth3)" "free null"
    prepare 0 g2 "$B" "$(hostdev $PF)"
    assert_equal "$(of_eth3)" "unusable PF eth3 is held whole by guest 'g2'"
    [[ $(jq -r '.pools[] | select(.name == "p").notes[]' "$STDOUT") == "PF eth3 ($PF) is claimed whole by guest 'g2', since "* ]]
    assert_equal "$(jq '.pools[] | select(.name == "p").vfs | length' "$STDOUT")" 2
    run_hook 0 g2 start < <(guest g2 "$B" "$(hostdev $PF)")
    run_vfpool 0 status
    [[ $output == *"note"*"PF eth3 ($PF) is held whole by guest 'g2'"* ]]
    [[ $output != *"does not have it any more"* ]]
    # Bound to VFIO, it has no VFs and no network interface.
    host numvfs eth3 0
    run_hook 0 g2 reconnect < <(guest g2 "$B" "$(hostdev $PF)")
    assert_taken $PF "$B"
    run_vfpool 0 status --format json
    [[ $(jq -r '.pools[] | select(.name == "p").notes[]' "$STDOUT") == "PF eth3 ($PF) is held whole by guest 'g2', since "* ]]
    prepare 1 g3 "$C" "$(hostdev $PF)"
    assert_one_line "guest 'g3' asks for PF $PF by its address, which is held by guest 'g2'"
    prepare 1 g1 "$A" "p:${MAC[1]}"
    assert_one_line "pool 'p' has no free VF for interface 1 of guest 'g1': PF eth3 is held whole by guest 'g2'"
    run_hook 0 g2 release < <(guest g2 "$B")
    host numvfs eth3 2
    assert_equal "$(of_eth3)" "free null"
    # No number of a VF is told of it.
    run_vfpool 0 history $PF --format json
    assert_equal "$(jq -c '[.events[] | .event, .vf]' "$STDOUT")" '["claimed",null,"held",null,"returned",null]'
    assert_invariants
}

@test "a PF with VFs in two pools is taken from both" {
    sed -i "s/<pf dev='eth3'/& vfs='0'/" "$ROOT/etc/vfpool/p.xml"
    pool q eth3
    sed -i "s/<pf dev='eth3'/& vfs='1'/" "$ROOT/etc/vfpool/q.xml"
    prepare 0 g2 "$B" "$(hostdev $PF)"
    assert_equal "$(of_eth3)" "unusable PF eth3 is held whole by guest 'g2'"
    prepare 1 g1 "$A" "q:${MAC[1]}"
    assert_one_line "pool 'q' has no free VF" "PF eth3 is held whole by guest 'g2'"
    assert_invariants
}

@test "a person releases it by its address" {
    prepare 0 g2 "$B" "$(hostdev $PF)"
    looks_gone "$B"
    run_vfpool 0 release $PF
    [[ $stderr$output == *"released PF $PF of pool 'p' from guest 'g2'"* ]]
    assert_taken
    prepare 0 g1 "$A" "p:${MAC[1]}"
    assert_invariants
}

@test "who has it is not known from a corrupt file, and no VF is given until it is released" {
    prepare 0 g2 "$B" "$(hostdev $PF)"
    echo "<guest" >"$ROOT/run/vfpool/guests/$B.xml"
    assert_equal "$(of_eth3)" \
        "unusable PF eth3 is held whole by guest $B, whose file is corrupt (vfpool release $PF)"
    prepare 1 g1 "$A" "p:${MAC[1]}"
    assert_one_line "PF eth3 is held whole by guest $B, whose file is corrupt (vfpool release $PF)"
    run_vfpool 0 release $PF
    prepare 0 g1 "$A" "p:${MAC[1]}"
}

@test "where it cannot be seen who has it, or one of its VFs, nobody gets any" {
    local file=$ROOT/run/vfpool/vfs
    mkdir -p "$file"
    echo x > "$file/$PF"
    prepare 1 g1 "$A" "p:${MAC[1]}"
    assert_one_line "PF eth3 may be held whole: " "/run/vfpool/vfs/$PF"
    rm "$file/$PF"
    echo x > "$file/$VF"
    prepare 1 g2 "$B" "$(hostdev $PF)"
    assert_one_line "guest 'g2' asks for PF eth3 ($PF) by its address, and who has its VF $VF cannot be seen: " "/run/vfpool/vfs/$VF"
    rm "$file/$VF"
    prepare 0 g2 "$B" "$(hostdev $PF)"
}

# --- both in one guest ------------------------------------------------------------

@test "a PF and a VF of it are not for one guest; with another PF it gets that one's" {
    snapshot
    prepare 1 g "$A" "p:${MAC[1]}" "$(hostdev $PF)"
    assert_one_line "PF eth3 is asked for whole by the guest itself"
    prepare 1 g "$A" "$(hostdev $PF)" "$(hostdev $VF)"
    assert_one_line "PF eth3 is asked for whole by the guest itself"
    prepare 1 g "$A" "$(hostdev $PF)" "$(interface $PF "${MAC[1]}")"
    assert_one_line "asks for PCI device $PF twice"
    assert_unchanged
    two_pfs
    prepare 0 g "$A" "p:${MAC[1]}" "$(hostdev $PF)"
    assert_taken $PF "$A" $OTHER "$A"
    # Again, with what it has from before.
    prepare 0 g "$A" "$(hostdev $PF)"
    assert_taken $PF "$A"
    prepare 0 g "$A" "p:${MAC[1]}"
    assert_taken $VF "$A"
    assert_invariants
}

# --- start, reconnect, attach --------------------------------------------------------

@test "a PF that a running guest has is claimed at reconnect and at attach" {
    for operation in reconnect attach; do
        run_hook 0 g2 $operation < <(guest g2 "$B" "$(hostdev $PF)")
        assert_taken $PF "$B"
        assert_equal "$(of_eth3)" "unusable PF eth3 is held whole by guest 'g2'"
        assert_invariants
        run_hook 0 g2 release < <(guest g2 "$B")
        assert_taken
    done
}

@test "at start a PF is refused whose VF another guest has, and the other way round; at reconnect nothing is" {
    prepare 0 g1 "$A" "p:${MAC[1]}"
    run_hook 1 g2 start < <(guest g2 "$B" "$(hostdev $PF)")
    assert_one_line "guest 'g2' has PF eth3 ($PF), and guest 'g1' has its VF $VF"
    assert_taken $VF "$A"
    assert_invariants
    run_hook 0 g2 reconnect < <(guest g2 "$B" "$(hostdev $PF)")
    [[ $stderr == *"guest 'g2' has PF eth3 ($PF), and guest 'g1' has its VF $VF: only one of them can really have it"* ]]
    assert_taken $PF "$B" $VF "$A"
    run_hook 0 g1 release < <(guest g1 "$A")
    run_hook 1 g1 start < <(guest g1 "$A" "$(interface $VF "${MAC[1]}")")
    assert_one_line "guest 'g1' has VF $VF of pool 'p', and PF eth3 is held whole by guest 'g2'"
    assert_taken $PF "$B"
    assert_invariants
    run_hook 0 g1 reconnect < <(guest g1 "$A" "$(interface $VF "${MAC[1]}")")
    [[ $stderr == *"PF eth3 is held whole by guest 'g2': only one of them can really have it"* ]]
    run_hook 0 g3 reconnect < <(guest g3 "$C" "$(hostdev $PF)")
    [[ $stderr == *"guest 'g3' has PF eth3 ($PF), and it is held whole by guest 'g2': only one"* ]]
}

# --- what libvirt gives -----------------------------------------------------------------

@test "libvirt gives a VF of a PF that a guest has: refused, but while the daemon starts" {
    prepare 0 g2 "$B" "$(hostdev $PF)"
    : >"$ROOT/run/libvirt/qemu/g1.xml"
    snapshot
    made 1 p "$A" g1 "${MAC[1]}" $VF
    assert_one_line "libvirt gives guest 'g1' VF $VF of pool 'p', and PF eth3 is held whole by guest 'g2'"
    made 1 p "$B" g2 "${MAC[1]}" $VF
    assert_one_line "PF eth3 is held whole by guest 'g2'"
    assert_unchanged
    assert_invariants
    made 0 both "$A" g1 "${MAC[1]}" $OTHER
    assert_taken $PF "$B" $OTHER "$A"
    assert_invariants
}

# --- nobody's business ---------------------------------------------------------------------

@test "a PF of no pool, and macvtap on a PF of one, concern nobody" {
    local eth5=0000:03:00.0
    for device in "$(hostdev $eth5)" \
        "<interface type='direct'><mac address='${MAC[9]}'/><source dev='eth3' mode='passthrough'/></interface>"; do
        prepare 0 g2 "$B" "$device"
        assert_silent
        assert_taken
        run_hook 0 g2 start < <(guest g2 "$B" "$device")
        assert_taken
    done
    # A pool that is out of service has no PF.
    echo "<network>" >"$ROOT/etc/vfpool/p.xml"
    prepare 0 g2 "$B" "$(hostdev $PF)"
    assert_taken
}

@test "what transform prints for a PF is what came in" {
    guest g2 "$B" "$(hostdev $PF)" >"$ROOT/g2.xml"
    run_vfpool 0 transform "$ROOT/g2.xml"
    cmp "$ROOT/g2.xml" "$STDOUT"
    assert_taken
    assert_invariants
}
