#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The free VFs of networks, which libvirt gives by itself, as its hooks tell which: a start and a stop call nobody, and
# what libvirt gives is what the ledger says. libvirt is one on files (tests/libvirt).

load helpers
as_installed
load libvirt/helpers

setup() {
    libvirt_setup
    mkdir -p "$ROOT/run/libvirt/qemu" "$ROOT/etc/libvirt/qemu"
}

# offered: the pool's network is there, and its VFs are open.
offered() {
    witness
    run_vfpool 0 reconcile
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]}")"
    rm -f "$LIBVIRT/calls"
}

# reserve NUMBER: the pool's VF 0 is for that guest, which must have just that one.
reserve() {
    sed -i "s,<pf dev='eth3'/>,<pf dev='eth3'><reserve vfs='0' guest='g$1'/></pf>," "$ROOT/etc/vfpool/p.xml"
}

held_in_offer() { tail -n +2 "$ROOT/run/vfpool/offers/p"; }

# A guest's hook waits for the turn, libvirt's reload for the guest's lock, and who has the turn for the reload (F61).
@test "who waits for the end of a reload gives the turn to the guests meanwhile" {
    local begin daemon reconcile
    fake_libvirtd
    reserve 9
    run_vfpool 0 reconcile
    rm -f "$LIBVIRT/calls"
    "$ROOT/reload" timeout 60 tail -f /dev/null 3>&- &
    daemon=$!
    knows_it() { [[ $(head -n 1 "$ROOT/run/vfpool/witness/daemon") == "$daemon "* ]]; }
    wait_until knows_it
    vfpool reconcile > /dev/null 2>&1 &
    reconcile=$!
    wait_until grep -qs virConnectListAllDomains "$LIBVIRT/calls"
    begin=$SECONDS
    run_hook 0 g9 prepare < <(vm 9 p)
    ((SECONDS - begin < 20)) || fail "took $((SECONDS - begin)) s"
    kill -0 "$reconcile"
    assert_taken "${V[0]}" "${UUID[9]}"
    pkill -P "$daemon"
    kill "$reconcile"
}

@test "a start and a stop call nobody" {
    offered
    for i in 1 2 3; do
        run_guest "$i"
        assert_equal "$vf" "${V[i - 1]}"
    done
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[2]}" "${V[2]}" "${UUID[3]}"
    stop 2 "${V[1]}"
    assert_released "${UUID[2]}"
    run_guest 4
    assert_equal "$vf" "${V[1]}"
    assert_equal "$(calls)" ""
    assert_invariants
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
}

@test "reconcile offers what a guest might get, and blocks the rest" {
    host eth4:vfs=2,down
    pool p eth3 eth4
    witness
    run_hook 0 static prepare < <(guest static "${UUID[9]}" "<hostdev mode='subsystem' type='pci' managed='yes'>
        <source><address domain='0x0000' bus='0x01' slot='0x10' function='0x2'/></source></hostdev>")
    guest static "${UUID[9]}" > "$LIBVIRT/domains/${UUID[9]}.xml"
    run_vfpool 0 reconcile
    [[ $output == *"offered the free VFs of libvirt network 'p', and blocked the others"* ]]
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[0]}" "${V[2]}" "${V[3]}")"
    assert_equal "$(held_in_offer)" "$(printf '%s\n' "${V[1]}" 0000:02:10.0 0000:02:10.2)"
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
    rm -f "$LIBVIRT/calls"
    run_guest 1
    run_guest 2
    assert_equal "$vf" "${V[2]}"
    assert_equal "$(calls)" ""
}

@test "a reserved VF is blocked, and opened for its guest" {
    reserve 7
    witness
    run_vfpool 0 reconcile
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[1]}" "${V[2]}" "${V[3]}")"
    calls > /dev/null
    run_guest 1
    assert_equal "$vf" "${V[1]}"
    assert_equal "$(calls)" ""
    run_guest 7
    assert_equal "$vf" "${V[0]}"
    settled
    stop 7 "${V[0]}"
    settled
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[2]}" "${V[3]}")"
    assert_invariants
}

# The model found it (hard-kill-reload): what is made anew meanwhile passes over what the guest has.
@test "a reserved VF is blocked again when the hook that libvirt told of it was killed" {
    reserve 7
    witness
    run_vfpool 0 reconcile
    run_hook 0 g7 prepare < <(vm 7 p)
    # The claim says it, and libvirt has no port: it took the kill for a no.
    made 0 p "${UUID[7]}" g7 "${MAC[7]}" "${V[0]}"
    run_program 0 "$VFPOOL_BUILD/hook/daemon" - reload begin SIGHUP
    settled
    assert_equal "$(held_in_offer)" "${V[0]}"
    run_hook 0 g7 release < <(vm 7 p)
    settled
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[1]}" "${V[2]}" "${V[3]}")"
}

