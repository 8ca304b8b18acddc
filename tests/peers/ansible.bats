#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The tasks of docs/ansible.md by ansible-core, on a host of files. The first one installs a package, which is for
# tests/packages, and is left out.

load ../helpers
load ../libvirt/helpers

setup() {
    common_setup
    host eth3:vfs=2 eth4:vfs=2
    libvirt_begin
    libvirt_installed
    witness
    awk '/^```/ { inside = !inside; next } inside' "$BATS_TEST_DIRNAME/../../docs/ansible.md" > "$BATS_TEST_TMPDIR/tasks"
    assert_equal "$(grep -c '^- name: ' "$BATS_TEST_TMPDIR/tasks")" 5
    template "<pf dev='eth3'/><pf dev='eth4'/>"
}

template() {
    printf "<network>\n<name>passthrough</name>\n<forward mode='hostdev' managed='yes'>\n%s\n</forward>\n</network>\n" "$*" > "$BATS_TEST_TMPDIR/passthrough.xml.j2"
}

# play CODE [OPTION...]: what the tasks came to, in their order, as "ok changed ..."
play() {
    local code=$1
    shift
    {
        printf -- '- hosts: localhost\n  gather_facts: false\n  tasks:\n'
        awk -v RS= -v ORS='\n\n' 'NR > 1' "$BATS_TEST_TMPDIR/tasks" | sed "s|dest: |&$ROOT|; s/^/    /"
    } > "$BATS_TEST_TMPDIR/play.yml"
    VFPOOL_TIMEOUT=120 run_program "$code" env PATH="$VFPOOL_BUILD/hook:$PATH" HOME="$BATS_TEST_TMPDIR" ANSIBLE_NOCOLOR=1 ANSIBLE_LOCALHOST_WARNING=0 \
        ansible-playbook -i localhost, -c local -e ansible_python_interpreter=/usr/bin/python3 "$@" "$BATS_TEST_TMPDIR/play.yml"
    # A loop's items have a line each.
    came=$(sed -n 's/^\(ok\|changed\|fatal\|failed\|skipping\): .*/\1/p' "$STDOUT" | xargs)
}

@test "a run makes the pool, and a second one changes nothing" {
    play 0
    assert_equal "$came" "changed changed ok ok ok"
    run_vfpool 0 status --format json
    assert_equal "$(jq -c '[.pools[] | .name, (.vfs | length)]' "$STDOUT")" '["passthrough",4]'
    play 0
    assert_equal "$came" "ok ok ok ok ok"
}

@test "with --check each says what it would change, and nothing changes" {
    play 0
    template "<pf dev='eth3'/>"
    snapshot
    play 0 --check -e '{"vfpool_drained": ["eth4"]}'
    assert_equal "$came" "changed ok ok ok changed"
    assert_unchanged
    grep -q eth4 "$ROOT/etc/vfpool/passthrough.xml"
}

@test "a file that is wrong is not written, and what it says is shown" {
    play 0
    before=$(< "$ROOT/etc/vfpool/passthrough.xml")
    template "<pf dev='eth9'/>"
    play 2
    assert_equal "$came" fatal
    [[ $output == *"eth9"* ]]
    assert_equal "$(< "$ROOT/etc/vfpool/passthrough.xml")" "$before"
}

@test "what doctor finds wrong fails" {
    rmdir "$ROOT/sys/bus/pci/drivers/vfio-pci"
    play 2
    assert_equal "$came" "changed changed fatal"
    [[ $output == *"this kernel has no vfio-pci"* ]]
}

@test "a card of the list is drained, and undrained once it is not" {
    play 0 -e '{"vfpool_drained": ["eth4"]}'
    assert_equal "$came" "changed changed ok ok changed"
    run_vfpool 0 status --format json --state drained
    assert_equal "$(jq -r '[.pools[].vfs[].pf] | unique | join(" ")' "$STDOUT")" eth4
    play 0 -e '{"vfpool_drained": ["eth4"]}'
    assert_equal "$came" "ok ok ok ok ok"
    play 0
    assert_equal "$came" "ok ok ok ok changed"
}
