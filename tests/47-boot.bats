#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What pool files ask of their PFs, before libvirt starts: reconcile --boot. The programs with a kernel on files.

load helpers
as_installed

setup() {
    common_setup
    VFPOOL_BUILD=$VFPOOL_BUILD/tests/kernel
    mkdir "$ROOT/kernel"
    host eth3:vfs=0,total=8 eth4:vfs=0,total=8 eth5:vfs=4,total=8
}

# wants POOL PF [ATTRIBUTES-OF-PF] [ATTRIBUTES-OF-VF]
wants() {
    echo "<network><name>$1</name><forward mode='hostdev' managed='yes'><pf dev='$2' ${3-}>${4:+<vf $4/>}</pf></forward></network>" \
        > "$ROOT/etc/vfpool/$1.xml"
}
number() { cat "$ROOT/sys/class/net/$1/device/sriov_numvfs"; }

# As the kernel does it: once a number is written, there are VFs.
kernel_makes() { # PF NUMBER
    wait_until eval "[[ \$(number $1) == $2 ]]"
    host numvfs "$1" "$2"
}
boot() { # CODE PF NUMBER [ARGUMENT...]
    kernel_makes "$2" "$3" &
    run_vfpool "$1" reconcile --boot --wait 10 "${@:4}"
    wait $!
}

# after_look PATTERN COMMAND...: reconcile --boot, and the command once it has looked for what is not there yet. Without
# sanitizers, which do not go with strace.
after_look() {
    local log=$BATS_TEST_TMPDIR/looks
    : > "$log"
    (wait_until grep -q "$1" "$log" && "${@:2}") &
    run_program 0 strace -qq -f -o "$log" "$PLAIN/tests/kernel/hook/vfpool" reconcile --boot --wait 15
    wait $!
}

@test "a PF gets its VFs, and is brought up, and the host's drivers leave them" {
    wants a eth3 "up='yes'" "num='8' autoprobe='no'"
    host down eth3
    echo 1 > "$ROOT/sys/class/net/eth3/device/sriov_drivers_autoprobe"
    run_vfpool 0 reconcile --boot --dry-run
    assert_equal "$output" "brought PF eth3 up
PF eth3: the host's drivers leave VFs that are made from now on
made 8 VFs on PF eth3"
    assert_equal "$(number eth3) $(cat "$ROOT/sys/class/net/eth3/device/sriov_drivers_autoprobe")" "0 1"
    boot 0 eth3 8
    assert_equal "$output" "brought PF eth3 up
PF eth3: the host's drivers leave VFs that are made from now on
made 8 VFs on PF eth3"
    assert_equal "$(cat "$ROOT/sys/class/net/eth3/device/sriov_drivers_autoprobe")" 0
    run_vfpool 0 reconcile --boot
    assert_equal "$output" "nothing to do"
}

@test "a card that comes late is waited for, and one that does not come is named, and the others are made" {
    wants a eth9 '' "num='2'"
    wants b eth3 '' "num='8'"
    kernel_makes eth3 8 &
    run_vfpool 1 reconcile --boot --wait 1
    wait $!
    assert_equal "$output" "made 8 VFs on PF eth3"
    assert_equal "$stderr" "vfpool: pool 'a': there is no network interface eth9"
    after_look "class/net/eth9" host eth9:vfs=2,total=8,address=0000:51:00.0
    assert_equal "$output" "nothing to do"
}

@test "VFs that somebody else makes are waited for, and what is missing at the end is a failure" {
    wants a eth3 '' "num='8'"
    echo 8 > "$ROOT/sys/class/net/eth3/device/sriov_numvfs"
    run_vfpool 1 reconcile --boot --wait 1
    assert_one_line "PF eth3 has 0 of the 8 VFs that pool 'a' asks for, after 1 s"
    after_look "sriov_numvfs" host numvfs eth3 8
    assert_equal "$output" "nothing to do"
}