@test "a pool file of earlier versions, with offer='no', loads, and that is a note" {
    pool p eth3 -- "<metadata><vfpool:pool xmlns:vfpool='urn:vfpool:1' offer='no'/></metadata>"
    offered
    run_vfpool 0 status --format json
    [[ $output == *"offer='no' is without effect"* ]]
}

@test "where libvirt would not tell, nothing is given: prepare, reconcile and status say what to do" {
    local i
    for i in 1 2 3; do
        rm -rf "$ROOT/run/vfpool" "$LIBVIRT"
        libvirt_begin
        offered
        case $i in
        1) rm "$ROOT/etc/libvirt/hooks/daemon" && words="as there is no hook daemon of vfpool's: /usr/libexec/vfpool/hooks put" ;;
        2) printf '#!/bin/sh\n# somebody' > "$ROOT/etc/libvirt/hooks/network" && words="as there is no hook network of vfpool's: " ;;
        3) rm "$ROOT/run/vfpool/witness/daemon" && words="as libvirt does not call vfpool's hooks network and daemon: systemctl reload libvirtd" ;;
        esac
        run_hook 1 g1 prepare < <(vm 1 p)
        assert_one_line "pool 'p' gives no VF, $words"
        assert_taken
        run_vfpool 0 status --format json
        [[ $output == *"its free VFs are not offered, and guests get none, $words"* ]]
        run_vfpool 1 reconcile --dry-run
        [[ $stderr == *"no VF is given, $words"* ]]
        assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]}")"
        run_vfpool 1 reconcile
        [[ $output$stderr == *"blocked 4 VFs of libvirt network 'p'"*"no VF is given, $words"* ]]
        assert_equal "$(open_vfs p)" ""
    done
    # Looked for, and found.
    witness
    offered
    run_guest 1
}

# daemon NAME: one of this name runs, by its PID file, which it has locked as libvirt does, until ended
daemon() {
    : > "$ROOT/run/$1.pid"
    exec {ended}> >(perl -e 'use Fcntl; open my $f, "+<", $ARGV[0] or die;
        my $lock = pack("s s x![8] q q i x![8]", F_WRLCK, 0, 0, 1, 0); fcntl($f, F_SETLK, $lock) or die;
        open my $ready, ">", "$ARGV[0].locked"; close $ready; <STDIN>' "$ROOT/run/$1.pid" 3>&-)
    wait_until test -e "$ROOT/run/$1.pid.locked"
}

@test "a mark that was lost is made again by who needs it, where the daemon has found the hooks" {
    offered
    daemon libvirtd
    # They were put after it began to run, and it may have looked since, or not.
    touch "$ROOT/etc/libvirt/hooks/network"
    rm "$ROOT/run/vfpool/witness/daemon"
    run_hook 1 g1 prepare < <(vm 1 p)
    assert_one_line "libvirt does not call vfpool's hooks"
    exec {ended}>&-
    rm "$ROOT"/run/libvirtd.pid*
    daemon virtnetworkd
    run_vfpool 0 reconcile --dry-run
    [[ ! -e $ROOT/run/vfpool/witness/daemon ]]
    run_vfpool 0 reconcile
    [[ -s $ROOT/run/vfpool/witness/daemon ]]
    rm "$ROOT/run/vfpool/witness/daemon"
    prepare 1
    [[ -s $ROOT/run/vfpool/witness/daemon ]]
    give 1
    exec {ended}>&-
}

@test "libvirt that was told to look for its hooks a moment ago is waited for" {
    rm "$ROOT/run/vfpool/witness/daemon"
    run_program 0 "$VFPOOL_BUILD/hook/vfpool" reconcile --wait 30 3>&- &
    local reconciling=$!
    run timeout 1 tail --pid "$reconciling" -f /dev/null
    assert_equal "$status" 124
    witness
    wait "$reconciling"
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]}")"
    # Not where they are not: nobody will.
    rm "$ROOT/etc/libvirt/hooks/network"
    local begin=$SECONDS
    run_vfpool 1 reconcile --wait 30
    ((SECONDS - begin < 5)) || fail "took $((SECONDS - begin)) s"
}

@test "where nobody told that libvirt calls the hooks, its next reload has the free VFs offered" {
    rm "$ROOT/run/vfpool/witness/daemon"
    run_vfpool 1 reconcile
    assert_equal "$(open_vfs p)" ""
    witness
    run_program 0 "$VFPOOL_BUILD/hook/daemon" - reload begin SIGHUP
    settled
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]}")"
}

# untrusted: what makes an offer worth nothing, by a number
untrusted() {
    case $1 in
    1) witness ;; # libvirt was reloaded
    2) echo nonsense >> "$ROOT/run/vfpool/offers/p" ;;
    3) : > "$ROOT/run/vfpool/offers/p" ;;
    4) rm "$ROOT/run/vfpool/offers/p" ;;
    esac
}

