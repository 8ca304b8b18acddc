#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What programs read: each JSON output against docs/vfpool.schema.json, and the exit status.

LEAK_CHECK=1
load helpers
load libvirt/helpers

setup() {
    libvirt_setup
    mkdir -p "$ROOT/run/libvirt/qemu" "$ROOT/etc/libvirt/qemu"
    SCHEMA=$TESTS/../docs/vfpool.schema.json
}

# valid NAME: the output is a document of that kind, and has no member that the schema does not have.
valid() {
    jq --arg name "$1" '{"$ref": "#/$defs/\($name)", "$defs": .["$defs"]}
        | walk(if type == "object" and has("required") then .additionalProperties = false else . end)' "$SCHEMA" > "$BATS_TEST_TMPDIR/schema"
    /usr/bin/python3 - "$STDOUT" "$BATS_TEST_TMPDIR/schema" "$SCHEMA" << 'PYTHON'
import json, sys, jsonschema
document, strict, whole = (json.load(open(name)) for name in sys.argv[1:])
jsonschema.Draft202012Validator.check_schema(whole)
jsonschema.Draft202012Validator(whole).validate(document)
jsonschema.Draft202012Validator(strict).validate(document)
PYTHON
}

@test "status: guests, settings, PFs, a pool out of service" {
    witness
    run_vfpool 0 status --format json
    valid status
    run_vfpool 0 reconcile
    run_guest 1
    run_vfpool 0 drain "${V[3]}"
    echo '<network/>' > "$ROOT/etc/vfpool/broken.xml"
    host eth4:vfs=2,numa=1,down eth5:vfs=1,sparse
    pool q eth4 eth5 eth9 -- "<dns/>" "<metadata><vfpool:pool xmlns:vfpool='urn:vfpool:1' order='lru' sticky='yes' numa='ignore'/></metadata>"
    run_vfpool 0 status --long --format json
    valid status
    [[ $(jq -c '.format, (.pools[] | select(.name == "q") | .policy, .pfs)' "$STDOUT") == '1
{"separate":"prefer","numa":"ignore","sticky":true,"order":"lru"}
[{"name":"eth4","address":"0000:02:00.0","numa":1,"up":false,"carrier":null,"speed":null,"vfs_made":2,"vfs_total":7},{"name":"eth5","address":"0000:03:00.0","numa":null,"up":true,"carrier":null,"speed":null,"vfs_made":1,"vfs_total":7}]' ]]
    jq -e '.pools[] | select(.name == "p") | .pfs[0] | .speed == 1000 and .up and .carrier' "$STDOUT"
    jq -e '.pools[] | select(.name == "p") | .vfs[0] | .driver == "igbvf" and .guest.name == "g1" and .state == "held"' "$STDOUT"
    jq -e '.pools[] | select(.name == "broken") | .fault and .policy == null and .missing == null' "$STDOUT"
}

@test "explain, history and doctor" {
    witness
    run_vfpool 0 reconcile
    run_guest 1
    run_vfpool 0 explain g1 --format json
    valid explanation
    run_vfpool 0 explain - --format json < <(vm 2 p)
    valid explanation
    jq -e '.interfaces[0].policy == {"separate": "prefer", "numa": "prefer", "sticky": false, "order": "first"}' "$STDOUT"
    run_vfpool 0 drain eth3
    run_vfpool 4 explain - --format json < <(vm 2 p)
    valid explanation
    jq -e '.failure' "$STDOUT"
    run_hook 1 g2 prepare < <(vm 2 p)
    run_vfpool 0 history --format json
    valid history
    assert_equal "$(jq -r '.events[].event' "$STDOUT" | sort -u | xargs)" "claimed drained held refused"
    run_program '[0-3]' "$VFPOOL_BUILD/hook/vfpool" doctor --format json
    valid doctor
    run_vfpool 0 needs --format json - < <(vm 2 p)
    valid needs
    jq -e '.guests[0].pools == [{"name": "p", "vfs": 1}]' "$STDOUT"
}

# report CHANGED VERB...: it is a report, and says that.
report() {
    run_vfpool "${code:-0}" "${@:2}" --format json
    valid report
    assert_equal "$(jq .changed "$STDOUT")" "$1"
}

@test "what changes something says whether it did" {
    witness
    cp "$ROOT/etc/vfpool/p.xml" "$BATS_TEST_TMPDIR/p.xml"
    report true reconcile --dry-run
    report true reconcile
    assert_equal "$(jq -r '.done[0]' "$STDOUT")" "defined and started libvirt network 'p' with 4 VFs"
    report false reconcile
    report false define "$BATS_TEST_TMPDIR/p.xml"
    sed -i 's/<name>/<title>a pool<\/title><name>/' "$BATS_TEST_TMPDIR/p.xml"
    report true define --dry-run "$BATS_TEST_TMPDIR/p.xml"
    report true define "$BATS_TEST_TMPDIR/p.xml"
    run_guest 1
    report true drain eth3
    assert_equal "$(jq -r '.notes[0]' "$STDOUT")" "VFs of PF eth3 are had by 'g1'"
    report false drain eth3
    report true undrain eth3
    report false undrain eth3
    code=5 report false release g1
    jq -e '.error | contains("runs")' "$STDOUT"
    code=5 report false undefine p
    report true release --force --dry-run g1
    report true release --force g1
    report true undefine --dry-run p
    report true undefine p
}

@test "the exit status tells what kind of failure it is: the table of vfpool(8)" {
    witness
    run_vfpool 0 reconcile
    # 2: arguments; 3: input; 4: nothing free; 5: not allowed; 6: libvirt.
    status_of() { "$VFPOOL_BUILD/hook/vfpool" "${@:2}" > /dev/null 2> "$STDERR" 3>&- || status=$?; assert_equal "$status $*" "$1 $*"; status=0; }
    status_of 2 status --nothing
    status_of 2 release
    echo '<domain' > "$BATS_TEST_TMPDIR/bad"
    status_of 3 transform "$BATS_TEST_TMPDIR/bad"
    status_of 3 status nowhere
    status_of 3 release nobody
    status_of 3 drain eth9
    status_of 1 check "$BATS_TEST_TMPDIR/bad"
    status_of 1 check "$BATS_TEST_TMPDIR/nowhere"
    status_of 3 undefine nowhere
    run_vfpool 0 drain eth3
    vm 2 p > "$BATS_TEST_TMPDIR/vm"
    status_of 4 transform "$BATS_TEST_TMPDIR/vm"
    status_of 4 explain "$BATS_TEST_TMPDIR/vm"
    run_vfpool 0 undrain eth3
    run_guest 1
    status_of 5 release g1
    status_of 5 undefine p
    rm "$ROOT/run/libvirt/libvirt-sock"
    status_of 6 reconcile
    # As monitoring plugins have it.
    status_of 3 doctor --nothing
    VFPOOL_ROOT=$ROOT/nowhere status_of 3 doctor
    for status in 0 1 2 3 4 5 6; do grep -qx "\.It $status" <(sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EX/p' "$TESTS/../docs/vfpool.8"); done
}

@test "doctor's exit status is its worst verdict's" {
    for verdict in ok warning wrong; do
        run_program '[0-3]' "$VFPOOL_BUILD/hook/vfpool" doctor --format json
        worst=$(jq -r '[.checks[].verdict] | if index("wrong") then 2 elif index("warning") then 1 else 0 end' "$STDOUT")
        assert_equal "$status" "$worst"
        # From one to the next: no pool, a pool, libvirt set up.
        case $verdict in
        ok) rm "$ROOT/etc/vfpool/p.xml" ;;
        warning) pool p eth3 && witness && "$VFPOOL_BUILD/hook/vfpool" reconcile > /dev/null 3>&- ;;
        esac
    done
}
