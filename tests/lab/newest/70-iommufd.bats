#!/usr/bin/env bats
# VFs that are open by iommufd, and not by their group: libvirt 12.2 and later, with LAB_LIBVIRT=backports. By an interface
# of a network libvirt 12.9 cannot yet: it crashes, of its own pool as well (docs/libvirt.md, F57).

load ../vfpool

setup() {
    vfpool_ready
    pool passthrough enp1s0
    pools_up
    vf=0000:01:10.0
}
teardown() { vfpool_end; }

# iommufd_guest NAME: its only interface is of the VF, and by iommufd
iommufd_guest() {
    lab_guest "$1" "<interface type='hostdev' managed='yes'><source>$(address_xml "$vf")</source></interface>" | by_iommufd > "/tmp/$1.xml"
}
by_iommufd() { sed "s,</features>,</features><iommufd enabled='yes'/>,"; }
address_xml() { echo "<address type='pci' domain='0x${1:0:4}' bus='0x${1:5:2}' slot='0x${1:8:2}' function='0x${1:11}'/>"; }
# opened GUEST: what its QEMU has open of VFIO
opened() {
    find "/proc/$(cat "/run/libvirt/qemu/$1.pid")/fd" -lname '/dev/vfio/*' -printf '%l\n' | sort -u
}
reason() { vfpool status --format json | jq -r --arg vf "$1" '.pools[].vfs[] | select(.address == $vf) | .reason // empty'; }

@test "a VF that QEMU has open by iommufd is in use, and said so, whatever the ledger says; the next guest gets another" {
    local pid
    iommufd_guest g1
    run_virsh define /tmp/g1.xml
    run_virsh start g1
    pid=$(cat /run/libvirt/qemu/g1.pid)
    [ "$(live_vfs g1)" = "$vf" ]
    [ "$(claimed_vfs g1)" = "$vf" ]
    [[ $(opened g1) =~ ^/dev/vfio/devices/vfio[0-9]+$ ]]
    # Even where the ledger knows nothing.
    rm -rf /run/vfpool/guests /run/vfpool/vfs
    [[ $(reason "$vf") == *"is in use by process $pid" ]]
    run_ok vfpool reconcile
    says "claimed the VFs that running guest 'g1' has"
    [ "$(claimed_vfs g1)" = "$vf" ]
    lab_define g2 "$(lab_interface passthrough)"
    run_virsh start g2
    [ "$(live_vfs g2)" != "$vf" ]
    [ "$(claimed_vfs g2)" = "$(live_vfs g2)" ]
}

@test "a VF that another program has open by its device file is nobody else's" {
    local device
    echo vfio-pci > "/sys/bus/pci/devices/$vf/driver_override"
    echo "$vf" > /sys/bus/pci/drivers_probe
    device=$(basename "/sys/bus/pci/devices/$vf"/vfio-dev/*)
    exec {open}<> "/dev/vfio/devices/$device"
    [[ $(reason "$vf") == *"is in use by process $BASHPID" ]]
    lab_define g1 "$(lab_interface passthrough)"
    run_virsh start g1
    [ "$(live_vfs g1)" != "$vf" ]
    exec {open}>&-
    run_virsh destroy g1
    echo "$vf" > "/sys/bus/pci/devices/$vf/driver/unbind"
    echo > "/sys/bus/pci/devices/$vf/driver_override"
}

@test "what transform makes of a guest by iommufd starts, by iommufd" {
    lab_guest g1 "$(lab_interface passthrough)" | by_iommufd > /tmp/g1.xml
    run_ok vfpool transform /tmp/g1.xml
    printf '%s\n' "$output" > /tmp/made.xml
    run_virsh define /tmp/made.xml
    run_virsh start g1
    [[ $(opened g1) =~ ^/dev/vfio/devices/vfio[0-9]+$ ]]
    [ "$(claimed_vfs g1)" = "$(live_vfs g1)" ]
}
