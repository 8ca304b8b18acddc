#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The lock: who waits for whom, how long, and who never takes it at all.

load helpers
as_installed

setup() {
    common_setup
    LEDGER=$ROOT/run/vfpool
    host eth3:vfs=4
    pool net eth3
    PLAIN=$FIXTURES/domains/no-pool.xml
    run_hook 0 vm1 prepare < <(vm 1)
}

teardown() {
    local holder
    for holder in "${HOLDERS[@]}"; do
        kill "$holder" 2>/dev/null || :
    done
}

# vm N [COUNT]: guest N, with COUNT interfaces on the pool.
vm() {
    local i devices=()
    for ((i = 1; i <= ${2-1}; i++)); do
        devices+=("net:${MAC[$1 * 16 + i]}")
    done
    guest "vm$1" "${UUID[$1]}" "${devices[@]}"
}

running() { # N FUNCTION...
    local i devices=()
    for ((i = 2; i <= $#; i++)); do
        devices+=("<interface type='hostdev'><mac address='${MAC[$1 * 16 + i - 1]}'/><source>
          <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x${!i}'/></source></interface>")
    done
    guest "vm$1" "${UUID[$1]}" "${devices[@]}"
}

# hold -x|-s [ROOT]: another process has the lock until let_go; $HOLDER. One that
# writes has its PID in the file, as vfpool does it.
HOLDERS=()
hold() {
    local dir=${2:-$ROOT}/run/vfpool fifo=$BATS_TEST_TMPDIR/hold.${#HOLDERS[@]}
    mkfifo "$fifo"
    exec {LEASH}<>"$fifo"
    # shellcheck disable=SC2016
    flock --no-fork "$1" "$dir/lock" bash -c '[[ $1 == -s ]] || echo $$ >"$0"; : >"$2"; read -r; : >"$0"' \
        "$dir/lock" "$1" "$fifo.held" <&"$LEASH" 3>&- &
    HOLDER=$!
    HOLDERS+=("$HOLDER")
    wait_until test -e "$fifo.held"
}

let_go() {
    echo >&"$LEASH"
    wait "$HOLDER"
}

# waiting LOG: the process that strace writes LOG of is inside flock(2).
waiting() {
    [[ -e $1 && $(tail -n 1 "$1") == *'flock('*LOCK_[ES][XH] ]]
}

# call WHAT [CODE]: one of the calls that need the ledger.
call() {
    case $1 in
    prepare) run_hook "$2" vm2 prepare < <(vm 2) ;;
    start) run_hook "$2" vm2 start < <(running 2 2) ;;
    reconnect) run_hook 0 vm2 reconnect < <(running 2 2) ;;
    hook-release) run_hook "$2" vm1 release < <(vm 1) ;;
    status) run_vfpool "$2" status ;;
    json) run_vfpool "$2" status --format json ;;
    dumpxml) run_vfpool "$2" dumpxml net ;;
    transform) run_vfpool "$2" transform - < <(vm 2) ;;
    release) run_vfpool "$2" release vm1 ;;
    reconcile) run_vfpool "$2" reconcile ;;
    esac
}

WRITERS=(prepare start reconnect hook-release release reconcile)
READERS=(status json dumpxml transform)

@test "past the deadline each call gives up, names the process, and changes nothing" {
    other=$BATS_TEST_TMPDIR/other
    cp -a "$ROOT" "$other"
    snapshot
    hold -x
    writer=$HOLDER
    hold -s "$other"
    calls=("${WRITERS[@]}" "${READERS[@]}" blocked shared)
    give_up() {
        local what=${calls[$1 - 1]} from=$EPOCHREALTIME took text=("process $writer")
        case $what in
        # With the signal blocked that ends the wait, as a careless parent may leave it.
        blocked)
            run_program 1 env --block-signal=ALRM "$VFPOOL_BUILD/hook/qemu" vm2 prepare begin - < <(vm 2) || return
            ;;
        shared)
            export VFPOOL_ROOT=$other
            call prepare 1 || return
            text=(readers)
            ;;
        *) call "$what" 1 || return ;;
        esac
        took=$(((${EPOCHREALTIME/./} - ${from/./}) / 1000))
        assert_one_line ledger "${text[@]}" "10 s" || return
        [[ ! -s $STDOUT ]] || fail "$what printed something" || return
        ((took >= 10000 && took < 15000)) || fail "$what took $took ms"
    }
    together ${#calls[@]} give_up
    for i in "${!calls[@]}"; do
        assert_equal "${calls[i]} $(<"$BATS_TEST_TMPDIR/together/$((i + 1)).code")" "${calls[i]} 0" ||
            fail "$(<"$BATS_TEST_TMPDIR/together/$((i + 1)).out")" "$(<"$BATS_TEST_TMPDIR/together/$((i + 1)).err")"
    done
    assert_equal "$(<"$LEDGER/lock")" "$writer"
    : >"$LEDGER/lock"
    assert_unchanged
    assert_invariants
}

