#!/bin/bash
# Builds the daemons of a modular libvirt, once: $work/modular, programs and systemd's units. Debian ships the one
# libvirtd alone; its source has the others. They use the drivers and the library that Debian's packages have in the
# image, so they are of the same version, and only they are compiled.
#
#   DEBIAN=13 tests/lab/modular.sh       after build.sh, as root on a Debian machine
set -euo pipefail

lab=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$lab/common.sh"

# What reads JSON is another library in 9.0.0.
if [ "$DEBIAN" = 12 ]; then json=yajl; else json=json_c; fi
out=$work/modular
wanted="$(cat "$work/libvirt.version") $(sha256sum < "$lab/modular.sh")"
[ "$(cat "$out/key" 2>/dev/null)" != "$wanted" ] || exit 0
from=$(mirror)
[ -n "$from" ] || { echo "lab: apt has no source of Debian's packages here" >&2; exit 1; }

needs=(
    gcc libc6-dev pkgconf meson ninja-build python3 patch xz-utils dpkg-dev libxml2-utils xsltproc
    libglib2.0-dev libxml2-dev libgnutls28-dev libtirpc-dev libjson-c-dev libyajl-dev libnl-3-dev libnl-route-3-dev libudev-dev
    libpciaccess-dev
)
rm -rf "$out" "$work/modular-root"
mkdir -p "$out"
cat > "$out/build" << 'BUILD'
set -eu
cd /root
# A mirror that lacks the files in which the archive's are named has these two, and apt has compared them with its index.
apt-get -qq source --download-only libvirt || echo "not all of it: the two archives are enough" >&2
mkdir source
tar xf libvirt_*.orig.tar.xz --strip-components=1 -C source
cd source
tar xf ../libvirt_*.debian.tar.xz
grep -v '^ *\(#\|$\)' debian/patches/series | while read -r patch; do patch -sp1 < "debian/patches/$patch"; done
dpkg-parsechangelog -S Version > version
meson setup build --prefix=/usr --libdir="lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)" --libexecdir=lib/libvirt \
    --sysconfdir=/etc --localstatedir=/var -Drunstatedir=/run -Dinit_script=systemd -Dremote_default_mode=legacy \
    -Ddebug=false -Doptimization=1 -Dauto_features=disabled -Ddocs=disabled -Dtests=disabled -Dsystem=true \
    -Ddriver_remote=enabled -Ddriver_libvirtd=enabled -Ddriver_qemu=enabled -Ddriver_network=enabled \
    -Dlibnl=enabled -Dudev=enabled -Dpciaccess=enabled -D$1=enabled
ninja -C build src/virtqemud src/virtnetworkd src/virtnodedevd src/virtproxyd
BUILD
echo "lab: building a modular libvirt" >&2
begin=$SECONDS
# shellcheck disable=SC2016 # $1 is for mmdebstrap's shell: the root file system
if ! mmdebstrap --quiet --variant=minbase --format=directory --dpkgopt=force-unsafe-io \
    --aptopt='APT::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --include="$(IFS=,; echo "${needs[*]}")" \
    --customize-hook="cp '$out/build' \"\$1/root/build\"" --customize-hook='chroot "$1" sh /root/build '$json \
    "$suite" "$work/modular-root" - > "$work/modular.log" 2>&1 << SOURCES
deb $from $suite main
deb-src $from $suite main
SOURCES
then
    tail -n 30 "$work/modular.log" >&2
    exit 1
fi
version=$(cat "$work/modular-root/root/source/version")
if [ "$version" != "$(cat "$work/libvirt.version")" ]; then
    echo "lab: the image has libvirt $(cat "$work/libvirt.version"), and the source is $version: remove $work/key" >&2
    exit 1
fi
cd "$work/modular-root/root/source/build/src"
for daemon in virtqemud virtnetworkd virtnodedevd virtproxyd; do
    install -D -m 755 -t "$out/usr/sbin" "$daemon"
    install -D -m 644 -t "$out/usr/lib/systemd/system" "$daemon.service" "$daemon.socket" "$daemon-ro.socket" "$daemon-admin.socket"
done
cd /
rm -rf "$work/modular-root" "$out/build"
echo "$wanted" > "$out/key"
echo "lab: a modular libvirt $version built in $((SECONDS - begin)) s" >&2
