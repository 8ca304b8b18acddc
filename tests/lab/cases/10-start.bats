#!/usr/bin/env bats
# A guest's start and stop, and starts that cannot be: the VF that vfpool claimed is the one that the guest has.

load ../vfpool

setup() { vfpool_ready; }
teardown() { vfpool_end; }

# The bytes of a start: where claim, live XML and card must agree.
persistent_is_abstract() {
    run_virsh dumpxml --inactive "$1"
    [[ $output == *"<source network='$2'"* ]]
    [[ $output != *hostdev* ]]
}

# bats test_tags=short
@test "a guest starts with the VF that was claimed, and gives it back" {
    pool passthrough enp1s0 enp2s0
    pools_up
    ports_are_right passthrough
    lab_define g1 "$(lab_interface passthrough 52:54:00:11:22:33 "<vlan><tag id='42'/></vlan>")"

    run_virsh start g1
    is_exact g1
    # daemon_is_helper() rests on it.
    grep -qx $'PPid:\t1' "/proc/$(cat /run/libvirt/qemu/g1.pid)/status"
    vf=$(live_vfs g1)
    [ "$(vf_driver "$vf")" = vfio-pci ]
    # shellcheck disable=SC2046 # two words
    [ "$(vf_mac_vlan $(vf_of "$vf"))" = "52:54:00:11:22:33 42" ]
    [ "$(owner_of passthrough "$vf")" = g1 ]
    ports_are_right passthrough "$vf"
    persistent_is_abstract g1 passthrough
    run_ok vfpool status --wide
    says g1
    says 52:54:00:11:22:33

    run_virsh destroy g1
    ports_are_right passthrough
    [ -z "$(ledger)" ]
    vf_has_driver "$vf" none
    # shellcheck disable=SC2046 # two words
    [[ $(vf_mac_vlan $(vf_of "$vf")) == *" 0" ]]
}

@test "what transform prints is what start does" {
    pool passthrough enp1s0 enp2s0
    pools_up
    lab_define g1 "$(lab_interface passthrough)$(lab_interface passthrough)"
    virsh -q dumpxml g1 | vfpool transform - | xsltproc "$lab_dir/addresses.xsl" - > /tmp/predicted
    [ "$(wc -l < /tmp/predicted)" = 2 ]
    run_virsh start g1
    [ "$(live_vfs g1)" = "$(cat /tmp/predicted)" ]
    is_exact g1
}

# Each child of an interface that libvirt's schema has, as this host's libvirt has it, with an example; or what transform
# refuses, as libvirt does once the guest has its VF. MAC address and source each of these interfaces has.
children() {
    cat << 'CHILDREN'
acpi|<acpi index='3'/>
address|<address type='pci' domain='0x0000' bus='0x00' slot='0x10' function='0x0'/>
alias|<alias name='ua-one'/>
backend|<backend vhost='/dev/vhost-net'/>
backenddomain|<backenddomain name='other'/>
bandwidth|refused <bandwidth><inbound average='1000'/></bandwidth>
boot|<boot order='1'/>
coalesce|<coalesce><rx><frames max='7'/></rx></coalesce>
downscript|<downscript path='/bin/true'/>
driver|<driver name='vhost' rx_queue_size='512'><host csum='off'/><guest csum='off'/></driver>
filterref|refused <filterref filter='clean-traffic'/>
guest|<guest dev='eth0'/>
ip|<ip address='192.0.2.1' prefix='24'/>
link|<link state='up'/>
mac|
model|<model type='virtio'/>
mtu|<mtu size='9000'/>
port|refused <port isolated='yes'/>
portForward|<portForward proto='tcp'><range start='80'/></portForward>
rom|<rom bar='off'/>
route|<route address='192.0.2.0' prefix='24' gateway='192.0.2.1'/>
script|<script path='/bin/true'/>
source|
target|<target dev='vnet7'/>
teaming|<teaming type='persistent'/>
tune|<tune><sndbuf>1600</sndbuf></tune>
virtualport|<virtualport type='802.1Qbh'><parameters profileid='finance'/></virtualport>
vlan|<vlan><tag id='42'/></vlan>
CHILDREN
}

