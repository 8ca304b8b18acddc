#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Who uses a VF: a process, by its group or the device itself; what cannot be
# seen of that; vDPA; and drivers of the host's in a pool that is not managed.

load helpers

G=${UUID[9]}

teardown() {
    [[ -z ${user-} ]] || let_go
}

# vf_says ADDRESS: its state and reason, by status.
vf_says() {
    run_vfpool 0 status --format json >&2 || return
    jq -r --arg a "$1" '.pools[].vfs[] | select(.address == $a) | "\(.state) \(.reason)"' "$STDOUT"
}

prepare() { # CODE
    run_hook "$1" g prepare < <(guest g "$G" p:"${MAC[9]}")
}

gets() { # ADDRESS: what a guest would get now
    prepare 0
    assert_taken "$1" "$G"
    run_hook 0 g release < <(guest g "$G")
}

# opens FILE: a process, $user, that has it open until it is told to go.
opens() {
    mkfifo "$BATS_TEST_TMPDIR/go"
    holder() { read -r _ <"$BATS_TEST_TMPDIR/go" 9<"$1"; }
    holder "$1" 3>&- &
    user=$!
    exec {go}<>"$BATS_TEST_TMPDIR/go"
    wait_until test -e "/proc/$user/fd/9"
}

let_go() {
    echo >&"$go"
    wait "$user"
    user=''
    exec {go}>&-
}

# by_group VF: the file of its group, which is there when it is bound to vfio-pci.
by_group() {
    local group
    group=$(basename "$(readlink "$ROOT/sys/bus/pci/devices/$1/iommu_group")")
    mkdir -p "$ROOT/dev/vfio"
    : >"$ROOT/dev/vfio/$group"
    echo "$ROOT/dev/vfio/$group"
}

# --- without a group: iommufd ---------------------------------------------------

@test "a VF that a process has open without its group is unusable, and the process named" {
    host eth3:vfs=2
    pool p eth3
    host driver eth3/0 vfio-pci
    host driver eth3/1 vfio-pci
    host cdev eth3/0 3
    host cdev eth3/1 4
    opens "$ROOT/dev/vfio/devices/vfio3"
    assert_equal "$(vf_says 0000:01:10.0)" "unusable VF 0 of PF eth3 is in use by process $user"
    [[ $(vf_says 0000:01:10.2) == "free "* ]]
    gets 0000:01:10.2
    let_go
    [[ $(vf_says 0000:01:10.0) == "free "* ]]
}

@test "the same of a VF without a group" {
    host eth3:vfs=1,noiommu
    pool p eth3
    host driver eth3/0 vfio-pci
    host cdev eth3/0 0
    opens "$ROOT/dev/vfio/devices/vfio0"
    assert_equal "$(vf_says 0000:01:10.0)" "unusable VF 0 of PF eth3 is in use by process $user"
    prepare 1
    assert_one_line "VF 0 of PF eth3 is in use by process $user"
}

@test "a VF that has both names is in use by either" {
    host eth3:vfs=1
    pool p eth3
    host driver eth3/0 vfio-pci
    host cdev eth3/0 7
    opens "$(by_group 0000:01:10.0)"
    assert_equal "$(vf_says 0000:01:10.0)" "unusable VF 0 of PF eth3 is in use by process $user"
}

# --- what cannot be seen --------------------------------------------------------

# blind FAULT PATH CODE PROGRAM...: strace's FAULT at the call on PATH. Without sanitizers, which do not go with strace.
blind() {
    hook_environment
    run_program "$3" "${HOOK_ENVIRONMENT[@]}" strace -qq -o /dev/null -P "$2" -e trace="${1%%:*}" -e inject="$1" \
        "$PLAIN/hook/$4" "${@:5}"
}

# blind_says FAULT PATH: what status says of eth3's first VF.
blind_says() {
    blind "$1" "$2" 0 vfpool status --format json >&2 || return
    jq -r '.pools[].vfs[0] | "\(.state) \(.reason)"' "$STDOUT"
}

# a VF of p that is bound to vfio-pci and that a process has open, and one that nobody has
used_host() {
    host eth3:vfs=2
    pool p eth3
    host driver eth3/0 vfio-pci
    host cdev eth3/0 3
    opens "$ROOT/dev/vfio/devices/vfio3"
}

