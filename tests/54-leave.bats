#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# vfpool leaves a host: whatever runs meanwhile, and whatever libvirt does, it can give every VF again, or vfpool stays,
# and says what to do. libvirt is one on files (tests/libvirt).

load helpers
as_installed
load libvirt/helpers

setup() {
    libvirt_setup
    mkdir -p "$ROOT/usr/libexec/vfpool" "$ROOT/usr/share/vfpool" "$BATS_TEST_TMPDIR/bin"
    cp "$VFPOOL_BUILD"/hook/{network,daemon} "$ROOT/usr/libexec/vfpool"
    cp "$VFPOOL_BUILD/hook/launcher" "$ROOT/usr/libexec/vfpool/qemu"
    cp "$VFPOOL_BUILD/hook/qemu" "$ROOT/usr/libexec/vfpool/guest"
    cp "$VFPOOL_BUILD/hook/vfpool" "$ROOT/usr/sbin"
    sed 's,@SBINDIR@,/usr/sbin,; s,@LIBEXECDIR@,/usr/libexec,; s,@DATADIR@,/usr/share,' "$TESTS/../hook/hooks.sh" > "$BATS_TEST_TMPDIR/hooks.sh"
    printf '#!/bin/sh\necho "libvirtd (libvirt) 11.3.0"\n' > "$BATS_TEST_TMPDIR/bin/libvirtd"
    chmod +x "$BATS_TEST_TMPDIR/bin/libvirtd"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
    rm -r "$ROOT/etc/libvirt/hooks"
    # Nobody has told that it calls them, so that all is blocked: the worst that there is to leave.
    hooks 0 put
    rm "$ROOT/run/vfpool/witness/daemon"
    run_vfpool 1 reconcile
    assert_equal "$(open_vfs p)" ""
}

hooks() { run_program "$1" sh "$BATS_TEST_TMPDIR/hooks.sh" "${@:2}"; }

# all_open: libvirt gives what no guest has, $1 of them in order
all_open() { assert_equal "$(open_vfs p | xargs)" "${*-${V[*]}}"; }

# stays WORDS...: vfpool is not removed, says so, and is as it was
stays() {
    hooks 1 remove
    for words; do [[ $stderr == *"$words"* ]] || fail "no '$words' in: $stderr" || return; done
    [[ $stderr == *"vfpool is not removed"*"systemctl restart libvirtd"* ]] || fail "no remedy" || return
    for file in daemon network qemu vfpool/guest; do [[ -x $ROOT/etc/libvirt/hooks/$file ]] || fail "no $file" || return; done
    [[ -d $ROOT/run/vfpool ]]
}

gone() { [[ ! -e $ROOT/etc/libvirt/hooks/qemu && ! -e $ROOT/etc/libvirt/hooks/vfpool && ! -e $ROOT/run/vfpool ]] || fail "something is left"; }

@test "every VF is libvirt's again, and guests keep theirs" {
    witness
    boot 1 p
    hooks 0 remove
    gone
    all_open "${V[@]:1}"
    assert_equal "$(owner p "${V[0]}")" g1
}

@test "open: a dry run says what the run does, and does nothing" {
    run_vfpool 0 open --dry-run
    said=$output
    [[ -n $said ]]
    assert_equal "$(open_vfs p)" ""
    run_vfpool 0 open
    assert_equal "$output" "$said"
    all_open
}

@test "a libvirt that hangs, or says no: vfpool stays as it was, and goes once libvirt answers" {
    cp "$VFPOOL_BUILD/tests/libvirt/hasty/hook/vfpool" "$ROOT/usr/sbin/vfpool"
    fault virConnectOpen hang
    stays "libvirt did not answer"
    fault virNetworkPortDelete fail
    stays "cannot open VF"
    fault
    assert_equal "$(open_vfs p)" ""
    hooks 0 remove
    gone
    all_open
}

