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
guest_program=/etc/libvirt/hooks/vfpool/guest # what the qemu hook runs
installed=/usr/libexec/vfpool
gate=/usr/sbin/vfpool-gate
installed_hook=$installed/qemu

# lab_ready, the hooks in their places, no pools, nothing in the ledger but that libvirt calls the hooks.
vfpool_ready() {
    lab_ready || return
    [ ! -e "$gate.real" ] || gate_mended
    rm -rf /etc/vfpool/*.xml /var/lib/vfpool/drained
    [ ! -e /run/vfpool ] || find /run/vfpool -mindepth 1 -maxdepth 1 ! -name witness -exec rm -rf {} +
    if ! hooks_are_ours || [ ! -e /run/vfpool/witness/daemon ]; then hooks_back; fi
}
hooks_are_ours() {
    local name
    for name in qemu network daemon; do
        cmp -s "/etc/libvirt/hooks/$name" "$installed/$name" && ! [ -e "/etc/libvirt/hooks/$name.d" ] || return
    done
    cmp -s "$guest_program" "$installed/guest"
}
# They are in their place, and libvirt has found them.
hooks_back() {
    local name
    install -D -m 755 "$installed/guest" "$guest_program"
    for name in qemu network daemon; do
        rm -rf "/etc/libvirt/hooks/$name.d"
        install -m 755 "$installed/$name" "/etc/libvirt/hooks/$name"
    done
    lab_reload
}
hooks_gone() {
    rm -f "$hook" "$network_hook" "$daemon_hook"
    rm -rf "${guest_program%/*}"
    lab_reload
}
# Where a case wrote a script there. libvirt knew that there is a hook, and runs what it finds: nothing to reload, which
# would have a meaning of its own (40-network.bats).
hook_content_back() { install -m 755 "$installed_hook" "$hook"; }
# gate_broken SCRIPT: vfpool-gate as before, but SCRIPT, a line of bash, runs first; $calls is which call this is. What
# was called meanwhile is in /tmp/gate-calls. Until gate_mended, or the next case.
gate_broken() {
    rm -f /tmp/gate-calls
    # It stays there: a script that still runs at the end finds it.
    [ -e "$gate.real" ] || cp -p "$gate" "$gate.real"
    cat > "$gate.new" << GATE
#!/bin/bash
echo "\$*" >> /tmp/gate-calls
calls=\$(wc -l < /tmp/gate-calls)
$1
exec $gate.real "\$@"
GATE
    chmod 755 "$gate.new"
    mv "$gate.new" "$gate"
}
gate_mended() {
    cp -p "$gate.real" "$gate.new"
    mv "$gate.new" "$gate"
}
# libvirt looks for its hooks (F17).
lab_reload() {
    local daemon
    for daemon in "${lab_daemons[@]}"; do kill -HUP "$(daemon_pid "$daemon")"; done
    # The next call is answered after that: the signal is handled in the daemon's main loop.
    wait_until 20 libvirtd_answers
}
# What must be so after every case, once its guests have stopped: invariant 3 of docs/design.md.
vfpool_end() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || look
    lab_stop_guests
    local rc=0
    [ -n "${leave_unchecked:-}" ] || nothing_left || rc=1
    lab_clean
    rm -f /etc/vfpool/*.xml
    return "$rc"
}
# What there was when a case failed, for who reads its output.
look() {
    local file pfs
    mapfile -t pfs < <(lab_pfs)
    timeout 20 vfpool status 3>&-
    for file in /run/vfpool/guests/* /run/vfpool/offers/* /run/vfpool/turns/* /run/vfpool/witness/*; do
        [ ! -f "$file" ] || { echo "# $file"; cat "$file"; }
    done
    for file in $(lab_vf_addresses "${pfs[@]}"); do echo "# $file: driver $(vf_driver "$file")"; done
    # Of guests with an operating system.
    for file in /tmp/*.console; do [ ! -f "$file" ] || { echo "# $file"; tail -n 8 "$file"; }; done
}
lab_stop_guests() {
    local name
    for name in $(timeout 20 virsh -q list --name); do timeout 30 virsh -q destroy "$name"; done
}

# pool NAME [PF...]: its file; $pool_more goes behind <forward>. Then pools_up.
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
# blocked_ports NETWORK: the addresses that vfpool blocks.
blocked_ports() { ports "$1" | awk '$2 == "vfpool" { print $3 }' | sort; }
# owner_of NETWORK ADDRESS
owner_of() { ports "$1" | awk -v address="$2" '$3 == address { print $2 }'; }
# listed NETWORK: the VFs that libvirt may give
listed() { virsh -q net-dumpxml "$1" | xsltproc "$lab_dir/addresses.xsl" - | sort; }
# offer_holds NETWORK: its free VFs are offered, all of them, and that is not old (lib/libvirt/witness.c).
offer_holds() {
    local mark
    mark="$(head -n 1 /run/vfpool/witness/daemon) $(stat -c '%i %.9Y' /run/vfpool/witness/daemon)" || return
    [ "$(head -n 1 "/run/vfpool/offers/$1")" = "$mark" ] && ! grep -qx narrowed "/run/vfpool/offers/$1"
}
# ports_are_right NETWORK [VF...]: vfpool has the ports of just those VFs that are not offered, and guests of these.
ports_are_right() {
    local network=$1 want have vf
    shift
    # A withdrawn one is made again by a process that nobody waits for.
    wait_until 20 offer_holds "$network" || return
    # What is reserved is in it also while its guest has it.
    want=$(tail -n +2 "/run/vfpool/offers/$network" | grep -vxF -f <(printf '%s\n' - "$@") | sort)
    have=$(blocked_ports "$network")
    [ "$have" = "$want" ] || { echo "# of network $network vfpool blocks ${have//$'\n'/ }, not ${want//$'\n'/ }"; return 1; }
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
# host_reboots: nothing in memory is left, no process, no port, no VF; then the VFs are made, and libvirtd is not
# started yet. (The lab's own machine cannot boot twice: its disk is thrown away.)
host_reboots() {
    local pid
    lab_libvirtd_kill9
    for pid in /run/libvirt/qemu/*.pid; do
        [ ! -e "$pid" ] || { kill -9 "$(cat "$pid")" 2> /dev/null || true; wait_until 20 libvirtd_gone "$(cat "$pid")"; }
    done
    rm -rf /run/vfpool /run/libvirt/network /run/libvirt/qemu /run/libvirt/hostdevmgr
    lab_vfs 0
    lab_vfs 7
}
# commands PAGE [FIRST LAST]: what docs/PAGE.md has between ```sh and ```, all of it or these pieces, as a script
commands() {
    awk -v first="${2:-1}" -v last="${3:-1000}" '/^```sh$/ { piece++; on = piece >= first && piece <= last; next }
        /^```$/ { on = 0 } on' "$lab_dir/../../docs/$1.md"
}
# follow PAGE [FIRST LAST]: they are run as they stand
follow() {
    local script=/tmp/follow.sh
    { echo 'set -ex'; commands "$@"; } > "$script"
    [ "$(wc -l < "$script")" -gt 1 ] || return
    LAB_COMMAND_TIMEOUT=1200 run_ok bash "$script"
}
# What the user of virsh sees of our line.
says() { [[ $output == *"$1"* ]] || { echo "# that does not say: $1"; return 1; }; }
