# Sourced by run.sh and two/run.sh, on the machine: what a host and the machine that runs it have in common.
# shellcheck shell=bash

# What the host finds as /host. 9p shares one folder: what lasts longer than a run is bound into it by copying, not by
# links, which would dangle. Many files are one archive: each costs several round trips of 9p, 40 ms on some machines.
make_share() {
    rm -rf "$here/share" "$here/results"
    mkdir -p "$here/share/results" "$here/results" "$work/capabilities"
    pack_source > "$here/share/source.tar"
    install -m 755 "$lab/init" "$lab/guard.bash" "$here/share"
    [ -z "${LAB_PACKAGE:-}" ] || cp "$LAB_PACKAGE" "$here/share/package.${LAB_PACKAGE##*.}"
    [ -z "${LAB_SCRIPT:-}" ] || cp "$LAB_SCRIPT" "$here/share/script"
    local name
    for name in LAB_DEADLINE TESTS LAB_TAGS LAB_FILTER LAB_ROUNDS LAB_PAIRS LAB_STORMS LAB_STORM LAB_SEED LAB_APPARMOR LAB_LIBVIRT \
        LAB_TRACED LAB_HOST LAB_MIGRATIONS DAEMONS BATS_TEST_TIMEOUT; do
        if [ -n "${!name:-}" ]; then printf '%s=%q\n' "$name" "${!name}"; fi
    done > "$here/share/environment"
    cp -rp "$work/capabilities" "$here/share/capabilities"
    [ ! -e "$work/build.tar" ] || cp "$work/build.tar" "$here/share"
    compiled_key > "$here/share/build.new.key"
    # The objects are of just these sources, whatever their times.
    ! cmp -s "$work/build.key" "$here/share/build.new.key" || touch "$here/share/build.current"
    [ "${DAEMONS:-}" != modular ] || tar cf "$here/share/modular.tar" -C "$work/modular" .
    [ ! -d "$work/modules" ] || cp -rp "$work/modules" "$here/share/modules"
}

keep_results() {
    cp -r "$here/share/results/." "$here/results/"
    rm -rf "$work/capabilities"
    cp -rp "$here/share/capabilities" "$work/capabilities"
    [ ! -e "$here/share/build.made" ] || { cp "$here/share/build.tar" "$work" && cp "$here/share/build.new.key" "$work/build.key"; }
}

# count_cases TAP: "N passed, N failed". What was planned and never ended has failed, and a case that was skipped proves
# nothing. Return: whether all passed.
count_cases() {
    awk '/^1\.\./ { planned += substr($0, 4) } /^ok / && !/# skip/ { passed++ }
        END { printf "%d passed, %d failed\n", passed, planned - passed; exit !(passed && passed == planned) }' "$1"
}
