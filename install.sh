#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# From a bare machine to vfpool at work. Installs with the system's package manager what is missing.
set -euo pipefail

usage() {
    cat << 'USAGE'
usage: ./install.sh demo     install what building needs, build, and show what vfpool does on a simulated host
       ./install.sh check    install what the tests need, build with sanitizers, and run all tests
USAGE
}

die() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

build_packages=(gcc make pkgconf libc6-dev libxml2-dev libxslt1-dev libvirt-dev)
check_packages=(bats libxml2-utils strace jq bsdutils util-linux procps)

# libvirt's schemas are in libvirt0 up to Debian 12, in libvirt-common from 13 on.
if grep -qs '^VERSION_ID="12"' /etc/os-release; then
    check_packages+=(libvirt0)
else
    check_packages+=(libvirt-common)
fi

need() { # PACKAGE...
    local package missing=()
    command -v dpkg-query > /dev/null || die "this is not a Debian system: install what $* are called here, then run make"
    for package; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || die "as root, install first: apt-get install ${missing[*]}"
    echo "installing: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq install --no-install-recommends "${missing[@]}" > /dev/null
}

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
-h | --help)
    usage
    ;;
*)
    usage >&2
    exit 2
    ;;
esac
