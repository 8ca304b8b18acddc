#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is set on a guest's VFs, and put back: the programs with a kernel on files (kernel/rtnetlink.c).

load helpers
as_installed

MAC0=52:54:00:aa:00:00

setup() {
    common_setup
    VFPOOL_BUILD=$VFPOOL_BUILD/tests/kernel
    host eth3:vfs=3 eth4:vfs=2
    mkdir "$ROOT/kernel"
    told eth3 "$MAC0 0 0 8100 0 0 1 0 0 0" "52:54:00:aa:00:01 0 0 8100 0 0 1 0 0 0" "52:54:00:aa:00:02 0 0 8100 0 0 1 0 0 0"
    told eth4 "00:00:00:00:00:00 0 0 8100 0 0 1 0 0 0" "00:00:00:00:00:00 0 0 8100 0 0 1 0 0 0"
    kernel > "$BATS_TEST_TMPDIR/before"
}
teardown() { assert_invariants; }

# told PF LINE...: what the kernel knows of its VFs; kernel: all of that; line PF VF
told() { printf '%s\n' "${@:2}" > "$ROOT/kernel/$(cat "$ROOT/sys/class/net/$1/ifindex")"; }
kernel() { (cd "$ROOT/kernel" && head -v -n 99 -- [0-9]*); }
line() { sed -n $(($2 + 1))p "$ROOT/kernel/$(cat "$ROOT/sys/class/net/$1/ifindex")"; }
assert_as_before() { kernel | diff "$BATS_TEST_TMPDIR/before" - || fail "not as it was"; }
# changes VF SED: somebody else changes eth3's VF
changes() { sed -i "$(($1 + 1))$2" "$ROOT/kernel/$(cat "$ROOT/sys/class/net/eth3/ifindex")"; }
rules() { printf '%s\n' "$@" > "$ROOT/kernel/rules"; }

