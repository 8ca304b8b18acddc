# Fourteen guests on pools of every policy, what comes over them, and whether all accounts agree afterwards. After
# vfpool.bash. What it does at random begins with $LAB_SEED.
# shellcheck shell=bash

storm_pfs=(enp1s0 enp2s0 ens65)
# Those on `spread` have two interfaces, which are never on one PF; p1 has a VF of its own.
storm_guests=(s1 s2 s3 r1 r2 r3 r4 p1 p2 p3 p4 p5 p6 p7)
storm_log=/var/log/storm.log
storm_end=/tmp/storm-ends

# storm_pool NAME ATTRIBUTES PF-ELEMENTS
storm_pool() {
    echo "<network><name>$1</name><metadata><vfpool:pool xmlns:vfpool='urn:vfpool:1' $2</vfpool:pool></metadata>
        <forward mode='hostdev' managed='yes'>$3</forward></network>" > "/etc/vfpool/$1.xml"
}
# storm_pf PF VFS [MORE]
storm_pf() { echo "<pf dev='$1' vfs='$2' up='yes'><vf num='7' autoprobe='no'/>${3:-}</pf>"; }
storm_pools() {
    storm_pool spread "order='spread' separate='require'>" "$(storm_pf enp1s0 0-2)$(storm_pf enp2s0 0-2)"
    storm_pool lru "order='lru' sticky='yes'><vfpool:settings max-rate='100' trust='yes' spoof-check='no'/>" \
        "$(storm_pf enp1s0 3-4)$(storm_pf enp2s0 3-4)"
    storm_pool pack "order='pack' numa='prefer'>" \
        "$(storm_pf enp1s0 5-6 "<reserve vfs='5' guest='p1'/>")$(storm_pf enp2s0 5-6)$(storm_pf ens65 0-6)"
}
storm_network() { case $1 in s*) echo spread ;; r*) echo lru ;; p*) echo pack ;; esac; }
storm_define() {
    local i guest network interfaces room=''
    for i in 1 2 3 4 5; do room+="<controller type='pci' index='$i' model='pcie-root-port'/>"; done
    for ((i = 0; i < ${#storm_guests[@]}; i++)); do
        guest=${storm_guests[i]}
        network=$(storm_network "$guest")
        interfaces=$(lab_interface "$network" "52:54:00:95:01:$(printf %02x "$i")")
        [[ $guest != s* ]] || interfaces+=$(lab_interface "$network" "52:54:00:95:02:$(printf %02x "$i")")
        lab_guest "$guest" "$interfaces$room" > "/tmp/$guest.xml"
        virsh -q define "/tmp/$guest.xml" || return
        lab_interface "$network" "52:54:00:95:03:$(printf %02x "$i")" > "/tmp/plug.$guest.xml"
    done
}

storm_is_over() { [ -e "$storm_end" ]; }
# pause TENTHS: the storm's own rhythm, nothing that anybody waits for.
pause() { read -rt "$(($1 / 10)).$(($1 % 10))" _ <> <(:) || true; }

# What users do. Each call may fail: whom it meets was killed a moment before.
storm_call() {
    local rc=0 said
    said=$(timeout -k 5 90 virsh -q "$@" 2>&1 3>&-) || rc=$?
    echo "$(lab_uptime) $rc $*: ${said//$'\n'/ }" >> "$storm_log"
}
# storm_user SEED GUEST...
storm_user() {
    local guest
    RANDOM=$1
    shift
    until storm_is_over; do
        guest=${*:RANDOM % $# + 1:1}
        case $((RANDOM % 10)) in
        [0-3]) storm_call start "$guest" ;;
        4 | 5) storm_call destroy "$guest" ;;
        6 | 7) storm_call attach-device "$guest" "/tmp/plug.$guest.xml" --live ;;
        8) storm_call detach-device "$guest" "/tmp/plug.$guest.xml" --live ;;
        9) storm_call suspend "$guest" && storm_call resume "$guest" && storm_call reset "$guest" ;;
        esac
    done
}

