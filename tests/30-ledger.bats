#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The ledger through a guest's life: what each call claims and gives back, what
# it takes over from a host that went on without it, what it refuses to trust,
# and what a kill at any system call leaves for the next one to repair.

load helpers
as_installed

V=(0000:01:10.0 0000:01:10.2 0000:01:10.4 0000:01:10.6)

setup() {
    common_setup
    LEDGER=$ROOT/run/vfpool
    host eth3:vfs=4
    pool net eth3
}

# vm N [COUNT]: guest N, with COUNT interfaces on the pool.
vm() {
    local i devices=()
    for ((i = 1; i <= ${2-1}; i++)); do
        devices+=("net:${MAC[$1 * 16 + i]}")
    done
    guest "vm$1" "${UUID[$1]}" "${devices[@]}"
}

# running N ADDRESS...: the same guest as libvirt shows it once it has these VFs.
running() {
    local n=$1 i=0 address devices=()
    for address in "${@:2}"; do
        devices+=("<interface type='hostdev' managed='yes'><mac address='${MAC[n * 16 + ++i]}'/>
      <source><address type='pci' domain='0x${address:0:4}' bus='0x${address:5:2}' slot='0x${address:8:2}' function='0x${address:11}'/></source>
    </interface>")
    done
    guest "vm$n" "${UUID[n]}" "${devices[@]}"
}

prepare() { run_hook "$1" "vm$2" prepare < <(vm "${@:2}"); }
release() { run_hook "$1" "vm$2" release < <(vm "${@:2}"); }
# seen CODE OPERATION N ADDRESS...
seen() { run_hook "$1" "vm$3" "$2" < <(running "${@:3}"); }

guest_file() { echo "$LEDGER/guests/${UUID[$1]}.xml"; }

# state N: of the guest's claim.
state() { xmllint --xpath 'string(/guest/@state)' "$(guest_file "$1")"; }

# A process that is gone: its PID.
dead_pid() { bash -c 'echo $$'; }

# --- the life of a guest -----------------------------------------------------

@test "the captured guest lives and dies" {
    host eth4:vfs=7
    cp "$FIXTURES/pools/passthrough.xml" "$ROOT/etc/vfpool"
    rm "$ROOT/etc/vfpool/net.xml"
    id=$(xmllint --xpath 'string(/domain/uuid)' "$FIXTURES"/captured/012.*)
    its=(0000:01:10.0 "$id" 0000:01:10.2 "$id")
    call() { run_hook 0 db-01.prod "$2" "$3" "$4" <"$FIXTURES/captured/$1.db-01.prod.$2.$3.$4.xml"; }

    call 012 prepare begin -
    assert_taken "${its[@]}"
    assert_equal "$(xmllint --xpath 'string(/guest/@state)' "$LEDGER/guests/$id.xml")" claimed
    assert_invariants
    call 013 start begin -
    assert_silent
    assert_taken "${its[@]}"
    assert_equal "$(xmllint --xpath 'string(/guest/@state)' "$LEDGER/guests/$id.xml")" held
    snapshot
    call 014 started begin -
    assert_silent
    call 015 reconnect begin -
    assert_silent
    call 016 stopped end -
    assert_silent
    assert_unchanged
    call 017 release end destroyed
    assert_silent
    assert_taken
    assert_released "$id"
    assert_invariants
}

@test "the captured guest with no pool goes through every operation untouched" {
    for file in "$FIXTURES"/captured/*.iso1.*; do
        IFS=. read -r _ name operation sub extra _ <<<"${file##*/}"
        run_hook 0 "$name" "$operation" "$sub" "$extra" <"$file"
        assert_silent
    done
    [[ ! -e $LEDGER ]] || fail "a ledger was made"
    assert_invariants
}

@test "release is idempotent, and looks at the UUID alone" {
    prepare 0 1 2
    # As F7 says it comes, renamed, or with VFs that are another's.
    for n in 1 2 3; do
        case $n in
        1) run_hook 0 vm1 release < <(vm 1 2) ;;
        2) run_hook 0 other release < <(guest other "${UUID[1]}") ;;
        3) run_hook 0 vm1 release < <(running 1 "${V[3]}") ;;
        esac
        assert_silent
        assert_released "${UUID[1]}"
        assert_taken
        prepare 0 2 2
        release 0 1 2
        assert_silent
        assert_taken "${V[0]}" "${UUID[2]}" "${V[1]}" "${UUID[2]}"
        release 0 2
        prepare 0 1 2
    done
    upper=$(vm 1 | sed 's/<uuid>.*</<uuid>00000000000040008000000000000001</')
    run_hook 0 vm1 release <<<"$upper"
    assert_released "${UUID[1]}"
    assert_invariants
}