# settings_pool NAME SETTINGS PF... [-- XML...]
settings_pool() {
    local name=$1 settings=$2
    shift 2
    local pfs=()
    while (($#)) && [[ $1 != -- ]]; do pfs+=("$1") && shift; done
    pool "$name" "${pfs[@]}" -- "<metadata><v:pool xmlns:v='urn:vfpool:1' $OVERRIDE>$settings</v:pool></metadata>" "${@:2}"
}
OVERRIDE=
# with SETTINGS: guest's <metadata>, for guest()
own() { echo "<metadata><v:guest xmlns:v='urn:vfpool:1'>$1</v:guest></metadata>"; }
# g N [DEVICE...]: guest N; live N ADDRESS [DEVICE...]: as start shows it
g() { guest "g$1" "${UUID[$1]}" "net:${MAC[$1]}" "${@:2}" | own_to_top; }
live() {
    guest "g$1" "${UUID[$1]}" "<interface type='hostdev' managed='yes'><mac address='${MAC[$1]}'/><source><address type='pci' domain='0x${2:0:4}' bus='0x${2:5:2}' slot='0x${2:8:2}' function='0x${2:11:1}'/></source></interface>" "${@:3}" | own_to_top
}
# libvirt has <metadata> below <domain>
own_to_top() { perl -0pe 's{\s*(<metadata>.*?</metadata>)}{}s and $m = $1 and s{(</uuid>)}{$1\n  $m}'; }
prepare() { run_hook "$1" "g$2" prepare < <(g "$2" "${@:3}"); }
start() { run_hook "$1" "g$2" start < <(live "$2" "$3" "${@:4}"); }
release() { run_hook "$1" "g$2" release < <(g "$2"); }
show() { run_vfpool 0 status --format json; shown=$(jq -c --arg a "$1" '.pools[].vfs[] | select(.address == $a) | [.state, .reason]' "$STDOUT"); }

ALL="<v:settings qos='3' protocol='802.1ad' min-rate='100' max-rate='1000' spoof-check='no' trust='yes' link-state='enable' query-rss='yes'/>"
VF0=0000:01:10.0 VF1=0000:01:10.2

@test "each setting is set at start, and put back at release; nothing before" {
    settings_pool net "$ALL" eth3 -- "<vlan><tag id='42'/></vlan>"
    prepare 0 1
    assert_as_before
    # What libvirt does: MAC address and VLAN.
    changes 0 "s/$MAC0 0/${MAC[1]} 42/"
    start 0 1 "$VF0"
    assert_silent
    assert_equal "$(line eth3 0)" "${MAC[1]} 42 3 88a8 100 1000 0 1 1 1"
    assert_equal "$(sort "$ROOT/kernel/log" | uniq -d)" ""
    # What libvirt does at the end.
    changes 0 "s/.* 42 3 88a8/$MAC0 0 0 8100/"
    release 0 1
    assert_silent
    assert_as_before
    assert_released "${UUID[1]}"
}

@test "what else is changed while a guest has the VF is put back, asked for or not" {
    settings_pool net '' eth3
    prepare 0 1
    start 0 1 "$VF0"
    [[ ! -e $ROOT/kernel/log ]]
    changes 0 "s/.*/${MAC[1]} 7 1 8100 5 50 0 1 1 2/"
    release 0 1
    assert_as_before
}

@test "a VF that is as it was is not touched" {
    settings_pool net '' eth3
    prepare 0 1
    start 0 1 "$VF0"
    release 0 1
    [[ ! -e $ROOT/kernel/log ]]
}

@test "originals are recorded once, whatever is called again" {
    settings_pool net "<v:settings trust='yes'/>" eth3
    prepare 0 1
    start 0 1 "$VF0"
    start 0 1 "$VF0"
    run_hook 0 g1 reconnect < <(live 1 "$VF0")
    run_vfpool 0 reconcile
    assert_equal "$(grep -c '<original mac="52:54:00:aa:00:00" vlan="0" qos="0" min-rate="0" max-rate="0" spoof-check="yes" trust="no"' "$ROOT/run/vfpool/guests/${UUID[1]}.xml")" 1
    release 0 1
    assert_as_before
}

@test "portgroup over pool, guest over portgroup, interface over guest" {
    OVERRIDE="override='trust max-rate'"
    settings_pool net "<v:settings max-rate='10' trust='no'/><v:settings portgroup='fast' max-rate='20' spoof-check='no'/><v:settings portgroup='slow' max-rate='5'/>" \
        eth3 -- "<portgroup name='fast'/><portgroup name='slow' default='yes'/>"
    wanted() { sed -n 's|.*<wanted \(.*\)/>.*|\1|p' "$ROOT/run/vfpool/guests/${UUID[$1]}.xml"; }
    prepare 0 1
    assert_equal "$(wanted 1)" 'max-rate="5" trust="no"'
    run_hook 0 g1 prepare < <(guest g1 "${UUID[1]}" "net/fast:${MAC[1]}")
    assert_equal "$(wanted 1)" 'max-rate="20" spoof-check="no" trust="no"'
    prepare 0 1 "$(own "<v:settings trust='yes' max-rate='30'/><v:settings interface='${MAC[1]}' max-rate='40'/><v:settings interface='${MAC[2]}' trust='no'/>")" "<interface type='network'><mac address='${MAC[2]}'/><source network='net'/></interface>"
    assert_equal "$(wanted 1)" 'max-rate="40" trust="yes"
max-rate="30" trust="no"'
    run_hook 0 g1 prepare < <(guest g1 "${UUID[1]}" "net/none:${MAC[1]}")
    assert_equal "$(wanted 1)" 'max-rate="10" trust="no"'
}

@test "what cannot be is refused at prepare, in one line, and nothing claimed" {
    OVERRIDE="override='all trust vlan qos max-rate min-rate mac'"
    settings_pool net "<v:settings max-rate='1000'/>" eth3
    snapshot
    while IFS='|' read -r settings reason; do
        g 1 "$(own "$settings")" > "$BATS_TEST_TMPDIR/guest.xml"
        for call in 'vfpool transform -' 'vfpool explain -' 'qemu g1 prepare begin -'; do
            # shellcheck disable=SC2086  # words
            run_program '[135]' "$VFPOOL_BUILD/hook/"$call < "$BATS_TEST_TMPDIR/guest.xml"
            assert_one_line "$reason"
            [[ -z $output ]]
        done
        assert_unchanged
        assert_as_before
    done << 'REFUSED'
<v:settings min-rate='2000'/>|guest 'g1' cannot have the settings that it and pool 'net' ask for: it asks for min-rate='2000', which is above max-rate='1000'
<v:settings qos='9'/>|guest 'g1' says in its <metadata>: qos='9': that can be 0 to 7
<v:settings trust='on'/>|guest 'g1' says in its <metadata>: trust='on': that can be no or yes
<v:settings link-state='up'/>|link-state='up': that can be auto, enable or disable
<v:settings protocol='802.1Qad'/>|protocol='802.1Qad': that can be 802.1Q or 802.1ad
<v:settings max-rate='99999999999'/>|max-rate='99999999999': that can be 0 to 2147483647
<v:settings max-rate='1 000'/>|max-rate='1 000': that can be
<v:settings spoof-check='no'/>|spoof-check='no' in its <metadata>, and pool 'net' does not let guests say that: it would have to have override='spoof-check'
<v:settings trusted='yes'/>|trusted='yes' in its <metadata>: there is no such setting
<v:settings vlan='5'/>|vlan='5' in its <metadata>: of an interface, its <vlan> says that
<v:settings mac='52:54:00:00:00:09'/>|mac='52:54:00:00:00:09' in its <metadata>: of an interface, its <mac> says that
<v:settings interface='52:54:00:00:00:07' trust='yes'/>|guest 'g1' has <settings interface='52:54:00:00:00:07'> in its <metadata>, and no such interface of a pool's
<v:settings hostdev='0000:01:10.4' trust='yes'/>|guest 'g1' has <settings hostdev='0000:01:10.4'> in its <metadata>, and no such device of a pool's
<v:setting trust='yes'/>|guest 'g1' has <setting> in its <metadata>: in <guest>, vfpool knows <settings> only
<settings trust='yes'/>|of its own namespace
REFUSED
}

@test "a plain hostdev gets MAC address and VLAN, which libvirt does not set" {
    OVERRIDE="override='mac vlan qos'"
    settings_pool net "<v:settings spoof-check='no'/>" eth3
    hostdev="<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0x01' slot='0x10' function='0x2'/></source></hostdev>"
    alone() { guest g1 "${UUID[1]}" "$hostdev" "$(own "<v:settings hostdev='$VF1' mac='52:54:00:00:00:77' vlan='$1' qos='5'/>")" | own_to_top; }
    for wrong in 4095 x; do
        run_hook 1 g1 prepare < <(alone $wrong)
        assert_one_line "guest 'g1' says in its <metadata>: vlan='$wrong': that can be 0 to 4094"
    done
    run_hook 0 g1 prepare < <(alone 9)
    run_hook 0 g1 start < <(alone 9)
    assert_equal "$(line eth3 1)" "52:54:00:00:00:77 9 5 8100 0 0 0 0 0 0"
    run_hook 0 g1 release < <(alone 9)
    assert_as_before
    for wrong in 53:54:00:00:00:77 00:00:00:00:00:00 52-54-00-00-00-77 5254.0000.0077; do
        run_hook 1 g1 prepare < <(alone 9 | sed "s/52:54:00:00:00:77/$wrong/")
        assert_one_line "mac='$wrong': that can be the address of one station"
    done
}

@test "each setting refused, or taken and not set: the start fails in one line, and all is as it was" {
    settings_pool net "$ALL" eth3 -- "<vlan><tag id='42'/></vlan>"
    prepare 0 1
    changes 0 "s/$MAC0 0/${MAC[1]} 42/"
    kernel > "$BATS_TEST_TMPDIR/before"
    while IFS='|' read -r what says took; do
        for code in 95 1 0; do
            rules "$what $code"
            snapshot
            start 1 1 "$VF0"
            case $code in
            95) assert_one_line "guest 'g1': PF eth3 does not take $says for VF 0: Operation not supported" ;;
            1) assert_one_line "guest 'g1': PF eth3 does not take $says for VF 0: Operation not permitted" ;;
            0) assert_one_line "guest 'g1': PF eth3 took ${took:-${says%% *}} for VF 0, and did not set it" ;;
            esac
            assert_as_before
            assert_unchanged
        done
    done << 'RULES'
