#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Pool files: what is taken, what is refused with file, line and reason, and
# that a fault stays in its own pool.

load helpers

VF0=0000:01:10.0
G=$(printf '00000000-0000-4000-8000-%012x' 1)

setup() {
    common_setup
    FILE=$ROOT/etc/vfpool/p.xml
    IN=$BATS_TEST_TMPDIR/in.xml
}

# other_pool: the one that goes on, whatever is wrong with p. It is on "fine".
other_pool() {
    host fine:vfs=1,address=0000:50:00.0
    pool other fine
}

# one_line COMMAND...: with exit 1, one line on stderr that holds $TEXTS, nothing printed.
assert_failed() {
    [[ -z $output ]] || fail "it printed" || return
    assert_one_line "${TEXTS[@]}"
}

# assert_out_of_service TEXT...: p is, and says so with these texts; the other pool grants.
assert_out_of_service() {
    TEXTS=("$@")
    snapshot
    guest g "$G" p:"${MAC[1]}" >"$IN"
    run_hook 1 g prepare <"$IN" && assert_failed && assert_one_line "pool 'p' is out of service" || return
    run_vfpool 1 transform "$IN" && assert_failed || return
    run_vfpool 1 dumpxml p && assert_failed || return
    run_vfpool 0 status && assert_shown "$output" "out of service: " || return
    run_vfpool 0 status p --format xml && assert_shown "$(xmllint --xpath 'string(//pool/@fault)' "$STDOUT")" || return
    run_vfpool 0 status p --format json && [[ $output == *'"fault":"'* ]] || fail "no fault in JSON" || return
    assert_unchanged || return
    assert_other_grants
}

# assert_refused TEXT...: the same, as far as one verb says it: for many documents.
assert_refused() {
    TEXTS=("$@")
    run_vfpool 1 dumpxml p && assert_failed
}

assert_shown() {
    local text
    for text in "${@:2}" "${TEXTS[@]}"; do
        [[ $1 == *"$text"* ]] || fail "no '$text' in: $1" || return
    done
}

assert_other_grants() {
    run_hook 0 h prepare < <(guest h "${UUID[2]}" other:"${MAC[2]}") || return
    [[ -z $stderr && $output == *"type=\"hostdev\""* ]] || fail "the other pool did not grant" || return
    assert_taken 0000:50:10.0 "${UUID[2]}" && assert_invariants || return
    run_hook 0 h release < <(guest h "${UUID[2]}") && assert_taken
}

# assert_grants [ADDRESS]: p does.
assert_grants() {
    run_hook 0 g prepare < <(guest g "$G" p:"${MAC[1]}") || return
    [[ -z $stderr ]] || fail "it complained" || return
    assert_taken "${1:-$VF0}" "$G" && assert_invariants || return
    run_hook 0 g release < <(guest g "$G") && assert_taken
}

# network [CHILDREN]: pool p on eth3, its <forward> in line 3.
network() {
    printf "<network>\n<name>p</name>\n<forward mode='hostdev' managed='yes'><pf dev='eth3'/></forward>\n%s\n</network>\n" "${1-}"
}

# forward CONTENT [ATTRIBUTES]: pool p with that in line 3.
forward() {
    printf "<network>\n<name>p</name>\n<forward %s>%s</forward>\n</network>\n" "${2-mode='hostdev' managed='yes'}" "$1"
}

address() {
    printf "<address type='pci' domain='0x0000' bus='0x%s' slot='0x%s' function='0x%s'/>\n" "$@"
}

# vfs: "ADDRESS PF NUMBER" of each VF of p, on one line each.
vfs() {
    run_vfpool 0 status p --format xml >&2 || return
    xmllint --xpath '//vf' "$STDOUT" 2>/dev/null | sed -n 's/.* *<vf address="\([^"]*\)" pf="\([^"]*\)" vf="\([^"]*\)".*/\1 \2 \3/p'
}

# --- the seed ----------------------------------------------------------------

@test "the seed's Figure 16.12 loads unchanged" {
    host myNetDevName:vfs=7
    cp "$FIXTURES/seed/figure-16.12.xml" "$ROOT/etc/vfpool/passthrough.xml"
    run_vfpool 0 status passthrough
    [[ -z $stderr && $output != *"out of service"* ]]
    assert_equal "$(grep -c '  free$' "$STDOUT")" 7
    run_hook 0 guestVM prepare <"$FIXTURES/seed/guest.xml"
    [[ -z $stderr ]]
    assert_equal "$(xmllint --xpath 'concat(//interface/@type, //interface/@managed, //interface/source/address/@slot)' "$STDOUT")" hostdevyes0x10
    assert_taken $VF0 3f0c1a52-9c1b-4f0e-8a53-6d1c0b7e1613
    assert_invariants
}

@test "the seed's Figure 16.14 loads unchanged, and comes out again" {
    host eth3:vfs=7,address=0000:02:00.1
    cp "$FIXTURES/seed/figure-16.14.xml" "$ROOT/etc/vfpool/passthrough.xml"
    run_hook 0 guestVM prepare <"$FIXTURES/seed/guest.xml"
    [[ -z $stderr ]]
    assert_taken 0000:02:10.1 3f0c1a52-9c1b-4f0e-8a53-6d1c0b7e1613
    run_vfpool 0 dumpxml passthrough
    diff -u <(xmllint --noblanks "$FIXTURES/seed/figure-16.14.xml" | xmllint --c14n - | sed 's/> *</>\n</g') \
        <(xmllint --noblanks "$STDOUT" | xmllint --c14n - | sed 's/> *</>\n</g')
    run_hook 0 guestVM release <"$FIXTURES/seed/guest.xml"
    run_vfpool 0 dumpxml passthrough
    [[ $output == '<network connections="0">'* ]]
}

