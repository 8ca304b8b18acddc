#!/bin/bash
# Inside the lab's host, after its cases: makes it a host that is about to boot, for those in booted/. Exits 0 when
# process 1 may become systemd, 1 when no such case is wanted.
#
# The lab's own machine cannot boot twice, as its disk is thrown away. What a boot takes away is taken away here: every
# process, all of /run, the cards' driver and VFs, and what they had been told.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=guard.bash
. "$(dirname "$0")/guard.bash" || exit
cd "$(dirname "$0")/../.."
# shellcheck source-path=SCRIPTDIR source=vfpool.bash
. tests/lab/vfpool.bash
# shellcheck source-path=SCRIPTDIR source=booted/before.bash
. tests/lab/booted/before.bash

[ -z "${LAB_TAGS:-}" ] && [ ! -e /host/script ] || exit 1
storm=
[[ ${TESTS:-} != 95* ]] || storm=1
wanted=
for file in tests/lab/booted/*.bats; do
    # shellcheck disable=SC2053 # TESTS is a pattern
    [[ $(basename "$file" .bats) != ${TESTS:-*} ]] || wanted=1
done
[ -n "$wanted$storm" ] || exit 1

cards_as_new() {
    local pf
    lab_vfs 0
    for pf in $(lab_pfs); do
        echo 1 > "/sys/class/net/$pf/device/sriov_drivers_autoprobe"
        ip link set "$pf" down
    done
    # udev loads it again, after systemd has started: the cards come late.
    modprobe -r igb
}

end_processes() {
    local dir pid
    for dir in /proc/[0-9]*; do
        pid=${dir#/proc/}
        # A thread of the kernel has no program.
        if [ "$pid" = 1 ] || [ "$pid" = $$ ] || ! readlink "$dir/exe" > /dev/null; then continue; fi
        kill -9 "$pid" 2> /dev/null || true
    done
}

units() {
    cat > /etc/systemd/system/lab.service << 'UNIT'
[Unit]
Description=Cases of a host that has booted
After=multi-user.target
[Service]
ExecStart=/host/init booted
StandardOutput=tty
TTYPath=/dev/console
UNIT
    systemctl -q set-default multi-user.target
    systemctl -q add-wants multi-user.target lab.service
    if [ "${DAEMONS:-}" = modular ]; then
        systemctl -q mask libvirtd.service libvirtd{,-ro,-admin}.socket
        systemctl -q enable "${libvirt_enabled[@]}"
    fi
    # As ./install.sh does where systemd runs.
    systemctl -q enable vfpool-boot.service vfpool.service
    # Nobody is there to log in, and a host that has booted for the first time would enable what is there.
    systemctl -q mask serial-getty@ttyS0.service getty@tty1.service
    systemd-machine-id-setup > /dev/null 2>&1
}

# Its guests are to start with it. This boot ends here, with them at work.
if [ -n "$storm" ]; then
    units
    touch /host/results/cuts
    exit 1
fi
vfpool_ready
before_boot
lab_libvirtd_stop
units
cards_as_new
end_processes
find /run -xdev -mindepth 1 -delete