@test "an offer that cannot be relied on is not: the guest's own VF alone is open" {
    local i
    for ((i = 1; i <= 4; i++)); do
        rm -rf "$ROOT/run/vfpool" "$LIBVIRT"
        libvirt_begin
        offered
        untrusted "$i"
        echo "case $i"
        prepare 1
        [[ -n $(calls) ]]
        # Behind it others are open once somebody has settled.
        assert_equal "$(open_vfs p | head -n 1)" "${V[0]}"
        give 1
        start 1
        assert_taken "${V[0]}" "${UUID[1]}"
        stop 1 "${V[0]}"
        settled
        rm -f "$LIBVIRT/domains"/*
    done
}

# distrusted: what makes the mark worth nothing
distrusted() {
    local mark=$ROOT/run/vfpool/witness/daemon hooks=$ROOT/etc/libvirt/hooks
    case $1 in
    1) sed -i '1s/ .*/ 1/' "$mark" ;; # another life
    2) chmod -x "$hooks/network" ;;
    3) cp -p "$hooks/network" "$ROOT/new" && mv "$ROOT/new" "$hooks/network" ;;
    4) rm "$hooks/daemon" ;;
    5) rm "$mark" ;;
    6) echo nonsense > "$mark" ;;
    7) echo >> "$hooks/network" ;; # as an editor does that writes into the file
    8) sed -i 2d "$mark" ;;
    esac
}

@test "a mark that cannot be relied on is not, and one is as good whose hook is another version of ours" {
    local i
    for ((i = 1; i <= 8; i++)); do
        rm -rf "$ROOT/run/vfpool" "$LIBVIRT"
        libvirt_begin
        offered
        distrusted "$i"
        echo "case $i"
        run_hook 1 g1 prepare < <(vm 1 p)
        assert_one_line "pool 'p' gives no VF, as "
    done
    libvirt_begin
    cp "$VFPOOL_BUILD/hook/network" "$ROOT/etc/libvirt/hooks"
    witness
    offered
    cp "$VFPOOL_BUILD/hook/network" "$ROOT/new"
    mv "$ROOT/new" "$ROOT/etc/libvirt/hooks/network"
    run_guest 1
    assert_equal "$(calls)" ""
}

@test "what is open before the VF that was chosen is blocked first, and offered again afterwards" {
    host eth4:vfs=2
    pool p eth4 eth3
    run_vfpool 0 reconcile
    rm -f "$LIBVIRT/calls"
    "$TESTS/host/build" "$ROOT" down eth4
    prepare 1
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]}")"
    assert_equal "$(held_in_offer)" "$(printf '%s\n' narrowed 0000:02:10.0 0000:02:10.2)"
    # Nobody settles as long as a guest waits for what was opened; others take what is open beside it.
    rm -f "$LIBVIRT/calls"
    prepare 2
    assert_equal "$(calls)" ""
    [[ ! -e $ROOT/run/vfpool/unsettled ]]
    give 1
    start 1
    assert_equal "$vf" "${V[0]}"
    give 2
    start 2
    assert_equal "$vf" "${V[1]}"
    settled
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]:2}")"
    assert_equal "$(held_in_offer)" "$(printf '%s\n' 0000:02:10.0 0000:02:10.2)"
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
    rm -f "$LIBVIRT/calls"
    run_guest 3
    assert_equal "$(calls)" ""
}

# spread: the pool gives VFs of the PF with the largest share of free ones
spread() {
    host eth4:vfs=4
    pool p eth3 eth4 -- "<metadata><vfpool:pool xmlns:vfpool='urn:vfpool:1' order='spread'/></metadata>"
    W=(0000:02:10.0 0000:02:10.2 0000:02:10.4 0000:02:10.6)
    run_vfpool 0 reconcile
    run_guest 9
    settled
}

@test "guests of another policy than the first VF start side by side, and each gets what was opened for one of them" {
    spread
    # The second PF's turn, whose VFs are behind the first one's.
    prepare 1
    prepare 2
    prepare 3
    assert_taken "${V[0]}" "${UUID[9]}" "${V[1]}" "${UUID[2]}" "${W[0]}" "${UUID[1]}" "${W[1]}" "${UUID[3]}"
    # All three are open, and before them nothing is that is nobody's.
    assert_equal "$(open_vfs p | head -n 3)" "$(printf '%s\n' "${V[1]}" "${W[0]}" "${W[1]}")"
    local i
    for i in 3 1 2; do give $i && start $i; done
    assert_taken "${V[0]}" "${UUID[9]}" "${V[1]}" "${UUID[3]}" "${W[0]}" "${UUID[1]}" "${W[1]}" "${UUID[2]}"
    settled
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]:2}" "${W[@]:2}")"
    assert_invariants
}

