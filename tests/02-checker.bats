#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The checker that the other tests trust: does it see each thing that can be
# wrong with a ledger? Ledgers made by hand, each broken in one way.

load helpers

A=00000000-0000-4000-8000-00000000000a
B=00000000-0000-4000-8000-00000000000b

setup() {
    common_setup
    LEDGER=$ROOT/run/vfpool
    mkdir -p "$LEDGER/guests" "$LEDGER/vfs"
    : >"$LEDGER/lock"
    claim $A 0000:01:10.0 0000:01:10.2
    claim $B 0000:02:10.0
}

# file UUID ADDRESS...: a guest file as vfpool writes it.
file() {
    local uuid=$1 address
    shift
    {
        echo "<guest uuid='$uuid' name='g &amp; &#10;h' state='claimed' since='2026-01-31T12:00:00Z'>"
        for address; do
            echo "  <vf address='$address' pool='p' pf='eth3' num='0' mac='52:54:00:00:00:01'><kept>x &lt; 1</kept></vf>"
        done
        echo '</guest>'
    } >"$LEDGER/guests/$uuid.xml"
}

# claim UUID ADDRESS...: the file and its links.
claim() {
    local address
    file "$@"
    for address in "${@:2}"; do
        ln -sfn "../guests/$1.xml" "$LEDGER/vfs/$address"
    done
}

# assert_found LINE...: the checker prints exactly these violations.
assert_found() {
    run_program 1 "$TESTS/checker" "$ROOT"
    [[ -z $stderr ]]
    assert_equal "$output" "$(printf '%s\n' "$@")"
}

# edit SED UUID: a guest file, spoiled.
edit() {
    sed -i "$1" "$LEDGER/guests/$2.xml"
}