vlan|vlan='42' qos='3' protocol='802.1ad'|qos='3'
rate|min-rate='100' max-rate='1000'
spoofchk|spoof-check='no'
trust|trust='yes'
rss|query-rss='yes'
link|link-state='enable'
RULES
}

@test "what a card does not tell: an error where it was asked for, silence where not" {
    told eth3 "$MAC0 0 0 8100 0 0 -1 -1 -1 0"
    kernel > "$BATS_TEST_TMPDIR/before"
    settings_pool net "<v:settings link-state='enable'/>" eth3
    rules 'trust 95' 'spoofchk 95' 'rss 95'
    prepare 0 1
    start 0 1 "$VF0"
    assert_equal "$(cat "$ROOT/kernel/log")" "$(cat "$ROOT/sys/class/net/eth3/ifindex") 0 link"
    release 0 1
    assert_as_before
    settings_pool net "<v:settings trust='no'/>" eth3
    prepare 0 1
    start 1 1 "$VF0"
    assert_one_line "PF eth3 does not take trust='no' for VF 0: Operation not supported"
    # It takes it, and does not tell.
    rules 'trust 0'
    start 0 1 "$VF0"
    release 0 1
    assert_as_before
}

@test "a card where one setting sets another: told again, both ways" {
    settings_pool net "<v:settings spoof-check='no' trust='yes'/>" eth3
    rules 'trust-sets-spoofchk 1'
    prepare 0 1
    start 0 1 "$VF0"
    assert_equal "$(line eth3 0)" "$MAC0 0 0 8100 0 0 0 1 0 0"
    rules 'trust-sets-spoofchk 0'
    release 0 1
    assert_silent
    assert_as_before
    # Where they cannot both be, that is an error.
    rules 'trust-sets-spoofchk 1' 'spoofchk 0'
    prepare 0 1
    start 1 1 "$VF0"
    assert_one_line "PF eth3 took spoof-check='no' for VF 0, and did not set it"
}

@test "the second VF refuses: the first is as it was, too" {
    settings_pool net "<v:settings max-rate='1000'/>" eth3 eth4
    local second
    second="<interface type='hostdev' managed='yes'><mac address='${MAC[2]}'/><source><address type='pci' domain='0x0000' bus='0x02' slot='0x10' function='0x0'/></source></interface>"
    prepare 0 1 "net:${MAC[2]}"
    told eth4 "error 5"
    kernel > "$BATS_TEST_TMPDIR/before"
    snapshot
    start 1 1 "$VF0" "$second"
    assert_one_line "guest 'g1': cannot read what PF eth4 has been told of its VFs: Input/output error"
    assert_as_before
    assert_unchanged
    assert_equal "$(grep -c rate "$ROOT/kernel/log")" 2
}

@test "what cannot be recorded: a guest with settings is refused, any other is started as with libvirt's own pool" {
    settings_pool net "<v:settings trust='yes'/>" eth3
    told eth3 "error 5"
    snapshot
    prepare 1 1
    assert_one_line "cannot read what PF eth3 has been told of its VFs: Input/output error"
    assert_unchanged
    settings_pool net '' eth3
    prepare 0 1
    start 0 1 "$VF0"
    release 0 1
    assert_silent
}

