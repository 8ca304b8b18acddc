#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is installed where, and what a dry run does: nothing.

load helpers

# A copy of the project of one's own, to build in.
setup() {
    common_setup
    copy=$BATS_TEST_TMPDIR/copy
    mkdir "$copy"
    cp -r "$TESTS/.."/{Makefile,install.sh,hook,lib,xslt,docs} "$copy"
    unset SANITIZE MAKEFLAGS MAKELEVEL CFLAGS
}

# Built before anybody said where to: what is compiled in has to follow.
@test "make, then make install PREFIX=: the hook finds vfpool-gate there, and so does the unit vfpool" {
    local to=$BATS_TEST_TMPDIR/to
    VFPOOL_TIMEOUT=300 run_program 0 make -C "$copy" -j2 CFLAGS=-O0
    grep -qaF usr/sbin/vfpool-gate "$copy/build/hook/qemu"
    VFPOOL_TIMEOUT=300 run_program 0 make -C "$copy" -j2 CFLAGS=-O0 install PREFIX=/usr/local DESTDIR="$to"
    [[ -x $to/usr/local/sbin/vfpool-gate && -x $to/usr/local/libexec/vfpool/qemu ]]
    grep -qaF usr/local/sbin/vfpool-gate "$to/usr/local/libexec/vfpool/qemu"
    grep -qx "ExecStart=/usr/local/sbin/vfpool reconcile --wait 300" "$to/usr/local/lib/systemd/system/vfpool.service"
    grep -qx 'ExecStart=/usr/local/sbin/vfpool reconcile --boot' "$to/usr/local/lib/systemd/system/vfpool-boot.service"
    # Once more changes nothing.
    VFPOOL_TIMEOUT=300 run_program 0 make -C "$copy" CFLAGS=-O0 PREFIX=/usr/local
    [[ $output != *CC* ]] || fail "it compiled again"
    run_program 0 make -C "$copy" CFLAGS=-O0 uninstall PREFIX=/usr/local DESTDIR="$to"
    assert_equal "$(find "$to" ! -type d)" ""
}

@test "a dry run installs no package" {
    local bin=$BATS_TEST_TMPDIR/bin tool
    mkdir "$bin"
    for tool in apt-get dpkg-query make systemctl; do
        # shellcheck disable=SC2016 # the script's own
        printf '#!/bin/sh\necho "$0 $*" >> %s\n' "$BATS_TEST_TMPDIR/called" > "$bin/$tool"
        chmod +x "$bin/$tool"
    done
    [[ $(id -u) == 0 ]] || fail "the tests run as root"
    PATH=$bin:$PATH run_program 0 "$copy/install.sh" install --dry-run
    [[ $output == *"would install: gcc make "* && $output == *"would run: make "* ]]
    run ! grep -q 'apt-get\|/make\|systemctl' "$BATS_TEST_TMPDIR/called"
}

@test "a hook is ours by its marker, not by a word that somebody's script may have" {
    eval "$(grep '^is_ours()' "$copy/install.sh")"
    local program script=$BATS_TEST_TMPDIR/script
    for program in qemu network daemon; do
        is_ours "$VFPOOL_BUILD/hook/$program"
        grep -aq 'vfpool-program urn:vfpool:1' "$VFPOOL_BUILD/hook/$program"
    done
    # shellcheck disable=SC2016 # the script's own
    printf '#!/bin/sh\n# vfpool-program urn:vfpool:1\nVFPOOL_ROOT=/ exec /usr/libexec/vfpool/qemu "$@"\n' > "$script"
    run ! is_ours "$script"
    run ! is_ours "$(command -v true)"
    run ! is_ours "$BATS_TEST_TMPDIR/none"
}