@test "release of another guest leaves this one" {
    prepare 0 1 2
    snapshot
    release 0 2 2
    run_hook 0 vm1 release < <(guest vm1 "${UUID[3]}" "net:${MAC[17]}")
    run_hook 0 vm4 release < <(running 4 "${V[0]}")
    assert_unchanged
    assert_invariants
}

@test "release of a guest that never held anything makes no ledger" {
    release 0 1
    assert_silent
    [[ ! -e $LEDGER ]] || fail "a ledger was made"
    assert_invariants
}

@test "prepare twice: the earlier life is dropped, its VFs count as free" {
    prepare 0 1 4
    prepare 0 1 4
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[1]}" "${V[2]}" "${UUID[1]}" "${V[3]}" "${UUID[1]}"
    prepare 0 1 1
    assert_taken "${V[0]}" "${UUID[1]}"
    prepare 0 2 3
    prepare 1 1 2
    assert_equal "$(holder "${V[0]}")" "${UUID[1]}"
    assert_invariants
    # And one that asks for nothing any more holds nothing any more.
    run_hook 0 vm2 prepare < <(guest vm2 "${UUID[2]}")
    assert_silent
    assert_taken "${V[0]}" "${UUID[1]}"
    assert_released "${UUID[2]}"
    assert_invariants
}

@test "a failed prepare leaves the earlier life as it was" {
    prepare 0 1 2
    seen 0 start 1 "${V[0]}" "${V[1]}"
    prepare 0 2 2
    snapshot
    prepare 1 1 3
    assert_unchanged
    assert_invariants
}

@test "all or none, and the holders are named" {
    prepare 0 1
    prepare 0 2
    snapshot
    prepare 1 3 3
    assert_one_line "'net'" "'vm3'" "${V[0]}" "'vm1'" "${V[1]}" "'vm2'"
    [[ -z $output ]]
    assert_unchanged
    assert_released "${UUID[3]}"
    assert_invariants
    prepare 0 3 2
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[2]}" "${V[2]}" "${UUID[3]}" "${V[3]}" "${UUID[3]}"
    assert_invariants
}

@test "VFs go out in order, and the lowest that came back goes first" {
    for n in 1 2 3 4; do
        prepare 0 $n
        assert_equal "$(holder "${V[n - 1]}")" "${UUID[n]}"
    done
    release 0 3
    release 0 2
    prepare 0 5 2
    assert_equal "$(holder "${V[1]}") $(holder "${V[2]}")" "${UUID[5]} ${UUID[5]}"
    assert_invariants
}

@test "VF 10 comes after VF 2, PF after PF as the pool lists them" {
    host eth9:vfs=12,total=12 eth1:vfs=1
    pool wide eth9 eth1
    want=$(host list eth9 eth1 | cut -d ' ' -f 1)
    for ((i = 1; i <= 13; i++)); do
        run_hook 0 "w$i" prepare < <(guest "w$i" "${UUID[i]}" "wide:${MAC[i]}")
        assert_equal "$(holder "$(sed -n ${i}p <<<"$want")")" "${UUID[i]}"
    done
    assert_invariants
}

@test "a claim lists what status will say: PF, number, MAC, UTC time" {
    before=$(date -u +%FT%TZ)
    prepare 0 1 2
    after=$(date -u +%FT%TZ)
    get() { xmllint --xpath "string($1)" "$(guest_file 1)"; }
    assert_equal "$(get '//vf[2]/@address') $(get '//vf[2]/@pf') $(get '//vf[2]/@num') $(get '//vf[2]/@pool')" \
        "${V[1]} eth3 1 net"
    assert_equal "$(get '//vf[2]/@mac')" "${MAC[18]}"
    since=$(get /guest/@since)
    [[ ! $since < $before && ! $since > $after ]] || fail "$since is not in $before..$after"
    assert_equal "$(stat -c %a "$(guest_file 1)")" 600
    assert_invariants
}

# --- what libvirt did without us ---------------------------------------------

@test "a lost ledger is rebuilt by reconnect, in any order" {
    for operation in reconnect attach; do
        for order in '1 2 3' '3 1 2' '2 3 1'; do
            rm -rf "$LEDGER"
            for n in $order; do
                case $n in
                1) seen 0 $operation 1 "${V[2]}" ;;
                2) seen 0 $operation 2 "${V[0]}" "${V[3]}" ;;
                3) seen 0 $operation 3 "${V[1]}" ;;
                esac
                assert_silent
            done
            assert_taken "${V[0]}" "${UUID[2]}" "${V[1]}" "${UUID[3]}" "${V[2]}" "${UUID[1]}" "${V[3]}" "${UUID[2]}"
            assert_equal "$(state 1)" held
            assert_invariants
        done
    done
    snapshot
    prepare 1 4
    assert_unchanged
}

@test "reconnect of what is known already changes nothing" {
    prepare 0 1 2
    seen 0 start 1 "${V[0]}" "${V[1]}"
    snapshot
    for operation in reconnect attach reconnect; do
        seen 0 $operation 1 "${V[0]}" "${V[1]}"
        assert_silent
    done
    assert_unchanged
    assert_invariants
}

