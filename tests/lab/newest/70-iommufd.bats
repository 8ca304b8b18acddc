#!/usr/bin/env bats
# VFs that QEMU has open by iommufd, and not by their group: libvirt 12.2 and later, with LAB_LIBVIRT=backports.

load ../vfpool

setup() {
    vfpool_ready
    modprobe iommufd
    pool passthrough enp1s0
    pools_up
}
teardown() { vfpool_end; }

# iommufd_guest NAME: all its host devices are by iommufd
iommufd_guest() {
    lab_guest "$1" "$(lab_interface passthrough)" | sed "s,</features>,</features><iommufd enabled='yes'/>," > "/tmp/$1.xml"
    run_virsh define "/tmp/$1.xml"
    run_virsh start "$1"
}
# opened GUEST: what its QEMU has open of VFIO
opened() {
    find "/proc/$(cat "/run/libvirt/qemu/$1.pid")/fd" -lname '/dev/vfio/*' -printf '%l\n' | sort -u
}
reason() { vfpool status --format json | jq -r --arg vf "$1" '.pools[].vfs[] | select(.address == $vf) | .reason // empty'; }

@test "a VF that QEMU has open by iommufd is in use, and said so, whatever the ledger and libvirt's ports say" {
    local vf pid
    iommufd_guest g1
    vf=$(live_vfs g1)
    pid=$(cat /run/libvirt/qemu/g1.pid)
    [ "$(claimed_vfs g1)" = "$vf" ]
    run_ok opened g1
    says "/dev/vfio/devices/vfio"
    [[ $output != */dev/vfio/[0-9]* ]]
    # Its port is taken away beneath it: it keeps its claim.
    run_virsh net-port-delete passthrough "$(ports passthrough | awk '$2 == "g1" { print $1 }')"
    [ "$(claimed_vfs g1)" = "$vf" ]
    # Even where the ledger knows nothing.
    rm -rf /run/vfpool/guests /run/vfpool/vfs
    [[ $(reason "$vf") == *"is in use by process $pid" ]]
    run_ok vfpool reconcile
    says "claimed the VFs that running guest 'g1' has"
    [ "$(claimed_vfs g1)" = "$vf" ]
    # And the next guest gets another one.
    iommufd_guest g2
    [ "$(live_vfs g2)" != "$vf" ]
    [ "$(claimed_vfs g2)" = "$(live_vfs g2)" ]
}
