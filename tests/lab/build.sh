#!/bin/bash
# Builds the lab's host: kernel, initrd and disk image of a Debian with a real libvirt, in build/lab/$DEBIAN.
#
#   DEBIAN=13 tests/lab/build.sh         12: bookworm, libvirt 9.0.0; 13: trixie, libvirt 11.3.0 (default)
#   DEBIAN=13 LAB_LIBVIRT=backports ...  13 with all that its backports have: the newest libvirt, QEMU and kernel
#
# Needs root on a Debian machine: it installs what is missing there (QEMU >= 8 for -device igb, mmdebstrap).
# The image is kept until the files that make it change.
set -euo pipefail

lab=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$lab/common.sh"

# Inside there is no network: whatever the host, ./install.sh and the cases need must be here.
packages=(
    linux-image-amd64 busybox-static udev kmod procps iproute2 ethtool pciutils strace    # a host to look into
    libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86      # what is tested against
    apparmor                                                                              # what may confine it
    gcc make pkgconf libc6-dev libxml2-dev libxslt1-dev libmnl-dev libvirt-dev            # to build the project
    bats jq libxml2-utils xsltproc                                                        # to test it
    rpm                                                                                   # LAB_PACKAGE=vfpool.rpm
)
# Of two hosts that know each other.
[ -z "${LAB_TWO:-}" ] || packages+=(openssh-server openssh-client iputils-ping corosync pacemaker pacemaker-cli-utils resource-agents crmsh virtinst)
# All that lies between the kernel and its root file system; the rest comes from there, by udev.
root_modules=(virtio_pci virtio_blk ext4)

say() { echo "lab: $*" >&2; }

machine_packages() {
    local missing=() suite=
    local tool
    for tool in mmdebstrap mke2fs cpio xz zstd; do
        command -v "$tool" >/dev/null || { missing+=(mmdebstrap debian-archive-keyring e2fsprogs cpio xz-utils zstd); break; }
    done
    if ! qemu-system-x86_64 -device help 2>/dev/null | grep -q '^name "igb"'; then
        missing+=(qemu-system-x86)
        # Debian 12's own QEMU, 7.2, does not have the igb card yet.
        if grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then suite=bookworm-backports; fi
    fi
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || { say "as root: apt-get install ${missing[*]}"; exit 1; }
    say "installing ${missing[*]}"
    if [ -n "$suite" ] && ! apt-cache policy | grep -q "n=$suite"; then
        echo "deb $(mirror) $suite main" > /etc/apt/sources.list.d/vfpool-lab-backports.list
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ${suite:+-t "$suite"} \
        "${missing[@]}" >&2
}

# The files of a kernel module and of what it needs, in the order to load them; none for what is built in.
module_files() {
    local root=$1 module=$2 list
    list=$(chroot "$root" /sbin/modprobe -S "$(basename "$root"/lib/modules/*)" --show-depends "$module") ||
        { say "the kernel has no $module"; return 1; }
    awk '$1 == "insmod" { print $2 }' <<< "$list"
}

# An initrd of busybox and the few modules: Debian's own, with udev, takes ten seconds longer in emulation.
make_initrd() {
    local root=$1 out=$2 dir module path
    dir=$(mktemp -d "$work/initrd.XXXXXX")
    mkdir -p "$dir"/{bin,dev,proc,sys,newroot,modules}
    cp "$(readlink -f "$root/bin/busybox")" "$dir/bin/busybox"
    {
        printf '%s\n' '#!/bin/busybox sh' '/bin/busybox mount -t devtmpfs dev /dev'
        for module in "${root_modules[@]}"; do
            module_files "$root" "$module"
        done | awk '!seen[$1]++' | while read -r path; do
            cp "$root$path" "$dir/modules/"
            echo "/bin/busybox insmod /modules/$(basename "$path" .xz)"
        done
        printf '%s\n' \
            'until /bin/busybox test -b /dev/vda; do /bin/busybox usleep 20000; done' \
            '/bin/busybox mount -t ext4 /dev/vda /newroot' \
            '/bin/busybox umount /dev' '/bin/busybox mount -t proc proc /newroot/proc' \
            'exec /bin/busybox switch_root /newroot /lab-init'
    } > "$dir/init"
    # busybox reads plain modules only; Debian 13 has them compressed.
    find "$dir/modules" -name '*.xz' -exec xz -d {} +
    chmod 755 "$dir/init"
    (cd "$dir" && find . -print0 | cpio --quiet -0 -o -H newc) > "$out"
    rm -rf "$dir"
}

