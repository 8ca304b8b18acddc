# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A guest's life with a libvirt and a kernel on files, and tests/calls/tracer, by which a call is a process's last one, or
# fails. A file that loads this has loaded helpers and libvirt/helpers before. $SWEEP says how many of the calls: some six
# of each, 'some' for 50, 'all'.

setup() {
    common_setup
    V=(0000:01:10.0 0000:01:10.2 0000:01:10.4 0000:01:10.6 0000:01:11.0 0000:01:11.2)
    host eth3:vfs=6
    pool p eth3 -- "<metadata><v:pool xmlns:v='urn:vfpool:1'><v:settings spoof-check='no' trust='yes' max-rate='100'/></v:pool></metadata>"
    libvirt_begin
    mkdir -p "$ROOT/kernel" "$ROOT/run/libvirt/qemu" "$ROOT/etc/libvirt/qemu"
    local i
    for i in 0 1 2 3 4 5; do echo "52:54:00:aa:00:0$i 0 0 8100 0 0 1 0 0 0"; done \
        > "$ROOT/kernel/$(cat "$ROOT/sys/class/net/eth3/ifindex")"
    TRACER=$PLAIN/tests/calls/tracer
    VFPOOL_BUILD=$PLAIN/tests/kernel
    run_vfpool 0 reconcile
    # Another guest, which has nothing to do with any of this.
    prepares 9 1
    gives 9 1
    starts 9
}
teardown() { assert_invariants; }

# --- a life, as libvirt lets a guest live it; COUNT interfaces -------------------

of() { # N COUNT
    local i interfaces=()
    for ((i = 0; i < $2; i++)); do interfaces+=("p:${MAC[16 * $1 + i]}"); done
    guest "g$1" "${UUID[$1]}" "${interfaces[@]}"
}
prepares() { run_hook 0 "g$1" prepare < <(of "$1" "$2"); }
# gives N COUNT: libvirt gives VFs, GIVEN, as it would
gives() {
    local i vf
    GIVEN=()
    for ((i = 0; i < $2; i++)); do
        vf=$(open_vfs p | head -n 1)
        alone allocates "$1" "$i" "$vf"
        GIVEN+=("$vf")
    done
}
allocates() { # N I ADDRESS
    port p "g$1" "${UUID[$1]}" "$3"
    made 0 p "${UUID[$1]}" "g$1" "${MAC[16 * $1 + $2]}" "$3"
    kernel_sets "$3" "${MAC[16 * $1 + $2]}"
}
# kernel_sets ADDRESS MAC: as libvirt does, in the order of the VFs
kernel_sets() {
    local i
    for i in "${!V[@]}"; do
        [[ ${V[i]} != "$1" ]] || sed -i "$((i + 1))s/^[^ ]*/$2/" "$ROOT/kernel/"[0-9]*
    done
}
shown() { # N
    local i interfaces=()
    for i in "${!GIVEN[@]}"; do
        interfaces+=("<interface type='hostdev' managed='yes'><mac address='${MAC[16 * $1 + i]}'/><source><address type='pci' domain='0x0000' bus='0x01' slot='0x${GIVEN[i]:8:2}' function='0x${GIVEN[i]:11}'/></source></interface>")
    done
    guest "g$1" "${UUID[$1]}" "${interfaces[@]}"
}
runs() { # N
    shown "$1" > "$LIBVIRT/domains/${UUID[$1]}.xml"
    : > "$ROOT/run/libvirt/qemu/g$1.xml"
}
starts() { # N
    runs "$1"
    run_hook 0 "g$1" start < "$LIBVIRT/domains/${UUID[$1]}.xml"
}
# ends N: what libvirt does with a guest whose start, or life, is over: its ports, then the release
ends() {
    local i
    rm -f "$LIBVIRT/domains/${UUID[$1]}.xml" "$ROOT/run/libvirt/qemu/g$1.xml"
    for i in "${!GIVEN[@]}"; do
        kernel_sets "${GIVEN[i]}" "52:54:00:aa:00:0$(index "${GIVEN[i]}")"
        [[ $(owner p "${GIVEN[i]}") == "g$1" ]] || continue
        unport p "${UUID[$1]}" "${GIVEN[i]}"
        [[ -n ${WITHOUT_HOOK-} ]] || ended 0 p "${UUID[$1]}" "g$1" "${MAC[16 * $1 + i]}" "${GIVEN[i]}"
    done
}
index() { local i; for i in "${!V[@]}"; do [[ ${V[i]} != "$1" ]] || echo "$i"; done; }
over() { # N COUNT
    ends "$1"
    run_hook 0 "g$1" release < <(of "$1" "$2")
}

# --- sweeping --------------------------------------------------------------------