@test "the VFs of a PF are what the host has, not what a file once listed" {
    host eth3:vfs=2
    forward "<pf dev='eth3'/>$(address 7f 10 0)$(address 01 10 0)" >"$FILE"
    assert_equal "$(vfs)" "0000:01:10.0 eth3 0"$'\n'"0000:01:10.2 eth3 1"
}

@test "what libvirt writes about a network loads" {
    host eth3:vfs=2
    cat >"$FILE" <<'XML'
<?xml version='1.0' encoding='UTF-8'?>
<!--
WARNING: THIS IS AN AUTO-GENERATED FILE.
-->
<network connections='3' trustGuestRxFilters='no'>
  <name>p</name>
  <uuid>a6b49429-d353-d7ad-3185-4451cc786437</uuid>
  <title>제목</title>
  <description>a &amp; b</description>
  <metadata>
    <site:x xmlns:site="urn:site" a="1"><b/>text<pool/></site:x>
  </metadata>
  <virtualport type='802.1Qbh'>
    <parameters profileid='test'/>
  </virtualport>
  <portgroup name='one' default='yes' trustGuestRxFilters='yes'>
    <virtualport><parameters/></virtualport>
  </portgroup>
  <portgroup name='two'>
    <vlan trunk='yes'>
      <tag id='1' nativeMode='tagged'/>
      <tag id='4095'/>
    </vlan>
  </portgroup>
  <forward mode='hostdev' managed='yes'>
    <pf dev='eth3'><vf num='2'/></pf>
    <driver name='vfio' model='x_y-1'/>
    <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0' connections='1'/>
  </forward>
</network>
XML
    assert_grants
}

@test "what dumpxml prints is a network to libvirt, and a pool to us" {
    host eth3:vfs=3
    other_pool
    network "<vlan><tag id='5'/></vlan><portgroup name='x'/>" >"$FILE"
    run_vfpool 0 dumpxml p
    cp "$STDOUT" "$BATS_TEST_TMPDIR/dump"
    rng=$(dpkg -L libvirt0 libvirt-common 2>/dev/null | grep -m 1 '/schemas/network\.rng$')
    [[ -s $rng ]] || fail "libvirt's network.rng is nowhere"
    xmllint --nonet --noout --relaxng "$rng" "$BATS_TEST_TMPDIR/dump" 2>/dev/null || fail "not valid"
    cp "$BATS_TEST_TMPDIR/dump" "$FILE"
    assert_grants
}

# --- the schema --------------------------------------------------------------

