#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A cluster: what guests need, what a node has, and the agent that tells Pacemaker, on which these tests call its own tools.

load helpers

setup() {
    common_setup
    host eth3:vfs=4 eth4:vfs=2
    pool p eth3
    pool q eth4
    cd "$BATS_TEST_TMPDIR" || return
}

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

# --- the agent ---------------------------------------------------------------

# Pacemaker's own tools on a file in place of a cluster.
agent_setup() {
    command -v crm_attribute > /dev/null || skip "Pacemaker's crm_attribute is not installed"
    [[ -e /usr/lib/ocf/lib/heartbeat/ocf-shellfuncs ]] || skip "the resource agents are not installed"
    mkdir bin state
    cp "$TESTS/../hook/pool.ocf" pool
    chmod +x pool
    export OCF_ROOT=/usr/lib/ocf HA_RSCTMP=$PWD/state HA_debug=0 OCF_RESOURCE_INSTANCE=pool:0 \
        OCF_RESOURCE_TYPE=pool OCF_RESKEY_vfpool=$VFPOOL_BUILD/hook/vfpool CIB_file=$PWD/cib.xml HA_LOGFILE=$PWD/log HA_LOGFACILITY=none
    cat > cib.xml << 'XML'
<cib validate-with="pacemaker-3.0" epoch="1" num_updates="0" admin_epoch="0">
  <configuration><crm_config/><nodes><node id="1" uname="NODE"/></nodes><resources/><constraints/></configuration><status/>
</cib>
XML
    sed -i "s/NODE/$(uname -n)/" cib.xml
}

# agent CODE ACTION
agent() { run_program "$1" ./pool "$2"; }
# attributes: "NAME VALUE" of the node, in a line
attributes() { xmllint --xpath '//node/utilization/nvpair' cib.xml 2> /dev/null | sed 's/.* name="\([^"]*\)" value="\([^"]*\)".*/\1 \2/' | sort | xargs; }

@test "agent: it sets what each pool has, follows it, and takes it away" {
    agent_setup
    agent 7 monitor
    agent 0 start
    assert_equal "$(attributes)" "vfpool-p 4 vfpool-q 2"
    host down eth3
    agent 0 monitor
    assert_equal "$(attributes)" "vfpool-p 0 vfpool-q 2"
    host up eth3
    mv "$ROOT/etc/vfpool/q.xml" "$ROOT/q.xml"
    agent 0 monitor
    assert_equal "$(attributes)" "vfpool-p 4"
    mv "$ROOT/q.xml" "$ROOT/etc/vfpool/q.xml"
    agent 0 monitor
    assert_equal "$(attributes)" "vfpool-p 4 vfpool-q 2"
    agent 0 stop
    assert_equal "$(attributes)" ""
    agent 7 monitor
    agent 0 stop
}

@test "agent: only the pools that are named; a status that fails changes nothing" {
    agent_setup
    export OCF_RESKEY_pools="p other"
    agent 0 start
    assert_equal "$(attributes)" "vfpool-p 4"
    printf '#!/bin/sh\nexit 1\n' > bin/broken
    chmod +x bin/broken
    OCF_RESKEY_vfpool=$PWD/bin/broken agent 0 monitor
    assert_equal "$(attributes)" "vfpool-p 4"
    grep -q "vfpool status fails" log "$STDERR"
    agent 0 stop
    OCF_RESKEY_vfpool=$PWD/bin/broken agent 1 start
    assert_equal "$(attributes)" ""
    OCF_RESKEY_vfpool=$PWD/bin/nowhere agent 5 validate-all
}

@test "agent: ocf-tester has nothing to say" {
    agent_setup
    command -v ocf-tester > /dev/null || skip "there is no ocf-tester"
    # It looks whether nobody may execute it.
    chmod a+x "$BATS_RUN_TMPDIR"
    run_program 0 ocf-tester -n pool -o vfpool="$OCF_RESKEY_vfpool" "$PWD/pool"
    [[ $output == *"passed all tests" ]]
    [[ $output$stderr != *"rror"* && $output != *"ailed"* ]]
}

# --- what Pacemaker makes of it -----------------------------------------------

@test "16 nodes, 400 guests of one to four VFs, 100 failures: no plan that a pool cannot serve" {
    command -v crm_simulate > /dev/null || skip "there is no crm_simulate"
    local i j interfaces
    for ((i = 0; i < 400; i++)); do
        interfaces=()
        for ((j = 0; j <= i * 7 % 4; j++)); do interfaces+=("$(printf 'p:52:54:00:%02x:%02x:%02x' $((i / 256)) $((i % 256)) $j)"); done
        guest "g$i" "$(printf '00000000-0000-4000-8000-%012d' "$i")" "${interfaces[@]}" > "guest-$i.xml"
    done
    "$VFPOOL_BUILD/hook/vfpool" needs --format xml guest-*.xml > needs.xml
    run_program 0 "$TESTS/cluster/simulate.py" needs.xml 16 100 1
    [[ $output == "100 failures, "* ]]
    # With a pool that says more than it has, it would be seen.
    sed 's/return sum(map(len, self.guests.values())) + len(self.free())/return 64/' "$TESTS/cluster/simulate.py" > planted.py
    run_program 1 /usr/bin/python3 planted.py needs.xml 16 100 1
    assert_one_line "which needs"
}
