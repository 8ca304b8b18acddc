#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The agent ocf:vfpool:pool with Pacemaker's own tools, and what Pacemaker plans by what it sets: docs/cluster.md.
# takes 36 s

load helpers
load cluster/helpers

setup() { cluster_setup; }

# --- the agent ---------------------------------------------------------------

# Pacemaker's own tools on a file in place of a cluster.
agent_setup() {
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
    # It looks whether nobody may execute it.
    chmod a+x "$BATS_RUN_TMPDIR"
    run_program 0 ocf-tester -n pool -o vfpool="$OCF_RESKEY_vfpool" "$PWD/pool"
    [[ $output == *"passed all tests" ]]
    [[ $output$stderr != *"rror"* && $output != *"ailed"* ]]
}

# --- what Pacemaker makes of it -----------------------------------------------

@test "16 nodes, 400 guests of one to four VFs, 100 failures: no plan that a pool cannot serve" {
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