@test "what is plugged into a running guest takes what was opened for another one, which gets the next" {
    spread
    prepare 1
    assert_taken "${V[0]}" "${UUID[9]}" "${W[0]}" "${UUID[1]}"
    made 0 p "${UUID[9]}" g9 "${MAC[8]}" "${W[0]}"
    assert_taken "${V[0]}" "${UUID[9]}" "${W[0]}" "${UUID[9]}" "${W[1]}" "${UUID[1]}"
}

@test "a guest that must have its VFs, and is given another one, is refused" {
    host eth4:vfs=4
    pool p eth3 eth4 -- "<metadata><vfpool:pool xmlns:vfpool='urn:vfpool:1' separate='require'/></metadata>"
    run_vfpool 0 reconcile
    run_guest 9
    run_hook 0 g2 prepare < <(guest g2 "${UUID[2]}" "p:${MAC[2]}" "p:${MAC[3]}")
    assert_taken "${V[0]}" "${UUID[9]}" "${V[1]}" "${UUID[2]}" 0000:02:10.0 "${UUID[2]}"
    # It comes back before libvirt gives any.
    stop 9 "${V[0]}"
    give 2 1
    assert_one_line "libvirt gives guest 'g2' VF ${V[0]} of pool 'p', and what is required of its pool it has with VF ${V[1]}: start it again"
    assert_invariants
}

@test "two guests that are given each other's VFs: both claims follow" {
    offered
    prepare 1
    prepare 2
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[2]}"
    give 2
    assert_taken "${V[0]}" "${UUID[2]}" "${V[1]}" "${UUID[1]}"
    # Neither has what it was to have, and each claim says so.
    grep -q ' reason="libvirt gave it instead of VF 1 of PF eth3"' "$ROOT/run/vfpool/guests/${UUID[2]}.xml"
    grep -q ' reason="libvirt gave VF 0 of PF eth3, which was chosen, to another guest"' "$ROOT/run/vfpool/guests/${UUID[1]}.xml"
    give 1
    assert_equal "$vf" "${V[1]}"
    assert_taken "${V[0]}" "${UUID[2]}" "${V[1]}" "${UUID[1]}"
    start 1
    assert_equal "$(calls)" ""
    assert_invariants
}

@test "what is plugged into a running guest takes a starting guest's VF, and that one gets another" {
    offered
    : > "$ROOT/run/libvirt/qemu/g9.xml"
    prepare 1
    give 9
    assert_equal "$vf" "${V[0]}"
    assert_taken "${V[0]}" "${UUID[9]}" "${V[1]}" "${UUID[1]}"
    give 1
    start 1
    take 9 "${V[0]}"
    assert_taken "${V[1]}" "${UUID[1]}"
    assert_equal "$(calls)" ""
}

@test "where there is no other VF, what would be plugged in is refused, and the start goes on" {
    offered
    for i in 1 2 3; do run_guest "$i"; done
    : > "$ROOT/run/libvirt/qemu/g9.xml"
    prepare 4
    give 9 1
    assert_one_line "gives guest 'g9' VF ${V[3]} of pool 'p', which is held by guest 'g4'"
    give 4
    start 4
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[2]}" "${V[2]}" "${UUID[3]}" "${V[3]}" "${UUID[4]}"
}

@test "a guest whose VF is given is not asked to yield it" {
    offered
    prepare 1
    give 1
    prepare 2
    # As libvirt would after it has lost count (F27).
    port p g2 "${UUID[2]}" "${V[0]}"
    made 1 p "${UUID[2]}" g2 "${MAC[2]}" "${V[0]}"
    assert_one_line "held by guest 'g1'"
}

@test "a VF that a guest names itself ends the offer, as nothing blocks it yet" {
    offered
    run_hook 0 static prepare < <(guest static "${UUID[9]}" "<hostdev mode='subsystem' type='pci' managed='yes'>
        <source><address domain='0x0000' bus='0x01' slot='0x10' function='0x0'/></source></hostdev>")
    assert_equal "$(calls)" ""
    prepare 1
    assert_equal "$(open_vfs p | head -n 1)" "${V[1]}"
    give 1
    start 1
    assert_taken "${V[0]}" "${UUID[9]}" "${V[1]}" "${UUID[1]}"
    settled
    assert_equal "$(held_in_offer)" "${V[0]}"
    run_hook 0 static release < <(guest static "${UUID[9]}")
    run_vfpool 0 reconcile
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[0]}" "${V[2]}" "${V[3]}")"
}