kill_one() { # SIGNAL NAME PID...: one of them
    local signal=$1 name=$2
    shift 2
    [ $# -gt 0 ] || return 0
    kill "-$signal" "${*:RANDOM % $# + 1:1}" 2> /dev/null && echo "$(lab_uptime) killed $name" >> "$storm_log"
}
# What comes over them: storm_trouble SEED
storm_trouble() {
    local pf pids
    RANDOM=$1
    until storm_is_over; do
        pause $((5 + RANDOM % 40))
        # A full /run crashes it (F60); systemd would start it again.
        daemon_runs "${lab_daemons[0]}" || {
            rm -f /run/storm-full
            lab_libvirtd_start
            echo "$(lab_uptime) killed libvirtd, by itself" >> "$storm_log"
        }
        case $((RANDOM % 12)) in
        0)
            lab_libvirtd_kill9
            lab_libvirtd_start
            echo "$(lab_uptime) killed libvirtd" >> "$storm_log"
            ;;
        1) { lab_reload || wait_until 60 libvirtd_answers; } && echo "$(lab_uptime) reloaded libvirtd" >> "$storm_log" ;;
        2 | 3 | 4)
            mapfile -t pids < <(pgrep -f '^/etc/libvirt/hooks/')
            kill_one KILL "a hook" "${pids[@]}"
            ;;
        5 | 6)
            mapfile -t pids < <(pgrep -x vfpool-gate)
            kill_one KILL vfpool-gate "${pids[@]}"
            ;;
        7 | 8)
            mapfile -t pids < <(pgrep -x qemu-system-x86)
            kill_one KILL QEMU "${pids[@]}"
            ;;
        9)
            pf=${storm_pfs[RANDOM % ${#storm_pfs[@]}]}
            ip link set "$pf" down
            pause 30
            ip link set "$pf" up
            echo "$(lab_uptime) took $pf down for a while" >> "$storm_log"
            ;;
        10)
            # By writing until there is no room: fallocate(1) gives all of it back where it cannot have all of it.
            cat /dev/zero > /run/storm-full 2> /dev/null || true
            pause 30
            rm -f /run/storm-full
            echo "$(lab_uptime) filled /run for a while" >> "$storm_log"
            ;;
        11) timeout 60 vfpool reconcile > /dev/null 2>&1 3>&- && echo "$(lab_uptime) reconciled" >> "$storm_log" ;;
        esac
    done
}

# storm_begins SEED: five users and the trouble, until storm_ends; their processes are in ${storm_processes[@]}. What any
# of them does may fail, and goes on: whom it meets has ended, or was killed.
storm_begins() {
    rm -f "$storm_end"
    storm_processes=()
    storm_goes_on storm_user "$(($1 + 1))" s1 s2 r1
    storm_goes_on storm_user "$(($1 + 2))" s3 r2 p1
    storm_goes_on storm_user "$(($1 + 3))" r3 p2 p3
    storm_goes_on storm_user "$(($1 + 4))" r4 p4 p5
    storm_goes_on storm_user "$(($1 + 5))" p6 p7
    storm_goes_on storm_trouble "$(($1 + 6))"
}
storm_goes_on() {
    { "$@" || true; } 3>&- &
    storm_processes+=($!)
}
storm_ends() {
    local pf
    touch "$storm_end"
    wait "${storm_processes[@]}"
    rm -f /run/storm-full
    for pf in "${storm_pfs[@]}"; do ip link set "$pf" up && wait_until 30 lab_carrier "$pf" || return; done
    # One that reloaded while ports were made counts wrong, and may crash later (F62).
    lab_libvirtd_again
}

