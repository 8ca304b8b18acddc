#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# vfpool explain: of every VF why a guest would get it now, or not, as prepare would decide.

LEAK_CHECK=1
load helpers
load libvirt/helpers

# policy ATTRIBUTES PF...: the pool p, of these PFs
policy() {
    local attributes=$1
    shift
    pool p "$@" -- "<metadata><v:pool xmlns:v='urn:vfpool:1' $attributes/></metadata>"
}

# explain [OPTION...] <XML
explain() {
    run_vfpool '[04]' explain --wide "$@" -
    # Whether the guest gets its VFs.
    [[ $status == 0 ]] || ! [[ $output == *'"failure":null'* ]]
}

# bound NAME XML INTERFACE...: where XML says what it runs on
bound() {
    local name=$1 xml=$2
    shift 2
    guest "$name" "${UUID[1]}" "$@" | sed "s|<vcpu placement='static'>1</vcpu>|$xml|"
}

@test "each VF with the reason why it is, or is not, taken" {
    host eth3:vfs=3,numa=0 eth4:vfs=2,numa=1 eth5:vfs=1,down
    policy '' eth3 eth4 eth5
    run_hook 0 other prepare < <(guest other "${UUID[2]}" "p:${MAC[2]}")
    explain < <(bound g "<vcpu cpuset='8'>1</vcpu>" "p:${MAC[1]}" "p:${MAC[3]}")
    assert_equal "$output" "guest g, interface 1, pool p (separate='prefer' numa='prefer' sticky='no' order='first')
ADDRESS       PF     VF
0000:01:10.0  eth3    0  it is held by guest 'other'
0000:01:10.2  eth3    1  chosen
0000:01:10.4  eth3    2  VF 1 of PF eth3 comes before it
0000:02:10.0  eth4    0  it goes to another interface of the guest
0000:02:10.2  eth4    1  the guest has an interface on PF eth4 already
0000:03:10.0  eth5    0  PF eth5 is down: ip link set eth5 up

guest g, interface 2, pool p (separate='prefer' numa='prefer' sticky='no' order='first')
ADDRESS       PF     VF
0000:01:10.0  eth3    0  it is held by guest 'other'
0000:01:10.2  eth3    1  it goes to another interface of the guest
0000:01:10.4  eth3    2  the guest has an interface on PF eth3 already
0000:02:10.0  eth4    0  chosen
0000:02:10.2  eth4    1  VF 0 of PF eth4 comes before it
0000:03:10.0  eth5    0  PF eth5 is down: ip link set eth5 up"
    assert_taken 0000:01:10.0 "${UUID[2]}"
}

@test "it says what prepare then does" {
    local order cpus
    host eth3:vfs=4,numa=0 eth4:vfs=2,numa=1 eth5:vfs=2
    for order in first spread pack; do
        for cpus in 0 8 0-8; do
            policy "order='$order'" eth5 eth3 eth4
            bound g "<vcpu cpuset='$cpus'>1</vcpu>" "p:${MAC[1]}" "p:${MAC[2]}" > "$BATS_TEST_TMPDIR/g.xml"
            explain < "$BATS_TEST_TMPDIR/g.xml"
            want=$(sed -n 's/ .*chosen$//p' "$STDOUT" | sort)
            run_hook 0 g prepare < "$BATS_TEST_TMPDIR/g.xml"
            assert_equal "$(ls "$ROOT/run/vfpool/vfs")" "$want"
            # What the guest holds is its own: asked again, it is the same.
            explain < "$BATS_TEST_TMPDIR/g.xml"
            assert_equal "$(sed -n 's/ .*chosen$//p' "$STDOUT" | sort)" "$want"
            run_hook 0 g release < "$BATS_TEST_TMPDIR/g.xml"
        done
    done
}

