#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A system call fails, whichever it is, in each way that it can: what libvirt or a person called is done, or says one line
# and has done nothing; what gives back may have done a part, and the next one does the rest.

load helpers
as_installed
load libvirt/helpers
load calls/helpers

# faulty WHO AFTER COMMAND...: each of WHO's calls fails, in each way that it can, or in one of them in turn, and for half
# of the bytes: all is done, or exit status 1, one line, and nothing is; then AFTER goes on. With $GIVES_BACK what fails
# may have done a part: who gives back what is left finds it done. With $REFUSED it ends with that by itself.
faulty() {
    local who=$1 after=$2 n way total before whole expected faults=0 lines line CODE=0
    shift 2
    [[ $1 != hook ]] || set -- "$VFPOOL_BUILD/hook/qemu" "g$2" "$3" "$(suboperation "$3")" -
    keep
    before=$(world)
    traced "$who" 0 0 "$@" || CODE=$?
    ((CODE == ${REFUSED:-0})) || fail "it fails by itself: $(< "$STDERR")"
    total=${SAID[0]}
    calm
    whole=$(world)
    goes_on "$after"
    expected=$(world)
    for n in $(chosen "$total"); do
        for way in $(ways "$n"); do
            restore
            CODE=0
            traced "$who" "$n" "$way" "$@" || CODE=$?
            [[ ${SAID[2]} != - ]] || continue
            faults=$((faults + 1))
            lines=0
            while IFS= read -r line; do [[ $line == "vfpool: note: "* ]] || lines=$((lines + 1)); done < "$STDERR"
            # Its only line could not be written: write(2) is call 1.
            [[ -z ${REFUSED-} || ${SAID[1]} != 1 || -s $STDERR ]] || lines=1
            # Before there is a program, the loader ends with a line of its own, or, without memory, by SIGSEGV.
            [[ ${SAID[3]} == loader ]] && ((CODE == 127 && lines == 1 || CODE == 139 && lines == 0)) ||
                ((CODE == 0 && lines == 0)) || (((CODE == 1 || (CODE > 2 && CODE < 7)) && lines == 1)) ||
                fail "call $n, ${SAID[1]}, fails with ${SAID[2]}: exit status $CODE" "$(< "$STDERR")"
            calm
            ((CODE == 0)) || [[ -n ${GIVES_BACK-} || $(world) == "$before" || $(world) == "$whole" ]] ||
                fail "call $n, ${SAID[1]}, fails with ${SAID[2]}: half done" "$(world)" "$before" "$(< "$STDERR")"
            goes_on "$after"
            assert_equal "$(world)" "$expected" || fail "call $n, ${SAID[1]}, fails with ${SAID[2]}" "$(< "$STDERR")"
        done
    done
    ((faults > 0))
    restore
    counted "$faults" "faults of system calls"
}
ways() { # N: all; or the first, and another one in turn
    if [[ ${SWEEP-} == all ]]; then seq 0 6; else seq 0 $(($1 % 3 + 1)) 3; fi
}

# bats test_tags=deep
@test "prepare, of which a system call fails" {
    GIVEN=()
    of 1 2 > "$ROOT/input"
    faulty hook "over 1 2" hook 1 prepare
}

# bats test_tags=deep
@test "release, of which a system call fails: the VF is free, or nobody's" {
    prepares 1 1
    gives 1 1
    starts 1
    ends 1
    of 1 1 > "$ROOT/input"
    faulty hook "looks_gone_now 1" hook 1 release
}

# bats test_tags=deep
@test "start, of which a system call fails" {
    prepares 1 1
    gives 1 1
    runs 1
    cp "$LIBVIRT/domains/${UUID[1]}.xml" "$ROOT/input"
    faulty hook "over 1 1" hook 1 start
}

# bats test_tags=deep
@test "port-created and port-deleted, of which a system call fails" {
    prepares 1 1
    PORT=a0000000-0000-4000-8000-000000000021 allocation "${UUID[1]}" g1 "${MAC[16]}" "${V[1]}" > "$ROOT/input"
    GIVEN=()
    faulty hook "over 1 1" "$VFPOOL_BUILD/hook/network" p port-created begin -
    gives 1 1
    starts 1
    rm "$LIBVIRT/domains/${UUID[1]}.xml" "$ROOT/run/libvirt/qemu/g1.xml"
    unport p "${UUID[1]}" "${GIVEN[0]}"
    PORT=a0000000-0000-4000-8000-000000000000 allocation "${UUID[1]}" g1 "${MAC[16]}" "${GIVEN[0]}" > "$ROOT/input"
    GIVES_BACK=1 faulty hook "over 1 1" "$VFPOOL_BUILD/hook/network" p port-deleted begin -
}

# bats test_tags=deep
@test "reconcile, and the vfpool-gate that it calls, of which a system call fails" {
    half
    GIVES_BACK=1 faulty hook true "$VFPOOL_BUILD/hook/vfpool" reconcile
    GIVES_BACK=1 faulty gate true "$VFPOOL_BUILD/hook/vfpool" reconcile
}

# bats test_tags=deep
@test "a prepare of a guest that waits for its libvirt, of which a system call fails" {
    defers
    # One that cannot see that libvirtd starts calls it in vain, and withdraws an offer that may not be true any more.
    REFUSED=1 GIVES_BACK=1 faulty hook deferred_again hook 1 prepare
}

# bats test_tags=deep
@test "reconcile, which starts a guest that waits, and the vfpool-gate that it calls, of which a system call fails" {
    defers
    waits
    GIVES_BACK=1 faulty hook runs_now "$VFPOOL_BUILD/hook/vfpool" reconcile
    GIVES_BACK=1 faulty gate runs_now "$VFPOOL_BUILD/hook/vfpool" reconcile
}
