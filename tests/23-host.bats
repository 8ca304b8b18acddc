#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is made of the host's sysfs: which PF is meant, which VFs it has and in
# what order, which of them can be used, and what discover writes of it.

load helpers

G=$(printf '00000000-0000-4000-8000-%012x' 1)

# vfs: "ADDRESS PF NUMBER STATE" of each VF of p, as status has them.
vfs() {
    run_vfpool 0 status p --format json >&2 || return
    grep -o '"address":"[^"]*","pf":"[^"]*","vf":[0-9]*,"state":"[a-z]*"' "$STDOUT" |
        sed 's/"address":"\(.*\)","pf":"\(.*\)","vf":\([0-9]*\),"state":"\(.*\)"/\1 \2 \3 \4/'
}

# reason ADDRESS: why it is not free.
reason() {
    run_vfpool 0 status p --format xml >&2 || return
    xmllint --xpath "string(//vf[@address='$1']/@reason)" "$STDOUT"
}

# prepare CODE GUEST N [INTERFACES]: a guest on p, with the N-th UUID.
prepare() {
    local i interfaces=()
    for ((i = 0; i < ${4:-1}; i++)); do
        interfaces+=(p:"${MAC[$3 * 64 + i]}")
    done
    run_hook "$1" "$2" prepare < <(guest "$2" "${UUID[$3]}" "${interfaces[@]}")
}

release() {
    run_hook 0 "$1" release < <(guest "$1" "${UUID[$2]}")
}

# assert_lists [PF...]: status has the VFs that the simulated host lists, all free.
assert_lists() {
    assert_equal "$(vfs)" "$(host list "$@" | sed 's/$/ free/')"
}

# --- which PF ----------------------------------------------------------------

@test "a PF by its name, an alias or a representor is one PF" {
    host eth3:vfs=3,alias=lan0,representors
    for name in eth3 lan0 eth3_0 eth3_2; do
        pool p $name
        assert_equal "$(vfs | cut -d ' ' -f 1,3 | xargs)" "0000:01:10.0 0 0000:01:10.2 1 0000:01:10.4 2"
        prepare 0 g 1
        assert_taken 0000:01:10.0 "$G"
        release g 1
    done
    # All at once: each VF once, and none is given twice.
    pool p eth3_1 lan0 eth3 eth3_0
    assert_equal "$(vfs | wc -l)" 3
    prepare 0 g 1 3
    assert_invariants
    prepare 1 h 2
    assert_one_line "'g'"
    assert_equal "$(grep -c ' eth3  *[0-9]' <(run_vfpool 0 status >/dev/null && cat "$STDOUT") || true)" 4 # three VFs, one line of totals
}

# pf_pool PF...: pool p, of the elements <pf PF/>.
pf_pool() {
    printf "<network><name>p</name><forward mode='hostdev' managed='yes'>%s</forward></network>" \
        "$(printf '<pf %s/>' "$@")" >"$ROOT/etc/vfpool/p.xml"
}

missing() {
    run_vfpool 0 status p --format json >&2 || return
    jq -r '.pools[0].missing // ""' "$STDOUT"
}

@test "a PF by its PCI address, its MAC address, or vendor and device" {
    host eth3:vfs=2 eth4:vfs=2,driver=ixgbevf eth5:vfs=2
    while IFS='|' read -r names pf; do
        pf_pool "$pf"
        # shellcheck disable=SC2086  # names
        assert_lists $names
        assert_equal "$(missing)" ''
    done <<'PFS'
eth4|address='0000:02:00.0'
eth4|dev='eth3' address='0000:02:00.0'
eth4|mac='02:00:00:00:02:00'
eth4|dev='eth4' mac='02:00:00:00:02:00'
eth4|dev='eth3' mac='02:00:00:00:02:00'
eth4|dev='gone0' mac='02:00:00:00:02:00'
eth4|vendor='0x8086' device='0x10fb'
eth4|vendor='8086' device='10FB'
eth3 eth5|vendor='0x8086' device='0x10c9'
PFS
    # In the order of the file, and each once: where it comes first.
    pf_pool "mac='02:00:00:00:03:00' vfs='1'" "vendor='0x8086' device='0x10c9'" "dev='eth4'"
    assert_equal "$(vfs | cut -d ' ' -f 2,3 | paste -sd ,)" 'eth5 1,eth3 0,eth3 1,eth4 0,eth4 1'
    prepare 0 g 1 5
    assert_invariants
    release g 1
}

@test "a PF that is not found by what the file knows of it is said to be missing" {
    host eth3:vfs=2 eth4:vfs=2
    while IFS='|' read -r reason pf; do
        pf_pool "$pf"
        assert_equal "$(missing)" "$reason"
        prepare 1 g 1
        assert_one_line "$reason"
    done <<'PFS'
there is no PCI device 0000:07:00.0|address='0000:07:00.0'
PCI device 0000:01:10.0 is a virtual function, not a PF|address='0000:01:10.0'
there is no PF with MAC address 02:00:00:00:07:00|mac='02:00:00:00:07:00'
there is no PF with MAC address 02:00:00:00:01:80|mac='02:00:00:00:01:80'
there is no PF of vendor and device 8086:1592|vendor='0x8086' device='0x1592'
PFS
    # An address of two cards is none; the name beside it says which.
    echo 02:00:00:00:01:00 >"$ROOT/sys/class/net/eth4/address"
    pf_pool "mac='02:00:00:00:01:00'"
    assert_equal "$(missing)" 'eth3 and eth4 have MAC address 02:00:00:00:01:00 both: name one of them by its PCI address'
    pf_pool "mac='02:00:00:00:01:00' dev='eth4'"
    assert_lists eth4
    # One without an address has none.
    echo 00:00:00:00:00:00 >"$ROOT/sys/class/net/eth4/address"
    pf_pool "mac='00:00:00:00:00:00'"
    assert_equal "$(missing)" 'there is no PF with MAC address 00:00:00:00:00:00'
}