@test "a network that was offered is offered again, where vfpool has to stay" {
    witness
    run_vfpool 0 reconcile
    all_open
    cp "$VFPOOL_BUILD/tests/libvirt/hasty/hook/vfpool" "$ROOT/usr/sbin/vfpool"
    fault virConnectOpen hang
    stays "libvirt did not answer"
    fault
    # The hooks are others now, to who bears witness.
    witness
    run_program 0 "$VFPOOL_BUILD/hook/daemon" - reload begin SIGHUP
    wait_until test -s "$ROOT/run/vfpool/offers/p"
    all_open
}

@test "what can be opened is opened, though one cannot, and though another process opens some" {
    local first
    rm -f "$LIBVIRT/calls"
    cp -a "$LIBVIRT" "$ROOT/before"
    run_vfpool 0 open
    first=$(grep -n -m 1 virNetworkPortDelete "$LIBVIRT/calls" | cut -d: -f1)
    rm -r "$LIBVIRT"
    mv "$ROOT/before" "$LIBVIRT"
    # The first call is another process's that asks whether anything is blocked.
    fault "$first" fail
    run_vfpool 1 open
    assert_one_line "cannot open VF"
    fault
    assert_equal "$(open_vfs p | wc -l)" 3
    run_vfpool 0 open
    all_open
}

# With the files that a libvirt leaves that does not run.
@test "a libvirt that is stopped gives every VF when it is started next" {
    local ports=$ROOT/run/libvirt/network/p/ports
    mkdir -p "$ports"
    rm "$ROOT/run/libvirt/libvirt-sock"
    : > "$ports/00000000-7666-4000-8000-000000000180.xml"
    : > "$ports/00000000-7666-4000-8000-000000000182.xml"
    : > "$ports/5d744f21-ba4a-4d6e-bdb2-30a35ff3207d.xml"
    hooks 0 remove
    [[ $output == *"opened all VFs of libvirt network 'p'"* ]]
    gone
    assert_equal "$(ls "$ports")" 5d744f21-ba4a-4d6e-bdb2-30a35ff3207d.xml
}

@test "a libvirt whose socket was left behind is one that is stopped" {
    local ports=$ROOT/run/libvirt/network/p/ports
    mkdir -p "$ports"
    : > "$ports/00000000-7666-4000-8000-000000000180.xml"
    fault virConnectOpen fail
    hooks 0 remove
    gone
    assert_equal "$(ls "$ports")" ""
}

@test "a libvirt that runs without its socket, and a network that it has to start again: vfpool stays" {
    rm "$ROOT/run/libvirt/libvirt-sock"
    mkdir -p "$ROOT/run/vfpool/ports"
    echo '<ports/>' > "$ROOT/run/vfpool/ports/p.xml"
    stays "libvirt network 'p' was ended" "start libvirt"
    [[ -e $ROOT/run/vfpool/ports/p.xml ]]
    rm "$ROOT/run/vfpool/ports/p.xml"
    : > "$ROOT/run/virtnetworkd.pid"
    coproc perl -MFcntl -e 'open my $file, "+<", $ARGV[0] or die; my $lock = pack "s s l! l! i", F_WRLCK, 0, 0, 0, 0;
        fcntl $file, F_SETLK, $lock or die; open my $ready, ">", "$ARGV[0].locked"; close $ready; <STDIN>' \
        "$ROOT/run/virtnetworkd.pid" 3>&-
    wait_until test -e "$ROOT/run/virtnetworkd.pid.locked"
    stays "libvirt runs, and its socket is not in /run/libvirt"
    kill "$COPROC_PID"
}

@test "whoever settles meanwhile leaves nothing blocked, and nobody settles afterwards" {
    local round
    for round in {1..8}; do
        witness
        run_vfpool 0 reconcile
        : > "$ROOT/run/vfpool/offers/p"
        run_program 0 "$VFPOOL_BUILD/hook/daemon" - reload begin SIGHUP
        hooks 0 remove
        gone
        all_open
        run_program 0 "$VFPOOL_BUILD/hook/daemon" - reload begin SIGHUP
        hooks 0 put
    done
}