@test "the lock given back within the deadline lets each call through" {
    hook_environment
    for what in prepare release status transform; do
        log=$BATS_TEST_TMPDIR/$what.strace
        case $what in
        prepare) input=$(vm 2) program=("$VFPOOL_BUILD/hook/qemu" vm2 prepare begin -) ;;
        release) input=$(vm 2) program=("$VFPOOL_BUILD/hook/qemu" vm2 release end -) ;;
        status) input='' program=("$VFPOOL_BUILD/hook/vfpool" status) ;;
        transform) input=$(vm 3) program=("$VFPOOL_BUILD/hook/vfpool" transform -) ;;
        esac
        hold -x
        "${HOOK_ENVIRONMENT[@]}" strace -qq -o "$log" -e trace=flock -e signal=none \
            "${program[@]}" <<<"$input" >"$BATS_TEST_TMPDIR/$what.out" 2>&1 3>&- {LEASH}>&- &
        waiter=$!
        wait_until waiting "$log"
        [[ ! -s $BATS_TEST_TMPDIR/$what.out ]]
        let_go
        wait $waiter || fail "$what: exit code $?" "$(<"$BATS_TEST_TMPDIR/$what.out")"
        case $what in
        prepare) assert_equal "$(holder 0000:01:10.2)" "${UUID[2]}" ;;
        release) assert_released "${UUID[2]}" ;;
        *) [[ -s $BATS_TEST_TMPDIR/$what.out ]] ;;
        esac
        assert_invariants
    done
}

@test "readers share, and a writer waits for them" {
    hold -s
    # Well within the deadline, all together, beside a reader that stays.
    VFPOOL_TIMEOUT=8
    share() { call "${READERS[$1 % ${#READERS[@]}]}" 0; }
    together 16 share
    assert_equal "$(cat "$BATS_TEST_TMPDIR"/together/*.code | sort | uniq -c | xargs)" "16 0"
    hook_environment
    log=$BATS_TEST_TMPDIR/strace
    "${HOOK_ENVIRONMENT[@]}" strace -qq -o "$log" -e trace=flock -e signal=none \
        "$VFPOOL_BUILD/hook/qemu" vm2 prepare begin - < <(vm 2) >/dev/null 2>&1 3>&- {LEASH}>&- &
    waiter=$!
    wait_until waiting "$log"
    assert_equal "$(holder 0000:01:10.2)" ""
    let_go
    wait $waiter
    assert_equal "$(holder 0000:01:10.2)" "${UUID[2]}"
    assert_invariants
}

@test "a guest without an interface on a pool waits for nobody" {
    plain=$(xmllint --xpath 'string(/domain/uuid)' "$PLAIN")
    hold -x
    VFPOOL_TIMEOUT=8
    for operation in prepare start started stopped release reconnect attach migrate restore; do
        run_hook 0 plain $operation <"$PLAIN"
        assert_silent
    done
    run_vfpool 0 transform "$PLAIN"
    cmp "$STDOUT" "$PLAIN"
    assert_released "$plain"
    let_go
    assert_invariants
}

# changes LOG: what in it takes a lock or may change a file.
changes() {
    grep -E 'flock|O_CREAT|O_WRONLY|O_RDWR|O_TRUNC|O_TMPFILE|mkdir|unlink|rename|symlink|link|truncate|write|chmod|chown|utime|F_SETLK|mknod' "$1" |
        grep -v -e 'readlink' -e 'exited with'
}

# traced CALLS COMMAND...: leaves $LOG.
traced() {
    LOG=$BATS_TEST_TMPDIR/strace
    hook_environment
    run_program 0 "${HOOK_ENVIRONMENT[@]}" strace -f -qq -o "$LOG" -e trace="$1" "${@:2}"
}

