#!/bin/bash
# Boots the lab's host from its image, thrown away afterwards, and waits until it has powered off. Inside,
# $work/share is /host, and /host/init runs as PID 1. What it writes to /dev/virtio-ports/lab comes out on stdout;
# its console goes to $work/results/console.log. Exits 124 when the deadline had to end it.
#
#   LAB_DEADLINE=5400   seconds
#   LAB_MEMORY=4096     MB, for the host and all its guests
#   LAB_DISK=FILE       its disk, in place of the image; what is written there stays
#   LAB_CARDS=2         igb cards of 7 VFs; inside they are enp1s0, enp2s0, ...
#
# Two more cards, without VFs at first, are on the buses of another host bridge, which is on NUMA node 1: ens65, and
# ens66, whose VFs share an IOMMU group with it, as the port it is in has no ACS. What is written to
# /dev/virtio-ports/monitor goes to QEMU's own monitor (QMP): inside pulls cables by it.
#   LAB_QEMU=           more for the command line: other cards (-device ...), NUMA nodes, ...
#   LAB_APPEND=         more for the kernel's command line
set -euo pipefail

lab=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$lab/common.sh"

cards=()
for ((i = 1; i <= ${LAB_CARDS:-2}; i++)); do
    # A root port of its own makes the bus number, and so the name, depend on nothing else.
    cards+=(-device "pcie-root-port,bus=pcie.0,id=rp$i,chassis=$i,slot=$i"
            -device "igb,bus=rp$i,id=igb$i,netdev=net$i" -netdev "hubport,id=net$i,hubid=0")
done
cards+=(-device "pxb-pcie,bus=pcie.0,id=far,bus_nr=64,numa_node=1")
for i in 65 66; do
    case $i in 66) without_acs=on ;; *) without_acs=off ;; esac
    cards+=(-device "pcie-root-port,bus=far,id=rp$i,chassis=$i,slot=$i,disable-acs=$without_acs"
            -device "igb,bus=rp$i,id=igb$i,netdev=net$i" -netdev "hubport,id=net$i,hubid=0")
done
read -ra more <<< "${LAB_QEMU:-}"
memory=${LAB_MEMORY:-4096}
disk=$work/disk.img,snapshot=on
[ -z "${LAB_DISK:-}" ] || disk=$LAB_DISK,snapshot=off

# shellcheck disable=SC2054 # the commas are QEMU's
command=(
    qemu-system-x86_64 -nodefaults -no-user-config -display none -monitor none -no-reboot
    # Everything in software: a hosted CI machine has no /dev/kvm. "max" has what the guests' own TCG likes.
    -accel tcg,thread=multi -cpu max -smp 2 -m "$memory"
    # A node of memory alone, so that the processors stay together.
    -object "memory-backend-ram,id=near,size=$((memory - 512))M" -numa node,nodeid=0,cpus=0-1,memdev=near
    -object memory-backend-ram,id=away,size=512M -numa node,nodeid=1,memdev=away
    # VFIO needs an IOMMU; caching-mode lets the emulated one see the maps that the host makes.
    -machine q35,kernel-irqchip=split -device intel-iommu,intremap=on,caching-mode=on
    -kernel "$work/vmlinuz" -initrd "$work/initrd"
    -append "console=ttyS0 quiet panic=-1 intel_iommu=on iommu=pt mitigations=off vfpool.lab=1 tsc=reliable numa_balancing=disable log_buf_len=4M ${LAB_APPEND:-}"
    -drive "file=$disk,if=none,id=disk,format=raw,cache=unsafe" -device virtio-blk-pci,drive=disk
    -fsdev "local,id=host,path=$work/share,security_model=none" -device virtio-9p-pci,fsdev=host,mount_tag=host
    -chardev "file,id=console,path=$work/results/console.log" -serial chardev:console
    -device virtio-serial-pci -chardev stdio,id=lab,signal=off -device virtserialport,chardev=lab,name=lab
    -chardev "pipe,id=monitor,path=$work/monitor" -mon chardev=monitor,mode=control
    -chardev "pipe,id=cable,path=$work/cable" -device virtserialport,chardev=cable,name=monitor
    -device virtio-rng-pci
    "${cards[@]}" "${more[@]}"
)

mkdir -p "$work/share" "$work/results"
# A standard input that never ends: at its end QEMU would take the port's other side for closed, and a write to the
# port, inside, would wait for ever.
rm -f "$work"/{stdin,monitor.in,monitor.out,cable.in,cable.out}
mkfifo "$work"/{stdin,monitor.in,monitor.out}
# What goes into the one comes out of the other.
ln -s monitor.out "$work/cable.in"
ln -s monitor.in "$work/cable.out"
# In the background, so that a signal to this script ends the machine as well, and no run leaves one behind.
timeout -k 10 "${LAB_DEADLINE:-5400}" "${command[@]}" <> "$work/stdin" &
machine=$!
trap 'kill "$machine" 2>/dev/null || true' EXIT
trap 'exit 143' TERM INT HUP
wait "$machine"
