#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# vfpool goes: hook/hooks.sh, which install.sh and the packages' scripts call, puts hooks and takes them away; nothing is
# left of what was set. The programs with a kernel on files (kernel/rtnetlink.c).

load helpers
as_installed

setup() {
    common_setup
    hooks=$ROOT/etc/libvirt/hooks
    host eth3:vfs=2
    mkdir -p "$ROOT/kernel" "$ROOT/usr/sbin" "$ROOT/usr/libexec/vfpool" "$ROOT/usr/share/vfpool" "$BATS_TEST_TMPDIR/bin"
    cp "$TESTS/../hook/vfpool.apparmor" "$ROOT/usr/share/vfpool/apparmor"
    cp "$VFPOOL_BUILD"/hook/{network,daemon} "$ROOT/usr/libexec/vfpool"
    cp "$VFPOOL_BUILD/hook/launcher" "$ROOT/usr/libexec/vfpool/qemu"
    cp "$VFPOOL_BUILD/hook/qemu" "$ROOT/usr/libexec/vfpool/guest"
    VFPOOL_BUILD=$VFPOOL_BUILD/tests/kernel
    cp "$VFPOOL_BUILD/hook/vfpool" "$ROOT/usr/sbin"
    sed 's,@SBINDIR@,/usr/sbin,; s,@LIBEXECDIR@,/usr/libexec,; s,@DATADIR@,/usr/share,' "$TESTS/../hook/hooks.sh" > "$BATS_TEST_TMPDIR/hooks.sh"
    # Of this machine's libvirt nothing is asked: these come first.
    libvirt_is 11.3.0
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

libvirt_is() { # VERSION
    printf '#!/bin/sh\necho "libvirtd (libvirt) %s"\n' "$1" > "$BATS_TEST_TMPDIR/bin/libvirtd"
    chmod +x "$BATS_TEST_TMPDIR/bin/libvirtd"
}
hooks() { run_program "$1" sh "$BATS_TEST_TMPDIR/hooks.sh" "${@:2}"; }
somebodys() { # HOOK
    mkdir -p "$hooks"
    printf '%s\n' '#!/bin/sh' '# vfpool-program urn:vfpool:1, and VFPOOL_ROOT' > "$hooks/$1"
    chmod +x "$hooks/$1"
    cp "$hooks/$1" "$BATS_TEST_TMPDIR/$1"
}
# there_are FILE...: just these in the hooks' directory
there_are() { assert_equal "$(cd "$hooks" && find . ! -type d -printf '%P\n' | sort | xargs)" "$*"; }

@test "hooks are put where none is, replaced as whole files, and removed" {
    hooks 0 put --dry-run
    [[ ! -e $hooks && ! -e $ROOT/run/vfpool ]]
    hooks 0 put
    there_are daemon network qemu vfpool/guest
    assert_equal "$(stat -c %a:%F "$hooks"/{qemu,vfpool,vfpool/guest} "$ROOT/run/vfpool" | xargs)" \
        "755:regular file 755:directory 755:regular file 700:directory"
    exec 5< "$hooks/qemu"
    echo >> "$ROOT/usr/libexec/vfpool/qemu"
    # What an older version kept, and this one would never take away.
    mkdir "$ROOT/run/vfpool/guests"
    touch "$ROOT/run/vfpool/guests/${UUID[1]}."{xml,why} "$ROOT/run/vfpool/returned"
    hooks 0 put --dry-run
    [[ $output == *"would run: rm -f $ROOT/run/vfpool/guests/${UUID[1]}.why"* && -e $ROOT/run/vfpool/returned ]]
    hooks 0 put
    assert_equal "$(cd "$ROOT/run/vfpool" && find . -type f -print)" "./guests/${UUID[1]}.xml"
    rm -r "$ROOT/run/vfpool/guests"
    cmp "$hooks/qemu" "$ROOT/usr/libexec/vfpool/qemu"
    # Whoever runs the old one has the old one: another file took its name.
    [[ $(stat -L -c %i /dev/fd/5) != $(stat -c %i "$hooks/qemu") ]]
    exec 5<&-
    cmp "$hooks/vfpool/guest" "$ROOT/usr/libexec/vfpool/guest"
    hooks 0 remove --dry-run
    there_are daemon network qemu vfpool/guest
    hooks 0 remove
    there_are
    [[ ! -e $ROOT/run/vfpool && ! -e $hooks/vfpool ]]
    hooks 0 remove
}

# At each moment what libvirt finds works, or says one line: a log of what is done with the files, in order.
@test "what the qemu hook runs is there before it, and goes after it" {
    local tool
    for tool in mv rm; do
        printf '#!/bin/sh\necho "%s $*" >> "%s"\nexec %s "$@"\n' $tool "$ROOT/log" "$(type -P $tool)" > "$BATS_TEST_TMPDIR/bin/$tool"
        chmod +x "$BATS_TEST_TMPDIR/bin/$tool"
    done
    hooks 0 put
    assert_equal "$(sed -n 's|^mv .*/hooks/||p' "$ROOT/log" | xargs)" "daemon network vfpool/guest qemu"
    : > "$ROOT/log"
    hooks 0 remove
    assert_equal "$(sed -n 's|^rm .*/hooks/||p' "$ROOT/log" | xargs)" "qemu network daemon vfpool/guest"
}

# is_told NAME PROGRAM: a process of that name, whose number a daemon of libvirt's, NAME, left; it says when it is told.
is_told() {
    cp "$(type -P bash)" "$ROOT/$2"
    mkfifo "$ROOT/$1.hold"
    "$ROOT/$2" -c 'trap "echo > $0.told; exit" HUP; echo $$ > "$0.pid"; read -r _ <> "$0.hold"' "$ROOT/$1" 3>&- &
    ended+=($!)
    wait_until test -s "$ROOT/$1.pid"
    mkdir -p "$ROOT/run"
    cp "$ROOT/$1.pid" "$ROOT/run/$1.pid"
}

@test "without systemd libvirt's daemons are told by their PID files, and nobody who has the number of one that is gone" {
    local ended=() name
    is_told virtqemud virtqemud
    is_told virtnetworkd virtnetworkd
    is_told libvirtd somebody
    hooks 0 put --dry-run
    [[ $output == *"would run: kill -HUP ${ended[0]}"*"would run: kill -HUP ${ended[1]}"* ]]
    hooks 0 put
    for name in virtqemud virtnetworkd; do wait_until test -e "$ROOT/$name.told"; done
    [[ ! -e $ROOT/libvirtd.told ]]
    kill "${ended[2]}"
}

@test "a pool that cannot be put right does not keep the hooks from being put" {
    mkdir -p "$ROOT/run/libvirt" "$ROOT/etc/libvirt"
    perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) and bind(S, sockaddr_un($ARGV[0])) or die $!' "$ROOT/run/libvirt/libvirt-sock"
    pool net eth3
    printf '#!/bin/sh\necho "no connection" >&2\nexit 1\n' > "$ROOT/usr/sbin/vfpool-gate"
    chmod +x "$ROOT/usr/sbin/vfpool-gate"
    hooks 0 put
    there_are daemon network qemu vfpool/guest
    [[ $stderr == *"no connection"*"the hooks are put; mend that, then vfpool reconcile"* ]]
}

