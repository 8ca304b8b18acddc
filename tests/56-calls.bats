#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Killed before a system call, or one fails, whichever it is: each of what libvirt and a person call, with a libvirt and a kernel on
# files, other guests, and settings. After each kill the next call repairs, tests/checker finds nothing, and once libvirt
# has gone on as it does, all is as if nobody had been killed. $SWEEP says how many of the calls: some six of each, 'some'
# for 50, 'all'.

load helpers
as_installed
load libvirt/helpers

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
    ls run/vfpool/ports 2> /dev/null || :
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

# killed WHO AFTER COMMAND...: killed before each of WHO's calls, from where the test stands, AFTER goes on; the command
# "hook N OPERATION" is libvirt's call for guest N
killed() {
    local who=$1 after=$2 n total expected kills=0 CODE=0
    shift 2
    [[ $1 != hook ]] || set -- "$VFPOOL_BUILD/hook/qemu" "g$2" "$3" "$(suboperation "$3")" -
    keep
    traced "$who" 0 kill "$@" || fail "it fails by itself: $(< "$STDERR")"
    total=${SAID[0]}
    ((total > 20)) || fail "$who makes $total calls"
    goes_on "$after"
    expected=$(world)
    for n in $(chosen "$total"); do
        restore
        CODE=0
        traced "$who" "$n" kill "$@" || CODE=$?
        # Where processes run side by side, one may have fewer calls to make.
        [[ ${SAID[2]} == kill ]] || continue
        kills=$((kills + 1))
        run_vfpool 0 status > /dev/null
        assert_invariants || fail "killed before call $n of $total, ${SAID[1]}"
        goes_on "$after"
        assert_equal "$(world)" "$expected" || fail "killed before call $n of $total, ${SAID[1]}"
    done
    ((kills > 0))
    restore
    counted "$kills" kills
}
# faulty WHO AFTER COMMAND...: each of WHO's calls fails, in each way that it can, or in one of them in turn, and for half
# of the bytes: all is done, or exit status 1, one line, and nothing is; then AFTER goes on. With $GIVES_BACK what fails
# may have done a part: who gives back what is left finds it done.
faulty() {
    local who=$1 after=$2 n way total before whole expected faults=0 lines line CODE=0
    shift 2
    [[ $1 != hook ]] || set -- "$VFPOOL_BUILD/hook/qemu" "g$2" "$3" "$(suboperation "$3")" -
    keep
    before=$(world)
    traced "$who" 0 0 "$@" || fail "it fails by itself: $(< "$STDERR")"
    total=${SAID[0]}
    calm
    whole=$(world)
    goes_on "$after"
    expected=$(world)
    for n in $(chosen "$total"); do
        for way in $(ways "$n"); do
            restore
            CODE=0
            traced "$who" "$n" "$way" "$@" || CODE=$?
            [[ ${SAID[2]} != - ]] || continue
            faults=$((faults + 1))
            lines=0
            while IFS= read -r line; do [[ $line == "vfpool: note: "* ]] || lines=$((lines + 1)); done < "$STDERR"
            # 127: the loader's, before there is a program.
            ((CODE == 0 && lines == 0)) || (((CODE == 1 || CODE == 127) && lines == 1)) ||
                fail "call $n, ${SAID[1]}, fails with ${SAID[2]}: exit status $CODE" "$(< "$STDERR")"
            calm
            ((CODE == 0)) || [[ -n ${GIVES_BACK-} || $(world) == "$before" || $(world) == "$whole" ]] ||
                fail "call $n, ${SAID[1]}, fails with ${SAID[2]}: half done" "$(world)" "$before" "$(< "$STDERR")"
            goes_on "$after"
            assert_equal "$(world)" "$expected" || fail "call $n, ${SAID[1]}, fails with ${SAID[2]}" "$(< "$STDERR")"
        done
    done
    ((faults > 0))
    restore
    counted "$faults" "faults of system calls"
}
ways() { # N: all; or the first, and another one in turn
    if [[ ${SWEEP-} == all ]]; then seq 0 6; else seq 0 $(($1 % 3 + 1)) 3; fi
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

# bats test_tags=deep
@test "prepare, of one to three interfaces, and again" {
    GIVEN=()
    local count
    for count in 1 2 3; do
        of 1 $count > "$ROOT/input"
        killed hook "over 1 $count" hook 1 prepare
    done
    prepares 1 2
    killed hook "over 1 3" hook 1 prepare
}

# bats test_tags=deep
@test "port-created: as it was claimed, another VF, and at a hot-plug" {
    prepares 1 1
    plug() { # MAC ADDRESS
        PORT=a0000000-0000-4000-8000-000000000${2:9:1}${2:11}1 allocation "${UUID[1]}" g1 "$1" "$2" > "$ROOT/input"
    }
    local vf
    GIVEN=()
    # libvirt takes back by itself what a hook refused, and the start has failed.
    for vf in "${V[1]}" "${V[3]}"; do
        plug "${MAC[16]}" "$vf"
        killed hook "over 1 1" "$VFPOOL_BUILD/hook/network" p port-created begin -
    done
    gives 1 1
    starts 1
    plug "${MAC[20]}" "${V[2]}"
    # The plug fails where its hook did, and nobody calls for its end.
    unplugged() {
        ((CODE)) || ended 0 p "${UUID[1]}" g1 "${MAC[20]}" "${V[2]}"
        looks_gone_now 1 # by its claim alone: libvirt says that it runs
    }
    killed hook unplugged "$VFPOOL_BUILD/hook/network" p port-created begin -
}

# bats test_tags=deep
@test "start, and what libvirt ends it with" {
    local count
    for count in 1 3; do
        prepares 1 $count
        gives 1 $count
        runs 1
        cp "$LIBVIRT/domains/${UUID[1]}.xml" "$ROOT/input"
        killed hook "over 1 $count" hook 1 start
        over 1 $count
    done
}

# bats test_tags=deep
@test "port-deleted, and the release behind it" {
    prepares 1 2
    gives 1 2
    starts 1
    rm "$LIBVIRT/domains/${UUID[1]}.xml" "$ROOT/run/libvirt/qemu/g1.xml"
    unport p "${UUID[1]}" "${GIVEN[0]}"
    PORT=a0000000-0000-4000-8000-000000000000 allocation "${UUID[1]}" g1 "${MAC[16]}" "${GIVEN[0]}" > "$ROOT/input"
    killed hook "over 1 2" "$VFPOOL_BUILD/hook/network" p port-deleted begin -
}

# bats test_tags=deep
@test "release: nobody calls it again" {
    local count
    for count in 1 3; do
        prepares 1 $count
        gives 1 $count
        starts 1
        ends 1
        of 1 $count > "$ROOT/input"
        killed hook "looks_gone_now 1" hook 1 release
        over 1 $count
    done
}
looks_gone_now() { [[ ! -e $ROOT/run/vfpool/guests/${UUID[$1]}.xml ]] || looks_gone "${UUID[$1]}"; }

# bats test_tags=deep
@test "reconnect of a guest that nobody has claimed for" {
    prepares 1 2
    gives 1 2
    starts 1
    rm "$ROOT/run/vfpool/guests/${UUID[1]}.xml" "$ROOT/run/vfpool/vfs/${GIVEN[0]}" "$ROOT/run/vfpool/vfs/${GIVEN[1]}"
    cp "$LIBVIRT/domains/${UUID[1]}.xml" "$ROOT/input"
    killed hook true hook 1 reconnect
}

# half: a guest whose release never came, with its port, and no offer
half() {
    prepares 2 1
    gives 2 1
    starts 2
    looks_gone "${UUID[2]}"
    rm "$LIBVIRT/domains/${UUID[2]}.xml" "$ROOT/run/libvirt/qemu/g2.xml"
    rm -f "$ROOT/run/vfpool/offers/p"
    : > "$ROOT/input"
}

# bats test_tags=deep
@test "reconcile, and the vfpool-gate that it calls" {
    half
    killed hook true "$VFPOOL_BUILD/hook/vfpool" reconcile
    killed gate true "$VFPOOL_BUILD/hook/vfpool" reconcile
}

# bats test_tags=deep
@test "release by hand" {
    half
    unport p "${UUID[2]}" "${GIVEN[0]}"
    killed hook again "$VFPOOL_BUILD/hook/vfpool" release --force g2
}

# bats test_tags=deep
@test "open, and the vfpool-gate that it calls: vfpool leaves" {
    half
    killed hook opens "$VFPOOL_BUILD/hook/vfpool" open --settings
    killed gate opens "$VFPOOL_BUILD/hook/vfpool" open --settings
}
again() { [[ ! -e $ROOT/run/vfpool/guests/${UUID[2]}.xml ]] || run_vfpool 0 release --force g2; }
opens() { run_vfpool 0 open --settings; }

# bats test_tags=deep
@test "the daemon hook, and who settles behind a hook" {
    : > "$ROOT/input"
    killed hook true "$PLAIN/hook/daemon" - start - -
    # A VF that a guest had by its address is offered again behind the back of its release.
    GIVEN=("${V[3]}")
    shown 1 > "$ROOT/input"
    run_hook 0 g1 prepare < "$ROOT/input"
    starts 1
    run_vfpool 0 reconcile
    rm "$LIBVIRT/domains/${UUID[1]}.xml" "$ROOT/run/libvirt/qemu/g1.xml"
    killed behind true hook 1 release
    killed behind-gate true hook 1 release
}

# --- calls that fail ---------------------------------------------------------------

# bats test_tags=deep
@test "prepare, of which a system call fails" {
    GIVEN=()
    of 1 2 > "$ROOT/input"
    faulty hook "over 1 2" hook 1 prepare
}

# bats test_tags=deep
@test "release, of which a system call fails: the VF is free, or nobody's" {
    prepares 1 1
    gives 1 1
    starts 1
    ends 1
    of 1 1 > "$ROOT/input"
    faulty hook "looks_gone_now 1" hook 1 release
}

# bats test_tags=deep
@test "start, of which a system call fails" {
    prepares 1 1
    gives 1 1
    runs 1
    cp "$LIBVIRT/domains/${UUID[1]}.xml" "$ROOT/input"
    faulty hook "over 1 1" hook 1 start
}

# bats test_tags=deep
@test "port-created and port-deleted, of which a system call fails" {
    prepares 1 1
    PORT=a0000000-0000-4000-8000-000000000021 allocation "${UUID[1]}" g1 "${MAC[16]}" "${V[1]}" > "$ROOT/input"
    GIVEN=()
    faulty hook "over 1 1" "$VFPOOL_BUILD/hook/network" p port-created begin -
    gives 1 1
    starts 1
    rm "$LIBVIRT/domains/${UUID[1]}.xml" "$ROOT/run/libvirt/qemu/g1.xml"
    unport p "${UUID[1]}" "${GIVEN[0]}"
    PORT=a0000000-0000-4000-8000-000000000000 allocation "${UUID[1]}" g1 "${MAC[16]}" "${GIVEN[0]}" > "$ROOT/input"
    GIVES_BACK=1 faulty hook "over 1 1" "$VFPOOL_BUILD/hook/network" p port-deleted begin -
}

# bats test_tags=deep
@test "reconcile, and the vfpool-gate that it calls, of which a system call fails" {
    half
    GIVES_BACK=1 faulty hook true "$VFPOOL_BUILD/hook/vfpool" reconcile
    GIVES_BACK=1 faulty gate true "$VFPOOL_BUILD/hook/vfpool" reconcile
}
