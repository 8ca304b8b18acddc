#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Bad input: one line on stderr, exit 1, nothing changed; in bounded time and
# memory. Through each operation that reads a domain, and vfpool transform.

load helpers

V=(0000:01:10.0 0000:01:10.2 0000:01:10.4 0000:01:10.6)

# Another guest holds a VF all the time, so that there is something to spoil.
setup() {
    common_setup
    LEDGER=$ROOT/run/vfpool
    host eth3:vfs=4 eth4:vfs=1
    pool net eth3
    prepare 0 9
    INPUT=$BATS_TEST_TMPDIR/input
}

# vm N [COUNT]: guest N, with COUNT interfaces on the pool.
vm() {
    local i devices=()
    for ((i = 1; i <= ${2-1}; i++)); do
        devices+=("net:${MAC[$1 * 16 + i]}")
    done
    guest "vm$1" "${UUID[$1]}" "${devices[@]}"
}

prepare() { run_hook "$1" "vm$2" prepare < <(vm "${@:2}"); }

# frugally COMMAND...: within 256 MiB; with a sanitizer, which reserves more than
# that at once, 600 MiB of what is really used.
frugally() {
    local code=0
    if grep -q __asan_init "$VFPOOL_BUILD/hook/qemu"; then
        ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}hard_rss_limit_mb=600 "$@"
        return
    fi
    ulimit -S -v 262144
    "$@" || code=$?
    ulimit -S -v unlimited
    return $code
}

# rejects [TEXT...]: $INPUT is refused wherever a domain is read, in a line: by every operation the first time in a test,
# after that by those that differ in how they say so.
rejects() {
    local operation draft="" refusing=(prepare) passing=(reconnect) transforming=(prepare)
    [[ ${1-} != draft ]] || { draft=yes && shift; }
    if [[ ! -e $BATS_TEST_TMPDIR/all ]]; then
        refusing=(prepare start release migrate restore) passing=(reconnect attach) transforming=(prepare restore migrate)
        : >"$BATS_TEST_TMPDIR/all"
    fi
    VFPOOL_TIMEOUT=20
    snapshot
    for operation in "${refusing[@]}"; do
        run_hook 1 x "$operation" <"$INPUT" || return
        assert_one_line "$@" || return
        [[ ! -s $STDOUT ]] || fail "$operation printed something" || return
    done
    for operation in "${passing[@]}"; do
        run_hook 0 x "$operation" <"$INPUT" || return
        assert_one_line "$@" || return
    done
    # A draft is not defined yet: what libvirt would give it may be missing there.
    if [[ -z $draft ]]; then
        for operation in "${transforming[@]}"; do
            run_vfpool 1 transform --op "$operation" - <"$INPUT" || return
            assert_one_line "$@" || return
            [[ ! -s $STDOUT ]] || fail "transform printed something" || return
        done
        run_vfpool 1 transform "$INPUT" || return
        assert_one_line "$@" || return
        [[ ! -s $STDOUT ]] || fail "transform printed something" || return
    fi
    assert_unchanged || return
    assert_invariants
}

# --- not a document ----------------------------------------------------------

@test "empty stdin, or none but white space" {
    : >"$INPUT"
    rejects empty
    printf ' \n\n' >"$INPUT"
    rejects
}

@test "cut off anywhere" {
    vm 1 2 >"$BATS_TEST_TMPDIR/whole"
    size=$(stat -c %s "$BATS_TEST_TMPDIR/whole")
    for part in 1 2 3 5 8; do
        head -c $((size * part / 9)) "$BATS_TEST_TMPDIR/whole" >"$INPUT"
        rejects "not well-formed"
    done
    # And at the very last byte that matters.
    head -c $((size - 2)) "$BATS_TEST_TMPDIR/whole" >"$INPUT"
    rejects "not well-formed"
}

@test "not XML" {
    for text in 'hello' '{"domain": 1}' '<' '<domain' '<domain><name></domain>' $'\xff\xfe\xfd' '<?xml version="1.0"?>' \
        '<domain/><domain/>' '<domain a="1" a="2"/>' '<domain>&undefined;</domain>' '<domain>&#0;</domain>' \
        $'<domain>\x01</domain>' $'<domain>\xc3\x28</domain>' '<?xml version="1.0" encoding="nonsense"?><domain/>'; do
        printf '%s\n' "$text" >"$INPUT"
        rejects "well-formed"
    done
    head -c 65536 /dev/urandom | tr -d '\0' >"$INPUT"
    rejects
}

