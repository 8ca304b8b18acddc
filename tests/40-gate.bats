#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The gate, with a libvirt that is a script: what it is asked, and what becomes of a start when it fails or hangs. The
# real one is in tests/lab.
# shellcheck disable=SC2030,SC2031 # each test is a process of its own, and that is what is wanted

LEAK_CHECK=1
load helpers

A=6695eb01-f6a4-8304-79aa-97f2502e1901
B=6695eb01-f6a4-8304-79aa-97f2502e1902

setup() {
    common_setup
    host eth3:vfs=3 eth4:vfs=2
    pool p eth3
    pool q eth4
    # No libvirtd called the hook here, so only the socket says that there is a libvirt.
    mkdir -p "$ROOT/run/libvirt" "$ROOT/usr/sbin"
    : > "$ROOT/run/libvirt/libvirt-sock"
    libvirt 'cat >> "$log"'
}

# libvirt CODE...: what vfpool-gate does; its arguments are in $log before its input.
libvirt() {
    printf '#!/bin/sh\nlog=%s\necho "$@" >> "$log"\n%s\n' "$ROOT/calls" "$*" > "$ROOT/usr/sbin/vfpool-gate"
    chmod +x "$ROOT/usr/sbin/vfpool-gate"
}

calls() { cat "$ROOT/calls" 2> /dev/null; rm -f "$ROOT/calls"; }

# is_waiting PID: for a second it does not end, and asks libvirt nothing.
is_waiting() {
    run timeout 1 tail --pid "$1" -f /dev/null
    assert_equal "$status" 124
    assert_equal "$(calls)" ""
}

prepare() { # CODE UUID NUMBER NETWORK...
    local code=$1 uuid=$2 number=$3 interfaces=() network
    shift 3
    for network; do interfaces+=("$network:52:54:00:00:$number:0$((${#interfaces[@]} + 1))"); done
    run_hook "$code" "g$number" prepare < <(guest "g$number" "$uuid" "${interfaces[@]}")
}

