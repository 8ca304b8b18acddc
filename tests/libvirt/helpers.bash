# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A libvirt on files (fake.h) for a test's root: its networks, its guests, and what goes wrong. Loaded behind
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

# libvirt_installed: what doctor looks for beside it: vfio-pci, vfpool's hooks and units, systemd.
libvirt_installed() {
    local kind
    mkdir -p "$ROOT/sys/bus/pci/drivers/vfio-pci" "$ROOT/etc/libvirt/qemu/networks" "$ROOT/run/systemd/system" \
        "$ROOT/etc/systemd/system/multi-user.target.wants"
    ln -s /usr/lib/systemd/system/vfpool{,-boot}.service "$ROOT/etc/systemd/system/multi-user.target.wants"
    for kind in qemu network daemon; do
        mkdir -p "$ROOT/etc/libvirt/hooks" "$ROOT/usr/libexec/vfpool"
        printf '#!/bin/sh\n# vfpool, %s\n' $kind > "$ROOT/usr/libexec/vfpool/$kind"
        install -m 755 "$ROOT/usr/libexec/vfpool/$kind" "$ROOT/etc/libvirt/hooks/$kind"
    done
    mkdir -p "$ROOT/bin"
    install -m 755 /dev/null "$ROOT/bin/sh"
}

# calls: what libvirt was asked since the last time.
calls() {
    cat "$LIBVIRT/calls" 2> /dev/null
    rm -f "$LIBVIRT/calls"
}

# concrete NAME UUID MAC ADDRESS: the guest as libvirt shows it once it has the VF.
concrete() {
    guest "$1" "$2" "<interface type='hostdev' managed='yes'><mac address='$3'/>
        <source><address type='pci' domain='0x${4:0:4}' bus='0x${4:5:2}' slot='0x${4:8:2}' function='0x${4:11}'/></source>
        </interface>"
}

# vm N NETWORK: guest N, which asks for a VF.
vm() {
    guest "g$1" "${UUID[$1]}" "$2:${MAC[$1]}"
}

# boot N NETWORK: guest N starts, and gets the VF that libvirt would give it: the first that is open, if it is one.
boot() {
    local vf
    run_hook 0 "g$1" prepare < <(vm "$1" "$2")
    vf=$(open_vfs "$2" | head -n 1)
    [[ -n $vf ]] || fail "no VF of $2 is open for guest $1"
    port "$2" "g$1" "${UUID[$1]}" "$vf"
    made 0 "$2" "${UUID[$1]}" "g$1" "${MAC[$1]}" "$vf"
    concrete "g$1" "${UUID[$1]}" "${MAC[$1]}" "$vf" > "$LIBVIRT/domains/${UUID[$1]}.xml"
    run_hook 0 "g$1" start < "$LIBVIRT/domains/${UUID[$1]}.xml"
}

# A guest's life on network p, as libvirt lets it live.

prepare() { # N [NETWORK]
    run_hook 0 "g$1" prepare < <(vm "$1" "${2:-p}")
}

# give N [CODE]: libvirt gives guest N the first VF that is open, into $vf; what is refused it takes back, before anybody
# else can call it.
give() {
    vf=$(open_vfs p | head -n 1)
    [[ -n $vf ]] || fail "no VF is open for guest $1" || return
    alone give_port "$@"
}
give_port() {
    port p "g$1" "${UUID[$1]}" "$vf"
    made "${2:-0}" p "${UUID[$1]}" "g$1" "${MAC[$1]}" "$vf" || return
    [[ ${2:-0} == 0 ]] || unport p "${UUID[$1]}" "$vf"
}

# take N ADDRESS: libvirt takes it back.
take() {
    unport p "${UUID[$1]}" "$2"
    ended 0 p "${UUID[$1]}" "g$1" "${MAC[$1]}" "$2"
}

