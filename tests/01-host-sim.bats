#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The simulated host is what the other tests stand on: is it a host?

load helpers

# sysfs PATH: what an attribute says.
sysfs() {
    cat "$ROOT/sys/$1"
}

# addresses FILE: source addresses of hostdevs, or a network's, as sysfs writes them.
addresses() {
    sed -n "s/.*<address type='pci' domain='0x\(....\)' bus='0x\(..\)' slot='0x\(..\)' function='0x\(.\)'\/>.*/\1:\2:\3.\4/p" "$@"
}

# listed [PF...]: the addresses of the VFs, in order, on one line.
listed() {
    host list "$@" | cut -d ' ' -f 1 | xargs
}

# Every link of the tree leads somewhere.
assert_no_dangling() {
    local links
    links=$(find "$ROOT/sys" -xtype l)
    [[ -z $links ]] || fail "dangling:" "$links"
}

PF0=devices/pci0000:00/0000:00:01.0/0000:01:00.0

@test "an 82576 has the VFs that libvirt gave the captured guest" {
    host eth3:vfs=7
    got=$(sed -n "/<interface type='hostdev'/,/<\/source>/p" "$FIXTURES"/captured/013.* | addresses | xargs)
    assert_equal "$got" "0000:01:10.0 0000:01:10.2"
    assert_equal "$(listed)" "$got 0000:01:10.4 0000:01:10.6 0000:01:11.0 0000:01:11.2 0000:01:11.4"
}

@test "its second port has the VFs of the seed's Figure 16.14" {
    host eth3:vfs=7,address=0000:02:00.1
    sed 's/<address/\n&/g' "$FIXTURES/seed/figure-16.14.xml" >"$BATS_TEST_TMPDIR/lines"
    assert_equal "$(listed)" "$(addresses "$BATS_TEST_TMPDIR/lines" | xargs)"
}