@test "root not a domain" {
    for text in '<network/>' "<x:domain xmlns:x='urn:x'/>" "<domain xmlns='urn:x'/>" '<Domain/>' "<domains>$(vm 1)</domains>" \
        "<domainsnapshot><domain/></domainsnapshot>"; do
        printf '%s\n' "$text" >"$INPUT"
        rejects domain
    done
}

@test "no UUID, no name, or a malformed UUID" {
    vm 1 | sed '/<uuid>/d' >"$INPUT"
    rejects draft "'vm1'" uuid
    for text in '' ' ' 1 00000000-0000-4000-8000-00000000000 00000000-0000-4000-8000-0000000000012 \
        00000000-0000-4000-8000-00000000000g ../../../../etc/passwd 0000000-00000-4000-8000-000000000001 \
        '00000000-0000-4000-8000-000000000001 x' 00000000_0000_4000_8000_000000000001 "$(printf '0%.0s' {1..4000})"; do
        vm 1 | sed "s|<uuid>.*</uuid>|<uuid>$text</uuid>|" >"$INPUT"
        rejects "'vm1'" UUID
    done
    vm 1 | sed '/<name>/d' >"$INPUT"
    rejects name
    vm 1 | sed 's/<name>.*</<name></' >"$INPUT"
    rejects name
}

# --- what a parser is attacked with ------------------------------------------

@test "a document type declaration" {
    for dtd in '<!DOCTYPE domain>' '<!DOCTYPE domain []>' '<!DOCTYPE domain SYSTEM "/etc/passwd">' \
        '<!DOCTYPE domain [<!ENTITY e SYSTEM "file:///etc/passwd">]>' '<!DOCTYPE domain PUBLIC "a" "http://localhost:1/">' \
        '<!DOCTYPE domain [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>'; do
        { echo "$dtd" && vm 1; } >"$INPUT"
        rejects "document type"
        { echo "$dtd" && vm 1 | sed 's/vm1/\&e;/'; } >"$INPUT"
        rejects "document type"
    done
}

@test "entity bombs" {
    {
        echo '<!DOCTYPE domain [<!ENTITY a0 "ha">'
        for i in {1..64}; do
            printf '<!ENTITY a%d "' "$i"
            printf "&a$((i - 1));%.0s" {1..10}
            echo '">'
        done
        echo ']>'
        vm 1 | sed 's/vm1/\&a64;/'
    } >"$INPUT"
    frugally rejects "document type"
    {
        printf '<!DOCTYPE domain [<!ENTITY a "'
        head -c 200000 /dev/zero | tr '\0' a
        echo '">]>'
        vm 1 | sed '/<name>/d' | head -n 2
        printf '<name>'
        printf '&a;%.0s' {1..50000}
        echo '</name></domain>'
    } >"$INPUT"
    frugally rejects "document type"
}

# nested DEPTH: a guest with that many elements one in the other.
nested() {
    vm 1 2 | sed '/<devices>/,$d'
    echo '<metadata>'
    head -c "$1" /dev/zero | sed 's/\x0/<a>/g'
    head -c "$1" /dev/zero | sed 's/\x0/<\/a>/g'
    echo '</metadata>'
    vm 1 2 | sed -n '/<devices>/,$p'
}

@test "nesting past the parser's limit" {
    for depth in 300 2000 100000 1000000; do
        nested $depth >"$INPUT"
        frugally rejects depth
    done
    # What the parser does take, the transformation takes.
    nested 200 >"$INPUT"
    run_hook 0 vm1 prepare <"$INPUT"
    assert_equal "$(grep -o '<a>' "$STDOUT" | wc -l)" 199
    assert_invariants
}

# sized BYTES: a guest of exactly this size.
sized() {
    vm 1 2 >"$BATS_TEST_TMPDIR/small"
    perl -e 'local $/; my $doc = <STDIN>; my $left = shift() - length $doc;
        while ($left > 7) { my $n = $left > 100007 ? 100007 : $left; $doc .= "<!--" . "x" x ($n - 7) . "-->"; $left -= $n }
        print $doc, "\n" x $left' "$1" <"$BATS_TEST_TMPDIR/small"
}