@test "a PF that a guest has whole: its VFs are blocked, and offered again after its release" {
    local device="<hostdev mode='subsystem' type='pci' managed='yes'>
        <source><address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source></hostdev>"
    host eth4:vfs=1
    pool p eth3 eth4
    offered_all() { assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]}" 0000:02:10.0)"; }
    witness
    run_vfpool 0 reconcile
    offered_all
    run_hook 0 whole prepare < <(guest whole "${UUID[9]}" "$device")
    guest whole "${UUID[9]}" "$device" > "$LIBVIRT/domains/${UUID[9]}.xml"
    run_hook 0 whole start < "$LIBVIRT/domains/${UUID[9]}.xml"
    settled
    assert_equal "$(open_vfs p)" 0000:02:10.0
    assert_equal "$(held_in_offer)" "$(printf '%s\n' "${V[@]}")"
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
    run_guest 1
    assert_equal "$vf" 0000:02:10.0
    assert_invariants
    rm "$LIBVIRT/domains/${UUID[9]}.xml"
    run_hook 0 whole release < <(guest whole "${UUID[9]}" "$device")
    settled
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]}")"
    # The same when it is only found that the guest is gone.
    stop 1 0000:02:10.0
    run_hook 0 whole prepare < <(guest whole "${UUID[9]}" "$device")
    run_vfpool 0 reconcile
    [[ $output == *"released PF 0000:01:00.0 of pool 'p' from guest 'whole'"* ]]
    offered_all
    assert_taken
    assert_invariants
}

@test "an offered network that is not active is named, with what to do" {
    offered
    mkdir -p "$ROOT/run/libvirt/network"
    : > "$ROOT/run/libvirt/network/p.xml"
    prepare 1
    assert_equal "$(calls)" ""
    give 1
    rm "$ROOT/run/libvirt/network/p.xml" "$LIBVIRT/networks/p.active"
    run_hook 1 g2 prepare < <(vm 2 p)
    assert_one_line "libvirt network 'p' is not active: run 'vfpool reconcile'"
    assert_equal "$(taken)" "${V[0]} ${UUID[1]}"
}

@test "a port that is deleted beneath a running guest: its VF is blocked, and nobody's start fails" {
    offered
    run_guest 1
    opened "${V[0]}"
    take 1 "${V[0]}"
    settled
    assert_equal "$(holder "${V[0]}")" "${UUID[1]}"
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]:1}")"
    run_guest 2
    assert_equal "$vf" "${V[1]}"
    # A guest that ran to its end with a port of ours gives its VF back all the same.
    exec {open}<&-
    host driver eth3/0 none
    release 1
    settled
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[0]}" "${V[2]}" "${V[3]}")"
    assert_invariants
}

@test "a VF that is refused is blocked from then on: the next start does not fail" {
    offered
    run_guest 1
    unport p "${UUID[1]}" "${V[0]}"
    prepare 2
    give 2 1
    [[ $stderr == *"which is held by guest 'g1'"* ]]
    run_vfpool 0 history "${UUID[2]}"
    [[ $output == *refused*"which is held by guest 'g1'" ]]
    release 2
    settled
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]:1}")"
    run_guest 3
    assert_equal "$vf" "${V[1]}"
    assert_invariants
}

@test "a VF that libvirt gave to somebody else is passed over, as long as that one has it" {
    offered
    port p other "${UUID[9]}" "${V[0]}"
    made 0 p "${UUID[9]}" other "${MAC[9]}" "${V[0]}"
    settled
    assert_equal "$(held_in_offer)" "${V[0]}"
    run_vfpool 0 transform - < <(vm 1 p)
    [[ $output == *'bus="0x01" slot="0x10" function="0x2"'* ]]
    run_guest 1
    assert_equal "$vf" "${V[1]}"
    assert_equal "$(holder "${V[1]}")" "${UUID[1]}"
    run_vfpool 0 status --format json
    [[ $output == *"to 'other', whom vfpool does not know"* ]]
    # All of them: each start is told by whom.
    local i
    for i in 2 3; do
        port p other$i "${UUID[9$i]}" "${V[i]}"
        made 0 p "${UUID[9$i]}" other$i "${MAC[9]}" "${V[i]}"
        settled
    done
    run_hook 1 g2 prepare < <(vm 2 p)
    for i in other other2 other3 g1; do [[ $stderr == *"$i'"* ]]; done
    # It is anybody's again.
    unport p "${UUID[9]}" "${V[0]}"
    ended 0 p "${UUID[9]}" other "${MAC[9]}" "${V[0]}"
    settled
    run_guest 2
    assert_equal "$vf" "${V[0]}"
    assert_invariants
}

