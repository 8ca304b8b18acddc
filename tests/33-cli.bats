#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# vfpool as a person meets it: what each verb prints and changes, and that the
# dry run and the real run are one.

LEAK_CHECK=1
load helpers

V=(0000:01:10.0 0000:01:10.2 0000:01:10.4 0000:01:10.6)

setup() {
    common_setup
    LEDGER=$ROOT/run/vfpool
    host eth3:vfs=4,numa=1 eth4:vfs=2
    pool net eth3
    pool other eth4
}

another_root() {
    ROOT=$BATS_TEST_TMPDIR/another LEDGER=$BATS_TEST_TMPDIR/another/run/vfpool
    export VFPOOL_ROOT=$ROOT
    mkdir -p "$ROOT/etc/vfpool" "$ROOT/run"
}

# vm N [COUNT]: guest N, with COUNT interfaces on the pool.
vm() {
    local i devices=()
    for ((i = 1; i <= ${2-1}; i++)); do
        devices+=("net:${MAC[$1 * 16 + i]}")
    done
    guest "vm$1" "${UUID[$1]}" "${devices[@]}"
}

running() {
    guest "vm$1" "${UUID[$1]}" "<interface type='hostdev'><mac address='${MAC[$1 * 16 + 1]}'/><source>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x$2'/></source></interface>"
}

prepare() { run_hook "$1" "vm$2" prepare < <(vm "${@:2}"); }

# --- status ------------------------------------------------------------------

# Four VFs, one of each state that is not free, and one more pool.
all_states() {
    prepare 0 1
    run_hook 0 vm2 start < <(running 2 2)
    run_hook 0 vm3 start < <(running 3 4)
    echo cut >"$LEDGER/guests/${UUID[3]}.xml"
    sed -i 's/since="[^"]*"/since="2026-01-31T12:00:00Z"/' "$LEDGER/guests/${UUID[1]}.xml" "$LEDGER/guests/${UUID[2]}.xml"
    host dangle "${V[3]}"
}

@test "status --format json is what the man page promises, to the byte" {
    all_states
    run_vfpool 0 status net --format json
    cat >"$BATS_TEST_TMPDIR/expected" <<X
{"format":1,"pools":[{"name":"net","fault":null,"missing":null,"notes":[],"policy":{"separate":"prefer","numa":"prefer","sticky":false,"order":"first"},"capacity":2,"offered":null,
"pfs":[{"name":"eth3","address":"0000:01:00.0","numa":1,"up":true,"carrier":true,"speed":1000,"vfs_made":4,"vfs_total":7}],"vfs":[
{"address":"${V[0]}","pf":"eth3","vf":0,"state":"claimed","reason":null,"guest":{"name":"vm1","uuid":"${UUID[1]}"},"mac":"${MAC[17]}","since":"2026-01-31T12:00:00Z","driver":"igbvf","settings":null},
{"address":"${V[1]}","pf":"eth3","vf":1,"state":"held","reason":null,"guest":{"name":"vm2","uuid":"${UUID[2]}"},"mac":"${MAC[33]}","since":"2026-01-31T12:00:00Z","driver":"igbvf","settings":null},
{"address":"${V[2]}","pf":"eth3","vf":2,"state":"quarantined","reason":"REASON","guest":null,"mac":null,"since":null,"driver":"igbvf","settings":null},
{"address":"${V[3]}","pf":"eth3","vf":3,"state":"unusable","reason":"REASON","guest":null,"mac":null,"since":null,"driver":null,"settings":null}
]}]}
X
    sed 's/"reason":"[^"]*"/"reason":"REASON"/g' "$STDOUT" >"$BATS_TEST_TMPDIR/is"
    assert_equal "$(<"$BATS_TEST_TMPDIR/is")" "$(tr -d '\n' <"$BATS_TEST_TMPDIR/expected")"
    jq -e '.pools[0].vfs[2].reason | contains("corrupt")' "$STDOUT"
    jq -e '.pools[0].vfs[3].reason | contains("VF 3")' "$STDOUT"

    host down eth4
    run_vfpool 0 status --format json
    assert_equal "$(jq -c '[.pools[].name]' "$STDOUT")" '["net","other"]'
    jq -e '.pools[1].vfs | all(.state == "unusable" and (.reason | contains("eth4 is down")))' "$STDOUT"
    run_hook 0 vm3 release < <(vm 3)
    run_hook 0 vm3 release < <(vm 3)
    assert_invariants
}

@test "status --format json of pools that something is wrong with" {
    pool lost nosuch
    echo '<network>' >"$ROOT/etc/vfpool/broken.xml"
    run_vfpool 0 status --format json
    assert_equal "$(jq -r '[.pools[].name] | join(" ")' "$STDOUT")" "broken lost net other"
    jq -e '.pools[0].fault | contains("broken.xml")' "$STDOUT"
    jq -e '.pools[1].missing | contains("nosuch")' "$STDOUT"
    jq -e '.pools[2] | .fault == null and .missing == null' "$STDOUT"
    assert_invariants
}