@test "more than 10 MiB" {
    sized $((10 * 1024 * 1024)) >"$INPUT"
    assert_equal "$(stat -c %s "$INPUT")" 10485760
    frugally run_hook 0 vm1 prepare <"$INPUT"
    run_hook 0 vm1 release <"$INPUT"
    run_vfpool 0 transform "$INPUT"
    [[ $(stat -c %s "$STDOUT") -gt 10485760 ]]
    echo >>"$INPUT"
    frugally rejects "10 MiB"
    yes '<domain>' | head -c 50000000 >"$INPUT"
    frugally rejects "10 MiB"
    frugally run_hook 1 x prepare < <(yes '<a>')
    assert_one_line "10 MiB"
    frugally run_vfpool 1 transform - < <(yes '<a>')
    assert_one_line "10 MiB"
    frugally run_vfpool 1 transform /dev/zero
    assert_one_line "10 MiB"
    assert_invariants
}

@test "a million elements: bounded" {
    {
        vm 1 | sed '/<devices>/,$d'
        echo '<metadata>'
        head -c 1000000 /dev/zero | sed 's/\x0/<a\/>/g'
        echo '</metadata>'
        vm 1 | sed -n '/<devices>/,$p'
    } >"$INPUT"
    VFPOOL_TIMEOUT=20 run_hook 0 vm1 prepare <"$INPUT"
    run_hook 0 vm1 release < <(vm 1)
    assert_invariants
}

@test "NUL bytes" {
    for where in 1 20 200; do
        vm 1 | sed "$((where % 12 + 1))s/\$/\x0/" >"$INPUT"
        rejects NUL
    done
    { vm 1 && printf '\0'; } >"$INPUT"
    rejects NUL
    { printf '\0' && vm 1; } >"$INPUT"
    rejects NUL
    vm 1 | iconv -t UTF-16 >"$INPUT"
    rejects NUL
    head -c 4096 /dev/zero >"$INPUT"
    rejects NUL
}

# --- descriptors -------------------------------------------------------------

@test "stdin that never ends: given up after 10 s" {
    mkfifo "$BATS_TEST_TMPDIR/silent" "$BATS_TEST_TMPDIR/slow"
    exec {silent}<>"$BATS_TEST_TMPDIR/silent" {slow}<>"$BATS_TEST_TMPDIR/slow"
    vm 1 >&"$silent"
    # One that says a byte now and then is no better.
    perl -e '$| = 1; for (1 .. 150) { print " "; select undef, undef, undef, 0.1 }' >&"$slow" 3>&- &
    slow_writer=$!
    snapshot
    operations=(prepare start release restore)
    endless() {
        local from=$EPOCHREALTIME took
        if (($1 <= 4)); then
            run_hook 1 vm1 "${operations[$1 - 1]}" <"$BATS_TEST_TMPDIR/silent" || return
        elif (($1 == 5)); then
            run_hook 1 vm1 prepare <"$BATS_TEST_TMPDIR/slow" || return
        else
            run_hook 0 vm1 reconnect <"$BATS_TEST_TMPDIR/silent" || return
        fi
        took=$(((${EPOCHREALTIME/./} - ${from/./}) / 1000))
        assert_one_line "10 s" || return
        [[ ! -s $STDOUT ]] || return
        ((took >= 10000 && took < 15000)) || fail "took $took ms"
    }
    together 6 endless
    kill $slow_writer || :
    assert_equal "$(cat "$BATS_TEST_TMPDIR"/together/*.code | xargs)" "0 0 0 0 0 0" ||
        fail "$(cat "$BATS_TEST_TMPDIR"/together/*.out)"
    assert_unchanged
    assert_invariants
}

@test "stdin that somebody else reads: given up after 10 s" {
    local from=$EPOCHREALTIME took
    mkfifo "$BATS_TEST_TMPDIR/silent"
    exec {silent}<> "$BATS_TEST_TMPDIR/silent"
    hook_environment
    # poll(2) saw what another process has read by then.
    run_program 1 strace -qq -o /dev/null -e trace=poll -e inject=poll:retval=1:when=1 \
        "${HOOK_ENVIRONMENT[@]}" "$PLAIN/hook/qemu" vm1 prepare begin - < "$BATS_TEST_TMPDIR/silent"
    exec {silent}>&-
    took=$(((${EPOCHREALTIME/./} - ${from/./}) / 1000))
    assert_one_line "10 s"
    ((took >= 10000 && took < 15000)) || fail "took $took ms"
}

