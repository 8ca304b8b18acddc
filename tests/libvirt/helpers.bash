# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A libvirt on files (libvirt.c) for a test's root: its networks, its guests, and what goes wrong. Loaded behind
# tests/helpers.bash.

# libvirt_setup: a host with this libvirt, and a pool p, whose VFs are ${V[@]} in the order in which libvirt gives them.
libvirt_setup() {
    # shellcheck disable=SC2034 # the tests use it
    V=(0000:01:10.0 0000:01:10.2 0000:01:10.4 0000:01:10.6)
    common_setup
    host eth3:vfs=4
    pool p eth3
    libvirt_begin
}

# libvirt_begin: it is there, with no networks and no guests.
libvirt_begin() {
    LIBVIRT=$ROOT/libvirt
    mkdir -p "$LIBVIRT/networks" "$LIBVIRT/domains" "$ROOT/run/libvirt" "$ROOT/usr/sbin" "$ROOT/etc/libvirt"
    # No libvirtd calls the hook here, so only the socket says that there is a libvirt.
    : > "$ROOT/run/libvirt/libvirt-sock"
    cat > "$ROOT/usr/sbin/vfpool-gate" << X
#!/bin/sh
FAKE_LIBVIRT='$LIBVIRT' exec '$VFPOOL_BUILD/tests/libvirt/gate' "\$@"
X
    chmod +x "$ROOT/usr/sbin/vfpool-gate"
}

# calls: what libvirt was asked since the last time.
calls() {
    cat "$LIBVIRT/calls" 2> /dev/null
    rm -f "$LIBVIRT/calls"
}