@test "status as a table: columns, states, totals per PF" {
    all_states
    run_vfpool 0 status --wide
    [[ $stderr == *"${UUID[3]}"* ]]
    assert_equal "$(sed 's/ *$//; s/\(unusable\|quarantined\) .*/\1/' "$STDOUT" | sed -n 1,7p)" "pool net
ADDRESS       PF     VF  STATE        MAC                SINCE                 GUEST
${V[0]}  eth3    0  claimed      ${MAC[17]}  2026-01-31T12:00:00Z  vm1  ${UUID[1]}
${V[1]}  eth3    1  held         ${MAC[33]}  2026-01-31T12:00:00Z  vm2  ${UUID[2]}
${V[2]}  eth3    2  quarantined
${V[3]}  eth3    3  unusable
total         eth3    4  1 claimed, 1 held, 1 quarantined, 1 unusable, NUMA node 1"
    run_vfpool 0 status net
    assert_equal "$(sed 's/\(unusable\|quarantined\) .*/\1/' "$STDOUT" | sed -n 1,6p)" "pool net
ADDRESS       PF     VF  STATE        GUEST
${V[0]}  eth3    0  claimed      vm1
${V[1]}  eth3    1  held         vm2
${V[2]}  eth3    2  quarantined
${V[3]}  eth3    3  unusable"
    run_vfpool 0 status other
    assert_equal "$(sed 's/ *$//' "$STDOUT")" "pool other
ADDRESS       PF     VF  STATE        GUEST
0000:02:10.0  eth4    0  free
0000:02:10.2  eth4    1  free
total         eth4    2  2 free"
    host down eth4
    run_vfpool 0 status other
    [[ $output == *"total         eth4    2  2 unusable"*down* ]]
    # No line ends in spaces, whoever reads it.
    run ! grep -q ' $' "$STDOUT"
    run_vfpool 0 release "${UUID[3]}"
    rm -f "$LEDGER/guests/${UUID[3]}.bad"
    assert_invariants
}

@test "the columns stand under each other, however long a PF's name is" {
    host enp129s0f1np1:vfs=1 x:vfs=1
    pool wide enp129s0f1np1 x
    run_hook 0 g prepare < <(guest g "${UUID[1]}" wide:"${MAC[1]}" wide:"${MAC[2]}")
    run_vfpool 0 status wide --wide
    for column in STATE SINCE GUEST; do
        at=$(awk -v c=$column '{ i = index($0, c) } i { print i; exit }' "$STDOUT")
        sed -n '3,4p' "$STDOUT" | while IFS= read -r line; do
            [[ ${line:at-2:1} == ' ' && ${line:at-1:1} != ' ' ]] || fail "$column is not at $at: $line"
        done
    done
    assert_invariants
}

@test "status --format xml is well-formed, and holds what the others show" {
    all_states
    run_vfpool 0 status --format xml
    get() { xmllint --xpath "string($1)" "$STDOUT"; }
    assert_equal "$(get 'count(/status/pool)') $(get "count(//vf)")" "2 6"
    assert_equal "$(get "//vf[@address='${V[1]}']/guest/@name") $(get "//vf[@address='${V[1]}']/@state")" "vm2 held"
    assert_equal "$(get "//pf[@name='eth3']/@numa") $(get "//vf[1]/@driver")" "1 igbvf"
    run_vfpool 0 release "${UUID[3]}"
    rm -f "$LEDGER/guests/${UUID[3]}.bad"
    assert_invariants
}

@test "status of no pool, of one, of one that is not there" {
    run_vfpool 0 status other --format json
    assert_equal "$(jq -c '[.pools[].name]' "$STDOUT")" '["other"]'
    for format in table json xml; do
        run_vfpool 1 status nosuch --format $format
        assert_one_line nosuch /etc/vfpool
        [[ ! -s $STDOUT ]]
    done
    for etc in empty missing; do
        rm -f "$ROOT"/etc/vfpool/*
        [[ $etc == empty ]] || rm -r "${ROOT:?}/etc"
        run_vfpool 0 status
        [[ $output == *"no pools"*/etc/vfpool* ]]
        run_vfpool 0 status --format json
        assert_equal "$output" '{"format":1,"pools":[]}'
        run_vfpool 0 status --format xml
        assert_equal "$(xmllint --xpath 'count(/status/*)' "$STDOUT")" 0
    done
    [[ ! -e $LEDGER ]] || fail "status made a ledger"
    assert_invariants
}

# on_terminal ASSIGNMENT... -- VERB...: leaves $OUT as a terminal would get it.
on_terminal() {
    local environment=() command
    while [[ $1 != -- ]]; do
        environment+=("$1")
        shift
    done
    shift
    command="env ${environment[*]@Q} ${VFPOOL_BUILD@Q}/hook/vfpool ${*@Q}"
    OUT=$(script -qec "$command" /dev/null </dev/null 2>&1 3>&-)
}