# world: all that there is, but for what is another each time
world() (
    cd "$ROOT" || exit
    for link in run/vfpool/vfs/*; do [[ ! -L $link ]] || echo "${link##*/} $(readlink "$link")"; done
    for file in run/vfpool/guests/* libvirt/ports/*/* libvirt/domains/* kernel/[0-9]*; do
        [[ -e $file ]] || continue
        echo "$file"
        sed 's/ since="[^"]*"//; s/ clock="[^"]*"//; s/ reason="[^"]*"//' "$file"
    done
    for file in run/vfpool/offers/*; do [[ ! -e $file ]] || tail -n +2 "$file"; done
    find run/vfpool/ports run/vfpool/deferred -mindepth 1 2> /dev/null | sort # an empty directory is nothing
)

# keep, restore: what a call changes; an offer is for one inode of witness/daemon
keep() {
    calm
    rm -rf "$ROOT/kept"
    mkdir "$ROOT/kept"
    cp -a "$ROOT"/{run,libvirt,kernel} "$ROOT/kept"
    rm -rf "$ROOT/kept/run/vfpool/witness"
}
restore() {
    find "$ROOT/run/vfpool" -mindepth 1 -maxdepth 1 ! -name witness -exec rm -rf {} +
    rm -rf "$ROOT/libvirt" "$ROOT/kernel" "$ROOT/run/libvirt"
    cp -a "$ROOT/kept/." "$ROOT"
}

# calm: nobody settles, and nobody is going to: who was to may have been killed
calm() {
    rm -f "$ROOT/run/vfpool/unsettled"
    [[ ! -e $ROOT/run/vfpool/settle ]] || flock -w "$VFPOOL_WAIT" "$ROOT/run/vfpool/settle" true
}

# traced WHO N WHAT COMMAND...: its exit status, and $SAID
traced() {
    local code=0
    hook_environment
    timeout -k 5 70 "${HOOK_ENVIRONMENT[@]}" "$TRACER" "$1" "$2" "$3" "$ROOT/said" "${@:4}" < "$ROOT/input" \
        > "$STDOUT" 2> "$STDERR" 3>&- || code=$?
    read -r -a SAID < "$ROOT/said"
    return "$code"
}

# chosen TOTAL: the numbers of the calls that are tried, evenly spread, and the last ones
chosen() {
    local spread=4 last=2
    case ${SWEEP-} in
    all) seq "$1" && return ;;
    some) spread=40 last=10 ;;
    esac
    { seq 1 $(($1 / spread + 1)) "$1" && seq $(($1 > last ? $1 - last + 1 : 1)) "$1"; } | sort -nu
}

goes_on() {
    $1
    calm
    # Who could not leave the ledger's lock as one does is taken for killed by the next one.
    run_vfpool 0 status > /dev/null
    assert_invariants
    run_vfpool 0 reconcile
    assert_invariants
}

# half [COUNT]: a guest whose release never came, with its ports, and no offer
half() {
    prepares 2 "${1:-1}"
    gives 2 "${1:-1}"
    starts 2
    looks_gone "${UUID[2]}"
    rm "$LIBVIRT/domains/${UUID[2]}.xml" "$ROOT/run/libvirt/qemu/g2.xml"
    rm -f "$ROOT/run/vfpool/offers/p"
    : > "$ROOT/input"
}
looks_gone_now() { [[ ! -e $ROOT/run/vfpool/guests/${UUID[$1]}.xml ]] || looks_gone "${UUID[$1]}"; }

# defers: guest 1 must have its own VF, and a libvirtd that starts its guests, and answers nobody (F12), is whom the
# tracer's program has as its parent; started later, the guest has no interface any more, so that nobody has to give it a
# VF.
defers() {
    fake_libvirtd
    sed -i "s,<pf dev='eth3'/>,<pf dev='eth3'><reserve vfs='5' guest='g1'/></pf>," "$ROOT/etc/vfpool/p.xml"
    run_vfpool 0 reconcile
    printf '#!/bin/bash\necho virConnectOpen fail > %q\n%q starting %q "$@"\ncode=$?\nrm %q\nexit $code\n' \
        "$LIBVIRT/fault" "$ROOT/libvirtd" "$TRACER" "$LIBVIRT/fault" > "$ROOT/starting"
    chmod +x "$ROOT/starting"
    TRACER=$ROOT/starting
    guest g1 "${UUID[1]}" > "$LIBVIRT/domains/${UUID[1]}.inactive"
    of 1 1 > "$ROOT/input"
}
# deferred_again: libvirtd starts once more, and the guest's start is refused, as before
deferred_again() {
    traced hook 0 kill "$VFPOOL_BUILD/hook/qemu" g1 prepare begin - || (($? == 1))
}
# waits: it is deferred, and libvirtd can be called now
waits() {
    deferred_again
    [[ -e $ROOT/run/vfpool/deferred/${UUID[1]} ]] || fail "not deferred: $(< "$STDERR")"
    TRACER=$PLAIN/tests/calls/tracer
}
# runs_now: whoever was killed, or failed, the next one starts it, once
runs_now() {
    run_vfpool 0 reconcile
    [[ -e $LIBVIRT/domains/${UUID[1]}.xml ]] || fail "nobody has started it"
}