@test "a card that takes no zero MAC address gets a random one, and says so" {
    settings_pool net '' eth4
    rules 'zero-mac 22'
    run_hook 0 g1 prepare < <(guest g1 "${UUID[1]}" "net:${MAC[1]}")
    told eth4 "${MAC[1]} 0 0 8100 0 0 1 0 0 0" "00:00:00:00:00:00 0 0 8100 0 0 1 0 0 0"
    release 0 1
    read -r now _ < <(line eth4 0)
    [[ $now =~ ^[0-9a-f][26ae]:([0-9a-f]{2}:){4}[0-9a-f]{2}$ && $now != "${MAC[1]}" ]]
    assert_one_line "VF 0 of PF eth4 had no MAC address, and the card does not take it back: it has $now now"
    assert_released "${UUID[1]}"
    # From now on that is what it had.
    run_hook 0 g1 prepare < <(guest g1 "${UUID[1]}" "net:${MAC[1]}")
    told eth4 "${MAC[1]} 0 0 8100 0 0 1 0 0 0" "00:00:00:00:00:00 0 0 8100 0 0 1 0 0 0"
    release 0 1
    assert_silent
    read -r again _ < <(line eth4 0)
    assert_equal "$again" "$now"
}

# stuck: guest 1 has had VF 0, and its trust cannot be taken back
stuck() {
    settings_pool net "<v:settings trust='yes'/>" eth3
    prepare 0 1
    start 0 1 "$VF0"
    rules 'trust 16'
    release 0 1
    assert_one_line "note: VF $VF0 of pool 'net' is not set as it was before guest 'g1' had it, and is quarantined: PF eth3 does not take trust='no' for VF 0: Device or resource busy"
}

@test "a VF of which it cannot be read whose it is is quarantined; reconcile puts it back" {
    local before
    settings_pool net "<v:settings trust='yes'/>" eth3
    before=$(line eth3 0)
    prepare 0 1
    start 0 1 "$VF0"
    hook_environment
    run_program 0 strace -qq -o /dev/null -P "$ROOT/run/vfpool/vfs" -e trace=readlinkat -e inject=readlinkat:error=EIO:when=1 \
        "${HOOK_ENVIRONMENT[@]}" "$VFPOOL_BUILD/hook/qemu" g1 release end - < <(g 1)
    assert_one_line "note: VF $VF0 of pool 'net' is not set as it was before guest 'g1' had it, and is quarantined: cannot read /run/vfpool/vfs/$VF0: Input/output error"
    run_vfpool 0 reconcile
    assert_taken
    assert_equal "$(line eth3 0)" "$before"
}

@test "a VF that cannot be put back is quarantined with the reason; reconcile tries again" {
    stuck
    assert_taken "$VF0" "${UUID[1]}"
    show "$VF0"
    assert_equal "$shown" '["quarantined","it could not be set as it was: PF eth3 does not take trust='"'no'"' for VF 0: Device or resource busy"]'
    # Nobody gets it: not another guest, nor the one that had it.
    prepare 0 2
    grep -q "function=\"0x2\"" "$STDOUT"
    prepare 0 1
    grep -q "function=\"0x4\"" "$STDOUT"
    assert_taken "$VF0" "${UUID[1]}" "$VF1" "${UUID[2]}" 0000:01:10.4 "${UUID[1]}"
    prepare 1 3
    assert_one_line "$VF0 is quarantined: PF eth3 does not take trust='no' for VF 0: Device or resource busy (vfpool reconcile, or vfpool release $VF0)"
    start 0 1 0000:01:10.4 || true
    run_vfpool 0 reconcile
    show "$VF0"
    assert_equal "$(jq -r '.[0]' <<< "$shown")" quarantined
    rm "$ROOT/kernel/rules"
    run_vfpool 0 reconcile
    grep -qx "released VF $VF0 of pool 'net', which was quarantined" "$STDOUT"
    assert_taken "$VF1" "${UUID[2]}" 0000:01:10.4 "${UUID[1]}"
    release 0 1
    release 0 2
    assert_as_before
}

@test "each setting that cannot be put back quarantines the VF, and the others are put back" {
    settings_pool net "$ALL" eth3 -- "<vlan><tag id='42'/></vlan>"
    while IFS='|' read -r what fields says; do
        prepare 0 1
        changes 0 "s/$MAC0 0/${MAC[1]} 42/"
        start 0 1 "$VF0"
        for code in 22 0; do
            rules "$what $code"
            release 0 1
            case $code in
            22) assert_one_line "is quarantined: PF eth3 does not take $says for VF 0: Invalid argument" ;;
            0) assert_one_line "is quarantined: PF eth3 took ${says%% *} for VF 0, and did not set it" ;;
            esac
            # shellcheck disable=SC2086  # fields of a line
            assert_equal "$(line eth3 0 | cut -d' ' -f "$fields" --complement)" \
                "$(head -n 2 "$BATS_TEST_TMPDIR/before" | sed -n 2p | cut -d' ' -f "$fields" --complement)"
        done
        rm "$ROOT/kernel/rules"
        run_vfpool 0 reconcile
        assert_as_before
        assert_taken
    done << 'RULES'
mac|1|mac='52:54:00:aa:00:00'
vlan|2,3,4|vlan='0' qos='0'
rate|5,6|min-rate='0' max-rate='0'
spoofchk|7|spoof-check='yes'
trust|8|trust='no'
rss|9|query-rss='no'
link|10|link-state='auto'
RULES
    run_vfpool 0 history --format json
    assert_equal "$(jq -c '[.events[] | select(.event == "quarantined")] | [length, .[0].reason]' "$STDOUT")" \
        "[7,\"PF eth3 does not take mac='52:54:00:aa:00:00' for VF 0: Invalid argument\"]"
}

