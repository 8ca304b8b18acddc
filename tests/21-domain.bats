#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a guest's XML asks for: its name and UUID, its interfaces on pools, and
# devices of pools that it asks for by their addresses.

load helpers

VF0=0000:01:10.0
VF1=0000:01:10.2
VF2=0000:01:10.4

setup() {
    common_setup
    host eth3:vfs=7 eth4:vfs=2
    pool passthrough eth3
    pool storage eth4
    IN=$BATS_TEST_TMPDIR/in.xml
}

# assert_refused TEXT...: $IN through both doors: one line, exit 1, nothing changed.
assert_refused() {
    snapshot
    run_hook 1 g prepare <"$IN" || return
    [[ -z $output ]] || fail "it printed" || return
    assert_one_line "$@" || return
    run_vfpool 1 transform "$IN" || return
    [[ -z $output ]] || fail "it printed" || return
    assert_one_line "$@" || return
    assert_unchanged && assert_invariants
}

# assert_granted ADDRESS...: $IN is prepared, has exactly these, and gives them back.
assert_granted() {
    local address expected=()
    for address; do
        expected+=("$address" "${UUID[1]}")
    done
    run_hook 0 g prepare <"$IN" || return
    [[ -z $stderr ]] || fail "it complained" || return
    assert_taken "${expected[@]}" && assert_invariants || return
    run_hook 0 g release <"$IN" && assert_taken && assert_released "${UUID[1]}"
}

# interface MAC-ELEMENT [MORE] [NETWORK]
interface() {
    echo "<interface type='network'>$1<source network='${3-passthrough}'/>${2-}</interface>"
}

# asks FOR...: a guest in $IN.
asks() {
    guest g "${UUID[1]}" "$@" >"$IN"
}

static_hostdev() {
    echo "<hostdev mode='subsystem' type='pci' managed='yes'><source><address $1/></source></hostdev>"
}

static_interface() {
    echo "<interface type='hostdev' managed='yes'><mac address='${MAC[77]}'/><source><address type='pci' $1/></source></interface>"
}

# at SLOT FUNCTION: attributes of a VF of eth3.
at() {
    echo "domain='0x0000' bus='0x01' slot='$1' function='$2'"
}

# --- MAC addresses -----------------------------------------------------------

# libvirt gives each a MAC address when the guest is defined, and so when a draft is created.
@test "an interface on a pool without a MAC address is refused by the hook, and no matter for a draft" {
    for mac in '' '<mac/>' "<x:mac xmlns:x='urn:x' address='${MAC[1]}'/>"; do
        asks passthrough:"${MAC[9]}" "$(interface "$mac")"
        snapshot
        run_hook 1 g prepare <"$IN"
        assert_one_line 'interface 2' "'g'" passthrough 'no MAC address'
        run_vfpool 0 transform "$IN"
        assert_equal "$(xmllint --xpath 'concat(//interface[2]/@type, " ", count(//interface[2]/*[local-name()="mac"]/@address))' "$STDOUT")" \
            "hostdev $(grep -c 'x:mac' <<<"$mac")"
        assert_unchanged
    done
}

@test "a malformed MAC address is refused, and shown" {
    for mac in '' 52:54:00:00:01 52:54:00:00:00:01:02 52-54-00-00-00-01 525400000001 52:54:00:00:00:0g \
        52:54:00:00:00:1 52:54:00:00:000:1 ' 52:54:00:00:00:01' '52:54:00:00:00:01 ' 52:54:00:00:00.01 한글; do
        asks "$(interface "<mac address='$mac'/>")"
        assert_refused 'interface 1' "'$mac'" 'unicast MAC address'
    done
}

@test "a multicast MAC address is refused" {
    for mac in 01:00:5e:00:00:01 ff:ff:ff:ff:ff:ff 53:54:00:00:00:01 5b:54:00:00:00:01 5F:54:00:00:00:01; do
        asks "$(interface "<mac address='$mac'/>")"
        assert_refused 'interface 1' "'$mac'" 'unicast MAC address'
    done
}

