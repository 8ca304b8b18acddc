#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# vfpool's programs in libvirt's directory of hooks. What installs and removes vfpool calls it: install.sh, and the
# scripts of the packages. VFPOOL_ROOT is another root than /, as the programs have it.
#
#   hooks check                 exits 1, with one line, where put cannot be
#   hooks put [--dry-run]       our hooks beside whatever is there, libvirt told, the pools' networks set up
#   hooks put --package         the same from a package's script: nothing of the administrator's is changed, what that
#                               leaves to do is said, and libvirt is not waited for: vfpool.service sets up the networks
#   hooks remove [--dry-run]    no hook of ours, every VF libvirt's again, none set as we did, and nothing in /run; exits 1
#                               and changes nothing, with one line, where libvirt cannot give the VFs
#   hooks remove --package      the same, and what the administrator wrote for AppArmor stays
set -eu

sbin=@SBINDIR@
programs=@LIBEXECDIR@/vfpool
data=@DATADIR@/vfpool
root=${VFPOOL_ROOT:-}
directory=$root/etc/libvirt/hooks
dry_run=
package=

die() {
    echo "vfpool hooks: $*" >&2
    exit 1
}

# Does it, or says so.
run() { if [ -n "$dry_run" ]; then echo "would run: $*"; else "$@"; fi; }

# A hook that was put there: a program with our marker (hook/program.c), or with the one word that those had before there
# was a marker. A script that names vfpool is somebody's.
is_ours() { [ -f "$1" ] && [ "$(head -c 4 "$1" | tail -c 3)" = ELF ] && grep -aqE 'vfpool-program urn:vfpool:1|VFPOOL_ROOT' "$1"; }

# "9.0.0" of the libvirt that is installed.
libvirt_version() {
    for program in libvirtd virtqemud; do
        if command -v "$program" > /dev/null; then
            "$program" --version | grep -o '[0-9][0-9.]*$' && return
        fi
    done
    return 1
}

# A hook that is not ours stays, and ours goes beside it, where libvirt looks since 6.5.0.
place() { # qemu|network|daemon
    if ! [ -e "$directory/$1" ] || is_ours "$directory/$1"; then
        echo "$directory/$1"
        return
    fi
    version=$(libvirt_version) || die "there is another hook, $directory/$1, and no libvirt to tell its version"
    if [ "$(printf '%s\n' 6.5.0 "$version" | sort -V | head -n 1)" != 6.5.0 ]; then
        die "there is another hook, $directory/$1, and libvirt $version runs only one: call $programs/$1 from it," \
            "with its arguments and its input (see vfpool-hook(8)), or update libvirt to 6.5.0"
    fi
    echo "$directory/$1.d/vfpool"
}

# libvirt looks for hooks when it starts and when it is told to look again (SIGHUP).
reload_libvirt() {
    for name in libvirtd virtqemud virtnetworkd; do
        if [ -d "$root/run/systemd/system" ]; then
            if systemctl -q is-active "$name"; then run systemctl reload "$name"; fi
        elif pid=$(cat "$root/run/$name.pid" 2> /dev/null); then
            # One that was killed leaves its number, which may be another process's by now.
            if [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = "$name" ]; then run kill -HUP "$pid"; fi
        fi
    done
}

libvirt_runs() { [ -S "$root/run/libvirt/libvirt-sock" ] || [ -S "$root/run/libvirt/virtnetworkd-sock" ]; }

# A real file: AppArmor lets libvirt execute what is in the hooks' directory, and not what a link there leads to. There
# is no moment without one, in which libvirt would start guests as if there were no pool.
put_one() { # KIND PLACE
    run install -d -m 755 "$directory" "${2%/*}"
    run install -m 755 "$root$programs/$1" "$directory/.vfpool.new"
    run mv -f "$directory/.vfpool.new" "$2"
    if command -v restorecon > /dev/null; then run restorecon "$2"; fi
}

