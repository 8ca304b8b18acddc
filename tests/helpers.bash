# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What every test begins with: `load helpers`. Each test gets a root of its own
# in $ROOT (exported as VFPOOL_ROOT), and the programs of $VFPOOL_BUILD.
#
# The run_* wrappers take the expected exit code first, or a pattern of codes. They leave, as bats' own
# run does, $status, $output (stdout) and $stderr; and byte for byte, in files,
# $STDOUT and $STDERR.

bats_require_minimum_version 1.8.0

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
VFPOOL_BUILD=$(realpath -m -- "${VFPOOL_BUILD:-$TESTS/../build}")    # hooks are called from /
export FIXTURES=$TESTS/fixtures
# shellcheck source=libvirt/daemon.bash
source "$TESTS/libvirt/daemon.bash"

# The same programs without sanitizers, as they are installed ("make plain").
PLAIN=${VFPOOL_PLAIN:-$TESTS/../build}

# as_installed: those, for files and tests that are about what is kept, not about what is read: the sanitized ones take
# three times as long to start. SANITIZED=all keeps them.
as_installed() { [[ ${SANITIZED-} == all ]] || VFPOOL_BUILD=$PLAIN; }

# Looking for leaks takes twice as long as all else that a sanitized program does. A file that has LEAK_CHECK=1 before it
# loads this does it; together those call every program, hook and verb, in good cases and bad.
export ASAN_OPTIONS=detect_leaks=${LEAK_CHECK:-0}${ASAN_OPTIONS:+:$ASAN_OPTIONS}

# Seconds after which a program, or a wait, counts as hanging.
: "${VFPOOL_TIMEOUT:=60}" "${VFPOOL_WAIT:=20}"

setup() {
    common_setup
}

# For a test file that has a setup of its own to call.
common_setup() {
    # What others may write to is refused.
    umask 022
    # What bats does before each command, to know which one failed, takes as long as the commands; see tests/run.
    [[ -z ${UNTRACED-} ]] || trap - DEBUG
    ROOT=$BATS_TEST_TMPDIR/root
    STDOUT=$BATS_TEST_TMPDIR/stdout
    STDERR=$BATS_TEST_TMPDIR/stderr
    mkdir -p "$ROOT/etc/vfpool" "$ROOT/run"
    export VFPOOL_ROOT=$ROOT
    unset NO_COLOR LIBVIRT_DEFAULT_URI
}

# counted N WHAT: so many of these were tried; tests/run adds them up.
counted() {
    echo "# $1 $2"
    [[ -z ${COUNTS-} ]] || echo "$1 $2" >> "$COUNTS"
}

# --- running -----------------------------------------------------------------

# fail MESSAGE...: the test ends here. An assertion goes on with "|| return" all the
# same where more follows: below "run" bash does not stop at the first failure.
fail() {
    printf '%s\n' "$@" >&2
    return 1
}

# run_program CODE COMMAND...: runs it with a deadline; logs it and what it said,
# which bats shows when the test fails. fd 3 is bats' own: a child that kept it
# would keep bats waiting.
run_program() {
    local expected=$1
    shift
    status=0
    timeout --kill-after=5 "$VFPOOL_TIMEOUT" "$@" >"$STDOUT" 2>"$STDERR" 3>&- || status=$?
    # No processes since bash 5.2. A NUL in the output is for $STDOUT to show; bash would warn of it here.
    { output=$(<"$STDOUT") stderr=$(<"$STDERR"); } 2>/dev/null
    printf '$ %s\n' "${*@Q}"
    [[ -z $output ]] || printf '%s\n' "$output"
    [[ -z $stderr ]] || printf 'stderr: %s\n' "$stderr"
    # shellcheck disable=SC2053 # a pattern
    if [[ $status != $expected ]]; then
        if [[ $status == 124 || $status == 137 ]]; then fail "timed out or killed ($status)"; fi
        fail "exit code $status, not $expected"
    fi
}

# run_vfpool CODE VERB...     1: it failed, in whatever way (39-json has the kinds)
run_vfpool() {
    local expected=$1
    shift
    [[ $expected != 1 || $1 == doctor ]] || expected='[13456]'
    run_program "$expected" "$VFPOOL_BUILD/hook/vfpool" "$@"
}