@test "each breach of the schema is refused with file, line and reason" {
    host eth3:vfs=2
    other_pool
    network >"$FILE"
    assert_grants
    count=0
    # LINE|REASON|CHILDREN OF <network>
    while IFS='|' read -r line reason children; do
        network "${children//\\n/$'\n'}" >"$FILE"
        assert_refused /etc/vfpool/p.xml "line $line:" "$reason"
        count=$((count + 1))
    done <<'BREACHES'
4|ip|<ip address='10.0.0.1' netmask='255.255.255.0'/>
4|bandwidth|<bandwidth><inbound average='1'/></bandwidth>
5|mtu|\n<mtu size='9000'/>
4|vlan|<vlan/>
5|id="4096"|\n<vlan>\n<tag id='4096'/></vlan>
4|id="-1"|<vlan>\n\n<tag id='-1'/></vlan>
4|trunk="maybe"|<vlan trunk='maybe'><tag id='1'/></vlan>
4|nativeMode="x"|<vlan><tag id='1' nativeMode='x'/></vlan>
4|type="802.1Qbx"|<virtualport type='802.1Qbx'/>
4|profile="x"|<virtualport><parameters profile='x'/></virtualport>
4|instanceid="x"|<virtualport><parameters instanceid='x'/></virtualport>
4|portgroup|<portgroup/>
4|portgroup|<portgroup name=''/>
4|default="1"|<portgroup name='a' default='1'/>
4|bandwidth|<portgroup name='a'><bandwidth/></portgroup>
4|uuid|<uuid>1234</uuid>
5|override="carrier"|<metadata>\n<v:pool xmlns:v='urn:vfpool:1' override='carrier'/></metadata>
5|override=""|<metadata>\n<v:pool xmlns:v='urn:vfpool:1' override=''/></metadata>
5|override="all carrier"|<metadata>\n<v:pool xmlns:v='urn:vfpool:1' override='all carrier'/></metadata>
5|qos="9"|<metadata>\n<v:pool xmlns:v='urn:vfpool:1'><v:settings qos='9'/></v:pool></metadata>
5|protocol="802.1p"|<metadata>\n<v:pool xmlns:v='urn:vfpool:1'><v:settings protocol='802.1p'/></v:pool></metadata>
5|max-rate="fast"|<metadata>\n<v:pool xmlns:v='urn:vfpool:1'><v:settings max-rate='fast'/></v:pool></metadata>
5|min-rate="-1"|<metadata>\n<v:pool xmlns:v='urn:vfpool:1'><v:settings min-rate='-1'/></v:pool></metadata>
5|max-rate="2147483648"|<metadata>\n<v:pool xmlns:v='urn:vfpool:1'><v:settings max-rate='2147483648'/></v:pool></metadata>
5|trust="on"|<metadata>\n<v:pool xmlns:v='urn:vfpool:1'><v:settings trust='on'/></v:pool></metadata>
5|link-state="up"|<metadata>\n<v:pool xmlns:v='urn:vfpool:1'><v:settings link-state='up'/></v:pool></metadata>
5|vlan="5"|<metadata>\n<v:pool xmlns:v='urn:vfpool:1'><v:settings vlan='5'/></v:pool></metadata>
5|mac="52:54:00:00:00:01"|<metadata>\n<v:pool xmlns:v='urn:vfpool:1'><v:settings mac='52:54:00:00:00:01'/></v:pool></metadata>
5|min-rate='200', which is above max-rate='100'|<metadata>\n<v:pool xmlns:v='urn:vfpool:1'><v:settings min-rate='200' max-rate='100'/></v:pool></metadata>
5|the pool has no portgroup 'x'|<metadata>\n<v:pool xmlns:v='urn:vfpool:1'><v:settings portgroup='x' trust='yes'/></v:pool></metadata>
6|a second <settings>|<metadata><v:pool xmlns:v='urn:vfpool:1'>\n<v:settings trust='yes'/>\n<v:settings trust='no'/></v:pool></metadata>
5|min-rate='200', which is above max-rate='100'|<portgroup name='x'/><metadata><v:pool xmlns:v='urn:vfpool:1'><v:settings max-rate='100'/>\n<v:settings portgroup='x' min-rate='200'/></v:pool></metadata>
5|order="spraed"|<metadata>\n<v:pool xmlns:v='urn:vfpool:1' order='spraed'/></metadata>
5|separate="perhaps"|<metadata>\n<v:pool xmlns:v='urn:vfpool:1' separate='perhaps'/></metadata>
5|v:pol |<metadata>\n<v:pol xmlns:v='urn:vfpool:1'/></metadata>
3|forward|<forward mode='hostdev'><pf dev='eth3'/></forward>
2|name|<name>p</name>
BREACHES
    while IFS='|' read -r reason attributes content; do
        forward "$content" "$attributes" >"$FILE"
        assert_refused /etc/vfpool/p.xml "line 3:" "$reason"
        count=$((count + 1))
    done <<'BREACHES'
forward|mode='nat'|<pf dev='eth3'/>
forward||<pf dev='eth3'/>
managed="true"|mode='hostdev' managed='true'|<pf dev='eth3'/>
dev="eth3"|mode='hostdev' dev='eth3'|<pf dev='eth3'/>
no VFs|mode='hostdev'|
pf|mode='hostdev'|<pf/>
pf|mode='hostdev'|<pf dev=''/>
pf|mode='hostdev'|<pf dev='../eth3'/>
pf|mode='hostdev'|<pf dev='two words'/>
name="eth3"|mode='hostdev'|<pf dev='eth3' name='eth3'/>
vf|mode='hostdev'|<pf dev='eth3'><vf num='0'/></pf>
vf|mode='hostdev'|<pf dev='eth3'><vf num='65536'/></pf>
vf|mode='hostdev'|<pf dev='eth3'><vf/></pf>
vf|mode='hostdev'|<pf dev='eth3'><vf autoprobe='perhaps'/></pf>
pf|mode='hostdev'|<pf dev='eth3' up='maybe'/>
vfs='3-1'|mode='hostdev'|<pf dev='eth3' vfs='3-1'/>
comes twice|mode='hostdev'|<pf dev='eth3' vfs='0-2,1'/>
no such list|mode='hostdev'|<pf dev='eth3' vfs='65536'/>
vfs="^1"|mode='hostdev'|<pf dev='eth3' vfs='^1'/>
vfs=""|mode='hostdev'|<pf dev='eth3' vfs=''/>
reserved, and not in the pool|mode='hostdev'|<pf dev='eth3' vfs='0-1'><reserve vfs='2' guest='g'/></pf>
reserved twice|mode='hostdev'|<pf dev='eth3'><reserve vfs='0-1' guest='g'/><reserve vfs='1' guest='h'/></pf>
guest=""|mode='hostdev'|<pf dev='eth3'><reserve vfs='1' guest=''/></pf>
reserve|mode='hostdev'|<pf dev='eth3'><reserve vfs='1'/></pf>
there is no such list of VFs as vfs='3-1'|mode='hostdev'|<pf dev='eth3'><reserve vfs='3-1' guest='g'/></pf>
to have 2 VFs, and VF 2 is none|mode='hostdev'|<pf dev='eth3' vfs='0-2'><vf num='2'/></pf>
PF eth3 is here twice|mode='hostdev'|<pf dev='eth3' vfs='0'/><pf dev='eth3' vfs='1'/>
pf|mode='hostdev'|<pf/>
pf|mode='hostdev'|<pf vfs='0'/>
pf|mode='hostdev'|<pf mac='02:00:00:00:01:00' address='0000:01:00.0'/>
pf|mode='hostdev'|<pf dev='eth3' vendor='0x8086' device='0x10c9'/>
pf|mode='hostdev'|<pf vendor='0x8086'/>
pf|mode='hostdev'|<pf device='0x10c9'/>
pf|mode='hostdev'|<pf vendor='0x18086' device='0x10c9'/>
mac="02:00:00:00:01"|mode='hostdev'|<pf mac='02:00:00:00:01'/>
mac="0200.0000.0100"|mode='hostdev'|<pf mac='0200.0000.0100'/>
address="01:00.0"|mode='hostdev'|<pf address='01:00.0'/>
'0000:01:20.0' is not a PCI address|mode='hostdev'|<pf address='0000:01:20.0'/>
PF 02:00:00:00:01:00 is here twice|mode='hostdev'|<pf mac='02:00:00:00:01:00' vfs='0'/><pf dev='eth3' mac='02:00:00:00:01:00' vfs='1'/>
VF 2 of PF 0000:01:00.0 is reserved, and not|mode='hostdev'|<pf address='0000:01:00.0' vfs='0-1'><reserve vfs='2' guest='g'/></pf>
interface|mode='hostdev'|<pf dev='eth3'/><interface dev='eth3'/>
name="uio"|mode='hostdev'|<pf dev='eth3'/><driver name='uio'/>
model="a b"|mode='hostdev'|<pf dev='eth3'/><driver model='a b'/>
address|mode='hostdev'|<address type='usb' bus='1' slot='16' function='0'/>
address|mode='hostdev'|<address type='pci' slot='16' function='0'/>
address|mode='hostdev'|<address type='pci' bus='x' slot='16' function='0'/>
PCI address|mode='hostdev'|<address type='pci' bus='256' slot='16' function='0'/>
PCI address|mode='hostdev'|<address type='pci' bus='1' slot='0x20' function='0'/>
PCI address|mode='hostdev'|<address type='pci' bus='1' slot='16' function='8'/>
PCI address|mode='hostdev'|<address type='pci' bus='08' slot='16' function='0'/>
twice|mode='hostdev'|<address type='pci' bus='1' slot='16' function='0'/><address type='pci' bus='0x1' slot='0x10' function='0'/>
BREACHES
    assert_equal $count 88
    assert_out_of_service /etc/vfpool/p.xml "line 3:" twice
    network >"$FILE"
    assert_grants
}