@test "reconnect never fails: garbage, a conflict, a ledger that cannot be used" {
    for operation in reconnect attach; do
        rm -rf "$LEDGER"
        run_hook 0 vm1 $operation <<<'<domain'
        assert_one_line
        run_hook 0 vm1 $operation </dev/null
        assert_one_line
        run_hook 0 vm1 $operation < <(guest vm1 nonsense)
        assert_one_line nonsense
        [[ ! -e $LEDGER ]] || fail "a ledger was made"

        prepare 0 2
        snapshot
        seen 0 $operation 1 "${V[0]}"
        assert_one_line "'vm1'" "${V[0]}" "'vm2'"
        [[ -z $output ]]
        assert_unchanged
        assert_invariants
        # Of two VFs the one that nobody else has is adopted all the same.
        seen 0 $operation 1 "${V[0]}" "${V[3]}"
        assert_one_line "'vm1'" "${V[0]}" "'vm2'"
        assert_taken "${V[0]}" "${UUID[2]}" "${V[3]}" "${UUID[1]}"
        assert_invariants

        rm -rf "$LEDGER"
        echo foreign >"$LEDGER"
        seen 0 $operation 1 "${V[0]}"
        assert_one_line run/vfpool
        rm "$LEDGER"
        pool net missing
        seen 0 $operation 1 "${V[0]}"
        echo '<network' >"$ROOT/etc/vfpool/net.xml"
        seen 0 $operation 1 "${V[0]}"
        pool net eth3
    done
    VFPOOL_ROOT=$ROOT/nowhere seen 0 reconnect 1 "${V[0]}"
    assert_one_line nowhere
    assert_invariants
}

@test "start with another VF than the claimed one: adopted when it is free" {
    prepare 0 1 2
    seen 0 start 1 "${V[3]}" "${V[2]}"
    assert_taken "${V[2]}" "${UUID[1]}" "${V[3]}" "${UUID[1]}"
    assert_equal "$(state 1)" held
    assert_invariants
    # Swapped is what libvirt did in F6: both are its own.
    seen 0 start 1 "${V[2]}" "${V[3]}"
    assert_equal "$(xmllint --xpath 'string(//vf[@address="'"${V[2]}"'"]/@mac)' "$(guest_file 1)")" "${MAC[17]}"
    assert_invariants
}

@test "start with a VF that another guest holds is refused" {
    prepare 0 1 2
    prepare 0 2
    snapshot
    seen 1 start 1 "${V[0]}" "${V[2]}"
    assert_one_line "'vm1'" "${V[2]}" "'vm2'"
    assert_unchanged
    seen 1 start 3 "${V[2]}"
    assert_one_line "'vm3'" "${V[2]}" "'vm2'"
    assert_unchanged
    assert_released "${UUID[3]}"
    assert_invariants
}

@test "start without a claim adopts, as after an autostart" {
    seen 0 start 1 "${V[1]}"
    assert_silent
    assert_taken "${V[1]}" "${UUID[1]}"
    assert_equal "$(state 1)" held
    prepare 0 2
    assert_equal "$(holder "${V[0]}")" "${UUID[2]}"
    assert_invariants
}

@test "start that names no device yet keeps the claim" {
    prepare 0 1 2
    run_hook 0 vm1 start < <(vm 1 2)
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[1]}"
    assert_invariants
}

@test "a static hostdev claims that VF, and meets its holder" {
    run_hook 0 vm1 prepare < <(running 1 "${V[1]}")
    assert_taken "${V[1]}" "${UUID[1]}"
    prepare 0 2 2
    assert_equal "$(holder "${V[0]}") $(holder "${V[2]}")" "${UUID[2]} ${UUID[2]}"
    snapshot
    run_hook 1 vm3 prepare < <(running 3 "${V[3]}" "${V[2]}")
    assert_one_line "'vm3'" "${V[2]}" "'vm2'"
    assert_unchanged
    assert_invariants
}

# --- what it refuses to trust ------------------------------------------------

@test "the ledger directory is made, for its owner alone" {
    rmdir "$ROOT/run"
    umask 0
    prepare 0 1
    assert_equal "$(stat -c %a "$LEDGER" "$LEDGER/guests" "$LEDGER/vfs" "$LEDGER/lock" | xargs)" "700 700 700 600"
    assert_equal "$(find "$ROOT" -newer "$ROOT/etc/vfpool/net.xml" -path '*/vfpool' -type d -printf '%m %P\n' | sort)" \
        "700 run/vfpool"$'\n'"700 var/lib/vfpool"
    assert_invariants
}

