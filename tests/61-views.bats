#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# status as a page and as metrics: what a browser and Prometheus do with them is tests/peers.

LEAK_CHECK=1
load helpers
load libvirt/helpers

STRANGE='a"b\c<d>&{x}'

setup() {
    libvirt_setup
    witness
}

# page [OPTION...]: as a document that xmllint can ask
page() {
    run_vfpool 0 status --format html "$@"
    xmllint --html --xmlout "$STDOUT" 2> /dev/null > "$BATS_TEST_TMPDIR/page.xml"
}
ask() { xmllint --xpath "$1" "$BATS_TEST_TMPDIR/page.xml"; }

@test "the page: a map of cards, PFs and VFs with the guests' names, then the list" {
    host eth4:vfs=2,numa=1,down,address=0000:01:00.1
    pool p eth3 eth4
    run_vfpool 0 reconcile
    run_guest 1
    run_vfpool 0 drain "${V[3]}"
    page
    assert_equal "$(head -c 15 "$STDOUT")" "<!DOCTYPE html>"
    # Two functions of one device are one card.
    assert_equal "$(ask 'count(//*[@class="card"])') $(ask 'count(//figure)') $(ask 'count(//figure//g)')" "1 2 6"
    for state in "held 1" "free 2" "drained 1" "unusable 2"; do
        assert_equal "$(ask "count(//figure//g[@class='${state% *}'])")" "${state#* }"
        grep -q "${state#* } ${state% *}</li>" "$STDOUT"
    done
    assert_equal "$(ask "string(//g[@class='held']/svg/text)")" g1
    [[ $(ask "string(//g[@class='held']/title)") == "VF 0, ${V[0]}: held by g1" ]]
    [[ $(ask "string(//g[@class='drained']/title)") == "VF 3, ${V[3]}: drained; VF 3 of PF eth3 is drained since "* ]]
    [[ $(ask "string(//figure[1]//@aria-label)") == "eth3: 4 VFs, 2 free, 1 with guests" ]]
    assert_equal "$(ask 'count(//tbody/tr)') $(ask "string(//tbody/tr[1]/td[5])")" "6 g1"
    [[ $(ask "string(//figcaption[b = 'eth4']/span)") == down ]]
    # A pool that is gone, with a guest that has its VFs.
    rm "$ROOT/etc/vfpool/p.xml"
    page
    [[ $(ask "string(//p[@class='alarm'])") == "Out of service: its pool file is gone" ]]
    assert_equal "$(ask "string(//h3)") $(ask "count(//figure//g)")" "Not in the pool any more 1"
    page --state free
    [[ $output == *"No VF is like that."* ]]
}

@test "the page fetches nothing and escapes everything" {
    pool "$(printf 'p%s' "$STRANGE" | tr '/' _)" eth3
    rm "$ROOT/etc/vfpool/p.xml"
    run_vfpool 0 reconcile
    name="<script>alert('$STRANGE')</script>"
    run_hook 0 "$name" prepare < <(guest "$name" "${UUID[1]}" "$(xml_escape "p$STRANGE"):${MAC[1]}")
    page
    assert_equal "$(ask "string(//g[@class='claimed']/svg/text)")" "$name"
    assert_equal "$(ask "string(//h2)")" "Pool p$STRANGE"
    run ! grep -qi '<script\|<link\|<img\|<iframe\| href=\| src=\|url(\|@import\|https\?:' "$STDOUT"
    grep -qF "content=\"default-src 'none'; style-src 'unsafe-inline'\"" "$STDOUT"
}

# metric NAME{LABELS}: its value
metric() { grep -F "$1 " "$STDOUT" | cut -d' ' -f2; }

@test "metrics: every state of every PF, also with 0; link, guests, offers, doctor" {
    run_vfpool 0 reconcile
    host eth4:vfs=2,down
    pool q eth4
    run_guest 1
    run_vfpool 0 drain "${V[3]}"
    run_vfpool 0 status --format prometheus
    assert_equal "$(grep -c '^vfpool_vfs{' "$STDOUT")" 12
    assert_equal "$(for state in held free drained claimed; do metric "vfpool_vfs{pool=\"p\",pf=\"eth3\",state=\"$state\"}"; done | xargs)" "1 2 1 0"
    assert_equal "$(metric 'vfpool_vfs{pool="q",pf="eth4",state="unusable"}')" 2
    assert_equal "$(metric 'vfpool_pf_up{pool="p",pf="eth3"}') $(metric 'vfpool_pf_up{pool="q",pf="eth4"}')" "1 0"
    assert_equal "$(metric 'vfpool_pf_carrier{pool="p",pf="eth3"}')" 1
    assert_equal "$(metric 'vfpool_pool_guests{pool="p"}') $(metric 'vfpool_pool_guests{pool="q"}')" "1 0"
    assert_equal "$(metric 'vfpool_pool_in_service{pool="p"}')" 1
    assert_equal "$(metric 'vfpool_pool_offered_vfs{pool="p"}')" 2
    assert_equal "$(metric 'vfpool_doctor_verdict{check="cards"}')" 2
    echo '<network/>' > "$ROOT/etc/vfpool/q.xml"
    run_vfpool 0 status --format prometheus
    assert_equal "$(metric 'vfpool_pool_in_service{pool="q"}')" 0
    # One family, its lines together, each once.
    assert_equal "$(sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' "$STDOUT" | sort | uniq -d)" ""
    assert_equal "$(grep -v '^#' "$STDOUT" | cut -d' ' -f1 | sort | uniq -d)" ""
}

@test "metrics: what has happened is counted, and how long prepare and release took" {
    run_vfpool 0 reconcile
    run_guest 1
    run_guest 2
    stop 1 "${V[0]}"
    # Nothing of it is a guest's that has nothing to do with a pool.
    run_hook 0 other prepare < <(guest other "${UUID[9]}")
    run_hook 0 other release < <(guest other "${UUID[9]}")
    for i in 3 4 5; do run_hook 0 "g$i" prepare < <(vm "$i" p); done
    run_hook 1 g6 prepare < <(vm 6 p)
    run_vfpool 0 status --format prometheus
    assert_equal "$(metric 'vfpool_events_total{event="claimed"}') $(metric 'vfpool_events_total{event="returned"}')" "5 1"
    assert_equal "$(metric 'vfpool_refusals_total{reason="exhausted"}')" 1
    assert_equal "$(metric 'vfpool_hook_duration_seconds_count{operation="prepare"}')" 6
    assert_equal "$(metric 'vfpool_hook_duration_seconds_count{operation="release"}')" 1
    assert_equal "$(metric 'vfpool_hook_duration_seconds_bucket{operation="prepare",le="+Inf"}')" 6
    # Buckets are cumulative, and the sum is what the buckets allow.
    grep -o '^vfpool_hook_duration_seconds_bucket{operation="prepare".*' "$STDOUT" | awk '{ if ($2 < last) exit 1; last = $2 }'
    awk -v sum="$(metric 'vfpool_hook_duration_seconds_sum{operation="prepare"}')" 'BEGIN { exit !(sum > 0.0006 && sum < 60) }'
}

@test "metrics: many processes at once lose no count; without a file nothing is counted, and nothing fails" {
    run_vfpool 0 reconcile
    run_guest 1
    before=$(stat -c %s "$ROOT/run/vfpool/tally-1")
    hook_environment
    each() {
        local i
        # Each of its own guest, and of that again.
        for i in 1 2 3 4 5 6; do hook prepare "$1" || return; done
    }
    together 4 each
    run_vfpool 0 status --format prometheus
    assert_equal "$(metric 'vfpool_hook_duration_seconds_count{operation="prepare"}')" 25
    # What the history has no line of, as its lock was not to be had for a moment, is not counted either.
    run_vfpool 0 drain "${V[3]}"
    run_vfpool 0 status --format prometheus
    for event in claimed drained; do
        assert_equal "$(metric "vfpool_events_total{event=\"$event\"}")" "$(grep -c "	$event	" "$ROOT/var/lib/vfpool/history")"
    done
    assert_equal "$(stat -c %s "$ROOT/run/vfpool/tally-1")" "$before"
    rm "$ROOT/run/vfpool/tally-1"
    mkdir "$ROOT/run/vfpool/tally-1"
    stop 1 "${V[0]}"
    [[ ! -L $ROOT/run/vfpool/vfs/${V[0]} ]]
    run_vfpool 1 status --format prometheus
    assert_one_line "cannot read what was counted"
    rmdir "$ROOT/run/vfpool/tally-1"
    run_vfpool 0 status --format prometheus
    assert_equal "$(metric 'vfpool_events_total{event="drained"}')" 0
}

@test "labels hold what names may hold" {
    rm "$ROOT/etc/vfpool/p.xml"
    pool "p$STRANGE" eth3
    run_vfpool 0 status --format prometheus
    grep -qF 'vfpool_vfs{pool="pa\"b\\c<d>&{x}",pf="eth3",state="free"} 4' "$STDOUT"
}

@test "--output: a file by one rename, readable to all; what cannot be written leaves the old one" {
    run_vfpool 0 reconcile
    file=$BATS_TEST_TMPDIR/vfpool.prom
    echo old > "$file"
    run_vfpool 0 status --format prometheus --output "$file"
    assert_equal "$output" ""
    assert_equal "$(stat -c %a "$file") $(echo "$BATS_TEST_TMPDIR"/vfpool.prom*)" "644 $file"
    grep -q '^vfpool_info{' "$file"
    for form in table json xml html; do
        run_vfpool 0 status --format $form -o "$file"
        run_vfpool 0 status --format $form
        [[ $form == html ]] || diff "$STDOUT" "$file"
    done
    run_vfpool 1 status --output "$BATS_TEST_TMPDIR/nowhere/file"
    assert_one_line "cannot write $BATS_TEST_TMPDIR/nowhere/file: No such file"
    mkdir "$BATS_TEST_TMPDIR/directory"
    run_vfpool 1 status --output "$BATS_TEST_TMPDIR/directory"
    assert_one_line "cannot write"
    [[ ! -e $BATS_TEST_TMPDIR/directory.new ]]
    run_vfpool 2 status --watch --output "$file"
    run_vfpool 2 status p --format prometheus
    run_vfpool 2 status --pf eth3 --format prometheus
    assert_one_line "status --format prometheus is of all pools"
    run_vfpool 3 doctor --format html
    assert_one_line "doctor --format takes table, json or xml"
}