@test "what is wrong with a large file is found in a moment, as every hook that reads it finds it again" {
    local i lines=()
    host eth3:vfs=1
    for ((i = 0; i < 504; i++)); do
        printf -v "lines[$i]" "<address type='pci' domain='0' bus='%d' slot='%d' function='%d'/>" $((i / 256)) $((i / 8 % 32)) $((i % 8))
    done
    wrong() { # REASON XML
        printf '%s\n' "<network><name>p</name><forward mode='hostdev'>" "${lines[@]}" "$2</forward></network>" > "$FILE"
        # Seconds of the processor; it took twelve of them, and sanitizers take several times as long.
        run_program '[13]' bash -c 'ulimit -t 5; exec "$@"' _ "$VFPOOL_BUILD/hook/vfpool" dumpxml p
        assert_one_line "/etc/vfpool/p.xml, line" "$1"
    }
    wrong "line 506: <addr slot=\"1\"/> is not allowed in <forward>, which has " "<addr slot='1'/>"
    wrong "line 506: " "<addr slot='1'/><bus/>"
    lines[433]=${lines[433]/pci/usb}
    wrong 'line 435: <address type="usb"' ''
    lines[77]=${lines[77]/slot/slut}
    wrong "line " ''
}

@test "a document that is no network of ours is refused with file and reason" {
    host eth3:vfs=2
    other_pool
    # LINE|REASON|DOCUMENT
    while IFS='|' read -r line reason document; do
        printf '%b' "$document" >"$FILE"
        assert_refused /etc/vfpool/p.xml ${line:+"line $line:"} "$reason"
    done <<'DOCUMENTS'
|empty|
2|XML|\n
1|XML|pf eth3
2|XML|<network>\n<name>p</name
2|XML|<network/>\n<network/>
3|XML|<network>\n<name>\0001</name>\n</x>
1|domain|<domain/>
1|network|<network xmlns='urn:x'><name>p</name></network>
1|forward|<network><name>p</name></network>
|document type|<!DOCTYPE network [<!ENTITY x SYSTEM '/etc/passwd'>]>\n<network><name>&x;</name></network>
|NUL|<network>\0000</network>
DOCUMENTS
    # Without a name: libxml2 does not say which line.
    echo "<network><forward mode='hostdev'><pf dev='eth3'/></forward></network>" >"$FILE"
    assert_out_of_service /etc/vfpool/p.xml 'line 1:' name
}

# --- files -------------------------------------------------------------------

@test "a file that defines a pool of another name is refused" {
    host eth3:vfs=2
    other_pool
    network | sed 's/<name>p/<name>q/' >"$FILE"
    assert_out_of_service /etc/vfpool/p.xml "'q'" 'rename it to q.xml'
    # q has no file of its own, so it is libvirt's.
    run_hook 0 g prepare < <(guest g "$G" q:"${MAC[1]}")
    assert_silent
    network | sed 's/<name>p/<name> p /' >"$FILE"
    assert_grants
}

@test "two files that name one pool put it out of service, and both are named" {
    host eth3:vfs=2
    other_pool
    network >"$FILE"
    cp "$FILE" "$ROOT/etc/vfpool/p-old.xml"
    assert_out_of_service "'p'" /etc/vfpool/p.xml /etc/vfpool/p-old.xml remove
    run_hook 1 g prepare < <(guest g "$G" p-old:"${MAC[1]}")
    assert_one_line "pool 'p-old' is out of service" /etc/vfpool/p.xml
    rm "$ROOT/etc/vfpool/p-old.xml"
    assert_grants
}