@test "somebody's hook stays, ours is beside it, and moves when that one goes" {
    somebodys qemu
    hooks 0 put
    there_are daemon network qemu qemu.d/vfpool vfpool/guest
    cmp "$hooks/qemu" "$BATS_TEST_TMPDIR/qemu"
    rm "$hooks/qemu"
    echo 'exit 0' > "$hooks/qemu.d/mine"
    hooks 0 put
    there_are daemon network qemu qemu.d/mine vfpool/guest
    hooks 0 remove
    there_are qemu.d/mine
}

@test "AppArmor: a guest's profile lets it open the VFs of pools, where there is such a profile" {
    local apparmor=$ROOT/etc/apparmor.d
    hooks 0 put
    [[ ! -e $apparmor ]]
    # libvirt 11.3.0 has a directory for more.
    mkdir -p "$apparmor/abstractions"
    echo '  include if exists <abstractions/libvirt-qemu.d>' > "$apparmor/abstractions/libvirt-qemu"
    hooks 0 put
    cmp "$apparmor/abstractions/libvirt-qemu.d/vfpool" "$TESTS/../hook/vfpool.apparmor"
    [[ ! -e $apparmor/local ]]
    hooks 0 remove
    [[ ! -e $apparmor/abstractions/libvirt-qemu.d ]]
    # 9.0.0 has a file, and somebody may have written there.
    mkdir -p "$apparmor/local/abstractions"
    echo '  #include <local/abstractions/libvirt-qemu>' > "$apparmor/abstractions/libvirt-qemu"
    echo '  /srv/** r,' | tee "$apparmor/local/abstractions/libvirt-qemu" > "$BATS_TEST_TMPDIR/local"
    hooks 0 put
    hooks 0 put
    assert_equal "$(grep -c 'libvirt-qemu.d> # vfpool$' "$apparmor/local/abstractions/libvirt-qemu")" 1
    [[ -e $apparmor/abstractions/libvirt-qemu.d/vfpool ]]
    hooks 0 remove
    cmp "$apparmor/local/abstractions/libvirt-qemu" "$BATS_TEST_TMPDIR/local"
    [[ ! -e $apparmor/abstractions/libvirt-qemu.d ]]
}