# refused TEXT: every call that needs the ledger says TEXT, and touches nothing.
refused() {
    local text=$1
    snapshot
    prepare 1 7
    assert_one_line "$text" || return
    seen 1 start 7 "${V[0]}"
    assert_one_line "$text" || return
    seen 0 reconnect 7 "${V[0]}"
    assert_one_line "$text" || return
    run_vfpool 1 status
    assert_one_line "$text" || return
    [[ ! -s $STDOUT ]] || fail "status printed something" || return
    run_vfpool 1 status --format json
    assert_one_line "$text" || return
    run_vfpool 1 transform - < <(vm 7)
    assert_one_line "$text" || return
    run_vfpool 1 release vm1
    assert_one_line "$text" || return
    run_vfpool 1 reconcile
    assert_one_line "$text" || return
    assert_unchanged
}

@test "a ledger that is a link, a file, foreign or open to others is not used" {
    mkdir "$BATS_TEST_TMPDIR/aside"
    for part in run/vfpool run/vfpool/guests run/vfpool/vfs; do
        rm -rf "$LEDGER"
        prepare 0 1
        mv "$ROOT/$part" "$BATS_TEST_TMPDIR/aside/it"
        ln -s "$BATS_TEST_TMPDIR/aside/it" "$ROOT/$part"
        refused "/$part"
        assert_equal "$(find "$BATS_TEST_TMPDIR/aside" -name '*07*')" ""
        ln -sfn "$BATS_TEST_TMPDIR/nowhere" "$ROOT/$part"
        refused "/$part"
        [[ ! -e $BATS_TEST_TMPDIR/nowhere ]]
        rm "$ROOT/$part"
        echo file >"$ROOT/$part"
        refused "/$part"
        rm "$ROOT/$part"
        mkfifo "$ROOT/$part"
        refused "/$part"
        rm "$ROOT/$part"
        mv "$BATS_TEST_TMPDIR/aside/it" "$ROOT/$part"
        chown nobody "$ROOT/$part"
        refused "/$part"
        chown root "$ROOT/$part"
        for mode in 770 707 720 702; do
            chmod $mode "$ROOT/$part"
            refused "/$part"
        done
        chmod 700 "$ROOT/$part"
        assert_taken "${V[0]}" "${UUID[1]}"
        prepare 0 2
        assert_invariants
    done
}

@test "a lock that is a link, a directory or a fifo is not used" {
    prepare 0 1
    rm "$LEDGER/lock"
    ln -s ../elsewhere "$LEDGER/lock"
    refused /run/vfpool/lock
    [[ ! -e $ROOT/run/elsewhere ]]
    rm "$LEDGER/lock"
    mkdir "$LEDGER/lock"
    refused /run/vfpool/lock
    rmdir "$LEDGER/lock"
    mkfifo "$LEDGER/lock"
    refused /run/vfpool/lock
    rm "$LEDGER/lock"
    assert_invariants
}

@test "a ledger whose lock file was removed still counts" {
    prepare 0 1
    rm "$LEDGER/lock"
    run_vfpool 0 status --format json
    assert_equal "$(jq -r '.pools[0].vfs[0].guest.name' "$STDOUT")" vm1
    rm -f "$LEDGER/lock"
    run_vfpool 0 transform - < <(vm 2)
    [[ $output == *'slot="0x10" function="0x2"'* ]]
    prepare 0 2
    assert_equal "$(holder "${V[1]}")" "${UUID[2]}"
    assert_invariants
}

# failing CODE FAULT GUEST OPERATION: the hook as on a file system that is full or
# read-only; FAULT is strace's, SYSCALL:error=NAME[:when=N], of calls on the ledger.
failing() {
    hook_environment
    run_program "$1" "${HOOK_ENVIRONMENT[@]}" strace -qq -o /dev/null \
        -P "$LEDGER" -P "$LEDGER/guests" -P "$LEDGER/vfs" -P "$LEDGER/lock" -P "$LEDGER/new.xml" \
        -e inject="$2" "$VFPOOL_BUILD/hook/qemu" "$3" "$4" "$(suboperation "$4")" -
}

@test "a ledger that cannot be written: one line, nothing changed" {
    prepare 0 1
    snapshot
    for fault in symlinkat:error=EROFS symlinkat:error=ENOSPC:when=2 symlinkat:error=ENOSPC:when=3 \
        renameat:error=EIO fsync:error=EIO:when=1 write:error=ENOSPC pwrite64:error=ENOSPC \
        flock:error=ENOLCK; do
        failing 1 $fault vm2 prepare < <(vm 2 3)
        assert_one_line /run/vfpool || assert_one_line ledger
        [[ -z $output ]]
        # What it could not clean up itself, the next one does.
        run_vfpool 0 status
        assert_unchanged
        assert_invariants
    done
    for fault in unlinkat:error=EROFS pwrite64:error=ENOSPC; do
        failing 1 $fault vm1 release < <(vm 1)
        assert_one_line /run/vfpool
        assert_unchanged
    done
    assert_invariants
}

