# What the host of the cases here was before it booted: two pools, with guests that start with it. Sourced by reboot.sh,
# after vfpool.bash.
# shellcheck shell=bash

# libvirt's units: that of the guests, that of the networks, those that are enabled, and all. Sockets activate what does
# not start guests.
guests_unit=${lab_daemons[0]}.service
networks_unit=${lab_daemons[-1]}.service
libvirt_enabled=("$guests_unit")
for daemon in "${lab_daemons[@]}"; do libvirt_enabled+=("$daemon"{,-ro,-admin}.socket); done
libvirt_units=("${libvirt_enabled[@]}" "${lab_daemons[@]/%/.service}")

# boot_pool NAME PF NUMBER [ATTRIBUTES [ELEMENTS]]: its file. The VFs of the second pool get the host's driver, as by default.
boot_pool() {
    echo "<network><name>$1</name><forward mode='hostdev' managed='yes'><pf dev='$2' up='yes'><vf num='$3' ${4-}/>${5-}</pf></forward></network>" \
        > "/etc/vfpool/$1.xml"
}

before_boot() {
    lab_vfs 5 enp1s0
    lab_vfs 3 enp2s0
    boot_pool passthrough enp1s0 5 "autoprobe='no'" "<reserve vfs='4' guest='g3'/>"
    boot_pool second enp2s0 3
    vfpool reconcile
    lab_guest g1 "$(lab_interface passthrough)" > /tmp/g1.xml
    lab_guest g2 "$(lab_interface passthrough)$(lab_interface second)" > /tmp/g2.xml
    lab_guest g3 "$(lab_interface passthrough)" > /tmp/g3.xml
    for guest in g1 g2 g3; do
        virsh -q define "/tmp/$guest.xml"
        virsh -q autostart "$guest"
    done
}