@test "an upper-case MAC address is the same MAC address" {
    asks "$(interface "<mac address='52:54:00:AB:CD:EF'/>")"
    assert_granted $VF0
    asks "$(interface "<mac address='52:54:00:AB:CD:EF'/>")" passthrough:52:54:00:ab:cd:ef
    assert_refused 'interface 2' 'with MAC address 52:54:00:ab:cd:ef'
    run_hook 0 g prepare < <(guest g "${UUID[1]}" passthrough:52:54:00:AB:CD:EF)
    run_vfpool 0 status --format xml
    [[ $output == *'mac="52:54:00:ab:cd:ef"'* ]]
}

# The halves of a bond in the guest: a VF that is not trusted may not change its MAC address.
@test "interfaces with one MAC address get VFs of different PFs, also of one pool" {
    asks storage:"${MAC[1]}" passthrough:"${MAC[1]}"
    assert_granted 0000:02:10.0 $VF0
    run_vfpool 0 transform "$IN"
    assert_equal "$(xmllint --xpath '//interface/source/address/@bus' - <<<"$output" | xargs)" "bus=0x02 bus=0x01"
    rm "$ROOT"/etc/vfpool/*.xml
    pool both eth3 eth4
    # The order is libvirt's: a later interface has a later VF.
    asks both:"${MAC[1]}" both:"${MAC[2]}" both:"${MAC[1]}"
    assert_granted $VF0 $VF1 0000:02:10.0
    run_vfpool 0 transform "$IN"
    assert_equal "$(xmllint --xpath '//interface/source/address/@bus' - <<<"$output" | xargs)" "bus=0x01 bus=0x01 bus=0x02"
}

@test "interfaces with one MAC address are refused where only one PF is left" {
    asks passthrough:"${MAC[1]}" passthrough:"${MAC[2]}" passthrough:"${MAC[1]}"
    assert_refused 'interface 3' "PF eth3 would have two interfaces of the guest with MAC address ${MAC[1]}"
    # By an address, too: the static one is there first.
    asks "<interface type='hostdev' managed='yes'><mac address='${MAC[1]}'/><source>
        <address type='pci' domain='0' bus='1' slot='0x10' function='4'/></source></interface>" passthrough:"${MAC[1]}"
    assert_refused 'interface 2' "PF eth3 would have two interfaces"
}

@test "a MAC address that an interface of no pool has too is no matter" {
    asks default:"${MAC[1]}" passthrough:"${MAC[1]}" \
        "<interface type='bridge'><mac address='${MAC[1]}'/><source bridge='br0'/></interface>"
    assert_granted $VF0
    run_vfpool 0 transform "$IN"
    assert_equal "$(xmllint --xpath 'string(//interface[1]/@type)' - <<<"$output") $(
        xmllint --xpath 'string(//interface[2]/@type)' - <<<"$output") $(
        xmllint --xpath 'string(//interface[3]/@type)' - <<<"$output")" "network hostdev bridge"
}

@test "interfaces of no pool may have any MAC address, or none" {
    asks "$(interface '' '' default)" "$(interface "<mac address='bad'/>" '' default)" "<interface type='user'/>" \
        "<interface type='network'/>" "<interface/>" "<interface type='network'><source/></interface>"
    run_hook 0 g prepare <"$IN"
    assert_silent
    [[ ! -e $ROOT/run/vfpool ]]
}

# --- what a VF cannot do, and what is not ours -------------------------------

@test "bandwidth on a pool is refused, with the reason and what to do" {
    snapshot
    run_hook 1 limited prepare <"$FIXTURES/domains/bandwidth.xml"
    [[ -z $output ]]
    assert_one_line 'interface 1' "'limited'" passthrough '<bandwidth>' 'VF cannot' remove
    assert_unchanged
    asks passthrough:"${MAC[1]}" "$(interface "<mac address='${MAC[2]}'/>" '<bandwidth/>')"
    assert_refused 'interface 2' '<bandwidth>'
    # Elsewhere it is libvirt's affair.
    asks "$(interface "<mac address='${MAC[2]}'/>" '<bandwidth/>' default)"
    run_hook 0 g prepare <"$IN"
    assert_silent
}

@test "a network that is no pool is libvirt's own" {
    ln -s nowhere.xml "$ROOT/etc/vfpool/link"
    printf '<network/>' >"$ROOT/etc/vfpool/notes.txt"
    for network in default '' ../vfpool/passthrough /passthrough . .. passthrough.xml Passthrough notes.txt notes link hostdev.xsl \
        "$(printf 'n%.0s' {1..300})" 한글 '*' 'a b'; do
        asks "$(interface "<mac address='${MAC[1]}'/>" '' "$network")"
        run_hook 0 g prepare <"$IN"
        assert_silent
        run_vfpool 0 transform "$IN"
        cmp "$STDOUT" "$IN"
    done
    [[ ! -e $ROOT/run/vfpool ]]
}

@test "a pool may be called anything that a file may be called" {
    for name in 'a b' "it's" 'a&b' 'a"b' '한글' 'a%sb' '-x' 'x.xml'; do
        rm "$ROOT"/etc/vfpool/*
        pool "$name" eth3
        asks "$(interface "<mac address='${MAC[1]}'/>" '' "$(xml_escape "$name")")"
        assert_granted $VF0
    done
}

@test "two pools in one guest" {
    run_hook 0 pair prepare <"$FIXTURES/domains/two-pools.xml"
    its=6a1f7a70-1f0e-4b8e-9f4d-000000000001
    assert_taken $VF0 $its 0000:02:10.0 $its 0000:02:10.2 $its
    assert_invariants
    assert_equal "$(xmllint --xpath 'string(//interface[4]/source/@network)' "$STDOUT")" default
    # All or none: nothing of the one pool when the other has too little.
    snapshot
    run_hook 1 g prepare < <(guest g "${UUID[1]}" passthrough:"${MAC[1]}" storage:"${MAC[2]}")
    [[ -z $output ]]
    assert_one_line storage 'interface 2' "'g'"
    assert_unchanged
}

# --- identity ----------------------------------------------------------------

@test "a UUID may be written in several ways, and is one" {
    plain=0123456789abcdef0123456789abcdef
    canonical=01234567-89ab-cdef-0123-456789abcdef
    for form in $canonical $plain "${canonical^^}" "${plain^^}" " $canonical " $'\n'"  $canonical"$'\n\t'; do
        guest g "$form" passthrough:"${MAC[1]}" >"$IN"
        run_hook 0 g prepare <"$IN"
        assert_taken $VF0 $canonical
        assert_invariants
        # libvirt releases by the form it likes.
        run_hook 0 g release < <(guest g $canonical)
        assert_taken
    done
}

@test "a missing or malformed UUID is refused" {
    asks passthrough:"${MAC[1]}"
    sed -i '/<uuid>/d' "$IN"
    snapshot
    run_hook 1 g prepare <"$IN"
    assert_one_line "'g'" '<uuid>'
    # A draft has none yet, and is shown what it would get; without a pool byte for byte.
    run_vfpool 0 transform "$IN"
    [[ $output == *'<interface type="hostdev"'*'slot="0x10" function="0x0"'* && $output != *'<uuid>'* ]]
    assert_unchanged
    sed -i s/passthrough/default/ "$IN"
    run_vfpool 0 transform "$IN"
    cmp "$IN" "$STDOUT"
    canonical=01234567-89ab-cdef-0123-456789abcdef
    for form in '' ' ' x "${canonical%?}" "${canonical}0" "${canonical/f/g}" "0$canonical" "{$canonical}" "${canonical//-/ }" \
        "${canonical/-/--}" "-$canonical" "$canonical-" 0123-456789ab-cdef-0123-456789abcdef ../../../../etc/passwd \
        "$canonical/../x" "$canonical $canonical" "$(printf '0%.0s' {1..5000})"; do
        guest g "$form" passthrough:"${MAC[1]}" >"$IN"
        assert_refused "'g'" UUID
    done
    # A guest of no pool as well: the XML is not a guest's.
    guest g bad default:"${MAC[1]}" >"$IN"
    assert_refused UUID
}

@test "a guest without a name is refused" {
    asks passthrough:"${MAC[1]}"
    sed -i '/<name>/d' "$IN"
    assert_refused name
    guest '' "${UUID[1]}" passthrough:"${MAC[1]}" >"$IN"
    assert_refused name
}

@test "what is no domain is refused" {
    local document
    for document in '<network><name>g</name></network>' "<x:domain xmlns:x='urn:x'><x:name>g</x:name></x:domain>" '<Domain/>'; do
        echo "$document" >"$IN"
        assert_refused root
    done
}

# name_survives NAME [XML]: it is prepared, shown, named by errors in one line, and released.
name_survives() {
    local before after
    guest NAME "${UUID[1]}" passthrough:"${MAC[1]}" >"$IN"
    NAME=${2-$(xml_escape "$1")} perl -pi -e 's/NAME/$ENV{NAME}/' "$IN"
    before=$(cd "$ROOT" && find . ! -path './run/vfpool*' ! -path './var*' | sort)
    run_hook 0 "$1" prepare <"$IN" || return
    [[ -z $stderr ]] || fail "it complained" || return
    assert_taken $VF0 "${UUID[1]}" && assert_invariants || return
    assert_equal "$(find "$ROOT/run/vfpool" ! -type d -printf '%P\n' | sort | xargs)" \
        "guests/${UUID[1]}.xml lock tally-1 vfs/$VF0" || return
    after=$(cd "$ROOT" && find . ! -path './run/vfpool*' ! -path './var*' | sort)
    assert_equal "$after" "$before" || return
    assert_equal "$(find "$ROOT/var" ! -type d -printf '%P\n' | sort | xargs)" lib/vfpool/history || return
    run_vfpool 0 status --format xml || return
    # xmllint ends what it prints with a line break of its own.
    assert_equal "$(xmllint --xpath 'string(//guest/@name)' "$STDOUT")" "$1" || return
    run_vfpool 0 status || return
    assert_equal "$(wc -l <"$STDOUT")" "$((2 + 7 + 1 + 1 + 2 + 2 + 1))" || return # two pools
    # Who is in the way is said in one line, however it is called.
    run_hook 1 h prepare < <(guest h "${UUID[2]}" "<hostdev type='pci'><source><address $(at 0x10 0)/></source></hostdev>") || return
    assert_one_line $VF0 'held by' || return
    perl -e 'exit $ARGV[0] =~ /[\x00-\x1f\x7f]|\xc2[\x80-\x9f]/' "$stderr" || fail "control characters" || return
    run_vfpool 0 history "${UUID[1]}" || return
    perl -e 'exit $ARGV[0] =~ /[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]/' "$output" || fail "control characters" || return
    run_hook 0 "$1" release <"$IN" && assert_taken && assert_released "${UUID[1]}"
}

@test "names that a shell, a path or a terminal would trip over" {
    for name in 'two words' ' space around ' "it's" '"quoted"' '../../../etc/passwd' '..' '/' 'a/b' '$(reboot)' '*' '%s%n' \
        '-rf' '&<>' '데이터베이스 서버' "${UUID[5]}" $VF0 $'\u0301\u200f'; do
        name_survives "$name"
    done
}

@test "names with line breaks, tabs and terminal controls" {
    name_survives $'two\nlines' 'two&#10;lines'
    name_survives $'two\nlines'
    name_survives $'a\tb\rc' 'a&#9;b&#13;c'
    name_survives $'a\x7fb\u009b31mred'
}

@test "names of 4,000 bytes" {
    name_survives "$(printf 'n%.0s' {1..4000})"
    name_survives "$(printf '한%.0s' {1..1333})"
}

@test "an error cuts a long name at a whole character" {
    long=$(printf '한%.0s' {1..1333})
    for pad in '' x xx; do
        guest "$pad$long" "${UUID[1]}" "$(interface "<mac address='x'/>")" >"$IN"
        assert_refused "'${pad}한"
        iconv -f UTF-8 -t UTF-8 <"$STDERR" >/dev/null
    done
}

# --- devices by their addresses ----------------------------------------------

@test "a static device of a pool claims that very VF, and nothing of no pool" {
    run_hook 0 a prepare <"$FIXTURES/domains/static-interface.xml"
    assert_silent
    run_hook 0 b prepare <"$FIXTURES/domains/static-hostdev.xml"
    assert_silent
    assert_taken $VF1 6a1f7a70-1f0e-4b8e-9f4d-000000000003 $VF2 6a1f7a70-1f0e-4b8e-9f4d-000000000004
    assert_invariants
    # Those who come after get what is left.
    run_hook 0 g prepare < <(guest g "${UUID[1]}" passthrough:"${MAC[1]}" passthrough:"${MAC[2]}")
    assert_equal "$(holder $VF0) $(holder 0000:01:10.6)" "${UUID[1]} ${UUID[1]}"
    assert_invariants
}

@test "a guest with both keeps its static VF out of its own pool's choice" {
    run_hook 0 mixed prepare <"$FIXTURES/domains/mixed.xml"
    its=6a1f7a70-1f0e-4b8e-9f4d-000000000005
    assert_taken $VF0 $its $VF1 $its
    [[ $output == *"slot=\"0x10\" function=\"0x2\""* ]]
    run_hook 0 mixed release <"$FIXTURES/domains/mixed.xml"
    # Whichever comes first in the document.
    asks "$(static_hostdev "$(at 0x10 0)")" passthrough:"${MAC[1]}"
    assert_granted $VF0 $VF1
    asks passthrough:"${MAC[1]}" "$(static_interface "$(at 0x10 0)")" passthrough:"${MAC[2]}"
    assert_granted $VF0 $VF1 $VF2
}

@test "a static guest whose VF a pool guest has is refused, and the holder named" {
    run_hook 0 first prepare < <(guest first "${UUID[7]}" passthrough:"${MAC[7]}")
    for device in "$(static_hostdev "$(at 0x10 0)")" "$(static_interface "$(at 0x10 0)")"; do
        asks "$device"
        assert_refused $VF0 "'first'" passthrough "'g'"
        # Nothing else of the guest is claimed either.
        asks passthrough:"${MAC[1]}" "$device"
        assert_refused $VF0 "'first'"
    done
    run_hook 0 first release < <(guest first "${UUID[7]}")
    asks "$(static_hostdev "$(at 0x10 0)")"
    assert_granted $VF0
}

@test "a pool guest passes by what a static guest has, and is told who has it when that is all" {
    pool storage eth4
    for i in 0 1; do
        run_hook 0 "static$i" prepare < <(guest "static$i" "${UUID[10 + i]}" \
            "$(static_hostdev "domain='0' bus='2' slot='16' function='$((2 * i))'")")
    done
    asks storage:"${MAC[1]}"
    assert_refused storage "'g'" 0000:02:10.0 "'static0'" 0000:02:10.2 "'static1'"
}

@test "two static guests: the second is refused, and the first named" {
    run_hook 0 first prepare < <(guest first "${UUID[7]}" "$(static_interface "$(at 0x10 2)")")
    asks "$(static_hostdev "$(at 0x10 2)")"
    assert_refused $VF1 "'first'"
    # Itself, once more, is no stranger.
    run_hook 0 first prepare < <(guest first "${UUID[7]}" "$(static_interface "$(at 0x10 2)")")
    assert_taken $VF1 "${UUID[7]}"
}

@test "one device twice in a guest is refused" {
    h=$(static_hostdev "$(at 0x10 0)") i=$(static_interface "$(at 16 0)")
    for devices in "$h$h" "$i$i" "$h$i" "$i$h"; do
        asks "$devices"
        assert_refused $VF0 twice "'g'"
    done
    # Of no pool, it is libvirt's to refuse.
    asks "$(static_hostdev "bus='0x7f' slot='0' function='0'")$(static_hostdev "bus='0x7f' slot='0' function='0'")"
    run_hook 0 g prepare <"$IN"
    assert_silent
}

@test "an address may be written in several ways" {
    for address in "$(at 0x10 0x2)" "$(at 16 2)" "$(at 020 02)" "bus='1' slot='0x10' function='2'" "domain='0x0' bus='0x1' slot='0X10' function='0x2'"; do
        asks "$(static_hostdev "$address")"
        assert_granted $VF1
    done
}

@test "what is no PCI address is libvirt's to refuse" {
    for address in "" "bus='x' slot='1' function='0'" "$(at 0x110 0)" "$(at 0x10 8)" "$(at -1 0)" "$(at 0x10 '')" \
        "domain='0x100000000' bus='1' slot='0x10' function='0'" "type='usb' bus='1' device='2'"; do
        asks "$(static_hostdev "$address")"
        run_hook 0 g prepare <"$IN"
        assert_silent
    done
    asks "<hostdev mode='subsystem' type='pci'/>" "<hostdev type='pci'><source/></hostdev>" "<hostdev/>" "<interface type='hostdev'/>" \
        "<hostdev mode='subsystem' type='usb'><source><address $(at 0x10 0)/></source></hostdev>" \
        "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='${UUID[3]}'/></source></hostdev>"
    run_hook 0 g prepare <"$IN"
    assert_silent
    assert_taken
}

@test "a static VF is claimed though its PF is down: whether it works is libvirt's to say" {
    host down eth3
    asks "$(static_hostdev "$(at 0x10 0)")"
    assert_granted $VF0
}

@test "a device asked for by its address is refused when a guest of a broken pool holds it" {
    run_hook 0 g prepare < <(guest g "${UUID[1]}" "passthrough:${MAC[1]}")
    guest h "${UUID[2]}" "<hostdev mode='subsystem' type='pci' managed='yes'>
        <source><address domain='0x0000' bus='0x01' slot='0x10' function='0x0'/></source></hostdev>" > "$ROOT/h.xml"
    for kind in broken gone; do
        [[ $kind == gone ]] || echo "<network>" > "$ROOT/etc/vfpool/passthrough.xml"
        [[ $kind == broken ]] || rm -f "$ROOT/etc/vfpool/passthrough.xml"
        snapshot
        run_hook 1 h prepare < "$ROOT/h.xml"
        assert_one_line "0000:01:10.0" "'g'"
        run_vfpool 1 transform "$ROOT/h.xml"
        assert_unchanged
    done
    # The guest's own is no obstacle.
    run_hook 0 g prepare < <(guest g "${UUID[1]}" "$(sed -n '/<hostdev/,/<.hostdev>/ s/^ *//p' "$ROOT/h.xml")")
    run_hook 0 g release < <(guest g "${UUID[1]}")
    run_hook 0 h prepare < "$ROOT/h.xml"
    assert_silent
}