@test "a directory that cannot be made is said" {
    echo file >"$BATS_TEST_TMPDIR/file"
    rmdir "$ROOT/run"
    echo file >"$ROOT/run"
    prepare 1 1
    assert_one_line /run
    seen 0 reconnect 1 "${V[0]}"
    assert_one_line /run
    rm "$ROOT/run"
    assert_invariants
}

# --- a guest file that cannot be understood ----------------------------------

# spoil HOW N: guest N's file.
spoil() {
    local file
    file=$(guest_file "$2")
    case $1 in
    empty) : >"$file" ;;
    cut) truncate -s -9 "$file" ;;
    uuid) sed -i "s/uuid=\"[^\"]*/uuid=\"${UUID[9]}/" "$file" ;;
    garbage) head -c 4096 /dev/urandom >"$file" ;;
    large) head -c 1200000 /dev/zero | tr '\0' ' ' >>"$file" ;;
    root) echo '<domain/>' >"$file" ;;
    dtd) sed -i '1i <!DOCTYPE guest []>' "$file" ;;
    state) sed -i 's/claimed/lost/' "$file" ;;
    address) sed -i 's/address="[^"]*/address="..\/..\/x/' "$file" ;;
    twice) sed -i 's/  <vf.*/&&/' "$file" ;;
    link) mv "$file" "$BATS_TEST_TMPDIR/moved" && ln -s "$BATS_TEST_TMPDIR/moved" "$file" ;;
    directory) rm "$file" && mkdir "$file" ;;
    fifo) rm "$file" && mkfifo "$file" ;;
    esac
}

ALL_KINDS=(empty cut uuid garbage large root dtd state address twice link directory fifo)

@test "a corrupt guest file: said, set aside, and the others go on" {
    for kind in "${ALL_KINDS[@]}"; do
        rm -rf "$LEDGER"
        prepare 0 1 2
        prepare 0 2
        spoil "$kind" 1

        # Readers only say so.
        snapshot
        run_vfpool 0 status --format json
        assert_one_line "${UUID[1]}"
        assert_equal "$kind $(jq -r '[.pools[0].vfs[].state] | join(" ")' "$STDOUT")" \
            "$kind quarantined quarantined claimed free"
        run_vfpool 0 transform - < <(vm 3)
        [[ $output == *'slot="0x10" function="0x6"'* ]]
        assert_unchanged

        # Another guest gets what is free, and no more.
        prepare 1 3 2
        [[ $stderr == *"${V[0]}"* && $stderr == *"${V[1]}"* && $stderr == *"${UUID[1]}"* ]]
        prepare 0 3
        assert_equal "$(holder "${V[3]}")" "${UUID[3]}"
        seen 0 start 2 "${V[2]}"
        # Nor do others' calls: what they read they leave as it is.
        [[ -e $(guest_file 1) || -L $(guest_file 1) ]] && [[ ! -e $LEDGER/guests/${UUID[1]}.bad ]] || fail "$kind: touched"
        prepare 1 4
        [[ ${stderr##*$'\n'} == *"${V[0]}"*"${UUID[1]}"* ]]
        run_vfpool 0 reconcile
        [[ ! -e $(guest_file 1) && ( -e $LEDGER/guests/${UUID[1]}.bad || -L $LEDGER/guests/${UUID[1]}.bad ) ]] ||
            fail "not set aside: $kind"
        release 0 3
        release 0 2
        assert_equal "$(readlink "$LEDGER/vfs/${V[0]}" "$LEDGER/vfs/${V[1]}" | sort -u)" "../guests/${UUID[1]}.xml"

        # Its release gives them back; the one after that takes the evidence away.
        release 0 1
        assert_equal "$(ls "$LEDGER/vfs")" ""
        prepare 0 2 4
        release 0 2
        release 0 1
        assert_released "${UUID[1]}"
        assert_invariants
    done
}

@test "a corrupt guest file is said where it is met, in a line, and once" {
    prepare 0 1
    spoil cut 1
    prepare 0 2
    [[ ! -s $STDERR ]] || fail "guest 2 has nothing to do with it"
    prepare 0 1
    assert_one_line "guests/${UUID[1]}.xml" .bad
    prepare 0 1
    [[ ! -s $STDERR ]] || fail "said again"
    rm "$LEDGER/guests/${UUID[1]}.bad"
    assert_invariants
}

@test "a corrupt guest that is prepared again gets its own VFs back" {
    for kind in cut empty; do
        rm -rf "$LEDGER"
        prepare 0 1 4
        spoil "$kind" 1
        prepare 0 1 3
        assert_one_line "${UUID[1]}"
        assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[1]}" "${V[2]}" "${UUID[1]}"
        prepare 0 2
        assert_equal "$(holder "${V[3]}")" "${UUID[2]}"
        release 0 1
        assert_released "${UUID[1]}"
        assert_invariants
    done
}

@test "a corrupt guest that reconnects is adopted, what it does not have is free" {
    prepare 0 1 2
    spoil garbage 1
    seen 0 reconnect 1 "${V[1]}"
    assert_one_line "${UUID[1]}"
    assert_taken "${V[1]}" "${UUID[1]}"
    rm "$LEDGER/guests/${UUID[1]}.bad"
    assert_invariants
}

@test "a person releases a corrupt guest by UUID or VF, and is told what came free" {
    prepare 0 1 2
    spoil garbage 1
    run_vfpool 0 release "${V[0]}"
    [[ $output == *"${V[0]}"*"${UUID[1]}"* ]]
    [[ ! -L $LEDGER/vfs/${V[0]} && -L $LEDGER/vfs/${V[1]} ]]
    prepare 0 2
    assert_equal "$(holder "${V[0]}")" "${UUID[2]}"
    run_vfpool 0 release "${UUID[1]}"
    [[ $output == *"${V[1]}"*"${UUID[1]}"* ]] || fail "it does not say what it released"
    assert_taken "${V[0]}" "${UUID[2]}"
    rm -f "$LEDGER/guests/${UUID[1]}.bad"
    assert_invariants
}

@test "what is no link of ours in vfs/ keeps its VF, and the others go on" {
    mkdir -p "$LEDGER" "$LEDGER/vfs" "$LEDGER/guests"
    for kind in file elsewhere name directory; do
        case $kind in
        file) echo x >"$LEDGER/vfs/${V[0]}" ;;
        elsewhere) ln -s ../../../etc/passwd "$LEDGER/vfs/${V[0]}" ;;
        name) ln -s ../guests/x.xml "$LEDGER/vfs/${V[0]}" ;;
        directory) mkdir "$LEDGER/vfs/${V[0]}" ;;
        esac
        prepare 0 1 3
        for vf in "${V[@]:1}"; do assert_equal "$(holder "$vf")" "${UUID[1]}"; done
        prepare 1 2
        assert_one_line "vfs/${V[0]}" remove
        run_vfpool 0 status --format json
        assert_equal "$(jq -r '.pools[0].vfs[0].state' "$STDOUT")" quarantined
        run_vfpool 0 reconcile
        [[ $output == *"vfs/${V[0]}"* ]]
        [[ -e $LEDGER/vfs/${V[0]} || -L $LEDGER/vfs/${V[0]} ]]
        rm -r "$LEDGER/vfs/${V[0]}"
        release 0 1
        assert_invariants
    done
}

