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
    guest "g$1" "$(uuid "$1")" "p:$(mac "$1")" | sed "s|<vcpu placement='static'>1</vcpu>|$2|"
}

# chosen: the addresses of the guest's VFs, in the order of its interfaces
chosen() {
    xmllint --xpath '//interface//source/address' "$STDOUT" |
        sed -n 's/.*domain=.0x\([0-9a-f]*\).* bus=.0x\([0-9a-f]*\).* slot=.0x\([0-9a-f]*\).* function=.0x\([0-7]\).*/\1:\2:\3.\4/p' |
        xargs
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
    assert_taken 0000:02:10.0 "$(uuid 1)"
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
    gets 1 "0000:01:10.0 0000:02:10.0" < <(guest g1 "$(uuid 1)" "p:$(mac 1)" "p:$(mac 2)")
    gets 2 "0000:01:10.2 0000:01:10.4" < <(guest g2 "$(uuid 2)" "p:$(mac 3)" "p:$(mac 4)")
    for i in 1 2; do run_hook 0 g$i release < <(bound $i ''); done
    policy "separate='no'" eth3 eth4
    gets 1 "0000:01:10.0 0000:01:10.2" < <(guest g1 "$(uuid 1)" "p:$(mac 1)" "p:$(mac 2)")
    run_hook 0 g1 release < <(bound 1 '')
    policy "separate='require'" eth3 eth4
    gets 1 "0000:01:10.0 0000:02:10.0" < <(guest g1 "$(uuid 1)" "p:$(mac 1)" "p:$(mac 2)")
    run_hook 1 g2 prepare < <(guest g2 "$(uuid 2)" "p:$(mac 3)" "p:$(mac 4)")
    assert_one_line "pool 'p' has no free VF for interface 2 of guest 'g2'" \
        "the guest has an interface on PF eth3 already, and each is to be on another" "0000:02:10.0 is held by guest 'g1'"
    assert_taken 0000:01:10.0 "$(uuid 1)" 0000:02:10.0 "$(uuid 1)"
}

@test "all interfaces at once: what one alone would take is left to another that needs it" {
    host eth3:vfs=2,numa=0 eth4:vfs=1,numa=1
    # The first interface would have 01:10.0; but the other one has the same MAC address, and 02:10.0 is taken.
    policy "separate='no'" eth3 eth4
    gets 1 "0000:01:10.0 0000:02:10.0" < <(guest g1 "$(uuid 1)" "p:$(mac 1)" "p:$(mac 1)")
    run_hook 0 g1 release < <(bound 1 '')
    gets 1 "0000:01:10.0 0000:01:10.2 0000:02:10.0" < <(guest g1 "$(uuid 1)" "p:$(mac 1)" "p:$(mac 2)" "p:$(mac 1)")
    run_hook 0 g1 release < <(bound 1 '')
    # One after the other, the first would be alone on PF eth3, and the third find nothing.
    gets 1 "0000:01:10.0 0000:01:10.2 0000:02:10.0" < <(guest g1 "$(uuid 1)" "p:$(mac 1)" "p:$(mac 2)" "p:$(mac 2)")
}