@test "a person lets it go as it is, by its address" {
    stuck
    run_vfpool 0 release g1
    assert_taken "$VF0" "${UUID[1]}"
    run_vfpool 0 release "$VF0"
    assert_equal "$output" "released VF $VF0 of pool 'net' from guest 'g1' (${UUID[1]})"
    assert_taken
    assert_equal "$(line eth3 0)" "$MAC0 0 0 8100 0 0 1 1 0 0"
}

@test "its guest's next start tries again" {
    stuck
    rm "$ROOT/kernel/rules"
    prepare 0 1
    assert_as_before
    assert_taken "$VF0" "${UUID[1]}"
    run ! grep -q stuck "$ROOT/run/vfpool/guests/${UUID[1]}.xml"
    start 0 1 "$VF0"
    release 0 1
    assert_as_before
}

@test "a release that comes late never touches a VF that has a new holder" {
    settings_pool net "<v:settings trust='yes'/>" eth3
    prepare 0 1
    start 0 1 "$VF0"
    cp "$ROOT/run/vfpool/guests/${UUID[1]}.xml" "$BATS_TEST_TMPDIR/old.xml"
    release 0 1
    prepare 0 2
    start 0 2 "$VF0"
    kernel > "$BATS_TEST_TMPDIR/before"
    release 0 1
    assert_as_before
    # Nor where the guest's file is there again, as after a restore of /run.
    cp "$BATS_TEST_TMPDIR/old.xml" "$ROOT/run/vfpool/guests/${UUID[1]}.xml"
    release 0 1
    assert_as_before
    assert_taken "$VF0" "${UUID[2]}"
}

@test "a VF whose PF has another name at release, and one that is gone" {
    settings_pool net "<v:settings trust='yes'/>" eth3
    prepare 0 1
    start 0 1 "$VF0"
    rm -r "$ROOT/sys" "$ROOT/.host"
    host ens7f0np0:vfs=3 eth4:vfs=2
    release 0 1
    assert_as_before
    rm -r "$ROOT/sys" "$ROOT/.host"
    host eth3:vfs=3 eth4:vfs=2
    prepare 0 1
    start 0 1 "$VF0"
    host numvfs eth3 0
    release 0 1
    assert_silent
    assert_released "${UUID[1]}"
}

@test "a PF that has no network interface at release: the VF is there, and what is set on it is not known" {
    settings_pool net "<v:settings trust='yes'/>" eth3
    prepare 0 1
    start 0 1 "$VF0"
    local net
    net=$(readlink -f "$ROOT/sys/bus/pci/devices/0000:01:00.0")/net
    mv "$net" "$BATS_TEST_TMPDIR/net"
    release 0 1
    assert_one_line "VF $VF0 of pool 'net'" "is quarantined: PF 0000:01:00.0 has no network interface"
    assert_taken "$VF0" "${UUID[1]}"
    mv "$BATS_TEST_TMPDIR/net" "$net"
    run_vfpool 0 reconcile
    assert_as_before
    assert_taken
}

@test "a VF that a process has open is not put back beneath it, but quarantined" {
    settings_pool net "<v:settings trust='yes'/>" eth3
    prepare 0 1
    start 0 1 "$VF0"
    opened "$VF0"
    release 0 1
    assert_one_line "is quarantined: it is in use by process $$"
    assert_equal "$(line eth3 0)" "$MAC0 0 0 8100 0 0 1 1 0 0"
    exec {open}<&-
    run_vfpool 0 reconcile
    assert_as_before
    assert_taken
}

# bats test_tags=deep
@test "killed between any two changes, at start and at release: the next call puts it right" {
    local n
    settings_pool net "$ALL" eth3 -- "<vlan><tag id='42'/></vlan>"
    for n in 0 1 2 3 4 5; do
        prepare 0 1
        echo $n > "$ROOT/kernel/kill"
        : > "$ROOT/kernel/log"
        start 137 1 "$VF0"
        rm "$ROOT/kernel/kill"
        assert_equal "$(wc -l < "$ROOT/kernel/log")" "$n"
        # libvirt's stop hooks follow a hook that died, too.
        release 0 1
        assert_as_before
        assert_taken
    done
    for n in 0 1 2 3 4 5; do
        prepare 0 1
        start 0 1 "$VF0"
        echo $n > "$ROOT/kernel/kill"
        release 137 1
        rm "$ROOT/kernel/kill"
        assert_taken "$VF0" "${UUID[1]}"
        # The host's next call for that guest, or reconcile; nobody else gets the VF until then.
        if ((n % 2)); then release 0 1; else run_vfpool 0 release --force g1; fi
        assert_as_before
        assert_taken
    done
    counted 12 kills
}

# --- offered networks: libvirt's network hook tells --------------------------

# given, taken_back: what libvirt tells of guest N, and its interface's MAC number
given() { made "$1" net "${UUID[$2]}" "g$2" "${MAC[$3]}" "$4" "${@:5}"; }
taken_back() { ended "$1" net "${UUID[$2]}" "g$2" "${MAC[$3]}" "$4"; }
original() { xmllint --xpath "string(/guest/vf[@address='$2']/original/@mac)" "$ROOT/run/vfpool/guests/${UUID[$1]}.xml"; }

