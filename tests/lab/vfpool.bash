# For the cases of vfpool itself. A case file says
#   load ../vfpool
#   setup() { vfpool_ready; }
#   teardown() { vfpool_end; }
# shellcheck shell=bash

# shellcheck source-path=SCRIPTDIR source=helpers.bash
. "$(dirname "${BASH_SOURCE[0]}")/helpers.bash" || exit

hook=/etc/libvirt/hooks/qemu
network_hook=/etc/libvirt/hooks/network
installed_hook=/usr/libexec/vfpool/qemu

# lab_ready, the hook in its place, no pools, nothing in the ledger.
vfpool_ready() {
    lab_ready || return
    rm -rf /etc/vfpool/*.xml /run/vfpool
    hook_is_ours || hook_back
}
hook_is_ours() {
    cmp -s "$hook" "$installed_hook" && cmp -s "$network_hook" "${installed_hook%qemu}network" &&
        ! [ -e "$hook.d" ] && ! [ -e "$network_hook.d" ]
}
hook_back() {
    rm -rf "$hook.d" "$network_hook.d"
    hook_content_back
    install -m 755 "${installed_hook%qemu}network" "$network_hook"
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

# pool NAME [PF...]: its file; $pool_more goes behind <forward>. Then pools_up for all.
pool() {
    local name=$1 pf
    shift
    {
        echo "<network><name>$name</name><forward mode='hostdev' managed='yes'>"
        for pf; do echo "<pf dev='$pf'/>"; done
        echo "</forward>${pool_more:-}</network>"
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
# Whether vfpool holds all VFs of the network but those given.
holds_all_but() {
    local network=$1 want have
    shift
    want=$(virsh -q net-dumpxml "$network" | xsltproc "$lab_dir/addresses.xsl" - | grep -vxF -e "${1:--}" ${2:+-e "$2"} ${3:+-e "$3"} | sort)
    have=$(held_ports "$network")
    [ "$have" = "$want" ] || { echo "# of network $network vfpool holds ${have//$'\n'/ }"; return 1; }
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
        [ ! -e "/etc/vfpool/$network.xml" ] || holds_all_but "$network" || rc=1
    done
    return "$rc"
}
# What the user of virsh sees of our line.
says() { [[ $output == *"$1"* ]] || { echo "# that does not say: $1"; return 1; }; }