@test "what an editor leaves behind is no pool" {
    host eth3:vfs=2
    network >"$FILE"
    for name in p.xml~ .p.xml.swp .q.xml '#p.xml#' p.xml.bak README .xml; do
        cp "$FILE" "$ROOT/etc/vfpool/$name"
    done
    assert_grants
    run_vfpool 0 status
    assert_equal "$(grep -c '^pool ' "$STDOUT")" 1
}

@test "a symbolic link is not followed" {
    host eth3:vfs=2
    other_pool
    network >"$ROOT/elsewhere.xml"
    ln -s "$ROOT/elsewhere.xml" "$FILE"
    assert_out_of_service /etc/vfpool/p.xml 'symbolic link'
    ln -sf nowhere "$FILE"
    assert_out_of_service /etc/vfpool/p.xml 'symbolic link'
}

@test "a directory of pools that is a symbolic link is not followed" {
    host eth3:vfs=2
    network >"$FILE"
    mv "$ROOT/etc/vfpool" "$ROOT/etc/elsewhere"
    ln -s elsewhere "$ROOT/etc/vfpool"
    run_hook 1 g prepare < <(guest g "$G" p:"${MAC[1]}")
    assert_one_line /etc/vfpool
    assert_taken
}

@test "a file may have 1 MiB, and no more" {
    host eth3:vfs=2
    other_pool
    {
        network
        printf '<!--%*s-->' $((1024 * 1024 - $(network | wc -c) - 7)) ''
    } >"$FILE"
    assert_equal "$(wc -c <"$FILE")" 1048576
    assert_grants
    echo >>"$FILE"
    assert_out_of_service /etc/vfpool/p.xml '1 MiB'
}

@test "what is no file is refused, and nothing hangs" {
    host eth3:vfs=2
    other_pool
    mkdir "$FILE"
    assert_out_of_service /etc/vfpool/p.xml irectory
    rmdir "$FILE"
    mkfifo "$FILE"
    assert_out_of_service /etc/vfpool/p.xml
    rm "$FILE"
    perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) && chdir($ARGV[0]) && bind(S, pack_sockaddr_un("p.xml")) or die $!' \
        "$ROOT/etc/vfpool"
    assert_out_of_service /etc/vfpool/p.xml
}

@test "a file that cannot be read is refused" {
    host eth3:vfs=2
    other_pool
    network >"$FILE"
    chmod 000 "$FILE"
    hook_environment
    without=()
    # root reads anything, unless it gives that up.
    ((EUID)) || without=(setpriv "--bounding-set=-dac_override,-dac_read_search" "--inh-caps=-dac_override,-dac_read_search")
    guest g "$G" p:"${MAC[1]}" >"$IN"
    run_program 1 "${HOOK_ENVIRONMENT[@]}" "${without[@]}" "$VFPOOL_BUILD/hook/qemu" g prepare begin - <"$IN"
    assert_one_line "pool 'p' is out of service" /etc/vfpool/p.xml 'Permission denied'
    guest h "${UUID[2]}" other:"${MAC[2]}" >"$IN"
    run_program 0 "${HOOK_ENVIRONMENT[@]}" "${without[@]}" "$VFPOOL_BUILD/hook/qemu" h prepare begin - <"$IN"
    assert_taken 0000:50:10.0 "${UUID[2]}"
    chmod 400 "$FILE"
    assert_equal "$(vfs | wc -l)" 2
}

@test "no pools at all" {
    rmdir "$ROOT/etc/vfpool"
    run_hook 0 g prepare < <(guest g "$G" p:"${MAC[1]}" "<hostdev type='pci'><source>$(address 01 10 0)</source></hostdev>")
    assert_silent
    mkdir "$ROOT/sys"
    run_vfpool 0 status
    [[ $output == *"no pools"* ]]
    run_vfpool 0 status --format json
    assert_equal "$output" '{"format":1,"pools":[]}'
    run_vfpool 1 status p
    assert_one_line "'p'"
}

# --- one VF in two pools -----------------------------------------------------