@test "libvirt gives another VF than was claimed: what is set on that one is recorded, and what is wanted moves along" {
    settings_pool net "<v:settings trust='yes'/>" eth3
    prepare 0 1
    assert_equal "$(original 1 "$VF0")" "$MAC0"
    given 0 1 1 "$VF1"
    assert_equal "$(original 1 "$VF1")" 52:54:00:aa:00:01
    changes 1 "s/52:54:00:aa:00:01/${MAC[1]}/"
    start 0 1 "$VF1"
    assert_equal "$(line eth3 1)" "${MAC[1]} 0 0 8100 0 0 1 1 0 0"
    # libvirt has given it back to its driver then.
    mkdir -p "$ROOT/run/libvirt/qemu"
    : > "$ROOT/run/libvirt/qemu/g1.xml"
    taken_back 0 1 1 "$VF1"
    assert_as_before
    release 0 1
    assert_released "${UUID[1]}"
}

@test "two guests that are given each other's VFs: what is wanted goes with each one's interface" {
    settings_pool net "<v:settings max-rate='100'/>" eth3
    prepare 0 1
    prepare 0 2
    given 0 2 2 "$VF0"
    given 0 1 1 "$VF1"
    assert_taken "$VF0" "${UUID[2]}" "$VF1" "${UUID[1]}"
    start 0 2 "$VF0"
    start 0 1 "$VF1"
    local vf
    for vf in 0 1; do [[ $(line eth3 $vf) == *" 100 "* ]] || fail "VF $vf is not set: $(line eth3 $vf)"; done
    release 0 1
    release 0 2
    assert_as_before
}

@test "a guest's two VFs in another order: each interface's settings go with it" {
    OVERRIDE="override='max-rate'"
    settings_pool net "" eth3
    own=$(own "<v:settings interface='${MAC[1]}' max-rate='1'/><v:settings interface='${MAC[2]}' max-rate='2'/>")
    prepare 0 1 "net:${MAC[2]}" "$own"
    given 0 1 2 "$VF0"
    given 0 1 1 "$VF1"
    second="<interface type='hostdev' managed='yes'><mac address='${MAC[2]}'/><source><address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/></source></interface>"
    start 0 1 "$VF1" "$second"
    assert_equal "$(line eth3 0)" "$MAC0 0 0 8100 0 2 1 0 0 0"
    assert_equal "$(line eth3 1)" "52:54:00:aa:00:01 0 0 8100 0 1 1 0 0 0"
    release 0 1
    assert_as_before
}

# runs N [METADATA]: guest N runs, and libvirt keeps its state
runs() {
    mkdir -p "$ROOT/run/libvirt/qemu"
    { echo "<domstatus state='running'>" && guest "g$1" "${UUID[$1]}" "${@:2}" | own_to_top && echo '</domstatus>'; } > "$ROOT/run/libvirt/qemu/g$1.xml"
}

@test "plugged into a running guest: set before QEMU has it, VLAN and all after libvirt's own; unplugged: put back" {
    OVERRIDE="override='max-rate'"
    settings_pool net "<v:settings trust='yes' qos='3'/><v:settings portgroup='p' spoof-check='no'/>" eth3 -- "<portgroup name='p'/>"
    runs 1 "$(own "<v:settings max-rate='7'/>")"
    given 0 1 1 "$VF0" p
    assert_silent
    assert_equal "$(line eth3 0)" "$MAC0 0 0 8100 0 7 0 1 0 0"
    # libvirt
    changes 0 "s/$MAC0 0/${MAC[1]} 42/"
    opened "$VF0"
    is_set() { [[ $(line eth3 0) == "${MAC[1]} 42 3 8100 0 7 0 1 0 0" ]] && ! grep -q late "$ROOT/run/vfpool/guests/${UUID[1]}.xml"; }
    wait_until is_set
    exec {open}<&-
    changes 0 "s/.* 42 3/$MAC0 0 0/"
    taken_back 0 1 1 "$VF0"
    assert_silent
    assert_as_before
    assert_released "${UUID[1]}"
}

@test "plugged in, and the card does not take it: refused in one line, and as it was" {
    settings_pool net "<v:settings trust='yes' max-rate='9'/>" eth3
    runs 1
    rules 'trust 95'
    given 1 1 1 "$VF0"
    assert_one_line "guest 'g1': PF eth3 does not take trust='yes' for VF 0: Operation not supported"
    assert_as_before
    assert_taken
    OVERRIDE=
    settings_pool net '' eth3
    runs 1 "$(own "<v:settings trust='yes'/>")"
    given 1 1 1 "$VF0"
    assert_one_line "pool 'net' does not let guests say that"
    assert_taken
}

@test "plugged in, and nobody finished it: reconcile does" {
    settings_pool net "<v:settings trust='yes' qos='3'/>" eth3
    runs 1
    given 0 1 1 "$VF0"
    # As if the process that waits had been killed: the test's own is told that the VF is gone.
    mv "$ROOT/run/vfpool/vfs/$VF0" "$BATS_TEST_TMPDIR/link"
    gone() { ! pgrep -f "tests/kernel/hook/network net port-created" > /dev/null; }
    wait_until gone
    mv "$BATS_TEST_TMPDIR/link" "$ROOT/run/vfpool/vfs/$VF0"
    opened "$VF0"
    run_vfpool 0 reconcile
    grep -qx "set VF $VF0 of guest 'g1' as it is wanted" "$STDOUT"
    assert_equal "$(line eth3 0)" "$MAC0 0 3 8100 0 0 1 1 0 0"
    exec {open}<&-
    run_vfpool 0 reconcile
    taken_back 0 1 1 "$VF0"
    assert_as_before
}