# listed NETWORK: the VFs that libvirt may pick, in order.
listed() {
    local text
    IFS= read -r -d '' text < "$LIBVIRT/networks/$1.active" || :
    while [[ $text =~ \<address\ type=.pci.\ domain=.0x(....).\ bus=.0x(..).\ slot=.0x(..).\ function=.0x(.). ]]; do
        echo "${BASH_REMATCH[1]}:${BASH_REMATCH[2]}:${BASH_REMATCH[3]}.${BASH_REMATCH[4]}"
        text=${text#*"${BASH_REMATCH[0]}"}
    done
}

# open_vfs NETWORK: those that libvirt would give to the next who asks.
open_vfs() {
    local vf
    for vf in $(listed "$1"); do
        [[ -e $LIBVIRT/networks/$1.count/$vf ]] || echo "$vf"
    done
}

# owner NETWORK ADDRESS: whose port the VF has.
owner() {
    local port text
    for port in "$LIBVIRT/ports/$1"/*.xml; do
        [[ -e $port ]] || continue
        IFS= read -r -d '' text < "$port" || :
        [[ $text =~ bus=.0x${2:5:2}.\ slot=.0x${2:8:2}.\ function=.0x${2:11}. ]] || continue
        [[ $text =~ \<owner\>[[:space:]]*\<name\>([^\<]*)\</name\> ]] && echo "${BASH_REMATCH[1]}"
    done
}

# port NETWORK NAME UUID ADDRESS: somebody gets a port, as libvirt makes it for a guest.
port() {
    local network=$1 name=$2 uuid=$3 vf=$4 count
    mkdir -p "$LIBVIRT/ports/$network" "$LIBVIRT/networks/$network.count"
    cat > "$LIBVIRT/ports/$network/a${uuid:1:34}${vf:11}.xml" << X
<networkport><uuid>a${uuid:1:34}${vf:11}</uuid><owner><name>$name</name><uuid>$uuid</uuid></owner>
<mac address='52:54:00:00:00:01'/><plug type='hostdev-pci' managed='yes'><driver name='vfio'/>
<address domain='0x${vf:0:4}' bus='0x${vf:5:2}' slot='0x${vf:8:2}' function='0x${vf:11}'/></plug></networkport>
X
    : > "$LIBVIRT/networks/$network.count/$vf"
    count=$(cat "$LIBVIRT/networks/$network.connections")
    echo $((count + 1)) > "$LIBVIRT/networks/$network.connections"
}

# unport NETWORK UUID ADDRESS: libvirt takes the port back.
unport() {
    local network=$1 count
    rm "$LIBVIRT/ports/$network/a${2:1:34}${3:11}.xml" "$LIBVIRT/networks/$network.count/$3"
    count=$(cat "$LIBVIRT/networks/$network.connections")
    echo $((count - 1)) > "$LIBVIRT/networks/$network.connections"
}

# concrete NAME UUID MAC ADDRESS: the guest as libvirt shows it once it has the VF.
concrete() {
    guest "$1" "$2" "<interface type='hostdev' managed='yes'><mac address='$3'/>
        <source><address type='pci' domain='0x${4:0:4}' bus='0x${4:5:2}' slot='0x${4:8:2}' function='0x${4:11}'/></source>
        </interface>"
}

# vm N NETWORK: guest N, which asks for a VF.
vm() {
    guest "g$1" "$(uuid "$1")" "$2:$(mac "$1")"
}

# boot N NETWORK: guest N starts, and gets the VF that libvirt would give it: the first that is open, if it is one.
boot() {
    local vf
    run_hook 0 "g$1" prepare < <(vm "$1" "$2")
    vf=$(open_vfs "$2" | head -n 1)
    [[ -n $vf ]] || fail "no VF of $2 is open for guest $1"
    port "$2" "g$1" "$(uuid "$1")" "$vf"
    concrete "g$1" "$(uuid "$1")" "$(mac "$1")" "$vf" > "$LIBVIRT/domains/$(uuid "$1").xml"
    run_hook 0 "g$1" start < "$LIBVIRT/domains/$(uuid "$1").xml"
}

# witness: libvirt calls both hooks; its daemon is this test. Called again, it was reloaded.
witness() {
    local name started pid=$BASHPID
    started=$(sed 's/.*) //' "/proc/$pid/stat" | cut -d' ' -f20)
    mkdir -p "$ROOT/run/vfpool/witness" "$ROOT/etc/libvirt/hooks"
    for name in network daemon; do
        [[ -e $ROOT/etc/libvirt/hooks/$name ]] || cp "$(type -P true)" "$ROOT/etc/libvirt/hooks/$name"
        echo "$pid $started $(stat -c '%i %.9Y' "$ROOT/etc/libvirt/hooks/$name" | tr -d .) $ROOT/etc/libvirt/hooks/$name" \
            > "$ROOT/new"
        mv "$ROOT/new" "$ROOT/run/vfpool/witness/$name"
    done
}

# reload: libvirt forgets how many ports there are (F27).
reload() {
    rm -rf "$LIBVIRT/networks/$1.count"
    echo 0 > "$LIBVIRT/networks/$1.connections"
}

# fault WHICH WHAT: see libvirt.c; nothing: all is well again
fault() {
    if (($#)); then
        echo "$*" > "$LIBVIRT/fault"
    else
        rm -f "$LIBVIRT/fault"
    fi
}

# each_fault COMMAND...: runs it once to see its calls, then once for each call that fails, and for each that is the last
# one before a kill; of several of one name the first and the last (FAULTS=all: every one). For each name, once more with
# a libvirt that does not answer the first one, or any. From the same beginning each time. After each: one line if it
# failed, then AFTER, all is well again, and a reconcile, FINALLY.
each_fault() {
    local count call what name names tried VFPOOL_BUILD=$PLAIN
    libvirt_begin
    rm -f "$LIBVIRT/calls"
    cp -a "$LIBVIRT" "$ROOT/libvirt.before"
    cp -a "$ROOT/run/vfpool" "$ROOT/vfpool.before" 2> /dev/null || mkdir "$ROOT/vfpool.before"
    "$@" > /dev/null 2>&1
    count=$(wc -l < "$LIBVIRT/calls")
    ((count > 2)) || fail "$count calls"
    names=$(cut -d' ' -f1 "$LIBVIRT/calls")
    mapfile -t tried < <(awk -v all="${FAULTS-}" '
        !($1 in first) { first[$1] = NR }
        { last[$1] = NR; name[NR] = $1 }
        END { for (i = 1; i <= NR; i++) if (all || i == first[name[i]] || i == last[name[i]]) print i }' <<< "$names")
    for call in "${tried[@]}"; do
        name=$(sed -n "${call}p" <<< "$names")
        for what in fail kill killed hang silent; do
            # Killed before or after a call that only asks: the same.
            [[ $what != killed || -n ${FAULTS-} || ! $name =~ Open|Lookup|List|Get|Is ]] || continue
            if [[ $what == hang || $what == silent ]]; then
                [[ $(grep -nxm1 "$name" <<< "$names") == "$call:"* ]] || continue
                VFPOOL_BUILD=$PLAIN/tests/libvirt/hasty
            fi
            rm -rf "$LIBVIRT" "$ROOT/run/vfpool"
            cp -a "$ROOT/libvirt.before" "$LIBVIRT"
            cp -a "$ROOT/vfpool.before" "$ROOT/run/vfpool"
            if [[ $what == silent ]]; then fault "$name" hang; else fault "$call" "$what"; fi
            code=0
            "$@" > "$STDOUT" 2> "$STDERR" || code=$?
            VFPOOL_BUILD=$PLAIN
            echo "call $call of $count, $(sed -n "${call}p" "$LIBVIRT/calls"), $what: exit code $code, $(< "$STDOUT")$(< "$STDERR")"
            ((code <= 1 && (code == 0 || $(grep -vc "^vfpool: note: " "$STDERR") == 1))) || fail "not one line"
            [[ $what != silent || $(< "$STDERR") == *"did not answer"* ]] || fail "its silence is not named"
            ${AFTER:-true}
            fault
            run_vfpool 0 reconcile
            $FINALLY
            run_vfpool 0 reconcile
            assert_equal "$output" "nothing to repair"
        done
    done
}

vfpool() { timeout 60 "$VFPOOL_BUILD/hook/vfpool" "$@" 3>&-; }
hook() { timeout 60 "${HOOK_ENVIRONMENT[@]}" "$VFPOOL_BUILD/hook/qemu" "g$2" "$1" "$(suboperation "$1")" - < <(vm "$2" p) 3>&-; }