@test "a network is not ended before a guest that was offered a VF has got it" {
    offered
    # libvirt calls a guest active before it calls prepare, and who is not active has no claim.
    vm 1 p > "$LIBVIRT/domains/${UUID[1]}.xml"
    prepare 1
    host eth4:vfs=2
    pool p eth3 eth4
    rm -f "$LIBVIRT/calls"
    run_program 0 "$VFPOOL_BUILD/hook/vfpool" reconcile 3>&- &
    local reconciling=$!
    # The offer is withdrawn before it waits.
    wait_until eval '[[ ! -s $ROOT/run/vfpool/offers/p ]]'
    # Long enough for one that does not wait.
    run_vfpool 0 status
    run_vfpool 0 status
    [[ $(cat "$LIBVIRT/calls") != *virNetworkDestroy* ]]
    give 1
    start 1
    wait "$reconciling"
    [[ $(cat "$LIBVIRT/calls") == *virNetworkDestroy* ]]
    assert_equal "$(owner p "${V[0]}")" g1
    assert_invariants
}

@test "a network that was ended and not started again is finished by the next start" {
    offered
    run_guest 1
    reload p
    fault virNetworkCreate kill
    run_vfpool 1 reconcile
    fault
    [[ ! -e $LIBVIRT/networks/p.active ]]
    mkdir -p "$ROOT/run/libvirt/network"
    prepare 2
    assert_equal "$(owner p "${V[0]}")" g1
    assert_invariants
}

# Guest 1 has its VF, or it is blocked for it; the others are open.
assert_offered() {
    look p
    case ${OWNER[${V[0]}]-} in g1 | vfpool) ;; *) fail "guest 1's VF is '${OWNER[${V[0]}]-}'s" || return ;; esac
    assert_equal "${OPEN[*]}" "${V[*]:1}"
    assert_equal "$(holder "${V[0]}")" "${UUID[1]}"
    assert_invariants
}

# bats test_tags=deep
@test "an offered network that lost count is started again, whichever call fails or is the last one" {
    offered
    run_guest 1
    reload p
    FINALLY=assert_offered each_fault vfpool reconcile
}

# bats test_tags=deep
@test "an offered network is changed around its guests whichever call fails or is the last one" {
    offered
    run_guest 1
    sed -i "s|</forward>|</forward><vlan><tag id='5'/></vlan>|" "$ROOT/etc/vfpool/p.xml"
    FINALLY=assert_offered each_fault vfpool reconcile
}

@test "VFs that are given last are offered once there are no better ones" {
    "$TESTS/host/build" "$ROOT" driver eth3/1 vfio-pci
    "$TESTS/host/build" "$ROOT" driver eth3/2 vfio-pci
    witness
    run_vfpool 0 reconcile
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[0]}" "${V[3]}")"
    run_guest 1
    assert_equal "$vf" "${V[0]}"
    assert_equal "$(open_vfs p)" "${V[3]}"
    run_guest 2
    assert_equal "$vf" "${V[3]}"
    # Nobody asked for it, and it is there for what is plugged in next.
    settled
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[1]}" "${V[2]}")"
    give 1
    assert_equal "$(holder "${V[1]}")" "${UUID[1]}"
    # Of those that are held by then nobody has any use: no more to do.
    give 2
    [[ ! -s $ROOT/run/vfpool/unsettled ]]
    [[ -s $ROOT/run/vfpool/offers/p ]]
    assert_invariants
}

@test "the offer of a pool whose file is gone ends, as nobody can make it again" {
    host eth4:vfs=2
    pool q eth4
    offered
    rm "$ROOT/etc/vfpool/q.xml"
    : > "$ROOT/run/vfpool/offers/q"
    : > "$ROOT/run/vfpool/offers/p"
    run_program 0 "$VFPOOL_BUILD/hook/daemon" - reload begin SIGHUP
    settled
    [[ ! -e $ROOT/run/vfpool/offers/q ]]
    [[ -s $ROOT/run/vfpool/offers/p ]]
}

@test "a guest with wishes waits until those that take what is offered have got it" {
    host eth4:vfs=2
    pool p eth3 eth4
    witness
    run_vfpool 0 reconcile
    prepare 1
    rm -f "$LIBVIRT/calls"
    run_hook 0 g2 prepare < <(guest g2 "${UUID[2]}" "p:${MAC[7]}" "p:${MAC[7]}") 3>&- &
    local waiting=$!
    run timeout 1 tail --pid "$waiting" -f /dev/null
    assert_equal "$status" 124
    assert_equal "$(calls)" ""
    give 1
    wait "$waiting"
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[2]}" 0000:02:10.0 "${UUID[2]}"
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[1]}" 0000:02:10.0 0000:02:10.2)"
    # Nor does one that takes what is offered come before it has its own.
    run_hook 0 g3 prepare < <(vm 3 p) 3>&- &
    waiting=$!
    run timeout 1 tail --pid "$waiting" -f /dev/null
    assert_equal "$status" 124
    made 0 p "${UUID[2]}" g2 "${MAC[7]}" "${V[1]}"
    made 0 p "${UUID[2]}" g2 "${MAC[7]}" 0000:02:10.0
    wait "$waiting"
    assert_invariants
}