@test "where it cannot be seen who uses a VF, nobody gets it, and that is said" {
    used_host
    local fault path reason device=sys/bus/pci/devices/0000:01:10.0
    while read -r fault path reason; do
        assert_equal "$(blind_says "$fault" "$path")" \
            "unusable whether VF 0 of PF eth3 is in use cannot be seen: $reason"
    done <<FAULTS
openat:error=ENFILE /proc Too many open files in system
openat:error=EMFILE /proc Too many open files
getdents64:error=EIO:when=1 /proc Input/output error
openat:error=EMFILE $user/fd Too many open files
getdents64:error=EIO:when=1 /proc/$user/fd Input/output error
readlinkat:error=EIO:when=1+ /proc/$user/fd Input/output error
newfstatat:error=EIO dev/vfio/devices/vfio3 Input/output error
openat:error=EMFILE ${device#sys/}/vfio-dev Too many open files
FAULTS
    # Another one is as good.
    blind openat:error=EMFILE /proc 0 qemu g prepare begin - < <(guest g "$G" p:"${MAC[9]}")
    assert_taken 0000:01:10.2 "$G"
    blind openat:error=ENFILE /proc 1 qemu h prepare begin - < <(guest h "${UUID[8]}" p:"${MAC[8]}")
    assert_one_line "whether VF 0 of PF eth3 is in use cannot be seen: Too many open files in system"
}

@test "what a process's end and what one may not see say: nobody uses the VF" {
    used_host
    local fault
    for fault in ENOENT ESRCH EACCES EPERM; do
        [[ $(blind_says openat:error=$fault "$user/fd") == "free "* ]] || fail $fault
        [[ $(blind_says readlinkat:error=$fault "/proc/$user/fd") == "free "* ]] || fail $fault
    done
    # One with so long a name is none of VFIO's.
    [[ $(blind_says readlinkat:error=ENAMETOOLONG "/proc/$user/fd") == "free "* ]]
    assert_equal "$(vf_says 0000:01:10.0)" "unusable VF 0 of PF eth3 is in use by process $user"
}

@test "whoever is seen to use a VF is named, though others could not be looked at" {
    used_host
    assert_equal "$(blind_says openat:error=EMFILE "$$/fd")" "unusable VF 0 of PF eth3 is in use by process $user"
}

# --- vDPA -----------------------------------------------------------------------

@test "a VF of which a vDPA device is made is somebody's" {
    host eth3:vfs=2 eth4:vfs=1
    pool p eth3
    host vdpa eth3/0 vdpa0
    host vdpa eth4/0 vdpa1
    assert_equal "$(vf_says 0000:01:10.0)" "unusable VF 0 of PF eth3 is used as vDPA device vdpa0: vdpa dev del vdpa0"
    assert_equal "$(vf_says 0000:01:10.2)" "free null"
    gets 0000:01:10.2
    # By the name that somebody gave it; nothing else is left.
    host vdpa eth3/1 web
    prepare 1
    assert_one_line "VF 0 of PF eth3 is used as vDPA device vdpa0: vdpa dev del vdpa0" \
        "VF 1 of PF eth3 is used as vDPA device web: vdpa dev del web"
    host vdpa eth3/0 none
    gets 0000:01:10.0
    # By way of an auxiliary device of the VF's (pds_vdpa).
    ln -s ../../../devices/pci0000:00/0000:00:01.0/0000:01:10.0/pds_core.vDPA.1/db "$ROOT/sys/bus/vdpa/devices/db"
    [[ $(vf_says 0000:01:10.0) == *"is used as vDPA device db: vdpa dev del db" ]]
}

@test "a driver without a network interface is not what is said of vDPA" {
    host eth3:vfs=1,driver=ifcvf
    pool p eth3
    [[ $(vf_says 0000:01:10.0) == "unusable VF 0 of PF eth3 is bound to driver ifcvf"* ]]
    host vdpa eth3/0 vdpa0
    [[ $(vf_says 0000:01:10.0) == *"is used as vDPA device vdpa0"* ]]
}

@test "where vDPA devices cannot be looked at, no VF is free" {
    host eth3:vfs=1
    pool p eth3
    host vdpa eth3/0 vdpa0
    host vdpa eth3/0 none
    assert_equal "$(vf_says 0000:01:10.0)" "free null"
    assert_equal "$(blind_says openat:error=EMFILE bus/vdpa/devices)" \
        "unusable whether VF 0 of PF eth3 is in use cannot be seen: Too many open files"
}

# --- a pool that is not managed -------------------------------------------------

@test "a pool that is not managed gives VFs that are bound to vfio-pci, and says how to bind others" {
    local managed
    host eth3:vfs=3
    host driver eth3/1 none
    host driver eth3/2 vfio-pci
    for managed in "managed='no'" ''; do
        echo "<network><name>p</name><forward mode='hostdev' $managed><pf dev='eth3'/></forward></network>" \
            >"$ROOT/etc/vfpool/p.xml"
        assert_equal "$(vf_says 0000:01:10.0)" "unusable VF 0 of PF eth3 is bound to driver igbvf, and the pool is not\
 managed: virsh nodedev-detach pci_0000_01_10_0"
        assert_equal "$(vf_says 0000:01:10.2)" "unusable VF 1 of PF eth3 is bound to no driver, and the pool is not\
 managed: virsh nodedev-detach pci_0000_01_10_2"
        assert_equal "$(vf_says 0000:01:10.4)" "free null"
        gets 0000:01:10.4
    done
    # Another driver than vfio-pci that gives devices to guests is as good.
    host driver eth3/1 mlx5_vfio_pci
    gets 0000:01:10.2
    host driver eth3/1 igbvf
    host driver eth3/2 igbvf
    prepare 1
    assert_one_line "VF 2 of PF eth3 is bound to driver igbvf, and the pool is not managed: virsh nodedev-detach"
    pool p eth3
    gets 0000:01:10.0
}

@test "a guest's own word on a VF of a pool that is not managed is left to libvirt" {
    host eth3:vfs=1
    echo "<network><name>p</name><forward mode='hostdev'><pf dev='eth3'/></forward></network>" >"$ROOT/etc/vfpool/p.xml"
    run_hook 0 g prepare < <(guest g "$G" "<hostdev mode='subsystem' type='pci' managed='yes'>
        <source><address domain='0x0000' bus='0x01' slot='0x10' function='0x0'/></source></hostdev>")
    assert_equal "$(vf_says 0000:01:10.0)" "claimed null"
}
