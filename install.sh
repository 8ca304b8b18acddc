#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# From a bare machine to vfpool at work. Installs with the system's package manager what is missing.
set -euo pipefail

usage() {
    cat << 'USAGE'
usage: ./install.sh demo                   install what building needs, build, show what vfpool does on a simulated host
       ./install.sh check                  install what the tests need, build with sanitizers, run all tests
       ./install.sh install [--dry-run]    build, install, hook into libvirt, set up the pools there are
       ./install.sh uninstall [--purge] [--dry-run]
                                           give every VF back to libvirt and leave nothing; --purge: nor /etc/vfpool
USAGE
}

die() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

build_packages=(gcc make pkgconf libc6-dev libxml2-dev libxslt1-dev libmnl-dev libvirt-dev)
check_packages=(bats parallel libxml2-utils strace jq bsdutils util-linux procps zsh fish)

# libvirt's schemas are in libvirt0 up to Debian 12, in libvirt-common from 13 on.
if grep -qs '^VERSION_ID="12"' /etc/os-release; then
    check_packages+=(libvirt0)
else
    check_packages+=(libvirt-common)
fi

dry_run=

need() { # PACKAGE...
    local package missing=()
    command -v dpkg-query > /dev/null || die "this is not a Debian system: install what $* are called here, then run make"
    for package; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ -n "$dry_run" ]; then
        echo "would install: ${missing[*]}"
        return 0
    fi
    [ "$(id -u)" = 0 ] || die "as root, install first: apt-get install ${missing[*]}"
    echo "installing: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq install --no-install-recommends "${missing[@]}" > /dev/null
}

# --- install and uninstall -------------------------------------------------------------------------------------------

hooks=/etc/libvirt/hooks

# Does it, or says so.
run() {
    if [ -n "$dry_run" ]; then printf 'would run: %s\n' "$*"; else "$@"; fi
}

# A hook that this script put there: a program with our marker (hook/program.c), or with the one word that those had
# before there was a marker. A script that names vfpool is somebody's.
is_ours() { [ -f "$1" ] && [ "$(head -c 4 "$1" | tail -c 3)" = ELF ] && grep -aqE 'vfpool-program urn:vfpool:1|VFPOOL_ROOT' "$1"; }

# "9.0.0" of the libvirt that is installed.
libvirt_version() {
    local program
    for program in libvirtd virtqemud; do
        command -v "$program" > /dev/null && "$program" --version | grep -o '[0-9][0-9.]*$' && return
    done
    return 1
}

# A hook that is not ours stays, and ours goes beside it, where libvirt looks since 6.5.0.
hook_path() { # qemu|network|daemon
    local version other=$hooks/$1
    if [ -e "$other" ] && ! is_ours "$other"; then
        version=$(libvirt_version) || die "there is another hook, $other, and no libvirt to tell its version"
        if [ "$(printf '%s\n' 6.5.0 "$version" | sort -V | head -n 1)" != 6.5.0 ]; then
            die "there is another hook, $other, and libvirt $version runs only one: call /usr/libexec/vfpool/$1 from it," \
                "with its arguments and its input (see vfpool-hook(8)), or update libvirt to 6.5.0"
        fi
        echo "$other.d/vfpool"
    else
        echo "$other"
    fi
}

has_systemd() { [ -d /run/systemd/system ]; }

# libvirt looks for hooks when it starts and when it is told to look again (SIGHUP).
reload_libvirt() {
    local name
    if has_systemd; then
        for name in libvirtd virtqemud virtnetworkd; do
            ! systemctl -q is-active "$name" || run systemctl reload "$name"
        done
    elif [ -r /run/libvirtd.pid ]; then
        run kill -HUP "$(cat /run/libvirtd.pid)"
    fi
}

libvirt_runs() { [ -S /run/libvirt/libvirt-sock ] || [ -S /run/libvirt/virtnetworkd-sock ]; }

do_install() {
    local name i names=(daemon network qemu) paths=()
    [ "$(id -u)" = 0 ] || die "installing takes root: sudo ./install.sh install"
    for name in "${names[@]}"; do paths+=("$(hook_path "$name")"); done
    need "${build_packages[@]}"
    run make --no-print-directory all
    run make --no-print-directory install
    # Real files: AppArmor lets libvirt execute what is in the hooks' directory, and not what a link there leads to.
    for i in "${!paths[@]}"; do run install -D -m 755 "build/hook/${names[i]}" "${paths[i]}"; done
    ! has_systemd || run systemctl daemon-reload
    ! has_systemd || run systemctl -q enable vfpool-boot.service vfpool.service
    run install -d -m 700 /run/vfpool
    reload_libvirt
    if libvirt_runs; then run /usr/sbin/vfpool reconcile; fi
    [ -n "$dry_run" ] || echo "installed: the hooks are ${paths[*]}; pools are /etc/vfpool/NAME.xml (vfpool discover writes one)"
}

do_uninstall() {
    local file
    [ "$(id -u)" = 0 ] || die "uninstalling takes root: sudo ./install.sh uninstall"
    # The hooks go first: no start from here on claims anything.
    for file in "$hooks"/{qemu,network,daemon}{,.d/vfpool}; do
        ! is_ours "$file" || run rm -f "$file"
    done
    reload_libvirt
    if [ -x /usr/sbin/vfpool ] && libvirt_runs; then run /usr/sbin/vfpool open; fi
    ! has_systemd || ! [ -e /usr/lib/systemd/system/vfpool.service ] || run systemctl -q disable vfpool-boot.service vfpool.service
    run make --no-print-directory uninstall
    run rm -rf /run/vfpool /var/lib/vfpool
    [ -z "$purge" ] || run rm -rf /etc/vfpool
    [ -n "$dry_run" ] || echo "uninstalled: libvirt picks the VFs of its networks by itself again"
}

purge=
for option in "${@:2}"; do
    case $option in
    --dry-run) dry_run=1 ;;
    --purge) purge=1 ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
done

cd "$(dirname "$0")"
case ${1:-} in
demo)
    need "${build_packages[@]}"
    exec make --no-print-directory demo
    ;;
check)
    need "${build_packages[@]}" "${check_packages[@]}"
    exec make --no-print-directory check
    ;;
install)
    do_install
    ;;
uninstall)
    do_uninstall
    ;;
-h | --help)
    usage
    ;;
*)
    usage >&2
    exit 2
    ;;
esac