# Guests that libvirt lost when it was killed while it started them. They are its own affair, and an administrator's: no
# pool may give away what they have open.
storm_strays() {
    local pid known
    known=$(for pid in /run/libvirt/qemu/*.pid; do [ ! -e "$pid" ] || echo "$(< "$pid")"; done)
    for pid in $(pgrep -x qemu-system-x86); do grep -qx "$pid" <<< "$known" || echo "$pid"; done
}
no_strays() { [ -z "$(storm_strays)" ]; }

# "POOL ADDRESS PF NUMBER STATE GUEST" of each VF, by vfpool's account; no guest is "-".
storm_ledger() {
    vfpool status --format json |
        jq -r '.pools[] | .name as $pool | .vfs[] | "\($pool) \(.address) \(.pf) \(.vf) \(.state) \(.guest.name // "-")"'
}
# vfs_of_process PID: the VFs that it has open, by their groups
has_open() {
    readlink "/proc/$1/fd"/* 2> /dev/null | grep -qxF "/dev/vfio/$(basename "$(readlink "/sys/bus/pci/devices/$2/iommu_group")")"
}
# "VLAN MAX SPOOFCHK TRUST" of VF NUMBER of PF
storm_settings() {
    ip -json -details link show dev "$1" | jq -r --argjson vf "$2" '.[0].vfinfo_list[] | select(.vf == $vf) |
        "\(.vlan_list[0].vlan // 0) \(.rate.max_tx // .tx_rate // 0) \(.spoofchk) \(.trust)"'
}

# storm_complies: each of the fourteen has what its pool requires. Return: all do.
storm_complies() {
    local guest rc=0 own
    for guest in s1 s2 s3; do
        [ "$(awk -v g="$guest" '$6 == g { print $3 }' /tmp/storm-ledger | sort -u | wc -l)" = 2 ] ||
            { echo "# $guest has not VFs of two PFs: $(grep " $guest\$" /tmp/storm-ledger)"; rc=1; }
    done
    own=$(awk '$1 == "pack" && $3 == "enp1s0" && $4 == 5 { print $6 }' /tmp/storm-ledger)
    [ "$own" = p1 ] || { echo "# the VF of p1's own is $own's"; rc=1; }
    return "$rc"
}

# storm_agrees: what libvirt, the ledger, the ports, QEMU and the cards say of who has what. Return: all the same.
storm_agrees() {
    local rc=0 running guest live address pool pf vf state owner pid settings vfs
    running=$(virsh -q list --name)
    storm_ledger > /tmp/storm-ledger || return
    cut -d' ' -f2 /tmp/storm-ledger | sort | uniq -d | grep . && { echo "# in two pools"; rc=1; }
    for guest in $running; do
        pid=$(cat "/run/libvirt/qemu/$guest.pid")
        live=$(live_vfs "$guest" | sort)
        [ "$live" = "$(awk -v g="$guest" '$6 == g { print $2 }' /tmp/storm-ledger | sort)" ] || {
            echo "# $guest has ${live//$'\n'/ } by libvirt, and by the ledger: $(grep " $guest\$" /tmp/storm-ledger)"
            rc=1
        }
        for address in $live; do has_open "$pid" "$address" || { echo "# QEMU of $guest has not $address open"; rc=1; }; done
        for address in $(tr '\0' ' ' < "/proc/$pid/cmdline" | grep -o '"host":"[0-9a-f:.]*"' | cut -d'"' -f4); do
            grep -qx "$address" <<< "$live" || { echo "# QEMU of $guest was started with $address, which is not its own"; rc=1; }
        done
    done
    while read -r pool address pf vf state owner; do
        settings=$(storm_settings "$pf" "$vf")
        case "$pool $state $settings" in
        "lru held 0 100 false true" | "spread held 0 0 true false" | "pack held 0 0 true false") ;;
        *" free 0 0 true false" | *" host-used 0 0 true false") ;;
        *)
            echo "# $address of $pool is $state, its settings are $settings"
            rc=1
            ;;
        esac
        [ "$state" != held ] || grep -qx "$owner" <<< "$running" || { echo "# $owner does not run, and has $address"; rc=1; }
    done < /tmp/storm-ledger
    for pool in spread lru pack; do
        mapfile -t vfs < <(awk -v p="$pool" '$1 == p && $6 != "-" { print $2 }' /tmp/storm-ledger)
        ports_are_right "$pool" "${vfs[@]}" || rc=1
    done
    return "$rc"
}
