# What the host of the cases here was before it booted: two pools, with guests that start with it. Sourced by reboot.sh.
# shellcheck shell=bash

# boot_pool NAME PF NUMBER [ATTRIBUTES]: its file. The VFs of the second pool get the host's driver, as by default.
boot_pool() {
    echo "<network><name>$1</name><forward mode='hostdev' managed='yes'><pf dev='$2' up='yes'><vf num='$3' ${4-}/></pf></forward></network>" \
        > "/etc/vfpool/$1.xml"
}

before_boot() {
    lab_vfs 5 enp1s0
    lab_vfs 3 enp2s0
    boot_pool passthrough enp1s0 5 "autoprobe='no'"
    boot_pool second enp2s0 3
    vfpool reconcile
    lab_guest g1 "$(lab_interface passthrough)" > /tmp/g1.xml
    lab_guest g2 "$(lab_interface passthrough)$(lab_interface second)" > /tmp/g2.xml
    virsh -q define /tmp/g1.xml
    virsh -q define /tmp/g2.xml
    virsh -q autostart g1
    virsh -q autostart g2
}