@test "a link that says nothing, where no crash was noticed, does not keep the last VF from a guest" {
    prepare 0 1 3
    ln -s "../guests/${UUID[3]}.xml" "$LEDGER/vfs/${V[3]}"
    prepare 0 2
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[1]}" "${V[2]}" "${UUID[1]}" "${V[3]}" "${UUID[2]}"
    release 0 2
    # As one of a guest that does not have the VF.
    ln -s "../guests/${UUID[1]}.xml" "$LEDGER/vfs/${V[3]}"
    prepare 0 2
    assert_equal "$(holder "${V[3]}")" "${UUID[2]}"
    assert_invariants
}

# --- what a crash left -------------------------------------------------------

# half STATE: what a call for guest 1 leaves that is killed there. FREE says how
# many VFs that is, of four.
half() {
    rm -rf "$LEDGER"
    case $1 in
    links-first) # put before its commit; drop after it
        prepare 0 1 2
        rm "$(guest_file 1)"
        FREE=4
        ;;
    stale-link) # put after its commit: the guest had more
        prepare 0 1
        ln -s "../guests/${UUID[1]}.xml" "$LEDGER/vfs/${V[3]}"
        FREE=3
        ;;
    grown) # put before its commit: the guest wants more
        prepare 0 1 2
        ln -s "../guests/${UUID[1]}.xml" "$LEDGER/vfs/${V[2]}"
        FREE=2
        ;;
    new-file) # put, its file cut off
        prepare 0 1
        head -c 40 "$(guest_file 1)" >"$LEDGER/new.xml"
        FREE=3
        ;;
    lost-link) # none of ours, and repaired all the same
        prepare 0 1 2
        rm "$LEDGER/vfs/${V[1]}"
        FREE=2
        ;;
    esac
    dead_pid >"$LEDGER/lock"
}