@test "removal waits for who settles, and what that one wished for is forgotten" {
    local waiting
    exec {lock}>> "$ROOT/run/vfpool/settle"
    flock "$lock"
    : > "$ROOT/run/vfpool/unsettled"
    hooks 0 remove 3>&- {lock}>&- &
    waiting=$!
    run timeout 1 tail --pid "$waiting" -f /dev/null
    assert_equal "$status" 124
    [[ -e $ROOT/run/vfpool/unsettled ]]
    exec {lock}>&-
    wait "$waiting"
    gone
    all_open
}

@test "without its hook nobody blocks a VF: neither a start that was under way, nor reconcile, now and later" {
    rm -r "$ROOT/etc/libvirt/hooks"
    run_vfpool 0 open
    all_open
    run_hook 1 g1 prepare < <(vm 1 p)
    assert_one_line "pool 'p' gives no VF, as there is no hook network of vfpool's"
    all_open
    assert_taken
    run_vfpool 1 reconcile
    assert_one_line "vfpool's hook is not in /etc/libvirt/hooks, so no VF is blocked: put it there"
    all_open
    # Somebody's script that calls it is as good as itself.
    mkdir -p "$ROOT/etc/libvirt/hooks"
    printf '#!/bin/sh\nexec /usr/libexec/vfpool/qemu "$@"\n' > "$ROOT/etc/libvirt/hooks/qemu"
    chmod +x "$ROOT/etc/libvirt/hooks/qemu"
    run_vfpool 1 reconcile
    assert_equal "$(open_vfs p)" ""
}

@test "a hook that libvirt has called already ends before its ledger goes" {
    local writer
    # It is at work when its file is taken away, and writes as long as it is.
    cp "$(type -P bash)" "$ROOT/etc/libvirt/hooks/vfpool/busy"
    mkfifo "$ROOT/end"
    "$ROOT/etc/libvirt/hooks/vfpool/busy" -c 'read -r < "$1/end"; mkdir -p "$1/run/vfpool/guests"' bash "$ROOT" 3>&- &
    writer=$!
    wait_until eval '[[ $(readlink "/proc/$writer/exe") == */busy ]]'
    rm "$ROOT/etc/libvirt/hooks/vfpool/busy"
    # It comes to its end once it is waited for, or once nobody did.
    printf '%s\n' '#!/bin/sh' "touch '$ROOT/waited'" "exec timeout 20 tail -s 0.05 --pid=$writer -f /dev/null" > "$BATS_TEST_TMPDIR/bin/sleep"
    chmod +x "$BATS_TEST_TMPDIR/bin/sleep"
    { wait_until eval '[[ -e $ROOT/waited || ! -e $ROOT/run/vfpool ]]' && echo > "$ROOT/end"; } 3>&- &
    hooks 0 remove
    wait "$writer"
    gone
}

@test "from another PREFIX it is not removed, and where it never was there is nothing to do" {
    sed -i 's,/usr/sbin,/usr/local/sbin,' "$BATS_TEST_TMPDIR/hooks.sh"
    hooks 1 remove
    assert_one_line "there is no /usr/local/sbin/vfpool" "PREFIX"
    [[ -x $ROOT/etc/libvirt/hooks/qemu && -d $ROOT/run/vfpool ]]
    assert_equal "$(open_vfs p)" ""
    rm -r "$ROOT/etc/libvirt/hooks"
    hooks 0 remove
    assert_silent
}

@test "of a pool whose file is gone nothing is left to look at" {
    rm "$ROOT/etc/vfpool/p.xml"
    run_vfpool 0 reconcile
    assert_equal "$output" "opened all VFs of libvirt network 'p', as its pool file is gone"
    [[ ! -e $ROOT/run/vfpool/turns/p ]]
    calls > /dev/null
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
    run ! grep -qw p "$LIBVIRT/calls"
}