# assert_overlap [q]: p is out of service, q, whose file is older, is not; or the other way.
assert_overlap() {
    local refused=p other=q
    [[ $# == 0 ]] || refused=q other=p
    touch -d '1 minute ago' "$ROOT/etc/vfpool/$other.xml"
    touch "$ROOT/etc/vfpool/$refused.xml"
    if [[ $refused == p ]]; then
        assert_out_of_service "is in pool 'q' (/etc/vfpool/q.xml) as well, and its file is older than this one" 0000:01: 'take it out of one' || return
    fi
    run_hook 1 g prepare < <(guest g "$G" "$refused":"${MAC[1]}") || return
    assert_one_line "pool '$refused' is out of service: VF 0000:01:" "/etc/vfpool/$other.xml" || return
    run_hook 0 g prepare < <(guest g "$G" "$other":"${MAC[1]}") || return
    run_hook 0 g release < <(guest g "$G")
}

@test "one PF in two pools puts the one out of service that came later" {
    host eth3:vfs=2
    other_pool
    pool p eth3
    pool q eth3
    assert_overlap
    assert_overlap q
    rm "$ROOT/etc/vfpool/q.xml"
    assert_grants
}

@test "a file that has a VF of a pool that guests have stands back, however old it is" {
    host eth3:vfs=2
    pool p eth3
    run_hook 0 g prepare < <(guest g "$G" p:"${MAC[1]}")
    pool q eth3
    touch -d '1 year ago' "$ROOT/etc/vfpool/q.xml"
    run_hook 1 h prepare < <(guest h "${UUID[2]}" q:"${MAC[2]}")
    assert_one_line "pool 'q' is out of service: VF 0000:01:10.0 is in pool 'p' (/etc/vfpool/p.xml) as well, and guests have VFs of that one: take it out of one"
    run_hook 0 h prepare < <(guest h "${UUID[2]}" p:"${MAC[2]}")
    assert_invariants
    # Guests of both: a file was changed while they ran. The one that was written last stands back.
    run_hook 0 h release < <(guest h "${UUID[2]}")
    pool q eth4
    host eth4:vfs=2
    run_hook 0 h prepare < <(guest h "${UUID[2]}" q:"${MAC[2]}")
    pool q eth4 eth3
    run_vfpool 0 status
    [[ $output == *"out of service: VF 0000:01:10.0 is in pool 'p' (/etc/vfpool/p.xml) as well, and its file is older than this one"* ]]
    assert_taken 0000:01:10.0 "$G" 0000:02:10.0 "${UUID[2]}"
}

@test "one PF in two pools by two of its names" {
    host eth3:vfs=2,alias=lan0,representors
    other_pool
    pool p eth3
    for name in lan0 eth3_1; do
        pool q $name
        assert_overlap
    done
}

@test "an address against a PF, and an address against an address" {
    host eth3:vfs=3
    other_pool
    pool p eth3
    forward "$(address 01 10 4)" | sed 's/<name>p/<name>q/' >"$ROOT/etc/vfpool/q.xml"
    assert_overlap
    forward "$(address 01 10 0)$(address 01 10 4)" >"$FILE"
    assert_overlap
    # Different VFs of one PF are no overlap.
    forward "$(address 01 10 0)$(address 01 10 2)" >"$FILE"
    assert_grants
    run_hook 0 g prepare < <(guest g "$G" q:"${MAC[1]}")
    assert_taken 0000:01:10.4 "$G"
}

@test "a PF that one pool names twice is there once" {
    host eth3:vfs=2,alias=lan0
    pool p eth3 lan0 eth3
    assert_equal "$(vfs)" "0000:01:10.0 eth3 0"$'\n'"0000:01:10.2 eth3 1"
    run_hook 0 g prepare < <(guest g "$G" p:"${MAC[1]}" p:"${MAC[2]}")
    assert_invariants
    run_hook 1 h prepare < <(guest h "${UUID[2]}" p:"${MAC[3]}")
    assert_one_line "'p'" "'g'"
}

# --- where VFs come from -----------------------------------------------------

@test "a pool of addresses has these, in its order, from several PFs" {
    host eth3:vfs=7 eth4:vfs=7
    forward "$(address 02 10 2)$(address 01 10 6)$(address 01 10 0)" >"$FILE"
    assert_equal "$(vfs)" "0000:02:10.2 eth4 1"$'\n'"0000:01:10.6 eth3 3"$'\n'"0000:01:10.0 eth3 0"
    run_hook 0 g prepare < <(guest g "$G" p:"${MAC[1]}" p:"${MAC[2]}")
    assert_taken 0000:02:10.2 "$G" 0000:01:10.6 "$G"
    host down eth3
    run_hook 1 h prepare < <(guest h "${UUID[2]}" p:"${MAC[3]}")
    assert_one_line 'eth3 is down' 0000:02:10.2 "'g'"
}

@test "an address that is no VF is missing, and the others are there" {
    host eth3:vfs=2
    while IFS='|' read -r bus slot function reason; do
        forward "$(address "$bus" "$slot" "$function")$(address 01 10 2)" >"$FILE"
        assert_equal "$(vfs)" "0000:01:10.2 eth3 1"
        run_vfpool 0 status p
        [[ $output == *"missing: "*"$reason"* ]] || fail "status does not say '$reason'"
        assert_grants 0000:01:10.2
        forward "$(address "$bus" "$slot" "$function")" >"$FILE"
        run_hook 1 g prepare < <(guest g "$G" p:"${MAC[1]}")
        assert_one_line "'p'" "'g'" "$reason"
    done <<'ADDRESSES'
7f|10|0|there is no PCI device 0000:7f:10.0
01|00|0|0000:01:00.0 is not a virtual function
ADDRESSES
}

# assert_pf_fault PF REASON: pool p of it alone fails its guest with the reason; with eth3 behind it, it goes on.
assert_pf_fault() {
    pool p "$1"
    snapshot
    run_hook 1 g prepare < <(guest g "$G" p:"${MAC[1]}") || return
    [[ -z $output ]] || fail "it printed" || return
    assert_one_line "'p'" "'g'" "$2" && assert_unchanged && assert_other_grants || return
    run_vfpool 0 status p || return
    [[ $output == *"missing: "*"$2"* ]] || fail "status does not say '$2'" || return
    pool p "$1" eth3
    assert_grants || return
    run_vfpool 0 status p && [[ $output == *"missing: "*"$2"* && $output == *"  free"* ]] || fail "status does not say both" || return
    run_vfpool 0 status p --format json && [[ $output == *"$2"* ]] || fail "JSON does not say '$2'" || return
    # Exhausted: who holds the rest, and what is missing, in one line.
    run_hook 0 all prepare < <(guest all "${UUID[3]}" p:"${MAC[3]}" p:"${MAC[4]}") || return
    run_hook 1 g prepare < <(guest g "$G" p:"${MAC[1]}") || return
    assert_one_line "'all'" $VF0 "$2" && run_hook 0 all release < <(guest all "${UUID[3]}")
}

@test "a PF that is missing" {
    host eth3:vfs=2
    other_pool
    assert_pf_fault eth9 'no network interface eth9'
    assert_pf_fault "$(printf 'x%.0s' {1..127})" 'no network interface xxx'
}

@test "a PF that has no VFs" {
    host eth3:vfs=2 eth5:vfs=0
    other_pool
    assert_pf_fault eth5 'PF eth5 has no VFs: write their number'
    host numvfs eth5 1
    pool p eth5
    assert_grants "$(host list eth5 | cut -d ' ' -f 1)"
}

@test "a network card that does not do SR-IOV" {
    host eth3:vfs=2 eth5:vfs=0
    other_pool
    rm "$ROOT"/sys/class/net/eth5/device/sriov_*
    assert_pf_fault eth5 'PF eth5 has no VFs: it does not do SR-IOV'
}

@test "a network interface that is no PCI device" {
    host eth3:vfs=2
    other_pool
    mkdir -p "$ROOT/sys/devices/virtual/net/br0" "$ROOT/sys/devices/usb1/1-1/1-1:1.0/net/usb0"
    ln -s ../../devices/virtual/net/br0 "$ROOT/sys/class/net/br0"
    ln -s ../../devices/usb1/1-1/1-1:1.0/net/usb0 "$ROOT/sys/class/net/usb0"
    ln -s ../../../1-1:1.0 "$ROOT/sys/devices/usb1/1-1/1-1:1.0/net/usb0/device"
    assert_pf_fault br0 'br0 is not a PCI device'
    assert_pf_fault usb0 'usb0 is not a PCI device'
}

@test "a host without sysfs says so" {
    pool p eth3
    run_hook 1 g prepare < <(guest g "$G" p:"${MAC[1]}")
    assert_one_line sys
    assert_taken
}

@test "interfaces of one guest are on different PFs where the pool prefers that" {
    host eth3:vfs=2 eth4:vfs=2
    for separate in no prefer; do
        pool p eth3 eth4 -- "<metadata><v:pool xmlns:v='urn:vfpool:1' separate='$separate'/></metadata>"
        run_hook 0 g prepare < <(guest g "$G" p:"${MAC[1]}" p:"${MAC[2]}")
        want="0000:01:10.0 0000:02:10.0"
        [[ $separate == prefer ]] || want="0000:01:10.0 0000:01:10.2"
        got=$(for i in 1 2; do
            xmllint --xpath "concat('0000:', substring(//interface[$i]//address/@bus, 3), ':', substring(//interface[$i]//address/@slot, 3),
                '.', substring(//interface[$i]//address/@function, 3))" "$STDOUT"
        done | xargs)
        assert_equal "$got" "$want"
        run_hook 0 g release < <(guest g "$G")
    done
}

# --- a fault while guests run ------------------------------------------------

# live XML of g, as libvirt gives it after prepare.
live() {
    guest g "$G" "<interface type='hostdev' managed='yes'><mac address='${MAC[1]}'/><source>$(address 01 10 0)</source></interface>"
}

@test "a pool that goes out of service keeps what its guests hold" {
    host eth3:vfs=2
    other_pool
    network >"$FILE"
    run_hook 0 g prepare < <(guest g "$G" p:"${MAC[1]}")
    run_hook 0 g start < <(live)
    assert_taken $VF0 "$G"
    for fault in broken '' missing; do
        cp "$FILE" "$BATS_TEST_TMPDIR/good"
        case $fault in
        broken) echo '<network' >"$FILE" ;;
        missing) rm "$FILE" ;;
        *) network | sed s/eth3/eth9/ >"$FILE" ;;
        esac
        # libvirt restarts: the guest is there still, and so is its VF.
        run_hook 0 g reconnect < <(live)
        assert_taken $VF0 "$G"
        run_vfpool 0 status
        [[ $output == *" held  "*" g  the pool"* ]] || fail "status does not show the guest"
        cp "$BATS_TEST_TMPDIR/good" "$FILE"
        run_hook 0 h prepare < <(guest h "${UUID[2]}" p:"${MAC[2]}")
        assert_equal "$(holder $VF0) $(holder 0000:01:10.2)" "$G ${UUID[2]}"
        run_hook 0 h release < <(guest h "${UUID[2]}")
    done
    echo '<network' >"$FILE"
    run_hook 0 g release < <(live)
    assert_taken
    assert_released "$G"
}