# Ours at the other place would be called as well.
remove_others() { # PLACE...
    for file in "$directory"/qemu "$directory"/network "$directory"/daemon "$directory"/*.d/vfpool; do
        case " $* " in *" $file "*) continue ;; esac
        if is_ours "$file"; then
            run rm -f "$file"
            case $file in *.d/vfpool) run rmdir --ignore-fail-on-non-empty "${file%/vfpool}" ;; esac
        fi
    done
}

# Debian's and Ubuntu's guests under AppArmor: hook/vfpool.apparmor says why (F51 of docs/libvirt.md). What guests may has
# a directory for more in libvirt 11.3.0, and in 9.0.0 one file of the administrator's, which gets a line when an
# administrator puts the hooks; a package asks for it, as doctor does.
apparmor=$root/etc/apparmor.d
rule=$apparmor/abstractions/libvirt-qemu.d/vfpool
more=$apparmor/local/abstractions/libvirt-qemu
line='  include if exists <abstractions/libvirt-qemu.d> # vfpool'
put_rule() {
    [ -e "$apparmor/abstractions/libvirt-qemu" ] || return 0
    run install -D -m 644 "$root$data/apparmor" "$rule"
    if ! grep -qsF '<abstractions/libvirt-qemu.d>' "$apparmor/abstractions/libvirt-qemu" "$more"; then
        if [ -n "$package" ]; then
            echo "vfpool: AppArmor does not let guests open the VFs of a pool before you run:" \
                "mkdir -p ${more%/*} && echo '$line' >> $more"
            return
        fi
        run install -d -m 755 "${more%/*}"
        # shellcheck disable=SC2016 # the inner shell's
        run sh -c 'echo "$1" >> "$2"' sh "$line" "$more"
    fi
}
remove_rule() {
    if [ -e "$rule" ]; then
        run rm -f "$rule"
        run rmdir --ignore-fail-on-non-empty "${rule%/*}"
    fi
    if [ -z "$package" ] && grep -qsxF "$line" "$more"; then run sed -i "\\,^$line\$,d" "$more"; fi
}

# What a package's script starts and does not wait for. Behind an upgrade systemd has to read the unit first.
settle_later() {
    if [ -d "$root/run/systemd/system" ]; then
        run systemctl daemon-reload || true
        run systemctl --no-block start vfpool.service || true
    elif [ -n "$dry_run" ]; then
        run "$root$sbin/vfpool" reconcile --wait 60
    else
        # Neither a descriptor of the package manager's, which would wait for its end, nor its terminal.
        # shellcheck disable=SC2016 # the inner shell's
        setsid sh -c '"$1" reconcile --wait 60 2>&1 | logger -t vfpool' sh "$root$sbin/vfpool" < /dev/null > /dev/null 2>&1 3>&- &
    fi
}

put() {
    # All of them first: what is refused changes nothing.
    daemon=$(place daemon)
    network=$(place network)
    qemu=$(place qemu)
    put_one daemon "$daemon"
    put_one network "$network"
    # What it runs comes before it.
    put_one guest "$directory/vfpool/guest"
    put_one qemu "$qemu"
    remove_others "$daemon" "$network" "$qemu"
    put_rule
    run install -d -m 700 "$root/run/vfpool"
    # What versions kept there that gave reasons files of their own.
    for file in "$root"/run/vfpool/guests/*.why "$root/run/vfpool/returned"; do
        if [ -e "$file" ]; then run rm -f "$file"; fi
    done
    reload_libvirt
    # What is wrong with a pool is said, and no reason for a package not to be installed.
    if libvirt_runs && [ -n "$package" ]; then
        settle_later
    elif libvirt_runs; then
        run "$root$sbin/vfpool" reconcile --wait 60 || echo "vfpool hooks: the hooks are put; mend that, then vfpool reconcile" >&2
    fi
    if [ -z "$dry_run" ]; then echo "the hooks are $daemon $network $qemu"; fi
}

# KIND PLACE of each hook of ours that is there.
ours() {
    for kind in daemon network qemu; do
        for file in "$directory/$kind" "$directory/$kind.d/vfpool"; do
            if is_ours "$file"; then echo "$kind $file"; fi
        done
    done
}

take_away() {
    remove_others
    if [ -e "$directory/vfpool/guest" ]; then
        run rm -f "$directory/vfpool/guest"
        run rmdir --ignore-fail-on-non-empty "$directory/vfpool"
    fi
}

put_back() { # what ours() said
    run install -d -m 755 "$directory"
    put_one guest "$directory/vfpool/guest"
    while read -r kind file; do
        if [ -n "$file" ]; then put_one "$kind" "$file"; fi
    done << OURS
$1
OURS
}

# One that libvirt has called already writes in the ledger until it ends: behind whoever removes it, if nobody waits. One
# that hangs has its deadlines, and is not waited for longer than a start may take.
await_hooks() {
    left=30
    while hooks_run && [ $left -gt 0 ]; do
        sleep 1
        left=$((left - 1))
    done
}
hooks_run() {
    for program in /proc/[0-9]*/exe; do
        case $(readlink "$program" 2> /dev/null) in "$directory"/*' (deleted)') return 0 ;; esac
    done
    return 1
}

# The hooks go first: from then on nobody blocks a VF (hooks_are_put()), and what is at work comes to an end. libvirt is not
# told, which would make it forget which VFs guests have (F27): it passes over a hook that is gone (F44). Where VFs cannot
# be given back to it, all is as it was.
remove() {
    there=$(ours)
    if ! [ -x "$root$sbin/vfpool" ]; then
        if [ -z "$there" ]; then return; fi
        die "there is no $sbin/vfpool, which gives the VFs back to libvirt: remove it with the PREFIX that it was installed" \
            "with (PREFIX=/usr/local ./install.sh uninstall), or install it once more first"
    fi
    if [ -d "$root/run/systemd/system" ]; then run systemctl stop vfpool.service vfpool-boot.service || true; fi
    take_away
    [ -n "$dry_run" ] || await_hooks
    if ! run "$root$sbin/vfpool" open; then
        if [ -n "$there" ]; then put_back "$there"; fi
        die "vfpool is not removed, as it blocks VFs that libvirt could not be told to give: see to it that libvirt answers" \
            "(systemctl restart libvirtd, or virtnetworkd), and remove vfpool again"
    fi
    # What cannot be put back is said, and no reason to stay.
    run "$root$sbin/vfpool" open --settings || true
    remove_rule
    run rm -rf "$root/run/vfpool"
}

command=${1:-}
if [ $# -gt 0 ]; then shift; fi
for option; do
    case $option in
    --dry-run) dry_run=1 ;;
    --package) package=1 ;;
    *) die "it knows --dry-run and --package, and not $option" ;;
    esac
done
case $command in
check)
    for kind in daemon network qemu; do place "$kind" > /dev/null; done
    ;;
put) put ;;
remove) remove ;;
*) die "usage: hooks check|put|remove [--dry-run] [--package]" ;;
esac
