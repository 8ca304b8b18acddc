#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Guests that are gone, and whose release was killed, could not write, or never came: their VFs are anybody's before a
# person looks. And who only looks gone keeps his.

load helpers
as_installed
load libvirt/helpers

setup() {
    libvirt_setup
    mkdir -p "$ROOT/run/libvirt/qemu" "$ROOT/etc/libvirt/qemu"
    witness
    run_vfpool 0 reconcile
    assert_equal "$(open_vfs p)" "$(printf '%s\n' "${V[@]}")"
}

# runs N VF: guest N has it, and runs
runs() {
    run_hook 0 "g$1" prepare < <(vm "$1" p)
    made 0 p "${UUID[$1]}" "g$1" "${MAC[$1]}" "$2"
    run_hook 0 "g$1" start < <(concrete "g$1" "${UUID[$1]}" "${MAC[$1]}" "$2")
    : > "$ROOT/run/libvirt/qemu/g$1.xml"
}

# ages N MS: guest N's claim came to be what it is so long ago
ages() {
    sed -i "s/clock=\"[^\"]*\"/clock=\"$(($(awk '{ printf "%d", $1 * 1000 }' /proc/uptime) - $2))\"/" \
        "$ROOT/run/vfpool/guests/${UUID[$1]}.xml"
}

# leaves N: libvirt has ended it, and given its VF back; no hook came to its end
leaves() {
    rm "$ROOT/run/libvirt/qemu/g$1.xml"
    ages "$1" 40000
}

all_run() { for i in 1 2 3 4; do runs $i "${V[i - 1]}"; done; }

@test "a pool that is used up but for a guest that is gone gives its VF to the next one, as transform says before" {
    all_run
    leaves 2
    run_vfpool 0 transform - < <(vm 5 p)
    [[ $output == *'bus="0x01" slot="0x10" function="0x2"'* ]]
    assert_equal "$(holder "${V[1]}")" "${UUID[2]}"
    run_hook 0 g5 prepare < <(vm 5 p)
    [[ $stderr == *"guest 'g2' held VF ${V[1]}, and does not run any more: taken back"* ]]
    assert_equal "$(holder "${V[1]}")" "${UUID[5]}"
    assert_released "${UUID[2]}"
    assert_invariants
    run_hook 0 g2 release < <(vm 2 p)
    assert_equal "$(holder "${V[1]}")" "${UUID[5]}"
}

# A guest that is held to run, and has no port, has its VF held by reconcile, and so by whoever settles.
@test "a VF that was blocked for a guest that is gone is opened for the next one" {
    all_run
    : > "$LIBVIRT/domains/${UUID[2]}.xml"
    for i in 1 3 4; do port p "g$i" "${UUID[i]}" "${V[i - 1]}"; : > "$LIBVIRT/domains/${UUID[i]}.xml"; done
    : > "$ROOT/run/vfpool/offers/p"
    run_vfpool 0 reconcile
    assert_equal "$(owner p "${V[1]}")" vfpool
    rm "$LIBVIRT/domains/${UUID[2]}.xml"
    leaves 2
    run_hook 0 g5 prepare < <(vm 5 p)
    assert_equal "$(open_vfs p)" "${V[1]}"
    # And so for who settles.
    run_hook 0 g5 release < <(vm 5 p)
    runs 6 "${V[1]}"
    : > "$LIBVIRT/domains/${UUID[6]}.xml"
    run_vfpool 0 reconcile
    assert_equal "$(owner p "${V[1]}")" vfpool
    rm "$LIBVIRT/domains/${UUID[6]}.xml"
    leaves 6
    # Who settled what guest 5 left would say so behind the next line.
    settled
    : > "$ROOT/run/vfpool/offers/p"
    run_program 0 "$VFPOOL_BUILD/hook/daemon" - reload begin SIGHUP
    wait_until eval '[[ $(open_vfs p) == "${V[1]}" ]]'
}

@test "who asks for the very VF of a guest that is gone gets it" {
    runs 1 "${V[0]}"
    leaves 1
    run_hook 0 g9 prepare < <(concrete g9 "${UUID[9]}" "${MAC[9]}" "${V[0]}")
    assert_equal "$(holder "${V[0]}")" "${UUID[9]}"
}

# It has no port, so it is open, and first.
@test "what libvirt gives of a guest that is gone is the next one's, which had claimed another" {
    runs 1 "${V[0]}"
    leaves 1
    run_hook 0 g2 prepare < <(vm 2 p)
    assert_equal "$(holder "${V[1]}")" "${UUID[2]}"
    made 0 p "${UUID[2]}" g2 "${MAC[2]}" "${V[0]}"
    assert_taken "${V[0]}" "${UUID[2]}"
    run_hook 0 g2 start < <(concrete g2 "${UUID[2]}" "${MAC[2]}" "${V[0]}")
}

