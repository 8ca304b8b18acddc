# What the host of the cases here was before it booted: two pools, with guests that start with it. Sourced by reboot.sh.
# shellcheck shell=bash

# libvirt's units: the one with the guests, the one with the networks, and all of them. Those of a modular libvirt are
# activated by their sockets, but for the one that starts guests.
case ${DAEMONS:-} in
modular)
    guests_unit=virtqemud.service networks_unit=virtnetworkd.service
    libvirt_units=(virt{qemu,network,nodedev,proxy}d{,-ro,-admin}.socket virt{qemu,network,nodedev,proxy}d.service)
    libvirt_enabled=(virt{qemu,network,nodedev,proxy}d{,-ro,-admin}.socket virtqemud.service)
    ;;
*)
    guests_unit=libvirtd.service networks_unit=libvirtd.service
    libvirt_units=(libvirtd{,-ro,-admin}.socket libvirtd.service)
    libvirt_enabled=("${libvirt_units[@]}")
    ;;
esac

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
