#!/bin/bash
# Boots the lab's host from its image, thrown away afterwards, and waits until it has powered off. Inside,
# $here/share is /host, and /host/init runs as PID 1. What it writes to /dev/virtio-ports/lab comes out on stdout;
# its console goes to $here/results/console.log. Exits 124 when the deadline had to end it.
#
#   LAB_DEADLINE=5400   seconds
#   LAB_MEMORY=4096     MB, for the host and all its guests
#   LAB_DISK=FILE       its disk, in place of the image; what is written there stays
#   LAB_CARDS=2         igb cards of 7 VFs; inside they are enp1s0, enp2s0, ...
#   LAB_FIRST=1         the bus of the first one
#   LAB_WIRE=           see below
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

first=${LAB_FIRST:-1}
cards=()
for ((i = 1; i < first + ${LAB_CARDS:-2}; i++)); do
    # A root port of its own makes the bus number, and so the name, depend on nothing else.
    cards+=(-device "pcie-root-port,bus=pcie.0,id=rp$i,chassis=$i,slot=$i")
    # Two hosts must not have the same MAC addresses.
    ((i < first)) || cards+=(-device "igb,bus=rp$i,id=igb$i,netdev=net$i${LAB_WIRE:+,mac=52:54:00:1a:00:0$i}" -netdev "hubport,id=net$i,hubid=0")
done
cards+=(-device "pxb-pcie,bus=pcie.0,id=far,bus_nr=64,numa_node=1")
for i in 65 66; do
    case $i in 66) without_acs=on ;; *) without_acs=off ;; esac
    cards+=(-device "pcie-root-port,bus=far,id=rp$i,chassis=$i,slot=$i,disable-acs=$without_acs"
            -device "igb,bus=rp$i,id=igb$i,netdev=net$i${LAB_WIRE:+,mac=52:54:00:1a:0$first:$i}" -netdev "hubport,id=net$i,hubid=0")
done
# LAB_WIRE="OURS THEIRS": to another host, by UDP from our port of 127.0.0.1 to theirs; and a plain network card, which is
# on it, as all cards are.
if [ -n "${LAB_WIRE:-}" ]; then
    wire=local.type=inet,local.host=127.0.0.1,local.port=${LAB_WIRE% *},remote.type=inet,remote.host=127.0.0.1,remote.port=${LAB_WIRE#* }
    cards+=(-netdev "dgram,id=wire,$wire" -netdev "hubport,id=wired,hubid=0,netdev=wire"
            -netdev "hubport,id=lan,hubid=0" -device "virtio-net-pci,bus=pcie.0,netdev=lan,mac=52:54:00:1a:ff:0$first")
fi
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
    -kernel "$work/vmlinux" -initrd "$work/initrd"
    -append "console=ttyS0 quiet panic=-1 intel_iommu=on iommu=pt mitigations=off vfpool.lab=1 tsc=reliable numa_balancing=disable log_buf_len=4M ${LAB_APPEND:-}"
    -drive "file=$disk,if=none,id=disk,format=raw,cache=unsafe" -device virtio-blk-pci,drive=disk
    -fsdev "local,id=host,path=$here/share,security_model=none" -device virtio-9p-pci,fsdev=host,mount_tag=host
    -chardev "file,id=console,path=$here/results/console.log" -serial chardev:console
    -device virtio-serial-pci -chardev stdio,id=lab,signal=off -device virtserialport,chardev=lab,name=lab
    -chardev "pipe,id=monitor,path=$here/monitor" -mon chardev=monitor,mode=control
    -chardev "pipe,id=cable,path=$here/cable" -device virtserialport,chardev=cable,name=monitor
    -device virtio-rng-pci
    "${cards[@]}" "${more[@]}"
)

mkdir -p "$here/share" "$here/results"
# A standard input that never ends: at its end QEMU would take the port's other side for closed, and a write to the
# port, inside, would wait for ever.
rm -f "$here"/{stdin,monitor.in,monitor.out,cable.in,cable.out}
mkfifo "$here"/{stdin,monitor.in,monitor.out}
# What goes into the one comes out of the other.
ln -s monitor.out "$here/cable.in"
ln -s monitor.in "$here/cable.out"
# In the background, so that a signal to this script ends the machine as well, and no run leaves one behind.
timeout -k 10 "${LAB_DEADLINE:-5400}" "${command[@]}" <> "$here/stdin" &
machine=$!
trap 'kill "$machine" 2>/dev/null || true' EXIT
trap 'exit 143' TERM INT HUP
wait "$machine"