start() { # N: with $vf
    concrete "g$1" "${UUID[$1]}" "${MAC[$1]}" "$vf" > "$LIBVIRT/domains/${UUID[$1]}.xml"
    run_hook 0 "g$1" start < "$LIBVIRT/domains/${UUID[$1]}.xml"
    mkdir -p "$ROOT/run/libvirt/qemu"
    : > "$ROOT/run/libvirt/qemu/g$1.xml"
}

# run_guest N: it runs, with $vf
run_guest() {
    prepare "$1"
    give "$1"
    start "$1"
}

release() {
    rm -f "$LIBVIRT/domains/${UUID[$1]}.xml" "$ROOT/run/libvirt/qemu/g$1.xml"
    run_hook 0 "g$1" release < <(vm "$1" p)
}

stop() { # N ADDRESS
    take "$1" "$2"
    release "$1"
}

# fake_libvirtd: a program in $ROOT, "libvirtd [starting|reloading] COMMAND...", which runs a command and waits for it;
# "starting" gives it the thread that the real one has while it starts its guests (F12), "reloading" that of a reload.
# And $ROOT/reload COMMAND...: one that the witness knows reloads, and runs a command meanwhile.
fake_libvirtd() {
    cat >"$ROOT/libvirtd.c" <<'C'
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static void *idle(void *unused) { for (;;) pause(); return unused; }
int main(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "";
    const char *name = strcmp(first, "starting") == 0 ? "daemon-init" : strcmp(first, "reloading") == 0 ? "daemon-reload" : NULL;
    int from = name ? 2 : 1, status = 1;
    pthread_t thread;
    if (name && (pthread_create(&thread, NULL, idle, NULL) != 0 || pthread_setname_np(thread, name) != 0))
        return 99;
    if (fork() == 0) {
        execv(argv[from], argv + from);
        _exit(98);
    }
    wait(&status);
    return WEXITSTATUS(status);
}
C
    cc -o "$ROOT/libvirtd" "$ROOT/libvirtd.c" -pthread
    printf '#!/bin/bash\nexec %q reloading %q "$@"\n' "$ROOT/libvirtd" "$ROOT/reloaded" > "$ROOT/reload"
    printf '#!/bin/bash\nROOT=%q\n. %q\nLIBVIRTD=$PPID witness\nexec "$@"\n' "$ROOT" "$TESTS/libvirt/daemon.bash" > "$ROOT/reloaded"
    chmod +x "$ROOT/reload" "$ROOT/reloaded"
}

# settled: no process sets ports behind the hooks' backs any more.
settled() {
    [[ -e $ROOT/run/vfpool/settle || -e $ROOT/run/vfpool/unsettled ]] || return 0
    wait_until eval '[[ ! -e $ROOT/run/vfpool/unsettled ]]' || return
    flock -w "$VFPOOL_WAIT" "$ROOT/run/vfpool/settle" true
}

# reload: libvirt forgets how many ports there are (F27).
reload() { alone forget_ports "$@"; }
forget_ports() {
    rm -rf "$LIBVIRT/networks/$1.count"
    echo 0 > "$LIBVIRT/networks/$1.connections"
}