@test "unplugged, and it cannot be put back: the guest keeps it, quarantined, and nobody gets it" {
    settings_pool net "<v:settings trust='yes'/>" eth3
    runs 1
    given 0 1 1 "$VF0"
    rules 'trust 5'
    taken_back 0 1 1 "$VF0"
    assert_one_line "is quarantined: PF eth3 does not take trust='no' for VF 0: Input/output error"
    prepare 0 2
    given 1 2 2 "$VF0"
    given 1 1 1 "$VF0"
    assert_one_line "libvirt gives guest 'g1' VF $VF0 of pool 'net', which is quarantined: PF eth3 does not take"
    rm "$ROOT/kernel/rules"
    run_vfpool 0 reconcile
    run_hook 0 g2 release < <(g 2)
    assert_as_before
    assert_taken
}

@test "a daemon that starts tells of a guest that runs: MAC address and VLAN are libvirt's to put back" {
    settings_pool net "<v:settings trust='yes'/>" eth3
    runs 1
    opened "$VF0"
    changes 0 "s/$MAC0 0/${MAC[1]} 42/"
    given 0 1 1 "$VF0"
    assert_equal "$(original 1 "$VF0")" ""
    [[ ! -e $ROOT/kernel/log ]]
    exec {open}<&-
    changes 0 "s/${MAC[1]} 42/$MAC0 0/"
    taken_back 0 1 1 "$VF0"
    assert_as_before
}

# --- what cannot be written down ---------------------------------------------

# faulty CODE FAULT PROGRAM...: strace's fault at the calls on the ledger. Without sanitizers, which do not go with strace.
faulty() {
    hook_environment
    run_program "$1" "${HOOK_ENVIRONMENT[@]}" strace -qq -o /dev/null -P "$ROOT/run/vfpool" -P "$ROOT/run/vfpool/guests" \
        -e trace="${2%%:*}" -e inject="$2" "$PLAIN/tests/kernel/hook/$3" "${@:4}"
}

@test "a start that cannot be written down: it fails, and is as libvirt had set it, or that is said" {
    local words="cannot write /run/vfpool/guests/${UUID[1]}.xml: No space left on device"
    # What it has set of MAC address and VLAN libvirt puts back, which ends the start.
    settings_pool net "<v:settings min-rate='100' max-rate='1000' spoof-check='no' trust='yes' link-state='enable' query-rss='yes'/>" eth3
    prepare 0 1
    changes 0 "s/$MAC0 0/${MAC[1]} 42/"
    kernel > "$BATS_TEST_TMPDIR/before"
    snapshot
    faulty 1 renameat:error=ENOSPC:when=1 qemu g1 start begin - < <(live 1 "$VF0")
    assert_one_line "$words"
    grep -q "0 trust" "$ROOT/kernel/log"
    assert_as_before
    assert_unchanged
    # Of one that it did not claim it is first written down how it was: without, nothing is set.
    changes 0 "s/${MAC[1]} 42/$MAC0 0/"
    changes 1 "s/52:54:00:aa:00:01 0/${MAC[1]} 42/"
    kernel > "$BATS_TEST_TMPDIR/before"
    rm "$ROOT/kernel/log"
    faulty 1 renameat:error=ENOSPC:when=1 qemu g1 start begin - < <(live 1 "$VF1")
    assert_one_line "$words"
    [[ ! -e $ROOT/kernel/log ]]
    assert_unchanged
    faulty 1 renameat:error=ENOSPC:when=2 qemu g1 start begin - < <(live 1 "$VF1")
    assert_one_line "$words"
    grep -q "1 trust" "$ROOT/kernel/log"
    assert_as_before
    run_hook 0 g1 release < <(g 1)
    # The card does not take all of it back.
    changes 1 "s/${MAC[1]} 42/52:54:00:aa:00:01 0/"
    settings_pool net "<v:settings trust='yes'/>" eth3
    prepare 0 1
    rules 'trust-sets-spoofchk 0' 'spoofchk 5'
    faulty 1 renameat:error=ENOSPC:when=1 qemu g1 start begin - < <(live 1 "$VF0")
    assert_equal "$stderr" "vfpool: note: VF $VF0 stays as it was set until it is released: PF eth3 does not take spoof-check='yes' for VF 0: Input/output error
vfpool: $words"
}

@test "a guest that is started with another VF than it had: what cannot be put back there is quarantined" {
    settings_pool net "<v:settings trust='yes'/>" eth3
    prepare 0 1
    start 0 1 "$VF0"
    rules 'trust 5'
    changes 1 "s/ 0 0 0$/ 1 0 0/"
    start 0 1 "$VF1"
    assert_one_line "note: VF $VF0 of pool 'net' is not set as it was before guest 'g1' had it, and is quarantined: PF eth3 does not take trust='no' for VF 0: Input/output error"
    assert_taken "$VF0" "${UUID[1]}" "$VF1" "${UUID[1]}"
    show "$VF0"
    [[ $shown == '["quarantined"'* ]]
    rm "$ROOT/kernel/rules"
    run_vfpool 0 reconcile
    assert_taken "$VF1" "${UUID[1]}"
}