@test "every half state is repaired by the next call, which says so" {
    for state in links-first stale-link grown new-file lost-link; do
        for next in prepare release status transform reconcile; do
            half $state
            case $next in
            prepare) prepare 0 2 "$FREE" ;;
            release) release 0 1 ;;
            status) run_vfpool 0 status --format json ;;
            transform) run_vfpool 0 transform - < <(vm 2 "$FREE") ;;
            reconcile) run_vfpool 0 reconcile ;;
            esac
            case $state in
            links-first) said=("${V[0]}" "${V[1]}") ;;
            stale-link) said=("${V[3]}") ;;
            grown) said=("${V[2]}") ;;
            new-file) said=() ;;
            lost-link) said=("${V[1]}") ;;
            esac
            for text in "${said[@]}"; do
                [[ $output$stderr == *"VF $text"*"${UUID[1]}"* || $output$stderr == *"VF $text"*"'vm1'"* ]] ||
                    fail "$state, $next: $text is not said"
            done
            [[ ! -e $LEDGER/new.xml ]] || fail "$state, $next: new.xml is left"
            assert_invariants || fail "$state, $next"
            if [[ $next != release ]]; then
                [[ $(taken | grep -c "${UUID[1]}") == $((4 - FREE)) ]] || fail "$state, $next: the claim is not whole"
            fi
            # The next one has nothing to do.
            run_vfpool 0 reconcile
            assert_equal "$output$stderr" "vfpool: note: there is no libvirt here (/etc/libvirt): no network is set up"
        done
    done
}

@test "a repair that fails is tried again by the next call" {
    for fault in unlinkat:error=EROFS unlinkat:error=EIO:when=2 unlinkat:error=EIO:when=3; do
        half links-first
        failing 1 $fault vm2 prepare < <(vm 2 4)
        [[ $stderr == *"cannot remove /run/vfpool/"* ]]
        # Not by a prepare, which would clear the way for itself.
        run_vfpool 0 status
        assert_released "${UUID[1]}"
        assert_invariants
    done
}

@test "a link that could not be removed after the commit is removed by the next call" {
    prepare 0 1 2
    failing 0 unlinkat:error=EIO:when=2 vm1 release < <(vm 1)
    assert_taken
    run_vfpool 0 status
    assert_one_line "free again"
    assert_released "${UUID[1]}"
    assert_invariants
}

@test "why a guest has its VFs is kept with its claim, and what cannot be that is left out" {
    # attribute ADDRESS: why the guest has it
    attribute() { xmllint --xpath "string(//vf[@address='$1']/@reason)" "$(guest_file 1)"; }
    first="separate='prefer' numa='prefer' sticky='no' order='first'"
    prepare 0 2
    prepare 0 1 2
    assert_equal "$(attribute "${V[1]}")" "$first; passed over: 1 held by guests"
    run_vfpool 0 history vm1 --format json
    assert_equal "$(jq -r '.events[0].reason' "$STDOUT")" "$first; passed over: 1 held by guests"
    seen 0 start 1 "${V[1]}" "${V[2]}"
    seen 0 reconnect 1 "${V[1]}" "${V[2]}"
    assert_equal "$(attribute "${V[1]}")" "$first; passed over: 1 held by guests"
    run_vfpool 0 history vm1 --format json
    assert_equal "$(jq -c '[.events[] | select(.event == "held").reason]' "$STDOUT")" '[null,null]'
    # Without libvirt's network hook: another one than was chosen.
    seen 0 reconnect 1 "${V[1]}" "${V[3]}"
    assert_equal "$(attribute "${V[3]}")" "libvirt gave it instead of VF 2 of PF eth3"
    assert_invariants
    sed -i "s/ reason=\"[^\"]*\"/ reason=\"$(printf '%0256d' 0)\"/" "$(guest_file 1)"
    seen 0 reconnect 1 "${V[1]}" "${V[3]}"
    assert_equal "$(attribute "${V[1]}")" ""
    assert_invariants
}

