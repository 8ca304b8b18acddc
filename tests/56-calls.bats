#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Killed before a system call, whichever it is: each of what libvirt and a person call, with a libvirt and a kernel on
# files, other guests, and settings. After each kill the next call repairs, tests/checker finds nothing, and once libvirt
# has gone on as it does, all is as if nobody had been killed.

load helpers
as_installed
load libvirt/helpers
load calls/helpers

# killed WHO AFTER COMMAND...: killed before each of WHO's calls, from where the test stands, AFTER goes on; the command
# "hook N OPERATION" is libvirt's call for guest N. With $REFUSED it ends with that by itself.
killed() {
    local who=$1 after=$2 n total expected kills=0 CODE=0
    shift 2
    [[ $1 != hook ]] || set -- "$VFPOOL_BUILD/hook/qemu" "g$2" "$3" "$(suboperation "$3")" -
    keep
    traced "$who" 0 kill "$@" || CODE=$?
    ((CODE == ${REFUSED:-0})) || fail "it fails by itself: $(< "$STDERR")"
    total=${SAID[0]}
    ((total > 20)) || fail "$who makes $total calls"
    goes_on "$after"
    expected=$(world)
    for n in $(chosen "$total"); do
        restore
        CODE=0
        traced "$who" "$n" kill "$@" || CODE=$?
        # Where processes run side by side, one may have fewer calls to make.
        [[ ${SAID[2]} == kill ]] || continue
        kills=$((kills + 1))
        run_vfpool 0 status > /dev/null
        assert_invariants || fail "killed before call $n of $total, ${SAID[1]}"
        goes_on "$after"
        assert_equal "$(world)" "$expected" || fail "killed before call $n of $total, ${SAID[1]}"
    done
    ((kills > 0))
    restore
    counted "$kills" kills
}

# killed_twice WHO AFTER COMMAND...: and reconcile, which repairs that, before one of its calls; a sample of both
killed_twice() {
    local who=$1 after=$2 first second total expected kills=0
    shift 2
    [[ $1 != hook ]] || set -- "$VFPOOL_BUILD/hook/qemu" "g$2" "$3" "$(suboperation "$3")" -
    keep
    traced "$who" 0 kill "$@" || fail "it fails by itself: $(< "$STDERR")"
    total=${SAID[0]}
    goes_on "$after"
    expected=$(world)
    for first in $(sample "$total"); do
        restore
        traced "$who" "$first" kill "$@" || :
        traced hook 0 kill "$VFPOOL_BUILD/hook/vfpool" reconcile
        for second in $(sample "${SAID[0]}"); do
            restore
            CODE=0
            traced "$who" "$first" kill "$@" || CODE=$?
            [[ ${SAID[2]} == kill ]] || continue
            traced hook "$second" kill "$VFPOOL_BUILD/hook/vfpool" reconcile || :
            kills=$((kills + 1))
            goes_on "$after"
            assert_equal "$(world)" "$expected" || fail "killed before call $first of $total, and reconcile before call $second"
        done
    done
    ((kills > 0))
    restore
    counted "$kills" "double kills"
}

# interface_counts [DEFAULT]: one, two and three, or some of that
interface_counts() { if [[ ${SWEEP-} == all ]]; then echo 1 2 3; else echo "${1:-1 3}"; fi; }

# sample TOTAL: a few numbers up to it, the same ones for the same $SEED
sample() {
    local count=2
    case ${SWEEP-} in
    all) count=20 ;;
    some) count=4 ;;
    esac
    shuf --input-range="1-$1" --head-count=$count --random-source=<(yes "${SEED:-1}")
}

# bats test_tags=deep
@test "prepare, of one to three interfaces, and again" {
    GIVEN=()
    local count
    for count in 1 2 3; do
        of 1 "$count" > "$ROOT/input"
        killed hook "over 1 $count" hook 1 prepare
    done
    prepares 1 2
    killed hook "over 1 3" hook 1 prepare
}

# creates MAC ADDRESS: what libvirt tells the network hook of a port of guest 1
creates() {
    PORT=a0000000-0000-4000-8000-000000000${2:9:1}${2:11}1 allocation "${UUID[1]}" g1 "$1" "$2" > "$ROOT/input"
}

# bats test_tags=deep
@test "port-created, of the last interface: as it was claimed, and another VF" {
    local count vf
    for count in $(interface_counts 1); do
        prepares 1 "$count"
        gives 1 $((count - 1))
        # libvirt takes back by itself what a hook refused, and the start has failed.
        for vf in "${V[count]}" "${V[count + 2]}"; do
            creates "${MAC[15 + count]}" "$vf"
            killed hook "over 1 $count" "$VFPOOL_BUILD/hook/network" p port-created begin -
        done
        over 1 "$count"
    done
}

