#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Which VF a guest gets, by what its pool says. tests/unit/choose.c and assignment.c have the rules and their corners;
# here they are read from the pool file and the guest, and prepare, transform and the errors agree.

load helpers

# policy ATTRIBUTES PF...: the pool p, of these PFs
policy() {
    local attributes=$1
    shift
    pool p "$@" -- "<metadata><v:pool xmlns:v='urn:vfpool:1' $attributes/></metadata>"
}

# bound N XML: guest N with one interface, where XML says what it runs on
bound() {
    guest "g$1" "${UUID[$1]}" "p:${MAC[$1]}" | sed "s|<vcpu placement='static'>1</vcpu>|$2|"
}

# chosen: the addresses of the guest's VFs, in the order of its interfaces
chosen() {
    local line all=()
    while IFS= read -r line; do
        [[ $line =~ '<address type="pci" domain="0x'([0-9a-f]+)'" bus="0x'([0-9a-f]+)'" slot="0x'([0-9a-f]+)'" function="0x'([0-7])'"/>' ]] &&
            all+=("${BASH_REMATCH[1]}:${BASH_REMATCH[2]}:${BASH_REMATCH[3]}.${BASH_REMATCH[4]}")
    done < "$STDOUT"
    echo "${all[*]}"
}

# gets N WANT <XML: transform says so, prepare does it
gets() {
    cat > "$BATS_TEST_TMPDIR/guest.xml"
    run_vfpool 0 transform - < "$BATS_TEST_TMPDIR/guest.xml" || return
    assert_equal "$(chosen)" "$2" || return
    run_hook 0 "g$1" prepare < "$BATS_TEST_TMPDIR/guest.xml" || return
    assert_equal "$(chosen)" "$2"
}

@test "order: the first, from the fullest share, from the emptiest" {
    local order guest want
    host eth3:vfs=4 eth4:vfs=2 eth5:vfs=2
    while read -r order want; do
        policy "order='$order'" eth3 eth4 eth5
        guest=0
        for vf in $want; do
            guest=$((guest + 1))
            gets $guest "$vf" < <(bound $guest '')
        done
        for ((; guest; guest--)); do run_hook 0 "g$guest" release < <(bound $guest ''); done
    done << 'ORDERS'
first 0000:01:10.0 0000:01:10.2 0000:01:10.4 0000:01:10.6 0000:02:10.0 0000:02:10.2 0000:03:10.0
spread 0000:01:10.0 0000:02:10.0 0000:03:10.0 0000:01:10.2 0000:01:10.4 0000:02:10.2 0000:03:10.2
pack 0000:01:10.0 0000:01:10.2 0000:01:10.4 0000:01:10.6 0000:02:10.0 0000:02:10.2 0000:03:10.0
ORDERS
    # A guest of each of the others fills the emptier PF up first.
    policy "order='spread'" eth3 eth4 eth5
    gets 1 0000:01:10.0 < <(bound 1 '')
    gets 2 0000:02:10.0 < <(bound 2 '')
    policy "order='pack'" eth3 eth4 eth5
    gets 3 0000:02:10.2 < <(bound 3 '')
    gets 4 0000:01:10.2 < <(bound 4 '')
}

# runs N: guest N has the VFs that it claimed
runs() {
    local interfaces=()
    while IFS=' :.' read -r domain bus slot function _; do
        interfaces+=("<interface type='hostdev'><mac address='${MAC[$1]}'/><source><address type='pci' domain='0x$domain' bus='0x$bus' slot='0x$slot' function='0x$function'/></source></interface>")
    done < <(taken | grep "${UUID[$1]}$")
    run_hook 0 "g$1" start < <(guest "g$1" "${UUID[$1]}" "${interfaces[@]}")
}

# back N...: guests run, and end, one after the other
back() {
    for guest; do
        runs "$guest" || return
        run_hook 0 "g$guest" release < <(bound "$guest" '') || return
    done
}

