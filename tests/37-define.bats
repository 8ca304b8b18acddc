#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Pool files as virsh has networks: check, define, edit, undefine.

LEAK_CHECK=1
load helpers
load libvirt/helpers

setup() {
    common_setup
    host eth3:vfs=4 eth4:vfs=2
    FILE=$BATS_TEST_TMPDIR/new.xml
    PLACE=$ROOT/etc/vfpool
}

# new_file NAME PF... [-- XML...]: a pool file that is not in its place.
new_file() {
    mkdir -p "$BATS_TEST_TMPDIR/etc/vfpool"
    ROOT=$BATS_TEST_TMPDIR pool "$@"
    mv "$BATS_TEST_TMPDIR/etc/vfpool/$1.xml" "$FILE"
}
# wrong LINE WORDS...: what check says of $FILE, by itself and before it is defined
wrong() {
    local words=("${@:2}") word
    snapshot
    run_vfpool 1 check "$FILE"
    assert_equal "$stderr" "vfpool: 1 file cannot be defined"
    for word in "$FILE$1" "${words[@]}"; do
        [[ $output == *"$word"* ]] || fail "no '$word' in: $output" || return
    done
    [[ $(wc -l < "$STDOUT") == 1 ]]
    run_vfpool 1 define "$FILE"
    [[ -z $output ]]
    assert_one_line "${words[@]}"
    assert_unchanged
}

# --- check -------------------------------------------------------------------

@test "a file that is right: silence" {
    new_file p eth3
    snapshot
    run_vfpool 0 check "$FILE"
    assert_silent
    run_vfpool 0 check --alone - < "$FILE"
    assert_silent
    assert_unchanged
}

@test "what is wrong with a file: its line, as compilers say it, and the words that are allowed" {
    printf "<network>\n<name>p</name>\n<metadata>\n<vfpool:pool xmlns:vfpool='urn:vfpool:1' order='sprad'/></metadata>
<forward mode='hostdev' managed='yes'><pf dev='eth3'/></forward></network>\n" > "$FILE"
    wrong ":4: " 'order="sprad"' "it is 'first', 'spread', 'pack' or 'lru'"
    run_vfpool 1 check --alone "$FILE"
    [[ $output == "$FILE:4: "* ]]
    echo "<network" > "$FILE"
    wrong ":2: "
    printf "<network><name>p</name>\n<forward mode='nat'/></network>\n" > "$FILE"
    wrong ":2: " "forward mode is 'nat'"
    : > "$FILE"
    wrong "" "empty"
    # What would not be read once it is in its place.
    {
        echo "<network><name>p</name><description>"
        head -c 1048576 /dev/zero | tr '\0' x
        echo "</description><forward mode='hostdev'><pf dev='eth3'/></forward></network>"
    } > "$FILE"
    wrong "" "larger than 1 MiB"
}