@test "links read as the kernel writes them" {
    host eth3:vfs=1
    cd "$ROOT/sys"
    assert_equal "$(readlink class/net/eth3)" ../../$PF0/net/eth3
    assert_equal "$(readlink class/net/eth3/device)" ../../../0000:01:00.0
    assert_equal "$(readlink bus/pci/devices/0000:01:10.0)" ../../../${PF0%/*}/0000:01:10.0
    assert_equal "$(readlink $PF0/virtfn0)" ../0000:01:10.0
    assert_equal "$(readlink $PF0/virtfn0/physfn)" ../0000:01:00.0
    assert_equal "$(readlink $PF0/driver)" ../../../../bus/pci/drivers/igb
    assert_equal "$(readlink $PF0/virtfn0/driver)" ../../../../bus/pci/drivers/igbvf
    assert_equal "$(readlink $PF0/virtfn0/iommu_group)" ../../../../kernel/iommu_groups/1
    assert_equal "$(readlink kernel/iommu_groups/1/devices/0000:01:10.0)" ../../../../${PF0%/*}/0000:01:10.0
    assert_equal "$(readlink class/net/eth3v0)" ../../${PF0%/*}/0000:01:10.0/net/eth3v0
    assert_no_dangling
}

@test "attributes say what was asked for" {
    host eth3:vfs=3,total=8,numa=1,port=p1,offset=0x10,stride=1
    for want in sriov_numvfs=3 sriov_totalvfs=8 sriov_offset=16 sriov_stride=1 numa_node=1 \
        virtfn2/numa_node=1 vendor=0x8086 virtfn2/device=0x10ca class=0x020000 \
        net/eth3/flags=0x1003 net/eth3/operstate=up net/eth3/carrier=1 net/eth3/phys_port_name=p1; do
        assert_equal "$want" "${want%%=*}=$(sysfs "$PF0/${want%%=*}")"
    done
    assert_equal "$(listed)" "0000:01:02.0 0000:01:02.1 0000:01:02.2"
}

@test "VFs of many run over into buses that no other PF gets" {
    # shellcheck disable=SC2046  # 64 words are meant
    host $(printf 'eth%s:vfs=1,total=256 ' {0..63}) last:vfs=256
    assert_no_dangling
    assert_equal "$(listed eth0 eth1)" "0000:01:10.0 0000:04:10.0"
    # The last one's VFs are at its bus and the two after, beside it in the tree.
    assert_equal "$(host list last | cut -d : -f 2 | uniq -c | xargs)" "64 c1 128 c2 64 c3"
    [[ $(readlink "$ROOT/sys/class/net/last/device/virtfn255") == ../0000:c3:* ]]
    assert_equal "$(host list | sort -u | wc -l)" 320
}

@test "a PF whose place is given, and those placed around it, in one go or two" {
    host a:vfs=1,address=0000:02:00.0 b:vfs=1 c:vfs=1
    host d:vfs=1 e:vfs=1,address=0001:01:00.0
    assert_equal "$(host list | xargs)" \
        "0000:02:10.0 a 0 0000:03:10.0 b 0 0000:04:10.0 c 0 0000:05:10.0 d 0 0001:01:10.0 e 0"
    [[ $(readlink "$ROOT/sys/class/net/e") == ../../devices/pci0001:00/* ]]
    assert_no_dangling
}

@test "a PF goes down and comes up" {
    host eth3:vfs=1 eth4:vfs=1,down eth5:carrier=0
    assert_equal "$(sysfs class/net/eth4/flags)" 0x1002
    assert_equal "$(sysfs class/net/eth5/flags) $(sysfs class/net/eth5/operstate)" "0x1003 down"
    host down eth3
    assert_equal "$(sysfs class/net/eth3/flags) $(sysfs class/net/eth3/operstate)" "0x1002 down"
    # The kernel says EINVAL to whom reads carrier of a netdev that is down.
    run -1 sysfs class/net/eth3/carrier
    host up eth3 eth4
    for pf in eth3 eth4; do
        assert_equal "$(sysfs class/net/$pf/flags) $(sysfs class/net/$pf/carrier)" "0x1003 1"
    done
}

@test "a sparse PF lacks what a kernel may lack, and its VFs are there" {
    host eth3:vfs=2,sparse
    assert_equal "$(listed)" "0000:01:10.0 0000:01:10.2"
    for name in operstate carrier phys_port_name type address; do
        [[ ! -e $ROOT/sys/class/net/eth3/$name ]]
    done
    for name in numa_node sriov_offset sriov_stride vendor device class iommu_group; do
        [[ ! -e $ROOT/sys/$PF0/$name && ! -e $ROOT/sys/$PF0/virtfn0/$name ]]
    done
    assert_equal "$(sysfs $PF0/sriov_numvfs) $(sysfs class/net/eth3/flags)" "2 0x1003"
    host down eth3
    assert_equal "$(sysfs class/net/eth3/flags)" 0x1002
    [[ ! -e $ROOT/sys/class/net/eth3/carrier ]]
}

@test "a second name and representors lead to the PF's device" {
    host eth3:vfs=2,alias=lan0,representors
    for name in eth3 lan0 eth3_0 eth3_1; do
        assert_equal "$(readlink -f "$ROOT/sys/class/net/$name/device")" "$ROOT/sys/$PF0"
    done
    assert_equal "$(sysfs class/net/eth3/phys_port_name)" p0
    assert_equal "$(sysfs class/net/eth3_1/phys_port_name)" pf0vf1
    host vanish eth3/1
    [[ ! -L $ROOT/sys/class/net/eth3_1 && -e $ROOT/sys/class/net/eth3_0 ]]
    assert_no_dangling
}

@test "a PF has more netdevs, with ports of their own, and another kind of link" {
    host eth3:vfs=1,port=p0,rep=a0:c1pf0vf3,rep=b0 ib0:vfs=1,type=32
    for name in eth3 a0 b0; do
        assert_equal "$(readlink -f "$ROOT/sys/class/net/$name/device")" "$ROOT/sys/$PF0"
        assert_equal "$(sysfs class/net/$name/type) $(sysfs class/net/$name/flags)" "1 0x1003"
    done
    assert_equal "$(sysfs class/net/eth3/phys_port_name) $(sysfs class/net/a0/phys_port_name)" "p0 c1pf0vf3"
    run -1 sysfs class/net/b0/phys_port_name
    assert_equal "$(sysfs class/net/ib0/type)" 32
    assert_equal "$(sysfs class/net/ib0/address)" 80:00:02:08:fe:80:00:00:00:00:00:00:00:00:02:00:00:00:02:00
    host down eth3
    assert_equal "$(sysfs class/net/a0/flags)" 0x1002
    host vanish eth3
    [[ ! -L $ROOT/sys/class/net/a0 && ! -L $ROOT/sys/class/net/b0 ]]
    assert_no_dangling
}

@test "a VF vanishes with all that led to it" {
    host eth3:vfs=3
    host vanish eth3/0 0000:01:10.4
    assert_equal "$(host list)" "0000:01:10.2 eth3 1"
    assert_equal "$(find "$ROOT/sys" -name '0000:01:10.[04]')" ""
    assert_equal "$(sysfs $PF0/sriov_numvfs)" 3
    assert_no_dangling
    run -1 host vanish eth3/0
}

@test "a VF removed by hand leaves the PF's link" {
    host eth3:vfs=2
    host dangle eth3/1
    assert_equal "$(find "$ROOT/sys" -xtype l)" "$ROOT/sys/$PF0/virtfn1"
}

@test "a PF vanishes with its VFs" {
    host eth3:vfs=2 eth4:vfs=1
    host vanish eth3
    assert_equal "$(host list)" "0000:02:10.0 eth4 0"
    assert_equal "$(find "$ROOT/sys" -name '*:01:*')" ""
    assert_no_dangling
}

@test "the number of VFs changes" {
    host eth3:total=8
    [[ ! -L $ROOT/sys/$PF0/virtfn0 ]]
    host numvfs eth3 8
    assert_equal "$(sysfs $PF0/sriov_numvfs) $(listed | wc -w)" "8 8"
    host numvfs eth3 1
    assert_equal "$(sysfs $PF0/sriov_numvfs) $(listed)" "1 0000:01:10.0"
    assert_no_dangling
    run -1 host numvfs eth3 9
}

@test "a VF goes to vfio-pci and back" {
    host eth3:vfs=1
    host driver eth3/0 vfio-pci
    assert_equal "$(readlink "$ROOT/sys/$PF0/virtfn0/driver")" ../../../../bus/pci/drivers/vfio-pci
    [[ ! -e $ROOT/sys/$PF0/virtfn0/net && ! -L $ROOT/sys/class/net/eth3v0 ]]
    host driver 0000:01:10.0 none
    [[ ! -L $ROOT/sys/$PF0/virtfn0/driver ]]
    host driver eth3/0 igbvf
    [[ -e $ROOT/sys/class/net/eth3v0/device/physfn ]]
    assert_equal "$(find "$ROOT/sys/bus/pci/drivers" -name 0000:01:10.0)" \
        "$ROOT/sys/bus/pci/drivers/igbvf/0000:01:10.0"
}

@test "a VF has a name without its group, and is a vDPA device" {
    host eth3:vfs=2
    host driver eth3/0 vfio-pci
    host cdev eth3/0 3
    [[ -d $ROOT/sys/bus/pci/devices/0000:01:10.0/vfio-dev/vfio3 && -e $ROOT/dev/vfio/devices/vfio3 ]]
    host vdpa 0000:01:10.2 vdpa0
    assert_equal "$(readlink "$ROOT/sys/bus/vdpa/devices/vdpa0")" \
        ../../../devices/pci0000:00/0000:00:01.0/0000:01:10.2/vdpa0
    assert_no_dangling
    host vdpa eth3/1 none
    [[ ! -L $ROOT/sys/bus/vdpa/devices/vdpa0 && ! -e $ROOT/sys/bus/pci/devices/0000:01:10.2/vdpa0 ]]
}

@test "driver and IOMMU can be absent from the start" {
    host eth3:vfs=1,driver=none,noiommu
    for name in driver net iommu_group; do
        [[ ! -e $ROOT/sys/$PF0/virtfn0/$name ]]
    done
}

@test "what cannot be is refused" {
    host eth3:vfs=1
    before=$(find "$ROOT" | sort)
    for arguments in eth3:vfs=1 x:vfs=9,total=8 x:vfs=many x:foo=1 x:address=1:2 sixteen-letters-x \
        x:address=0000:01:00.0 'down eth9' 'numvfs eth3' 'driver 0000:01:10.7 none'; do
        # shellcheck disable=SC2086  # an argument may be several words
        run host $arguments
        [[ $status != 0 && $output == *[a-z]* ]] || fail "'$arguments' passed"
    done
    assert_equal "$(find "$ROOT" | sort)" "$before"
}
