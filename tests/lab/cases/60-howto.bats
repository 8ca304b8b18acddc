#!/usr/bin/env bats
# The pages of docs/howto, word for word (that of settings is 18-set's): each command between ```sh and ``` is run as it stands, in their order, and what the
# page promises is looked at.

load ../vfpool

BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-400}

setup() {
    vfpool_ready
    lab_vfs 7
}
teardown() { vfpool_end; }

# web XML: the guest that each page speaks of, with room for what is plugged in
web() {
    local i ports=''
    for ((i = 1; i <= 6; i++)); do ports+="<controller type='pci' index='$i' model='pcie-root-port'/>"; done
    lab_define web "$1$ports"
}

@test "the first pool" {
    web ''
    follow howto/first-pool
    says "chosen: separate='prefer'"
    says "held         web"
    # The same commands in the other language.
    [ "$(commands howto/first-pool)" = "$(commands howto/first-pool.ko)" ]
    [ -z "$(ledger)" ]
}

@test "from libvirt's own pool to vfpool, and back, with a guest that runs" {
    local vf
    lab_network "<network><name>passthrough</name><forward mode='hostdev' managed='yes'><pf dev='enp1s0'/></forward></network>"
    web "$(lab_interface passthrough)"
    run_virsh start web
    vf=$(live_vfs web)
    follow howto/from-libvirt
    says "claimed the VFs that running guest 'web' has"
    # It has run all the time.
    [ "$(live_vfs web)" = "$vf" ]
    [ ! -e /etc/vfpool/passthrough.xml ]
    lab_define second "$(lab_interface passthrough)"
    run_virsh start second
    [ -n "$(live_vfs second)" ]
}

@test "draining a card" {
    pool passthrough enp1s0 enp2s0
    pools_up
    web "$(lab_interface passthrough)"
    run_virsh start web
    [[ $(vf_of "$(live_vfs web)") == "enp1s0 "* ]]
    follow howto/draining
    says "drained PF enp1s0"
    says "undrained PF enp1s0"
    is_exact web
    [[ $(vf_of "$(live_vfs web)") == "enp2s0 "* ]]
}

@test "a bond in the guest" {
    local vf
    web ''
    follow howto/bond
    is_exact web
    [ "$(for vf in $(live_vfs web); do vf_of "$vf"; done | cut -d' ' -f1 | sort | xargs)" = "enp1s0 enp2s0" ]
    vfpool status --long --guest web --format json |
        jq -e '[.pools[].vfs[] | .settings.spoof_check] == [false, false]'
}

@test "VFs near the guest's CPUs" {
    lab_vfs 2 ens65
    web ''
    follow howto/numa
    says "ens65    0  chosen: "
    is_exact web
    run_virsh destroy web
    lab_vfs 0 ens65
}

@test "beside NetworkManager, netplan and systemd" {
    follow howto/network-managers
    [ "$(cat /sys/class/net/enp1s0/device/sriov_drivers_autoprobe)" = 0 ]
}
