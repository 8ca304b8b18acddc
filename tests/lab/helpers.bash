# For the cases, inside the lab's host. A case file says
#   load ../helpers
#   setup() { lab_ready; }
#   teardown() { lab_clean; }
# shellcheck shell=bash

# shellcheck source-path=SCRIPTDIR source=guard.bash
. "$(dirname "${BASH_SOURCE[0]}")/guard.bash" || exit

lab_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_RESULTS=${LAB_RESULTS:-/host/results}
# Nothing a case runs takes longer than this, in emulation; a command that does has hung.
LAB_COMMAND_TIMEOUT=${LAB_COMMAND_TIMEOUT:-60}

# --- time ----------------------------------------------------------------------------------------------------------

lab_uptime() { cut -d' ' -f1 /proc/uptime; }
lab_mark() { printf '%-28s %s s\n' "$1" "$(lab_uptime)" >> "$LAB_RESULTS/times.txt"; }
# A figure for times.txt and the output: seconds between two uptimes.
lab_took() { awk -v what="$1" -v a="$2" -v b="$3" 'BEGIN { printf "%-28s %.2f s long\n", what, b - a }' >> "$LAB_RESULTS/times.txt"; }

# wait_until SECONDS COMMAND...: polls until the command succeeds; says what it waited for when it never does.
wait_until() {
    local seconds=$1 end
    shift
    end=$((SECONDS + seconds))
    until "$@" > /dev/null 2>&1 3>&-; do
        if ((SECONDS >= end)); then
            echo "still not so after $seconds s: $*" >&2
            return 1
        fi
        # The poll's step: a read that times out, where sleep would be one more process.
        read -rt 0.05 _ <> <(:) || true
    done
}

# --- commands: run_*, with the exit code that is expected ------------------------------------------------------------

# run_status CODE COMMAND...: bats' run, within a deadline, logged; fails unless the exit code is CODE ("+": any but 0).
# A command killed by the deadline never is what was expected.
run_status() {
    local expected=$1
    shift
    echo "\$ $*"
    run timeout -k 5 "$LAB_COMMAND_TIMEOUT" "$@" 3>&-
    [ -z "$output" ] || printf '%s\n' "$output"
    # shellcheck disable=SC2154 # bats' run sets status and output
    if [ "$status" = 124 ] || [ "$status" = 137 ]; then
        echo "# ended by the deadline of $LAB_COMMAND_TIMEOUT s"
        return 1
    fi
    case $expected in
    +) [ "$status" != 0 ] ;;
    *) [ "$status" = "$expected" ] ;;
    esac || { echo "# exit code $status, expected $expected"; return 1; }
}
run_ok() { run_status 0 "$@"; }
run_fail() { run_status + "$@"; }
run_virsh() { run_status 0 virsh -q "$@"; }
run_virsh_fail() { run_status 1 virsh -q "$@"; }

# --- cards -----------------------------------------------------------------------------------------------------------

# Those on the other host bridge (boot.sh) are left to the cases that are about them.
lab_pfs() {
    local file
    for file in /sys/class/net/enp?s0/device/sriov_totalvfs; do
        file=${file%/device/sriov_totalvfs}
        [ ! -e "$file" ] || echo "${file##*/}"
    done
}