# A VF takes no profile of 802.1Qbh (which igb's do not have), and it refuses a VLAN: that one is only defined.
@test "what transform makes of an interface with every child that there is starts" {
    local name child all=
    pool passthrough enp1s0
    pools_up
    run diff <(xsltproc "$lab_dir/children.xsl" /usr/share/libvirt/schemas/domaincommon.rng | sort -u) <(children | cut -d'|' -f1 | sort)
    [ -z "$output" ]
    while IFS='|' read -r name child; do
        lab_guest g1 "$(lab_interface passthrough 52:54:00:00:10:01 "${child#refused }")" > /tmp/g1.xml
        if [[ $child == refused* ]]; then
            run_fail vfpool transform /tmp/g1.xml
            says "$name"
            continue
        fi
        vfpool transform /tmp/g1.xml > /tmp/made.xml
        run_virsh define /tmp/made.xml
        run_virsh undefine g1
        [ "$name" = virtualport ] || all+=$child
    done < <(children)
    lab_guest g1 "$(lab_interface passthrough 52:54:00:00:10:01 "$all")" > /tmp/g1.xml
    vfpool transform /tmp/g1.xml > /tmp/made.xml
    run_virsh create /tmp/made.xml
    [ "$(live_vfs g1)" = "$(claimed_vfs g1)" ]
    run_virsh destroy g1
}

@test "three interfaces, on two pools, one in a portgroup" {
    pool_more="<portgroup name='blue'><vlan><tag id='7'/></vlan></portgroup>" pool one enp1s0
    pool two enp2s0
    pools_up
    lab_define g1 "$(lab_interface one 52:54:00:00:00:11 | sed "s/network='one'/network='one' portgroup='blue'/")
        $(lab_interface two 52:54:00:00:00:12)$(lab_interface one 52:54:00:00:00:13)"
    run_virsh start g1
    is_exact g1
    mapfile -t vfs < <(live_vfs g1)
    [ "${#vfs[@]}" = 3 ]
    # shellcheck disable=SC2046 # two words
    {
        [ "$(vf_mac_vlan $(vf_of "${vfs[0]}"))" = "52:54:00:00:00:11 7" ]
        [ "$(vf_mac_vlan $(vf_of "${vfs[1]}"))" = "52:54:00:00:00:12 0" ]
        [ "$(vf_mac_vlan $(vf_of "${vfs[2]}"))" = "52:54:00:00:00:13 0" ]
    }
    [[ $(vf_of "${vfs[0]}") == "enp1s0 "* ]]
    [[ $(vf_of "${vfs[1]}") == "enp2s0 "* ]]
    ports_are_right one "${vfs[0]}" "${vfs[2]}"
    ports_are_right two "${vfs[1]}"
    # By the MAC that the ledger has for each VF, too.
    for i in 0 1 2; do
        vfpool status --format json | jq -e --arg vf "${vfs[$i]}" --arg mac "52:54:00:00:00:1$((i + 1))" \
            '[.pools[].vfs[] | select(.address == $vf and .mac == $mac)] | length == 1'
    done
}

@test "a pool that is used up says who has its VFs" {
    lab_vfs 2 enp1s0
    pool passthrough enp1s0
    pools_up
    mapfile -t vfs < <(lab_vf_addresses enp1s0)
    lab_define g1 "$(lab_interface passthrough)"
    lab_define g2 "$(lab_interface passthrough)"
    lab_define g3 "$(lab_interface passthrough)"
    lab_define both "$(lab_interface passthrough)$(lab_interface passthrough)"
    run_virsh start g1
    # All interfaces or none.
    run_virsh_fail start both
    says "has no free VF for interface 2 of guest 'both'"
    ports_are_right passthrough "$(live_vfs g1)"
    run_virsh start g2
    run_virsh_fail start g3
    says "pool 'passthrough' has no free VF for interface 1 of guest 'g3'"
    for guest in g1 g2; do says "$(live_vfs "$guest") is held by guest '$guest'"; done
    is_exact g1
    is_exact g2
    run_virsh destroy g1
    run_virsh start g3
    is_exact g3
    [ "$(live_vfs g3) $(live_vfs g2)" = "${vfs[*]}" ]
}

@test "a PF that is down is passed over, and named where no other is left" {
    pool passthrough enp1s0 enp2s0
    pools_up
    lab_define g1 "$(lab_interface passthrough)"
    lab_define g2 "$(lab_interface passthrough)"
    ip link set enp1s0 down
    run_virsh start g1
    is_exact g1
    [[ $(vf_of "$(live_vfs g1)") == "enp2s0 "* ]]
    run_ok vfpool status
    says "PF enp1s0 is down"
    ip link set enp2s0 down
    run_virsh_fail start g2
    says "PF enp1s0 is down: ip link set enp1s0 up"
    says "$(live_vfs g1) is held by guest 'g1'"
    ip link set enp1s0 up
    wait_until 30 lab_carrier enp1s0
    run_virsh start g2
    is_exact g2
    ip link set enp2s0 up
}

# static_device ADDRESS KIND: a <hostdev> or an <interface type='hostdev'>
static_device() {
    local a=$1 source
    source="<source><address type='pci' domain='0x${a:0:4}' bus='0x${a:5:2}' slot='0x${a:8:2}' function='0x${a:11:1}'/></source>"
    source=${source/ type=\'pci\'/$([ "$2" = hostdev ] || echo " type='pci'")}
    if [ "$2" = hostdev ]; then
        echo "<hostdev mode='subsystem' type='pci' managed='yes'>$source</hostdev>"
    else
        echo "<interface type='hostdev' managed='yes'>$source</interface>"
    fi
}

# bats test_tags=short,ends,oldest
@test "a guest that names a VF of the pool has it, or is told who has" {
    pool passthrough enp1s0 enp2s0
    pools_up
    first=$(lab_vf_addresses enp1s0 | head -n 1)
    second=$(lab_vf_addresses enp1s0 | sed -n 2p)
    lab_define fixed "$(static_device "$first" hostdev)"
    lab_define fixed2 "$(static_device "$second" interface)"
    lab_define g1 "$(lab_interface passthrough)"
    # It comes first: the pool does not give its VF to anybody else.
    run_virsh start fixed
    run ledger
    [ "$output" = "$first held fixed" ]
    run_virsh start g1
    is_exact g1
    [ "$(live_vfs g1)" != "$first" ]
    run_virsh destroy fixed
    run_virsh destroy g1
    # It comes second: the line says who has its VF.
    run_virsh start g1
    vf=$(live_vfs g1)
    [ "$vf" = "$first" ]
    run_virsh_fail start fixed
    says "guest 'fixed' asks for a VF of pool 'passthrough' by its address, and $first is held by guest 'g1'"
    is_exact g1
    run_virsh start fixed2
    is_exact fixed2
    [ "$(live_vfs fixed2)" = "$second" ]
}

# bats test_tags=short
@test "a start that fails after prepare leaves nothing" {
    pool passthrough enp1s0 enp2s0
    pools_up
    lab_guest g1 "$(lab_interface passthrough)" |
        sed -e "s|<domain type='qemu'>|<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>|" \
            -e "s|</domain>|<qemu:commandline><qemu:arg value='-no-such-option'/></qemu:commandline></domain>|" > /tmp/g1.xml
    run_virsh define /tmp/g1.xml
    run_virsh_fail start g1
    says no-such-option
    nothing_left
    # Before QEMU: a device that is not there.
    lab_define g2 "$(lab_interface passthrough)<hostdev mode='subsystem' type='pci' managed='yes'><source>
        <address domain='0x0000' bus='0x7f' slot='0x00' function='0x0'/></source></hostdev>"
    run_virsh_fail start g2
    nothing_left
    # And the next one starts.
    lab_define g3 "$(lab_interface passthrough)"
    run_virsh start g3
    is_exact g3
}