@test "a guest without an interface on a pool: no lock, nothing written, nothing made" {
    for ledger in with without; do
        [[ $ledger == with ]] || rm -rf "$LEDGER"
        for operation in prepare start release reconnect migrate restore; do
            traced all "$VFPOOL_BUILD/hook/qemu" plain $operation "$(suboperation $operation)" - <"$PLAIN"
            assert_silent
            grep -q 'openat(' "$LOG" || fail "strace saw nothing"
            run -1 changes "$LOG"
            [[ -z $output ]]
        done
        traced all "$VFPOOL_BUILD/hook/vfpool" transform "$PLAIN"
        grep -v 'write(1,' "$LOG" >"$LOG.other"
        run -1 changes "$LOG.other"
    done
    [[ ! -e $LEDGER ]] || fail "a ledger was made"
    # And the same net catches a guest that has one.
    traced all "$VFPOOL_BUILD/hook/qemu" vm2 prepare begin - < <(vm 2)
    for sign in flock O_CREAT mkdir symlink rename; do
        changes "$LOG" | grep -q $sign || fail "no $sign in a prepare"
    done
    assert_invariants
}

@test "readers make nothing but the lock they take" {
    for program in status dumpxml transform; do
        case $program in
        transform) arguments=(-) ;;
        dumpxml) arguments=(net) ;;
        *) arguments=() ;;
        esac
        traced mkdirat,symlinkat,renameat,renameat2,unlinkat,ftruncate,pwrite64,fsync \
            "$VFPOOL_BUILD/hook/vfpool" $program "${arguments[@]}" < <(vm 2)
        assert_equal "$(grep -v -e EEXIST -e 'exited with' "$LOG" || :)" ""
    done
    assert_invariants
}

@test "every descriptor is closed on exec" {
    check() {
        local opened
        opened=$(grep -cE '^[0-9]+ +(openat|open|socket|pipe2?|dup[23]?|memfd_create|eventfd2?|epoll_create1?)\(' "$LOG") ||
            fail "strace saw nothing" || return
        echo "$opened descriptors"
        # The sanitizers' own runtime reads /proc/self.
        run ! grep -vE 'CLOEXEC|"/proc/|= -1 |exited with|"/sys/' "$LOG"
        [[ -z $output ]]
    }
    opening=open,openat,openat2,creat,socket,pipe,pipe2,dup,dup2,dup3,memfd_create,eventfd2,epoll_create1
    traced $opening "$VFPOOL_BUILD/hook/qemu" vm2 prepare begin - < <(vm 2 2)
    check
    traced $opening "$VFPOOL_BUILD/hook/qemu" vm2 start begin - < <(running 2 2 4)
    check
    traced $opening "$VFPOOL_BUILD/hook/qemu" vm2 release end - < <(vm 2)
    check
    for verb in status reconcile 'dumpxml net' discover 'release --force vm1'; do
        # shellcheck disable=SC2086
        traced $opening "$VFPOOL_BUILD/hook/vfpool" $verb
        check
    done
    traced $opening "$VFPOOL_BUILD/hook/vfpool" transform "$PLAIN"
    check
    assert_invariants
}

@test "the lock file stays the same file, and blank" {
    inode=$(stat -c %i "$LEDGER/lock")
    for what in prepare start status hook-release reconcile; do
        call $what 0
        assert_equal "$what $(stat -c %i "$LEDGER/lock")" "$what $inode"
        run ! grep -q '[^ ]' "$LEDGER/lock"
    done
    assert_invariants
}

# The kernel serves those who wait in the order in which they came, and one that a signal wakes goes to the end.
@test "who waits for the lock keeps his place" {
    local trace=$BATS_TEST_TMPDIR/trace i
    call prepare 0
    exec {held}>>"$ROOT/run/vfpool/lock"
    flock "$held"
    strace -qq -e trace=flock -o "$trace" "$VFPOOL_BUILD/hook/vfpool" reconcile >/dev/null 2>&1 3>&- {held}>&- &
    local waiter=$!
    waits() { grep -q EAGAIN "$trace" 2>/dev/null; }
    wait_until waits
    for ((i = 0; i < 15; i++)); do pause; done
    flock -u "$held"
    exec {held}>&-
    wait "$waiter" || :
    grep -q 'LOCK_EX) *= 0' "$trace"
    run ! grep -qE 'EINTR|ERESTART' "$trace"
}