# redirected CODE REDIRECTION PROGRAM...: the shell's redirection, as a careless parent would start it.
redirected() {
    hook_environment
    # shellcheck disable=SC2016
    run_program "$1" "${HOOK_ENVIRONMENT[@]}" bash -c 'exec "$@" '"$2" bash "${@:3}"
}

@test "stdin closed" {
    snapshot
    for operation in prepare start release migrate restore; do
        redirected 1 '<&-' "$VFPOOL_BUILD/hook/qemu" vm1 $operation begin -
        assert_one_line empty
    done
    redirected 3 '<&-' "$VFPOOL_BUILD/hook/vfpool" transform -
    assert_one_line empty
    redirected 1 '</' "$VFPOOL_BUILD/hook/qemu" vm1 prepare begin -
    assert_one_line
    assert_unchanged
    assert_invariants
}

@test "stdout closed, full or broken: exit 1, and the claim is taken back" {
    snapshot
    for operation in prepare restore; do
        for to in '>&-' '>/dev/full'; do
            [[ $operation == prepare ]] && vm 1 2 >"$INPUT" || vm 1 | sed "s|<interface.*|<interface type='hostdev'>|
                s|<source network.*|<source><address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/></source>|" >"$INPUT"
            redirected 1 "$to" "$VFPOOL_BUILD/hook/qemu" vm1 $operation begin - <"$INPUT"
            assert_one_line "standard output"
            assert_unchanged
        done
    done
    for verb in 'transform -' status 'status --format json' 'status --format xml' 'dumpxml net' discover; do
        for to in '>&-' '>/dev/full'; do
            # shellcheck disable=SC2086
            redirected 1 "$to" "$VFPOOL_BUILD/hook/vfpool" $verb < <(vm 1)
            assert_one_line "standard output"
            assert_unchanged
        done
    done
    hook_environment
    # The reader went away: an error of write(2), not a signal.
    for program in "$VFPOOL_BUILD/hook/qemu vm1 prepare begin -" "$VFPOOL_BUILD/hook/vfpool status"; do
        # shellcheck disable=SC2086
        run_program 1 "${HOOK_ENVIRONMENT[@]}" perl -e 'pipe R, W; close R; open STDOUT, ">&W"; exec @ARGV' $program < <(vm 1)
        assert_one_line "standard output"
        assert_unchanged
    done
    assert_invariants
}

@test "--help and --version see that nobody read them" {
    for verb in --help --version; do
        for to in '>&-' '>/dev/full'; do
            redirected 1 "$to" "$VFPOOL_BUILD/hook/vfpool" $verb
            assert_one_line "standard output"
        done
    done
    assert_invariants
}

@test "stderr closed, or all three: no file of ours gets their numbers" {
    redirected 0 '2>&-' "$VFPOOL_BUILD/hook/qemu" vm1 prepare begin - < <(vm 1)
    [[ $output == *hostdev* ]]
    redirected 1 '2>&-' "$VFPOOL_BUILD/hook/qemu" vm2 prepare begin - < <(vm 2 4)
    [[ ! -s $STDOUT ]]
    assert_invariants
    snapshot
    redirected 1 '<&- >&- 2>&-' "$VFPOOL_BUILD/hook/qemu" vm2 prepare begin -
    redirected 1 '>&- 2>&-' "$VFPOOL_BUILD/hook/qemu" vm2 prepare begin - < <(vm 2)
    redirected 1 '>&- 2>&-' "$VFPOOL_BUILD/hook/vfpool" status
    redirected 0 '<&- >&- 2>&-' "$VFPOOL_BUILD/hook/qemu" vm1 reconnect begin -
    assert_unchanged
    assert_invariants
}

# --- how it is called --------------------------------------------------------

@test "an unknown operation: exit 0, silent, whatever comes in" {
    snapshot
    for operation in started frobnicate '' PREPARE 'prepare ' ../prepare "$(printf 'x%.0s' {1..4000})"; do
        for input in /dev/null /dev/urandom "$FIXTURES/domains/seven.xml"; do
            run_hook 0 vm1 "$operation" begin - <"$input"
            assert_silent
        done
        redirected 0 '<&- >&- 2>&-' "$VFPOOL_BUILD/hook/qemu" vm1 "$operation" begin -
    done
    VFPOOL_ROOT=$ROOT/nowhere run_hook 0 vm1 migrated <"$FIXTURES/domains/seven.xml"
    assert_silent
    assert_unchanged
    assert_invariants
}