@test "VFs that a pool asks for are made, whatever it knows the PF by" {
    host eth3:vfs=0 eth4:vfs=0 eth5:vfs=0,driver=ixgbevf
    pf_pool "vendor='0x8086' device='0x10c9'><vf num='2'/></pf><pf mac='02:00:00:00:03:00'><vf num='3'/></pf><pf dev='none0'"
    run_vfpool 0 reconcile
    for pf in eth3:2 eth4:2 eth5:3; do
        assert_equal "$(cat "$ROOT/sys/class/net/${pf%:*}/device/sriov_numvfs")" "${pf#*:}"
    done
}

@test "a representor that is down does not make the PF's VFs unusable" {
    host eth3:vfs=2,representors
    pool p eth3_0
    echo 0x1002 >"$ROOT/sys/class/net/eth3_0/flags"
    prepare 0 g 1
    assert_taken 0000:01:10.0 "$G"
    release g 1
    host down eth3
    echo 0x1003 >"$ROOT/sys/class/net/eth3_0/flags"
    prepare 1 g 1
    assert_one_line 'PF eth3 is down'
}

# By net/devlink/port.c of Linux, __devlink_port_phys_port_name_get, and drivers that name ports by themselves.
@test "of several netdevs on a PF's device its own is the one whose port is no other function's" {
    local row name port first second
    while read -r first second name; do
        rm -rf "$ROOT/sys" "$ROOT/.host"
        # "-": the driver tells no name.
        row=eth9:vfs=1
        for port in "a0 $first" "b0 $second"; do
            row+=,rep=${port% *}
            [[ $port == *' -' ]] || row+=:${port#* }
        done
        host "$row,port=pf7vf7"
        pf_pool "address='0000:01:00.0'"
        run_vfpool 0 status p --format xml
        got=$(xmllint --xpath 'string(//vf/@pf)' "$STDOUT")
        assert_equal "$first $second ${got/0000:01:00.0/none}" "$first $second $name"
    done <<'PORTS'
p0 p1 a0
p1 p0 a0
p0 - a0
- p0 a0
- - a0
pf0 p0 b0
c1pf0 p0 b0
pf0vf3 p0 b0
c1pf0vf3 p0 b0
pf0sf2 p0 b0
c12pf1sf88 p0 b0
p0pf0vf3 p0 b0
pf1vfr0 p0 b0
pf0s1 p0 b0
pf1vfr0 pf0s1 none
pf0 - b0
c1pf0 - b0
pf0vf3 - b0
pf0sf2 p1s3 b0
c1pf0 l2p3 b0
pf0vf1 l1p12s4 b0
pf0 pf0vf1 none
c1pf0 c1pf0vf1 none
pf0sf1 p0pf1vf2 none
0 - b0
1 p0 b0
n0 p0 b0
0 1 a0
pf0vf1 0 b0
pf 0 a0
pf0 pf0hpf b0
pf0vf pf0vf1 a0
pf0vf1x p0 b0
xpf0vf1 pf0vf1 a0
xpf0vf1 p0 b0
p0s p1 b0
p p1 b0
l1 p1 b0
p0vf1 p1 b0
wlp1pf0vf p1 b0
pf0vf1 p0vf b0
PORTS
}

@test "a pool that names a representor means the PF, and says its address where it has no netdev of its own" {
    # The legacy names of mlx5's representors are numbers; the PF's own netdev had no name then.
    host eth3:vfs=1,rep=a0:0,rep=b0:c1pf0
    for name in a0 b0 eth3; do
        pool p $name
        assert_equal "$(vfs)" '0000:01:10.0 eth3 0 free'
    done
    rm -rf "$ROOT/sys" "$ROOT/.host"
    host eth3:vfs=1,port=pf0
    pool p eth3
    assert_equal "$(vfs)" '0000:01:10.0 0000:01:00.0 0 unusable'
    assert_equal "$(reason 0000:01:10.0)" \
        "PF 0000:01:00.0 has no network interface here, and libvirt sets a VF's MAC and VLAN through it"
}

@test "a VF's own netdev is no PF" {
    host eth3:vfs=2
    pool p eth3v0
    prepare 1 g 1
    assert_one_line eth3v0
    assert_taken
}

@test "names that sysfs would trip over" {
    host eth3:vfs=2
    for name in . .. '*' '%s' '-x' 한글; do
        pool p "$name" eth3
        prepare 0 g 1
        assert_taken 0000:01:10.0 "$G"
        release g 1
    done
}

# --- attributes --------------------------------------------------------------

@test "a sparse sysfs is unknown, not an error" {
    host eth3:vfs=3,sparse eth4:vfs=2,sparse,driver=none
    pool p eth3 eth4
    assert_lists
    prepare 0 g 1 5
    [[ -z $stderr ]]
    assert_invariants
    run_vfpool 0 status
    [[ -z $stderr && $output != *NUMA* && $output != *down* ]]
    release g 1
    # Even without flags: whether it is up is unknown, and tried.
    rm "$ROOT/sys/class/net/eth3/flags"
    prepare 0 g 1
    assert_taken 0000:01:10.0 "$G"
}

@test "without sriov_numvfs the links are counted" {
    host eth3:vfs=3
    rm "$ROOT"/sys/class/net/eth3/device/sriov_{numvfs,totalvfs}
    pool p eth3
    assert_lists
}

@test "attributes that hold nonsense are unknown" {
    host eth3:vfs=2
    pool p eth3
    for text in '' x 0x -5 99999999999999999999 ' ' '1 2'; do
        for file in flags carrier operstate phys_port_name type device/numa_node device/sriov_offset device/sriov_stride device/sriov_totalvfs; do
            rm -rf "$ROOT/sys/class/net/eth3/$file"
            echo "$text" >"$ROOT/sys/class/net/eth3/$file"
        done
        assert_lists
        prepare 0 g 1 2
        [[ -z $stderr ]]
        release g 1
    done
}

@test "more VFs claimed by sriov_numvfs than there are" {
    host eth3:vfs=2
    pool p eth3
    echo 4 >"$ROOT/sys/class/net/eth3/device/sriov_numvfs"
    assert_lists
    prepare 0 g 1 2
    prepare 1 h 2
    assert_one_line "'g'"
    run_vfpool 0 status
    grep -qx "missing: PF eth3 made 2 of 4 VFs so far, or the others are gone" "$STDOUT"
    assert_invariants
}

@test "the NUMA node of a PF is shown" {
    host eth3:vfs=1,numa=0 eth4:vfs=1,numa=1 eth5:vfs=1
    pool p eth3 eth4 eth5
    run_vfpool 0 status
    for line in 'eth3 .*NUMA node 0' 'eth4 .*NUMA node 1'; do
        grep -q "^total  *$line" "$STDOUT"
    done
    run ! grep -q '^total  *eth5.*NUMA' "$STDOUT"
    run_vfpool 0 status --format xml
    assert_equal "$(xmllint --xpath 'concat(//pf[1]/@numa, "|", //pf[2]/@numa, "|", count(//pf[3]/@numa))' "$STDOUT")" "0|1|0"
}

# --- down, gone --------------------------------------------------------------

@test "VFs of a PF that is down are unusable, with the reason, and passed by" {
    host eth3:vfs=2,down eth4:vfs=2
    pool p eth3 eth4
    assert_equal "$(vfs | cut -d ' ' -f 4 | xargs)" "unusable unusable free free"
    assert_equal "$(reason 0000:01:10.0)" "PF eth3 is down: ip link set eth3 up"
    run_vfpool 0 status
    grep -q '^0000:01:10.2 .*unusable .*PF eth3 is down' "$STDOUT"
    grep -q '^total .*eth3 .*2 unusable.*down' "$STDOUT"
    prepare 0 g 1 2
    assert_taken 0000:02:10.0 "$G" 0000:02:10.2 "$G"
    prepare 1 h 2
    [[ -z $output ]]
    assert_one_line 'PF eth3 is down: ip link set eth3 up' 0000:02:10.0 "'g'"
    host up eth3
    prepare 0 h 2
    assert_equal "$(holder 0000:01:10.0)" "${UUID[2]}"
    assert_invariants
}

@test "VFs of a PF that is not Ethernet are unusable, with the reason, and passed by" {
    host ib0:vfs=2,type=32 eth4:vfs=1 odd0:vfs=1,type=772
    pool p ib0 eth4 odd0
    assert_equal "$(vfs | cut -d ' ' -f 4 | xargs)" "unusable unusable free unusable"
    assert_equal "$(reason 0000:01:10.2)" "PF ib0 is InfiniBand, not Ethernet, and takes no MAC address and VLAN of a VF"
    assert_equal "$(reason 0000:03:10.0)" \
        "PF odd0 is of link type 772, not Ethernet, and takes no MAC address and VLAN of a VF"
    # That it is down, too, is not what stands in the way.
    host down ib0
    run_vfpool 0 explain - < <(guest g "$G" p:"${MAC[64]}")
    [[ $output == *"PF ib0 is InfiniBand"* ]] || fail "explain does not say it"
    prepare 0 g 1
    assert_taken 0000:02:10.0 "$G"
    run_vfpool 0 explain g
    [[ $output == *"; passed over: 3 whose PF is not Ethernet"* ]] || fail "explain does not say it of the guest"
    prepare 1 h 2
    assert_one_line 'PF ib0 is InfiniBand, not Ethernet' 'PF odd0 is of link type 772' "'g'"
    [[ $stderr != *InfiniBand*InfiniBand* ]] || fail "said of each VF"
    release g 1
    # Unknown is no error.
    for text in '' x; do
        echo "$text" >"$ROOT/sys/class/net/odd0/type"
        assert_equal "$(vfs | cut -d ' ' -f 4 | xargs)" "unusable unusable free free"
    done
    rm "$ROOT"/sys/class/net/{ib0,odd0}/type
    host up ib0
    assert_equal "$(vfs | cut -d ' ' -f 4 | xargs)" "free free free free"
    prepare 0 g 1 4
    assert_invariants
}

@test "a PF that is up without a carrier has usable VFs" {
    host eth3:vfs=1,carrier=0
    pool p eth3
    prepare 0 g 1
    assert_taken 0000:01:10.0 "$G"
}

@test "a guest that would need a VF of a PF that is down gets none at all" {
    host eth3:vfs=1,down eth4:vfs=1
    pool p eth3 eth4
    snapshot
    prepare 1 g 1 2
    assert_one_line 'interface 2' 'eth3 is down'
    assert_unchanged
}

@test "a PF that goes down under its guests: they keep what they have, and give it back" {
    host eth3:vfs=2
    pool p eth3
    prepare 0 g 1
    host down eth3
    assert_equal "$(vfs | cut -d ' ' -f 4 | xargs)" "claimed unusable"
    # Prepared once more, after a failed start, it is refused; what it held is not lost by that.
    prepare 1 g 1
    assert_taken 0000:01:10.0 "$G"
    release g 1
    assert_taken
}

@test "a VF that vanished is unusable and passed by, wherever it was" {
    for gone in 0 1 2; do
        for how in vanish dangle; do
            rm -rf "$ROOT/sys" "$ROOT/.host" "$ROOT/run/vfpool" # another host
            host eth3:vfs=3
            pool p eth3
            address=$(host list | sed -n "$((gone + 1))s/ .*//p")
            host $how eth3/$gone
            prepare 0 g 1 2
            [[ -z $(holder "$address") ]] || fail "eth3/$gone was given after $how"
            assert_invariants
            prepare 1 h 2
            # Without its link the last one may just as well not be made yet.
            words="VF $gone of PF eth3 is gone from sysfs"
            [[ $gone$how != 2vanish ]] || words="PF eth3 made 2 of 3 VFs so far, or the others are gone"
            [[ $gone$how == 2vanish ]] || assert_one_line "$words" "'g'"
            run_vfpool 0 status p
            [[ $output == *"$words"* ]] || fail "status does not say it"
        done
    done
}

@test "a claimed VF that vanished is shown, given back, and not given again" {
    host eth3:vfs=3
    pool p eth3
    prepare 0 g 1
    host vanish eth3/0
    run_vfpool 0 status
    grep -q "^0000:01:10.0 .*claimed.* g .*gone from sysfs" "$STDOUT"
    # Prepared anew: another one, the one that is gone is dropped.
    prepare 0 g 1
    assert_taken 0000:01:10.2 "$G"
    release g 1
    assert_taken
    assert_invariants
}

@test "a PF that vanished under its guests" {
    host eth3:vfs=1 eth4:vfs=1
    pool p eth3 eth4
    prepare 0 g 1
    host vanish eth3
    run_vfpool 0 status
    [[ $output == *0000:01:10.0*g* && $output == *"no network interface eth3"* ]]
    prepare 0 h 2
    assert_equal "$(holder 0000:02:10.0)" "${UUID[2]}"
    release g 1
    assert_taken 0000:02:10.0 "${UUID[2]}"
}

# --- order and arithmetic ----------------------------------------------------

@test "VFs are in the order of their numbers, not of their names" {
    host eth3:vfs=12
    pool p eth3
    assert_equal "$(vfs | cut -d ' ' -f 3 | xargs)" "0 1 2 3 4 5 6 7 8 9 10 11"
    prepare 0 g 1 3
    assert_taken 0000:01:10.0 "$G" 0000:01:10.2 "$G" 0000:01:10.4 "$G"
}

@test "PFs are in the order of the pool" {
    host a:vfs=1 b:vfs=1 c:vfs=1
    pool p c a b
    assert_equal "$(vfs | cut -d ' ' -f 2 | xargs)" "c a b"
    prepare 0 g 1
    assert_taken 0000:03:10.0 "$G"
}

@test "the first free VF is given again, not the next" {
    host eth3:vfs=3
    pool p eth3
    for i in 1 2 3; do
        prepare 0 g$i $i
    done
    release g1 1
    release g2 2
    prepare 0 g4 4
    assert_taken 0000:01:10.0 "${UUID[4]}" 0000:01:10.4 "${UUID[3]}"
}

@test "VFs are where the kernel's links say, whatever offset and stride" {
    n=0
    for places in vfs=7,offset=0x80,stride=2 vfs=7,offset=1,stride=1 vfs=3,offset=0x181,stride=3 vfs=1,offset=5,stride=0 \
        vfs=2,offset=9,stride=0x10 vfs=32,offset=16,stride=1 vfs=130,offset=0xf0,stride=1,total=130 vfs=3,offset=4,stride=255 \
        vfs=7,sparse vfs=130,offset=3,stride=7,total=130,sparse; do
        n=$((n + 1))
        host pf$n:$places,address="$(printf %04x $n):10:00.0"
        pool p pf$n
        [[ $(host list pf$n | wc -l) -ge 1 ]]
        assert_lists pf$n
    done
}

@test "sriov_offset and sriov_stride that disagree with the links are not believed" {
    host eth3:vfs=5
    pool p eth3
    for values in '1 1' '128 1' '1 2' '0 0' '65535 65535'; do
        echo "${values% *}" >"$ROOT/sys/class/net/eth3/device/sriov_offset"
        echo "${values#* }" >"$ROOT/sys/class/net/eth3/device/sriov_stride"
        assert_lists
    done
}

@test "VFs at uneven distances are where their links say" {
    host eth3:vfs=3
    sys=$ROOT/sys
    ln -s "$(readlink "$sys/bus/pci/devices/0000:01:10.4")" "$sys/bus/pci/devices/0000:01:10.5"
    rm "$sys/class/net/eth3/device/virtfn2"
    ln -s ../0000:01:10.5 "$sys/class/net/eth3/device/virtfn2"
    pool p eth3
    assert_equal "$(vfs | cut -d ' ' -f 1 | xargs)" "0000:01:10.0 0000:01:10.2 0000:01:10.5"
}

@test "a VF on a bus beyond its PF's is told from others" {
    # eth3's last VFs are on the bus after its own.
    host eth3:vfs=100,total=100
    pool p eth3
    run_hook 0 g prepare < <(guest g "$G" "<hostdev type='pci'><source><address domain='0' bus='2' slot='0' function='0x0'/></source></hostdev>")
    assert_taken 0000:02:00.0 "$G"
    run_vfpool 0 status
    grep -q "^0000:02:00.0  eth3  *64  claimed" "$STDOUT"
}

@test "a PCI domain of five digits" {
    # Intel VMD: domains from 10000 on, which the simulated host cannot number.
    host eth3:vfs=1
    sys=$ROOT/sys
    ln -s "$(readlink "$sys/bus/pci/devices/0000:01:10.0")" "$sys/bus/pci/devices/10000:01:10.0"
    devices=$(readlink -f "$sys/bus/pci/devices/0000:01:10.0/iommu_group/devices")
    mv "$devices/0000:01:10.0" "$devices/10000:01:10.0"
    rm "$sys/class/net/eth3/device/virtfn0"
    ln -s ../10000:01:10.0 "$sys/class/net/eth3/device/virtfn0"
    pool p eth3
    prepare 0 g 1
    [[ $output == *'domain="0x10000" bus="0x01"'* ]]
    assert_equal "$(holder 10000:01:10.0)" "$G"
    release g 1
    assert_taken
}

# --- discover ----------------------------------------------------------------

# discovered [PF...]: what discover prints, as pool p.
discovered() {
    run_vfpool 0 discover "$@" || return
    [[ -z $stderr ]] || fail "it complained" || return
    assert_equal "$(xmllint --xpath 'string(/network/name)' "$STDOUT")" passthrough || return
    cp "$STDOUT" "$ROOT/etc/vfpool/passthrough.xml"
}

pfs() {
    xmllint --xpath '//pf/@dev' "$ROOT/etc/vfpool/passthrough.xml" | grep -o '"[^"]*"' | tr -d '"' | xargs
}

@test "what discover prints is a pool" {
    host b:vfs=2,numa=1 a:vfs=3,address=0000:00:04.0 plain:vfs=0
    rm "$ROOT"/sys/class/net/plain/device/sriov_*
    discovered
    assert_equal "$(pfs)" "a b" # by address; what does no SR-IOV is not there
    run_vfpool 0 status passthrough
    [[ $output != *"out of service"* && $output != *missing* ]]
    assert_equal "$(grep -c '  free$' "$STDOUT")" 5
    run_hook 0 g prepare < <(guest g "$G" passthrough:"${MAC[1]}")
    assert_invariants
    assert_equal "$(taken | wc -l)" 1
}

@test "what discover prints of PFs without VFs is a pool, and says how many to make" {
    host eth3:vfs=0,total=63 eth4:vfs=2
    discovered
    assert_equal "$(pfs)" "eth3 eth4"
    assert_equal "$(xmllint --xpath 'concat(//pf[1]/vf/@num, "|", count(//pf[2]/vf))' "$ROOT/etc/vfpool/passthrough.xml")" "63|1"
    run_vfpool 0 status passthrough
    [[ $output != *"out of service"* && $output == *"PF eth3 has no VFs"* ]]
    host numvfs eth3 3
    run_vfpool 0 status passthrough
    assert_equal "$(grep -c '  free$' "$STDOUT")" 5
}

# So that nothing is left for doctor to ask for.
@test "discover asks for as many VFs as there are, and gives the pool the name that is wanted" {
    host eth3:vfs=5,total=63 eth4:vfs=2
    run_vfpool 0 discover --name 'net 7'
    assert_equal "$(xmllint --xpath 'concat(//name, "|", //pf[1]/vf/@num, "|", //pf[2]/vf/@num)' "$STDOUT")" "net 7|5|2"
    for name in '' a/b $'a\nb'; do
        run_vfpool 1 discover --name "$name"
        assert_one_line "is no name of a pool"
        [[ ! -s $STDOUT ]]
    done
    discovered
    run_vfpool 2 doctor --format json
    assert_equal "$(jq -r '.checks[] | select(.check == "boot") | .verdict' "$STDOUT")" ok
}

@test "discover of named PFs, in the order named" {
    host eth3:vfs=1,alias=lan0,representors eth4:vfs=1 eth5:vfs=1
    discovered eth5 eth3
    assert_equal "$(pfs)" "eth5 eth3"
    discovered eth3_0
    assert_equal "$(pfs)" eth3
    discovered lan0
    assert_equal "$(pfs)" lan0
    # All: each once, by the name that comes first.
    discovered
    assert_equal "$(pfs)" "eth3 eth4 eth5"
    run_vfpool 0 status passthrough
    assert_equal "$(grep -c '  free$' "$STDOUT")" 3
}

@test "a PF with two netdevs is discovered once, by the first of its names" {
    # In whatever order the directory has them.
    host zz9:vfs=1,alias=eth3 eth4:vfs=1,alias=zz8
    discovered
    assert_equal "$(pfs)" "eth3 eth4"
}

@test "what discover prints holds when cards are renamed and renumbered" {
    host eth3:vfs=2 eth4:vfs=1
    discovered
    rm -r "$ROOT/sys" "$ROOT/.host"
    host ens9np0:vfs=2,address=0000:41:00.0 eth3:vfs=1,address=0000:42:00.0
    echo 02:00:00:00:01:00 >"$ROOT/sys/class/net/ens9np0/address"
    echo 02:00:00:00:02:00 >"$ROOT/sys/class/net/eth3/address"
    run_vfpool 0 status passthrough --format json
    assert_equal "$(jq -r '.pools[0] | "\(.missing // "")\(.vfs[] | " \(.address)")"' "$STDOUT" | xargs)" \
        '0000:41:10.0 0000:41:10.2 0000:42:10.0'
}

@test "discover knows a PF by its PCI address where its MAC address tells nothing" {
    host eth3:vfs=1 eth4:vfs=1 eth5:vfs=1,sparse eth6:vfs=1
    cp "$ROOT"/sys/class/net/eth{3,6}/address
    discovered eth3 eth4 eth5
    assert_equal "$(grep -o '<pf .*>' "$STDOUT")" '<pf dev="eth3" address="0000:01:00.0">
<pf dev="eth4" mac="02:00:00:00:02:00">
<pf dev="eth5" address="0000:03:00.0">'
    run_vfpool 0 status passthrough
    assert_equal "$(grep -c '  free$' "$STDOUT")" 3
}

@test "discover tells what it found" {
    host eth3:vfs=2,total=8,numa=1,down
    run_vfpool 0 discover
    for text in 0000:01:00.0 '2 of 8' 'NUMA node 1' down; do
        [[ $output == *"$text"* ]] || fail "no '$text'"
    done
    # What is not known is not made up.
    rm "$ROOT/sys/class/net/eth3/device/sriov_totalvfs" "$ROOT/sys/class/net/eth3/device/numa_node"
    discovered eth3
    run ! grep -e '-1' "$STDOUT"
}

@test "discover leaves out what is not Ethernet, and says so" {
    host eth3:vfs=1 ib0:vfs=1,type=32 odd--0:vfs=0,type=772 eth5:vfs=1
    discovered
    assert_equal "$(pfs)" "eth3 eth5"
    for text in '0000:02:00.0: left out, as ib0 is InfiniBand, not Ethernet' \
        '0000:03:00.0: left out, as its interface is of link type 772, not Ethernet'; do
        grep -qF "<!-- $text -->" "$STDOUT" || fail "no '$text'"
    done
    run_vfpool 0 status passthrough
    assert_equal "$(grep -c '  free$' "$STDOUT")" 2
    # One whose type is not known is taken.
    rm "$ROOT/sys/class/net/ib0/type"
    discovered
    assert_equal "$(pfs)" "eth3 ib0 eth5"
    rm -r "$ROOT/sys" "$ROOT/.host"
    host ib0:vfs=1,type=32 ib1:vfs=1,type=32
    run_vfpool 1 discover
    [[ -z $output ]]
    assert_one_line 'no network card with SR-IOV' 'ib0 is InfiniBand, not Ethernet'
}

@test "discover of wrong names is refused" {
    host eth3:vfs=1 plain:vfs=0 ib0:vfs=1,type=32
    rm "$ROOT"/sys/class/net/plain/device/sriov_*
    mkdir -p "$ROOT/sys/devices/virtual/net/br0"
    ln -s ../../devices/virtual/net/br0 "$ROOT/sys/class/net/br0"
    while IFS='|' read -r name reason; do
        for others in '' eth3; do
            # shellcheck disable=SC2086  # none is none
            run_vfpool 1 discover $others "$name"
            [[ -z $output ]]
            assert_one_line "$reason"
        done
    done <<'NAMES'
eth9|no network interface eth9
|is not the name
../eth3|is not the name
.|is not the name
br0|br0 is not a PCI device
plain|plain does not do SR-IOV
ib0|ib0 is InfiniBand, not Ethernet
eth3v0|eth3v0 does not do SR-IOV
xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|is not the name
NAMES
}

@test "discover on a host without SR-IOV says so" {
    mkdir -p "$ROOT/sys"
    run_vfpool 1 discover
    assert_one_line 'no network card with SR-IOV'
    host plain:vfs=0
    rm "$ROOT"/sys/class/net/plain/device/sriov_*
    run_vfpool 1 discover
    assert_one_line 'no network card with SR-IOV'
    rm -r "$ROOT/sys"
    run_vfpool 1 discover
    assert_one_line sys
}

# --- VFs that something speaks against ------------------------------------------

# vf_reason ADDRESS: its state and reason, by status.
vf_says() { run_vfpool 0 status --format json && jq -r --arg a "$1" '.pools[].vfs[] | select(.address == $a) | "\(.state) \(.reason)"' "$STDOUT" | tail -n 1; }
gets() { # ADDRESS: what a guest would get now
    run_hook 0 g prepare < <(guest g "${UUID[9]}" p:"${MAC[9]}")
    assert_taken "$1" "${UUID[9]}"
    run_hook 0 g release < <(guest g "${UUID[9]}")
}

@test "a VF that the host uses itself is chosen after all others, or never" {
    host eth3:vfs=3
    pool p eth3
    echo 0x1003 >"$ROOT/sys/class/net/eth3v0/flags"
    [[ $(vf_says 0000:01:10.0) == *"free the host uses it: its network interface is up, so it is chosen last" ]]
    gets 0000:01:10.2
    ln -s ../br0 "$ROOT/sys/class/net/eth3v1/master"
    [[ $(vf_says 0000:01:10.2) == *"free the host uses it: its network interface is part of another one"* ]]
    gets 0000:01:10.4
    mkdir "$ROOT/sys/class/net/eth3v2/upper_macvtap0"
    gets 0000:01:10.0
    # Prepared and shown alike.
    run_vfpool 0 transform - < <(guest g "${UUID[9]}" p:"${MAC[9]}")
    [[ $output == *"slot=\"0x10\" function=\"0x0\""* ]]
    pool p eth3 -- "<metadata><vfpool:pool xmlns:vfpool='urn:vfpool:1' host-used='never'/></metadata>"
    [[ $(vf_says 0000:01:10.0) == *"unusable VF 0 of PF eth3 is not for guests: the host uses it"* ]]
    run_hook 1 g prepare < <(guest g "${UUID[9]}" p:"${MAC[9]}")
    assert_one_line "VF 0 of PF eth3 is not for guests" "VF 2 of PF eth3"
    echo 0x1002 >"$ROOT/sys/class/net/eth3v0/flags"
    gets 0000:01:10.0
}

@test "VFs whose PF has no network interface are unusable" {
    host eth3:vfs=2 eth4:vfs=1
    {
        echo "<network><name>p</name><forward mode='hostdev' managed='yes'>"
        printf "<address type='pci' domain='0' bus='%s' slot='0x10' function='%s'/>" 1 0 1 2 2 0
        echo "</forward></network>"
    } >"$ROOT/etc/vfpool/p.xml"
    gets 0000:01:10.0
    rm -r "$ROOT"/sys/devices/*/*/0000:01:00.0/net "$ROOT/sys/class/net/eth3"
    [[ $(vf_says 0000:01:10.0) == *"unusable PF 0000:01:00.0 has no network interface here"* ]]
    gets 0000:02:10.0
    run_hook 1 g prepare < <(guest g "${UUID[9]}" p:"${MAC[8]}" p:"${MAC[9]}")
    assert_one_line "PF 0000:01:00.0 has no network interface here"
}

@test "a VF whose VFIO group a process has open is unusable, and the process named" {
    host eth3:vfs=2
    pool p eth3
    "$TESTS/host/build" "$ROOT" driver eth3/0 vfio-pci
    [[ $(vf_says 0000:01:10.0) == *"free it is bound to vfio-pci, and no guest has it, so it is chosen last" ]]
    gets 0000:01:10.2
    local group
    group=$(basename "$(readlink "$ROOT/sys/bus/pci/devices/0000:01:10.0/iommu_group")")
    mkdir -p "$ROOT/dev/vfio"
    : >"$ROOT/dev/vfio/$group"
    # Somebody who has it open until he is told to go.
    mkfifo "$BATS_TEST_TMPDIR/go"
    user() { read -r _ <"$BATS_TEST_TMPDIR/go" 9<"$ROOT/dev/vfio/$group"; }
    user 3>&- &
    local user=$!
    opened() { [[ -e /proc/$user/fd/9 ]]; }
    exec {go}<>"$BATS_TEST_TMPDIR/go"
    wait_until opened
    [[ $(vf_says 0000:01:10.0) == *"unusable VF 0 of PF eth3 is in use by process $user" ]]
    run_hook 0 a prepare < <(guest a "${UUID[1]}" p:"${MAC[1]}")
    run_hook 1 g prepare < <(guest g "${UUID[9]}" p:"${MAC[9]}")
    assert_one_line "VF 0 of PF eth3 is in use by process $user"
    # Of a guest that has it, that is no news.
    run_hook 0 g prepare < <(guest g "${UUID[9]}" "<hostdev mode='subsystem' type='pci' managed='yes'>
        <source><address domain='0x0000' bus='0x01' slot='0x10' function='0x0'/></source></hostdev>")
    [[ $(vf_says 0000:01:10.0) == *"claimed null" ]]
    echo >&"$go"
    wait "$user"
}

@test "in a pool that libvirt does not manage a VF bound to vfio-pci is as it should be" {
    host eth3:vfs=2
    echo "<network><name>p</name><forward mode='hostdev' managed='no'><pf dev='eth3'/></forward></network>" >"$ROOT/etc/vfpool/p.xml"
    "$TESTS/host/build" "$ROOT" driver eth3/0 vfio-pci
    [[ $(vf_says 0000:01:10.0) == *"free null" ]]
    gets 0000:01:10.0
}

# --- what is not there yet, or is called otherwise ------------------------------

@test "a guest is not glued to the reason of its VF" {
    host eth3:vfs=4
    pool p eth3
    run_hook 0 g prepare < <(guest g "${UUID[9]}" p:"${MAC[1]}" p:"${MAC[2]}" p:"${MAC[3]}" p:"${MAC[4]}")
    host numvfs eth3 2
    run_vfpool 0 status
    grep -q "^0000:01:10.4 .*  g  it is gone from sysfs$" "$STDOUT"
    run_vfpool 0 status --wide
    grep -q "^0000:01:10.4 .*  g  ${UUID[9]}  it is gone from sysfs$" "$STDOUT"
}

@test "a PF that has another name now is named by it" {
    host eth3:vfs=1 ens7f0np0:vfs=1,address=0000:41:00.0 enp67s0f1:vfs=1,address=0000:43:00.1
    says() { # OLD-NAME TEXT
        pool p "$1" eth3
        run_vfpool 0 status
        grep -q "^missing: there is no network interface $1: $2$" "$STDOUT" || fail "no hint for $1"
    }
    says ens7f0 '0000:41:00.0 is called ens7f0np0 now, name that one'
    says enp65s0f0np0 '0000:41:00.0 is called ens7f0np0 now, name that one'
    says enP0p65s0f0 '0000:41:00.0 is called ens7f0np0 now, name that one'
    says enp67s0f1np1 '0000:43:00.1 is called enp67s0f1 now, name that one'
    run_hook 0 g prepare < <(guest g "${UUID[9]}" p:"${MAC[1]}")
    run_hook 1 h prepare < <(guest h "${UUID[8]}" p:"${MAC[2]}")
    assert_one_line 'is called enp67s0f1 now'
    local name
    for name in ens7 ens7f0n enp66s0f0 eno1 enp999s0 enp65s40 en; do
        pool p "$name" eth3
        run_vfpool 0 status
        grep -q "^missing: there is no network interface $name$" "$STDOUT" || fail "a wrong hint for $name"
    done
}

@test "VFs that are made one after the other: as many as there are, and in words" {
    host eth3:vfs=3,total=8
    pool p eth3
    echo 8 >"$ROOT/sys/class/net/eth3/device/sriov_numvfs"
    run_vfpool 0 status
    grep -qx "missing: PF eth3 made 3 of 8 VFs so far, or the others are gone" "$STDOUT"
    assert_equal "$(grep -c '^0000.*free$' "$STDOUT")" 3
}

# A read of sriov_numvfs waits for whoever writes it (F49): here for ever.
@test "a card that does not answer holds up no guest, neither of another pool nor of its own" {
    host eth3:vfs=2 eth4:vfs=2
    pool p eth3
    pool q eth4
    for pf in eth3 eth4; do
        rm "$ROOT/sys/class/net/$pf/device/sriov_numvfs"
        mkfifo "$ROOT/sys/class/net/$pf/device/sriov_numvfs"
    done
    VFPOOL_TIMEOUT=10
    prepare 0 g 1
    made 0 p "$G" g "${MAC[64]}" 0000:01:10.2
    run_hook 0 g start < <(guest g "$G" "<interface type='hostdev' managed='yes'><mac address='${MAC[64]}'/><source>
        <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x2'/></source></interface>")
    ended 0 p "$G" g "${MAC[64]}" 0000:01:10.2
    release g 1
    assert_taken
    run_vfpool 0 transform - < <(guest g "$G" "p:${MAC[64]}")
    run_vfpool 0 explain - < <(guest g "$G" "p:${MAC[64]}")
}

@test "a number of VFs that the PF does not have, cannot have, or has not yet" {
    host eth3:vfs=4,total=16 eth4:vfs=0,total=16
    wants() { # PF NUMBER
        echo "<network><name>p</name><forward mode='hostdev'><pf dev='$1'><vf num='$2'/></pf></forward></network>" \
            >"$ROOT/etc/vfpool/p.xml"
        run_vfpool 0 status
    }
    wants eth3 8
    [[ $output == *"missing: PF eth3 has 4 VFs, and the pool file asks for 8"* ]]
    wants eth3 4
    [[ $output != *missing* ]]
    wants eth4 24
    [[ $output == *"missing: PF eth4 has no VFs: the pool file asks for 24, and it makes 16 at most"* ]]
    run_vfpool 0 reconcile
    [[ $stderr == *"note: cannot make 24 VFs on PF eth4 for pool 'p': it makes 16 at most"* ]] || fail "$stderr"
    assert_equal "$(<"$ROOT/sys/class/net/eth4/device/sriov_numvfs")" 0
    wants eth4 8
    [[ $output == *"missing: PF eth4 has no VFs yet: 'vfpool reconcile' makes the 8 of the pool file"* ]]
    # Never fewer, and never by way of none.
    wants eth3 2
    run_vfpool 0 reconcile
    assert_equal "$(<"$ROOT/sys/class/net/eth3/device/sriov_numvfs")" 4
}