@test "what an earlier version kept beside the claims is nobody's, and in nobody's way" {
    prepare 0 1
    echo '<decision/>' | tee "$LEDGER/guests/${UUID[1]}.why" >"$LEDGER/guests/${UUID[2]}.why"
    dead_pid >"$LEDGER/lock"
    run_vfpool 0 status
    assert_equal "$stderr" ""
    run_vfpool 0 explain vm1
    [[ $output == *"chosen: separate="* ]]
    prepare 0 2
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[2]}"
    release 0 1
    release 0 2
    assert_silent
    run_vfpool 0 reconcile
    assert_taken
    rm "$LEDGER"/guests/*.why
    assert_invariants
}

@test "two guest files that list one VF: said, and left to a person" {
    prepare 0 1
    sed "s/${UUID[1]}/${UUID[2]}/; s/vm1/vm2/" "$(guest_file 1)" >"$(guest_file 2)"
    chmod 600 "$(guest_file 2)"
    run_vfpool 0 reconcile
    [[ $output == *"${V[0]}"*"vm2"*"${UUID[2]}"* ]]
    looks_gone "${UUID[2]}"
    run_vfpool 0 release "${UUID[2]}"
    # The link was vm1's all the time.
    assert_taken "${V[0]}" "${UUID[1]}"
    assert_invariants
}

# killed_at SYSCALL N CALL...: a hook that is killed as it enters its N-th such
# call. Fails when it got to its end before that.
killed_at() {
    local code=0
    hook_environment
    "${HOOK_ENVIRONMENT[@]}" strace -qq -o /dev/null -e trace="$1" \
        -e inject="$1:signal=KILL:when=$2" "$VFPOOL_BUILD/hook/qemu" "${@:3}" >/dev/null 2>&1 3>&- || code=$?
    ((code == 137)) || { ((code == 0)) || echo "exit code $code" >&2; return 1; }
}

MUTATIONS=(mkdirat flock pwrite64 symlinkat write fsync renameat unlinkat)

# Everything that a call for guest 1 changes, killed there, one after the other:
# kill_everywhere HELD WANTED CALL...: before it the guest holds HELD VFs, it
# asks for WANTED.
kill_everywhere() {
    local before=$1 after=$2 call i kills=0 holds
    shift 2
    for call in "${MUTATIONS[@]}"; do
        for ((i = 1; i < 100; i++)); do
            rm -rf "$LEDGER"
            ((before == 0)) || prepare 0 1 "$before" >/dev/null
            killed_at "$call" $i "$@" < <(vm 1 "$after") || break
            kills=$((kills + 1))
            # The next call finds all the VFs that guest 1 does not hold.
            run_vfpool 0 status >/dev/null
            assert_invariants || fail "after a kill at $call $i" || return
            holds=$(taken | wc -l)
            ((holds == before || holds == after)) ||
                fail "after a kill at $call $i the guest holds $holds VFs" || return
            prepare 0 2 $((4 - holds)) >/dev/null || fail "after a kill at $call $i" || return
            assert_invariants || fail "after a kill at $call $i" || return
            run_hook 0 vm1 release < <(vm 1) >/dev/null || return
            assert_released "${UUID[1]}" || fail "after a kill at $call $i" || return
        done
    done
    counted "$kills" kills
    ((kills >= 12))
}

# bats test_tags=deep
@test "a kill at any system call of prepare is repaired" {
    kill_everywhere 0 2 vm1 prepare begin -
}

# bats test_tags=deep
@test "a kill at any system call of a second prepare is repaired" {
    kill_everywhere 3 1 vm1 prepare begin -
}

# bats test_tags=deep
@test "a kill at any system call of release is repaired" {
    kill_everywhere 3 0 vm1 release end -
}

# bats test_tags=deep
@test "a kill at any system call of a repair leaves it to be repaired" {
    kills=0
    for call in "${MUTATIONS[@]}"; do
        for ((i = 1; i < 100; i++)); do
            half links-first >/dev/null
            killed_at "$call" $i vm2 prepare begin - < <(vm 2 4) || break
            kills=$((kills + 1))
            prepare 0 3 >/dev/null || { prepare 0 2 4; release 0 2; } || fail "after a kill at $call $i"
            assert_invariants || fail "after a kill at $call $i"
            assert_released "${UUID[1]}" || fail "after a kill at $call $i"
        done
    done
    counted "$kills" kills
    ((kills >= 12))
}

@test "a release that finds only a crash's links repairs them" {
    half links-first
    release 0 1 2
    assert_released "${UUID[1]}"
    assert_taken
    assert_invariants
}

# --- what cannot be read is not empty -------------------------------------------

@test "a directory that cannot be read fails the call, and changes nothing" {
    local path
    prepare 0 1 1 || :
    snapshot
    for path in etc/vfpool run/vfpool/vfs; do
        hook_environment
        run_program 1 strace -qq -o /dev/null -P "$ROOT/$path" -e trace=getdents64 -e inject=getdents64:error=EIO:when=1 \
            "${HOOK_ENVIRONMENT[@]}" "$VFPOOL_BUILD/hook/qemu" vm2 prepare begin - \
            < <(vm 2 1)
        assert_one_line "cannot read /$path: Input/output error"
        assert_unchanged
    done
}

@test "looking makes nothing in the empty directory that there is after a boot" {
    rm -rf "$ROOT/run/vfpool"
    mkdir -m 700 "$ROOT/run/vfpool"
    run_vfpool 0 status
    run_vfpool 0 transform - < <(vm 2 1)
    assert_equal "$(find "$ROOT/run/vfpool" -mindepth 1)" ""
}

@test "a killed writer's links go though its PID is another process's now" {
    prepare 0 1 1
    local uuid=00000000-0000-4000-8000-00000000abcd
    ln -s "../guests/$uuid.xml" "$ROOT/run/vfpool/vfs/0000:01:11.0"
    echo $$ >"$ROOT/run/vfpool/lock"
    run_hook 0 gone release < <(guest gone "$uuid")
    [[ ! -L $ROOT/run/vfpool/vfs/0000:01:11.0 ]]
    run ! grep -q '[^ ]' "$ROOT/run/vfpool/lock"
}