# kernel_keeps PF: who writes its number of VFs waits, as for a driver that takes its time: a lease of the file (fcntl(2))
# is asked back, and not given back. $KEEPS is the process.
kernel_keeps() {
    local said=$BATS_TEST_TMPDIR/keeps
    timeout 60 /usr/bin/python3 - "$ROOT/sys/class/net/$1/device/sriov_numvfs" << 'X' > "$said" 3>&- &
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
fcntl.fcntl(os.open(sys.argv[1], os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK)
print("has it", flush=True)
signal.pause()
X
    KEEPS=$!
    wait_until grep -q 'has it' "$said"
}

@test "a kernel that is still at it when the time is over is waited for no longer, and the other cards have their VFs" {
    wants a eth3 '' "num='8'"
    wants b eth4 '' "num='8'"
    kernel_keeps eth3
    kernel_makes eth4 8 &
    run_vfpool 1 reconcile --boot --wait 2
    wait $!
    assert_equal "$output" "made 8 VFs on PF eth4"
    assert_one_line "PF eth3 is not as pool 'a' asks after 2 s, and the kernel is still at it"
    # One of several that a pool has by their kind.
    rm "$ROOT/etc/vfpool/b.xml"
    sed -i "s/dev='eth3'/vendor='0x8086' device='0x10c9'/" "$ROOT/etc/vfpool/a.xml"
    host numvfs eth5 8
    run_vfpool 1 reconcile --boot --wait 2
    assert_one_line "PF eth3 is not as pool 'a' asks after 2 s, and the kernel is still at it"
    kill "$KEEPS"
}

@test "another number: by way of none, where nobody has one of the VFs" {
    wants a eth5 '' "num='8'"
    boot 0 eth5 8
    assert_equal "$output" "made 8 VFs on PF eth5, which had 4, nobody's"
}

@test "another number: not without --boot, not of a VF that a guest, the host, a process or another pool has" {
    local vf=$ROOT/sys/class/net/eth5/device/virtfn1
    wants a eth5 '' "num='8'"
    run_vfpool 0 reconcile
    assert_equal "$(number eth5)" 4
    keeps() { # WHY
        run_vfpool 1 reconcile --boot --wait 2
        assert_one_line "PF eth5 keeps its 4 VFs, and pool 'a' asks for 8: $1"
        assert_equal "$(number eth5)" 4
    }
    wants b eth5 '' "num='6'"
    run_vfpool 1 reconcile --boot --wait 2
    [[ $stderr == *"PF eth5 keeps its 4 VFs, and pool 'a' asks for 8: pool 'b' asks for another number"* ]]
    rm "$ROOT/etc/vfpool/b.xml"
    run_hook 0 g prepare < <(guest g "${UUID[9]}" a:"${MAC[1]}")
    keeps "guest 'g' holds VF 0"
    run_hook 0 g release < <(guest g "${UUID[9]}" a:"${MAC[1]}")
    host driver "$(basename "$(readlink "$vf")")" uio_pci_generic
    keeps "of VF 1, it is bound to uio_pci_generic, without a network interface here"
    host driver "$(basename "$(readlink "$vf")")" none
    : > "$ROOT/run/libvirtd.pid"
    # As libvirtd does: a POSIX lock, which flock(1) has nothing to do with.
    exec {lock}> >(perl -e 'use Fcntl; open my $f, "+<", $ARGV[0] or die;
        my $lock = pack("s s x![8] q q i x![8]", F_WRLCK, 0, 0, 1, 0); fcntl($f, F_SETLK, $lock) or die;
        open my $ready, ">", "$ARGV[0].locked"; close $ready; <STDIN>' "$ROOT/run/libvirtd.pid")
    wait_until test -e "$ROOT/run/libvirtd.pid.locked"
    keeps "libvirt runs"
    exec {lock}>&-
}

# faulty CODE FAULT PATH: reconcile --boot with strace's fault at the call on the path. Without sanitizers, which do not go
# with strace.
faulty() {
    run_program "$1" strace -qq -f -o /dev/null -P "$3" -e trace="${2%%:*}" -e inject="$2" \
        "$PLAIN/tests/kernel/hook/vfpool" reconcile --boot --wait 10
}

@test "another number: nor of a VF that a process has open, the host uses, or a vDPA device is made of" {
    local vf=0000:03:10.2
    wants a eth5 '' "num='8'"
    keeps() { # WHY
        assert_one_line "PF eth5 keeps its 4 VFs, and pool 'a' asks for 8: of VF 1, $1"
        assert_equal "$(number eth5)" 4
    }
    opened $vf
    # Not by vfpool itself, whose number may be a lower one.
    # shellcheck disable=SC2154 # opened sets it
    run_vfpool 1 reconcile --boot {open}<&-
    keeps "process $BASHPID has it open"
    faulty 5 openat:error=ENFILE /proc
    keeps "whether it is in use cannot be seen: Too many open files in system"
    exec {open}<&-
    host driver $vf igbvf
    host vdpa $vf vdpa0
    run_vfpool 1 reconcile --boot
    keeps "it is used as vDPA device vdpa0"
    host vdpa $vf none
    echo 0x1003 > "$ROOT/sys/class/net/eth5v1/flags"
    run_vfpool 1 reconcile --boot
    keeps "the host uses its network interface"
    echo 0x1002 > "$ROOT/sys/class/net/eth5v1/flags"
    : > "$ROOT/sys/class/net/eth5v1/master"
    run_vfpool 1 reconcile --boot
    keeps "the host uses its network interface"
    # One that is gone is nobody's.
    host dangle $vf
    boot 0 eth5 8
    assert_equal "$output" "made 8 VFs on PF eth5, which had 4, nobody's"
}

@test "a card that refuses: it has what it had, or that is said; and a PF that is down may be why" {
    local file
    file=$(readlink -f "$ROOT/sys/class/net/eth5/device")/sriov_numvfs
    wants a eth5 '' "num='8'"
    faulty 1 write:error=EIO:when=2 "$file"
    assert_one_line "cannot make 8 VFs on PF eth5 for pool 'a': Input/output error"
    assert_equal "$(number eth5)" 4
    host down eth5
    faulty 1 write:error=EIO:when=2+ "$file"
    assert_equal "$stderr" "vfpool: note: PF eth5 had 4 VFs, and has none now
vfpool: cannot make 8 VFs on PF eth5 for pool 'a': Input/output error; it is down, and some cards make VFs only when it is up: ip link set eth5 up"
    assert_equal "$(number eth5)" 0
}

@test "a PF that goes down with the making of its VFs is said, and brought up where the pool file asks for that" {
    goes_down() { # PF NUMBER
        wait_until eval "[[ \$(number $1) == $2 ]]"
        host down "$1"
        host numvfs "$1" "$2"
    }
    wants a eth3 '' "num='8'"
    goes_down eth3 8 &
    run_vfpool 0 reconcile --boot --wait 10
    wait $!
    assert_equal "$output" "made 8 VFs on PF eth3
PF eth3 went down when its VFs were made: ip link set eth3 up"
    wants b eth4 "up='yes'" "num='8'"
    goes_down eth4 8 &
    run_vfpool 0 reconcile --boot --wait 10
    wait $!
    assert_equal "$output" "made 8 VFs on PF eth4
brought PF eth4 up"
    # One that was down before has not gone down.
    wants a eth5 '' "num='4'"
    host numvfs eth5 0
    host down eth5
    boot 0 eth5 4
    assert_equal "$output" "made 4 VFs on PF eth5"
}

@test "more than the card makes, and a PF that does not come up: one line, and nothing changed" {
    wants a eth3 '' "num='9'"
    run_vfpool 1 reconcile --boot --wait 2
    assert_one_line "cannot make 9 VFs on PF eth3 for pool 'a': it makes 8 at most"
    wants a eth3 "up='yes'" "num='8'"
    host down eth3
    echo "up 16" > "$ROOT/kernel/rules"
    run_vfpool 1 reconcile --boot --wait 2
    assert_one_line "cannot bring PF eth3 up, as pool 'a' asks: Device or resource busy"
    assert_equal "$(number eth3)" 0
}

@test "an interface is brought up when udev has done with it" {
    wants a eth3 "up='yes'"
    host down eth3
    mkdir -p "$ROOT/run/udev/data"
    : > "$ROOT/run/udev/control"
    named() {
        cat "$ROOT/sys/class/net/eth3/flags" > "$BATS_TEST_TMPDIR/before"
        : > "$ROOT/run/udev/data/n$(cat "$ROOT/sys/class/net/eth3/ifindex")"
    }
    after_look "run/udev/data/n" named
    assert_equal "$output" "brought PF eth3 up"
    assert_equal "$(cat "$BATS_TEST_TMPDIR/before") $(cat "$ROOT/sys/class/net/eth3/flags")" "0x1002 0x1003"
}

@test "what --wait takes" {
    local word
    for word in 0 3601 -1 x 1x ''; do
        run_vfpool 2 reconcile --boot --wait "$word"
        run_vfpool 2 reconcile --wait "$word"
    done
}
