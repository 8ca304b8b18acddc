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
PREFIX=/usr/local ./install.sh ... installs below another directory than /usr, and uninstalls from there;
with VFPOOL_ROOT set all of it is below that.
USAGE
}

die() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

# Another root than /, as the programs have it: a directory where a host is simulated.
root=${VFPOOL_ROOT:-}
dry_run=

# --- packages --------------------------------------------------------------------------------------------------------

# What the system calls itself. The file is made for a shell to read, but nothing here is for it to change.
declare -A os=()
if [ -r "$root/etc/os-release" ]; then
    while IFS='=' read -r name value; do os[${name:-#}]=${value//[\"\']/}; done < "$root/etc/os-release"
fi

# The column in packages/needed: by what the system calls itself, and else by what it says it is like.
family() {
    local id
    for id in ${os[ID]:-} ${os[ID_LIKE]:-}; do
        case $id in
        debian | ubuntu) echo debian ;;
        fedora | rhel | centos | rocky | almalinux) echo fedora ;;
        suse | opensuse* | sles | sle-micro) echo suse ;;
        arch | manjaro) echo arch ;;
        alpine) echo alpine ;;
        *) continue ;;
        esac
        return
    done
    echo unknown
}

# libvirt's schemas are in libvirt0 up to Debian 12, in libvirt-common from 13 on. Debian's backports for 12 have a
# libvirt-common as well. Ubuntu and what comes of it followed at its own time: apt knows.
debian_schemas() {
    case ${os[ID]:-}${os[VERSION_ID]:-} in
    debian12) echo libvirt0 ;;
    debian*) echo libvirt-common ;;
    *) if apt-cache show libvirt-common > /dev/null 2>&1; then echo libvirt-common; else echo libvirt0; fi ;;
    esac
}

# names FAMILY FOR...: its column in packages/needed; of an unknown family the things in words.
names() {
    local use words debian fedora suse arch alpine cell
    while IFS='|' read -r use words debian fedora suse arch alpine; do
        [[ " ${*:2} " == *" ${use// /} "* ]] || continue
        read -r words <<< "$words"
        case $1 in
        debian) cell=$debian ;;
        fedora) cell=$fedora ;;
        suse) cell=$suse ;;
        arch) cell=$arch ;;
        alpine) cell=$alpine ;;
        *) cell="$words," ;;
        esac
        [[ $cell != *@schemas* ]] || cell=" $(debian_schemas)"
        [ "${cell// /}" = - ] || printf '%s ' "$cell"
    done < <(grep -v '^#' packages/needed)
}

is_installed() { # FAMILY PACKAGE
    case $1 in
    debian) [ "$(dpkg-query -W -f '${db:Status-Status}' "$2" 2> /dev/null)" = installed ] ;;
    fedora | suse) rpm -q --whatprovides "$2" > /dev/null 2>&1 ;;
    arch) pacman -Q "$2" > /dev/null 2>&1 ;;
    alpine) apk info -e "$2" > /dev/null 2>&1 ;;
    esac
}

need() { # FOR...
    local family package asked=' ' missing=() command hint=
    family=$(family)
    for package in $(names "$family" "$@"); do
        [[ $family != unknown && $asked != *" $package "* ]] || continue
        asked+="$package "
        is_installed "$family" "$package" || missing+=("$package")
    done
    case $family in
    debian) command='apt-get install' ;;
    fedora)
        command='dnf install'
        [[ " ${os[ID]:-} ${os[ID_LIKE]:-} " != *" rhel "* ]] ||
            hint='; some are in the repositories CRB and EPEL (dnf config-manager --set-enabled crb, dnf install epel-release)'
        ;;
    suse) command='zypper install' ;;
    arch) command='pacman -S' hint='; it may know only old versions (pacman -Syu)' ;;
    alpine) command='apk add' hint='; some are in the repository community (/etc/apk/repositories)' ;;
    *)
        # One that was left over from trying things is not thought of.
        [ -z "$root" ] || hint="VFPOOL_ROOT is set, and $root is no system whose packages are known: unset it, or"
        die "${hint:-this is no system whose packages are known:} install $(names unknown "$@")then run make"
        ;;
    esac
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ -n "$dry_run" ]; then
        echo "would install: ${missing[*]}"
        return 0
    fi
    [ "$(id -u)" = 0 ] || die "as root, install first: $command ${missing[*]}"
    echo "installing: ${missing[*]}"
    fetch "$family" "${missing[@]}" > /dev/null || die "failed: $command ${missing[*]}$hint"
}