@test "a guest with wishes does not wait for its own earlier start, nor for one that is long over" {
    host eth4:vfs=2
    pool p eth3 eth4
    witness
    run_vfpool 0 reconcile
    prepare 1
    sed -i 's/clock="[^"]*"/clock="-40000"/' "$ROOT/run/vfpool/guests/${UUID[1]}.xml"
    prepare 2
    local begin=$SECONDS
    run_hook 0 g2 prepare < <(guest g2 "${UUID[2]}" "p:${MAC[7]}" "p:${MAC[7]}")
    ((SECONDS - begin < 10)) || fail "took $((SECONDS - begin)) s"
    assert_invariants
}

@test "a start that was killed is waited for as long as ever when the host's clock was set back" {
    host eth4:vfs=2
    pool p eth3 eth4
    witness
    run_vfpool 0 reconcile
    prepare 1
    sed -i 's/clock="[^"]*"/clock="-29000"/' "$ROOT/run/vfpool/guests/${UUID[1]}.xml"
    touch -d 'next year' "$ROOT/run/vfpool/guests/${UUID[1]}.xml"
    local begin=$SECONDS
    run_hook 0 g2 prepare < <(guest g2 "${UUID[2]}" "p:${MAC[7]}" "p:${MAC[7]}")
    ((SECONDS - begin < 10)) || fail "took $((SECONDS - begin)) s"
}

@test "a guest that stops has given its VF back before its release, and the next one may have it" {
    offered
    run_guest 1
    take 1 "${V[0]}"
    assert_taken
    prepare 2
    give 2
    assert_equal "$vf" "${V[0]}"
    release 1
    assert_taken "${V[0]}" "${UUID[2]}"
    assert_equal "$(calls)" ""
}

@test "a start that fails gives its VF back at once" {
    offered
    prepare 1
    give 1
    take 1 "${V[0]}"
    run_guest 2
    assert_equal "$vf" "${V[0]}"
    release 1
    assert_taken "${V[0]}" "${UUID[2]}"
}

@test "a network hook that does not tell is noticed at start, which is refused" {
    offered
    prepare 1
    vf=${V[0]}
    port p g1 "${UUID[1]}" "$vf"
    concrete g1 "${UUID[1]}" "${MAC[1]}" "$vf" > "$ROOT/g1.xml"
    run_hook 1 g1 start < "$ROOT/g1.xml"
    assert_one_line "libvirt gave guest 'g1' VF ${V[0]} of pool 'p', and did not tell its network hook"
    unport p "${UUID[1]}" "$vf"
    release 1
    assert_taken
}

# bats test_tags=deep
@test "settling that fails for half a minute: the host's log says it, and it is counted; who comes next does it" {
    local gate=$ROOT/usr/sbin/vfpool-gate
    host_log
    reserve 7
    witness
    run_vfpool 0 reconcile
    run_guest 7
    settled
    mv "$gate" "$gate.real"
    printf '#!/bin/sh\necho "libvirt says no" >&2\nexit 1\n' > "$gate"
    chmod +x "$gate"
    stop 7 "${V[0]}"
    VFPOOL_WAIT=60 wait_until grep -q "^<28>vfpool.*: free VFs are not offered (run 'vfpool reconcile').*libvirt says no" "$BATS_TEST_TMPDIR/log"
    kill "$log"
    settled
    run_vfpool 0 status --format prometheus
    grep -qxF 'vfpool_settlings_total{result="failed"} 1' "$STDOUT"
    mv "$gate.real" "$gate"
    run_guest 1
    settled
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[2]}" "${V[3]}")"
    run_vfpool 0 status --format prometheus
    grep -qxF 'vfpool_settlings_total{result="failed"} 1' "$STDOUT"
}

@test "status says why free VFs are not offered" {
    status_notes() { timeout 60 "$VFPOOL_BUILD/hook/vfpool" status --format json | jq -r '.pools[0].notes[]?'; }
    offered
    assert_equal "$(status_notes)" ""
    : > "$ROOT/run/vfpool/offers/p"
    [[ $(status_notes) == *"its free VFs are not offered now, so nothing can be attached to a running guest: vfpool reconcile"* ]]
    chmod -x "$ROOT/etc/libvirt/hooks/network"
    [[ $(status_notes) == *"its free VFs are not offered, and guests get none, as there is no hook network of vfpool's"* ]]
    rm "$ROOT/etc/libvirt/hooks/qemu"
    [[ $(status_notes) == *"there is no hook qemu of vfpool's: /usr/libexec/vfpool/hooks put" ]]
}

@test "a start past the qemu hook is refused" {
    offered
    : > "$ROOT/etc/libvirt/qemu/g1.xml"
    give 1 1
    assert_one_line "guest 'g1' was given a VF of pool 'p' and never asked for it: libvirt does not call /etc/libvirt/hooks/qemu"
    assert_taken
}

