#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is set on each VF, as the kernel tells it: vfpool with a kernel on files (kernel/rtnetlink.c).

load helpers

setup() {
    common_setup
    host eth3:vfs=3 eth4:vfs=1
    pool net eth3 eth4
    mkdir "$ROOT/kernel"
    told eth4 "00:00:00:00:00:00 0 0 8100 0 0 -1 -1 -1 0"
}

# told PF LINE...: what the kernel knows of its VFs
told() {
    printf '%s\n' "${@:2}" > "$ROOT/kernel/$(cat "$ROOT/sys/class/net/$1/ifindex")"
}

# show CODE ARGUMENT...: status of this kernel's
show() { run_program "$1" "$VFPOOL_BUILD/tests/kernel/hook/vfpool" status "${@:2}"; }

set_json() { jq -c --argjson vf "$1" '.pools[0].vfs[$vf].settings' "$STDOUT"; }

@test "status --long: a line for each VF, in the words of ip link" {
    told eth3 "52:54:00:00:00:01 42 3 8100 100 1000 1 0 0 0" \
        "52:54:00:00:00:02 7 0 88a8 0 0 0 1 1 2" \
        "00:00:00:00:00:00 0 0 8100 0 10 -1 -1 -1 1"
    show 0 net --long
    assert_equal "$(grep -A 1 '^0000:' "$STDOUT" | grep '^ ')" "\
              mac 52:54:00:00:00:01, vlan 42 qos 3 802.1Q, tx rate at least 100 Mbit/s, tx rate at most 1000 Mbit/s, spoof check on, trust off, query rss off, link state auto
              mac 52:54:00:00:00:02, vlan 7 qos 0 802.1ad, spoof check off, trust on, query rss on, link state disable
              mac 00:00:00:00:00:00, tx rate at most 10 Mbit/s, link state enable
              mac 00:00:00:00:00:00, link state auto"
    assert_equal "$(cat "$STDERR")" ""
    show 0 net
    run ! grep -q 'spoof' "$STDOUT"
}

@test "the same as JSON and XML; what the driver does not tell is null" {
    told eth3 "52:54:00:00:00:01 42 3 88a8 100 1000 1 0 -1 0" \
        "00:00:00:00:00:00 0 0 8100 0 0 -1 -1 1 9" \
        "52:54:00:00:00:03 0 5 8100 0 0 -1 1 -1 0"
    show 0 --long --format json
    assert_equal "$(set_json 0)" '{"mac":"52:54:00:00:00:01","vlan":42,"qos":3,"protocol":"802.1ad","min_rate":100,"max_rate":1000,"spoof_check":true,"trust":false,"query_rss":null,"link_state":"auto","ours":[]}'
    assert_equal "$(set_json 1)" '{"mac":"00:00:00:00:00:00","vlan":0,"qos":0,"protocol":null,"min_rate":0,"max_rate":0,"spoof_check":null,"trust":null,"query_rss":true,"link_state":null,"ours":[]}'
    # Priority without a VLAN is a tag, too (802.1p).
    assert_equal "$(set_json 2 | jq -c '[.vlan, .qos, .protocol]')" '[0,5,"802.1Q"]'
    show 0 --long --format xml
    assert_equal "$(xmllint --xpath 'string(//vf[1]/settings/@protocol)' "$STDOUT")" 802.1ad
    assert_equal "$(xmllint --xpath 'count(//settings)' "$STDOUT")" 4
    show 0 --format json
    assert_equal "$(jq '[.. | objects | select(.settings? != null)] | length' "$STDOUT")" 0
}

@test "a VF is known by the number that the kernel gives it; one that it does not tell of has nothing" {
    told eth3 "vf 2 52:54:00:00:00:03 3 0 8100 0 0 0 0 0 0" "vf 0 52:54:00:00:00:01 1 0 8100 0 0 0 0 0 0" \
        "vf 3 52:54:00:00:00:04 4 0 8100 0 0 0 0 0 0"
    show 0 --long --format json
    assert_equal "$(jq -c '[.pools[0].vfs[] | .settings.vlan]' "$STDOUT")" "[1,null,3,0]"
}

@test "256 VFs fit into one answer" {
    host many:vfs=256,total=256
    pool large many
    mapfile -t lines < <(for i in $(seq 256); do echo "52:54:00:00:00:01 $i 0 8100 0 0 0 0 0 0"; done)
    told many "${lines[@]}"
    show 0 large --long --format json
    assert_equal "$(jq '[.pools[0].vfs[].settings.vlan] == [range(1; 257)]' "$STDOUT")" true
}

@test "two VFs of a PF that have one MAC address are a note, with --long or without" {
    told eth3 "52:54:00:00:00:01 0 0 8100 0 0 0 0 0 0" "52:54:00:00:00:02 0 0 8100 0 0 0 0 0 0" \
        "52:54:00:00:00:01 0 0 8100 0 0 0 0 0 0"
    told eth4 "52:54:00:00:00:02 0 0 8100 0 0 0 0 0 0"
    show 0
    assert_equal "$(tail -n 1 "$STDOUT")" "note: VFs 0 and 2 of PF eth3 have the same MAC address, 52:54:00:00:00:01: frames to it reach only one of them"
    assert_equal "$(grep -c '^note' "$STDOUT")" 1
    show 0 --long --format json
    assert_equal "$(jq -c '.pools[0].notes | length' "$STDOUT")" 1
    # None was set: not the same one.
    told eth3 "00:00:00:00:00:00 0 0 8100 0 0 0 0 0 0" "00:00:00:00:00:00 0 0 8100 0 0 0 0 0 0"
    show 0
    run ! grep -q '^note' "$STDOUT"
}

@test "a PF that the kernel refuses, or does not know, is a note, and the others are shown" {
    told eth3 "error 1"
    show 0 --long
    assert_equal "$(cat "$STDERR")" "vfpool: note: what is set on the VFs of PF eth3 is not shown: cannot read what PF eth3 has been told of its VFs: Operation not permitted"
    assert_equal "$(grep -c '^              mac' "$STDOUT")" 1
    rm -r "$ROOT/kernel"
    show 0 --long
    assert_equal "$(grep -c 'No such device' "$STDERR")" 2
}

@test "below another root than the machine's, its kernel is not asked" {
    run_vfpool 0 status --long
    assert_equal "$(grep -c 'this is not the host of the running kernel' "$STDERR")" 2
    run ! grep -q '^ *mac' "$STDOUT"
    run_vfpool 0 status
    assert_equal "$(cat "$STDERR")" ""
    run_vfpool 2 explain x --long
}