@test "too few arguments: usage, exit 2, or 0 where libvirt would end the guest; more of them are not looked at" {
    local arguments operation name
    snapshot
    for arguments in '' vm1 'vm1 prepare' 'vm1 prepare begin' 'vm1 release end' 'vm1 frobnicate'; do
        # shellcheck disable=SC2086
        run_program 2 "$VFPOOL_BUILD/hook/qemu" $arguments < <(vm 1)
        assert_one_line usage "GUEST OPERATION"
        [[ ! -s $STDOUT ]]
    done
    for operation in reconnect attach; do
        run_program 0 "$VFPOOL_BUILD/hook/qemu" vm1 $operation begin < <(vm 1)
        assert_one_line usage
    done
    for name in network daemon; do
        run_program 2 "$VFPOOL_BUILD/hook/$name" - start begin
        assert_one_line usage
        run_program 0 "$VFPOOL_BUILD/hook/$name" - frobnicate begin - more
        assert_silent
    done
    assert_unchanged
    run_program 0 "$VFPOOL_BUILD/hook/qemu" vm1 prepare begin - one more < <(vm 1)
    assert_equal "$(holder "${V[1]}")" "${UUID[1]}"
    run_program 0 "$VFPOOL_BUILD/hook/qemu" vm1 release end - one more < <(vm 1)
    assert_unchanged
    assert_invariants
}

@test "the guest's name on the command line is not believed" {
    for name in ../../../etc/passwd '' "$(printf 'x%.0s' {1..4000})" $'a\nb'; do
        run_hook 0 "$name" prepare < <(vm 1)
        assert_equal "$(holder "${V[1]}")" "${UUID[1]}"
        run_hook 0 "$name" release < <(vm 1)
        assert_released "${UUID[1]}"
    done
    assert_invariants
}

# --- pools and VFs -----------------------------------------------------------

@test "MAC addresses: missing, malformed, twice" {
    interface() { echo "<interface type='network'>$1<source network='net'/></interface>"; }
    for address in '' 52:54:00:00:00 52:54:00:00:00:01:02 52-54-00-00-00-01 52:54:00:00:00:0g 01:00:5e:00:00:01 ' 52:54:00:00:00:01'; do
        guest vm1 "${UUID[1]}" "$(interface "<mac address='$address'/>")" >"$INPUT"
        refuses_start "'vm1'" MAC
    done
    for missing in '' '<mac/>'; do
        guest vm1 "${UUID[1]}" "$(interface "$missing")" >"$INPUT"
        snapshot
        run_hook 1 x prepare <"$INPUT"
        assert_one_line "'vm1'" MAC
        assert_unchanged
    done
    guest vm1 "${UUID[1]}" net:52:54:00:00:00:ab net:52:54:00:00:00:AB >"$INPUT"
    refuses_start "'vm1'" "MAC address 52:54:00:00:00:ab"
    # Beside an interface of libvirt's own it is libvirt's business.
    run_hook 0 vm1 prepare < <(guest vm1 "${UUID[1]}" net:52:54:00:00:00:ab default:52:54:00:00:00:ab)
    assert_invariants
}

# refuses_start TEXT...: $INPUT gets no VF, at the hook and in the dry run.
refuses_start() {
    snapshot
    run_hook 1 x prepare <"$INPUT" || return
    assert_one_line "$@" || return
    [[ ! -s $STDOUT ]] || fail "it printed something" || return
    run_vfpool 1 transform - <"$INPUT" || return
    assert_one_line "$@" || return
    [[ ! -s $STDOUT ]] || fail "it printed something" || return
    assert_unchanged
}

@test "a network that is no pool is libvirt's own, whatever its name" {
    for network in default unknown ../etc/vfpool/net ../../../etc/passwd 'net.xml' '' . .. /etc/vfpool/net "$(printf 'x%.0s' {1..4000})"; do
        guest vm1 "${UUID[1]}" "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='$network'/></interface>" >"$INPUT"
        run_hook 0 vm1 prepare <"$INPUT"
        assert_silent
        run_vfpool 0 transform "$INPUT"
        cmp "$INPUT" "$STDOUT"
    done
    assert_released "${UUID[1]}"
    assert_invariants
}