# run_hook CODE GUEST OPERATION [SUBOPERATION] [EXTRA] <DOMAIN.xml
# (a guest of one's own: < <(guest NAME UUID ...); behind a pipe $output would be lost)
# As libvirt runs a hook: with next to nothing in the environment, from /.
run_hook() {
    local expected=$1 guest=$2 operation=$3 sub=${4-} extra=${5--}
    hook_environment
    run_program "$expected" "${HOOK_ENVIRONMENT[@]}" \
        "$VFPOOL_BUILD/hook/qemu" "$guest" "$operation" "${sub:-$(suboperation "$operation")}" "$extra"
}

# The command that gives a program what a hook of libvirt's finds, and what
# sanitizers ask for.
hook_environment() {
    local name
    HOOK_ENVIRONMENT=(env -i -C / LC_ALL=C HOME=/ PATH="$PATH" VFPOOL_ROOT="$VFPOOL_ROOT")
    for name in ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS; do
        [[ -z ${!name-} ]] || HOOK_ENVIRONMENT+=("$name=${!name}")
    done
}

# run_network CODE NETWORK OPERATION < hookData.xml
run_network() {
    hook_environment
    run_program "$1" "${HOOK_ENVIRONMENT[@]}" "$VFPOOL_BUILD/hook/network" "$2" "$3" begin -
}

# made CODE NETWORK UUID NAME MAC ADDRESS, ended ...
made() { run_network "$1" "$2" port-created < <(allocation "${@:3}"); }
ended() { run_network "$1" "$2" port-deleted < <(allocation "${@:3}"); }

# The suboperation that libvirt gives with an operation.
suboperation() {
    case $1 in
    stopped | release) echo end ;;
    *) echo begin ;;
    esac
}

# --- a host, its pools, its guests -------------------------------------------

# host ARGUMENT...: tests/host/build on this test's root.
host() {
    "$TESTS/host/build" "${ROOT:?}" "$@" 3>&-
}

# opened ADDRESS: a process has the VF open, this one, as QEMU does, until "exec {open}<&-"
opened() {
    local group
    group=$(basename "$(readlink "$ROOT/sys/bus/pci/devices/$1/iommu_group")")
    mkdir -p "$ROOT/dev/vfio"
    : > "$ROOT/dev/vfio/$group"
    host driver "$1" vfio-pci
    exec {open}< "$ROOT/dev/vfio/$group"
}

