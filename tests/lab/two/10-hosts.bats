#!/usr/bin/env bats
# The two hosts themselves: they see each other, and no VF has the address that it has on the other one.

bats_require_minimum_version 1.5.0
load ../vfpool
load host

setup() { wait_until 600 b_serves; vfpool_ready; on_b vfpool_ready; }
teardown() { vfpool_end; on_b 'BATS_TEST_COMPLETED=1 vfpool_end'; }

@test "each knows the other's name, and libvirt answers by TCP" {
    run_ok ping -c 1 -W 10 lab-b
    [ "$(virsh -q -c qemu+tcp://lab-b/system hostname)" = lab-b ]
    [ "$(on_b 'virsh -q -c qemu+tcp://lab-a/system hostname')" = lab-a ]
    b_ok 'ping -c 1 -W 10 lab-a'
}

@test "no VF of one host has an address that one of the other has, and none its MAC addresses" {
    lab_vf_addresses > /tmp/here
    on_b lab_vf_addresses > /tmp/there
    [ "$(wc -l < /tmp/here)" = 14 ]
    [ "$(wc -l < /tmp/there)" = 14 ]
    [ "$(sort /tmp/here /tmp/there | uniq -d)" = "" ]
    # A bridge has its card's.
    ip -json link | jq -r '.[] | select(.link_type == "ether") | .address' | sort -u > /tmp/here
    on_b "ip -json link | jq -r '.[] | select(.link_type == \"ether\") | .address' | sort -u" > /tmp/there
    [ "$(sort /tmp/here /tmp/there | uniq -d)" = "" ]
}

@test "a pool of the same name on both: another host's XML starts with a VF of this one" {
    pool passthrough enp1s0 enp2s0
    pools_up
    on_b 'pool passthrough enp4s0 enp5s0 && vfpool reconcile'
    lab_define g1 "$(lab_interface passthrough 52:54:00:37:00:01)"
    run_virsh start g1
    is_exact g1
    virsh -q dumpxml --migratable g1 > /tmp/migratable.xml
    grep -q "<source network='passthrough'" /tmp/migratable.xml
    run ! grep "<hostdev\|type='hostdev'" /tmp/migratable.xml
    to_b /tmp/migratable.xml
    run_virsh destroy g1
    b_ok 'virsh -q define /tmp/migratable.xml && virsh -q start g1 && is_exact g1'
}

@test "a disk image and its XML, copied" {
    pool passthrough enp1s0 enp2s0
    pools_up
    on_b 'pool passthrough enp4s0 enp5s0 && vfpool reconcile'
    truncate -s 4M /var/lib/libvirt/images/copied.img
    lab_define g1 "$(lab_interface passthrough)<disk type='file'><driver name='qemu' type='raw'/>
        <source file='/var/lib/libvirt/images/copied.img'/><target dev='vda' bus='virtio'/></disk>"
    run_virsh start g1
    is_exact g1
    run_virsh destroy g1
    virsh -q dumpxml g1 > /tmp/copied.xml
    to_b /tmp/copied.xml
    to_b /var/lib/libvirt/images/copied.img
    b_ok 'virsh -q define /tmp/copied.xml && virsh -q start g1 && is_exact g1'
}

@test "virt-install --network network=passthrough, the same command on both" {
    local install="virt-install --name new --memory 32 --vcpus 1 --virt-type qemu --osinfo linux2022 --pxe --disk none
        --graphics none --noautoconsole --network network=passthrough"
    pool passthrough enp1s0 enp2s0
    pools_up
    on_b 'pool passthrough enp4s0 enp5s0 && vfpool reconcile'
    # shellcheck disable=SC2086 # words
    LAB_COMMAND_TIMEOUT=300 run_ok $install
    is_exact new
    LAB_COMMAND_TIMEOUT=300 b_ok "${install//$'\n'/ } && is_exact new"
}