@test "reasons of each policy" {
    host eth3:vfs=4,numa=0 eth4:vfs=1,numa=1
    policy "order='spread'" eth3 eth4
    run_hook 0 other prepare < <(guest other "${UUID[2]}" "p:${MAC[2]}")
    explain < <(bound g '' "p:${MAC[1]}")
    grep -q "^0000:01:10.2 .*PF eth4 has a larger share of its VFs free than PF eth3$" "$STDOUT"
    policy "order='pack'" eth4 eth3
    explain < <(bound g '' "p:${MAC[1]}")
    grep -q "^0000:02:10.0 .*PF eth3 has a smaller share of its VFs free than PF eth4$" "$STDOUT"
    policy '' eth3 eth4
    explain < <(bound g "<vcpu cpuset='8'>1</vcpu>" "p:${MAC[1]}")
    grep -q "^0000:01:10.2 .*PF eth3 is on NUMA node 0, where the guest does not run$" "$STDOUT"
    # As on a host whose firmware tells of some cards only.
    echo -1 > "$ROOT/sys/class/net/eth3/device/numa_node"
    explain < <(bound g "<vcpu cpuset='8'>1</vcpu>" "p:${MAC[1]}")
    grep -q "^0000:01:10.2 .*the kernel does not know on which NUMA node PF eth3 is$" "$STDOUT"
}

@test "a guest that would not get its VFs: as far as it comes, and the error that prepare says" {
    host eth3:vfs=1,numa=0 eth4:vfs=1,numa=1
    policy "separate='require' numa='require'" eth3 eth4
    bound g "<vcpu cpuset='0'>1</vcpu>" "p:${MAC[1]}" "p:${MAC[2]}" "p:${MAC[3]}" > "$BATS_TEST_TMPDIR/g.xml"
    explain < "$BATS_TEST_TMPDIR/g.xml"
    assert_equal "$(grep -c ', interface ' "$STDOUT")" 2
    grep -q "^0000:02:10.0 .*PF eth4 is on NUMA node 1, where the guest does not run$" "$STDOUT"
    last=$(tail -n 1 "$STDOUT")
    run_hook 1 g prepare < "$BATS_TEST_TMPDIR/g.xml"
    assert_equal "$stderr" "vfpool: $last"
    assert_taken
}

@test "VFs of one PF and one reason are one row, by their numbers" {
    host eth3:vfs=63,numa=0 eth4:vfs=2,numa=1
    policy '' eth3 eth4
    for i in 2 3 4; do run_hook 0 "g$i" prepare < <(guest "g$i" "${UUID[$i]}" "p:${MAC[$i]}"); done
    run_hook 0 g3 release < <(guest g3 "${UUID[3]}" "p:${MAC[3]}")
    bound g '' "p:${MAC[1]}" > "$BATS_TEST_TMPDIR/g.xml"
    run_vfpool 0 explain "$BATS_TEST_TMPDIR/g.xml"
    assert_equal "$output" "guest g, interface 1, pool p (separate='prefer' numa='prefer' sticky='no' order='first')
eth3  VF 0: it is held by guest 'g2'
eth3  VF 1: chosen, $(jq -r '.interfaces[0].vfs[] | select(.chosen) | .address' <("$VFPOOL_BUILD/hook/vfpool" explain --format json "$BATS_TEST_TMPDIR/g.xml"))
eth3  VF 2: it is held by guest 'g4'
eth3  VFs 3-62: VF 1 of PF eth3 comes before it
eth4  VFs 0-1: VF 1 of PF eth3 comes before it"
    # What is alike need not be one range.
    run_vfpool 0 drain eth3
    run_vfpool 0 explain "$BATS_TEST_TMPDIR/g.xml"
    grep -qx "eth3  VFs 1, 3-62: PF eth3 is drained since .*" "$STDOUT"
}

