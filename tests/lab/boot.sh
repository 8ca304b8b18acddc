#!/bin/bash
# Boots the lab's host from its image, thrown away afterwards, and waits until it has powered off. Inside,
# $work/share is /host, and /host/init runs as PID 1. What it writes to /dev/virtio-ports/lab comes out on stdout;
# its console goes to $work/results/console.log. Exits 124 when the deadline had to end it.
#
#   LAB_DEADLINE=5400   seconds
#   LAB_MEMORY=4096     MB, for the host and all its guests
#   LAB_CARDS=2         igb cards of 7 VFs; inside they are enp1s0, enp2s0, ...
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
read -ra more <<< "${LAB_QEMU:-}"

# shellcheck disable=SC2054 # the commas are QEMU's
command=(
    qemu-system-x86_64 -nodefaults -no-user-config -display none -monitor none -no-reboot
    # Everything in software: a hosted CI machine has no /dev/kvm. "max" has what the guests' own TCG likes.
    -accel tcg,thread=multi -cpu max -smp 2 -m "${LAB_MEMORY:-4096}"
    # VFIO needs an IOMMU; caching-mode lets the emulated one see the maps that the host makes.
    -machine q35,kernel-irqchip=split -device intel-iommu,intremap=on,caching-mode=on
    -kernel "$work/vmlinuz" -initrd "$work/initrd"
    -append "console=ttyS0 quiet panic=-1 intel_iommu=on iommu=pt mitigations=off vfpool.lab=1 tsc=reliable ${LAB_APPEND:-}"
    -drive "file=$work/disk.img,if=none,id=disk,format=raw,snapshot=on,cache=unsafe" -device virtio-blk-pci,drive=disk
    -fsdev "local,id=host,path=$work/share,security_model=none" -device virtio-9p-pci,fsdev=host,mount_tag=host
    -chardev "file,id=console,path=$work/results/console.log" -serial chardev:console
    -device virtio-serial-pci -chardev stdio,id=lab,signal=off -device virtserialport,chardev=lab,name=lab
    -device virtio-rng-pci
    "${cards[@]}" "${more[@]}"
)

mkdir -p "$work/share" "$work/results"
# A standard input that never ends: at its end QEMU would take the port's other side for closed, and a write to the
# port, inside, would wait for ever.
rm -f "$work/stdin"
mkfifo "$work/stdin"
# In the background, so that a signal to this script ends the machine as well, and no run leaves one behind.
timeout -k 10 "${LAB_DEADLINE:-5400}" "${command[@]}" <> "$work/stdin" &
machine=$!
trap 'kill "$machine" 2>/dev/null || true' EXIT
trap 'exit 143' TERM INT HUP
wait "$machine"