@test "order: the one that came back longest ago" {
    local i
    host eth3:vfs=2 eth4:vfs=2
    policy "order='lru'" eth3 eth4
    gets 1 0000:01:10.0 < <(bound 1 '')
    back 1
    # Those that never were away come first.
    run_vfpool 0 explain --format json - < <(bound 1 '')
    assert_equal "$(jq -r '.interfaces[0].vfs[0].reason' "$STDOUT")" 'VF 1 of PF eth3 was not away yet'
    for i in 1:0000:01:10.2 2:0000:02:10.0 3:0000:02:10.2 4:0000:01:10.0; do
        gets "${i%%:*}" "${i#*:}" < <(bound "${i%%:*}" '')
    done
    back 3 1 4 2
    run_vfpool 0 explain --format json - < <(bound 5 '')
    assert_equal "$(jq -r '.interfaces[0].vfs[] | "\(.address) \(.reason // "")"' "$STDOUT")" \
        "0000:01:10.0 VF 1 of PF eth4 came back before it
0000:01:10.2 VF 1 of PF eth4 came back before it
0000:02:10.0 VF 1 of PF eth4 came back before it
0000:02:10.2 "
    gets 5 0000:02:10.2 < <(bound 5 '')
    # Of several PFs the better one all the same, and the first of those that came back there.
    gets 6 '0000:01:10.2 0000:02:10.0' < <(guest g6 "${UUID[6]}" "p:${MAC[6]}" "p:${MAC[7]}")
    back 5 6
    # What is not to be understood counts for nothing.
    local a="${UUID[8]} ${MAC[8]} 0000:01:10"
    printf '%s.0\n%s\nx\n\n%s.0x\n%s.2' "$a" "${a%10}" "$a" "$a" > "$ROOT/var/lib/vfpool/last"
    gets 5 0000:02:10.0 < <(bound 5 '')
    gets 6 0000:02:10.2 < <(bound 6 '')
    gets 7 0000:01:10.0 < <(bound 7 '')
    rm "$ROOT/var/lib/vfpool/last"
    back 7
    gets 8 0000:01:10.2 < <(bound 8 '')
    assert_equal "$(cut -d' ' -f3 "$ROOT/var/lib/vfpool/last" | xargs)" '0000:01:10.0 0000:01:10.0'
    # Another host life: the ledger is gone, and what was had last is not.
    back 8
    rm -r "$ROOT/run/vfpool"
    for i in 1:0000:02:10.0 2:0000:02:10.2 3:0000:01:10.0 4:0000:01:10.2; do
        gets "${i%%:*}" "${i#*:}" < <(bound "${i%%:*}" '')
    done
}

@test "lru: of a device that has no MAC address it is known as well when it came back" {
    local i
    host eth3:vfs=2
    policy "order='lru'" eth3
    guest g1 "${UUID[1]}" "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='0x01' slot='0x10' function='0x0'/></source></hostdev>" \
        > "$BATS_TEST_TMPDIR/device.xml"
    for i in prepare start release; do run_hook 0 g1 $i < "$BATS_TEST_TMPDIR/device.xml"; done
    assert_equal "$(< "$ROOT/var/lib/vfpool/last")" "$(printf '%s 00:00:00:00:00:00 0000:01:10.0\n' "${UUID[1]}" "${UUID[1]}")"
    gets 2 0000:01:10.2 < <(bound 2 '')
}

@test "what came back is kept short" {
    local i line
    host eth3:vfs=2
    policy "order='lru'" eth3
    gets 1 0000:01:10.0 < <(bound 1 '')
    local a="${UUID[1]} ${MAC[1]}" b="${UUID[2]} ${MAC[2]}" last=$ROOT/var/lib/vfpool/last
    for line in "$a 0000:01:10.2" "$b 0000:01:10.0" "$b 0000:07:00.1"; do
        for ((i = 0; i < 5200; i++)); do echo "$line"; done
    done > "$last"
    truncate -s $((1048576 / 68 * 68)) "$last"
    back 1
    # It was made shorter at the start, and there is the return.
    assert_equal "$(< "$last")" "$b 0000:07:00.1
$a 0000:01:10.0
$a 0000:01:10.0"
    gets 1 0000:01:10.2 < <(bound 1 '')
}

@test "what a guest says itself counts where the pool lets it" {
    host eth3:vfs=4,numa=0 eth4:vfs=4,numa=1
    own() { bound "$1" "<vcpu cpuset='8'>1</vcpu><metadata><v:guest xmlns:v='urn:vfpool:1' $2/><x xmlns='urn:x' numa='no'/></metadata>"; }
    policy "override='order numa' numa='ignore'" eth3 eth4
    gets 1 0000:02:10.0 < <(own 1 "numa='require'")
    gets 2 0000:02:10.2 < <(own 2 "order='pack'")
    gets 3 0000:01:10.0 < <(own 3 '')
    run_vfpool 0 explain --format json - < <(own 4 "numa='prefer' order='lru'")
    assert_equal "$(jq -c '.interfaces[0].policy' "$STDOUT")" '{"separate":"prefer","numa":"prefer","sticky":false,"order":"lru"}'
    while IFS='|' read -r pool says reason; do
        policy "$pool" eth3 eth4
        own 5 "$says" > "$BATS_TEST_TMPDIR/guest.xml"
        snapshot
        for call in 'vfpool transform -' 'vfpool explain -' 'qemu g5 prepare begin -'; do
            # shellcheck disable=SC2086  # words
            run_program '[135]' "$VFPOOL_BUILD/hook/"$call < "$BATS_TEST_TMPDIR/guest.xml"
            assert_one_line "guest 'g5' says $reason"
            [[ -z $output ]]
        done
        assert_unchanged
    done << 'REFUSED'
|numa='require'|numa='require' in its <metadata>, and pool 'p' does not let guests say that: it would have to have override='numa'
override='order separate'|numa='require'|numa='require' in its <metadata>, and pool 'p' does not let guests say that
override='all'|numa='near'|numa='near' in its <metadata>: that can be ignore, prefer or require
override='all'|order='last'|order='last' in its <metadata>: that can be first, spread, pack or lru
override='all'|order=''|order='' in its <metadata>
override='all'|carrier='require'|carrier='require' in its <metadata>: there is no such policy
REFUSED
    # Who has nothing of the pool is not asked.
    run_hook 0 g5 prepare < <(own 5 "numa='near'" | sed "s|network='p'|network='default'|")
    # All of it.
    policy "override='all' numa='ignore'" eth3 eth4
    gets 5 0000:02:10.4 < <(own 5 "numa='require'")
    # Another word there is a mistake, too.
    run_vfpool 1 transform - < <(own 6 '' | sed 's/v:guest/v:gest/')
    assert_one_line "guest 'g6' has <gest> in its <metadata>: vfpool knows <guest> only"
}

@test "numa: the PF of the nodes where the guest runs" {
    local want xml i=0
    host eth3:vfs=9,numa=0 eth4:vfs=9,numa=1 eth5:vfs=9
    while IFS='|' read -r want xml; do
        i=$((i + 1))
        policy "numa='prefer'" eth5 eth3 eth4
        gets $i "$want" < <(bound $i "$xml")
        policy "numa='require'" eth5 eth3 eth4
        run_vfpool 0 transform - < <(bound 50 "$xml")
        [[ $(chosen) == "${want%.*}".* ]]
        policy "numa='ignore'" eth5 eth3 eth4
        run_vfpool 0 transform - < <(bound 50 "$xml")
        [[ $(chosen) == 0000:03:10.* ]]
        run_hook 0 "g$i" release < <(bound $i '')
    done << 'GUESTS'
0000:03:10.0|<vcpu>1</vcpu>
0000:01:10.0|<vcpu cpuset='0-3'>1</vcpu>
0000:02:10.0|<vcpu cpuset='8-9,^8'>1</vcpu>
0000:01:10.0|<vcpu cpuset='0-15'>1</vcpu>
0000:02:10.0|<vcpu cpuset='0-15'>1</vcpu><cputune><vcpupin vcpu='0' cpuset='12'/></cputune>
0000:02:10.0|<vcpu>1</vcpu><cputune><vcpupin vcpu='0' cpuset='12'/><emulatorpin cpuset='0'/></cputune>
0000:02:10.0|<vcpu>1</vcpu><cputune><emulatorpin cpuset='8'/></cputune>
0000:02:10.0|<vcpu>1</vcpu><numatune><memory mode='strict' nodeset='1'/></numatune>
0000:02:10.0|<vcpu>1</vcpu><numatune><memnode cellid='0' mode='strict' nodeset='1'/></numatune>
0000:01:10.0|<vcpu cpuset='1'>1</vcpu><numatune><memory mode='strict' nodeset='1'/></numatune>
0000:03:10.0|<vcpu cpuset='64'>1</vcpu>
0000:03:10.0|<vcpu placement='auto'>1</vcpu><numatune><memory mode='strict' placement='auto'/></numatune>
GUESTS
}

@test "numa: what is preferred is not insisted on, and what is required is" {
    host eth3:vfs=1,numa=0 eth4:vfs=1,numa=1
    policy "numa='prefer'" eth3 eth4
    gets 1 0000:02:10.0 < <(bound 1 "<vcpu cpuset='8'>1</vcpu>")
    gets 2 0000:01:10.0 < <(bound 2 "<vcpu cpuset='8'>1</vcpu>")
    run_hook 0 g2 release < <(bound 2 '')
    policy "numa='require'" eth3 eth4
    run_hook 1 g2 prepare < <(bound 2 "<vcpu cpuset='8'>1</vcpu>")
    assert_one_line "pool 'p' has no free VF for interface 1 of guest 'g2'" \
        "PF eth3 is on NUMA node 0, where the guest does not run" "0000:02:10.0 is held by guest 'g1'"
    assert_taken 0000:02:10.0 "${UUID[1]}"
    gets 2 0000:01:10.0 < <(bound 2 "<vcpu cpuset='0-15'>1</vcpu>")
}

@test "numa: nodes of the host that cannot be seen are no reason" {
    host eth3:vfs=1,numa=0 eth4:vfs=1,numa=1
    rm -r "$ROOT/sys/devices/system/node"
    policy "numa='require'" eth3 eth4
    gets 1 0000:01:10.0 < <(bound 1 "<vcpu cpuset='8'>1</vcpu>")
}

@test "separate: preferred, required, or not" {
    host eth3:vfs=3 eth4:vfs=1
    policy '' eth3 eth4
    gets 1 "0000:01:10.0 0000:02:10.0" < <(guest g1 "${UUID[1]}" "p:${MAC[1]}" "p:${MAC[2]}")
    gets 2 "0000:01:10.2 0000:01:10.4" < <(guest g2 "${UUID[2]}" "p:${MAC[3]}" "p:${MAC[4]}")
    for i in 1 2; do run_hook 0 g$i release < <(bound $i ''); done
    policy "separate='no'" eth3 eth4
    gets 1 "0000:01:10.0 0000:01:10.2" < <(guest g1 "${UUID[1]}" "p:${MAC[1]}" "p:${MAC[2]}")
    run_hook 0 g1 release < <(bound 1 '')
    policy "separate='require'" eth3 eth4
    gets 1 "0000:01:10.0 0000:02:10.0" < <(guest g1 "${UUID[1]}" "p:${MAC[1]}" "p:${MAC[2]}")
    run_hook 1 g2 prepare < <(guest g2 "${UUID[2]}" "p:${MAC[3]}" "p:${MAC[4]}")
    assert_one_line "pool 'p' has no free VF for interface 2 of guest 'g2'" \
        "the guest has an interface on PF eth3 already, and each is to be on another" "0000:02:10.0 is held by guest 'g1'"
    assert_taken 0000:01:10.0 "${UUID[1]}" 0000:02:10.0 "${UUID[1]}"
}

@test "all interfaces at once: what one alone would take is left to another that needs it" {
    host eth3:vfs=2,numa=0 eth4:vfs=1,numa=1
    # The first interface would have 01:10.0; but the other one has the same MAC address, and 02:10.0 is taken.
    policy "separate='no'" eth3 eth4
    gets 1 "0000:01:10.0 0000:02:10.0" < <(guest g1 "${UUID[1]}" "p:${MAC[1]}" "p:${MAC[1]}")
    run_hook 0 g1 release < <(bound 1 '')
    gets 1 "0000:01:10.0 0000:01:10.2 0000:02:10.0" < <(guest g1 "${UUID[1]}" "p:${MAC[1]}" "p:${MAC[2]}" "p:${MAC[1]}")
    run_hook 0 g1 release < <(bound 1 '')
    # One after the other, the first would be alone on PF eth3, and the third find nothing.
    gets 1 "0000:01:10.0 0000:01:10.2 0000:02:10.0" < <(guest g1 "${UUID[1]}" "p:${MAC[1]}" "p:${MAC[2]}" "p:${MAC[2]}")
}

# --- some VFs of a PF --------------------------------------------------------

# pfs NAME XML: the pool of these <pf>
pfs() {
    echo "<network><name>$1</name><forward mode='hostdev' managed='yes'>$2</forward></network>" > "$ROOT/etc/vfpool/$1.xml"
}

@test "some VFs of a PF are the pool, and others another one" {
    host eth3:vfs=6
    pfs p "<pf dev='eth3' vfs='1,3-4'/>"
    pfs q "<pf dev='eth3' vfs='0,2,5'/>"
    run_vfpool 0 network p
    assert_equal "$(grep -o 'slot="0x..*function="0x.' "$STDOUT" | tr -d '\n')" \
        'slot="0x10" function="0x2slot="0x10" function="0x6slot="0x11" function="0x0'
    gets 1 "0000:01:10.2" < <(bound 1 '')
    gets 2 "0000:01:10.6" < <(bound 2 '')
    gets 3 "0000:01:11.0" < <(bound 3 '')
    run_hook 1 g4 prepare < <(bound 4 '')
    assert_one_line "0000:01:10.2 is held by guest 'g1'" "0000:01:10.6" "0000:01:11.0 is held by guest 'g3'"
    [[ $stderr != *10.0* && $stderr != *10.4* ]]
    run_hook 0 h prepare < <(guest h "${UUID[9]}" "q:${MAC[9]}")
    assert_equal "$(chosen)" 0000:01:10.0
    run_vfpool 0 status p
    [[ $output != *10.0* && $output == *10.2* ]]
}

@test "VFs that a PF does not have are named, and one that is gone" {
    host eth3:vfs=4
    pfs p "<pf dev='eth3' vfs='2-5'><reserve vfs='5' guest='g9'/></pf>"
    run_vfpool 0 status
    [[ $output == *"PF eth3 has 4 VFs, and the pool file names VF 5"* ]]
    gets 1 "0000:01:10.4" < <(bound 1 '')
    host vanish eth3/2
    host vanish eth3/1
    run_vfpool 0 status
    [[ $output == *"VF 2 of PF eth3 is gone from sysfs"* && $output != *"VF 1 of"* ]]
}

@test "a reserved VF is its guest's alone, who takes it first" {
    host eth3:vfs=3
    pfs p "<pf dev='eth3'><reserve vfs='0' guest='g9'/><reserve vfs='2' guest='${UUID[8]^^}'/></pf>"
    gets 1 "0000:01:10.2" < <(bound 1 '')
    run_hook 1 g2 prepare < <(bound 2 '')
    assert_one_line "VF 0 of PF eth3 is reserved for guest 'g9'" "0000:01:10.2 is held by guest 'g1'" \
        "VF 2 of PF eth3 is reserved for guest '00000000-0000-4000-8000-000000000008'"
    run_vfpool 0 status p
    [[ $output == *"0000:01:10.0"*free*"VF 0 of PF eth3 is reserved for guest 'g9'"* ]]
    run_hook 0 g1 release < <(bound 1 '')
    gets 8 "0000:01:10.4" < <(bound 8 '')
    gets 9 "0000:01:10.0" < <(bound 9 '')
    run_vfpool 0 status p
    [[ $output != *reserved*g9* ]]
}

@test "what is reserved for a guest by its UUID is not for one that has this UUID as its name" {
    host eth3:vfs=1
    pfs p "<pf dev='eth3'><reserve vfs='0' guest='${UUID[8]}'/></pf>"
    run_hook 1 "${UUID[8]}" prepare < <(guest "${UUID[8]}" "${UUID[1]}" "p:${MAC[1]}")
    assert_one_line "VF 0 of PF eth3 is reserved for guest '${UUID[8]}'"
    gets 8 "0000:01:10.0" < <(bound 8 '')
    run_vfpool 0 history "${UUID[1]}"
    [[ $output == *refused* ]]
    run_vfpool 0 history "${UUID[8]}"
    [[ $output == *g8* && $output != *refused* ]]
    run_vfpool 1 explain "${UUID[1]}"
}

@test "a guest may ask for more than is reserved for it, and by its address for any" {
    host eth3:vfs=3
    pfs p "<pf dev='eth3'><reserve vfs='2' guest='g9'/></pf>"
    gets 9 "0000:01:10.0 0000:01:10.4" < <(guest g9 "${UUID[9]}" "p:${MAC[1]}" "p:${MAC[2]}")
    run_hook 0 g9 release < <(bound 9 '')
    run_hook 0 g1 prepare < <(guest g1 "${UUID[1]}" "<hostdev mode='subsystem' type='pci' managed='yes'><source>
        <address domain='0x0000' bus='0x01' slot='0x10' function='0x4'/></source></hostdev>")
    assert_taken 0000:01:10.4 "${UUID[1]}"
}

@test "a VF that libvirt gives though it is reserved is refused, and not when it only tells" {
    host eth3:vfs=2
    pfs p "<pf dev='eth3'><reserve vfs='0' guest='g9'/></pf>"
    run_hook 0 g1 prepare < <(bound 1 '')
    run_program 1 "$VFPOOL_BUILD/hook/network" p port-created begin - \
        < <(allocation "${UUID[1]}" g1 "${MAC[1]}" 0000:01:10.0)
    assert_one_line "libvirt gives guest 'g1' VF 0000:01:10.0 of pool 'p'" "VF 0 of PF eth3 is reserved for guest 'g9'"
    assert_taken 0000:01:10.2 "${UUID[1]}"
    run_program 0 "$VFPOOL_BUILD/hook/network" p port-created begin - \
        < <(allocation "${UUID[1]}" g1 "${MAC[1]}" 0000:01:10.2)
}

@test "more interfaces than VFs are refused at once, however many" {
    host eth3:vfs=2 eth4:vfs=2
    pfs p "<pf dev='eth3'/>"
    pfs q "<pf dev='eth4'/>"
    local wants=(q:52:54:00:01:00:00)
    for i in {0..1999}; do printf -v wants[i+1] 'p:52:54:00:00:%02x:%02x' $((i / 256)) $((i % 256)); done
    guest g1 "${UUID[1]}" "${wants[@]}" > "$BATS_TEST_TMPDIR/in"
    VFPOOL_TIMEOUT=5
    run_hook 1 g1 prepare < "$BATS_TEST_TMPDIR/in"
    assert_one_line "pool 'p' has no free VF for interface 4 of guest 'g1'" "it goes to another interface of the guest"
    assert_taken
}

# --- health ------------------------------------------------------------------

# says WORDS: status and the exhaustion error give this reason
says() {
    run_vfpool 0 status || return
    [[ $output == *"$1"* ]] || fail "status does not say '$1'" || return
    run_hook 1 g8 prepare < <(bound 8 '') || return
    assert_one_line "$1"
}

@test "a PF without carrier, where the pool requires one" {
    host eth3:vfs=1,carrier=0 eth4:vfs=1
    policy "carrier='ignore'" eth3 eth4
    gets 1 0000:01:10.0 < <(bound 1 '')
    run_hook 0 g1 release < <(bound 1 '')
    policy "carrier='require'" eth3 eth4
    gets 1 0000:02:10.0 < <(bound 1 '')
    says "PF eth3 has no carrier"
}

# drive DRIVER ADDRESS: somebody bound the VF to it by hand
drive() {
    local device=$ROOT/sys/bus/pci/devices/$2 net
    mkdir -p "$ROOT/sys/bus/pci/drivers/$1"
    ln -sfn "$ROOT/sys/bus/pci/drivers/$1" "$device/driver"
    for net in "$device"/net/*; do
        [[ ! -e $net ]] || rm -r "$ROOT/sys/class/net/${net##*/}" "$net"
    done
}

@test "a VF that is bound to somebody else's driver" {
    local driver
    host eth3:vfs=1 eth4:vfs=1
    policy '' eth3 eth4
    for driver in uio_pci_generic pci-stub igb_uio; do
        drive $driver 0000:01:10.0
        gets 1 0000:02:10.0 < <(bound 1 '')
        says "VF 0 of PF eth3 is bound to driver $driver"
        run_hook 0 g1 release < <(bound 1 '')
    done
    # A variant of vfio-pci is no other driver.
    drive mlx5_vfio_pci 0000:01:10.0
    rm "$ROOT/sys/bus/pci/devices/0000:02:10.0/driver"
    gets 1 0000:02:10.0 < <(bound 1 '')
    gets 2 0000:01:10.0 < <(bound 2 '')
}

# group ADDRESS WITH: the device is in another one's IOMMU group
group() {
    local devices=$ROOT/sys/bus/pci/devices group
    group=$(readlink -f "$devices/$2/iommu_group")
    ln -sfn "$group" "$devices/$1/iommu_group"
    ln -s "$(readlink -f "$devices/$1")" "$group/devices/$1"
}

@test "a VF that shares its IOMMU group with a device of the host's" {
    host eth3:vfs=1 eth4:vfs=1 eth9:vfs=1
    policy '' eth3 eth4
    group 0000:01:10.0 0000:03:00.0
    gets 1 0000:02:10.0 < <(bound 1 '')
    says "VF 0 of PF eth3 shares its IOMMU group with 0000:03:00.0 (igb), which stays with the host"
    # Also where another VF is in the group, whichever comes first.
    group 0000:02:10.0 0000:03:00.0
    run_hook 0 g1 release < <(bound 1 '')
    run_hook 1 g1 prepare < <(bound 1 '')
    assert_one_line "VF 0 of PF eth3 shares its IOMMU group with 0000:03:00.0 (igb), which stays with the host" \
        "VF 0 of PF eth4 shares"
    # Of these the kernel takes no notice.
    drive vfio-pci 0000:02:10.0
    for driver in pcieport vfio-pci pci-stub; do
        drive $driver 0000:03:00.0
        gets 1 0000:01:10.0 < <(bound 1 '')
        run_hook 0 g1 release < <(bound 1 '')
    done
}

@test "VFs of a pool that share an IOMMU group are chosen last" {
    host eth3:vfs=3
    policy '' eth3
    group 0000:01:10.0 0000:01:10.2
    gets 1 0000:01:10.4 < <(bound 1 '')
    run_vfpool 0 status
    [[ $output == *"it shares its IOMMU group with 0000:01:10.2 (igbvf), which has to go along, so it is chosen last"* ]]
    gets 2 "0000:01:10.0 0000:01:10.2" < <(guest g2 "${UUID[2]}" "p:${MAC[2]}" "p:${MAC[3]}")
}