# unpack_kernel BZIMAGE OUT: what is packed in it, an ELF image that QEMU starts as it is (PVH): to unpack it takes 6 of 12 s
# of a boot in emulation, and 75 s of a guest there. Where it is: https://docs.kernel.org/arch/x86/boot.html, and its
# length is behind it.
unpack_kernel() {
    local start packed=$work/kernel.packed
    field() { od -A n -t "u$2" -j "$1" -N "$2" "$3"; }
    start=$((($(field 0x1f1 1 "$1") + 1) * 512 + $(field 0x248 4 "$1")))
    dd if="$1" of="$packed" bs=64k iflag=skip_bytes,count_bytes skip="$start" count="$(($(field 0x24c 4 "$1") - 4))" status=none
    case $(od -A n -t x1 -N 4 "$packed") in
    " fd 37 7a 58") xz -dc "$packed" > "$2" ;;
    " 28 b5 2f fd") zstd -dcq "$packed" > "$2" ;;
    *) say "the kernel is packed in a way that is new"; return 1 ;;
    esac
    rm "$packed"
}

# The project, compiled by the image's own compiler before its host runs: inside it takes ten times as long. There make
# finds it, and does what has changed since; all of it, with its words, if it cannot be compiled here.
compile() {
    local root=$1
    mkdir -p "$root/usr/src/vfpool"
    pack_source | tar xf - --no-same-owner -C "$root/usr/src/vfpool"
    chroot "$root" make -s -j2 -C /usr/src/vfpool > "$work/compiled.log" 2>&1 ||
        say "not compiled, that is left to its host: $work/compiled.log"
    rm -f "$work"/build.{tar,key}
    [ ! -d "$root/usr/src/vfpool/build" ] || { tar cf "$work/build.tar" -C "$root/usr/src/vfpool" build && compiled_key > "$work/build.key"; }
    rm -rf "$root/usr/src/vfpool"
}

make_image() {
    local root=$work/root
    rm -rf "$root" "$work/capabilities"
    say "building Debian $DEBIAN ($suite) in $work"
    local hook pin sources
    # shellcheck disable=SC2016 # $1 is for mmdebstrap's shell: the root file system
    hook='mkdir -p "$1/etc/initramfs-tools/conf.d"; echo MODULES=list > "$1/etc/initramfs-tools/conf.d/lab"'
    debian_sources
    # minbase without documentation, from the machine's own mirror. The maintainer scripts make an initrd that
    # nobody boots: MODULES=list keeps that short.
    # A cut off image is made again, so dpkg need not wait for the disk at each file.
    mmdebstrap --quiet --variant=minbase --format=directory --dpkgopt=force-unsafe-io \
        --aptopt='APT::Install-Recommends "false"' --aptopt='APT::Install-Suggests "false"' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/qemu-efi*' \
        "${pin[@]}" --essential-hook="$hook" \
        --include="$(IFS=,; echo "${packages[*]}")" \
        "$suite" "$root" "${sources[@]}"
    rm -rf "${root:?}"/dev/*
    # libvirtd asks every emulator it finds what it can do; the guests use one.
    rm -f "$root/usr/bin/qemu-system-i386"
    rm -f "$root"/usr/share/libvirt/networks/default.xml "$root"/etc/libvirt/qemu/networks/{default.xml,autostart/default.xml}
    install -m 755 "$lab/lab-init" "$lab/guard.bash" "$root"
    mkdir -p "$root/host"
    for module in igb igbvf vfio-pci; do
        [ -n "$(module_files "$root" "$module")" ]
    done
    compile "$root"
    # For what is built beside it, of the same version.
    # shellcheck disable=SC2016 # dpkg's
    chroot "$root" dpkg-query -W -f '${Version}\n' libvirt0 > "$work/libvirt.version"
    make_initrd "$root" "$work/initrd"
    cp "$root"/boot/vmlinuz-* "$work/vmlinuz"
    # For this host, and for the guests in it that have a system.
    unpack_kernel "$root"/boot/vmlinuz-* "$work/vmlinux"
    cp "$work/vmlinux" "$root/boot/vmlinux"
    # Sparse; the free space is for what the cases write, thrown away with the run.
    truncate -s "$(($(du -sm "$root" | cut -f1) + 1024))M" "$work/disk.img"
    mke2fs -q -F -t ext4 -m 0 -d "$root" "$work/disk.img"
    rm -rf "$root"
}

key=$(image_key)
mkdir -p "$work"
machine_packages
if [ "$(cat "$work/key" 2>/dev/null)" = "$key" ]; then
    say "image of Debian $DEBIAN is current"
    exit 0
fi
rm -f "$work/key"
begin=$SECONDS
make_image
echo "$key" > "$work/key"
say "image of Debian $DEBIAN built in $((SECONDS - begin)) s, $(du -m "$work/disk.img" | cut -f1) MB"
