#!/bin/bash
# Inside the lab's host, in a copy of the project: installs it, runs the cases, brings the logs out. Exits as bats.
# "inside.sh booted", once systemd is process 1 (reboot.sh): the cases of a host that has booted.
set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=guard.bash
. "$(dirname "$0")/guard.bash" || exit

cd "$(dirname "$0")/../.." || exit
results=/host/results
# shellcheck source-path=SCRIPTDIR source=helpers.bash
. tests/lab/helpers.bash

save_logs() {
    dmesg > "$results/dmesg.log"
    cp -r /var/log/libvirt/. "$results/libvirt/"
    cp -r /run/vfpool "$results/run-vfpool" 2>/dev/null || true    # what was left there: in a good run, nothing held
    # The next boot of this image need not ask the emulator again what it can do.
    mkdir -p /host/capabilities
    cp -p /var/cache/libvirt/qemu/capabilities/*.xml /host/capabilities/ 2>/dev/null || true
}

# find_cases DIRECTORY...: those that TESTS, a pattern, matches: 'make lab TESTS="0*"'.
find_cases() {
    local directory file
    cases=()
    for directory; do
        for file in "tests/lab/$directory"/*.bats; do
            # shellcheck disable=SC2053 # a pattern
            if [[ $(basename "$file" .bats) == ${TESTS:-*} ]]; then cases+=("$file"); fi
        done
    done
    [ ${#cases[@]} -gt 0 ]
}

run_cases() {
    local left
    export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-180}
    # LAB_TRACED=1: a case that fails says in which line. It says what it ran in any case.
    [ -n "${LAB_TRACED:-}" ] || export UNTRACED=1
    # Ends before the machine's deadline does, so that the logs of a run that is too long come out as well.
    left=$((LAB_DEADLINE - $(cut -d. -f1 /proc/uptime) - 20))
    timeout -k 10 "$left" bats --formatter tap --timing --print-output-on-failure ${LAB_FILTER:+--filter "$LAB_FILTER"} \
        ${LAB_TAGS:+--filter-tags "$LAB_TAGS"} "${cases[@]}" |
        tee -a "$results/cases.tap"
    return "${PIPESTATUS[0]}"
}

if [ "${1:-}" = booted ]; then
    find_cases booted
    [ -z "${LAB_CUT:-}" ] || cases=(tests/lab/storm/96-cut.bats)
    run_cases
    rc=$?
    lab_mark "cases of a boot done"
    save_logs
    [ "$rc" != 0 ] || [ "${LAB_CUT:-last}" = last ] || tests/lab/storm/until-cut.sh
    exit "$rc"
fi

mkdir -p "$results/libvirt" /var/cache/libvirt/qemu/capabilities
# libvirt keeps an answer as long as its own and the emulator's times of change are the same: they are, in one image.
cp -p /host/capabilities/*.xml /var/cache/libvirt/qemu/capabilities/ 2>/dev/null || true
# Those that modular.sh built, in place of the one that Debian ships.
modular_libvirt() {
    local version built
    version=$(dpkg-query -W -f '${Version}' libvirt0)
    built=$(tar xOf /host/modular.tar ./key | cut -d' ' -f1)
    [ "$built" = "$version" ] || { echo "Bail out! the modular libvirt is $built, not $version"; return 1; }
    tar xf /host/modular.tar --no-overwrite-dir -C / ./usr
}
if [ "${DAEMONS:-}" = modular ]; then modular_libvirt || exit; fi
for daemon in "${lab_daemons[@]}"; do
    printf '%s\n' "log_outputs = \"1:file:/var/log/libvirt/$daemon.log\"" \
        'log_filters = "1:qemu.qemu_hook 1:network 1:util.hook 3:util 3:rpc 3:object 3:event 3:json"' \
        >> "/etc/libvirt/$daemon.conf"
done

# At each start libvirt asks QEMU for every property of the processor, 400 questions that QEMU reads byte by byte: seven
# of a start's ten seconds here. Without that it asks three.
echo 'capability_filters = [ "cpu-unavailable-features" ]' >> /etc/libvirt/qemu.conf

# LAB_APPARMOR=1: libvirtd under the profile that Debian has for it, as on a host that Debian's installer made.
confine() {
    mount -t securityfs securityfs /sys/kernel/security
    # Each denial is a line in the kernel's log, however many there are.
    echo 0 > /proc/sys/kernel/printk_ratelimit
    apparmor_parser -r /etc/apparmor.d/usr.sbin.libvirtd /etc/apparmor.d/usr.lib.libvirt.virt-aa-helper
}
is_confined() { [[ $(< "/proc/$(libvirtd_pid)/attr/current") == "libvirtd (enforce)" ]]; }
# Return: whether nothing was denied, of all that there was since the boot.
nothing_denied() {
    # A guest's own are seen by its case; in one of them there is no vfpool, and libvirt's own pool cannot (F51).
    dmesg | grep 'apparmor="DENIED"' | grep -v 'profile="libvirt-[^"]*" name="/dev/vfio/' > "$results/denied.log"
    is_confined || echo "# libvirtd is not confined: $(cat "/proc/$(libvirtd_pid)/attr/current")"
    echo "# AppArmor: $(wc -l < "$results/denied.log") denials, $(grep -c . /sys/kernel/security/apparmor/profiles) profiles"
    is_confined && [ ! -s "$results/denied.log" ]
}

[ -z "${LAB_APPARMOR:-}" ] || confine
if [ -n "${LAB_HOST:-}" ]; then
    # shellcheck source-path=SCRIPTDIR source=two/host.bash
    . tests/lab/two/host.bash
    two_begin || exit
fi
lab_vfs 7
lab_mark "virtual functions made"
lab_libvirtd_start
lab_mark "libvirtd answers"
: > "$results/up"

# Compiling takes long in emulation: on both processors, and nothing twice.
[ ! -e /host/build.tar ] || tar xf /host/build.tar
# One time for all: what is made of an object is not older than it.
[ ! -e /host/build.current ] || find build -exec touch -d "@$(date +%s)" {} +
install_project() {
    # Compiled for the cases that are about install.sh.
    if [ -e /host/package.deb ]; then
        dpkg -i /host/package.deb && make -s -j2
    elif [ -e /host/package.rpm ]; then
        # What it needs is there, by other names than those that rpm knows.
        rpm -i --nodeps /host/package.rpm && make -s -j2
    else
        MAKEFLAGS=-j2 ./install.sh install
    fi
}
if ! install_project > "$results/install.log" 2>&1; then
    echo "Bail out! vfpool could not be installed:"
    tail -n 20 "$results/install.log"
    save_logs
    exit 1
fi
lab_mark "project installed"
[ ! -d build ] || { tar cf /host/build.tar build && : > /host/build.made; }

# To look at something by hand: LAB_SCRIPT of run.sh, in place of the cases.
if [ -e /host/script ]; then
    # shellcheck source=/dev/null
    . /host/script
    rc=$?
    save_logs
    exit "$rc"
fi

# The cases run on a.
if [ "${LAB_HOST:-}" = b ]; then
    two_serve
    save_logs
    exit 0
fi

directories=(cases)
[ -z "${LAB_HOST:-}" ] || directories=(two)
[ "${DAEMONS:-}" != modular ] || directories+=(modular)
[ "${LAB_LIBVIRT:-}" != backports ] || directories+=(newest)
# By its name only.
[[ ${TESTS:-} != 95* ]] || directories=(storm)
if find_cases "${directories[@]}"; then
    run_cases
    rc=$?
    [ -z "${LAB_APPARMOR:-}" ] || nothing_denied || rc=1
    lab_mark "cases done"
elif find_cases booted; then
    rc=0
else
    echo "Bail out! no case matches '${TESTS:-*}'"
    exit 1
fi
save_logs
exit "$rc"