@test "plugged in, and neither taken by the card nor taken back: both is said" {
    settings_pool net "<v:settings trust='yes'/>" eth3
    runs 1
    rules 'trust 95'
    faulty 1 unlinkat:error=EIO:when=2 network net port-created begin - < <(allocation "${UUID[1]}" g1 "${MAC[1]}" "$VF0")
    assert_equal "$stderr" "vfpool: note: the claim could not be taken back: cannot remove /run/vfpool/guests/${UUID[1]}.xml: Input/output error
vfpool: guest 'g1': PF eth3 does not take trust='yes' for VF 0: Operation not supported"
    assert_taken "$VF0" "${UUID[1]}"
    assert_as_before
}

# --- what is shown, and which VF it is ---------------------------------------

@test "status --long says what of it is vfpool's" {
    settings_pool net "<v:settings max-rate='9' spoof-check='yes'/>" eth3
    ours() { run_vfpool 0 status --long --format json && names=$(jq -c '[.pools[0].vfs[] | .settings.ours]' "$STDOUT"); }
    prepare 0 1
    ours
    assert_equal "$names" '[[],[],[]]'
    start 0 1 "$VF0"
    ours
    assert_equal "$names" '[["max_rate","spoof_check"],[],[]]'
    run_vfpool 0 status --long
    assert_equal "$(grep -c 'link state auto (set by vfpool: max-rate spoof-check)$' "$STDOUT")" 1
    release 0 1
    ours
    assert_equal "$names" '[[],[],[]]'
}

@test "a PF where another VF has the guest's MAC address is avoided, and that VF itself is not" {
    pool net eth3 eth4
    changes 1 "s/52:54:00:aa:00:01/${MAC[1]}/"
    run_vfpool 0 transform - < <(g 1)
    grep -q "function=\"0x2\"" "$STDOUT"
    prepare 0 1
    assert_taken "$VF1" "${UUID[1]}"
    run_vfpool 0 explain g1
    [[ $output == *"; passed over: 2 that something speaks against" ]] || fail "explain does not say it"
    release 0 1
    # Another guest has that one: the other PF.
    prepare 0 2
    run_hook 0 g2 release < <(g 2)
    hostdev="<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0x01' slot='0x10' function='0x2'/></source></hostdev>"
    run_hook 0 g2 prepare < <(guest g2 "${UUID[2]}" "$hostdev")
    prepare 0 1
    assert_taken "$VF1" "${UUID[2]}" 0000:02:10.0 "${UUID[1]}"
    release 0 1
    # There is no other: then with it.
    pool net eth3
    prepare 0 1
    assert_taken "$VF1" "${UUID[2]}" "$VF0" "${UUID[1]}"
}

@test "reset='yes': before a guest gets it, whichever way, and each once" {
    reset() { cat "$ROOT/sys/bus/pci/devices/$1/reset"; }
    OVERRIDE="reset='yes'"
    settings_pool net '' eth3
    for vf in "$VF0" "$VF1" 0000:01:10.4; do : > "$ROOT/sys/bus/pci/devices/$vf/reset"; done
    run_vfpool 0 transform - < <(g 1)
    assert_equal "$(reset "$VF0")" ''
    prepare 0 1
    assert_equal "$(reset "$VF0")" ''
    given 0 1 1 "$VF0"
    assert_equal "$(reset "$VF0")$(reset "$VF1")" 1
    start 0 1 "$VF0"
    release 0 1
    # Plugged in; told again, as when the daemon starts, it is the guest's.
    runs 1
    : > "$ROOT/sys/bus/pci/devices/$VF0/reset"
    given 0 1 1 "$VF1"
    assert_equal "$(reset "$VF1")" 1
    : > "$ROOT/sys/bus/pci/devices/$VF1/reset"
    opened "$VF1"
    given 0 1 1 "$VF1"
    exec {open}<&-
    assert_equal "$(reset "$VF1")" ''
    taken_back 0 1 1 "$VF1"
    # No way to.
    rm "$ROOT"/sys/bus/pci/devices/0000:01:10.*/reset
    given 1 1 1 "$VF1"
    assert_one_line "VF $VF1 cannot be reset, as its pool wants it: the kernel knows no way"
    # Who must have just this one is told before.
    OVERRIDE="separate='require' reset='yes'"
    settings_pool net '' eth3 eth4
    run_hook 1 g2 prepare < <(guest g2 "${UUID[2]}" "net:${MAC[2]}" "net:${MAC[3]}")
    assert_one_line "cannot be reset, as its pool wants it: the kernel knows no way"
}

@test "the only VF is not ready, as the QEMU that had it is ending: waited for, and within a bound" {
    pool net eth3
    host numvfs eth3 1
    opened "$VF0"
    run_hook 1 g1 prepare < <(g 1)
    assert_one_line "after 3 s: pool 'net' has no free VF for interface 1 of guest 'g1': VF 0 of PF eth3 is in use by process $$"
    waits() { ! flock --nonblock "$ROOT/run/vfpool/waiting/net" true; }
    prepare 0 1 2> /dev/null {open}<&- &
    wait_until waits
    exec {open}<&-
    wait $!
    assert_taken "$VF0" "${UUID[1]}"
}