@test "several files: a line for each that is wrong, and how many" {
    new_file p eth3
    mv "$FILE" "$BATS_TEST_TMPDIR/right.xml"
    new_file q eth9
    mv "$FILE" "$BATS_TEST_TMPDIR/gone.xml"
    echo "<network/>" > "$FILE"
    run_vfpool 1 check "$BATS_TEST_TMPDIR"/{right,gone}.xml "$FILE"
    [[ ${output%%$'\n'*} == "$BATS_TEST_TMPDIR/gone.xml: there is no network interface eth9" ]]
    [[ ${output##*$'\n'} == "$FILE:1: "* ]]
    assert_equal "$stderr" "vfpool: 2 files cannot be defined"
    run_vfpool 1 check "$BATS_TEST_TMPDIR/nowhere.xml"
    assert_one_line "cannot open $BATS_TEST_TMPDIR/nowhere.xml"
    run_vfpool 2 check
}

@test "against this host: a PF that is not there, that has no SR-IOV, or makes fewer VFs" {
    new_file p eth9
    wrong ": " "eth9"
    run_vfpool 0 check --alone "$FILE"
    host plain eth5:vfs=0,total=0
    new_file p eth5
    wrong ": " "eth5 does not do SR-IOV"
    host eth6:vfs=0,total=8
    sed "s|<pf dev='eth5'/>|<pf dev='eth6'><vf num='9'/></pf>|" -i "$FILE"
    wrong ": " "PF eth6 makes 8 VFs at most, and the file asks for 9"
    sed "s|num='9'|num='8'|" -i "$FILE"
    run_vfpool 0 check "$FILE"
}

@test "against the pools that are there: a VF in two" {
    pool p eth3
    touch -d '1 minute' "$PLACE/p.xml"
    new_file q eth3
    wrong ": " "VF 0000:01:10.0 is in pool 'p' (/etc/vfpool/p.xml) as well"
    run_vfpool 0 check --alone "$FILE"
    # Of its own name it is the one that was there.
    new_file p eth3 eth4
    run_vfpool 0 check "$FILE"
    assert_silent
}

@test "what is without effect is a note" {
    new_file p eth3 -- "<dns/>"
    run_vfpool 0 check "$FILE"
    assert_equal "$stderr" "vfpool: note: $FILE: without effect on a VF: <dns>"
}

# --- define ------------------------------------------------------------------

@test "discover, define: the pool is there, and its network" {
    libvirt_begin
    run_vfpool 0 discover --name net-a eth3
    run_vfpool 0 define - <<< "$output"
    [[ ${output%%$'\n'*} == "pool 'net-a' defined: /etc/vfpool/net-a.xml" ]]
    [[ $output == *"defined and started libvirt network 'net-a' with 4 VFs"* ]]
    assert_equal "$(open_vfs net-a | wc -l)" 4
    assert_equal "$(stat -c %a "$PLACE/net-a.xml")" 644
    assert_equal "$(ls "$PLACE")" net-a.xml
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
    # Once more: nothing changes.
    run_vfpool 0 define "$PLACE/net-a.xml"
    assert_equal "$output" "nothing changed"
    assert_equal "$(ls "$PLACE")" net-a.xml
}

@test "another file for a pool: the one before is kept beside it, once" {
    libvirt_begin
    new_file p eth3
    cp "$FILE" "$BATS_TEST_TMPDIR/first"
    run_vfpool 0 define "$FILE"
    new_file p eth3 eth4
    run_vfpool 0 define "$FILE"
    [[ ${output%%$'\n'*} == "pool 'p' changed: /etc/vfpool/p.xml; as it was: p.xml.old" ]]
    cmp "$PLACE/p.xml.old" "$BATS_TEST_TMPDIR/first"
    cmp "$PLACE/p.xml" "$FILE"
    assert_equal "$(open_vfs p | wc -l)" 6
    cp "$FILE" "$BATS_TEST_TMPDIR/second"
    new_file p eth4
    run_vfpool 0 define "$FILE"
    cmp "$PLACE/p.xml.old" "$BATS_TEST_TMPDIR/second"
    assert_equal "$(ls "$PLACE")" "p.xml"$'\n'"p.xml.old"
    run_vfpool 0 status --format json
    assert_equal "$(jq -c '[.pools[].name]' "$STDOUT")" '["p"]'
}

@test "a dry run says what the run does, and does nothing" {
    libvirt_begin
    new_file p eth3
    snapshot
    run_vfpool 0 define --dry-run "$FILE"
    said=$output
    assert_unchanged
    run_vfpool 0 define "$FILE"
    assert_equal "$output" "$said"
    new_file p eth4 eth3
    run_vfpool 0 define --dry-run "$FILE"
    said=$output
    cmp -s "$FILE" "$PLACE/p.xml" && fail "it was written"
    run_vfpool 0 define "$FILE"
    assert_equal "$output" "$said"
    run_vfpool 0 undefine --dry-run p
    said=$output
    [[ -e $PLACE/p.xml ]]
    run_vfpool 0 undefine p
    assert_equal "$output" "$said"
}

@test "no directory for pool files yet: define makes it" {
    rmdir "$PLACE"
    new_file p eth3
    run_vfpool 0 define --dry-run "$FILE"
    [[ ! -e $PLACE ]]
    run_vfpool 0 define "$FILE"
    cmp "$PLACE/p.xml" "$FILE"
    assert_equal "$(stat -c %a "$PLACE")" 755
}

# --- edit --------------------------------------------------------------------

# editor SCRIPT: what $EDITOR is, as a shell script; $1 is the file
editor() {
    printf '#!/bin/sh\n%s\n' "$1" > "$BATS_TEST_TMPDIR/editor"
    chmod +x "$BATS_TEST_TMPDIR/editor"
    export EDITOR="$BATS_TEST_TMPDIR/editor" TMPDIR=$BATS_TEST_TMPDIR/tmp
    unset VISUAL
    mkdir -p "$TMPDIR"
}

@test "edit: what the editor leaves is defined" {
    libvirt_begin
    pool p eth3
    run_vfpool 0 reconcile
    editor "sed -i 's/eth3/eth4/' \"\$1\""
    run_vfpool 0 edit p
    [[ ${output%%$'\n'*} == "pool 'p' changed: /etc/vfpool/p.xml; as it was: p.xml.old" ]]
    grep -q eth4 "$PLACE/p.xml"
    assert_equal "$(open_vfs p | wc -l)" 2
    assert_equal "$(ls "$TMPDIR")" ""
    # With arguments of its own, as git takes it; VISUAL comes first.
    export VISUAL="$EDITOR ignored; true"
    editor true
    run_vfpool 0 edit p
    assert_equal "$output" "pool 'p' was not changed"
}

@test "edit: what is wrong changes nothing, and what was written is kept" {
    pool p eth3
    cp "$PLACE/p.xml" "$FILE"
    editor "sed -i 's/managed/manged/' \"\$1\""
    run_vfpool 1 edit p < /dev/null
    [[ ${stderr##*$'\n'} == "vfpool: p.xml, line 3: "*manged* ]]
    [[ $stderr == *"what was written is in $TMPDIR/vfpool-"* ]]
    cmp "$FILE" "$PLACE/p.xml"
    grep -q manged "$TMPDIR"/vfpool-*.xml
    editor "sed -i 's/<name>p/<name>q/' \"\$1\""
    run_vfpool 1 edit p < /dev/null
    [[ $stderr == *"this is pool 'q', not 'p'"* ]]
    [[ ! -e $PLACE/q.xml ]]
    editor "exit 3"
    run_vfpool 1 edit p
    [[ $stderr == *"did not end with exit status 0"* ]]
    run_vfpool 1 edit nowhere
    assert_one_line "there is no pool 'nowhere'"
}

@test "edit: somebody else was quicker" {
    pool p eth3
    editor "sed -i 's/eth3/eth4/' '$PLACE/p.xml'; sed -i 's/eth3/eth5/' \"\$1\""
    run_vfpool 1 edit p < /dev/null
    [[ $stderr == *"pool 'p' was changed meanwhile"* ]]
    grep -q eth4 "$PLACE/p.xml"
}

@test "edit on a terminal: it asks, and the editor comes back with what was written" {
    pool p eth3
    # The first time wrong, the second time right.
    editor "grep -q eth9 \"\$1\" && sed -i 's/eth9/eth4/' \"\$1\" || sed -i 's/eth3/eth9/' \"\$1\""
    run_program 0 script -qec "$VFPOOL_BUILD/hook/vfpool edit p" /dev/null < <(printf 'what\ny\n')
    [[ $output == *"eth9"*"Try again? [y,n]: "*"Try again? [y,n]: "*"pool 'p' changed"* ]]
    grep -q eth4 "$PLACE/p.xml"
    # Who says nothing gives up.
    editor "sed -i 's/eth4/eth9/' \"\$1\""
    run_program '[13]' script -qec "$VFPOOL_BUILD/hook/vfpool edit p" /dev/null < <(printf '\4')
    [[ $output == *"Try again? [y,n]: "*"what was written is in "* ]]
    grep -q eth4 "$PLACE/p.xml"
}

@test "edit: nowhere to write" {
    pool p eth3
    editor true
    TMPDIR=$BATS_TEST_TMPDIR/nowhere run_vfpool 1 edit p
    assert_one_line "$BATS_TEST_TMPDIR/nowhere"
    TMPDIR=/$(printf '%04096d' 0) run_vfpool 1 edit p
    assert_one_line "TMPDIR is too long"
}

# --- undefine ----------------------------------------------------------------

@test "undefine: refused while guests have VFs, else its file goes aside" {
    libvirt_begin
    pool p eth3
    run_vfpool 0 reconcile
    run_hook 0 g prepare < <(guest g "${UUID[1]}" p:"${MAC[1]}")
    snapshot
    run_vfpool 1 undefine p
    assert_one_line "guests have VFs of pool 'p': shut them down, or take it away with --force"
    assert_unchanged
    run_vfpool 0 undefine --force p
    [[ ${output%%$'\n'*} == "pool 'p' undefined; its file is /etc/vfpool/p.xml.old" ]]
    assert_equal "$(ls "$PLACE")" p.xml.old
    run_vfpool 1 undefine p
    assert_one_line "there is no pool 'p'"
    for name in ../p .p; do
        run_vfpool 1 undefine "$name"
        assert_one_line "no name of a pool's file"
    done
}