# What libvirt takes in a network of this kind is taken, and what it makes nothing of is said.
@test "what has no effect on a VF is taken, and named by status" {
    local xml
    host eth3:vfs=2
    for xml in "<dns enable='no'/>|<dns>" "<dns><forwarder addr='10.0.0.1'/></dns>|<dns>" "<port isolated='no'/>|<port>" \
        "<d:options xmlns:d='http://libvirt.org/schemas/network/dnsmasq/1.0'><d:option value='x=y'/></d:options>|elements of other namespaces"; do
        network "${xml%|*}" >"$FILE"
        assert_grants
        run_vfpool 0 status
        grep -qxF "note: without effect on a VF: ${xml#*|}" "$STDOUT" || fail "nothing of $xml"
        run_vfpool 0 status --format json
        assert_equal "$(jq -r '.pools[0].notes[0]' "$STDOUT")" "without effect on a VF: ${xml#*|}"
    done
    network '' >"$FILE"
    sed -i "s/<network>/<network ipv6='yes'>/" "$FILE"
    run_vfpool 0 status
    grep -qx "note: without effect on a VF: ipv6=''" "$STDOUT"
}

@test "what libvirt refuses to define is refused" {
    host eth3:vfs=2
    other_pool
    while IFS='|' read -r reason children; do
        network "$children" >"$FILE"
        assert_out_of_service /etc/vfpool/p.xml "$reason"
    done <<'REFUSED'
mtu|<mtu size='9000'/>
domain|<domain name='example.org'/>
isolated|<port isolated='yes'/>
host|<dns><host ip='10.0.0.1'><hostname>a</hostname></host></dns>
second default|<portgroup name='a' default='yes'/><portgroup name='b' default='yes'/>
second portgroup|<portgroup name='a'/><portgroup name='b'/><portgroup name='a'/>
VLAN and a virtualport|<portgroup name='a'><vlan><tag id='1'/></vlan><virtualport type='802.1Qbh'/></portgroup>
VLAN and a virtualport|<vlan><tag id='1'/></vlan><portgroup name='a'><virtualport type='802.1Qbh'/></portgroup>
REFUSED
}

