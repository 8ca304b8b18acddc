#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A pool that is used up, and guests that wait for a VF to come back: in the order of their arrival, and not for ever.

load helpers

setup() {
    common_setup
    host eth3:vfs=2
    waits 20
    prepare 1
    prepare 2
    WAITING=$ROOT/run/vfpool/waiting/p
}

teardown() {
    local pid
    for pid in "${WAITERS[@]}"; do kill -KILL "$pid" 2> /dev/null || true; done
}

# waits SECONDS [ATTRIBUTES]: the pool
waits() { pool p eth3 -- "<metadata><v:pool xmlns:v='urn:vfpool:1' wait='$1' ${2-}/></metadata>"; }
of() { guest "g$1" "${UUID[$1]}" "p:${MAC[$1]}"; }
prepare() { run_hook 0 "g$1" prepare < <(of "$1"); }
release() { run_hook 0 "g$1" release < <(of "$1"); }

# comes N: guest N's prepare, in the background; ${WAITERS[N]}
WAITERS=()
comes() {
    hook_environment
    of "$1" > "$BATS_TEST_TMPDIR/in.$1"
    "${HOOK_ENVIRONMENT[@]}" "$VFPOOL_BUILD/hook/qemu" "g$1" prepare begin - \
        < "$BATS_TEST_TMPDIR/in.$1" > "$BATS_TEST_TMPDIR/out.$1" 2> "$BATS_TEST_TMPDIR/err.$1" 3>&- &
    WAITERS[$1]=$!
}

# in_queue N: it has the lock, or waits for it, as the kernel says
in_queue() { grep -q "FLOCK .* WRITE ${WAITERS[$1]} .*:$(stat -c %i "$WAITING") " /proc/locks; }
has() { [[ $(taken) == *" ${UUID[$1]}"* ]]; }

@test "a guest waits until a VF comes back, and gets it" {
    comes 3
    wait_until in_queue 3
    release 2
    wait "${WAITERS[3]}"
    assert_taken 0000:01:10.0 "${UUID[1]}" 0000:01:10.2 "${UUID[3]}"
    assert_equal "$(cat "$BATS_TEST_TMPDIR/err.3")" ''
    grep -q 'function="0x2"' "$BATS_TEST_TMPDIR/out.3"
    assert_invariants
}

@test "in the order of their arrival, and nobody passes" {
    comes 3
    wait_until in_queue 3
    comes 4
    wait_until in_queue 4
    # The first one does not run: its VF waits for it, though others come.
    kill -STOP "${WAITERS[3]}"
    release 2
    waits 1
    run_hook 1 g5 prepare < <(of 5)
    assert_one_line "guest 'g5' waited 1 s for a VF of pool 'p', and others wait before it"
    assert_taken 0000:01:10.0 "${UUID[1]}"
    kill -CONT "${WAITERS[3]}"
    wait "${WAITERS[3]}"
    assert_taken 0000:01:10.0 "${UUID[1]}" 0000:01:10.2 "${UUID[3]}"
    release 1
    wait "${WAITERS[4]}"
    assert_taken 0000:01:10.0 "${UUID[4]}" 0000:01:10.2 "${UUID[3]}"
    assert_invariants
}

@test "one that is killed while it waits is not waited for" {
    comes 3
    wait_until in_queue 3
    comes 4
    wait_until in_queue 4
    kill -KILL "${WAITERS[3]}"
    wait "${WAITERS[3]}" || true
    release 1
    wait "${WAITERS[4]}"
    assert_taken 0000:01:10.2 "${UUID[2]}" 0000:01:10.0 "${UUID[4]}"
    assert_invariants
}

@test "not longer than the pool says, and then in the words of a pool that is used up" {
    waits 1
    snapshot
    run_hook 1 g3 prepare < <(of 3)
    assert_one_line "after 1 s: pool 'p' has no free VF for interface 1 of guest 'g3': 0000:01:10.0 is held by guest 'g1'"
    assert_unchanged
    waits 0
    run_hook 1 g3 prepare < <(of 3)
    assert_one_line "vfpool: pool 'p' has no free VF"
    # A guest for whom no VF will do is told at once what it asks for in vain, and so is who only asks.
    waits 20
    run_vfpool 1 transform - < <(of 3)
    assert_one_line "vfpool: pool 'p' has no free VF"
    run_hook 1 g3 prepare < <(guest g3 "${UUID[3]}" "<hostdev type='pci'><source><address domain='0' bus='0x01' slot='0x10' function='0x0'/></source></hostdev>")
    assert_one_line "asks for a VF of pool 'p' by its address"
}

@test "a VF that becomes usable by other ways is seen, too" {
    comes 3
    wait_until in_queue 3
    host eth4:vfs=1
    pool p eth3 eth4 -- "<metadata><v:pool xmlns:v='urn:vfpool:1' wait='20'/></metadata>"
    wait "${WAITERS[3]}"
    [[ $(holder 0000:02:10.0) == "${UUID[3]}" ]]
}

@test "a guest may say itself how long, where the pool lets it" {
    own() { of 3 | sed "s|<devices>|<metadata><v:guest xmlns:v='urn:vfpool:1' wait='$1'/></metadata>&|"; }
    waits 20 "override='wait'"
    run_hook 1 g3 prepare < <(own 0)
    assert_one_line "vfpool: pool 'p' has no free VF"
    run_hook 1 g3 prepare < <(own 1)
    assert_one_line "after 1 s: pool 'p' has no free VF"
    for wrong in 61 -1 1s '' ' 1' 0x1 99999999999999999999; do
        run_hook 1 g3 prepare < <(own "$wrong")
        assert_one_line "that can be 0 to 60"
    done
    waits 20
    run_hook 1 g3 prepare < <(own 0)
    assert_one_line "does not let guests say that"
}
