#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A cluster: what guests need, and what a node has for them. What Pacemaker makes of it is 64-pacemaker.

load helpers
load cluster/helpers

setup() { cluster_setup; }

# --- needs -------------------------------------------------------------------

@test "needs: interfaces on pools are counted, in each form" {
    guest g1 "${UUID[1]}" "p:${MAC[1]}" "q:${MAC[2]}" "p:${MAC[3]}" > g1.xml
    guest "it's g2" "${UUID[2]}" "p:${MAC[4]}" "default:${MAC[5]}" > g2.xml
    guest g3 "${UUID[3]}" "default:${MAC[6]}" > g3.xml
    snapshot
    run_vfpool 0 needs g1.xml g2.xml g3.xml
    assert_equal "$output" "GUEST     VFS  POOL
g1          2  p
g1          1  q
it's g2     1  p
g3          0"
    run_vfpool 0 needs --format json g1.xml g3.xml
    assert_equal "$output" '{"format":1,"guests":[{"name":"g1","uuid":"'"${UUID[1]}"'","pools":[{"name":"p","vfs":2},{"name":"q","vfs":1}]},{"name":"g3","uuid":"'"${UUID[3]}"'","pools":[]}]}'
    run_vfpool 0 needs --format crm g1.xml g2.xml g3.xml
    assert_equal "$output" "resource utilization g1 set vfpool-p 2
resource utilization g1 set vfpool-q 1
resource utilization 'it'\\''s g2' set vfpool-p 1"
    run_vfpool 0 needs --format pcs g1.xml g2.xml g3.xml
    assert_equal "$output" "pcs resource utilization g1 vfpool-p=2 vfpool-q=1
pcs resource utilization 'it'\\''s g2' vfpool-p=1"
    run_vfpool 0 needs --format xml - < g1.xml
    assert_equal "$(xmllint --xpath 'string(/needs/guest/pool[2]/@vfs)' "$STDOUT")" 1
    assert_unchanged
}

@test "needs: devices by their addresses are of the pool that has them here, and a PF takes its VFs along" {
    guest g1 "${UUID[1]}" "p:${MAC[1]}" "$(interface 0000:01:10.0 "${MAC[2]}")" "$(hostdev 0000:02:00.0)" \
        "$(hostdev 0000:09:00.0)" "<interface type='direct'><source dev='nosuch0' mode='passthrough'/></interface>" > g1.xml
    run_vfpool 0 needs --format pcs g1.xml
    assert_equal "$output" "pcs resource utilization g1 vfpool-p=2 vfpool-q=2"
}

@test "needs: whatever the pool has now; a draft as well" {
    echo '<network>' > "$ROOT/etc/vfpool/p.xml"
    rm -rf "$ROOT/sys/bus/pci/devices"/*
    echo "<domain type='kvm'><name>g1</name><devices><interface type='network'><source network='p'/></interface></devices></domain>" > g1.xml
    run_vfpool 0 needs --format json g1.xml
    assert_equal "$output" '{"format":1,"guests":[{"name":"g1","uuid":null,"pools":[{"name":"p","vfs":1}]}]}'
}

@test "needs: what cannot be read is named, and nothing is printed" {
    guest g1 "${UUID[1]}" "p:${MAC[1]}" > g1.xml
    echo '<domain' > bad.xml
    run_vfpool 3 needs --format crm g1.xml bad.xml
    assert_one_line "bad.xml: "
    [[ ! -s $STDOUT ]]
    run_vfpool 3 needs g1.xml nowhere.xml
    assert_one_line "cannot open nowhere.xml"
    run_vfpool 2 needs
    run_vfpool 2 needs --format html g1.xml
    assert_one_line "needs --format takes table, json, xml, crm or pcs"
}

# --- capacity ----------------------------------------------------------------

# capacity POOL
capacity() {
    run_vfpool 0 status "$1" --format json >&2 || return
    jq '.pools[0].capacity' "$STDOUT"
}

@test "capacity: what guests have or could have, not what is drained, unusable, reserved or the host's" {
    assert_equal "$(capacity p) $(capacity q)" "4 2"
    run_hook 0 g1 prepare < <(guest g1 "${UUID[1]}" "p:${MAC[1]}")
    assert_equal "$(capacity p)" 4
    # What a guest has counts, whatever becomes of its card.
    run_vfpool 0 drain 0000:01:10.2
    assert_equal "$(capacity p)" 3
    run_vfpool 0 drain eth3
    assert_equal "$(capacity p)" 1
    run_vfpool 0 undrain eth3
    run_vfpool 0 undrain 0000:01:10.2
    host down eth3
    assert_equal "$(capacity p)" 1
    host up eth3
    assert_equal "$(capacity p)" 4
    sed -i "s|<pf dev='eth4'/>|<pf dev='eth4'><reserve vfs='0' guest='g9'/></pf>|" "$ROOT/etc/vfpool/q.xml"
    assert_equal "$(capacity q)" 1
}
