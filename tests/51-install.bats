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
    cp -r "$TESTS/.."/{.gitattributes,Makefile,install.sh,packages,hook,lib,xslt,docs} "$copy"
    unset SANITIZE MAKEFLAGS MAKELEVEL CFLAGS CPPFLAGS LDFLAGS PKG_CONFIG PREFIX
    echo ID=debian > "$ROOT/etc/os-release"
}

# Built before anybody said where to: what is compiled in has to follow.
@test "make, then make install PREFIX=: the hook finds vfpool-gate there, and so does the unit vfpool" {
    local to=$BATS_TEST_TMPDIR/to
    VFPOOL_TIMEOUT=300 run_program 0 make -C "$copy" -j2 CFLAGS=-O0
    grep -qaF usr/sbin/vfpool-gate "$copy/build/hook/qemu"
    VFPOOL_TIMEOUT=300 run_program 0 make -C "$copy" -j2 CFLAGS=-O0 install PREFIX=/usr/local DESTDIR="$to"
    [[ -x $to/usr/local/sbin/vfpool-gate && -x $to/usr/local/libexec/vfpool/guest ]]
    grep -qaF usr/local/sbin/vfpool-gate "$to/usr/local/libexec/vfpool/guest"
    cmp "$copy/build/hook/launcher" "$to/usr/local/libexec/vfpool/qemu"
    grep -qaF usr/local/libexec/vfpool/ "$to/usr/local/sbin/vfpool"
    grep -qx '#define GATE_PATH "usr/local/sbin/vfpool-gate"' "$copy/build/config.h"
    grep -qx '#define HOOKS_PATH "usr/local/libexec/vfpool"' "$copy/build/config.h"
    grep -qx 'ExecStart=/usr/local/sbin/vfpool reconcile --wait 300' "$to/usr/local/lib/systemd/system/vfpool.service"
    grep -qx 'ExecStart=/usr/local/sbin/vfpool reconcile --boot' "$to/usr/local/lib/systemd/system/vfpool-boot.service"
    grep -qx ': "${OCF_RESKEY_vfpool:=/usr/local/sbin/vfpool}"' "$to/usr/local/lib/ocf/resource.d/vfpool/pool"
    # AppArmor's profile of libvirtd has no such place.
    host eth3:vfs=1
    pool net eth3
    mkdir -p "$ROOT/sys/kernel/security/apparmor"
    echo 'libvirtd (enforce)' > "$ROOT/sys/kernel/security/apparmor/profiles"
    run_program 2 "$to/usr/local/sbin/vfpool" doctor
    grep -q '^wrong *confinement .*hooks execute /usr/local/sbin/vfpool-gate$' "$STDOUT"
    # Once more changes nothing.
    VFPOOL_TIMEOUT=300 run_program 0 make -C "$copy" CFLAGS=-O0 PREFIX=/usr/local
    # Not any "CC": a directory may be called that.
    [[ $output != *"  CC  "* ]] || fail "it compiled again"
    run_program 0 make -C "$copy" CFLAGS=-O0 uninstall PREFIX=/usr/local DESTDIR="$to"
    assert_equal "$(find "$to" ! -type d)" ""
}