@test "whole ledgers pass" {
    run_program 0 "$TESTS/checker" "$ROOT"
    assert_silent
    sed -i '1i <?xml version="1.0" encoding="UTF-8"?>' "$LEDGER/guests/$A.xml"
    edit "s/claimed/held/; s/ mac='[^']*'//" $B
    assert_invariants
    rm -r "$LEDGER/lock" "$LEDGER"/guests/* "$LEDGER"/vfs/*
    assert_invariants
    rm -r "$LEDGER"
    assert_invariants
}

@test "a reason that is none" {
    edit "s/ pool=/ reason='it was the first'&/" $A
    assert_invariants
    edit "s/ reason='[^']*'/ reason=''/" $A
    assert_found "guests/$A.xml: <vf> has reason=''" "guests/$A.xml: <vf> has reason=''"
}

@test "a VF with two holders" {
    claim $B 0000:02:10.0 0000:01:10.0
    # Both files list it, so the link is right for one and wrong for the other.
    assert_found "0000:01:10.0: is held by $A $B" \
        "guests/$A.xml: lists 0000:01:10.0, whose link does not lead here"
}

@test "a VF twice in one guest" {
    claim $A 0000:01:10.0 0000:01:10.0
    rm "$LEDGER/vfs/0000:01:10.2"
    assert_found "guests/$A.xml: lists 0000:01:10.0 twice"
}

@test "a listed VF without its link" {
    rm "$LEDGER/vfs/0000:01:10.2"
    assert_found "guests/$A.xml: lists 0000:01:10.2, whose link does not lead here"
}

@test "a link to another guest, which does not list it" {
    ln -sfn ../guests/$B.xml "$LEDGER/vfs/0000:01:10.2"
    assert_found "vfs/0000:01:10.2: leads to ../guests/$B.xml, which does not list it" \
        "guests/$A.xml: lists 0000:01:10.2, whose link does not lead here"
}

@test "a link of its own guest, which does not list it" {
    file $A 0000:01:10.0
    assert_found "vfs/0000:01:10.2: leads to ../guests/$A.xml, which does not list it"
}

@test "a dangling link" {
    rm "$LEDGER/guests/$B.xml"
    assert_found "vfs/0000:02:10.0: dangles (../guests/$B.xml)"
}

@test "a link that leads elsewhere" {
    ln -sfn "$LEDGER/guests/$B.xml" "$LEDGER/vfs/0000:02:10.0"
    assert_found "vfs/0000:02:10.0: leads to $LEDGER/guests/$B.xml" \
        "guests/$B.xml: lists 0000:02:10.0, whose link does not lead here"
}

@test "a file where a link should be" {
    rm "$LEDGER/vfs/0000:02:10.0"
    : >"$LEDGER/vfs/0000:02:10.0"
    assert_found "vfs/0000:02:10.0: is no symbolic link" \
        "guests/$B.xml: lists 0000:02:10.0, whose link does not lead here"
}

@test "what was left behind" {
    touch "$LEDGER/left" "$LEDGER/guests/.$A.xml.tmp" "$LEDGER/guests/$B.xml.bad"
    ln -s ../guests/$A.xml "$LEDGER/vfs/.new"
    assert_found "left: is foreign" \
        "guests/.$A.xml.tmp: is foreign" "guests/$B.xml.bad: is foreign" "vfs/.new: is foreign"
}

@test "a lock with a PID in it, or that is no file" {
    echo 4711 >"$LEDGER/lock"
    assert_found "lock: is not blank: its holder did not leave it cleanly"
    rm "$LEDGER/lock"
    mkdir "$LEDGER/lock"
    assert_found "lock: is no regular file"
}

@test "directories that are links" {
    mv "$LEDGER" "$ROOT/elsewhere"
    ln -s "$ROOT/elsewhere" "$LEDGER"
    assert_found "run/vfpool: is no directory"
    rm "$LEDGER"
    mv "$ROOT/elsewhere" "$LEDGER"
    mv "$LEDGER/vfs" "$ROOT/vfs"
    ln -s "$ROOT/vfs" "$LEDGER/vfs"
    run_program 1 "$TESTS/checker" "$ROOT"
    [[ $output == "vfs: is no directory"* ]]
}

@test "a guest file that is a link" {
    mv "$LEDGER/guests/$B.xml" "$ROOT/$B.xml"
    ln -s "$ROOT/$B.xml" "$LEDGER/guests/$B.xml"
    run_program 1 "$TESTS/checker" "$ROOT"
    [[ ${output%%$'\n'*} == "guests/$B.xml: is no regular file" ]]
}

@test "a guest file that lists nothing" {
    rm "$LEDGER/vfs/0000:02:10.0"
    file $B
    assert_found "guests/$B.xml: lists no VF"
}

@test "a VF that is listed, but not by the guest itself" {
    edit 's/<vf .*<\/vf>/<x>&<\/x>/' $B
    assert_found "guests/$B.xml: lists no VF" \
        "vfs/0000:02:10.0: leads to ../guests/$B.xml, which does not list it"
}

@test "another guest's file" {
    edit "s/$B/$A/" $B
    assert_found "guests/$B.xml: is of guest $A"
}

@test "attributes that are missing or malformed" {
    edit "s/ name='[^']*'//; s/state='claimed'/state='free'/; s/since='[^']*'/since='now'/" $B
    edit "s/ pool='p'//; s/num='0'/num='-1'/; s/mac='[^']*'/mac='no'/" $B
    assert_found "guests/$B.xml: <guest> has no name" "guests/$B.xml: <guest> has since='now'" \
        "guests/$B.xml: <guest> has state='free'" "guests/$B.xml: <vf> has mac='no'" \
        "guests/$B.xml: <vf> has num='-1'" "guests/$B.xml: <vf> has no pool"
}

@test "an address in another spelling is not the VF" {
    claim $B 0000:0A:10.0
    rm "$LEDGER/vfs/0000:02:10.0"
    assert_found "guests/$B.xml: <vf> has address='0000:0A:10.0'" "vfs/0000:0A:10.0: is foreign" \
        "guests/$B.xml: lists 0000:0A:10.0, whose link does not lead here"
}

@test "a guest file that is no guest's XML" {
    good=$(<"$LEDGER/guests/$B.xml")
    rm "$LEDGER/vfs/0000:02:10.0"
    for bad in '' 'not XML' '<guest' "${good%</guest>}" "${good/<vf/<vf<}" "$good</guest>" "$good$good" \
        "${good/amp;/ }" "<!DOCTYPE guest>$good" "$good<!-- " "${good/name=/uuid=}" "$good rest"; do
        printf '%s' "$bad" >"$LEDGER/guests/$B.xml"
        run_program 1 "$TESTS/checker" "$ROOT"
        [[ $output =~ ^"guests/$B.xml: "(is empty|is not well-formed|does not close|closes|has) ]]
        assert_equal "$(wc -l <"$STDOUT")" 1
    done
    echo "<vfs/>" >"$LEDGER/guests/$B.xml"
    assert_found "guests/$B.xml: is a <vfs>, not a <guest>"
}

@test "a name with a line break is one line still" {
    : >"$LEDGER/a"$'\n'"b"
    assert_found 'a\x0ab: is foreign'
}

@test "called wrongly" {
    run_program 2 "$TESTS/checker"
    run_program 2 "$TESTS/checker" "$ROOT/nowhere"
    assert_one_line usage
}