# bats test_tags=deep
@test "port-created at a hot-plug" {
    prepares 1 1
    gives 1 1
    starts 1
    creates "${MAC[20]}" "${V[2]}"
    # The plug fails where its hook did, and nobody calls for its end.
    unplugged() {
        ((CODE)) || ended 0 p "${UUID[1]}" g1 "${MAC[20]}" "${V[2]}"
        looks_gone_now 1 # by its claim alone: libvirt says that it runs
    }
    killed hook unplugged "$VFPOOL_BUILD/hook/network" p port-created begin -
}

# bats test_tags=deep
@test "start, and what libvirt ends it with" {
    local count
    for count in $(interface_counts); do
        prepares 1 "$count"
        gives 1 "$count"
        runs 1
        cp "$LIBVIRT/domains/${UUID[1]}.xml" "$ROOT/input"
        killed hook "over 1 $count" hook 1 start
        over 1 "$count"
    done
}

# bats test_tags=deep
@test "port-deleted, and the release behind it" {
    local count
    for count in $(interface_counts 2); do
        prepares 1 "$count"
        gives 1 "$count"
        starts 1
        rm "$LIBVIRT/domains/${UUID[1]}.xml" "$ROOT/run/libvirt/qemu/g1.xml"
        unport p "${UUID[1]}" "${GIVEN[0]}"
        PORT=a0000000-0000-4000-8000-000000000000 allocation "${UUID[1]}" g1 "${MAC[16]}" "${GIVEN[0]}" > "$ROOT/input"
        killed hook "over 1 $count" "$VFPOOL_BUILD/hook/network" p port-deleted begin -
        over 1 "$count"
    done
}

# bats test_tags=deep
@test "release: nobody calls it again" {
    local count
    for count in $(interface_counts); do
        prepares 1 "$count"
        gives 1 "$count"
        starts 1
        ends 1
        of 1 "$count" > "$ROOT/input"
        killed hook "looks_gone_now 1" hook 1 release
        over 1 "$count"
    done
}

# bats test_tags=deep
@test "reconnect of a guest that nobody has claimed for" {
    local count
    for count in $(interface_counts 2); do
        prepares 1 "$count"
        gives 1 "$count"
        starts 1
        rm "$ROOT/run/vfpool/guests/${UUID[1]}.xml" "${GIVEN[@]/#/$ROOT/run/vfpool/vfs/}"
        cp "$LIBVIRT/domains/${UUID[1]}.xml" "$ROOT/input"
        killed hook true hook 1 reconnect
        run_vfpool 0 reconcile
        over 1 "$count"
    done
}

# bats test_tags=deep
@test "reconcile, and the vfpool-gate that it calls" {
    local count
    for count in $(interface_counts 1); do
        half "$count"
        killed hook true "$VFPOOL_BUILD/hook/vfpool" reconcile
        killed gate true "$VFPOOL_BUILD/hook/vfpool" reconcile
        run_vfpool 0 reconcile
    done
}

# bats test_tags=deep
@test "release by hand" {
    half
    unport p "${UUID[2]}" "${GIVEN[0]}"
    killed hook again "$VFPOOL_BUILD/hook/vfpool" release --force g2
}

# bats test_tags=deep
@test "open, and the vfpool-gate that it calls: vfpool leaves" {
    half
    killed hook opens "$VFPOOL_BUILD/hook/vfpool" open --settings
    killed gate opens "$VFPOOL_BUILD/hook/vfpool" open --settings
}
again() { [[ ! -e $ROOT/run/vfpool/guests/${UUID[2]}.xml ]] || run_vfpool 0 release --force g2; }
opens() { run_vfpool 0 open --settings; }

# bats test_tags=deep
@test "the daemon hook, and who settles behind a hook" {
    : > "$ROOT/input"
    killed hook true "$PLAIN/hook/daemon" - start - -
    # A VF that a guest had by its address is offered again behind the back of its release.
    GIVEN=("${V[3]}")
    shown 1 > "$ROOT/input"
    run_hook 0 g1 prepare < "$ROOT/input"
    starts 1
    run_vfpool 0 reconcile
    rm "$LIBVIRT/domains/${UUID[1]}.xml" "$ROOT/run/libvirt/qemu/g1.xml"
    killed behind true hook 1 release
    killed behind-gate true hook 1 release
}

# bats test_tags=deep
@test "a prepare of a guest that waits for its libvirt, which starts it" {
    defers
    REFUSED=1 killed hook deferred_again hook 1 prepare
}

# bats test_tags=deep
@test "reconcile, which starts a guest that waits, and the vfpool-gate that it calls" {
    defers
    waits
    killed hook runs_now "$VFPOOL_BUILD/hook/vfpool" reconcile
    killed gate runs_now "$VFPOOL_BUILD/hook/vfpool" reconcile
}

# bats test_tags=deep
@test "and reconcile, which repairs it" {
    prepares 1 2
    of 1 2 > "$ROOT/input"
    killed_twice hook "over 1 2" hook 1 prepare
    gives 1 2
    runs 1
    cp "$LIBVIRT/domains/${UUID[1]}.xml" "$ROOT/input"
    killed_twice hook "over 1 2" hook 1 start
    starts 1
    ends 1
    killed_twice hook "looks_gone_now 1" hook 1 release
}