# fakes: programs that do nothing but write down what they are called with; id is root's
fakes() {
    local tool
    bin=$BATS_TEST_TMPDIR/bin
    mkdir "$bin"
    for tool in apt-get dpkg-query systemctl; do
        # shellcheck disable=SC2016 # the script's own
        printf '#!/bin/sh\necho "${0##*/} $*" >> %s\n%s\n' "$BATS_TEST_TMPDIR/called" "${1-}" > "$bin/$tool"
    done
    echo 'echo 0' > "$bin/id"
    chmod +x "$bin"/*
    touch "$BATS_TEST_TMPDIR/called"
}

@test "a dry run installs no package, and makes nothing" {
    fakes
    PATH=$bin:$PATH run_program 0 "$copy/install.sh" install --dry-run
    [[ $output == *"would install: gcc make "* && $output == *"would run: make install"* ]]
    run ! grep -q 'apt-get\|systemctl' "$BATS_TEST_TMPDIR/called"
    [[ ! -e $copy/build ]]
}

@test "install.sh installs below PREFIX, and uninstalls from there what it installed" {
    local before
    fakes 'printf installed'
    mkdir -p "$ROOT/run/systemd/system" "$ROOT/etc/apparmor.d"
    touch "$ROOT/etc/apparmor.d/usr.sbin.libvirtd"
    before=$(find "$ROOT" ! -type d)
    export PREFIX=/usr/local CFLAGS=-O0 MAKEFLAGS=-j4
    PATH=$bin:$PATH VFPOOL_TIMEOUT=300 run_program 0 "$copy/install.sh" install
    [[ $output == *"note: libvirt's hooks may not execute $ROOT/usr/local/sbin/vfpool-gate"* ]]
    [[ $output == *"pools are $ROOT/etc/vfpool/NAME.xml"* && ! -e $ROOT/usr/sbin && ! -e $ROOT/usr/lib ]]
    cmp "$ROOT/usr/local/libexec/vfpool/network" "$ROOT/etc/libvirt/hooks/network"
    cmp "$ROOT/usr/local/libexec/vfpool/qemu" "$ROOT/etc/libvirt/hooks/qemu"
    grep -qaF usr/local/sbin/vfpool-gate "$ROOT/etc/libvirt/hooks/vfpool/guest"
    grep -qx 'ExecStart=/usr/local/sbin/vfpool reconcile --wait 300' "$ROOT/usr/local/lib/systemd/system/vfpool.service"
    grep -qx 'systemctl -q enable vfpool-boot.service vfpool.service' "$BATS_TEST_TMPDIR/called"

    PATH=$bin:$PATH run_program 0 "$copy/install.sh" uninstall --purge
    grep -qx 'systemctl -q disable vfpool-boot.service vfpool.service' "$BATS_TEST_TMPDIR/called"
    grep -qx 'systemctl -q disable --now vfpool-metrics.timer' "$BATS_TEST_TMPDIR/called"
    assert_equal "$(find "$ROOT" ! -type d)" "$before"
    [[ ! -e $ROOT/run/vfpool && ! -e $ROOT/etc/vfpool ]]
}

@test "a PREFIX that a shell, sed, systemd or C would take for something else is refused in one line, before anything" {
    local prefix
    fakes
    for prefix in local ./x / /usr/local/ '/a b' '/a,b' '/a&b' '/a;b' "/a'b" '/a"b' '/a`b' '/a\b' '/a|b' '/a*' '/a$b' \
        '/a$(b)' '/a#b' '/a%b' '/a(b'; do
        PREFIX=$prefix PATH=$bin:$PATH run_program 1 "$copy/install.sh" install
        assert_one_line "PREFIX='$prefix'"
        run ! make -s -C "$copy" "PREFIX=$prefix" install
    done
    assert_equal "$(cat "$BATS_TEST_TMPDIR/called")$(find "$ROOT" "$copy" -newer "$bin/id" ! -type d)" ""
}

@test "a hook is ours by its marker, not by a word that somebody's script may have" {
    eval "$(grep '^is_ours()' "$copy/hook/hooks.sh")"
    local program script=$BATS_TEST_TMPDIR/script
    for program in launcher qemu network daemon; do
        is_ours "$VFPOOL_BUILD/hook/$program"
        grep -aq 'vfpool-program urn:vfpool:1' "$VFPOOL_BUILD/hook/$program"
    done
    # shellcheck disable=SC2016 # the script's own
    printf '#!/bin/sh\n# vfpool-program urn:vfpool:1\nVFPOOL_ROOT=/ exec /usr/libexec/vfpool/qemu "$@"\n' > "$script"
    run ! is_ours "$script"
    run ! is_ours "$(command -v true)"
    run ! is_ours "$BATS_TEST_TMPDIR/none"
}

# As Ubuntu's and Fedora's packages are built. A library's start files may have no such notes (Debian 12's), and the
# program has none then; the linker says of which files that is so.
@test "the packager's flags: another _FORTIFY_SOURCE, -fcf-protection, pkg-config by another name" {
    local flags='-O1 -fcf-protection' pkg=$BATS_TEST_TMPDIR/pkg file
    [[ $(uname -m) == x86_64 ]] || flags=-O1
    printf '#!/bin/sh\necho called >> %s.log\nexec pkg-config "$@"\n' "$pkg" > "$pkg"
    chmod +x "$pkg"
    VFPOOL_TIMEOUT=300 run_program 0 make -C "$copy" -j2 V=1 WERROR=-Werror PKG_CONFIG="$pkg" CPPFLAGS=-D_FORTIFY_SOURCE=3 CFLAGS="$flags" \
        LDFLAGS="$([[ $flags == -O1 ]] || echo -Wl,-z,cet-report=warning)" build/hook/vfpool build/hook/gate build/hook/launcher
    run ! grep -E 'FORTIFY_SOURCE=2|U_FORTIFY_SOURCE|^pkg-config' <<< "$output"
    [[ -s $pkg.log ]]
    [[ $flags != -O1 ]] || return 0
    run ! grep -E 'build/.*missing (IBT|SHSTK)' <<< "$output$stderr"
    for file in "$copy"/build/lib/*/*.o "$copy"/build/hook/*.o; do
        readelf -n "$file" > "$BATS_TEST_TMPDIR/notes"
        grep -q 'x86 feature: IBT, SHSTK' "$BATS_TEST_TMPDIR/notes" || fail "$file has no notes"
    done
    if readelf -n "$(gcc -print-file-name=Scrt1.o)" | grep -q 'x86 feature: IBT, SHSTK'; then
        readelf -n "$copy/build/hook/vfpool" | grep -q 'x86 feature: IBT, SHSTK'
    fi
}

@test "our _FORTIFY_SOURCE is a default: it gives way to a caller's and to a compiler's, and to one that does not optimize" {
    local cc=$BATS_TEST_TMPDIR/cc
    # flags WORD...: what one file is compiled with
    flags() { make -n -C "$copy" "$@" build/hook/launcher | grep -o '[^ ]*FORTIFY_SOURCE[^ ]*' | xargs; }
    assert_equal "$(flags)" -D_FORTIFY_SOURCE=2
    assert_equal "$(flags CFLAGS='-O2 -g')" -D_FORTIFY_SOURCE=2
    assert_equal "$(flags CFLAGS=-O0)" ""
    assert_equal "$(flags CPPFLAGS=-D_FORTIFY_SOURCE=3)" -D_FORTIFY_SOURCE=3
    assert_equal "$(flags CFLAGS='-O2 -Wp,-U_FORTIFY_SOURCE,-D_FORTIFY_SOURCE=3')" -Wp,-U_FORTIFY_SOURCE,-D_FORTIFY_SOURCE=3
    assert_equal "$(flags CPPFLAGS=-U_FORTIFY_SOURCE)" -U_FORTIFY_SOURCE
    printf '#!/bin/sh\nexec gcc -D_FORTIFY_SOURCE=3 "$@"\n' > "$cc"
    chmod +x "$cc"
    assert_equal "$(flags CC="$cc")" ""
}

@test "without pkg-config, or what it looks for, nothing is built, and that is said" {
    run_program 2 make -C "$copy" PKG_CONFIG=/nonexistent
    [[ $stderr == *"/nonexistent does not find all of libxslt libxml-2.0 libmnl libvirt: install"* ]]
    PKG_CONFIG_LIBDIR=$BATS_TEST_TMPDIR run_program 2 make -C "$copy" all
    [[ $stderr == *"pkg-config does not find all of "* ]]
    [[ ! -e $copy/build ]]
    # What builds nothing does not ask.
    run_program 0 make -C "$copy" PKG_CONFIG=/nonexistent paths
}

@test "the version: what git says of a checkout, of an archive the commit that it is of, and else the Makefile's" {
    local commit version=$copy/build/hook/version.h
    # Of an archive, back to what it was made of.
    # shellcheck disable=SC2016 # git's
    sed -i 's/^commit=.*/commit='\''$Format:%H$'\'' described='\''$Format:%(describe:tags=true,match=v[0-9]*,abbrev=12)$'\'' dirty=/' "$copy/packages/version"
    export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a
    # says VERSION
    says() {
        make -s -C "$copy" build/hook/version.h || return
        assert_equal "$(sed -n 's/^#define VFPOOL_VERSION //p' "$version")" "\"$1\""
    }
    # archive_says VERSION: the same of what make dist makes, unpacked in the checkout
    archive_says() {
        make -s -C "$copy" dist > /dev/null && tar -C "$copy/build" -xf "$copy/build/vfpool-0.1.tar.gz" || return
        assert_equal "$("$copy/build/vfpool-0.1/packages/version" 0.1)" "$1"
    }
    says 0.1
    echo /build/ > "$copy/.gitignore"
    git -C "$copy" init -q
    says 0.1
    git -C "$copy" add -A
    git -C "$copy" commit -qm one
    commit=$(git -C "$copy" rev-parse HEAD)
    says "0.1-g${commit:0:12}"
    archive_says "0.1-g${commit:0:12}"
    touch -d 2020-01-01 "$version"
    says "0.1-g${commit:0:12}"
    [[ $version -ot $copy/Makefile ]] || fail "it was written again"
    echo >> "$copy/lib/pool/vf.c"
    says "0.1-g${commit:0:12}-dirty"
    archive_says "0.1-g${commit:0:12}"
    git -C "$copy" tag v0.1
    says 0.1-dirty
    git -C "$copy" commit -qam two
    commit=$(git -C "$copy" rev-parse HEAD)
    says "0.1-1-g${commit:0:12}"
    archive_says "0.1-1-g${commit:0:12}"
    git -C "$copy" tag v0.2-rc1
    says 0.2-rc1
    archive_says 0.2-rc1
    # A packager's own.
    make -s -C "$copy" VERSION=0.1-3.fc42 build/hook/version.h
    grep -qx '#define VFPOOL_VERSION "0.1-3.fc42"' "$version"
}