# pool NAME PF... [-- XML...]: a pool file, with further children of <network>.
pool() {
    local name=$1 file=$ROOT/etc/vfpool/$1.xml
    shift
    {
        printf '<network>\n  <name>'
        xml_escape "$name"
        printf '</name>\n'
        printf "  <forward mode='hostdev' managed='yes'>\n    <driver name='vfio'/>\n"
        while (($#)) && [[ $1 != -- ]]; do
            printf "    <pf dev='%s'/>\n" "$1"
            shift
        done
        printf '  </forward>\n'
        (($# < 2)) || printf '  %s\n' "${@:2}"
        printf '</network>\n'
    } >"$file"
}

# guest NAME UUID INTERFACE...: a domain as libvirt hands it to prepare. An
# interface is NETWORK:MAC or NETWORK/PORTGROUP:MAC, or XML that goes in as it is.
guest() {
    local uuid=$2 device network portgroup
    printf "<domain type='qemu' id='1'>\n  <name>"
    xml_escape "$1"
    shift 2
    printf '%s\n' "</name>
  <uuid>$uuid</uuid>
  <memory unit='KiB'>65536</memory>
  <currentMemory unit='KiB'>65536</currentMemory>
  <vcpu placement='static'>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-10.0'>hvm</type>
    <boot dev='hd'/>
  </os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='pci' index='0' model='pcie-root'/>"
    for device; do
        if [[ $device == '<'* ]]; then
            printf '    %s\n' "$device"
            continue
        fi
        network=${device%%:*} portgroup=
        if [[ $network == */* ]]; then
            portgroup=" portgroup='${network#*/}'" network=${network%%/*}
        fi
        printf '%s\n' "    <interface type='network'>
      <mac address='${device#*:}'/>
      <source network='$network'$portgroup/>
    </interface>"
    done
    printf "    <memballoon model='none'/>\n  </devices>\n</domain>\n"
}

# UUID[N], MAC[N]: the N-th of a test, from 0 to 1023. No functions, as each $(uuid 1) would be a process.
# shellcheck disable=SC2034 # the tests use them
{
    UUID=(00000000-0000-4000-8000-000000000{0..3}{{0..9},{a..f}}{{0..9},{a..f}})
    MAC=(52:54:00:00:0{0..3}:{{0..9},{a..f}}{{0..9},{a..f}})
}

# source_of ADDRESS: the <source> of a device
source_of() {
    echo "<source><address type='pci' domain='0x${1:0:4}' bus='0x${1:5:2}' slot='0x${1:8:2}' function='0x${1:11:1}'/></source>"
}

# hostdev ADDRESS, interface ADDRESS MAC: devices of a guest, by their addresses
hostdev() {
    local source
    source=$(source_of "$1")
    echo "<hostdev mode='subsystem' type='pci' managed='yes'>${source/ type=\'pci\'/}</hostdev>"
}

interface() {
    echo "<interface type='hostdev' managed='yes'><mac address='$2'/>$(source_of "$1")</interface>"
}

# --- the ledger --------------------------------------------------------------

# What must be true of the ledger at any rest; by a reader of its own.
assert_invariants() {
    "$TESTS/checker" "$ROOT" 3>&-
}

# holder ADDRESS: the UUID that a VF's link leads to; nothing when it is free.
holder() {
    local link=$ROOT/run/vfpool/vfs/$1 target
    [[ -e $link ]] || return 0
    target=$(readlink "$link")
    target=${target##*/}
    printf '%s\n' "${target%.xml}"
}

# taken: "ADDRESS UUID" of every VF that is held, sorted; what is no link has no UUID, and comes first.
taken() {
    local link links=() targets i
    for link in "$ROOT"/run/vfpool/vfs/*; do
        [[ -e $link ]] || continue
        if [[ -L $link ]]; then links+=("$link"); else printf '%s \n' "${link##*/}"; fi
    done
    ((${#links[@]})) || return 0
    mapfile -t targets < <(readlink -- "${links[@]}")
    for i in "${!links[@]}"; do
        link=${targets[i]##*/}
        printf '%s\n' "${links[i]##*/} ${link%.xml}"
    done
}

# assert_taken [ADDRESS UUID]...: exactly these VFs are held.
assert_taken() {
    local is expected='' left
    is=$(taken)
    (($# == 0)) || printf -v expected '%s %s\n' "$@"
    left=$is
    while (($#)) && [[ $'\n'$left$'\n' == *$'\n'"$1 $2"$'\n'* ]]; do
        left=${left/"$1 $2"/}
        shift 2
    done
    [[ $# == 0 && -z ${left//$'\n'/} ]] || fail "held:" "$is" "expected:" "$expected"
}

# assert_released UUID: nothing of the guest is left.
assert_released() {
    local left
    [[ -d $ROOT/run/vfpool ]] || return 0
    left=$(find "$ROOT/run/vfpool" \( -name "*$1*" -o -lname "*$1*" \))
    [[ -z $left ]] || fail "left of $1:" "$left"
}

# host_log: what reads /dev/log, $log, a datagram a line of $BATS_TEST_TMPDIR/log, until it is killed
host_log() {
    mkdir -p "$ROOT/dev"
    perl -MSocket -e 'socket(my $s, PF_UNIX, SOCK_DGRAM, 0); bind($s, sockaddr_un($ARGV[0])) or die; open(my $o, ">", $ARGV[1]);
        $o->autoflush(1); print $o "ready\n"; while (defined(recv($s, my $line, 8192, 0))) { print $o "$line\n" }' \
        "$ROOT/dev/log" "$BATS_TEST_TMPDIR/log" 3>&- &
    log=$!
    wait_until grep -q ready "$BATS_TEST_TMPDIR/log"
}

# snapshot: remembers what vfpool keeps; assert_unchanged: it is the same still.
# The lock file and empty directories may have come: the first call makes them. The history tells of calls that failed.
snapshot() {
    snapshot_of "$ROOT" >"$BATS_TEST_TMPDIR/snapshot"
}

assert_unchanged() {
    snapshot_of "$ROOT" | diff -u "$BATS_TEST_TMPDIR/snapshot" - || fail "the ledger or a file beside it changed"
}

snapshot_of() (
    local tree trees=() lock=''
    cd "$1" || exit
    [[ ! -f run/vfpool/lock || -L run/vfpool/lock ]] || read -r -d '' lock <run/vfpool/lock || :
    for tree in etc/vfpool run/vfpool var/lib/vfpool; do
        [[ ! -L $tree && ! -e $tree ]] || trees+=("$tree")
    done
    ((${#trees[@]} == 0)) || find "${trees[@]}" ! -type d \
        ! \( -path "${lock:-run/vfpool/lock}" -type f \) ! -path var/lib/vfpool/history ! -path run/vfpool/tally-1 -printf '%p %y %m %l\n' \
        -type f -exec cksum {} + | sort
)

# --- assertions --------------------------------------------------------------

# assert_one_line [TEXT...]: stderr is one line that a person can act on, and
# holds each text.
assert_one_line() {
    local text
    IFS= read -r -d '' text <"$STDERR" || :
    [[ $text == "$stderr"$'\n' && -n $stderr && $stderr != *$'\n'* ]] ||
        fail "stderr is not exactly one line:" "$stderr" || return
    for text; do
        [[ $stderr == *"$text"* ]] || fail "no '$text' in: $stderr" || return
    done
}

# assert_silent: nothing on stdout nor stderr.
assert_silent() {
    [[ ! -s $STDOUT && ! -s $STDERR ]] || fail "it should have said nothing"
}

assert_equal() {
    [[ $1 == "$2" ]] || fail "is:       $1" "expected: $2"
}

# --- more than one at a time -------------------------------------------------

# wait_until COMMAND...: polls it until it succeeds; fails past the deadline.
wait_until() {
    local deadline=$((SECONDS + VFPOOL_WAIT))
    until "$@"; do
        ((SECONDS < deadline)) || fail "waited $VFPOOL_WAIT s in vain for: $*" || return
        pause
    done
}

# A fiftieth of a second, as a read from a pipe that nobody writes to.
pause() {
    local fifo=$BATS_TEST_TMPDIR/pause
    [[ -p $fifo ]] || mkfifo "$fifo"
    read -r -t 0.02 <>"$fifo" || :
}

# looks_gone UUID...: these guests do not run, for all that libvirt's files say, and their claims are from long ago.
looks_gone() {
    local uuid
    mkdir -p "$ROOT/run/libvirt/qemu"
    for uuid; do
        sed -i 's/clock="[^"]*"/clock="-600000"/' "$ROOT/run/vfpool/guests/$uuid.xml"
    done
}

# together N COMMAND...: N processes at once, "COMMAND... I" with I from 1 to N.
# Each is forked and waits at the barrier before the first is let go. Leaves each
# one's $BATS_TEST_TMPDIR/together/I.out, I.err and I.code; fails only when one
# never came back.
together() {
    local count=$1 dir=$BATS_TEST_TMPDIR/together i gate pids=()
    shift
    rm -rf "$dir"
    mkdir "$dir"
    mkfifo "$dir/barrier"
    exec {gate}<>"$dir/barrier"
    for ((i = 1; i <= count; i++)); do
        at_barrier "$dir" "$gate" "$i" "$@" 3>&- &
        pids+=($!)
    done
    wait_until arrived "$dir" "$count" || return
    printf '%*s' "$count" '' >&"$gate"
    wait "${pids[@]}" || :
    exec {gate}>&-
    for ((i = 1; i <= count; i++)); do
        [[ -e $dir/$i.code ]] || fail "process $i did not end" || return
    done
}

# One byte a process: a read of a pipe takes a byte from exactly one writer, and
# has a deadline of its own for a test that died.
at_barrier() {
    local dir=$1 gate=$2 i=$3 code=0
    shift 3
    : >"$dir/$i.here"
    read -r -N 1 -t "$VFPOOL_WAIT" -u "$gate" || return
    exec {gate}>&-
    STDOUT=$dir/$i.stdout STDERR=$dir/$i.stderr    # so that run_* may be used in it
    "$@" "$i" >"$dir/$i.out" 2>"$dir/$i.err" || code=$?
    echo "$code" >"$dir/$i.code"
}

arrived() {
    local here=("$1"/*.here)
    [[ -e ${here[0]} ]] && ((${#here[@]} == $2))
}