# fault WHICH WHAT: see fake.h; nothing: all is well again
fault() {
    if (($#)); then
        echo "$*" > "$LIBVIRT/fault"
    else
        rm -f "$LIBVIRT/fault"
    fi
}

# each_fault COMMAND...: runs it once to see its calls, then from the same beginning each time with one that fails, or is
# the last one before a kill (just before, or just after it was made), or is not answered, or behind which nothing is.
# After each: one line if it failed, then AFTER, all is well again, and a reconcile, FINALLY. How many:
#
#   FAULTS=        the first call of each name, in one of these ways, in turn
#   FAULTS=some    of each name the first and the last fail or are the last one; a libvirt that does not answer the first
#                  of each name, and one that answers nothing from the first call or the newest name on
#   FAULTS=all     each call, in each way
each_fault() {
    local call first newest what name names tried count=0 VFPOOL_BUILD=$PLAIN
    libvirt_begin
    rm -f "$LIBVIRT/calls"
    mkdir -p "$ROOT/run/vfpool" "$ROOT/before/run"
    cp -a "$LIBVIRT" "$ROOT/before"
    cp -a "$ROOT/run/vfpool" "$ROOT/before/run"
    "$@" > /dev/null 2>&1
    mapfile -t names < <(cut -d' ' -f1 "$LIBVIRT/calls")
    ((${#names[@]} > 2)) || fail "${#names[@]} calls"
    mapfile -t tried < <(printf '%s\n' "${names[@]}" | awk -v faults="${FAULTS-}" '
        !($1 in first) { first[$1] = NR }
        { last[$1] = NR; name[NR] = $1 }
        END {
            for (i = 1; i <= NR; i++)
                if (faults == "all" || i == first[name[i]] || (faults == "some" && i == last[name[i]]))
                    print i, (i == first[name[i]])
        }')
    for call in "${tried[@]}"; do [[ $call != *" 1" ]] || newest=${call% 1}; done
    for call in "${tried[@]}"; do
        read -r call first <<< "$call"
        name=${names[call - 1]}
        for what in $(faults_of "$name" "$call" "$first" "$newest"); do
            one_fault "$call" "$name" "$what" "$@"
            count=$((count + 1))
        done
    done
    counted "$count" "faults of calls into libvirt"
}

# faults_of NAME CALL FIRST NEWEST: each_fault's, of this one
faults_of() {
    local asks=false
    # Killed before or after a call that only asks: the same.
    [[ ! $1 =~ Open|Lookup|List|Get|Is ]] || asks=true
    case ${FAULTS-}:$asks in
    all:*) echo fail kill killed hang silent ;;
    some:true) echo fail kill ;;
    some:false) echo fail kill killed ;;
    :true) set -- "$@" fail kill hang && echo "${@:5 + $2 % 3:1}" ;;
    :false) set -- "$@" killed fail kill && echo "${@:5 + $2 % 3:1}" ;;
    *) fail "FAULTS is empty, 'some' or 'all', not '$FAULTS'" ;;
    esac
    [[ ${FAULTS-} == some && $3 == 1 ]] || return 0
    echo hang
    [[ $2 != 1 && $2 != "$4" ]] || echo silent
}

# one_fault CALL NAME WHAT COMMAND...: one of each_fault's
one_fault() {
    local call=$1 name=$2 what=$3 code=0 said line lines=0 VFPOOL_BUILD=$PLAIN
    shift 3
    rm -rf "$LIBVIRT" "$ROOT/run/vfpool"
    cp -a "$ROOT/before/." "$ROOT"
    if [[ $what == silent ]]; then fault "$name" hang; else fault "$call" "$what"; fi
    [[ $what != hang && $what != silent ]] || VFPOOL_BUILD=$PLAIN/tests/libvirt/hasty
    "$@" > "$STDOUT" 2> "$STDERR" || code=$?
    VFPOOL_BUILD=$PLAIN
    said=$(< "$STDERR")
    echo "call $call, $name, $what: exit code $code, $(< "$STDOUT")$said"
    while IFS= read -r line; do
        [[ $line == "vfpool: note: "* ]] || lines=$((lines + 1))
    done < "$STDERR"
    ((code == 0 || (code < 7 && code != 2 && lines == 1))) || fail "not one line"
    [[ $what != silent || $said == *"did not answer"* ]] || fail "its silence is not named"
    ${AFTER:-true}
    fault
    run_vfpool 0 reconcile
    $FINALLY
    run_vfpool 0 reconcile
    assert_equal "$output" "nothing to repair"
}

vfpool() { timeout 60 "$VFPOOL_BUILD/hook/vfpool" "$@" 3>&-; }
hook() { timeout 60 "${HOOK_ENVIRONMENT[@]}" "$VFPOOL_BUILD/hook/qemu" "g$2" "$1" "$(suboperation "$1")" - < <(vm "$2" p) 3>&-; }

# hastily CODE ARGUMENT...: run_vfpool with deadlines that a test can wait for.
hastily() { VFPOOL_BUILD=$PLAIN/tests/libvirt/hasty run_vfpool "$@"; }
