#!/bin/bash
# What "make lab" calls: image, boot, the project installed inside, the cases run there, results brought out.
#
#   LAB_APPARMOR=1 make lab ...          libvirtd under Debian's AppArmor profile; what is denied is a failure
#   make lab [DEBIAN=12|13] [TESTS='0*'] [LAB_TAGS=short] [LAB_FILTER='regular expression of test names']
#   DAEMONS=modular make lab ...         virtqemud, virtnetworkd, virtnodedevd and virtproxyd in place of libvirtd
#   LAB_PACKAGE=vfpool.deb make lab ...  installs that package, or an rpm, in place of ./install.sh install
#   LAB_LIBVIRT=backports make lab ...   Debian 13 with the libvirt, QEMU and kernel of its backports
#   make lab TESTS=95-storm ...          a storm, then power cuts, and a boot after each (storm/; 90 minutes)
#   LAB_SCRIPT=FILE tests/lab/run.sh     sources FILE inside instead, with the helpers at hand
#
# Exits as bats did inside, its last line "N passed, N failed". Results in build/lab/$DEBIAN/results: cases.tap,
# console.log, dmesg.log, libvirt/, times.txt. A host that does not come up within LAB_BOOT_DEADLINE (180 s) is tried
# once more; a case that fails is not.
set -euo pipefail

lab=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$lab/common.sh"
mkdir -p "$work"

# One run at a time for each image: share and results are one folder.
exec 9> "$work/lock"
flock -n 9 || { echo "lab: another run uses $work" >&2; exit 1; }

"$lab/build.sh"
# No short case needs it.
case ${LAB_TAGS:-} in short*) ;; *) "$lab/modules.sh" ;; esac
case ${DAEMONS:-} in
'' | monolithic) ;;
modular) "$lab/modular.sh" ;;
*) echo "lab: DAEMONS is monolithic or modular, not '$DAEMONS'" >&2; exit 2 ;;
esac

# shellcheck source-path=SCRIPTDIR source=share.bash
. "$lab/share.bash"

# Waits for the host's end; ends it itself when it is not up in time. $code is QEMU's exit code, 124 for a deadline.
watch_host() {
    local end=$((SECONDS + ${LAB_BOOT_DEADLINE:-180}))
    while kill -0 "$host" 2>/dev/null && [ ! -e "$work/share/results/up" ]; do
        if ((SECONDS >= end)); then
            kill "$host"
            wait "$host" || true
            code=124
            return
        fi
        read -rt 0.2 _ <> <(:) || true
    done
    code=0
    wait "$host" || code=$?
}

run_host() {
    make_share
    "$lab/boot.sh" 9>&- &
    host=$!
    watch_host
    keep_results
}

# power_lasts SECONDS [FILE]: the host on its own disk, until its power is cut: so long after the FILE is there, or after
# the beginning. Return: 0 for cut, 1 when it ended by itself before or the file was not there in 15 minutes.
power_lasts() {
    local end=$((SECONDS + 900)) rc=1
    mv "$work/results/console.log" "$work/results/console-$((++boots)).log"
    "$lab/boot.sh" 9>&- &
    host=$!
    if [ -n "${2:-}" ]; then
        while kill -0 "$host" 2> /dev/null && [ ! -e "$2" ] && ((SECONDS < end)); do read -rt 0.2 _ <> <(:) || true; done
    fi
    if [ -z "${2:-}" ] || [ -e "$2" ]; then
        read -rt "$1" _ <> <(:) || true
        ! kill "$host" 2> /dev/null || rc=0
    fi
    kill "$host" 2> /dev/null || true
    wait "$host" || true
    return "$rc"
}

# LAB_CUTS=10 power cuts, by LAB_SEED: each while storm/storm.bash is at work, every other one once more while it boots.
# After each the host has to boot, with all its guests (storm/96-cut.bats).
cut_power() {
    local cuts=${LAB_CUTS:-10} cut boots=0
    RANDOM=${LAB_SEED:-95}
    touch "$work/share/cut"
    for ((cut = 1; cut <= cuts; cut++)); do
        if ((cut % 2)); then
            cp "$work/share/results/cases.tap" "$work/before.tap"
            power_lasts $((3 + RANDOM % 60)) || return
            # Whatever had begun.
            cp "$work/before.tap" "$work/share/results/cases.tap"
        fi
        rm -f "$work/share/results/ready"
        echo "LAB_CUT=$cut" >> "$work/share/environment"
        power_lasts $((1 + RANDOM % 40)) "$work/share/results/ready" || return
        echo "power cut $cut" | tee -a "$work/share/results/times.txt"
    done
    echo LAB_CUT=last >> "$work/share/environment"
    mv "$work/results/console.log" "$work/results/console-$((++boots)).log"
    "$lab/boot.sh" 9>&- &
    host=$!
    wait "$host"
}

host=
trap '[ -z "$host" ] || kill "$host" 2>/dev/null || true' EXIT
trap 'exit 143' TERM INT HUP
export LAB_DEADLINE=${LAB_DEADLINE:-5400}
# A storm's host boots again with what it wrote.
case ${TESTS:-} in 95*) export LAB_DISK=$work/storm.img && cp --sparse=always "$work/disk.img" "$LAB_DISK" ;; esac
run_host
if [ ! -e "$work/results/up" ]; then
    echo "lab: the host did not come up (QEMU: $code; 124 is the deadline): once more. How far it came:" >&2
    tail -n 5 "$work/results/times.txt" "$work/results/console.log" >&2 || true
    LAB_DEADLINE=$((LAB_DEADLINE - SECONDS))
    run_host
fi
if [ "$code" != 0 ] || [ ! -e "$work/results/rc" ]; then
    echo "lab: the host ended before its cases did (QEMU: $code; 124 is the deadline). End of its console:" >&2
    tail -n 20 "$work/results/console.log" >&2
    exit 1
fi
if [ -e "$work/results/cuts" ] && [ "$(cat "$work/results/rc")" = 0 ]; then
    cut_power || { echo "lab: after a power cut the host did not come up, or ended"; echo 1 > "$work/share/results/rc"; }
    keep_results
fi
rm -f "${LAB_DISK:-}"
cat "$work/results/times.txt"
[ -e "$work/results/cases.tap" ] || exit "$(cat "$work/results/rc")"
count_cases "$work/results/cases.tap" || exit 1
exit "$(cat "$work/results/rc")"
