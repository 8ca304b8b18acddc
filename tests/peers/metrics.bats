#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What Prometheus makes of status --format prometheus, of the alert rules and of the dashboard: docs/monitoring.

load ../helpers
load ../libvirt/helpers

MONITORING=$BATS_TEST_DIRNAME/../../docs/monitoring

setup() { common_setup; }

teardown() {
    local pid
    for pid in ${FLEET_PID-} ${PROMETHEUS_PID-}; do kill "$pid" || :; done
}

# a_host: one with guests, whose libvirt answers; its metrics are in $STDOUT
a_host() {
    host eth3:vfs=8,numa=0
    pool passthrough eth3
    mkdir -p "$ROOT/sys/bus/pci/drivers/vfio-pci" "$ROOT/run/libvirt/qemu" "$ROOT/etc/libvirt/qemu"
    libvirt_begin
    run_vfpool 0 reconcile
    for i in 1 2 3; do run_hook 0 "g$i" prepare < <(guest "g$i" "${UUID[$i]}" "passthrough:${MAC[$i]}"); done
    run_vfpool 0 status --format prometheus
}

@test "promtool finds nothing wrong with the metrics, whatever a pool is called" {
    a_host
    promtool check metrics < "$STDOUT" > "$BATS_TEST_TMPDIR/said" 2>&1 || fail "$(< "$BATS_TEST_TMPDIR/said")"
    [[ ! -s $BATS_TEST_TMPDIR/said ]] || fail "$(< "$BATS_TEST_TMPDIR/said")"
    pool 'a"b\c' eth9
    run_vfpool 0 status --format prometheus
    promtool check metrics < "$STDOUT"
}

@test "each alert fires where it should, and not before" {
    cp "$MONITORING/alerts.yml" "$BATS_TEST_DIRNAME/alerts-test.yml" "$BATS_TEST_TMPDIR"
    cd "$BATS_TEST_TMPDIR"
    promtool check rules alerts.yml
    promtool test rules alerts-test.yml
    # None is left out.
    assert_equal "$(sed -n 's/.*- alert: //p' alerts.yml | sort)" "$(grep -B 3 'exp_alerts:' alerts-test.yml | sed -n 's/^ *alertname: //p' | sort -u)"
}

@test "the dashboard and the alerts use only what vfpool writes, and every query is one" {
    local query
    a_host
    sed -n 's/^\([a-z_]*\)[{ ].*/\1/p' "$STDOUT" | sort -u > "$BATS_TEST_TMPDIR/written"
    jq -r '[.. | objects | .expr? // empty] | .[]' "$MONITORING/dashboard.json" > "$BATS_TEST_TMPDIR/queries"
    { cat "$BATS_TEST_TMPDIR/queries" "$MONITORING/alerts.yml"; jq -r '.templating.list[].definition? // empty' "$MONITORING/dashboard.json"; } |
        grep -o 'vfpool_[a-z_]*' | sort -u > "$BATS_TEST_TMPDIR/used"
    assert_equal "$(comm -23 "$BATS_TEST_TMPDIR/used" "$BATS_TEST_TMPDIR/written")" ""
    # And all of it but a histogram's sum and count.
    assert_equal "$(comm -13 "$BATS_TEST_TMPDIR/used" "$BATS_TEST_TMPDIR/written" | grep -v '_\(sum\|count\)$')" ""
    {
        echo 'groups: [{name: dashboard, rules: ['
        while IFS= read -r query; do
            query=${query//'$__rate_interval'/5m}
            jq -cn --arg query "${query//'$'[a-z]*\"/.*\"}" '{record: "x", expr: $query}' | sed 's/$/,/'
        done < "$BATS_TEST_TMPDIR/queries"
        echo ']}]'
    } > "$BATS_TEST_TMPDIR/queries.yml"
    promtool check rules "$BATS_TEST_TMPDIR/queries.yml"
}

firing() { # ALERT: the hosts, from Prometheus
    curl -sS --max-time 20 "http://127.0.0.1:$PORT/api/v1/alerts" |
        jq -r --arg name "$1" '[.data.alerts[] | select(.labels.alertname == $name and .state == "firing") | .labels.instance] | unique | join(" ")'
}

fires() { # ALERT NUMBER: on all hosts whose number ends so, and on no other
    local number hosts=()
    for number in $(seq "$2" 100 499); do hosts+=("host-$number"); done
    [[ $(firing "$1" | tr ' ' '\n' | sort -V | xargs) == "${hosts[*]}" ]]
}

@test "500 hosts in a real Prometheus: alerts fire where something is wrong, and nowhere else" {
    local fleet
    a_host
    cp "$STDOUT" "$BATS_TEST_TMPDIR/host.prom"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/fleet.py" "$BATS_TEST_TMPDIR/host.prom" 500 > "$BATS_TEST_TMPDIR/port" 3>&- &
    FLEET_PID=$!
    wait_until test -s "$BATS_TEST_TMPDIR/port"
    fleet=127.0.0.1:$(< "$BATS_TEST_TMPDIR/port")
    jq -n --arg fleet "$fleet" '[range(500) | {targets: [$fleet], labels: {instance: "host-\(.)", __metrics_path__: "/host-\(.)/metrics"}}]' \
        > "$BATS_TEST_TMPDIR/targets.json"
    # What takes minutes there takes seconds here.
    sed 's/for: .*/for: 5s/' "$MONITORING/alerts.yml" > "$BATS_TEST_TMPDIR/alerts.yml"
    cat > "$BATS_TEST_TMPDIR/prometheus.yml" << 'X'
global: {scrape_interval: 10s, scrape_timeout: 10s, evaluation_interval: 2s}
rule_files: [alerts.yml]
scrape_configs: [{job_name: node, file_sd_configs: [{files: [targets.json]}]}]
X
    promtool check config "$BATS_TEST_TMPDIR/prometheus.yml"
    PORT=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    prometheus --config.file="$BATS_TEST_TMPDIR/prometheus.yml" --storage.tsdb.path="$BATS_TEST_TMPDIR/data" \
        --web.listen-address="127.0.0.1:$PORT" > "$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
    PROMETHEUS_PID=$!
    all_there() { [[ $(curl -sS --max-time 20 "http://127.0.0.1:$PORT/api/v1/query" --data-urlencode 'query=count(vfpool_info)' | jq -r '.data.result[0].value[1]') == 500 ]]; }
    VFPOOL_WAIT=120
    wait_until all_there
    curl -sS "http://$fleet/second"
    wait_until fires VfpoolNearlyUsedUp 7
    wait_until fires VfpoolPfDownWithGuests 17
    wait_until fires VfpoolVfQuarantined 27
    wait_until fires VfpoolHooksNotCalled 37
    wait_until fires VfpoolSettlingFails 47
    wait_until fires VfpoolOutOfService 57
    wait_until fires VfpoolGuestsRefused 67
    wait_until fires VfpoolMetricsOld 77
    assert_equal "$(curl -sS "http://127.0.0.1:$PORT/api/v1/alerts" | jq '[.data.alerts[] | select(.state == "firing")] | length')" 40
}
