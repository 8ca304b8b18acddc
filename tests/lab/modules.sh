#!/bin/bash
# Builds what Debian's kernels come without for the kernel of the lab's image, once, from Debian's source of it:
# $work/modules/*.ko. netdevsim is a card's driver without a card, and does all that one can be told of a VF; with
# LAB_LIBVIRT=backports iommufd as well, and VFIO with device files of its own (/dev/vfio/devices).
#
#   DEBIAN=13 tests/lab/modules.sh       after build.sh, as root on a Debian machine
set -euo pipefail

lab=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$lab/common.sh"

# What file(1) says of it.
version=$(head -c 65536 "$work/vmlinuz" | grep -aoE '[0-9]+\.[0-9]+\.[0-9]+[^ ]*-amd64' | awk 'NR == 1')
key=$({ echo "$version"; cat "$0"; } | sha256sum)
[ "$(cat "$work/modules/key" 2>/dev/null)" != "$key" ] || exit 0
rm -rf "$work/modules" "$work/kernel"

# Inside the bare system, in the kernel's source. A symbol that Debian's configuration has not set is one for the
# preprocessor alone; what else the kernel is made of is as Debian has it.
recipe() {
    cat << 'END'
set -e
cd /root/linux-source-*
echo 'obj-m += drivers/net/netdevsim/' > Kbuild
settings='CONFIG_NETDEVSIM=m'
if [ -n "$1" ]; then
    # The kernel has interval trees, and not what only iommufd walks them by.
    sed '/EXPORT_SYMBOL/d' lib/interval_tree.c > drivers/iommu/iommufd/span.c
    sed -i 's/^\tviommu.o$/& span.o/' drivers/iommu/iommufd/Makefile
    echo 'obj-m += drivers/iommu/iommufd/ drivers/vfio/' >> Kbuild
    settings="$settings CONFIG_IOMMUFD=m CONFIG_VFIO_DEVICE_CDEV=y CONFIG_VFIO_MDEV=n"
    for symbol in IOMMUFD_MODULE IOMMUFD_DRIVER_CORE VFIO_DEVICE_CDEV INTERVAL_TREE_SPAN_ITER; do
        echo "subdir-ccflags-y += -DCONFIG_$symbol=1"
    done >> Kbuild
fi
make -s -j2 -C /lib/modules/*/build "M=$PWD" $settings modules
mkdir /root/modules
find . -name '*.ko' -exec strip -g {} + -exec cp -t /root/modules {} +
END
}

source=linux-source-$(cut -d. -f1,2 <<< "$version")
parts="$source/drivers/net/netdevsim $source/drivers/vfio $source/drivers/iommu $source/include $source/lib/interval_tree.c"
# $1 is for mmdebstrap's shell: the root file system. objtool reads its own limits in /proc.
unpack="cd \"\$1/root\" && tar xf ../usr/src/$source.tar.xz $parts && cp '$work/recipe' ."
build="chroot \"\$1\" sh -c 'mount -t proc proc /proc && sh /root/recipe \"\$1\"; code=\$?; umount /proc; exit \$code' sh \"${LAB_LIBVIRT:-}\""
debian_sources
recipe > "$work/recipe"
mmdebstrap --quiet --variant=minbase --format=directory "${pin[@]}" \
    --aptopt='APT::Install-Recommends "false"' --include="linux-headers-$version,$source,gcc,make,xz-utils" \
    --customize-hook="$unpack" --customize-hook="$build" "$suite" "$work/kernel" "${sources[@]}"
mv "$work/kernel/root/modules" "$work/modules"
rm -rf "$work/kernel" "$work/recipe"
echo "$key" > "$work/modules/key"