# --- a VF by its network interface ---------------------------------------------

direct() { # NETDEV [MODE]
    echo "<interface type='direct'><mac address='${MAC[70]}'/><source dev='$1' mode='${2-passthrough}'/></interface>"
}

@test "a VF that a guest has by its network interface (macvtap) is that guest's" {
    asks "$(direct eth3v0)"
    cp "$IN" "$BATS_TEST_TMPDIR/a.xml"
    run_hook 0 a prepare <"$IN"
    assert_equal "$output" ""
    assert_taken $VF0 "${UUID[1]}"
    run_hook 0 a start <"$IN"
    run_vfpool 0 status --wide
    [[ $output == *"$VF0"*held*"${MAC[70]}"* ]]
    # Another guest on the pool gets the next one.
    run_hook 0 b prepare < <(guest b "${UUID[2]}" passthrough:"${MAC[1]}")
    assert_taken $VF0 "${UUID[1]}" $VF1 "${UUID[2]}"
    run_hook 0 a release <"$IN"
    # Whatever its MAC address is.
    for mac in '' "<mac address='none'/>"; do
        asks "<interface type='direct'>$mac<source dev='eth3v0' mode='passthrough'/></interface>"
        run_hook 0 a prepare <"$IN"
        assert_taken $VF0 "${UUID[1]}" $VF1 "${UUID[2]}"
        run_hook 0 a release <"$IN"
    done
    assert_taken $VF1 "${UUID[2]}"
    # And the other way round.
    asks "$(direct eth3v1)"
    snapshot
    run_hook 1 a prepare <"$IN"
    assert_one_line "$VF1 is held by guest 'b'"
    run_vfpool 1 transform "$IN"
    assert_one_line "$VF1 is held by guest 'b'"
    assert_unchanged
}

@test "a network interface that is no VF's, or that guests may share, claims nothing" {
    local xml
    for xml in "$(direct eth3)" "$(direct nosuch0)" "$(direct ../../x)" "$(direct eth3v0 bridge)" "$(direct eth3v0 vepa)" \
        "$(direct eth3v0 private)" "<interface type='direct'><source dev='eth3v0'/></interface>" "<interface type='direct'/>"; do
        asks "$xml"
        run_hook 0 a prepare <"$IN"
        assert_taken
    done
}
