# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A libvirt on files (fake.h): what its daemon does by itself. $ROOT is the host, $VFPOOL_BUILD has its vfpool-gate. For
# tests and for the demo.

# libvirt_begin: it is there, with no networks and no guests.
libvirt_begin() {
    LIBVIRT=$ROOT/libvirt
    mkdir -p "$LIBVIRT/networks" "$LIBVIRT/domains" "$ROOT/run/libvirt" "$ROOT/usr/sbin" "$ROOT/etc/libvirt/hooks"
    # Whose the hooks are is read in them, and whether they could be run; nobody runs these.
    local name
    mkdir -p "$ROOT/bin"
    : > "$ROOT/bin/sh"
    chmod +x "$ROOT/bin/sh"
    for name in qemu network daemon; do
        printf '#!/bin/sh\n# vfpool\n' > "$ROOT/etc/libvirt/hooks/$name"
        chmod +x "$ROOT/etc/libvirt/hooks/$name"
    done
    # No libvirtd calls the hook here, so only the socket says that there is a libvirt.
    : > "$ROOT/run/libvirt/libvirt-sock"
    # Not a link: tests write scripts in its place.
    cp -f "$VFPOOL_BUILD/tests/libvirt/gate" "$ROOT/usr/sbin/vfpool-gate"
    witness
}

# look NETWORK: what libvirt knows of it, without a process (a test asks some hundred times): LISTED, the VFs that it may
# pick, in order; OPEN, those of them that it would give to the next who asks; OWNER, whose port a VF has, by address.
look() {
    local network=$LIBVIRT/networks/$1 ports=$LIBVIRT/ports/$1 text port vf
    local address='<address type=.pci. domain=.0x(....). bus=.0x(..). slot=.0x(..). function=.0x(.).'
    LISTED=() OPEN=()
    declare -gA OWNER=()
    [[ ! -e $network.active ]] || IFS= read -r -d '' text < "$network.active" || :
    while [[ $text =~ $address ]]; do
        vf=${BASH_REMATCH[1]}:${BASH_REMATCH[2]}:${BASH_REMATCH[3]}.${BASH_REMATCH[4]}
        text=${text#*"${BASH_REMATCH[0]}"}
        LISTED+=("$vf")
        [[ -e $network.count/$vf ]] || OPEN+=("$vf")
    done
    for port in "$ports"/*.xml; do
        [[ -e $port ]] || continue
        IFS= read -r -d '' text < "$port" || :
        [[ $text =~ domain=.0x(....).\ bus=.0x(..).\ slot=.0x(..).\ function=.0x(.). ]] || continue
        vf=${BASH_REMATCH[1]}:${BASH_REMATCH[2]}:${BASH_REMATCH[3]}.${BASH_REMATCH[4]}
        [[ ! $text =~ \<owner\>[[:space:]]*\<name\>([^\<]*)\</name\> ]] || OWNER[$vf]=${BASH_REMATCH[1]}
    done
}

# listed, open_vfs NETWORK; owner NETWORK ADDRESS: the same, printed.
listed() { look "$1" && { ((${#LISTED[@]} == 0)) || printf '%s\n' "${LISTED[@]}"; }; }
open_vfs() { look "$1" && { ((${#OPEN[@]} == 0)) || printf '%s\n' "${OPEN[@]}"; }; }
owner() { look "$1" && echo "${OWNER[$2]-}"; }

# alone COMMAND...: nobody calls this libvirt meanwhile, as a process that settles might: libvirt has a network locked from
# before it is changed until after its hook (F32). The file is the one that each call locks (call.c).
alone() {
    if [[ -n ${ALONE-} ]]; then
        "$@"
        return
    fi
    local ALONE=1
    {
        flock 7
        "$@"
    } 7>> "$LIBVIRT/lock"
}

# port_uuid GUEST-UUID ADDRESS: of a port, one a guest and VF, as far as buses go
port_uuid() {
    local letters=fabcde
    echo "${letters:${2:6:1}:1}${1:1:34}${2:11}"
}

# port NETWORK NAME UUID ADDRESS: somebody gets a port, as libvirt makes it for a guest.
port() { alone add_port "$@"; }
add_port() {
    local network=$1 name=$2 uuid=$3 vf=$4 port count
    port=$(port_uuid "$uuid" "$vf")
    mkdir -p "$LIBVIRT/ports/$network" "$LIBVIRT/networks/$network.count"
    cat > "$LIBVIRT/ports/$network/$port.xml" << X
<networkport><uuid>$port</uuid><owner><name>$name</name><uuid>$uuid</uuid></owner>
<mac address='52:54:00:00:00:01'/><plug type='hostdev-pci' managed='yes'><driver name='vfio'/>
<address domain='0x${vf:0:4}' bus='0x${vf:5:2}' slot='0x${vf:8:2}' function='0x${vf:11}'/></plug></networkport>
X
    : > "$LIBVIRT/networks/$network.count/$vf"
    count=$(cat "$LIBVIRT/networks/$network.connections")
    echo $((count + 1)) > "$LIBVIRT/networks/$network.connections"
}

# unport NETWORK UUID ADDRESS: libvirt takes the port back.
unport() { alone remove_port "$@"; }
remove_port() {
    local network=$1 count
    rm "$LIBVIRT/ports/$network/$(port_uuid "$2" "$3").xml" "$LIBVIRT/networks/$network.count/$3"
    count=$(cat "$LIBVIRT/networks/$network.connections")
    echo $((count - 1)) > "$LIBVIRT/networks/$network.connections"
}

# witness: libvirt's daemon, $LIBVIRTD or else this test, has found both hooks. Called again, it was reloaded.
witness() {
    local name started pid=${LIBVIRTD-$BASHPID}
    started=$(sed 's/.*) //' "/proc/$pid/stat" | cut -d' ' -f20)
    mkdir -p "$ROOT/run/vfpool/witness"
    {
        echo "$pid $started"
        for name in daemon network; do
            echo "$(stat -c '%i %.9Y' "$ROOT/etc/libvirt/hooks/$name" | tr -d .) etc/libvirt/hooks/$name"
        done
    } > "$ROOT/new"
    mv "$ROOT/new" "$ROOT/run/vfpool/witness/daemon"
}

# allocation UUID NAME MAC ADDRESS [PORTGROUP]: what libvirt hands to the hook about this guest's port, whose own UUID is
# $PORT
allocation() {
    cat <<X
<hookData>
  <network connections='1'>
    <name>network</name>
    <forward mode='hostdev' managed='yes'>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>
    </forward>
  </network>
  <networkport>
    <uuid>${PORT:-5d744f21-ba4a-4d6e-bdb2-30a35ff3207d}</uuid>
    <owner>
      <name>$(xml_escape "$2")</name>
      <uuid>$1</uuid>
    </owner>
${5:+    <group>$5</group>
}    <mac address='$3'/>
    <plug type='hostdev-pci' managed='yes'>
      <address domain='0x${4:0:4}' bus='0x${4:5:2}' slot='0x${4:8:2}' function='0x${4:11:1}'/>
    </plug>
  </networkport>
</hookData>
X
}

xml_escape() {
    local text=$1
    # Quoted, as bash 5.2 takes a plain & for what was found.
    text=${text//'&'/'&amp;'} text=${text//'<'/'&lt;'} text=${text//'>'/'&gt;'}
    text=${text//"'"/'&apos;'} text=${text//'"'/'&quot;'}
    printf '%s' "$text"
}