@test "whoever settles sees that a guest is gone" {
    runs 1 "${V[0]}"
    leaves 1
    settled
    : > "$ROOT/run/vfpool/offers/p"
    run_program 0 "$VFPOOL_BUILD/hook/daemon" - reload begin SIGHUP
    wait_until eval '[[ ! -e $ROOT/run/vfpool/vfs/${V[0]} ]]'
    assert_taken
}

@test "a guest that only looks gone keeps its VFs: at its start, on its way, with a process that has one open" {
    local group open
    all_run
    keeps() {
        run_hook 1 g5 prepare < <(vm 5 p)
        [[ $stderr == *"is held by guest 'g2'"* ]]
        made 1 p "${UUID[6]}" g6 "${MAC[6]}" "${V[1]}"
        assert_equal "$(holder "${V[1]}")" "${UUID[2]}"
    }
    # Between start and libvirt's file of it.
    rm "$ROOT/run/libvirt/qemu/g2.xml"
    ages 2 20000
    keeps
    # It has a VF open. Whoever settles looks at any time: never is there nothing that speaks for it.
    opened "${V[1]}"
    ages 2 40000
    keeps
    # Where libvirt keeps its files cannot be seen.
    mv "$ROOT/run/libvirt/qemu" "$ROOT/elsewhere"
    exec {open}<&-
    keeps
    # It has claimed, and was not seen yet: ten minutes.
    sed -i 's/state="held"/state="claimed"/' "$ROOT/run/vfpool/guests/${UUID[2]}.xml"
    mv "$ROOT/elsewhere" "$ROOT/run/libvirt/qemu"
    keeps
    ages 2 600001
    run_hook 0 g5 prepare < <(vm 5 p)
    assert_equal "$(holder "${V[1]}")" "${UUID[5]}"
}

@test "a start counts from when it was seen, not from its claim" {
    run_hook 0 g1 prepare < <(vm 1 p)
    ages 1 500000
    made 0 p "${UUID[1]}" g1 "${MAC[1]}" "${V[0]}"
    run_hook 0 g1 start < <(concrete g1 "${UUID[1]}" "${MAC[1]}" "${V[0]}")
    made 1 p "${UUID[2]}" g2 "${MAC[2]}" "${V[0]}"
    assert_equal "$(holder "${V[0]}")" "${UUID[1]}"
}

# in_full_run CODE SCRIPT: with /run of this root in a file system that is full but for the pages that its files have
in_full_run() {
    local propagation=private
    # A chroot's root is no mount, and unshare cannot make it private; the file system of this test's files can be.
    mountpoint -q / || propagation=unchanged
    hook_environment
    # What is copied is still, and of what the hooks leave just the claims are: who settles then has files that go.
    settled
    {
        printf '%s\n' 'set -e' '[[ $2 == private ]] || mount --make-rprivate "$(findmnt -n -o TARGET -T .)"' 'mkdir -p full' 'mount -t tmpfs -o size=256k,mode=755 none full' 'cp -a run/. full' \
            'mount --bind full run' 'dd if=/dev/zero of=run/fill bs=4k 2> dd || :' 'code=0'
        echo "hook() { ${HOOK_ENVIRONMENT[*]@Q} '$VFPOOL_BUILD'/hook/\"\$@\"; }"
        echo "{ $2; } || code=\$?"
        printf '%s\n' 'grep -q "No space left" dd' 'rm -rf run/fill kept' 'mkdir -p kept/vfpool' 'cp -a run/vfpool/{vfs,guests} kept/vfpool' 'exit $code'
    } > "$ROOT/script"
    run_program "$1" unshare -m --propagation "$propagation" bash -c 'cd "$1" && . ./script' bash "$ROOT" "$propagation"
}

@test "with /run full what a guest has is given back, at its port's end and at its release" {
    runs 1 "${V[0]}"
    runs 2 "${V[1]}"
    allocation "${UUID[1]}" g1 "${MAC[1]}" "${V[0]}" > "$ROOT/port.xml"
    vm 2 p > "$ROOT/g2.xml"
    vm 3 p > "$ROOT/g3.xml"
    in_full_run 0 'hook network p port-deleted begin - < port.xml && hook qemu g2 release end - < g2.xml'
    assert_equal "$(ls "$ROOT/kept/vfpool/vfs")" ""
    [[ ! -e $ROOT/kept/vfpool/guests/${UUID[1]}.xml && ! -e $ROOT/kept/vfpool/guests/${UUID[2]}.xml ]]
    # A start needs room, and says that there is none.
    in_full_run 1 'hook qemu g3 prepare begin - < g3.xml'
    assert_one_line "No space left on device"
    assert_equal "$(ls "$ROOT/kept/vfpool/vfs")" "${V[0]}"$'\n'"${V[1]}"
}