@test "a pool that is broken, and the others go on" {
    pool other eth4
    try() {
        refuses_start "$@" || return
        run_hook 0 vm5 prepare < <(guest vm5 "${UUID[5]}" other:52:54:00:00:00:05) || return
        run_hook 0 vm5 release < <(guest vm5 "${UUID[5]}") || return
        run_vfpool 0 status --format json || return
        jq -e '.pools | map(.name) | index("net") and index("other")' "$STDOUT" >/dev/null
    }
    vm 1 >"$INPUT"
    file=$ROOT/etc/vfpool/net.xml
    cp "$file" "$BATS_TEST_TMPDIR/good"

    echo '<network>' >"$file"
    try net.xml "line"
    : >"$file"
    try net.xml
    echo '<network><name>net</name></network>' >"$file"
    try net.xml "line"
    sed '1i <!DOCTYPE network>' "$BATS_TEST_TMPDIR/good" >"$file"
    try net.xml
    head -c 2000000 /dev/zero | tr '\0' ' ' >"$file"
    try net.xml
    rm "$file"
    mkdir "$file"
    try net.xml
    rmdir "$file"
    ln -s "$BATS_TEST_TMPDIR/good" "$file"
    try net.xml
    rm "$file"
    mkfifo "$file"
    try net.xml
    rm "$file"

    cp "$BATS_TEST_TMPDIR/good" "$file"
    cp "$file" "$ROOT/etc/vfpool/net-copy.xml"
    try net.xml net-copy.xml
    rm "$ROOT/etc/vfpool/net-copy.xml"

    pool net nosuch
    try nosuch
    host eth7
    pool net eth7
    try eth7 "no VFs"
    assert_invariants
}

@test "a VF in two pools: the one that guests have VFs of is served, and a third is" {
    pool copy eth3
    pool other eth4
    guest vm1 "${UUID[1]}" copy:52:54:00:00:00:05 >"$INPUT"
    refuses_start "'net'" "'copy'" "guests have VFs of that one"
    prepare 0 1
    run_hook 0 vm5 prepare < <(guest vm5 "${UUID[5]}" other:52:54:00:00:00:05)
    # What is held already can still go.
    run_hook 0 vm9 release < <(vm 9)
    assert_released "${UUID[9]}"
    assert_invariants
}

@test "a pool exhausted names each holder, and what else is wrong" {
    prepare 0 1
    prepare 0 2
    host dangle eth3/3
    vm 3 >"$INPUT"
    refuses_start "'net'" "'vm3'" "${V[0]} is held by guest 'vm9'" "${V[1]} is held by guest 'vm1'" \
        "${V[2]} is held by guest 'vm2'" "VF 3"
    host down eth3
    refuses_start "'vm9'" "'vm1'" "'vm2'"
    run_hook 0 vm1 release < <(vm 1)
    refuses_start "'vm9'" "eth3 is down"
    assert_invariants
}

@test "a claimed VF gone from sysfs: status and release still work" {
    prepare 0 1 2
    for gone in "vanish ${V[1]}" "dangle ${V[2]}" "vanish eth3"; do
        # shellcheck disable=SC2086
        host $gone
        run_vfpool 0 status --format json
        assert_equal "$gone $(jq -r '[.pools[].vfs[] | select(.guest.name == "vm1") | .address] | join(" ")' "$STDOUT")" \
            "$gone ${V[1]} ${V[2]}"
        jq -e --arg vf "${gone##* }" '.pools[].vfs[] | select(.address == $vf or $vf == "eth3") | .reason | contains("gone")' "$STDOUT"
        run_vfpool 0 status
        [[ $output == *"${V[1]}"*vm1*"${V[2]}"*vm1* ]]
        [[ ! -s $STDERR ]]
    done
    rm "$ROOT/etc/vfpool/net.xml"
    run_vfpool 0 status
    [[ $output == *"${V[1]}"*vm1* ]]
    run_hook 0 vm1 release < <(vm 1)
    assert_released "${UUID[1]}"
    rm -r "$ROOT/sys"
    # Who has it open is not to be seen.
    run_vfpool 1 release vm9
    assert_one_line --force
    run_vfpool 0 release --force vm9
    assert_released "${UUID[9]}"
    assert_invariants
}

# --- names -------------------------------------------------------------------