fetch() { # FAMILY PACKAGE...
    case $1 in
    debian)
        export DEBIAN_FRONTEND=noninteractive
        apt-get -qq update && apt-get -qq install --no-install-recommends "${@:2}"
        ;;
    fedora) dnf -q -y install "${@:2}" ;;
    suse) zypper -q --non-interactive install --no-recommends "${@:2}" ;;
    arch) pacman -S --noconfirm --needed "${@:2}" ;;
    alpine) apk add -q "${@:2}" ;;
    esac
}

# --- install and uninstall -------------------------------------------------------------------------------------------

# What the Makefile calls for PREFIX, and for the root; and from it SBINDIR and the other directories, as it has them.
make_here() { make --no-print-directory ${PREFIX:+"PREFIX=$PREFIX"} ${root:+"DESTDIR=$root"} "$@"; }

read_paths() {
    local line lines
    command -v make > /dev/null || die "the Makefile knows the paths, and there is no make"
    lines=$(make_here paths) || exit 1
    while IFS= read -r line; do declare -g "${line%%=*}=$root${line#*=}"; done <<< "$lines"
}

# Does it, or says so.
run() {
    local words=$*
    if [ -n "$dry_run" ]; then printf 'would run: %s\n' "${words/#make_here/make${PREFIX:+ PREFIX=$PREFIX}}"; else "$@"; fi
}

has_systemd() { [ -d "$root/run/systemd/system" ]; }

# What puts the hooks in their place and takes them away, before it is installed and after.
hooks() {
    local script
    script=$(sed "s,@SBINDIR@,${SBINDIR#"$root"},; s,@LIBEXECDIR@,${LIBEXECDIR#"$root"},; s,@DATADIR@,${DATADIR#"$root"}," hook/hooks.sh)
    # Not on its standard input, which what it runs has as well.
    VFPOOL_ROOT=$root sh -c "$script" hooks "$@" ${dry_run:+--dry-run}
}

# AppArmor's profile of libvirtd, which its hooks run under, lets them execute what is in /usr/sbin (docs/libvirt.md, F18).
note_apparmor() {
    local profile=/etc/apparmor.d/usr.sbin.libvirtd
    [ -e "$root$profile" ] && [ "$SBINDIR" != "$root/usr/sbin" ] || return 0
    echo "note: libvirt's hooks may not execute $SBINDIR/vfpool-gate before /etc/apparmor.d/local/usr.sbin.libvirtd says" \
        "\"$SBINDIR/vfpool-gate PUx,\" and apparmor_parser -r $profile has read it"
}

do_install() {
    [ "$(id -u)" = 0 ] || die "installing takes root: sudo ./install.sh install"
    # What is refused is refused before anything is installed. Only make knows, which may be missing.
    command -v make > /dev/null || need build
    if [ -n "$dry_run" ] && ! command -v make > /dev/null; then
        echo "would run: make install, and what comes after it"
        return 0
    fi
    read_paths
    hooks check
    need build
    run make_here all
    run make_here install
    ! has_systemd || run systemctl daemon-reload
    ! has_systemd || run systemctl -q enable vfpool-boot.service vfpool.service
    hooks put
    note_apparmor
    [ -n "$dry_run" ] || echo "installed: pools are $SYSCONFDIR/vfpool/NAME.xml (vfpool discover writes one)"
}

do_uninstall() {
    [ "$(id -u)" = 0 ] || die "uninstalling takes root: sudo ./install.sh uninstall"
    read_paths
    hooks remove
    ! has_systemd || ! [ -e "$LIBDIR/systemd/system/vfpool.service" ] ||
        run systemctl -q disable vfpool-boot.service vfpool.service
    ! has_systemd || ! [ -e "$LIBDIR/systemd/system/vfpool-metrics.timer" ] ||
        run systemctl -q disable --now vfpool-metrics.timer
    run make_here uninstall
    run rm -rf "$RUNDIR/vfpool" "$STATEDIR/vfpool"
    [ -z "$purge" ] || run rm -rf "$SYSCONFDIR/vfpool"
    [ -n "$dry_run" ] || echo "uninstalled: libvirt picks the VFs of its networks by itself again"
}

purge=
for option in "${@:2}"; do
    # What would not be heeded is refused: whoever says --dry-run does not want it done.
    case ${1:-}:$option in
    install:--dry-run | uninstall:--dry-run) dry_run=1 ;;
    uninstall:--purge) purge=1 ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
done

cd "$(dirname "$0")"
case ${1:-} in
demo)
    need build
    exec make --no-print-directory demo
    ;;
check)
    need build check
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