# What could stand there instead, from the schema itself. What is right by itself says nothing.
@test "a refused word, attribute or element: which ones there are" {
    host eth3:vfs=2
    local pool="xmlns:v='urn:vfpool:1'"
    # MESSAGE'S END|CHILDREN OF <network>
    while IFS='|' read -r end children; do
        network "$children" > "$FILE"
        run_vfpool 1 dumpxml p
        [[ $stderr == *" is not allowed in $end" ]] || fail "not: $end" || return
    done << ALLOWED
<pool>: it is 'first', 'spread', 'pack' or 'lru'|<metadata><v:pool $pool order='sprad'/></metadata>
<pool>: it is 'ignore', 'prefer' or 'require'|<metadata><v:pool $pool numa='Prefer'/></metadata>
<tag>: it is 'tagged' or 'untagged'|<vlan><tag id='1' nativeMode='x'/></vlan>
<parameters>, which has managerid, typeid, typeidversion, instanceid, interfaceid and profileid|<virtualport type='802.1Qbh'><parameters profile='x'/></virtualport>
<network>, which has connections, trustGuestRxFilters, ipv6, <name>, <uuid>, <title>, <description>, <metadata>, <forward>, <vlan>, <virtualport>, <portgroup>, <dns> and <port>|<mtu size='9000'/>
ALLOWED
    forward "<pf dev='eth3' up='on'/>" > "$FILE"
    run_vfpool 1 dumpxml p
    [[ $stderr == *" is not allowed in <pf>: it is 'yes' or 'no'" ]]
    # Each by itself would do.
    forward "<pf address='0000:01:00.0' mac='52:54:00:00:00:01'/>" > "$FILE"
    run_vfpool 1 dumpxml p
    [[ $stderr != *"it is"* && $stderr != *"which has"* ]]
}

@test "a namespace that begins like vfpool's, and is not, is said: of a pool, and of a guest" {
    host eth3:vfs=2
    network "<metadata><v:pool xmlns:v='urn:vfpool:2' order='pack'/></metadata>" > "$FILE"
    run_vfpool 0 status
    grep -qx "note: without effect on a VF: what is in 'urn:vfpool:2', which is not vfpool's namespace, urn:vfpool:1" "$STDOUT"
    network > "$FILE"
    guest g "$G" p:"${MAC[1]}" > "$IN"
    sed "s,<devices>,<metadata><x:deep xmlns:x='urn:x'><v:guest xmlns:v='urn:vfpool' order='pack'/></x:deep></metadata>&," "$IN" > "$ROOT/in"
    run_vfpool 0 transform "$ROOT/in"
    [[ $stderr == "vfpool: note: guest 'g' has elements of 'urn:vfpool' in its <metadata>, which is not vfpool's namespace, urn:vfpool:1: they are not followed" ]]
    run_hook 0 g prepare < "$ROOT/in"
    [[ $stderr == *"has elements of 'urn:vfpool' in its <metadata>"* ]]
}

@test "a file that names VFs behind the last one says that alone, and a PF without a VF in the pool is none's" {
    host eth3:vfs=4 numa_node=0
    forward "<pf dev='eth3' vfs='8'/>" > "$FILE"
    run_vfpool 0 status
    assert_equal "$output" "pool p
total         eth3    0  none in the pool
missing: PF eth3 has 4 VFs, and the pool file names VF 8"
}

@test "addresses beside a PF that are none of its VFs, or not all, are said" {
    host eth3:vfs=3
    forward "<pf dev='eth3'/>$(address 01 10 0)$(address 01 10 2)$(address 01 10 4)" >"$FILE"
    run_vfpool 0 status
    [[ $output != *missing* && $output != *note* ]]
    forward "<pf dev='eth3'/>$(address 01 10 0)$(address 7f 10 0)" >"$FILE"
    run_vfpool 0 status
    grep -q "^missing: 1 of the addresses listed beside <pf>, 0000:7f:10.0, is none of its VFs now" "$STDOUT"
    grep -q "^note: 1 of 3 VFs are listed beside <pf>, and all are in the pool" "$STDOUT"
    assert_equal "$(grep -c '^0000.*free$' "$STDOUT")" 3
}
