#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What install.sh asks each family's package manager for, and what it makes of the answers. The managers are scripted: they
# say that all is installed but what is in $missing, write down what they are told to do, and exit with $code.

load helpers

setup() {
    common_setup
    T=$BATS_TEST_TMPDIR
    mkdir "$T/bin"
    cat > "$T/bin/fake" << X2
#!/bin/sh
for last; do :; done
case "\${0##*/} \$*" in
'id -u') cat $T/uid ;;
'dpkg-query -W -f \${db:Status-Status} '* | 'rpm -q --whatprovides '* | 'pacman -Q '* | 'apk info -e '*)
    echo "\$last" >> $T/asked
    read -r missing < $T/missing
    case " \$missing " in *" \$last "*) exit 1 ;; esac
    printf installed
    ;;
'make '*' paths') exec $(command -v make) "\$@" ;;
'apt-cache show '*) grep -qxF -e "\$last" $T/known ;;
*)
    echo "\${0##*/} \$*" >> $T/called
    exit "\$(cat $T/code)"
    ;;
esac
X2
    chmod +x "$T/bin/fake"
    for name in id dpkg-query apt-cache apt-get rpm dnf zypper pacman apk make; do ln -s fake "$T/bin/$name"; done
    answers 0 0
}

# answers UID CODE PACKAGE...: who asks, how the package manager ends, what is missing
answers() {
    echo "$1" > "$T/uid"
    echo "$2" > "$T/code"
    echo "${*:3}" > "$T/missing"
    rm -f "$T/asked" "$T/called"
    touch "$T/asked" "$T/called" "$T/known"
}

# system LINE...: of /etc/os-release
system() { printf '%s\n' 'NAME="A system"' "$@" > "$ROOT/etc/os-release"; }

run_install() { # CODE WORD...
    PATH=$T/bin:$PATH run_program "$1" "$TESTS/../install.sh" "${@:2}"
}

# asks_for NAME...: for building and testing, in this order
asks_for() {
    answers 0 0
    run_install 0 check || return
    assert_equal "$(xargs < "$T/asked")" "$*" || return
    assert_equal "$(cat "$T/called")" "make --no-print-directory check"
}

# installs PACKAGE PACKAGE HOW TOLD [HINT]: when just these are missing. HOW: what the package manager is called with;
# TOLD: the command a person is told; HINT: more, when it fails
installs() {
    answers 0 0 "$1" "$2"
    run_install 0 demo || return
    assert_equal "$(cat "$T/called")" "$3 $1 $2"$'\n'"make --no-print-directory demo" || return
    assert_equal "$output" "installing: $1 $2" || return

    answers 1000 0 "$1" "$2"
    run_install 1 demo || return
    assert_equal "$stderr" "install.sh: as root, install first: $4 $1 $2" || return
    assert_equal "$(cat "$T/called")" "" || return

    answers 0 7 "$1" "$2"
    run_install 1 demo || return
    assert_equal "$stderr" "install.sh: failed: $4 $1 $2${5-}" || return
    run -1 grep '^make' "$T/called" || return

    answers 0 0
    run_install 0 demo || return
    assert_equal "$(cat "$T/called")$output" "make --no-print-directory demo"
}

@test "Debian" {
    system ID=debian 'VERSION_ID="13"'
    asks_for gcc make pkgconf libc6-dev libxml2-dev libxslt1-dev libmnl-dev libvirt-dev bats libxml2-utils strace jq \
        bsdutils util-linux procps git zsh fish python3-jsonschema libvirt-common
    local how='apt-get -qq install --no-install-recommends'
    installs gcc libmnl-dev "apt-get -qq update"$'\n'"$how" "apt-get install"
}

# Debian's backports for 12 have a libvirt-common, which is not this one's.
@test "Debian and Ubuntu: libvirt's schemas are where they are in this release" {
    schemas_in() {
        answers 0 0
        run_install 0 check || return
        assert_equal "$(tail -n 1 "$T/asked")" "$1"
    }
    echo libvirt-common > "$T/known"
    system ID=debian 'VERSION_ID="12"'
    schemas_in libvirt0
    system ID=ubuntu ID_LIKE=debian 'VERSION_ID="25.10"'
    schemas_in libvirt-common
    echo > "$T/known"
    system ID=ubuntu ID_LIKE=debian 'VERSION_ID="24.04"'
    schemas_in libvirt0
    system ID=debian
    schemas_in libvirt-common
}

@test "Fedora" {
    system ID=fedora VERSION_ID=42
    asks_for gcc make pkgconfig glibc-devel glibc-static libxml2-devel libxslt-devel libmnl-devel libvirt-devel bats libxml2 strace \
        jq /usr/bin/script util-linux procps-ng git zsh fish python3-jsonschema libasan libubsan libvirt-libs
    installs make libvirt-devel "dnf -q -y install" "dnf install"
}