@test "the daemon hook bears witness when a daemon that serves networks calls it" {
    local hook=$VFPOOL_BUILD/hook name
    rm -rf "$ROOT/run/vfpool"
    # Called by nobody's daemon it does not.
    run_program 0 "$hook/daemon" - start - start
    [[ ! -e $ROOT/run/vfpool/witness ]]
    run_program 2 "$hook/daemon" - start
    for name in libvirtd virtqemud virtnetworkd; do
        rm -rf "$ROOT/run/vfpool"
        cp "$(type -P bash)" "$ROOT/$name"
        cat > "$ROOT/script" << X
mark="$ROOT/run/vfpool/witness/daemon"
"$hook/daemon" - shutdown - - < /dev/null
[[ ! -e \$mark ]] || exit 1
"$hook/daemon" - start - start
stat -c %i "\$mark" > "$ROOT/first"
"$hook/daemon" - reload begin SIGHUP
stat -c %i "\$mark" > "$ROOT/second"
"$hook/vfpool" reconcile
# There is no network hook that it could find.
mv "$ROOT/etc/libvirt/hooks/network" "$ROOT/away"
"$hook/daemon" - reload begin SIGHUP
mv "$ROOT/away" "$ROOT/etc/libvirt/hooks/network"
[[ ! -e \$mark ]]
X
        if [[ $name == virtqemud ]]; then
            run_program 0 "$ROOT/$name" "$ROOT/script"
            [[ ! -e $ROOT/run/vfpool/witness ]]
            continue
        fi
        run_program 0 "$ROOT/$name" "$ROOT/script"
        settled
        [[ $(cat "$ROOT/first") != "$(cat "$ROOT/second")" ]]
        assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]}")"
        libvirt_begin
    done
}

# The hook runs with descriptors of all sorts, as libvirt's hooks do.
@test "what settles has no descriptor of the hook that started it, and ends by itself" {
    offered
    # libvirt hangs from the moment that the offer is withdrawn.
    : > "$ROOT/run/vfpool/offers/p"
    mkfifo "$ROOT/hold"
    printf '#!/bin/sh\necho $$ > %s/gate.pid\nread -r _ < %s/hold\n' "$ROOT" "$ROOT" > "$ROOT/usr/sbin/vfpool-gate"
    exec 20> "$ROOT/left.open" 333> "$ROOT/left.open"
    run_program 0 "$VFPOOL_BUILD/hook/daemon" - reload begin SIGHUP
    exec 20>&- 333>&-
    wait_until test -s "$ROOT/gate.pid"
    local gate settler fd target
    gate=$(< "$ROOT/gate.pid")
    settler=$(ps -o ppid= -p "$gate" | tr -d ' ')
    [[ $(ps -o sid= -p "$settler") != "$(ps -o sid= -p "$BASHPID")" ]]
    for fd in "/proc/$settler/fd"/*; do
        target=$(readlink "$fd") || continue
        echo "$fd $target"
        case $target in
        /dev/null | "$ROOT" | "$ROOT"/run/vfpool/* | "$ROOT"/sys | pipe:* | anon_inode:\[pidfd\]) ;;
        *) fail "$fd is $target" ;;
        esac
        case ${fd##*/} in [012]) assert_equal "$target" /dev/null ;; esac
    done
    # Its pipes are to its own child.
    for fd in "/proc/$settler/fd"/*; do
        target=$(readlink "$fd") || continue
        [[ $target != pipe:* ]] || readlink "/proc/$gate/fd"/* | grep -qxF "$target" || fail "$fd is $target, nobody's"
    done
    # It goes on, with a libvirt that answers.
    libvirt_begin
    echo > "$ROOT/hold"
    settled
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]}")"
}

@test "a daemon that is started or reloaded has its networks looked at, and offered again" {
    offered
    run_guest 1
    reload p
    witness
    run_program 0 "$VFPOOL_BUILD/hook/daemon" - reload begin SIGHUP
    settled
    # libvirt counts right again.
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]:1}")"
    assert_equal "$(cat "$LIBVIRT/networks/p.connections")" 1
    rm -f "$LIBVIRT/calls"
    run_guest 2
    assert_equal "$vf" "${V[1]}"
    assert_equal "$(calls)" ""
}

@test "open puts libvirt's count right, as an uninstall's reload makes libvirt lose it" {
    offered
    run_guest 1
    reload p
    run_vfpool 0 open
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]:1}")"
    [[ ! -e $ROOT/run/vfpool/offers/p ]]
}

@test "two that settle at once come one after the other, and the second finds it done" {
    offered
    : > "$ROOT/run/vfpool/offers/p"
    together 4 run_program 0 "$VFPOOL_BUILD/hook/daemon" - reload begin
    settled
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]}")"
    [[ -s $ROOT/run/vfpool/offers/p ]]
    assert_invariants
}