# As much as libxml2 lets into an element.
NAMES=(
    'with space' ' leading and trailing ' "it's \"quoted\"" '../../../etc/passwd' '/etc/passwd' '.' '..' '-' '--help' '-x'
    'a&b<c>d' '%s%n%d' '$(touch x)`touch y`;|*?' "\\ \\n \\u0041" 'new
line' 'tab	tab' $'\u007f\u0085\u009b31mred' '한글 게스트' '{"a":1}' ']]>' '<!--' '#{x}' '0000:01:10.0'
)
NAMES+=("$(printf 'x%.0s' {1..4000})" "$(printf '한%.0s' {1..4000})" "$(printf '"%.0s' {1..4000})" "$(printf '../%.0s' {1..1333})")

outside() {
    find "$ROOT" -path "$LEDGER" -prune -o -path "$ROOT/var/lib/vfpool/history*" -prune -o -type f -exec cksum {} + -o -printf '%p %y %l\n' | sort
}

@test "a guest of any name lives, is shown, and touches nothing outside the ledger" {
    run_hook 0 vm9 release < <(vm 9)
    before=$(outside)
    i=0
    for name in "${NAMES[@]}"; do
        i=$((i + 1))
        run_hook 0 "$name" prepare < <(guest "$name" "${UUID[i]}" net:"${MAC[i]}") >/dev/null
        assert_taken "${V[0]}" "${UUID[i]}"
        assert_invariants
        run_vfpool 0 status --format json >/dev/null
        [[ $(jq -r '.pools[0].vfs[0].guest.name' "$STDOUT"; echo x) == "$name"$'\nx' ]] || fail "JSON has another name: $i"
        jq -e '.pools[0].vfs | length == 4' "$STDOUT" >/dev/null
        run_vfpool 0 status --format xml >/dev/null
        [[ $(xmllint --xpath 'string(//guest/@name)' "$STDOUT"; echo x) == "$name"$'\nx' ]] || fail "XML has another name: $i"
        # The table stays a table: a line for each VF and the total, no control characters.
        run_vfpool 0 status >/dev/null
        assert_equal "$(wc -l <"$STDOUT")" 7
        iconv -f UTF-8 -t UTF-8 <"$STDOUT" >/dev/null
        run ! perl -CSD -ne 'BEGIN { $bad = 1 } $bad = 0 if /[^\P{Cc}\n]/; END { exit $bad }' "$STDOUT"
        # One who wants it all is told, in a line.
        run_hook 1 vm60 prepare < <(vm 60 4) >/dev/null
        assert_one_line "${V[0]} is held by guest '"
        iconv -f UTF-8 -t UTF-8 <"$STDERR" >/dev/null || fail "the error is no UTF-8: $i"
        run ! perl -CSD -ne 'BEGIN { $bad = 1 } $bad = 0 if /[^\P{Cc}\n]/; END { exit $bad }' "$STDERR"
        run_hook 0 "$name" release < <(guest "$name" "${UUID[i]}") >/dev/null
        assert_released "${UUID[i]}"
    done
    assert_equal "$(outside)" "$before"
    assert_invariants
}

@test "errors about a guest of any name are a line of whole characters" {
    snapshot
    for name in "${NAMES[@]}"; do
        guest "$name" nonsense >"$INPUT"
        run_hook 1 "$name" prepare <"$INPUT" >/dev/null
        assert_one_line
        iconv -f UTF-8 -t UTF-8 <"$STDERR" >/dev/null || fail "no UTF-8"
        run_hook 1 "$name" prepare < <(guest "$name" "${UUID[1]}" net:1) >/dev/null
        assert_one_line
        run_hook 1 "$name" prepare < <(guest "$name" "${UUID[1]}" net:52:54:00:00:00:0{1..4}) >/dev/null
        assert_one_line
        iconv -f UTF-8 -t UTF-8 <"$STDERR" >/dev/null || fail "no UTF-8"
        run_vfpool 1 release -- "no $name" >/dev/null
        assert_one_line
        iconv -f UTF-8 -t UTF-8 <"$STDERR" >/dev/null || fail "no UTF-8"
    done
    assert_unchanged
    assert_invariants
}

@test "so many holders with long names that they do not fit: cut, and said" {
    host eth8:vfs=40,total=40
    pool many eth8
    long=$(printf '한%.0s' {1..100})
    for i in {1..40}; do
        run_hook 0 x prepare < <(guest "$long$i" "${UUID[i]}" "many:${MAC[i]}") >/dev/null
    done
    guest last "${UUID[50]}" many:"${MAC[50]}" >"$INPUT"
    refuses_start "'many'" "'last'" " more"
    iconv -f UTF-8 -t UTF-8 <"$STDERR" >/dev/null
    assert_invariants
}
