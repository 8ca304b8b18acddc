#!/bin/bash
# Builds netdevsim for the kernel of the lab's image, once: $work/netdevsim.ko. Debian's kernels come without it, their
# source has it; it is a card's driver without a card, and does all that one can be told of a VF.
#
#   DEBIAN=13 tests/lab/netdevsim.sh     after build.sh, as root on a Debian machine
set -euo pipefail

lab=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$lab/common.sh"

# What file(1) says of it.
version=$(head -c 65536 "$work/vmlinuz" | grep -aoE '[0-9]+\.[0-9]+\.[0-9]+[^ ]*-amd64' | awk 'NR == 1')
[ "$(cat "$work/netdevsim.version" 2>/dev/null)" != "$version" ] || exit 0
rm -rf "$work/netdevsim.version" "$work/netdevsim"
source=linux-source-$(cut -d. -f1,2 <<< "$version")
# shellcheck disable=SC2016 # $1 is for mmdebstrap's shell: the root file system
build='cd "$1/root" && tar xf "../usr/src/'$source'.tar.xz" "'$source'/drivers/net/netdevsim" &&
    chroot "$1" make -s -j2 -C "/lib/modules/'$version'/build" "M=/root/'$source'/drivers/net/netdevsim" \
        CONFIG_NETDEVSIM=m modules'
from=$(mirror)
mmdebstrap --quiet --variant=minbase --format=directory \
    --aptopt='APT::Install-Recommends "false"' --include="linux-headers-$version,$source,gcc,make,xz-utils" \
    --customize-hook="$build" "$suite" "$work/netdevsim" ${from:+"$from"}
strip -g -o "$work/netdevsim.ko" "$work/netdevsim/root/$source/drivers/net/netdevsim/netdevsim.ko"
rm -rf "$work/netdevsim"
echo "$version" > "$work/netdevsim.version"