@test "RHEL: as Fedora, and where else to look" {
    local hint='; some are in the repositories CRB and EPEL (dnf config-manager --set-enabled crb, dnf install epel-release)'
    system 'ID="rhel"' 'ID_LIKE="fedora"'
    installs libmnl-devel libvirt-devel "dnf -q -y install" "dnf install" "$hint"
    system 'ID="rocky"' 'ID_LIKE="rhel centos fedora"'
    installs libmnl-devel libvirt-devel "dnf -q -y install" "dnf install" "$hint"
}

@test "openSUSE" {
    system 'ID="opensuse-leap"' 'ID_LIKE="suse opensuse"'
    asks_for gcc make pkgconfig glibc-devel glibc-devel-static libxml2-devel libxslt-devel libmnl-devel libvirt-devel bats libxml2-tools \
        strace jq util-linux procps git zsh fish python3-jsonschema libvirt-libs
    installs gcc libxslt-devel "zypper -q --non-interactive install --no-recommends" "zypper install"
}

@test "Arch" {
    system ID=arch
    asks_for gcc make pkgconf glibc libxml2 libxslt libmnl libvirt bats strace jq util-linux procps-ng git zsh fish python-jsonschema
    installs libmnl libvirt "pacman -S --noconfirm --needed" "pacman -S" "; it may know only old versions (pacman -Syu)"
}

@test "Alpine" {
    system ID=alpine
    asks_for gcc make pkgconf musl-dev linux-headers libxml2-dev libxslt-dev libmnl-dev libvirt-dev bats libxml2-utils \
        strace jq util-linux-misc util-linux procps-ng git zsh fish py3-jsonschema libvirt
    installs linux-headers libvirt-dev "apk add -q" "apk add" "; some are in the repository community (/etc/apk/repositories)"
}

@test "a system is known by its own name, and else by what it is like" {
    local line
    while IFS='|' read -r id like packages; do
        system "ID=$id" "ID_LIKE=\"$like\""
        answers 0 0 libvirt libvirt-dev libvirt-devel linux-headers
        run_install 0 install --dry-run
        line="would install: $packages"
        [[ $output == "$line"* ]] || fail "$id: no '$line'"
    done << 'LIST'
linuxmint|ubuntu debian|libvirt-dev
almalinux|rhel centos fedora|libvirt-devel
ol|fedora|libvirt-devel
opensuse-tumbleweed|opensuse suse|libvirt-devel
sles||libvirt-devel
manjaro|arch|libvirt
postmarketos|alpine|linux-headers libvirt-dev
LIST
    assert_equal "$(cat "$T/called")" ""
}

@test "an unknown system is told in words what is needed, and nothing is asked" {
    local needed="a C compiler, GNU make, pkg-config, libc and Linux: headers, a static libc, libxml2: headers, libxslt: headers,"
    needed+=" libmnl: headers, libvirt: headers,"
    system ID=plan9 "ID_LIKE=\"unix \$(touch $T/executed)\""
    run_install 1 demo
    assert_equal "$stderr" "install.sh: VFPOOL_ROOT is set, and $ROOT is no system whose packages are known: unset it, or install $needed then run make"
    rm "$ROOT/etc/os-release"
    run_install 1 check
    [[ $stderr == *"install $needed bats, "*"libvirt XML schemas, then run make" ]]
    assert_one_line
    assert_equal "$(cat "$T/asked" "$T/called")" ""
    [[ ! -e $T/executed ]]
}

@test "an option that a verb does not have is refused, and nothing is done" {
    local words
    system ID=debian
    for words in "demo --dry-run" "demo --purge" "check --dry-run" "check --purge" "install --purge" "install --dry-run --purge" \
        "demo now" "--help --purge"; do
        answers 0 0
        # shellcheck disable=SC2086 # words
        run_install 2 $words
        [[ $stderr == "usage: "* ]]
        assert_equal "$(cat "$T/asked" "$T/called")" ""
    done
}

@test "what has two uses is installed once" {
    system ID=arch
    answers 0 0 util-linux
    run_install 0 check
    assert_equal "$(head -n 1 "$T/called")" "pacman -S --noconfirm --needed util-linux"
}

@test "each thing has a column for each family" {
    run -0 awk -F'|' '!/^#/ && (NF != 7 || /\| *(\||$)/)' "$TESTS/../packages/needed"
    assert_equal "$output" ""
}

# What they do is tried by packages/deb and packages/rpm, in bare systems.
@test "packages' scripts set no boolean, remove nothing in /etc, and wait for no libvirt" {
    local packages=$TESTS/../packages
    run ! grep -nE '^ *setsebool|rm -.*/etc' "$packages"/debian/p* "$packages/rpm/vfpool.spec"
    assert_equal "$(cat "$packages"/debian/p* "$packages/rpm/vfpool.spec" | grep "/hooks [pr]" | grep -c -- --package)" 4
    run ! grep -E "/hooks (put|remove)( *;;| *\|\||$)" "$packages"/debian/p* "$packages/rpm/vfpool.spec"
}
