#!/bin/bash
# What "make lab-two" calls: two hosts of the lab side by side, a and b, each with its own cards, on one network. The cases
# (tests/lab/two) run on a, which has a shell on b by ssh.
#
#   make lab-two [DEBIAN=12|13] [TESTS='1*'] [LAB_FILTER='regular expression of test names']
#
# Results are in build/lab/$DEBIAN-two/a/results and b/results. A host that a case wants to lose is killed here, and boots
# again: what a writes to /host/results/b, "kill" or "boot", is done.
set -euo pipefail

export LAB_TWO=1 LAB_DEADLINE=${LAB_DEADLINE:-7200} BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-1800}
two=$(cd "$(dirname "$0")" && pwd)
lab=$(dirname "$two")
# shellcheck source-path=SCRIPTDIR/.. source=common.sh
. "$lab/common.sh"
# shellcheck source-path=SCRIPTDIR/.. source=share.bash
. "$lab/share.bash"
mkdir -p "$work"
exec 9> "$work/lock"
flock -n 9 || { echo "lab: another run uses $work" >&2; exit 1; }
"$lab/build.sh"

# Two UDP ports of 127.0.0.1 that nobody has.
port() { python3 -c 'import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port_a=$(port)
port_b=$(port)
rm -f "$work"/shell{,.pub}
ssh-keygen -q -t ed25519 -N '' -C lab -f "$work/shell"

# share HOST, boot HOST: ${pids[HOST]} is its QEMU.
share() {
    here=$work/$1
    mkdir -p "$here"
    LAB_HOST=$1 make_share
    cp "$work/shell" "$here/share/key"
    cp "$work/shell.pub" "$here/share/key.pub"
}
boot() {
    local first=1 wire="$port_a $port_b" uuid=1
    [ "$1" = a ] || first=4 wire="$port_b $port_a" uuid=2
    LAB_HERE=$work/$1 LAB_FIRST=$first LAB_WIRE=$wire LAB_MEMORY=3072 \
        LAB_QEMU="-uuid 00000000-0000-4000-8000-00000000000$uuid" "$lab/boot.sh" 9>&- &
    pids[$1]=$!
    booted[$1]=$SECONDS
}
alive() { [ -n "${pids[$1]:-}" ] && kill -0 "${pids[$1]}" 2> /dev/null; }
end() {
    ! alive "$1" || kill "${pids[$1]}" 2> /dev/null || true
    [ -z "${pids[$1]:-}" ] || wait "${pids[$1]}" || true
    pids[$1]=
}

# Some boots stop for ever (tests/lab/README.md): once more, once.
look_up() {
    if [ -e "$work/$1/share/results/up" ] || ((SECONDS < booted[$1] + ${LAB_BOOT_DEADLINE:-180})); then return; fi
    [ -z "${again[$1]:-}" ] || { echo "lab: host $1 did not come up twice" >&2; exit 1; }
    again[$1]=1
    echo "lab: host $1 did not come up: once more" >&2
    end "$1"
    boot "$1"
}

declare -A pids booted again=()
trap 'end a; end b' EXIT
trap 'exit 143' TERM INT HUP

# b boots while a runs, which waits for it.
share a
share b
boot a
boot b
while alive a; do
    if [ -e "$work/a/share/results/b" ]; then
        read -r wish < "$work/a/share/results/b"
        rm "$work/a/share/results/b"
        case $wish in
        kill) end b ;;
        boot) rm -rf "$work/b/share/results/up"; boot b ;;
        esac
        echo "$wish" > "$work/a/share/results/b.done"
    fi
    look_up a
    if alive b; then look_up b; fi
    read -rt 0.2 _ <> <(:) || true
done
code=0
wait "${pids[a]}" || code=$?
pids[a]=
touch "$work/b/share/done"
for ((i = 0; i < 300; i++)); do
    alive b || break
    read -rt 0.2 _ <> <(:) || true
done
end b
for here in "$work/b" "$work/a"; do keep_results; done

if [ "$code" != 0 ] || [ ! -e "$here/results/rc" ]; then
    echo "lab: host a ended before its cases did (QEMU: $code; 124 is the deadline). End of its console:" >&2
    tail -n 20 "$here/results/console.log" >&2
    exit 1
fi
cat "$here/results/times.txt"
count_cases "$here/results/cases.tap" || exit 1
exit "$(cat "$here/results/rc")"