@test "zsh's completion is where the system has what comes with it, and what does not" {
    # goes_to DIRECTORY WORD...
    goes_to() { assert_equal "$(make -s -C "$copy" "${@:2}" paths | sed -n 's/^ZSHDIR=//p')" "$1"; }
    goes_to /usr/share/zsh/vendor-completions debian=/etc/debian_version
    goes_to /usr/local/share/zsh/site-functions debian=/etc/debian_version PREFIX=/usr/local
    goes_to /usr/share/zsh/site-functions debian=
    goes_to /opt/x ZSHDIR=/opt/x
}

@test "man pages say that they are vfpool's, and of which version" {
    local page version
    version=$(sed -n 's/^VERSION = //p' "$copy/Makefile")
    for page in "$copy"/docs/*.[58]; do
        if command -v mandoc > /dev/null; then
            mandoc "$page" | tail -n 1 | grep -q "^vfpool $version .* vfpool $version$"
        fi
        if command -v groff > /dev/null; then
            groff -mdoc -Tascii -P -c "$page" > "$BATS_TEST_TMPDIR/page"
            tail -n 1 "$BATS_TEST_TMPDIR/page" | grep -q "^vfpool $version "
            run ! grep -w BSD "$BATS_TEST_TMPDIR/page"
        fi
    done
}
