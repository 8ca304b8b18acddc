#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What bash, zsh and fish complete: asked for as a person would, with the Tab key or what stands for it.

load helpers

setup() {
    common_setup
    host eth3:vfs=3 eth4:vfs=1
    pool alpha eth3
    pool beta eth4
    run_hook 0 g1 prepare < <(guest web-01 "${UUID[1]}" "alpha:${MAC[1]}")
    mkdir -p "$ROOT/etc/libvirt/qemu"
    : > "$ROOT/etc/libvirt/qemu/web-01.xml"
    : > "$ROOT/etc/libvirt/qemu/db-02.xml"
    mkdir "$BATS_TEST_TMPDIR/here"
    : > "$BATS_TEST_TMPDIR/here/guest.xml"
    cd "$BATS_TEST_TMPDIR/here" || return
}

# complete_in_SHELL LINE: what may stand in place of its last word, sorted, in a line
complete_in_bash() {
    bash --norc -c '. "$1"
        COMP_LINE=$2 COMP_POINT=${#2} COMPREPLY=()
        _vfpool
        printf "%s\n" "${COMPREPLY[@]}"' sh "$TESTS/../hook/vfpool.bash" "$1"
}
complete_in_fish() {
    HOME=$BATS_TEST_TMPDIR fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$TESTS/../hook/vfpool.fish" "$1" | cut -f 1
}
# A terminal of its own, where Tab is pressed: what compadd is given is what would be shown.
complete_in_zsh() {
    mkdir -p "$BATS_TEST_TMPDIR/zsh"
    cp "$TESTS/../hook/vfpool.zsh" "$BATS_TEST_TMPDIR/zsh/_vfpool"
    cat > "$BATS_TEST_TMPDIR/zsh/ask" << 'ZSH'
zmodload zsh/zpty zsh/zselect
zpty shell zsh -f -i
zpty -w shell "PROMPT=; stty -echo; fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -u -d ${(q)1}/dump
compadd() {
    if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd \"\$@\"; return; fi
    local -a found
    builtin compadd -A found \"\$@\"
    builtin compadd \"\$@\"
    (( \$#found )) && print -l -- \$found >> ${(q)1}/found
}
finish() { print >> ${(q)1}/done }
zle -N finish
bindkey '^I' complete-word
bindkey '^X' finish
print ready >> ${(q)1}/ready"
while [[ ! -e $1/ready ]]; do zselect -t 2 || zpty -r -t shell line; done
zpty -w -n shell "$2"$'\t'$'\x18'
while [[ ! -e $1/done ]]; do zselect -t 2 || zpty -r -t shell line; done
zpty -d shell
ZSH
    rm -f "$BATS_TEST_TMPDIR"/zsh/{found,ready,done}
    timeout 20 zsh -f "$BATS_TEST_TMPDIR/zsh/ask" "$BATS_TEST_TMPDIR/zsh" "$1" > /dev/null 2>&1 || return
    cat "$BATS_TEST_TMPDIR/zsh/found" 2> /dev/null
}

# completes SHELL LINE WORD...
completes() {
    local shell=$1 line=$2
    shift 2
    printf 'in %s: %s\n' "$shell" "$line"
    assert_equal "$("complete_in_$shell" "$line" < /dev/null 2> "$STDERR" 3>&- | sed '/^$/d; s/ *$//' | LC_ALL=C sort -u | xargs)" "$(printf '%s\n' "$@" | LC_ALL=C sort -u | xargs)"
}

# A guest may be called anything: its name is offered, and never run.
strange() { # SHELL
    local name="z \$(touch $BATS_TEST_TMPDIR/run)&<\"'x"
    run_hook 0 "$name" prepare < <(guest "$name" "${UUID[7]}" "alpha:${MAC[7]}")
    "complete_in_$1" "vfpool release z" < /dev/null > "$STDOUT" 3>&-
    [[ ! -e $BATS_TEST_TMPDIR/run ]] || fail "the name was run"
    cat "$STDOUT"
    # bash quotes itself what the others' shells quote when they insert it.
    if [[ $1 == bash ]]; then name=$(printf '%q' "$name"); fi
    grep -qxF -- "$name" "$STDOUT"
}

# What is the same in each shell.
completes_all() {
    local shell=$1
    mapfile -t verbs < <("$VFPOOL_BUILD/hook/vfpool" --help | sed -n 's/^  \([a-z]\{1,\}\).*/\1/p')
    completes "$shell" "vfpool re" release reconcile
    completes "$shell" "vfpool status " alpha beta
    completes "$shell" "vfpool dumpxml a" alpha
    completes "$shell" "vfpool history --format " table json xml
    completes "$shell" "vfpool status --format " html json prometheus table xml
    completes "$shell" "vfpool transform --op m" migrate
    completes "$shell" "vfpool release w" web-01
    completes "$shell" "vfpool discover " eth3 eth4
    completes "$shell" "vfpool explain d" db-02
    completes "$shell" "vfpool explain g" guest.xml
    completes "$shell" "vfpool status --" --color --format --guest --long --output --pf --state --summary --watch --wide
    completes "$shell" "vfpool status --state " claimed drained free held quarantined unusable
    completes "$shell" "vfpool status --pf " eth3 eth4
    completes "$shell" "vfpool explain --" --color --format --wide
    completes "$shell" "vfpool reconcile --" --boot --dry-run --format --wait
    completes "$shell" "vfpool open --" --dry-run --format --settings
    completes "$shell" "vfpool discover --" --name
    completes "$shell" "vfpool release --" --dry-run --force --format
}

@test "bash" {
    completes_all bash
    strange bash
    run_hook 0 z release < <(guest z "${UUID[7]}" "alpha:${MAC[7]}")
    completes bash "vfpool " "${verbs[@]}" --help --version
    # Behind a colon, to readline, another word begins.
    completes bash "vfpool release 0000:01:1" 10.0
    completes bash "vfpool release 0" 0000:01:10.0
}

@test "fish" {
    completes_all fish
    strange fish
    run_hook 0 z release < <(guest z "${UUID[7]}" "alpha:${MAC[7]}")
    completes fish "vfpool " "${verbs[@]}"
    completes fish "vfpool release 0000:01:1" 0000:01:10.0
}

@test "zsh" {
    completes_all zsh
    strange zsh
    run_hook 0 z release < <(guest z "${UUID[7]}" "alpha:${MAC[7]}")
    completes zsh "vfpool " "${verbs[@]}" --help --version
    completes zsh "vfpool release 0000:01:1" 0000:01:10.0
}