start() { # UUID NUMBER ADDRESS: libvirt gave it that one
    local bus=${3:5:2} slot=${3:8:2} function=${3:11:1}
    run_hook 0 "g$2" start < <(guest "g$2" "$1" "<interface type='hostdev' managed='yes'>
        <mac address='52:54:00:00:$2:01'/>
        <source><address type='pci' domain='0x0000' bus='0x$bus' slot='0x$slot' function='0x$function'/></source>
        </interface>")
}

@test "prepare holds the pool's other VFs and frees its own, release holds them again" {
    prepare 0 "$A" 11 p
    assert_equal "$(calls)" "set p
hold 0000:01:10.2
hold 0000:01:10.4
free 0000:01:10.0"
    assert_taken 0000:01:10.0 "$A"
    run_hook 0 g11 release < <(guest g11 "$A")
    assert_equal "$(calls)" "set p
hold 0000:01:10.0"
    assert_released "$A"
}

@test "a guest on two pools opens both, in the order of their names" {
    prepare 0 "$A" 11 q p
    assert_equal "$(calls)" "set p
hold 0000:01:10.2
hold 0000:01:10.4
free 0000:01:10.0
set q
hold 0000:02:10.2
free 0000:02:10.0"
}

@test "a static device stays held" {
    run_hook 0 g prepare < <(guest g "$A" "<hostdev mode='subsystem' type='pci' managed='yes'>
        <source><address domain='0x0000' bus='0x01' slot='0x10' function='0x2'/></source></hostdev>")
    assert_equal "$(calls)" ""
    assert_taken 0000:01:10.2 "$A"
    prepare 0 "$B" 12 p p
    assert_equal "$(calls)" "set p
hold 0000:01:10.2
free 0000:01:10.4
free 0000:01:10.0"
}

@test "nobody is asked where there is no libvirt, and for a guest without a pool" {
    run_hook 0 iso1 prepare < "$FIXTURES/captured/000.iso1.prepare.begin.-.xml"
    assert_equal "$(calls)" ""
    rm "$ROOT/run/libvirt/libvirt-sock"
    prepare 0 "$A" 11 p
    assert_equal "$(calls)" ""
    # The modular daemon's socket is as good.
    : > "$ROOT/run/libvirt/virtnetworkd-sock"
    prepare 0 "$B" 12 p
    [[ $(calls) == "set p"* ]]
}

@test "asking for a decision opens nothing, and asks whose ports there are" {
    guest g "$A" p:52:54:00:00:00:01 > "$ROOT/g.xml"
    run_vfpool 0 transform "$ROOT/g.xml"
    assert_equal "$(calls)" "ports p"
    run_vfpool 0 status
    assert_equal "$(calls)" "ports p
ports q"
    run_vfpool 0 status q
    assert_equal "$(calls)" "ports q"
    # At migrate a guest is locked in libvirt: it is not asked.
    run_hook 0 g migrate < "$ROOT/g.xml"
    assert_equal "$(calls)" ""
}

@test "what libvirt refuses fails the start in its words, and nothing stays claimed" {
    libvirt 'cat > /dev/null; echo "libvirt network p is not active: run vfpool reconcile" >&2; exit 3'
    snapshot
    prepare 1 "$A" 11 p
    assert_one_line "libvirt network p is not active: run vfpool reconcile"
    assert_equal "$output" ""
    assert_released "$A"
    assert_invariants
}

@test "a second network that fails has the first one held again" {
    libvirt 'cat >> "$log"; [ "$2" = p ] || { echo "no q" >&2; exit 1; }'
    prepare 1 "$A" 11 p q
    assert_one_line "no q"
    # Its own VF alone: another's may be open there by now.
    assert_equal "$(calls)" "set p
hold 0000:01:10.2
hold 0000:01:10.4
free 0000:01:10.0
set q
hold 0000:02:10.2
free 0000:02:10.0
set p
hold 0000:01:10.0
set q
hold 0000:02:10.0"
    assert_released "$A"
}

@test "nothing is opened before all turns have come" {
    prepare 0 "$A" 11 q
    calls > /dev/null
    prepare 0 "$B" 12 p q < /dev/null 3>&- &
    local waiting=$!
    wait_until test -e "$ROOT/run/vfpool/turns/p"
    is_waiting "$waiting"
    run_hook 0 g11 release < <(guest g11 "$A")
    wait "$waiting"
    assert_equal "$(calls | grep -c '^free')" 2
}

@test "a guest whose VFs all have fixed addresses waits for nobody when it stops" {
    run_hook 0 g prepare < <(guest g "$B" "<hostdev mode='subsystem' type='pci' managed='yes'>
        <source><address domain='0x0000' bus='0x01' slot='0x10' function='0x2'/></source></hostdev>")
    run_hook 0 g start < <(guest g "$B" "<hostdev mode='subsystem' type='pci' managed='yes'>
        <source><address domain='0x0000' bus='0x01' slot='0x10' function='0x2'/></source></hostdev>")
    prepare 0 "$A" 11 p
    calls > /dev/null
    local begin=$SECONDS
    run_hook 0 g stopped < <(guest g "$B")
    run_hook 0 g release < <(guest g "$B")
    ((SECONDS - begin < 5)) || fail "took $((SECONDS - begin)) s"
    # Its port was held all the time.
    assert_equal "$(calls)" ""
}

@test "what was opened and not taken is held again at start" {
    prepare 0 "$A" 11 p
    calls > /dev/null
    start "$A" 11 0000:01:10.4
    assert_equal "$(calls)" "set p
hold 0000:01:10.0"
    assert_taken 0000:01:10.4 "$A"
}

@test "a libvirt that hangs is killed past the deadline, tried again, and fails the start" {
    libvirt 'exec sleep 300'
    local begin=$SECONDS
    prepare 1 "$A" 11 p
    assert_one_line "libvirt did not answer within 8 s"
    ((SECONDS - begin >= 15 && SECONDS - begin <= 30)) || fail "took $((SECONDS - begin)) s"
    assert_equal "$(calls | grep -c '^set')" 2
    assert_released "$A"
    run ! pgrep -f "$ROOT/usr/sbin/vfpool-gate"
}

@test "reconcile --wait: a libvirt that starts its guests is waited for, and one that never answers is not for ever" {
    VFPOOL_BUILD=$PLAIN/tests/libvirt/hasty
    mkdir -p "$ROOT/etc/libvirt"
    # It answers who asks for the fifth time: more often than any one call is tried.
    libvirt 'cat > /dev/null; [ "$(grep -c . "$log")" -ge 5 ] || exec sleep 300; [ "$1" = version ] || { echo "it answers" >&2; exit 1; }'
    run_vfpool 1 reconcile
    assert_one_line "libvirt did not answer within"
    assert_equal "$(calls | grep -c .)" 1
    run_vfpool 1 reconcile --wait 60
    assert_one_line "it answers"
    assert_equal "$(calls | grep -c '^version')" 5
    libvirt 'exec sleep 300'
    run_vfpool 1 reconcile --wait 1
    assert_one_line "libvirt did not answer within"
}

@test "a gate program that closes its output and stays is killed past the deadline" {
    libvirt 'exec > /dev/null 2>&1; exec sleep 300'
    VFPOOL_BUILD=$PLAIN/tests/libvirt/hasty prepare 1 "$A" 11 p
    assert_one_line "libvirt did not answer within"
    run ! pgrep -f "$ROOT/usr/sbin/vfpool-gate"
}

@test "a gate program that says much on both outputs is read to its end" {
    libvirt 'cat > /dev/null; head -c 300000 /dev/zero | tr "\\0" "\\n" >&2; head -c 300000 /dev/zero | tr "\\0" "\\n"; exit 0'
    prepare 0 "$A" 11 p
}

@test "a hook that is killed takes its gate program along" {
    libvirt 'echo $$ > "$log.pid"; exec sleep 300'
    hook_environment
    "${HOOK_ENVIRONMENT[@]}" "$VFPOOL_BUILD/hook/qemu" g11 prepare begin - < <(guest g11 "$A" "p:${MAC[1]}") 3>&- &
    local hook=$!
    wait_until test -s "$ROOT/calls.pid"
    kill -KILL "$hook"
    wait_until eval '! kill -0 "$(< "$ROOT/calls.pid")" 2> /dev/null'
}

@test "a child that libvirt's answer leaves behind does not keep the hook waiting" {
    libvirt 'sleep 300 & echo $! >> "$log.left"; cat > /dev/null; exit 0'
    local begin=$SECONDS
    prepare 0 "$A" 11 p
    ((SECONDS - begin < 5)) || fail "took $((SECONDS - begin)) s"
    xargs kill < "$ROOT/calls.left"
}

@test "release never fails because of libvirt: it says so and drops the claim" {
    prepare 0 "$A" 11 p
    libvirt 'cat > /dev/null; echo "libvirt says no" >&2; exit 1'
    run_hook 0 g11 release < <(guest g11 "$A")
    assert_one_line "libvirt says no" "stay open until the next start"
    assert_released "$A"
}

@test "a gate program that is killed without a word is said" {
    libvirt 'kill -KILL $$'
    prepare 1 "$A" 11 p
    assert_one_line "vfpool-gate was killed"
    assert_released "$A"
}

@test "a gate program that is missing is said" {
    rm "$ROOT/usr/sbin/vfpool-gate"
    prepare 1 "$A" 11 p
    assert_one_line "cannot run" "vfpool-gate"
    assert_released "$A"
}

@test "the next guest waits until the one before has its VF" {
    prepare 0 "$A" 11 p
    calls > /dev/null
    prepare 0 "$B" 12 p < /dev/null 3>&- &
    local waiting=$!
    is_waiting "$waiting"
    start "$A" 11 0000:01:10.0
    wait "$waiting"
    assert_equal "$(calls)" "set p
hold 0000:01:10.0
hold 0000:01:10.4
free 0000:01:10.2"
    assert_taken 0000:01:10.0 "$A" 0000:01:10.2 "$B"
}

@test "a guest that starts again does not wait for its own earlier start" {
    libvirt 'echo no >&2; exit 1'
    prepare 1 "$A" 11 p
    libvirt 'cat >> "$log"'
    local before=$SECONDS
    prepare 0 "$A" 11 p
    run_hook 0 g11 release < <(guest g11 "$A")
    prepare 0 "$A" 11 p
    start "$A" 11 0000:01:10.0
    run_hook 0 g11 stopped < <(guest g11 "$A")
    run_hook 0 g11 release < <(guest g11 "$A")
    # Nor does another guest, while it starts again.
    prepare 0 "$A" 11 p
    run_hook 0 g11 release < <(guest g11 "$A")
    prepare 0 "$B" 12 p
    start "$B" 12 0000:01:10.0
    prepare 0 "$A" 11 p
    [ "$((SECONDS - before))" -lt 10 ]
}

@test "between stopped and release of one guest, no other guest's VF is opened" {
    prepare 0 "$A" 11 p
    start "$A" 11 0000:01:10.0
    run_hook 0 g11 stopped < <(guest g11 "$A")
    calls > /dev/null
    prepare 0 "$B" 12 p < /dev/null 3>&- &
    local waiting=$!
    is_waiting "$waiting"
    run_hook 0 g11 release < <(guest g11 "$A")
    wait "$waiting"
    assert_equal "$(calls)" "set p
hold 0000:01:10.0
set p
hold 0000:01:10.2
hold 0000:01:10.4
free 0000:01:10.0"
}

@test "who waits for a guest's end is let in when what that guest had is free" {
    local log=$BATS_TEST_TMPDIR/strace
    prepare 0 "$A" 11 p
    start "$A" 11 0000:01:10.0
    run_hook 0 g11 stopped < <(guest g11 "$A")
    run_program 0 "${HOOK_ENVIRONMENT[@]}" strace -qq -o "$log" -e trace=unlinkat "$PLAIN/hook/qemu" g11 release end - \
        < <(guest g11 "$A")
    assert_equal "$(grep -Eo "$A.xml|0000:01:10.0|leaving/p" "$log" | tr '\n' ' ')" "$A.xml 0000:01:10.0 leaving/p "
}

@test "a guest does not stop while another guest's VF is open, and guests stop together" {
    for i in 1 2; do
        prepare 0 "${A%?}$i" "1$i" p
        start "${A%?}$i" "1$i" "0000:01:10.$((2 * i - 2))"
    done
    prepare 0 "${A%?}3" 13 p
    run_hook 0 g11 stopped < <(guest g11 "$A") 3>&- &
    local waiting=$!
    run timeout 1 tail --pid "$waiting" -f /dev/null
    assert_equal "$status" 124
    start "${A%?}3" 13 0000:01:10.4
    wait "$waiting"
    run_hook 0 g12 stopped < <(guest g12 "${A%?}2")
    run_hook 0 g12 release < <(guest g12 "${A%?}2")
    run_hook 0 g11 release < <(guest g11 "$A")
}

@test "a guest that never came to its release is waited for, but not for ever" {
    prepare 0 "$A" 11 p
    start "$A" 11 0000:01:10.0
    run_hook 0 g11 stopped < <(guest g11 "$A")
    echo "$(($(cat "$ROOT/run/vfpool/leaving/p/$A") - 30001))" > "$ROOT/run/vfpool/leaving/p/$A"
    prepare 0 "$B" 12 p
    assert_taken 0000:01:10.0 "$A" 0000:01:10.2 "$B"
}

@test "a guest that never started stops at once" {
    prepare 0 "$A" 11 p
    run_hook 0 g11 stopped < <(guest g11 "$A")
    run_hook 0 g11 release < <(guest g11 "$A")
    assert_released "$A"
}

@test "the next guest does not wait for one that was released" {
    prepare 0 "$A" 11 p
    run_hook 0 g11 release < <(guest g11 "$A")
    prepare 0 "$B" 12 p
    assert_taken 0000:01:10.0 "$B"
}

@test "no file that the hook has open reaches libvirt's process" {
    libvirt 'cat > /dev/null; ls -l /proc/self/fd > "$log.fds"'
    prepare 0 "$A" 11 p
    # Standard descriptors, ls's own look at the directory, and the root, for scripts as this one.
    run ! grep -E "vfpool/(lock|turns|guests|vfs)" "$ROOT/calls.fds"
}

# --- how busy the daemon is that called -------------------------------------------

# libvirtd [starting]: a program of that name in $ROOT, which runs a command and waits for it; "starting" gives it the
# thread that the real one has while it starts its guests (F12).
fake_libvirtd() {
    cat >"$ROOT/libvirtd.c" <<'C'
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static void *idle(void *unused) { for (;;) pause(); return unused; }
int main(int argc, char **argv)
{
    int from = argc > 1 && strcmp(argv[1], "starting") == 0 ? 2 : 1, status = 1;
    pthread_t thread;
    if (from == 2 && (pthread_create(&thread, NULL, idle, NULL) != 0 || pthread_setname_np(thread, "daemon-init") != 0))
        return 99;
    if (fork() == 0) {
        execv(argv[from], argv + from);
        _exit(98);
    }
    wait(&status);
    return WEXITSTATUS(status);
}
C
    cc -o "$ROOT/libvirtd" "$ROOT/libvirtd.c" -pthread
    # Where libvirt has its hooks: somebody's script, which calls ours.
    mkdir -p "$ROOT/etc/libvirt/hooks"
    printf '#!/bin/sh\n"%s" "$@"\n' "$VFPOOL_BUILD/hook/qemu" >"$ROOT/etc/libvirt/hooks/qemu"
    chmod +x "$ROOT/etc/libvirt/hooks/qemu"
}

@test "a daemon that starts its guests is not called back, also from behind somebody's script" {
    local by
    fake_libvirtd
    for by in "$ROOT/etc/libvirt/hooks/qemu" "$VFPOOL_BUILD/hook/qemu"; do
        run_program 0 "$ROOT/libvirtd" starting "$by" g11 prepare begin - < <(guest g11 "$A" p:52:54:00:00:11:01)
        assert_equal "$(calls)" ""
        assert_taken 0000:01:10.0 "$A"
        run_program 0 "$ROOT/libvirtd" "$by" g11 prepare begin - < <(guest g11 "$A" p:52:54:00:00:11:01)
        [[ $(calls) == "set p"* ]]
    done
}

@test "hooks of others occupy workers, too" {
    fake_libvirtd
    echo 'max_workers = 1' >"$ROOT/etc/libvirt/libvirtd.conf"
    run_program 1 "$ROOT/libvirtd" "$ROOT/etc/libvirt/hooks/qemu" g11 prepare begin - < <(guest g11 "$A" p:52:54:00:00:11:01)
    assert_one_line '1 guest is being started or stopped at once' max_workers
    assert_equal "$(calls)" ""
    echo 'max_workers = 2' >"$ROOT/etc/libvirt/libvirtd.conf"
    run_program 0 "$ROOT/libvirtd" "$ROOT/etc/libvirt/hooks/qemu" g11 prepare begin - < <(guest g11 "$A" p:52:54:00:00:11:01)
    [[ $(calls) == "set p"* ]]
}

# Networks are another daemon's, which serves while this one starts its guests, by workers of its own.
@test "a virtqemud that starts its guests, or has no worker left, keeps nobody from calling libvirt" {
    fake_libvirtd
    mv "$ROOT/libvirtd" "$ROOT/virtqemud"
    echo 'max_workers = 1' > "$ROOT/etc/libvirt/virtqemud.conf"
    : > "$ROOT/run/libvirt/virtnetworkd-sock"
    run_program 0 "$ROOT/virtqemud" starting "$ROOT/etc/libvirt/hooks/qemu" g11 prepare begin - < <(guest g11 "$A" p:52:54:00:00:11:01)
    [[ $(calls) == "set p"* ]]
    assert_taken 0000:01:10.0 "$A"
}

@test "nobody waits for a VF where that might keep libvirt from giving one back" {
    rm "$ROOT/run/libvirt/libvirt-sock"
    fake_libvirtd
    cp "$ROOT/libvirtd" "$ROOT/virtqemud"
    pool q eth4 -- "<metadata><v:pool xmlns:v='urn:vfpool:1' wait='20'/></metadata>"
    prepare 0 "$A" 11 q q
    guest g12 "$B" q:52:54:00:00:12:01 > "$BATS_TEST_TMPDIR/guest.xml"
    echo 'max_workers = 1' > "$ROOT/etc/libvirt/libvirtd.conf"
    run_program 1 "$ROOT/libvirtd" "$ROOT/etc/libvirt/hooks/qemu" g12 prepare begin - < "$BATS_TEST_TMPDIR/guest.xml"
    assert_one_line "not waiting, as 1 of libvirtd's 1 workers are at work: pool 'q' has no free VF"
    echo 'max_workers = 1' > "$ROOT/etc/libvirt/virtqemud.conf"
    run_program 1 "$ROOT/virtqemud" "$ROOT/etc/libvirt/hooks/qemu" g12 prepare begin - < "$BATS_TEST_TMPDIR/guest.xml"
    assert_one_line "not waiting, as 1 of virtqemud's 1 workers are at work: pool 'q' has no free VF"
    # Half of them, no more.
    echo 'max_workers = 2' > "$ROOT/etc/libvirt/libvirtd.conf"
    "$ROOT/libvirtd" "$ROOT/etc/libvirt/hooks/qemu" g12 prepare begin - < "$BATS_TEST_TMPDIR/guest.xml" > "$STDOUT" 2> "$STDERR" 3>&- &
    local waiting=$!
    is_waiting "$waiting"
    echo 'max_workers = 1' > "$ROOT/etc/libvirt/libvirtd.conf"
    ! wait "$waiting" || fail "it got one"
    grep -q "no longer waiting, as 1 of libvirtd's 1 workers are at work: pool 'q' has no free VF" "$STDERR"
    assert_invariants
}

@test "a guest that is refused while it waits for its turn touches no port" {
    prepare 0 "$A" 11 p
    calls > /dev/null
    fake_libvirtd
    echo 'max_workers = 2' > "$ROOT/etc/libvirt/libvirtd.conf"
    run_program 1 "$ROOT/libvirtd" "$ROOT/etc/libvirt/hooks/qemu" g12 prepare begin - < <(guest g12 "$B" p:52:54:00:00:12:01) 3>&- &
    local waiting=$!
    is_waiting "$waiting"
    echo 'max_workers = 1' > "$ROOT/etc/libvirt/libvirtd.conf"
    wait "$waiting"
    grep -q max_workers "$STDERR"
    assert_equal "$(calls)" ""
    assert_taken 0000:01:10.0 "$A"
}
