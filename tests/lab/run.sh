#!/bin/bash
# What "make lab" calls: image, boot, the project installed inside, the cases run there, results brought out.
#
#   make lab [DEBIAN=12|13] [TESTS='0*'] [LAB_FILTER='regular expression of test names']
#   LAB_SCRIPT=FILE tests/lab/run.sh     sources FILE inside instead, with the helpers at hand
#
# Exits as bats did inside. Results in build/lab/$DEBIAN/results: cases.tap, console.log, dmesg.log, libvirt/, times.txt.
set -euo pipefail

lab=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$lab/common.sh"
mkdir -p "$work"

# One run at a time for each image: share and results are one folder.
exec 9> "$work/lock"
flock -n 9 || { echo "lab: another run uses $work" >&2; exit 1; }

"$lab/build.sh"

# The tree as it would be committed, deleted files left out; a tree without git (a release) as it is.
copy_source() {
    mkdir -p "$work/share/src"
    cd "$top"
    if git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files -z --cached --others --exclude-standard | while IFS= read -rd '' file; do
            if [ -e "$file" ] || [ -L "$file" ]; then printf '%s\0' "$file"; fi
        done | tar --null -T - -cf -
    else
        tar --exclude=./build -cf - .
    fi | tar xf - --no-same-owner -C "$work/share/src"
}

rm -rf "$work/share" "$work/results"
mkdir -p "$work/share" "$work/results" "$work/capabilities"
(copy_source)
install -m 755 "$lab/init" "$work/share/init"
[ -z "${LAB_SCRIPT:-}" ] || cp "$LAB_SCRIPT" "$work/share/script"
export LAB_DEADLINE=${LAB_DEADLINE:-2400}
for name in LAB_DEADLINE TESTS LAB_FILTER LAB_ROUNDS LAB_PAIRS BATS_TEST_TIMEOUT; do
    if [ -n "${!name:-}" ]; then printf '%s=%q\n' "$name" "${!name}"; fi
done > "$work/share/environment"
# 9p shares one folder: what lasts longer than a run is bound into it by copying, not by links, which would dangle.
mkdir "$work/share/results"
cp -rp "$work/capabilities" "$work/share/capabilities"
[ ! -d "$work/build" ] || cp -rp "$work/build" "$work/share/build"

rc=0
"$lab/boot.sh" 9>&- || rc=$?
cp -r "$work/share/results/." "$work/results/"
rm -rf "$work/capabilities"
cp -rp "$work/share/capabilities" "$work/capabilities"
if [ -d "$work/share/build" ]; then
    rm -rf "$work/build"
    cp -rp "$work/share/build" "$work/build"
fi
if [ "$rc" != 0 ] || [ ! -e "$work/results/rc" ]; then
    echo "lab: the host ended before its cases did (QEMU: $rc; 124 is the deadline). End of its console:" >&2
    tail -n 20 "$work/results/console.log" >&2
    exit 1
fi
cat "$work/results/times.txt"
exit "$(cat "$work/results/rc")"