# lab_vfs N [PF...]: brings the PFs (all) up with N VFs each. libvirt does not start a guest on a PF that is down.
# The VFs get no driver of the host, as an administrator of a pool would have it; LAB_VF_PROBE=1 gives them igbvf,
# which costs two seconds for each VF, here and whenever a guest gives one back (the emulated PF answers late).
lab_vfs() {
    local number=$1 pf file pfs
    shift
    if [ $# -gt 0 ]; then pfs=("$@"); else mapfile -t pfs < <(lab_pfs); fi
    for pf in "${pfs[@]}"; do
        file=/sys/class/net/$pf/device/sriov_numvfs
        ip link set "$pf" up || return
        if [ "$(cat "$file") $(cat "${file%/*}/sriov_drivers_autoprobe")" != "$number ${LAB_VF_PROBE:-0}" ]; then
            echo 0 > "$file"
            echo "${LAB_VF_PROBE:-0}" > "${file%/*}/sriov_drivers_autoprobe"
            echo "$number" > "$file" || return
        fi
    done
    udevadm settle --timeout=60
    for pf in "${pfs[@]}"; do wait_until 30 lab_carrier "$pf" || return; done
}
lab_carrier() { [ "$(cat "/sys/class/net/$1/operstate")" = up ]; }

# lab_cable PF true|false: plugs the cable in, or pulls it; libvirt's "PF is not online" is another thing.
lab_cable() {
    local number=${1#enp} wanted=1
    [ "$2" = true ] || wanted=0
    printf '{"execute": "qmp_capabilities"}\n{"execute": "set_link", "arguments": {"name": "net%s", "up": %s}}\n' \
        "${number%s0}" "$2" > /dev/virtio-ports/monitor
    wait_until 30 lab_carrier_is "$1" "$wanted"
}
lab_carrier_is() { [ "$(cat "/sys/class/net/$1/carrier")" = "$2" ]; }

# The addresses of the VFs of PF..., of all PFs without one, in the kernel's order.
lab_vf_addresses() {
    local pf i pfs links=()
    if [ $# -gt 0 ]; then pfs=("$@"); else mapfile -t pfs < <(lab_pfs); fi
    for pf in "${pfs[@]}"; do
        for ((i = 0; ; i++)); do
            [ -e "/sys/class/net/$pf/device/virtfn$i" ] || break
            links+=("/sys/class/net/$pf/device/virtfn$i")
        done
    done
    [ ${#links[@]} = 0 ] || readlink "${links[@]}" | sed 's|.*/||'
}
# The driver that a VF has, "none" without one.
vf_driver() {
    local driver
    driver=$(readlink "/sys/bus/pci/devices/$1/driver") || driver=none
    echo "${driver##*/}"
}
vf_has_driver() { [ "$(vf_driver "$1")" = "$2" ]; }
# ADDRESS -> "PF N"
vf_of() {
    local pf link
    for pf in $(lab_pfs); do
        for link in "/sys/class/net/$pf/device"/virtfn*; do
            if [ "$link" -ef "/sys/bus/pci/devices/$1" ]; then echo "$pf ${link##*/virtfn}"; return; fi
        done
    done
    return 1
}
# vf_mac_vlan PF N: "MAC VLAN" as the PF was told; VLAN 0 is none.
vf_mac_vlan() {
    ip -json link show dev "$1" |
        jq -er --argjson vf "$2" '.[0].vfinfo_list[] | select(.vf == $vf) | "\(.address) \(.vlan_list[0].vlan // 0)"'
}

# --- libvirtd --------------------------------------------------------------------------------------------------------

# The daemons of this libvirt: the first one has the guests and calls the qemu hook, the last one has the networks. A
# modular one (DAEMONS=modular, modular.sh) is called libvirtd here as well: started, ended, reloaded as a whole.
case ${DAEMONS:-} in
modular)
    lab_daemons=(virtqemud virtproxyd virtnodedevd virtnetworkd)
    # Debian's virsh, which knows no other libvirt, would go to virtproxyd.
    export LIBVIRT_DEFAULT_URI=qemu:///system
    ;;
*) lab_daemons=(libvirtd) ;;
esac
# Two hosts call each other's libvirt, by TCP without a key, which nobody else can reach.
lab_daemon_options=()
[ -z "${LAB_HOST:-}" ] || lab_daemon_options=(--listen)
lab_config=/etc/libvirt/${lab_daemons[0]}.conf

daemon_pid() { cat "/run/$1.pid" 2>/dev/null; }
daemon_runs() { [ "$(cat "/proc/$(daemon_pid "$1")/comm" 2>/dev/null)" = "$1" ]; }
libvirtd_pid() { daemon_pid "${lab_daemons[0]}"; }
networks_pid() { daemon_pid "${lab_daemons[-1]}"; }
libvirtd_answers() { timeout 10 virsh -q 'list; net-list'; }
libvirtd_gone() { ! kill -0 "$1"; }

# Closes all descriptors but the three, in a subshell.
keep_standard() {
    local fd
    for fd in /proc/self/fd/*; do
        fd=${fd##*/}
        if [ "$fd" -gt 2 ]; then eval "exec $fd>&-"; fi
    done
}
# detached COMMAND...: with no descriptor of bats', which would wait at its end for whoever has one (bats 1.8 has more
# than fd 3 in a teardown).
detached() (
    keep_standard
    exec "$@" < /dev/null >> /var/log/libvirt/start.log 2>&1
)
lab_libvirtd_start() {
    local i
    daemon_runs virtlogd || detached virtlogd -d || return
    # Who needs another one comes after it.
    for ((i = ${#lab_daemons[@]} - 1; i >= 0; i--)); do
        daemon_runs "${lab_daemons[$i]}" || detached "${lab_daemons[$i]}" -d "${lab_daemon_options[@]}" || return
    done
    # The first start of an image asks the emulator what it can do, half a minute here.
    wait_until 120 libvirtd_answers
}
lab_libvirtd_end() {
    local daemon pid pids=()
    for daemon in "${lab_daemons[@]}"; do
        if pid=$(daemon_pid "$daemon") && kill "-$1" "$pid" 2>/dev/null; then pids+=("$pid"); fi
    done
    for pid in "${pids[@]}"; do wait_until 60 libvirtd_gone "$pid" || return; done
}
lab_libvirtd_stop() { lab_libvirtd_end TERM; }
lab_libvirtd_kill9() { lab_libvirtd_end KILL; }
# For one that hangs, with whatever hooks it waits for. Guests are not its children.
lab_libvirtd_again() {
    local daemon pid
    for daemon in "${lab_daemons[@]}"; do
        if pid=$(daemon_pid "$daemon"); then pkill -KILL -P "$pid" || true; fi
    done
    lab_libvirtd_kill9 && lab_libvirtd_start
}
lab_libvirtd_restart() { lab_libvirtd_stop && lab_libvirtd_start; }

# --- guests and networks -----------------------------------------------------------------------------------------------

# lab_guest NAME INTERFACES: a guest's XML. No disk: its firmware keeps it running, and that is all the pool needs. The
# IOMMU is told of each of its pages: with 64 MiB in place of 16, a start takes a second longer.
lab_guest() {
    cat << XML
<domain type='qemu'>
  <name>$1</name><memory unit='MiB'>${guest_memory:-16}</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
    $2
    <memballoon model='none'/>
  </devices>
</domain>
XML
}
# lab_interface NETWORK [MAC [MORE]]: one interface's XML; MORE is <vlan>, <virtualport>, ...
lab_interface() {
    local mac=
    [ -z "${2:-}" ] || mac="<mac address='$2'/>"
    echo "<interface type='network'><source network='$1'/>$mac${3:-}</interface>"
}
lab_define() {
    lab_guest "$1" "$2" > "/tmp/$1.xml"
    run_virsh define "/tmp/$1.xml"
}
# lab_network XML: defines and starts it.
lab_network() {
    echo "$1" > /tmp/network.xml
    run_virsh net-define /tmp/network.xml
    run_virsh net-start "$(xsltproc_string 'network/name' /tmp/network.xml)"
}
xsltproc_string() { xmllint --xpath "string(/$1)" "$2"; }

# The addresses of a running guest's VFs.
live_vfs() { virsh -q dumpxml "$1" | xsltproc "$lab_dir/addresses.xsl" -; }
# A network's ports: "UUID OWNER ADDRESS" a line. One virsh for all: each costs a process and a connection.
ports() {
    local network=$1 commands
    commands=$(virsh -q net-port-list "$network" | awk -v n="$network" '{ printf "net-port-dumpxml %s %s; ", n, $1 }')
    [ -n "$commands" ] || return 0
    { echo '<ports>'; virsh -q "$commands"; echo '</ports>'; } | xsltproc "$lab_dir/addresses.xsl" -
}

# For setup: whatever an earlier case left (bats may not get through the teardown of one that it had to kill), two PFs
# with 7 VFs each, a libvirtd that answers, no guests, no networks.
lab_ready() {
    # What bats does before each command, to know which one failed, costs more than the commands (inside.sh).
    [ -z "${UNTRACED:-}" ] || trap - DEBUG
    lab_clean
    lab_vfs 7
    lab_unbind
}
# A VF that libvirtd had bound for a guest when it was killed stays so: chosen last, for good reasons, in later cases.
lab_unbind() {
    local device vf
    for device in /sys/bus/pci/drivers/vfio-pci/*:*; do
        [ -e "$device/physfn" ] || continue
        vf=${device##*/}
        echo > "/sys/bus/pci/devices/$vf/driver_override"
        echo "$vf" > /sys/bus/pci/drivers/vfio-pci/unbind
    done
}
# For teardown: no guests, no networks; and when libvirtd hangs, as after a case that the deadline ended, another one.
lab_clean() { lab_clean_once || { lab_libvirtd_again && lab_clean_once; }; }
# The first call that fails ends it: each of the others would wait as long.
lab_clean_once() {
    local name try=(timeout 20 virsh -q)
    # Both lists in one process: this runs twice for each case.
    "${try[@]}" 'list --all --name; net-list --all --name' > /tmp/lab-left || return
    [ -n "$(tr -d '[:space:]' < /tmp/lab-left)" ] || return 0
    for name in $("${try[@]}" list --name); do "${try[@]}" destroy "$name" || return; done
    for name in $("${try[@]}" list --all --name); do "${try[@]}" undefine --managed-save "$name" || return; done
    for name in $("${try[@]}" net-list --name); do "${try[@]}" net-destroy "$name" || return; done
    for name in $("${try[@]}" net-list --all --name); do "${try[@]}" net-undefine "$name" || return; done
}