@test "AppArmor: a package asks for the line in the administrator's file, and leaves it there" {
    local apparmor=$ROOT/etc/apparmor.d command
    mkdir -p "$apparmor/abstractions"
    echo '  #include <local/abstractions/libvirt-qemu>' > "$apparmor/abstractions/libvirt-qemu"
    hooks 0 put --package
    cmp "$apparmor/abstractions/libvirt-qemu.d/vfpool" "$TESTS/../hook/vfpool.apparmor"
    [[ ! -e $apparmor/local ]]
    command=$(sed -n 's/^vfpool: AppArmor does not let guests open the VFs of a pool before you run: //p' <<< "$output")
    sh -c "$command"
    hooks 0 put --package
    [[ $output != *AppArmor* ]]
    hooks 0 remove --package
    [[ ! -e $apparmor/abstractions/libvirt-qemu.d ]]
    assert_equal "$(cat "$apparmor/local/abstractions/libvirt-qemu")" '  include if exists <abstractions/libvirt-qemu.d> # vfpool'
    # An administrator's own removal takes it.
    hooks 0 put
    hooks 0 remove
    assert_equal "$(cat "$apparmor/local/abstractions/libvirt-qemu")" ""
}

# What vfpool does there is what a fake one writes down; it ends when it is told to.
@test "a package's script does not wait for libvirt: its unit settles, or, without systemd, what is left behind" {
    local called=$BATS_TEST_TMPDIR/called
    mkdir -p "$ROOT/run/libvirt"
    perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1) or die' "$ROOT/run/libvirt/libvirt-sock"
    mkfifo "$BATS_TEST_TMPDIR/end"
    printf '#!/bin/sh\necho "${0##*/} $*" >> %s\nread -r word < %s\necho "vfpool: wrong" >&2\n' "$called" "$BATS_TEST_TMPDIR/end" > "$ROOT/usr/sbin/vfpool"
    printf '#!/bin/sh\ncat > %s\n' "$BATS_TEST_TMPDIR/logged.new" > "$BATS_TEST_TMPDIR/bin/logger"
    echo "mv $BATS_TEST_TMPDIR/logged.new $BATS_TEST_TMPDIR/logged" >> "$BATS_TEST_TMPDIR/bin/logger"
    # shellcheck disable=SC2016 # the script's own
    printf '#!/bin/sh\necho "${0##*/} $*" >> %s\n' "$called" > "$BATS_TEST_TMPDIR/bin/systemctl"
    chmod +x "$ROOT/usr/sbin/vfpool" "$BATS_TEST_TMPDIR"/bin/*
    VFPOOL_TIMEOUT=10 hooks 0 put --package
    there_are daemon network qemu vfpool/guest
    timeout 10 sh -c 'echo > "$1"' sh "$BATS_TEST_TMPDIR/end"
    wait_until test -e "$BATS_TEST_TMPDIR/logged"
    assert_equal "$(cat "$BATS_TEST_TMPDIR/logged")" "vfpool: wrong"
    assert_equal "$(cat "$called")" "vfpool reconcile --wait 60"
    rm "$called"
    mkdir -p "$ROOT/run/systemd/system"
    VFPOOL_TIMEOUT=10 hooks 0 put --package
    assert_equal "$(grep start "$called")" "systemctl --no-block start vfpool.service"
}

@test "where libvirt runs one hook only, and that is somebody's, nothing is put" {
    libvirt_is 6.4.0
    somebodys network
    hooks 1 put
    assert_one_line "$hooks/network" "libvirt 6.4.0 runs only one" "/usr/libexec/vfpool/network"
    there_are network
    hooks 1 check
    assert_one_line "runs only one"
    libvirt_is 6.5.0
    hooks 0 check
    there_are network
}

# What the kernel has of eth3's VFs: MAC VLAN QOS PROTOCOL MIN MAX SPOOF TRUST QUERY LINK
told() { printf '%s\n' "$@" > "$ROOT/kernel/$(cat "$ROOT/sys/class/net/eth3/ifindex")"; }
line() { sed -n $(($1 + 1))p "$ROOT/kernel/$(cat "$ROOT/sys/class/net/eth3/ifindex")"; }

@test "removed while a guest runs: what was set is as it was, but for what libvirt set; and after that nobody's" {
    local before="52:54:00:aa:00:00 0 0 8100 0 0 1 0 0 0"
    told "$before" "52:54:00:aa:00:01 0 0 8100 0 0 1 0 0 0"
    pool net eth3 -- "<metadata><v:pool xmlns:v='urn:vfpool:1'><v:settings trust='yes' max-rate='100' spoof-check='no'/></v:pool></metadata>"
    run_hook 0 g1 prepare < <(guest g1 "${UUID[1]}" "net:${MAC[1]}")
    # libvirt sets MAC address and VLAN, and calls start.
    sed -i "1s/.* 8100/${MAC[1]} 42 0 8100/" "$ROOT/kernel/$(cat "$ROOT/sys/class/net/eth3/ifindex")"
    run_hook 0 g1 start < <(guest g1 "${UUID[1]}" "<interface type='hostdev' managed='yes'><mac address='${MAC[1]}'/>
        <source><address type='pci' domain='0' bus='0x01' slot='0x10' function='0x0'/></source></interface>")
    assert_equal "$(line 0)" "${MAC[1]} 42 0 8100 0 100 0 1 0 0"
    run_vfpool 0 open
    assert_equal "$(line 0)" "${MAC[1]} 42 0 8100 0 100 0 1 0 0"
    run_vfpool 0 open --settings --dry-run
    assert_equal "$output" "set VF 0000:01:10.0 of guest 'g1' as it was"
    assert_equal "$(line 0)" "${MAC[1]} 42 0 8100 0 100 0 1 0 0"
    hooks 0 remove
    assert_equal "$output" "set VF 0000:01:10.0 of guest 'g1' as it was"
    assert_equal "$(line 0)" "${MAC[1]} 42 0 8100 0 0 1 0 0 0"
    [[ ! -e $ROOT/run/vfpool ]]
}

@test "removed where the card does not take back what was set: that is said, and vfpool goes" {
    told "52:54:00:aa:00:00 0 0 8100 0 0 1 0 0 0" "52:54:00:aa:00:01 0 0 8100 0 0 1 0 0 0"
    pool net eth3 -- "<metadata><v:pool xmlns:v='urn:vfpool:1'><v:settings trust='yes'/></v:pool></metadata>"
    run_hook 0 g1 prepare < <(guest g1 "${UUID[1]}" "net:${MAC[1]}")
    run_hook 0 g1 start < <(guest g1 "${UUID[1]}" "<interface type='hostdev' managed='yes'><mac address='${MAC[1]}'/>
        <source><address type='pci' domain='0' bus='0x01' slot='0x10' function='0x0'/></source></interface>")
    rm "$ROOT/kernel/$(cat "$ROOT/sys/class/net/eth3/ifindex")"
    hooks 0 remove
    assert_one_line "VF 0000:01:10.0 of guest 'g1' stays as it is set"
    [[ ! -e $ROOT/run/vfpool && ! -e $hooks/qemu ]]
}
