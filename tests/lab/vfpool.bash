# For the cases of vfpool itself. A case file says
#   load ../vfpool
#   setup() { vfpool_ready; }
#   teardown() { vfpool_end; }
# shellcheck shell=bash

# shellcheck source-path=SCRIPTDIR source=helpers.bash
. "$(dirname "${BASH_SOURCE[0]}")/helpers.bash" || exit

hook=/etc/libvirt/hooks/qemu
network_hook=/etc/libvirt/hooks/network
daemon_hook=/etc/libvirt/hooks/daemon
installed=/usr/libexec/vfpool
installed_hook=$installed/qemu

# lab_ready, the hooks in their places, no pools, nothing in the ledger but that libvirt calls the hooks.
vfpool_ready() {
    lab_ready || return
    rm -f /etc/vfpool/*.xml
    [ ! -e /run/vfpool ] || find /run/vfpool -mindepth 1 -maxdepth 1 ! -name witness -exec rm -rf {} +
    if ! hooks_are_ours || [ ! -e /run/vfpool/witness/daemon ]; then hooks_back; fi
}
hooks_are_ours() {
    local name
    for name in qemu network daemon; do
        cmp -s "/etc/libvirt/hooks/$name" "$installed/$name" && ! [ -e "/etc/libvirt/hooks/$name.d" ] || return
    done
}
# They are in their place, and libvirt has found them.
hooks_back() {
    local name
    for name in qemu network daemon; do
        rm -rf "/etc/libvirt/hooks/$name.d"
        install -m 755 "$installed/$name" "/etc/libvirt/hooks/$name"
    done
    lab_reload
}
hooks_gone() {
    rm -f "$hook" "$network_hook" "$daemon_hook"
    lab_reload
}
# Where a case wrote a script there. libvirt knew that there is a hook, and runs what it finds: nothing to reload, which
# would have a meaning of its own (40-network.bats).
hook_content_back() { install -m 755 "$installed_hook" "$hook"; }
# libvirt looks for its hooks (F17).
lab_reload() {
    kill -HUP "$(libvirtd_pid)"
    # The next call is answered after that: the signal is handled in the daemon's main loop.
    wait_until 20 libvirtd_answers
}
# What must be so after every case, once its guests have stopped: invariant 3 of docs/design.md.
vfpool_end() {
    lab_stop_guests
    local rc=0
    [ -n "${leave_unchecked:-}" ] || nothing_left || rc=1
    lab_clean
    rm -f /etc/vfpool/*.xml
    return "$rc"
}
lab_stop_guests() {
    local name
    for name in $(timeout 20 virsh -q list --name); do timeout 30 virsh -q destroy "$name"; done
}

# pool NAME [PF...]: its file; $pool_more goes behind <forward>. With LAB_OFFER=no every VF is held. Then pools_up.
pool() {
    local name=$1 pf
    shift
    {
        echo "<network><name>$name</name><forward mode='hostdev' managed='yes'>"
        for pf; do echo "<pf dev='$pf'/>"; done
        echo "</forward>${pool_more:-}${LAB_OFFER:+<metadata><vfpool:pool xmlns:vfpool='urn:vfpool:1' offer='$LAB_OFFER'/></metadata>}</network>"
    } > "/etc/vfpool/$name.xml"
}
pools_up() { run_ok vfpool reconcile; }

# "ADDRESS STATE NAME-OF-GUEST" of each VF that a guest has, by vfpool's own account.
ledger() {
    vfpool status --format json |
        jq -r '.pools[].vfs[] | select(.guest) | "\(.address) \(.state) \(.guest.name)"'
}
claimed_vfs() { ledger | awk -v guest="$1" '$2 == "held" && $3 == guest { print $1 }'; }

# is_exact GUEST: it has VFs, the same by libvirt's account, by vfpool's, and by QEMU's command line.
is_exact() {
    local live claimed address line
    live=$(live_vfs "$1" | sort)
    claimed=$(claimed_vfs "$1" | sort)
    if [ -z "$live" ] || [ "$live" != "$claimed" ]; then
        echo "# $1 has ${live//$'\n'/ }, the ledger says ${claimed//$'\n'/ }"
        return 1
    fi
    line=$(tr '\0' ' ' < "/proc/$(cat "/run/libvirt/qemu/$1.pid")/cmdline")
    for address in $live; do
        [[ $line == *vfio-pci*"$address"* ]] || { echo "# $address is not on QEMU's command line"; return 1; }
    done
}
# held_ports NETWORK: the addresses that vfpool holds.
held_ports() { ports "$1" | awk '$2 == "vfpool" { print $3 }' | sort; }
# owner_of NETWORK ADDRESS
owner_of() { ports "$1" | awk -v address="$2" '$3 == address { print $2 }'; }
# listed NETWORK: the VFs that libvirt may give
listed() { virsh -q net-dumpxml "$1" | xsltproc "$lab_dir/addresses.xsl" - | sort; }
# offer_holds NETWORK: its VFs are offered, and that is not old (lib/witness.c).
offer_holds() {
    local mark
    mark="$(cut -d' ' -f1,2 /run/vfpool/witness/network) $(stat -c '%i %.9Y' /run/vfpool/witness/daemon)" || return
    [ "$(head -n 1 "/run/vfpool/offers/$1")" = "$mark" ]
}
# ports_are_right NETWORK [VF...]: of a network that is held, vfpool has the ports of all VFs but these, which guests
# have; of one whose VFs are offered, just those that the offer does not have.
ports_are_right() {
    local network=$1 want have vf
    shift
    if [ -e "/run/vfpool/offers/$network" ]; then
        # A withdrawn one is made again by a process that nobody waits for.
        wait_until 20 offer_holds "$network" || return
        want=$(tail -n +2 "/run/vfpool/offers/$network" | sort)
    else
        want=$(listed "$network" | grep -vxF -e "${1:--}" ${2:+-e "$2"} ${3:+-e "$3"})
    fi
    have=$(held_ports "$network")
    [ "$have" = "$want" ] || { echo "# of network $network vfpool holds ${have//$'\n'/ }, not ${want//$'\n'/ }"; return 1; }
    for vf; do
        case $(owner_of "$network" "$vf") in '' | vfpool) echo "# no guest has the port of $vf"; return 1 ;; esac
    done
}
nothing_left() {
    local rc=0 network file
    for file in /run/vfpool/guests/* /run/vfpool/vfs/*; do
        if [ -e "$file" ] || [ -L "$file" ]; then
            echo "# left in the ledger: $file"
            rc=1
        fi
    done
    for network in $(timeout 20 virsh -q net-list --name); do
        [ ! -e "/etc/vfpool/$network.xml" ] || ports_are_right "$network" || rc=1
    done
    return "$rc"
}
# What the user of virsh sees of our line.
says() { [[ $output == *"$1"* ]] || { echo "# that does not say: $1"; return 1; }; }
