#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The lab, seen from the machine that runs it: what runs inside refuses to run anywhere else, and the host is emulated.

load helpers

setup() {
    common_setup
    # A folder that everybody may read; bats' own is its user's.
    open_dir=$(mktemp -d "${TMPDIR:-/tmp}/vfpool-lab.XXXXXX")
    cp -r "$TESTS/lab" "$open_dir"
    chmod -R a+rX "$open_dir"
}

teardown() { rm -rf "$open_dir"; }

# A guard that failed must not cost this machine anything: whoever runs it here may not kill, mount nor write.
powerless() {
    local command=(env -i -C "$open_dir" PATH=/usr/bin:/bin) # a home may be closed to it
    [[ $(id -u) != 0 ]] ||
        command+=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs)
    run_program 1 "${command[@]}" "$@"
}

# assert_refused SCRIPT: nothing but the one line of its refusal.
assert_refused() {
    assert_one_line "$1" "only for the lab's host"
    assert_equal "$output" ""
}

@test "what is process 1 of the lab's host refuses to run here" {
    local script
    for script in init lab-init; do
        powerless bash "$open_dir/lab/$script"
        assert_refused "$script"
    done
    powerless bash "$open_dir/lab/init" booted
    assert_refused init
}

@test "what runs the cases refuses to run here" {
    powerless bash "$open_dir/lab/inside.sh"
    assert_refused inside.sh
    powerless bash "$open_dir/lab/reboot.sh"
    assert_refused reboot.sh
}

@test "what the cases use refuses to be loaded here" {
    local file
    for file in helpers.bash vfpool.bash; do
        # shellcheck disable=SC2016 # $1 is the inner shell's
        powerless bash -c '. "$1"; echo loaded' sh "$open_dir/lab/$file"
        assert_refused helpers.bash
    done
}

@test "each case refuses to run here" {
    local file count=0
    for file in "$open_dir"/lab/{cases,booted}/*.bats; do
        powerless env HOME=/nonexistent TMPDIR=/tmp bats --tap "$file"
        [[ $output$stderr == *"only for the lab's host"* ]] || fail "$file runs"
        run ! grep -q '^ok ' "$STDOUT"
        count=$((count + 1))
    done
    ((count > 0))
}

@test "the lab's host is known by its kernel's command line and by its process 1, both" {
    local proc=$BATS_TEST_TMPDIR/proc
    mkdir -p "$proc/1"
    # is_here CODE WORDS PROCESS-1...
    is_here() {
        echo "$2" > "$proc/cmdline"
        printf '%s\0' "${@:3}" > "$proc/1/cmdline"
        # shellcheck disable=SC2016 # the inner shell's
        run_program "$1" bash -c 'guard=$(sed "/^if ! lab_is_here/,\$d" "$1") && eval "$guard" && lab_is_here "$2"' \
            sh "$TESTS/lab/guard.bash" "$proc"
    }
    is_here 0 "quiet vfpool.lab=1" /bin/bash /lab-init
    is_here 0 "vfpool.lab=1 quiet" /bin/bash /host/init
    is_here 1 "quiet" /bin/bash /lab-init
    is_here 1 "xvfpool.lab=1 vfpool.lab=10" /bin/bash /lab-init
    is_here 1 "vfpool.lab=1" /sbin/init
    is_here 1 "vfpool.lab=1" /bin/bash /tmp/init
    rm "$proc/1/cmdline"
    run_program 1 bash -c ". '$TESTS/lab/guard.bash'"
}

# qemu SCRIPT: what the lab finds in place of QEMU, and of what makes its image. $count says how often it was called,
# $share is what the host would have as /host.
qemu() {
    local tool
    bin=$BATS_TEST_TMPDIR/bin
    mkdir "$bin"
    for tool in mmdebstrap mke2fs cpio xz; do printf '#!/bin/sh\nexit 1\n' > "$bin/$tool"; done
    cat > "$bin/qemu-system-x86_64" << X
#!/bin/sh
[ "\$*" != "-device help" ] || { echo 'name "igb"'; exit 0; }
count=\$((\$(cat '$bin/count' 2> /dev/null || echo 0) + 1))
echo \$count > '$bin/count'
share='$BATS_TEST_TMPDIR/work/13/share'
$1
X
    chmod +x "$bin"/*
    # Short cases need no module to be built.
    export PATH=$bin:$PATH LAB_WORK=$BATS_TEST_TMPDIR/work DEBIAN=13 LAB_TAGS=short
    mkdir -p "$LAB_WORK/13"
    # shellcheck source=tests/lab/common.sh disable=SC1091 # it is there
    (. "$TESTS/lab/common.sh" && image_key > "$work/key")
}

@test "the lab's host is emulated, whatever /dev has, and says that it is the lab's" {
    # shellcheck disable=SC2016 # the script's own
    qemu 'printf "%s\n" "$@"'
    run_program 0 "$TESTS/lab/boot.sh"
    assert_equal "$(grep -A 1 -- '^-accel$' "$STDOUT" | tail -n 1)" "tcg,thread=multi"
    run ! grep -Eqi 'kvm:|accel=|enable-kvm|^kvm' "$STDOUT"
    [[ $(grep -A 1 -- '^-append$' "$STDOUT") == *" vfpool.lab=1 "* ]]
}

@test "a host that does not come up is tried once more" {
    # shellcheck disable=SC2016 # the script's own
    qemu '[ $count = 2 ] || exit 0
        touch "$share/results/up" "$share/results/times.txt"
        printf "1..1\nok 1 a case\n" > "$share/results/cases.tap"
        echo 0 > "$share/results/rc"'
    run_program 0 "$TESTS/lab/run.sh"
    assert_equal "$(tail -n 1 "$STDOUT")" "1 passed, 0 failed"
    assert_equal "$(cat "$bin/count")" 2
}

@test "a host that hangs before it is up is ended, tried once more, and named" {
    # shellcheck disable=SC2016 # the script's own
    qemu 'echo $$ >> "$share/../pids"; exec sleep 600'
    LAB_BOOT_DEADLINE=3 run_program 1 "$TESTS/lab/run.sh"
    [[ $stderr == *"did not come up (QEMU: 124; 124 is the deadline): once more"*"ended before its cases did"* ]]
    assert_equal "$(cat "$bin/count")" 2
    gone() { run ! kill -0 "$1" 2> /dev/null; }
    local pid
    while read -r pid; do wait_until gone "$pid"; done < "$LAB_WORK/13/pids"
}

@test "a case that fails is not tried again, nor one that was never reached" {
    # shellcheck disable=SC2016 # the script's own
    qemu 'touch "$share/results/up" "$share/results/times.txt"
        printf "1..3\nok 1 a case\nnot ok 2 another\n" > "$share/results/cases.tap"
        echo 1 > "$share/results/rc"'
    run_program 1 "$TESTS/lab/run.sh"
    assert_equal "$(tail -n 1 "$STDOUT")" "1 passed, 2 failed"
    assert_equal "$(cat "$bin/count")" 1
}