@test "colour on a terminal, and only there; NO_COLOR is honoured" {
    prepare 0 1
    esc=$'\e'
    on_terminal -- status
    [[ $OUT == *"${esc}[33mclaimed${esc}[0m"* && $OUT == *"${esc}[32mfree${esc}[0m"* ]]
    on_terminal NO_COLOR= -- status
    [[ $OUT == *"${esc}["* ]] || fail "an empty NO_COLOR counts"
    for value in 1 0 no; do
        on_terminal NO_COLOR=$value -- status
        [[ $OUT == *claimed* && $OUT != *"$esc"* ]] || fail "colours with NO_COLOR=$value"
    done
    on_terminal TERM=dumb -- status
    [[ $OUT == *claimed* && $OUT != *"$esc"* ]] || fail "colours on a dumb terminal"
    # Without its colours it is the same table.
    run_vfpool 0 status
    [[ $output != *"$esc"* ]]
    on_terminal -- status
    assert_equal "$(tr -d '\r' <<<"$OUT" | sed "s/$esc\[[0-9]*m//g")" "$output"
    for form in '--format json' '--format xml'; do
        # shellcheck disable=SC2086
        on_terminal -- status $form
        [[ $OUT == *vm1* && $OUT != *"$esc"* ]]
    done
    assert_invariants
}

# --- dumpxml -----------------------------------------------------------------

# canonical FILE: without white space between elements, attributes in order.
canonical() {
    xmllint --noblanks "$1" | sed 's/> *</></g' | xmllint --c14n - | sed 's/<!--[^>]*-->//g'
}

@test "dumpxml prints Figure 16.14" {
    another_root
    host eth3:vfs=7,address=0000:02:00.1
    figure=$FIXTURES/seed/figure-16.14.xml
    # From the figure itself, and from the pool file that Figure 16.12 is with that PF.
    for from in 16.14 16.12; do
        sed 's/myNetDevName/eth3/' "$FIXTURES/seed/figure-$from.xml" >"$ROOT/etc/vfpool/passthrough.xml"
        run_vfpool 0 dumpxml passthrough
        assert_equal "$(xmllint --xpath 'string(/network/@connections)' "$STDOUT")" 0
        run_hook 0 guestVM prepare <"$FIXTURES/seed/guest.xml"
        run_vfpool 0 dumpxml passthrough
        cp "$STDOUT" "$BATS_TEST_TMPDIR/dump.xml"
        [[ $from == 16.14 ]] || sed -i 's|</name>|&<uuid>a6b49429-d353-d7ad-3185-4451cc786437</uuid>|
            s|<forward mode="hostdev">|<forward mode="hostdev" managed="yes">|' "$BATS_TEST_TMPDIR/dump.xml"
        assert_equal "$(canonical "$BATS_TEST_TMPDIR/dump.xml")" "$(canonical "$figure")"
        run_hook 0 guestVM release <"$FIXTURES/seed/guest.xml"
    done
    run_vfpool 0 dumpxml passthrough
    cp "$STDOUT" "$ROOT/etc/vfpool/passthrough.xml"
    # What it prints is a pool file again.
    run_vfpool 0 status --format json
    assert_equal "$(jq '.pools[0].vfs | length' "$STDOUT")" 7
    assert_invariants
}

@test "dumpxml counts connections by VF, keeps the rest of the pool" {
    cp "$FIXTURES/pools/storage.xml" "$ROOT/etc/vfpool"
    rm "$ROOT/etc/vfpool/other.xml"
    host eth5:vfs=1
    run_hook 0 g prepare < <(guest g "${UUID[1]}" storage:"${MAC[1]}" storage:"${MAC[2]}" storage:"${MAC[3]}")
    run_vfpool 0 dumpxml storage
    get() { xmllint --xpath "string($1)" "$STDOUT"; }
    assert_equal "$(get /network/@connections) $(get 'count(//address)') $(get 'count(//pf)')" "3 3 2"
    assert_equal "$(get '//portgroup[@default="yes"]/@name') $(get /network/vlan/tag/@id)" "bulk 100"
    run_vfpool 1 dumpxml nosuch
    assert_one_line nosuch
    [[ ! -s $STDOUT ]]
    assert_invariants
}

# --- release -----------------------------------------------------------------

@test "release by name, by UUID, by address, one VF of two" {
    prepare 0 1 2
    looks_gone "${UUID[1]}"
    run_vfpool 0 release vm1
    assert_equal "$(grep -c 'released VF' "$STDOUT")" 2
    [[ $output == *"${V[0]}"*"'net'"*"'vm1'"*"${UUID[1]}"* && $output == *"${V[1]}"* ]]
    [[ ! -s $STDERR ]]
    assert_released "${UUID[1]}"

    prepare 0 1 2
    upper=${UUID[171]}
    run_hook 0 vmab prepare < <(guest vmab "$upper" net:"${MAC[1]}")
    looks_gone "${UUID[1]}" "$upper"
    run_vfpool 0 release "${upper^^}"
    assert_released "$upper"
    run_vfpool 0 release "${UUID[1]}"
    assert_released "${UUID[1]}"

    prepare 0 1 2
    run_hook 0 vm1 reconnect < <(vm 1 2)
    looks_gone "${UUID[1]}"
    run_vfpool 0 release "${V[0]}"
    [[ $output == *"${V[0]}"*vm1* && $output != *"${V[1]}"* ]]
    assert_taken "${V[1]}" "${UUID[1]}"
    assert_invariants
    run_vfpool 0 release "${V[1]}"
    assert_released "${UUID[1]}"
    assert_invariants
}

@test "release of what is not held: exit 1, a line, nothing changed" {
    prepare 0 1
    snapshot
    for what in vm2 VM1 'vm' "${UUID[2]}" "${V[1]}" 0000:99:10.0 '' ../guests '*' "${UUID[1]} "; do
        run_vfpool 1 release -- "$what"
        assert_one_line
        [[ ! -s $STDOUT ]]
        assert_unchanged
    done
    rm -rf "$LEDGER"
    run_vfpool 1 release vm1
    assert_one_line vm1
    run_vfpool 1 release "${UUID[1]}"
    assert_one_line "${UUID[1]}"
    assert_invariants
}

@test "release of a name that two guests have" {
    run_hook 0 twin prepare < <(guest twin "${UUID[1]}" net:"${MAC[1]}")
    run_hook 0 twin prepare < <(guest twin "${UUID[2]}" net:"${MAC[2]}")
    snapshot
    run_vfpool 1 release twin
    assert_one_line twin "${UUID[1]}" "${UUID[2]}"
    assert_unchanged
    looks_gone "${UUID[1]}" "${UUID[2]}"
    run_vfpool 0 release "${UUID[2]}"
    run_vfpool 0 release twin
    assert_taken
    assert_invariants
}

@test "release of a quarantined VF" {
    prepare 0 1 2
    : >"$LEDGER/guests/${UUID[1]}.xml"
    prepare 1 2 3
    run_vfpool 0 release "${V[1]}"
    [[ $output == *"${V[1]}"*"${UUID[1]}"* ]]
    prepare 0 2 3
    assert_equal "$(holder "${V[1]}")" "${UUID[2]}"
    run_vfpool 1 release vm1
    run_vfpool 0 release "${V[0]}"
    assert_equal "$(holder "${V[0]}")" ""
    # Its release sets the file aside, the one after that takes it away.
    run_hook 0 vm1 release < <(vm 1)
    run_hook 0 vm1 release < <(vm 1)
    assert_released "${UUID[1]}"
    assert_invariants
}

@test "a guest whose name looks like an option is released behind --" {
    run_hook 0 x prepare < <(guest --help "${UUID[1]}" net:"${MAC[1]}")
    run_vfpool 0 release --help
    [[ $output == usage:* ]]
    assert_taken "${V[0]}" "${UUID[1]}"
    looks_gone "${UUID[1]}"
    run_vfpool 0 release -- --help
    assert_released "${UUID[1]}"
    assert_invariants
}

# refused WORDS WHAT...: release of it is, and the dry run, with these words; and with --force it would not be
refused() {
    local words=$1
    shift
    snapshot
    for what; do
        run_vfpool 1 release "$what"
        assert_one_line "$words" --force || return
        [[ ! -s $STDOUT ]] || fail "it printed something" || return
        run_vfpool 1 release --dry-run "$what"
        assert_one_line "$words" --force || return
        run_vfpool 0 release --dry-run --force "$what"
        [[ ! -s $STDERR && $output == "released "* ]] || return
        assert_unchanged || return
    done
}

@test "release of a guest that runs, or may, is refused without --force" {
    prepare 0 1 2
    cp "$STDOUT" "$BATS_TEST_TMPDIR/vm1.xml"
    run_hook 0 vm1 start <"$BATS_TEST_TMPDIR/vm1.xml"
    all=(vm1 "${UUID[1]}" "${V[0]}")
    # Where libvirt keeps its files is not to be seen.
    refused "whether guest 'vm1' (${UUID[1]}) runs cannot be seen" "${all[@]}"
    # It was seen a moment ago, and has no file yet.
    mkdir -p "$ROOT/run/libvirt/qemu"
    refused "guest 'vm1' (${UUID[1]}) may be on its way to run: wait " "${all[@]}"
    run_vfpool 1 release vm1
    [[ $stderr =~ wait\ ([1-9]|[12][0-9]|30)\ s ]]
    looks_gone "${UUID[1]}"
    : >"$ROOT/run/libvirt/qemu/vm1.xml"
    refused "guest 'vm1' (${UUID[1]}) runs: shut it down" "${all[@]}"
    run_vfpool 0 release --force vm1
    assert_released "${UUID[1]}"
    # Claimed, and not seen yet.
    prepare 0 2
    refused "guest 'vm2' (${UUID[2]}) may be on its way to run: wait " vm2 "${V[0]}"
    sed -i "s/clock=\"[^\"]*\"/clock=\"$(($(awk '{ printf "%d", $1 * 1000 }' /proc/uptime) - 500000))\"/" \
        "$LEDGER/guests/${UUID[2]}.xml"
    refused "guest 'vm2' (${UUID[2]}) may be on its way to run: wait " vm2
    looks_gone "${UUID[2]}"
    run_vfpool 0 release vm2
    assert_invariants
}

@test "release of a VF that a process has open is refused without --force, whoever holds it" {
    local go user
    prepare 0 1 2
    looks_gone "${UUID[1]}"
    host driver eth3/0 vfio-pci
    mkdir -p "$ROOT/dev/vfio"
    group=$(basename "$(readlink "$ROOT/sys/bus/pci/devices/${V[0]}/iommu_group")")
    : >"$ROOT/dev/vfio/$group"
    mkfifo "$BATS_TEST_TMPDIR/go"
    holder_of() { read -r _ <"$BATS_TEST_TMPDIR/go" 9<"$1"; }
    holder_of "$ROOT/dev/vfio/$group" 3>&- &
    user=$!
    exec {go}<>"$BATS_TEST_TMPDIR/go"
    opened() { [[ -e /proc/$user/fd/9 ]]; }
    wait_until opened
    refused "VF ${V[0]} is in use by process $user" vm1 "${V[0]}"
    echo cut >"$LEDGER/guests/${UUID[1]}.xml"
    for what in "${V[0]}" "${UUID[1]}"; do
        run_vfpool 1 release "$what"
        [[ $stderr == *"VF ${V[0]} is in use by process $user"*--force* ]]
        [[ -L $LEDGER/vfs/${V[0]} && -L $LEDGER/vfs/${V[1]} ]]
    done
    run_vfpool 0 release --force "${V[0]}"
    [[ ! -L $LEDGER/vfs/${V[0]} && -L $LEDGER/vfs/${V[1]} ]]
    echo >&"$go"
    wait "$user"
    exec {go}>&-
    run_vfpool 0 release "${UUID[1]}"
    assert_released "${UUID[1]}"
}

@test "release --dry-run prints what release then prints, in its tense, and changes nothing" {
    # dry WHAT: the one, and then the other
    dry() {
        snapshot
        run_vfpool 0 release --dry-run "$1"
        cp "$STDOUT" "$BATS_TEST_TMPDIR/dry"
        assert_unchanged || return
        run_vfpool 0 release -n "$1"
        cmp "$BATS_TEST_TMPDIR/dry" "$STDOUT" || return
        run_vfpool 0 release "$1"
        assert_equal "$(grep -v ^note "$BATS_TEST_TMPDIR/dry" | grep 'release')" "$(grep '^released' "$STDOUT")"
    }
    prepare 0 1 3
    looks_gone "${UUID[1]}"
    dry "${V[1]}"
    dry vm1
    assert_released "${UUID[1]}"
    prepare 0 1 2
    looks_gone "${UUID[1]}"
    dry "${UUID[1]}"
    prepare 0 1 3
    echo cut >"$LEDGER/guests/${UUID[1]}.xml"
    run_vfpool 0 status
    run_hook 0 other reconnect < <(guest other "${UUID[9]}")
    mv "$LEDGER/guests/${UUID[1]}.xml" "$LEDGER/guests/${UUID[1]}.bad"
    dry "${V[1]}"
    dry "${UUID[1]}"
    assert_released "${UUID[1]}"
    rm -rf "$LEDGER"
    run_vfpool 1 release --dry-run vm1
    [[ ! -e $LEDGER ]] || fail "the dry run made a ledger"
    assert_invariants
}

@test "history says what was released by hand" {
    prepare 0 1 2
    cp "$STDOUT" "$BATS_TEST_TMPDIR/vm1.xml"
    run_hook 0 vm1 start <"$BATS_TEST_TMPDIR/vm1.xml"
    run_vfpool 0 release --force vm1
    prepare 0 2
    run_vfpool 0 release --force "${V[0]}"
    prepare 0 3
    run_hook 0 vm3 release < <(vm 3)
    run_vfpool 0 history --format json
    assert_equal "$(jq -r '.events[] | select(.event == "returned" or .event == "dropped") | "\(.event) \(.guest) \(.reason)"' "$STDOUT" | sort -u)" \
        "dropped vm2 released by hand
dropped vm3 null
returned vm1 released by hand"
    run_vfpool 0 history vm2
    [[ $output == *"  dropped      ${V[0]}  eth3 0  vm2"$'\n'"    by "*": released by hand" ]]
    run_vfpool 0 history vm2 --format xml
    assert_equal "$(xmllint --xpath 'string(//event[2]/@reason)' "$STDOUT")" 'released by hand'
}

# --- addresses ---------------------------------------------------------------

@test "an address may be lspci's, sysfs's or libvirt's, wherever one is taken" {
    for form in 01:10.0 0000:01:10.0 pci_0000_01_10_0; do
        prepare 0 1
        looks_gone "${UUID[1]}"
        run_vfpool 0 release $form
        assert_equal "$output" "released VF ${V[0]} of pool 'net' from guest 'vm1' (${UUID[1]})"
        run_vfpool 0 history $form --format json
        jq -e --arg vf "${V[0]}" '.events | length > 1 and all(.address == $vf)' "$STDOUT"
    done
    run_vfpool 0 discover eth3
    cp "$STDOUT" "$BATS_TEST_TMPDIR/named"
    for form in 01:00.0 0000:01:00.0 pci_0000_01_00_0; do
        run_vfpool 0 discover $form
        cmp "$BATS_TEST_TMPDIR/named" "$STDOUT"
        # One PF is one, whatever it is called.
        run_vfpool 0 discover eth3 $form eth3
        cmp "$BATS_TEST_TMPDIR/named" "$STDOUT"
    done
    run_vfpool 1 discover 01:10.0
    assert_one_line 0000:01:10.0 'virtual function'
    run_vfpool 1 discover 77:00.0
    assert_one_line 0000:77:00.0
    for wrong in 01:10 1:10.0 pci_01_10_0 pci_0000:01:10.0; do
        run_vfpool 1 release $wrong
        assert_one_line "'$wrong'"
    done
}

# --- reconcile ---------------------------------------------------------------

# What reconcile says on a host like these, all of which have no libvirt.
no_libvirt="vfpool: note: there is no libvirt here (/etc/libvirt): no network is set up"

@test "reconcile with nothing to do says so, and what it cannot do" {
    run_vfpool 0 reconcile
    assert_equal "$output$stderr" "$no_libvirt"
    rm "$ROOT/etc/vfpool"/*
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
}

@test "reconcile changes nothing where nothing is to do" {
    prepare 0 1 2
    snapshot
    run_vfpool 0 reconcile
    assert_equal "$output$stderr" "$no_libvirt"
    assert_unchanged
    assert_invariants
}

@test "reconcile removes dangling links also where no crash was noticed" {
    prepare 0 1
    ln -s "../guests/${UUID[2]}.xml" "$LEDGER/vfs/${V[1]}"
    ln -s "../guests/${UUID[1]}.xml" "$LEDGER/vfs/${V[2]}"
    run_vfpool 0 reconcile
    assert_equal "$(wc -l < "$STDOUT")" 2
    [[ $output == *"${V[1]}"* && $output == *"${V[2]}"* ]]
    assert_taken "${V[0]}" "${UUID[1]}"
    assert_invariants
}

# aged N: guest N's claim is from long ago.
aged() {
    sed -i 's/clock="[^"]*"/clock="-600000"/' "$LEDGER/guests/${UUID[$1]}.xml"
}

@test "reconcile drops guests that are certainly gone, and only those" {
    libvirt=$ROOT/run/libvirt/qemu
    for n in 1 2 3; do
        prepare 0 $n
    done
    run_hook 0 x prepare < <(guest ../vm4 "${UUID[4]}" net:"${MAC[4]}")
    for n in 1 2 4; do
        aged $n
    done
    # No libvirt: nothing can be known.
    snapshot
    run_vfpool 0 reconcile
    assert_equal "$output$stderr" "$no_libvirt"
    assert_unchanged
    # vm1 runs, vm2 is gone, vm3 is just starting; vm4's name is no file's.
    mkdir -p "$libvirt"
    touch "$libvirt/vm1.xml"
    run_vfpool 0 reconcile --dry-run
    [[ $output == *"${V[1]}"*"'vm2'"* ]]
    assert_unchanged
    run_vfpool 0 reconcile
    assert_equal "$(wc -l < "$STDOUT")" 1
    [[ $output == *"${V[1]}"*"'net'"*"'vm2'"*"${UUID[2]}"* ]]
    assert_taken "${V[0]}" "${UUID[1]}" "${V[2]}" "${UUID[3]}" "${V[3]}" "${UUID[4]}"
    assert_released "${UUID[2]}"
    assert_invariants
}

# --- arguments ---------------------------------------------------------------

VERBS=(transform explain status history doctor needs dumpxml network discover check define edit undefine drain undrain release open reconcile)

@test "the man page has every verb, with every option that its usage names" {
    local page=$TESTS/../docs/vfpool.8 verb option
    assert_equal "$(sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESC/ s/^\.Cm \([a-z]*\)$/\1/p' "$page" | sort | xargs)" \
        "$(printf '%s\n' "${VERBS[@]}" | sort | xargs)"
    for verb in "${VERBS[@]}"; do
        run_vfpool 0 "$verb" --help
        while read -r option; do
            grep -q "^\.It Cm $verb.*Fl ${option#-}" "$page" || fail "vfpool.8 does not have $verb $option"
        done < <(grep -o -- '--[a-z-]*' "$STDOUT" | sort -u)
    done
}

@test "--help lists every verb that there is, and each has a help of its own" {
    for help in --help -h help; do
        run_vfpool 0 $help
        [[ ! -s $STDERR && $output == usage:* ]]
        assert_equal "$(sed -n 's/^  \([a-z]\{1,\}\)\( .*\)\{0,1\}$/\1/p' "$STDOUT" | xargs)" "${VERBS[*]}"
        # Every verb has its source file and the other way round.
        assert_equal "$(printf '%s\n' "${VERBS[@]}" | sort | xargs)" \
            "$(cd "$TESTS/../hook" && printf '%s\n' cmd-*.c | sed 's/cmd-\(.*\)\.c/\1/' | xargs)"
    done
    for verb in "${VERBS[@]}"; do
        for help in --help -h; do
            run_vfpool 0 "$verb" $help
            [[ ! -s $STDERR && $output == "usage: vfpool $verb"* ]]
        done
    done
    [[ ! -e $LEDGER ]]
    assert_invariants
}

@test "--version" {
    local lines
    run_vfpool 0 --version
    mapfile -t lines <<< "$output"
    [[ ${lines[0]} =~ ^vfpool\ [0-9]+(\.[0-9]+)+(-[0-9]+)?(-g[0-9a-f]{12})?(-dirty)?$ ]]
    assert_equal "${lines[1]}" "libxml2 $(pkg-config --modversion libxml-2.0), libxslt $(pkg-config --modversion libxslt)"
    [[ ${lines[2]} == "vfpool-gate built with libvirt $(pkg-config --modversion libvirt) "* && ${#lines[@]} == 3 ]]
    assert_invariants
}

@test "wrong arguments: exit 2, a line with the usage, nothing changed" {
    prepare 0 1
    snapshot
    wrong() {
        run_vfpool 2 "$@" </dev/null || return
        [[ ! -s $STDOUT ]] || fail "it printed something" || return
        assert_one_line "usage: vfpool $1" || return
        assert_unchanged
    }
    wrong transform
    wrong transform a b
    wrong transform --op
    wrong transform --op start -
    wrong transform --op= -
    wrong transform --bogus -
    wrong status net other
    wrong status --format
    wrong status --format yaml
    wrong status --format ''
    wrong status --bogus
    wrong status -x
    wrong dumpxml
    wrong dumpxml net other
    wrong dumpxml --bogus
    wrong network
    wrong network --bogus net
    wrong discover --bogus
    wrong release
    wrong release vm1 vm2
    wrong release --bogus
    wrong release -x
    wrong release --force
    wrong release --dry-run=no vm1
    wrong reconcile now
    wrong reconcile --bogus
    for verb in define edit undefine; do
        wrong $verb
        wrong $verb net other
    done
    wrong status --format prometheus net
    wrong status --watch --output "$BATS_TEST_TMPDIR/out"
    wrong history vm1 vm2
    [[ $stderr == *"history takes one guest or VF at most"* ]]
    wrong open net
    [[ $stderr == *"open takes no arguments"* ]]
    for verb in '' frobnicate Status 'status ' --bogus -x ../status; do
        run_vfpool 2 "$verb"
        assert_one_line --help
        [[ ! -s $STDOUT ]]
    done
    run_vfpool 2
    assert_one_line --help
    assert_unchanged
    assert_invariants
}

@test "an option that a verb does not have, or that lacks its value, is named as it was typed" {
    says() { # WORDS VERB...
        run_vfpool '[23]' "${@:2}" </dev/null
        [[ $status == 2 || $2 == doctor ]]
        assert_one_line "vfpool: $1; usage: vfpool $2"
    }
    local verb
    for verb in "${VERBS[@]}"; do
        says "there is no option '--watched'" "$verb" --watched
        says "there is no option '--watched'" "$verb" --watched=3 x
        says "there is no option '-x'" "$verb" a -x
        says "there is no option '--a b'" "$verb" $'--a\nb'
    done
    says "there is no option '--watch'" doctor --watch
    says "there is no option '--fix'" doctor --fix
    says "there is no option '--long'" history --long
    says "there is no option '--longer'" status --longer
    says "option '--wait' needs a value" reconcile --wait
    says "option '--wa' needs a value" reconcile --dry-run --wa
    says "option '--format' needs a value" status --format
    says "option '-f' needs a value" status -f
    says "option '-f' needs a value" status -lf
    says "option '--op' needs a value" transform --op
    says "option '-o' needs a value" transform -o
    says "option '--dry-run' takes no value" reconcile --dry-run=3
    says "option '--settings' takes no value" open --settings=no
    says "option '--' may be more than one" reconcile --=3
    # A letter that is there only as what a long option is known by.
    says "there is no option '-b'" reconcile --wait=3 -bn
    says "there is no option '-w'" reconcile --wait=3 -w
    says "option '-f' needs a value" release vm1 -nf
    assert_invariants
}

@test "a root that is not there is said" {
    export VFPOOL_ROOT=$ROOT/nowhere
    for verb in status 'release x' reconcile 'dumpxml net' discover 'transform /dev/null'; do
        # shellcheck disable=SC2086
        run_vfpool 1 $verb
        assert_one_line nowhere
    done
}

# --- the dry run is the real run ---------------------------------------------

captured_host() {
    another_root
    host eth3:vfs=7 eth4:vfs=7 eth5:vfs=7
    cp "$FIXTURES"/pools/*.xml "$ROOT/etc/vfpool"
}

@test "transform prints what prepare then prints, or the input; and claims nothing" {
    captured_host
    for operation in prepare restore migrate; do
        run_vfpool 0 transform --op $operation "$FIXTURES/domains/two-pools.xml"
    done
    as_installed # so many, and what is compared is what is printed; files 20 and 21 read the same XML with sanitizers
    compared=0 refused=0 untouched=0
    for file in "$FIXTURES"/domains/*.xml "$FIXTURES"/captured/*.prepare.*.xml "$FIXTURES/seed/guest.xml"; do
        for neighbour in no yes; do
            rm -rf "$LEDGER"
            [[ $neighbour == no ]] ||
                run_hook 0 n prepare < <(guest n "${UUID[1]}" passthrough:"${MAC[1]}" storage:"${MAC[2]}") >/dev/null
            snapshot
            code=0
            "$VFPOOL_BUILD/hook/vfpool" transform "$file" >"$BATS_TEST_TMPDIR/dry" 2>"$BATS_TEST_TMPDIR/dry.err" || code=$?
            run_program "$code" "$VFPOOL_BUILD/hook/vfpool" transform - <"$file" >/dev/null
            cmp "$BATS_TEST_TMPDIR/dry" "$STDOUT"
            assert_unchanged
            [[ $neighbour == yes || ! -e $LEDGER ]] || fail "transform made a ledger"
            run_hook "$((code > 0))" x prepare <"$file" >/dev/null
            cmp "$BATS_TEST_TMPDIR/dry.err" "$STDERR"
            if ((code)); then
                refused=$((refused + 1))
                assert_unchanged
                [[ ! -s $BATS_TEST_TMPDIR/dry ]]
            elif [[ -s $STDOUT ]]; then
                compared=$((compared + 1))
                cmp "$BATS_TEST_TMPDIR/dry" "$STDOUT"
                run ! cmp -s "$BATS_TEST_TMPDIR/dry" "$file"
            else
                untouched=$((untouched + 1))
                cmp "$BATS_TEST_TMPDIR/dry" "$file"
            fi
            # And once more, with its own earlier life in the ledger.
            "$VFPOOL_BUILD/hook/vfpool" transform "$file" >"$BATS_TEST_TMPDIR/again" 2>&1 || :
            ((code)) || cmp "$BATS_TEST_TMPDIR/dry" "$BATS_TEST_TMPDIR/again"
            assert_invariants
        done
    done
    echo "$compared compared, $untouched untouched, $refused refused"
    ((compared >= 14 && untouched >= 10 && refused >= 2))
}

@test "transform --op restore and migrate print what the hook prints, or the input" {
    captured_host
    as_installed
    changed=0
    for file in "$FIXTURES"/domains/*.xml "$FIXTURES"/captured/*.{prepare,restore,started,stopped}.*.xml; do
        for operation in restore migrate; do
            rm -rf "$LEDGER"
            # The first VFs are another's: what was captured with them has to move.
            run_hook 0 n prepare < <(guest n "${UUID[1]}" passthrough:"${MAC[1]}" passthrough:"${MAC[2]}") >/dev/null
            snapshot
            code=0
            "$VFPOOL_BUILD/hook/vfpool" transform --op $operation "$file" >"$BATS_TEST_TMPDIR/dry" \
                2>"$BATS_TEST_TMPDIR/dry.err" || code=$?
            run_hook "$((code > 0))" x $operation <"$file" >/dev/null
            cmp "$BATS_TEST_TMPDIR/dry.err" "$STDERR"
            if [[ -s $STDOUT ]]; then
                changed=$((changed + 1))
                cmp "$BATS_TEST_TMPDIR/dry" "$STDOUT"
            elif ((code == 0)); then
                cmp "$BATS_TEST_TMPDIR/dry" "$file"
            fi
            assert_unchanged
            assert_invariants
        done
    done
    ((changed >= 4)) || fail "only $changed were changed"
}

@test "transform without a pool interface is byte for byte, also where there is no /etc/vfpool" {
    rm -r "$ROOT/etc/vfpool"
    printf "<domain\r\n ><name>x</name\t><uuid>%s</uuid></domain>" "${UUID[1]}" >"$BATS_TEST_TMPDIR/odd.xml"
    run_vfpool 0 transform "$BATS_TEST_TMPDIR/odd.xml"
    cmp "$STDOUT" "$BATS_TEST_TMPDIR/odd.xml"
    run_vfpool 1 transform "$BATS_TEST_TMPDIR/nosuch.xml"
    assert_one_line nosuch.xml
    run_vfpool 1 transform "$BATS_TEST_TMPDIR"
    assert_one_line "$BATS_TEST_TMPDIR"
    as_installed
    for file in "$FIXTURES"/domains/*.xml "$FIXTURES"/captured/*.xml; do
        run_vfpool 0 transform "$file" >/dev/null
        cmp "$STDOUT" "$file"
    done
    [[ ! -e $LEDGER ]]
    assert_invariants
}
