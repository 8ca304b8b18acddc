# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Two guests on network p of tests/libvirt/helpers.bash, what happens to them, and what must be true of the network. Loaded
# behind that.

OFFERED="offered the free VFs of libvirt network 'p', and blocked the others"

# reserve VFS N: these of eth3 are for guest N alone, and blocked until it comes.
reserve() {
    sed -i "s,<pf dev='eth3'/>,<pf dev='eth3'><reserve vfs='$1' guest='g$2'/></pf>," "$ROOT/etc/vfpool/p.xml"
}

# Two guests run; the other VFs are open, or reserved, and blocked.
two_guests() {
    run_vfpool 0 reconcile
    run_guest 1
    run_guest 2
    settled
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
    rm -f "$LIBVIRT/calls"
}

# gone N...: guests that ran are not there any more, and nobody was told.
gone() {
    local n
    for n; do rm "$LIBVIRT/domains/${UUID[n]}.xml" "$ROOT/run/libvirt/qemu/g$n.xml"; done
}

# nobody_settles: what hooks leave to a process behind their backs stays undone until reconcile.
nobody_settles() { mkdir -p "$ROOT/run/vfpool/unsettled"; }

# assert_whole OWNER...: the network is there as the pool wants it, each VF that it lists has the port of one of these
# ("vfpool": ours), or is "open", and libvirt counts right.
assert_whole() {
    local i vf is connections ports
    [[ -e $LIBVIRT/networks/p.active && -e $LIBVIRT/networks/p.persistent && -e $LIBVIRT/networks/p.autostart ]] ||
        fail "the network is not there: $(ls "$LIBVIRT/networks")" || return
    look p
    assert_equal "${LISTED[*]}" "${V[*]:0:$#}" || return
    for ((i = 0; i < $#; i++)); do
        vf=${V[i]}
        is=${OWNER[$vf]-}
        [[ " ${OPEN[*]} " != *" $vf "* ]] || is=${is:+"counted wrong, and "}${is:-open}
        [[ $is =~ ^(${*:i+1:1})$ ]] || fail "$vf is '$is'" || return
    done
    read -r connections < "$LIBVIRT/networks/p.connections" || return
    ports=("$LIBVIRT"/ports/p/*.xml)
    [[ -e ${ports[0]} ]] || ports=()
    assert_equal "$connections" ${#ports[@]} || return
    [[ ! -e $ROOT/run/vfpool/ports/p.xml ]] || fail "ports are still to be made again" || return
    assert_invariants
}

# assert_kept: whatever went wrong, the VF of each running guest has a port, or is written down to get it again with its
# network.
assert_kept() {
    local kept=$ROOT/run/vfpool/ports/p.xml i
    [[ -e $LIBVIRT/networks/p.active || -e $kept ]] || fail "the network is gone" || return
    look p
    for i in 0 1; do
        [[ -n ${OWNER[${V[i]}]-} ]] || grep -qs "<name>g$((i + 1))</name>" "$kept" ||
            fail "the port of guest $((i + 1)) is gone" || return
    done
}

# other_vfs COUNT: the pool has those of another PF too.
other_vfs() {
    host "eth4:vfs=$1"
    pool p eth3 eth4
    V+=(0000:02:10.0 0000:02:10.2)
}

# foreign N NAME UUID: the N-th VF, which is open, is given to somebody who never asked for it.
foreign() {
    mkdir -p "$ROOT/run/libvirt/qemu"
    alone give_foreign "$@"
    settled
}
give_foreign() {
    port p "$2" "$3" "${V[$1]}"
    made 0 p "$3" "$2" "${MAC[9]}" "${V[$1]}"
}
