# Guests with an operating system: the image's own kernel, and an initrd of busybox. Unlike a firmware, that lets go of a
# device. It says on its serial console that it is up, and then how many network interfaces it has, its lo among them,
# whenever that changes. (Not their MAC addresses: igbvf there comes up with one that it made up.) What joins two of them,
# for a team of virtio and VF, gets the address of lab.address=... on its command line.
#
# shellcheck shell=bash

system_dir=/var/lib/lab-system
# tsc and kvm-clock are of no use in an emulation that is emulated itself: without these it was not up in 200 s.
system_cmdline='console=ttyS0 quiet nokaslr tsc=unstable clocksource=jiffies panic=-1'
# Of 280 s that a boot takes there, 75 unpacked the kernel (build.sh), and 15 went into tests of its ciphers and into what
# keeps users of one processor from each other. Of what is left 27 are the kernel's patching of itself.
system_cmdline+=' mitigations=off cryptomgr.notests'

# The modules that it needs, in the order to load them.
system_modules() {
    local module
    for module in virtio_pci virtio_net igbvf; do
        modprobe -S "$(uname -r)" --show-depends "$module" | awk '$1 == "insmod" { print $2 }'
    done | awk '!seen[$1]++'
}
# Kernel and initrd, once.
system_make() {
    local dir path modules=()
    [ ! -e "$system_dir/initrd" ] || return 0
    dir=$(mktemp -d)
    mkdir -p "$system_dir" "$dir"/{bin,proc,sys,dev,modules}
    cp "$(readlink -f "$(command -v busybox)")" "$dir/bin/busybox"
    mapfile -t modules < <(system_modules)
    for path in "${modules[@]}"; do
        cp "$path" "$dir/modules/"
        # busybox reads plain ones only.
        [[ $path != *.xz ]] || busybox xz -d "$dir/modules/$(basename "$path")"
        echo "/bin/busybox insmod /modules/$(basename "$path" .xz)"
    done > "$dir/load"
    cat > "$dir/init" << 'INIT'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
. /load
echo "lab: up"
for word in $(/bin/busybox cat /proc/cmdline); do
    case $word in lab.address=*) address=${word#*=} ;; esac
done
before=0
while :; do
    for master in /sys/class/net/*/master; do
        [ -n "$address" ] && [ -e "$master" ] || continue
        master=$(/bin/busybox readlink "$master")
        /bin/busybox ip address add "$address/24" dev "${master##*/}"
        /bin/busybox ip link set "${master##*/}" up && address= && echo "lab: has its address"
    done
    set -- /sys/class/net/*
    [ $# = "$before" ] || echo "lab: has $# interfaces"
    before=$#
    /bin/busybox usleep 300000
done
INIT
    chmod 755 "$dir/init"
    (cd "$dir" && find . -print0 | cpio --quiet -0 -o -H newc) > "$system_dir/initrd.new"
    cp /boot/vmlinux "$system_dir/vmlinux"
    mv "$system_dir/initrd.new" "$system_dir/initrd"
    rm -rf "$dir"
}

# system_define NAME DEVICES: it has room for more devices; $system_address is its team's.
system_define() {
    local i ports=''
    for ((i = 1; i <= 6; i++)); do ports+="<controller type='pci' index='$i' model='pcie-root-port'/>"; done
    ports+="<serial type='file'><source path='/tmp/$1.console'/></serial>"
    guest_memory=256 lab_guest "$1" "$2$ports" |
        sed "s|</type>|</type><kernel>$system_dir/vmlinux</kernel><initrd>$system_dir/initrd</initrd><cmdline>$system_cmdline${system_address:+ lab.address=$system_address}</cmdline>|" \
            > "/tmp/$1.xml"
    run_virsh define "/tmp/$1.xml"
}
# system_said NAME TEXT: ever.
system_said() { grep -qaF "lab: $2" "/tmp/$1.console"; }
# system_has NAME COUNT: by what it said last.
system_has() { [[ $(grep -aF 'lab: has' "/tmp/$1.console" | tail -n 1) == "lab: has $2 interfaces"* ]]; }
# system_boot NAME: and waits until it is up.
system_boot() {
    rm -f "/tmp/$1.console"
    run_virsh start "$1"
    wait_until 600 system_said "$1" up
    lab_mark "guest $1 is up"
}