@test "a VF by its address, several pools, and a guest of none" {
    host eth3:vfs=2 eth4:vfs=1
    policy '' eth3
    pool q eth4
    explain < <(bound g '' "q:${MAC[1]}" "<hostdev mode='subsystem' type='pci' managed='yes'><source>
        <address domain='0x0000' bus='0x01' slot='0x10' function='0x2'/></source></hostdev>" "p:${MAC[2]}")
    assert_equal "$(grep chosen "$STDOUT" | sort)" "0000:01:10.0  eth3    0  chosen
0000:01:10.2  eth3    1  chosen
0000:02:10.0  eth4    0  chosen"
    explain < <(bound g '')
    assert_equal "$output" "guest g asks for no VF of a pool"
    explain --format json < <(bound g '')
    assert_equal "$output" '{"format":1,"guest":"g","interfaces":[],"failure":null}'
}

@test "as JSON and as XML" {
    host eth3:vfs=2
    policy '' eth3
    explain --format json < <(bound 'a"b' '' "p:${MAC[1]}")
    assert_equal "$(jq -c . "$STDOUT")" '{"format":1,"guest":"a\"b","interfaces":[{"number":1,"pool":"p","mac":"'"${MAC[1]}"'","decided":null,"policy":{"separate":"prefer","numa":"prefer","sticky":false,"order":"first"},"vfs":[{"address":"0000:01:10.0","pf":"eth3","vf":0,"chosen":true,"reason":null},{"address":"0000:01:10.2","pf":"eth3","vf":1,"chosen":false,"reason":"VF 0 of PF eth3 comes before it"}]}],"failure":null}'
    explain --format xml < <(bound g '' "p:${MAC[1]}" "p:${MAC[2]}" "p:${MAC[3]}")
    assert_equal "$(xmllint --xpath 'count(/explanation/interface)' "$STDOUT")" 3
    [[ $(xmllint --xpath 'string(/explanation/failure)' "$STDOUT") == "pool 'p' has no free VF for interface 3"* ]]
}

@test "wrong calls, and what is no domain" {
    run_vfpool 2 explain
    assert_one_line "explain takes one guest or file"
    run_vfpool 2 explain --format yaml -
    assert_one_line "explain --format takes table, json or xml"
    run_vfpool 1 explain /nowhere
    assert_one_line "cannot open /nowhere"
    run_vfpool 1 explain - <<< '<network/>'
    assert_one_line
    host eth3:vfs=1
    policy "order='spraed'" eth3
    run_vfpool 1 explain - < <(bound g '' "p:${MAC[1]}")
    assert_one_line "pool 'p' is out of service"
}

POLICY="separate='prefer' numa='prefer' sticky='no' order='first'"

# kept GUEST: as it was decided, without when that was
kept() {
    run_vfpool 0 explain "$1"
    output=$(sed 's/, decided [-0-9T:]*Z$//' "$STDOUT")
}

@test "a guest that has its VFs: why these, whatever has become of the others" {
    host eth3:vfs=3,numa=0 eth4:vfs=2,numa=1 eth5:vfs=1,down
    policy '' eth5 eth3 eth4
    run_hook 0 other prepare < <(guest other "${UUID[2]}" "p:${MAC[2]}")
    bound g "<vcpu cpuset='8'>1</vcpu>" "p:${MAC[1]}" "p:${MAC[3]}" > "$BATS_TEST_TMPDIR/g.xml"
    run_hook 0 g prepare < "$BATS_TEST_TMPDIR/g.xml"
    run_hook 0 other release < <(guest other "${UUID[2]}" "p:${MAC[2]}")
    run_hook 0 third prepare < <(guest third "${UUID[3]}" "p:${MAC[4]}")
    policy "order='pack' numa='require'" eth4 eth3
    # Of a PF that is gone only the name is left.
    rm "$ROOT/sys/class/net/eth4"
    want="guest g, interface 1, pool p
ADDRESS       PF     VF
0000:01:10.2  eth3    1  chosen: $POLICY; passed over: 1 held by guests, 1 whose PF is down (eth5)

guest g, interface 2, pool p
ADDRESS       PF     VF
0000:02:10.0  eth4    0  chosen: $POLICY; passed over: 1 held by guests, 1 whose PF is down (eth5), 2 not known to be on the guest's NUMA nodes (eth3)"
    kept g
    assert_equal "$output" "$want"
    kept "${UUID[1]}"
    assert_equal "$output" "$want"
    run_vfpool 0 explain --format json "$(tr -d - <<<"${UUID[1]^^}")"
    jq -e '(.interfaces | length == 2) and .interfaces[1].decided and .interfaces[1].vfs[0].chosen' "$STDOUT"
    run_hook 0 g release < "$BATS_TEST_TMPDIR/g.xml"
    assert_released "${UUID[1]}"
}

@test "what is counted, each kind once, and what speaks for a VF" {
    local reason
    host eth3:vfs=4 eth4:vfs=2,down eth5:vfs=2,down
    policy "sticky='yes'" eth3 eth4 eth5
    sed -i "s|<pf dev='eth3'/>|<pf dev='eth3'><reserve vfs='0' guest='other'/><reserve vfs='2' guest='g'/></pf>|" "$ROOT/etc/vfpool/p.xml"
    device="<hostdev mode='subsystem' type='pci' managed='yes'><source>
        <address domain='0x0000' bus='0x01' slot='0x10' function='0x2'/></source></hostdev>"
    run_hook 0 g prepare < <(guest g "${UUID[1]}" "p:${MAC[1]}" "$device")
    reason() { xmllint --xpath "string(//vf[@num='$1']/@reason)" "$ROOT/run/vfpool/guests/${UUID[1]}.xml"; }
    # Nobody looked at PF eth4 and eth5.
    assert_equal "$(reason 2)" "${POLICY/no/yes}; reserved for the guest; passed over: 1 reserved for others"
    assert_equal "$(reason 1)" "the guest asks for it by its address"
    run_hook 0 g start < <(concrete g "${UUID[1]}" "${MAC[1]}" 0000:01:10.4)
    run_hook 0 g release < <(guest g "${UUID[1]}")
    run_hook 0 g prepare < <(guest g "${UUID[1]}" "p:${MAC[1]}")
    assert_equal "$(reason 2)" "${POLICY/no/yes}; reserved for the guest; the guest had it last; passed over: 1 reserved for others"
    run_hook 0 g release < <(guest g "${UUID[1]}")
    # Of many PFs none is named.
    policy '' eth4 eth5 eth3
    run_hook 0 g prepare < <(guest g "${UUID[1]}" "p:${MAC[1]}")
    assert_equal "$(reason 0)" "$POLICY; passed over: 4 whose PF is down"
}

@test "what libvirt gave instead, what was plugged in, and what was taken out" {
    host eth3:vfs=4
    policy '' eth3
    mkdir -p "$ROOT/run/libvirt/qemu"
    run_hook 0 g prepare < <(guest g "${UUID[1]}" "p:${MAC[1]}")
    made 0 p "${UUID[1]}" g "${MAC[1]}" 0000:01:10.2
    kept g
    assert_equal "$(grep -c ' chosen' "$STDOUT")" 1
    grep -q "^0000:01:10.2  eth3    1  chosen: libvirt gave it instead of VF 0 of PF eth3$" "$STDOUT"
    run_hook 0 g start < <(concrete g "${UUID[1]}" "${MAC[1]}" 0000:01:10.2)
    : > "$ROOT/run/libvirt/qemu/g.xml"
    made 0 p "${UUID[1]}" g "${MAC[2]}" 0000:01:10.0
    kept g
    grep -q "^0000:01:10.2  eth3    1  chosen: libvirt gave it instead of VF 0 of PF eth3$" "$STDOUT"
    ended 0 p "${UUID[1]}" g "${MAC[1]}" 0000:01:10.2
    kept g
    assert_equal "$output" "guest g, interface 1, pool p
ADDRESS       PF     VF
0000:01:10.0  eth3    0  chosen: libvirt gave it to the guest while it ran"
}

@test "a guest without a claim is explained as it would be now, by its definition" {
    host eth3:vfs=2
    policy '' eth3
    libvirt_begin
    bound g '' "p:${MAC[1]}" > "$LIBVIRT/domains/${UUID[1]}.inactive"
    run_vfpool 0 explain --wide g
    assert_equal "$(tail -n 2 <<< "$output")" "0000:01:10.0  eth3    0  chosen
0000:01:10.2  eth3    1  VF 0 of PF eth3 comes before it"
    run_vfpool 0 explain --wide "${UUID[1]}"
    grep -q "  chosen$" "$STDOUT"
    # A claim of which it is not kept: adopted, or of an older vfpool's.
    run_hook 0 g reconnect < <(concrete g "${UUID[1]}" "${MAC[1]}" 0000:01:10.2)
    run_vfpool 0 explain --wide g
    assert_equal "${stderr%%$'\n'*}" "vfpool: note: how it was decided for guest 'g' is not kept: this is how it would be now"
    run_vfpool 1 explain nobody
    assert_one_line "there is no guest 'nobody', and no file"
    rm "$ROOT/run/libvirt/libvirt-sock"
    run_vfpool 1 explain nobody
    assert_one_line "cannot ask for the XML of guest 'nobody': libvirt is not running"
}

# row ADDRESS [INTERFACE]: why it is not taken, for the guest's first interface, or another one
row() { awk -v address="$1" -v nth="${2-1}" '/^guest /{ n++ } n == nth && $1 == address { sub(/^[^ ]+ +[^ ]+ +[^ ]+  /, ""); print }' "$STDOUT"; }

@test "what speaks against a VF, what is reserved, and whose file is corrupt" {
    host eth3:vfs=4
    policy '' eth3
    sed -i "s|<pf dev='eth3'/>|<pf dev='eth3'><reserve vfs='2' guest='g'/></pf>|" "$ROOT/etc/vfpool/p.xml"
    echo 0x1003 > "$ROOT/sys/class/net/eth3v0/flags"
    explain < <(bound g '' "p:${MAC[1]}")
    assert_equal "$(row 0000:01:10.4)" chosen
    assert_equal "$(row 0000:01:10.0)" "the host uses it: its network interface is up, so it is chosen last"
    assert_equal "$(row 0000:01:10.2)" "VF 2 of PF eth3 is reserved for the guest"
    run_hook 0 other prepare < <(guest other "${UUID[2]}" "p:${MAC[2]}")
    echo x > "$ROOT/run/vfpool/guests/${UUID[2]}.xml"
    explain < <(bound g '' "p:${MAC[1]}")
    assert_equal "$(row 0000:01:10.2)" "it is quarantined: the file of guest ${UUID[2]} is corrupt"
}

# Two of one MAC address must not meet on a PF, and of a pool an earlier interface has what is earlier in the list.
@test "interfaces with one MAC address: what the one must not have, and what the next then may not" {
    host eth3:vfs=4 eth4:vfs=2
    pool q eth3
    sed -i "s|<pf dev='eth3'/>|<pf dev='eth3' vfs='3'/>|" "$ROOT/etc/vfpool/q.xml"
    policy "separate='no'" eth3 eth4
    sed -i "s|<pf dev='eth3'/>|<pf dev='eth3' vfs='0-1'/>|" "$ROOT/etc/vfpool/p.xml"
    explain < <(bound g '' "q:${MAC[1]}" "p:${MAC[1]}" "p:${MAC[2]}")
    assert_equal "$(row 0000:02:10.0 2)" chosen
    assert_equal "$(row 0000:01:10.0 2)" \
        "PF eth3 would have two interfaces of the guest with MAC address ${MAC[1]}: give one another"
    assert_equal "$(row 0000:02:10.2 3)" chosen
    assert_equal "$(row 0000:01:10.0 3)" "the guest's interfaces together fare better with VF 1 of PF eth4"
    # Of one VF less the last of them gets none, though there are such.
    run_hook 0 other prepare < <(guest other "${UUID[2]}" "<hostdev mode='subsystem' type='pci' managed='yes'><source>
        <address domain='0x0000' bus='0x02' slot='0x10' function='0x2'/></source></hostdev>")
    explain < <(bound g '' "q:${MAC[1]}" "p:${MAC[1]}" "p:${MAC[2]}")
    assert_equal "$(row 0000:01:10.0 3)" "libvirt would give it to an earlier interface of the guest"
    assert_equal "$(row 0000:02:10.2 3)" "it is held by guest 'other'"
}

@test "a VF whose PF has another one with the MAC address" {
    VFPOOL_BUILD=$VFPOOL_BUILD/tests/kernel
    host eth3:vfs=3
    policy '' eth3
    mkdir "$ROOT/kernel"
    printf '%s 0 0 8100 0 0 1 0 0 0\n' 52:54:00:aa:00:00 "${MAC[1]}" 52:54:00:aa:00:02 \
        > "$ROOT/kernel/$(cat "$ROOT/sys/class/net/eth3/ifindex")"
    explain < <(bound g '' "p:${MAC[1]}")
    assert_equal "$(row 0000:01:10.2)" chosen
    for vf in 0000:01:10.0 0000:01:10.4; do
        assert_equal "$(row $vf)" "VF 1 of PF eth3 has the MAC address of an interface of the guest's, so it is chosen last"
    done
    # What the guest itself has left there is none of another's: where its release was lost, say.
    sed -i "2s/${MAC[1]}/52:54:00:aa:00:01/" "$ROOT"/kernel/*
    run_hook 0 other prepare < <(guest other "${UUID[2]}" "p:${MAC[2]}")
    run_hook 0 g prepare < <(guest g "${UUID[1]}" "p:${MAC[1]}")
    assert_equal "$(holder 0000:01:10.2)" "${UUID[1]}"
    run_hook 0 g start < <(concrete g "${UUID[1]}" "${MAC[1]}" 0000:01:10.2)
    sed -i "2s/52:54:00:aa:00:01/${MAC[1]}/" "$ROOT"/kernel/*
    run_hook 0 other release < <(guest other "${UUID[2]}" "p:${MAC[2]}")
    explain < <(guest g "${UUID[1]}" "p:${MAC[1]}")
    assert_equal "$(row 0000:01:10.0)" chosen
    assert_equal "$(row 0000:01:10.2)" "VF 0 of PF eth3 comes before it"
}
