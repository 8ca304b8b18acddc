#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# From a domain's XML to the same domain with its VFs: what changes, what must
# not, and what libvirt itself made of the same guest.

load helpers

DB=2d20b94d-3453-4a74-ae36-6932d24e5bca # db-01.prod
VF0=0000:01:10.0
VF1=0000:01:10.2
VF2=0000:01:10.4

setup() {
    common_setup
    host eth3:vfs=7 eth4:vfs=7 eth5:vfs=7
    cp "$FIXTURES"/pools/*.xml "$ROOT/etc/vfpool"
    IN=$BATS_TEST_TMPDIR/in.xml
    OUT=$BATS_TEST_TMPDIR/out.xml
}

# transform CODE FILE [OPERATION]: leaves what was printed in $OUT too.
transform() {
    run_vfpool "$1" transform --op "${3:-prepare}" "$2" || return
    cp "$STDOUT" "$OUT"
}

# get XPATH: a string of $OUT.
get() {
    xmllint --xpath "string($1)" "$OUT"
}

# assert_get XPATH VALUE
assert_get() {
    assert_equal "$1 = $(get "$1")" "$1 = $2"
}

# vf XPATH-OF-INTERFACE: its source as the kernel writes addresses.
vf() {
    get "concat(substring($1/source/address/@domain, 3), ':', substring($1/source/address/@bus, 3), ':',
                substring($1/source/address/@slot, 3), '.', substring($1/source/address/@function, 3))"
}

# canonical FILE [MAC...]: C14N with comments, the interfaces of these MACs left out.
canonical() {
    local file=$1
    shift
    xmllint --nonet --c14n "$file" | MACS="$*" perl -0777 -pe '
        my $macs = join "|", split " ", $ENV{MACS};
        s{<interface(?:(?!</interface>).)*</interface>}{ $macs && $& =~ /<mac address="(?:$macs)"/i ? "<pool/>" : $& }gse'
}

# interface FILE MAC: that one, by C14N, without its alias and the space between its tags.
interface() {
    xmllint --xpath "/domain/devices/interface[mac/@address='$2']" "$1" |
        xmllint --nonet --c14n - | perl -0777 -pe 's{<alias [^>]*></alias>}{}g; s{>\s+<}{>\n<}g'
}

# assert_same_but IN OUT MAC...: nothing but these interfaces differs.
assert_same_but() {
    diff -u <(canonical "$1" "${@:3}") <(canonical "$2" "${@:3}") || fail "$2 differs from $1"
}

# libvirt's schema of domains: of libvirt0 on Debian 12, of libvirt-common on 13.
schema() {
    local file
    file=$(dpkg -L libvirt0 libvirt-common 2>/dev/null | grep -m 1 '/schemas/domain\.rng$')
    [[ -s $file ]] || fail "libvirt's domain.rng is nowhere: is libvirt0 or libvirt-common installed?" || return
    echo "$file"
}

# assert_valid FILE...: all valid against libvirt's schema.
assert_valid() {
    local rng
    rng=$(schema) || return
    xmllint --nonet --noout --relaxng "$rng" "$@" 2>"$BATS_TEST_TMPDIR/validity" ||
        fail "not valid:" "$(<"$BATS_TEST_TMPDIR/validity")"
}

# hold ADDRESS [N]: another guest holds that VF.
hold() {
    run_hook 0 other prepare < <(guest other "${UUID[${2:-99}]}" "$(static_hostdev "$1")") || return
    assert_equal "$(holder "$1")" "${UUID[${2:-99}]}"
}

# pci ADDRESS: as attributes.
pci() {
    local slot=${1##*:}
    printf "domain='0x%s' bus='0x%s' slot='0x%s' function='0x%s'" "${1%%:*}" "$(cut -d : -f 2 <<<"$1")" \
        "${slot%.*}" "${slot#*.}"
}

static_hostdev() {
    echo "<hostdev mode='subsystem' type='pci' managed='yes'><source><address $(pci "$1")/></source></hostdev>"
}

# static_interface ADDRESS MAC: with everything that F13 says must stay.
static_interface() {
    cat <<XML
<interface type='hostdev' managed='yes'>
      <mac address='$2'/>
      <driver name='vfio'/>
      <source>
        <address type='pci' $(pci "$1")/>
      </source>
      <vlan>
        <tag id='42'/>
      </vlan>
      <model type='rtl8139'/>
      <mtu size='9000'/>
      <alias name='hostdev0'/>
      <address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0'/>
    </interface>
XML
}

# --- captured ----------------------------------------------------------------

# expect CLASS OPERATION: "printed?|held", of the three kinds of XML that libvirt wrote.
expect() {
    case $1:$2 in
    abstract:prepare) echo "yes|claimed" ;;
    concrete:prepare) echo "|claimed" ;;
    concrete:start | concrete:reconnect | concrete:attach) echo "|held" ;;
    *) echo "|" ;;
    esac
}

class_of() {
    case $1 in
    *.iso1.*) echo foreign ;;
    *.db-01.prod.start* | *.db-01.prod.reconnect.*) echo concrete ;;
    *.db-01.prod.*) echo abstract ;;
    esac
}

@test "every captured XML through every operation of the hook" {
    count=0
    for file in "$FIXTURES"/captured/*.xml; do
        class=$(class_of "$file")
        name=db-01.prod
        [[ $class != foreign ]] || name=iso1
        for op in prepare start started stopped release reconnect attach migrate restore unheard-of; do
            rm -rf "$ROOT/run/vfpool"
            run_hook 0 $name $op <"$file"
            [[ -z $stderr ]]
            want=$(expect "$class" $op)
            assert_equal "${file##*/} $op ${output:+yes}" "${file##*/} $op ${want%|*}"
            if [[ -n ${want#*|} ]]; then
                assert_taken $VF0 $DB $VF1 $DB
                grep -q "state=\"${want#*|}\"" "$ROOT/run/vfpool/guests/$DB.xml"
                assert_invariants
            else
                assert_taken
                [[ ! -e $ROOT/run/vfpool/guests/$DB.xml ]]
            fi
            [[ $class != foreign || ! -e $ROOT/run/vfpool ]]
            count=$((count + 1))
        done
    done
    assert_equal $count 180
}

@test "every captured XML through every operation of vfpool transform" {
    for file in "$FIXTURES"/captured/*.xml; do
        class=$(class_of "$file")
        for op in prepare restore migrate; do
            transform 0 "$file" $op
            [[ -z $stderr ]]
            if [[ $class:$op == abstract:prepare ]]; then
                assert_same_but "$file" "$OUT" 52:54:00:aa:00:01 52:54:00:aa:00:02
                assert_equal "$(vf '//interface[1]') $(vf '//interface[2]')" "$VF0 $VF1"
            else
                cmp "$file" "$OUT"
            fi
        done
    done
    [[ ! -e $ROOT/run/vfpool ]] || fail "transform wrote to the ledger"
}

@test "the captured life of db-01.prod, as libvirt called the hook" {
    for file in "$FIXTURES"/captured/*.xml; do
        IFS=. read -r -a part <<<"${file##*/}"
        extra=${part[-2]} sub=${part[-3]} op=${part[-4]}
        name=${file##*/} name=${name#*.} name=${name%."$op.$sub.$extra.xml"}
        run_hook 0 "$name" "$op" "$sub" "$extra" <"$file"
        case $name:$op in
        iso1:* | db-01.prod:release) assert_taken ;;
        *) assert_taken $VF0 $DB $VF1 $DB ;;
        esac
        assert_invariants
    done
    assert_released $DB
}

@test "prepare of db-01.prod gives what libvirt itself made of it" {
    libvirts=("$FIXTURES"/captured/013.*)
    run_hook 0 db-01.prod prepare <"$FIXTURES/captured/012.db-01.prod.prepare.begin.-.xml"
    cp "$STDOUT" "$OUT"
    for mac in 52:54:00:aa:00:01 52:54:00:aa:00:02; do
        diff -u <(interface "${libvirts[0]}" $mac) <(interface "$OUT" $mac)
    done
    # The comparison is not of two empty texts.
    [[ $(interface "$OUT" 52:54:00:aa:00:01) == *'managed="yes"'*'<driver name="vfio">'*'<tag id="77">'* ]]
    assert_get "//interface[1]/alias/@name" ua-front
    assert_get "count(//interface[2]/alias)" 0
    assert_same_but "$FIXTURES/captured/012.db-01.prod.prepare.begin.-.xml" "$OUT" 52:54:00:aa:00:01 52:54:00:aa:00:02
}

@test "transform prints what prepare prints, before, and while it is held" {
    for file in "$FIXTURES"/domains/{seven,hangul,odd,every-element,mixed}.xml "$FIXTURES"/captured/012.*; do
        transform 0 "$file"
        run_hook 0 any prepare <"$file"
        cmp "$STDOUT" "$OUT"
        transform 0 "$file"
        cmp "$STDOUT" "$OUT"
        run_hook 0 any release <"$file"
        assert_taken
    done
}

# --- what must not change ----------------------------------------------------

@test "XML without a pool comes out byte for byte" {
    printf '<?xml version="1.0"?>\r\n<!-- x -->\n<domain  type = "kvm" ><name>a</name><uuid>%s</uuid>\n<e a="&#10;&amp;"></e></domain>\n\n<?end?>' \
        "${UUID[1]}" >"$IN"
    for file in "$IN" "$FIXTURES/domains/no-pool.xml" "$FIXTURES"/captured/*.iso1.*; do
        for op in prepare restore migrate; do
            transform 0 "$file" $op
            cmp "$file" "$OUT"
            run_hook 0 any $op <"$file"
            assert_silent
        done
    done
    [[ ! -e $ROOT/run/vfpool ]]
}

@test "XML with devices of pools only by address comes out byte for byte" {
    for name in static-interface static-hostdev; do
        transform 0 "$FIXTURES/domains/$name.xml"
        cmp "$FIXTURES/domains/$name.xml" "$OUT"
        run_hook 0 any prepare <"$FIXTURES/domains/$name.xml"
        assert_silent
    done
}

@test "nothing but the pool interfaces differs" {
    cp "$FIXTURES/domains/portgroups.xml" "$BATS_TEST_TMPDIR"
    for file in "$FIXTURES"/domains/{two-pools,seven,hangul,odd,every-element,mixed}.xml "$FIXTURES/seed/guest.xml" \
        "$BATS_TEST_TMPDIR/portgroups.xml"; do
        transform 0 "$file"
        read -r -a macs < <(grep -i -o '52:54:00:[0-9a-f:]*' "$file" | sort -u | xargs)
        changed=()
        for mac in "${macs[@]}"; do
            network=$(xmllint --xpath "string(//interface[mac/@address='$mac']/source/@network)" "$file")
            if [[ $network == @(passthrough|storage) ]]; then
                changed+=("$mac")
                assert_get "count(//interface[mac/@address='$mac' and @type='hostdev'])" 1
            fi
        done
        ((${#changed[@]}))
        assert_same_but "$file" "$OUT" "${changed[@]}"
    done
}

@test "Hangul, entities and line breaks stay, as characters" {
    transform 0 "$FIXTURES/domains/hangul.xml"
    assert_get /domain/name '한글-게스트'
    assert_get /domain/title '가상 함수 & "따옴표" <1>'
    assert_get /domain/description $'첫째 줄\n둘째 줄, 세 번째 VF'
    # As UTF-8, not as character references.
    grep -q '<name>한글-게스트</name>' "$OUT"
}

@test "a document in another encoding comes out as UTF-8" {
    { echo '<?xml version="1.0" encoding="ISO-8859-1"?>'; guest 'caf#' "${UUID[1]}" passthrough:"${MAC[1]}"; } |
        tr '#' '\351' >"$IN"
    transform 0 "$IN"
    grep -q '<name>café</name>' "$OUT"
    assert_get /domain/name café
}

@test "comments, CDATA, processing instructions and other namespaces stay" {
    transform 0 "$FIXTURES/domains/odd.xml"
    assert_get "count(/comment())" 2
    assert_get "/comment()[1]" ' before the root '
    assert_get "/comment()[2]" ' after the root '
    assert_get "/processing-instruction('site')" 'keep="this"'
    assert_get /domain/description "<interface type='network'><source network='passthrough'/></interface> & so on"
    assert_get "/domain/devices/comment()[1]" " <interface type='network'><source network='passthrough'/></interface> "
    assert_get "//*[local-name()='owner' and namespace-uri()='urn:example:site']" $'café😀\ttab'
    assert_get "//*[local-name()='owner']/@*" 'a "quoted" team'
    # What looks like an interface in another namespace is none.
    assert_get "count(//*[namespace-uri()='urn:example:app'])" 2
    assert_get "count(//*[namespace-uri()='urn:example:default'])" 4
    assert_get "//*[namespace-uri()='urn:example:default' and local-name()='source']/@network" passthrough
    assert_get "//*[local-name()='arg']/@value" $'a\nb & c < d "e" \'f\''
    assert_get "string(/domain/uuid)" 6A1F7A70-1F0E-4B8E-9F4D-000000000007
    # A prefix that libvirt reads by its namespace is declared where it was.
    grep -q '^<!--.*<domain xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0"' "$OUT"
}

@test "comments and processing instructions in a pool interface stay" {
    transform 0 "$FIXTURES/domains/odd.xml"
    assert_get "/domain/devices/interface[1]/comment()" ' first in the interface '
    assert_get "/domain/devices/interface[1]/processing-instruction('site')" inside
}

# --- what becomes of an interface --------------------------------------------

@test "an interface with every element: kept and dropped, one by one" {
    transform 0 "$FIXTURES/domains/every-element.xml"
    i="/domain/devices/interface[1]"
    assert_get "$i/@type" hostdev
    assert_get "$i/@managed" yes
    assert_equal "$(vf "$i")" $VF0
    while read -r path value; do
        assert_get "$i/$path" "$value"
        assert_get "count($i/$path)" 1
    done <<'KEPT'
mac/@address 52:54:00:bb:08:01
virtualport/@type 802.1Qbh
virtualport/parameters/@profileid finance
boot/@order 1
rom/@bar off
acpi/@index 5
teaming/@type transient
teaming/@persistent ua-backup0
alias/@name ua-data
address/@type pci
address/@bus 0x01
driver/@name vfio
KEPT
    for gone in mtu model target backend tune coalesce guest link 'driver/*' driver/@rx_queue_size source/@network source/@portgroup source/@portid source/@bridge @trustGuestRxFilters; do
        assert_get "count($i/$gone)" 0
    done
    # Nothing that this list forgets.
    assert_equal "$(xmllint --xpath "$i/*" "$OUT" | grep -o '^<[a-z]*' | sort | xargs)" \
        "<acpi <address <alias <boot <driver <mac <rom <source <teaming <virtualport"
    assert_get "count($i/source/*)" 1
    # Its neighbour on a bridge keeps all.
    assert_equal "$(interface "$OUT" 52:54:00:bb:08:02)" "$(interface "$FIXTURES/domains/every-element.xml" 52:54:00:bb:08:02)"
}

# libvirt: "virtio-net teaming persistent interface must be <model type='virtio'/>", which a hostdev is not.
@test "the virtio half of a team is none any more" {
    sed "s,<teaming type='transient' .*/>,<teaming type='persistent'/>," "$FIXTURES/domains/every-element.xml" > "$ROOT/guest.xml"
    transform 0 "$ROOT/guest.xml"
    assert_get "count(/domain/devices/interface[1]/teaming)" 0
    assert_get "count(/domain/devices/interface[2]/teaming)" 1
}

@test "a model given to an interface while its network was unknown is dropped at prepare" {
    guest g "${UUID[1]}" "<interface type='network'><mac address='${MAC[1]}'/><source network='passthrough'/><model type='rtl8139'/><address type='pci' domain='0x0000' bus='0x08' slot='0x01' function='0x0'/></interface>" >"$IN"
    transform 0 "$IN"
    assert_get "count(//interface/model)" 0
    assert_get "//interface/address/@slot" 0x01
}

@test "source, managed and driver are the pool's" {
    host driver eth3/0 vfio-pci
    for forward in "mode='hostdev'|no|" "mode='hostdev' managed='no'|no|" "mode='hostdev' managed='yes'|yes|" \
        "mode='hostdev' managed='yes'|yes|<driver name='vfio'/>" \
        "mode='hostdev' managed='yes'|yes|<driver name='vfio' model='mlx5_vfio_pci'/>" \
        "mode='hostdev'|no|<driver name='kvm'/>"; do
        IFS='|' read -r attributes managed driver <<<"$forward"
        echo "<network><name>passthrough</name><forward $attributes><pf dev='eth3'/>$driver</forward></network>" \
            >"$ROOT/etc/vfpool/passthrough.xml"
        guest g "${UUID[1]}" "<interface type='network'><mac address='${MAC[1]}'/><source network='passthrough'/><driver name='vhost' queues='0'/></interface>" >"$IN"
        transform 0 "$IN"
        assert_get "//interface/@managed" "$managed"
        # As it is in the pool, with nothing of the guest's.
        assert_equal "$(xmllint --xpath '//interface/driver' "$OUT" 2>/dev/null)" "${driver//\'/\"}"
    done
}

# vlan_of XML-OF-THE-INTERFACE [PORTGROUP]
vlan_of() {
    guest g "${UUID[1]}" "<interface type='network'><mac address='${MAC[1]}'/><source network='net'${2:+ portgroup='$2'}/>$1</interface>" >"$IN"
    transform 0 "$IN" >&2 || { echo failed && return; }
    get "//interface/vlan/tag/@id"
}

@test "a VLAN is the interface's, else the portgroup's, else the pool's" {
    own="<vlan><tag id='7'/></vlan>"
    pool net eth4 -- "<vlan><tag id='100'/></vlan>" "<portgroup name='std' default='yes'><vlan><tag id='101'/></vlan></portgroup>" \
        "<portgroup name='gold'><vlan><tag id='102'/></vlan></portgroup>" "<portgroup name='plain'/>"
    rm "$ROOT/etc/vfpool/storage.xml"
    assert_equal "$(vlan_of "$own" gold) $(vlan_of "$own") $(vlan_of "$own" nowhere)" "7 7 7"
    assert_equal "$(vlan_of '' gold)" 102
    assert_equal "$(vlan_of '')" 101       # the default portgroup
    assert_equal "$(vlan_of '' plain)" 100 # named, without a VLAN
    assert_equal "$(vlan_of '' nowhere)" 100 # unknown: none, not the default one (libvirt, virPortGroupFindByName)
    pool net eth4 -- "<portgroup name='gold'><vlan><tag id='102'/></vlan></portgroup>"
    assert_equal "$(vlan_of '')|$(vlan_of '' gold)|$(vlan_of "$own" gold)" "|102|7"
    pool net eth4 -- "<portgroup name='std' default='no'><vlan><tag id='101'/></vlan></portgroup>"
    assert_equal "$(vlan_of '')" ""
}

@test "a VLAN comes whole, with its native mode" {
    pool net eth4 -- "<vlan><tag id='100' nativeMode='untagged'/></vlan>"
    rm "$ROOT/etc/vfpool/storage.xml"
    [[ $(vlan_of '') == 100 ]]
    assert_get "//vlan/tag[1]/@nativeMode" untagged
}

# A VF has one VLAN at most, and no virtualport but 802.1Qbh; libvirt says so when it is too late.
@test "a VLAN trunk or several tags are refused, wherever they come from" {
    local two="<tag id='100'/><tag id='200'/>"
    rm "$ROOT/etc/vfpool/storage.xml"
    refused() { # OF-INTERFACE OF-POOL OF-PORTGROUP TEXT...
        pool net eth4 -- "$2" "<portgroup name='g'>$3</portgroup>"
        guest g "${UUID[1]}" "<interface type='network'><mac address='${MAC[1]}'/><source network='net' portgroup='g'/>$1</interface>" >"$IN"
        run_hook 1 g prepare <"$IN"
        assert_one_line "interface 1 of guest 'g' on pool 'net'" "${@:4}"
        run_vfpool 1 transform "$IN"
        assert_one_line "interface 1 of guest 'g' on pool 'net'" "${@:4}"
        assert_taken
        # A guest that says nothing of its own is told before it starts.
        run_vfpool 0 status
        [[ -z $2 ]] || grep -qF "note: an interface that has nothing else of its own is refused: pool 'net' has" "$STDOUT"
        [[ -n $2 ]] || ! grep -qF "is refused" "$STDOUT"
    }
    refused "<vlan trunk='yes'>$two</vlan>" '' '' 'VLAN trunk' 'one tag' 'inside the guest'
    refused "<vlan>$two</vlan>" '' '' 'VLAN trunk'
    refused "<vlan trunk='yes'><tag id='100'/></vlan>" '' '' 'VLAN trunk'
    refused '' "<vlan trunk='yes'>$two</vlan>" '' 'VLAN trunk'
    refused '' '' "<vlan trunk='yes'>$two</vlan>" 'VLAN trunk'
    local type
    for type in openvswitch midonet 802.1Qbg; do
        refused "$(vp $type)" '' '' "<virtualport type='$type'>" '802.1Qbh only'
        refused '' "$(vp $type)" '' "<virtualport type='$type'>"
        refused '' '' "$(vp $type)" "<virtualport type='$type'>"
    done
    refused "$(vp 802.1Qbh "profileid='a'")<vlan><tag id='1'/></vlan>" '' '' 'a VLAN and a virtualport'
}

@test "what no VF can do is refused" {
    local row
    for row in "<bandwidth>|<bandwidth><inbound average='1'/></bandwidth>" "<filterref>|<filterref filter='clean-traffic'/>" \
        "<driver queues=''>|<model type='virtio'/><driver queues='4'/>" "<backend tap=''>|<backend tap='/dev/net/tun'/>" \
        "<port isolated='yes'>|<port isolated='yes'/>"; do
        guest g "${UUID[1]}" "<interface type='network'><mac address='${MAC[1]}'/><source network='passthrough'/>${row#*|}</interface>" >"$IN"
        run_hook 1 g prepare <"$IN"
        assert_one_line "interface 1 of guest 'g' on pool 'passthrough' has ${row%%|*}, which a VF cannot do: remove it"
        run_vfpool 1 transform "$IN"
        assert_taken
    done
    guest g "${UUID[1]}" "<interface type='network'><mac address='${MAC[1]}'/><source network='passthrough'/><port isolated='no'/><model type='virtio'/><driver queues='1'/></interface>" >"$IN"
    run_hook 0 g prepare <"$IN"
    # libvirt does not read them of a model that has none.
    guest g "${UUID[1]}" "<interface type='network'><mac address='${MAC[1]}'/><source network='passthrough'/><driver queues='4'/></interface>" >"$IN"
    run_hook 0 g prepare <"$IN"
}

# virtualport CODE OF-INTERFACE OF-POOL OF-PORTGROUP: what the interface gets, on one line.
virtualport() {
    pool net eth4 -- "$3" "<portgroup name='g'>$4</portgroup>"
    rm -f "$ROOT/etc/vfpool/storage.xml"
    guest g "${UUID[1]}" "<interface type='network'><mac address='${MAC[1]}'/><source network='net' portgroup='g'/>$2</interface>" >"$IN"
    transform "$1" "$IN" >&2 || { echo failed && return 1; }
    [[ $1 != 0 ]] || xmllint --xpath "concat(//virtualport/@type, ' ', //virtualport/parameters/@managerid, ' ', //virtualport/parameters/@typeid,
        ' ', //virtualport/parameters/@typeidversion, ' ', //virtualport/parameters/@instanceid, ' ',
        //virtualport/parameters/@interfaceid, ' ', //virtualport/parameters/@profileid)" "$OUT" | xargs
}

vp() {
    echo "<virtualport${1:+ type='$1'}>${2:+<parameters $2/>}</virtualport>"
}

@test "virtualports of interface, pool and portgroup are merged" {
    assert_equal "$(virtualport 0 '' '' '')" ""
    assert_equal "$(virtualport 0 "$(vp 802.1Qbh "profileid='a'")" '' '')" "802.1Qbh a"
    assert_equal "$(virtualport 0 '' "$(vp 802.1Qbh "profileid='a'")" '')" "802.1Qbh a"
    assert_equal "$(virtualport 0 '' '' "$(vp 802.1Qbh "profileid='a'")")" "802.1Qbh a"
    assert_equal "$(virtualport 0 "$(vp '' "profileid='a'")" "$(vp 802.1Qbh)" '')" "802.1Qbh a"
    assert_equal "$(virtualport 0 "$(vp '' "profileid='a'")" '' "$(vp 802.1Qbh "profileid='a'")")" "802.1Qbh a"
    # Where nobody names a type there is no virtualport (virNetDevVPortProfileMerge3).
    assert_equal "$(virtualport 0 "$(vp '' "profileid='a'")" '' '')" ""
}

@test "a parameter that the virtualport's type does not have is dropped, and no conflict" {
    assert_equal "$(virtualport 0 "$(vp 802.1Qbh "profileid='a'")" "$(vp '' "managerid='1'")" "$(vp '' "managerid='2'")")" \
        "802.1Qbh a"
}

@test "virtualports that contradict each other fail the guest" {
    a=$(vp 802.1Qbh "profileid='a'")
    conflicts=(
        "$a|$(vp 802.1Qbg)|" "$a||$(vp 802.1Qbg)" "|$a|$(vp 802.1Qbg)"
        "$a|$(vp '' "profileid='b'")|" "$a||$(vp '' "profileid='b'")" "|$a|$(vp '' "profileid='b'")"
        "$(vp 802.1Qbg "managerid='1'")|$(vp '' "managerid='2'")|"
    )
    for conflict in "${conflicts[@]}"; do
        IFS='|' read -r interface network portgroup <<<"$conflict"
        virtualport 1 "$interface" "$network" "$portgroup"
        [[ -z $output ]]
        assert_one_line "${MAC[1]}" virtualport
        snapshot
        run_hook 1 g prepare <"$IN"
        [[ -z $output ]]
        assert_one_line "${MAC[1]}" virtualport
        assert_unchanged
        assert_taken
    done
    # The fixture: the guest's profile against the pool's.
    rm "$ROOT/etc/vfpool/net.xml"
    sed "s|<portgroup name='bulk'|$(vp 802.1Qbh "profileid='storage'")&|" "$FIXTURES/pools/storage.xml" >"$ROOT/etc/vfpool/storage.xml"
    run_hook 1 groups prepare <"$FIXTURES/domains/portgroups.xml"
    assert_one_line 52:54:00:bb:02:01 profileid
    assert_taken
}

@test "upper-case MAC addresses find their grants, and stay upper-case" {
    transform 0 "$FIXTURES/domains/odd.xml"
    assert_get "/domain/devices/interface[1]/@type" hostdev
    assert_get "/domain/devices/interface[1]/mac/@address" 52:54:00:BB:07:01
}

@test "an interface in one line stays in one line" {
    guest g "${UUID[1]}" "<interface type='network'><mac address='${MAC[1]}'/><source network='passthrough'/></interface>" >"$IN"
    transform 0 "$IN"
    grep -qx " *<interface type=\"hostdev\" managed=\"yes\">.*</interface>" "$OUT"
}

@test "what prepare prints is valid against libvirt's schema" {
    cp "$FIXTURES"/domains/*.xml "$FIXTURES/seed/guest.xml" "$BATS_TEST_TMPDIR"
    # A VF has no bandwidth.
    sed -i '/<bandwidth>/,/<\/bandwidth>/d' "$BATS_TEST_TMPDIR/bandwidth.xml"
    # The watchdog itco is younger than the schema of libvirt 9.
    sed '/<watchdog/d' "$FIXTURES"/captured/012.* >"$BATS_TEST_TMPDIR/captured.xml"
    mkdir "$BATS_TEST_TMPDIR/out"
    for file in "$BATS_TEST_TMPDIR"/*.xml; do
        transform 0 "$file"
        cp "$STDOUT" "$BATS_TEST_TMPDIR/out/${file##*/}"
    done
    assert_equal "$(find "$BATS_TEST_TMPDIR/out" -name '*.xml' | wc -l)" 13
    assert_valid "$BATS_TEST_TMPDIR"/out/*.xml
    # The schema is one that can say no.
    sed 's/managed="yes"/managed="perhaps"/' "$BATS_TEST_TMPDIR/out/guest.xml" >"$BATS_TEST_TMPDIR/out/bad.xml"
    run -1 assert_valid "$BATS_TEST_TMPDIR/out/bad.xml"
}

# --- migrate and restore (F13) -----------------------------------------------

@test "migrate and restore leave type='network' alone" {
    for op in migrate restore; do
        for file in "$FIXTURES"/domains/{two-pools,seven,every-element,odd}.xml "$FIXTURES"/captured/012.*; do
            run_hook 0 any $op <"$file"
            assert_silent
            transform 0 "$file" $op
            cmp "$file" "$OUT"
        done
    done
    assert_taken
}

@test "migrate and restore keep a VF that is free or the guest's own" {
    guest g "${UUID[1]}" "$(static_interface $VF1 "${MAC[1]}")" >"$IN"
    for op in migrate restore; do
        run_hook 0 g $op <"$IN"
        assert_silent
    done
    run_hook 0 g prepare <"$IN"
    assert_taken $VF1 "${UUID[1]}"
    for op in migrate restore; do
        run_hook 0 g $op <"$IN"
        assert_silent
        transform 0 "$IN" $op
        cmp "$IN" "$OUT"
    done
    assert_taken $VF1 "${UUID[1]}"
}

@test "migrate and restore give another VF for one that another guest holds, and touch nothing else" {
    hold $VF1
    guest g "${UUID[1]}" "$(static_interface $VF1 "${MAC[1]}")" "$(static_interface $VF2 "${MAC[2]}")" >"$IN"
    snapshot
    for op in migrate restore; do
        run_hook 0 g $op <"$IN"
        [[ -z $stderr ]]
        cp "$STDOUT" "$OUT"
        assert_equal "$(vf '//interface[1]') $(vf '//interface[2]')" "$VF0 $VF2"
        diff <(sed "s/slot='0x10' function='0x2'/slot='0x10' function='0x0'/" "$IN" | xmllint --c14n -) \
            <(xmllint --c14n "$OUT")
        transform 0 "$IN" $op
        cmp "$STDOUT" "$OUT"
    done
    assert_unchanged # a filter claims nothing
}

@test "migrate and restore give another VF for one whose PF is down or that is gone" {
    guest g "${UUID[1]}" "$(static_interface 0000:02:10.0 "${MAC[1]}")" >"$IN" # eth4's first
    host down eth4
    run_hook 0 g restore <"$IN"
    cp "$STDOUT" "$OUT"
    assert_equal "$(vf //interface)" 0000:03:10.0
    host up eth4
    host dangle eth4/0
    run_hook 0 g restore <"$IN"
    cp "$STDOUT" "$OUT"
    assert_equal "$(vf //interface)" 0000:02:10.2
    guest g "${UUID[1]}" "$(static_interface 0000:03:10.4 "${MAC[1]}")" >"$IN"
    host vanish eth5/2
    run_hook 0 g restore <"$IN"
    cp "$STDOUT" "$OUT"
    assert_equal "$(vf //interface)" 0000:02:10.2
}

@test "migrate and restore give no VF of another kind of card: a device's state fits none" {
    local igb=0000:04:10.0 mlx=0000:05:10.0 other=0000:06:10.0
    host eth6:vfs=1 eth7:vfs=2,driver=mlx5_core eth8:vfs=1
    rm "$ROOT/etc/vfpool"/*
    pool mixed eth6 eth7
    hold $igb
    guest g "${UUID[1]}" "$(static_interface $igb "${MAC[1]}")" >"$IN"
    for op in migrate restore; do
        run_hook 1 g $op <"$IN"
        assert_one_line "$igb is held by guest" "PF eth7 is another kind of card"
    done
    # A start by the pool's name is free to.
    guest g "${UUID[1]}" "mixed:${MAC[1]}" >"$BATS_TEST_TMPDIR/any.xml"
    transform 0 "$BATS_TEST_TMPDIR/any.xml"
    assert_equal "$(vf //interface)" $mlx
    # The other interface of the guest, which has its VF, keeps it.
    guest g "${UUID[1]}" "$(static_interface $igb "${MAC[1]}")" "$(static_interface $mlx "${MAC[2]}")" >"$IN"
    pool mixed eth6 eth7 eth8
    transform 0 "$IN" restore
    assert_equal "$(vf '//interface[1]') $(vf '//interface[2]')" "$other $mlx"
}

@test "migrate fails the guest, and says who has what, when no other VF is left" {
    run_hook 0 many prepare <"$FIXTURES/domains/seven.xml"
    guest g "${UUID[1]}" "$(static_interface $VF1 "${MAC[1]}")" >"$IN"
    snapshot
    run_hook 1 g migrate <"$IN"
    [[ -z $output ]]
    assert_one_line passthrough many "'g'"
    assert_unchanged
}

@test "two interfaces whose VFs are held get two others" {
    hold $VF0 98
    hold $VF1 99
    guest g "${UUID[1]}" "$(static_interface $VF0 "${MAC[1]}")" "$(static_interface $VF1 "${MAC[2]}")" >"$IN"
    transform 0 "$IN" restore
    assert_equal "$(vf '//interface[1]') $(vf '//interface[2]')" "$VF2 0000:01:10.6"
}

@test "a hostdev interface of no pool is left alone, whatever its MAC" {
    hold $VF1
    guest g "${UUID[1]}" "$(static_interface $VF1 "${MAC[1]}")" "$(static_interface 0000:7f:00.0 "${MAC[1]}")" >"$IN"
    transform 0 "$IN" restore
    assert_equal "$(vf '//interface[1]') $(vf '//interface[2]')" "$VF0 0000:7f:00.0"
}

@test "a plain <hostdev> is left alone at migrate and restore" {
    hold $VF1
    guest g "${UUID[1]}" "$(static_hostdev $VF1)" >"$IN"
    for op in migrate restore; do
        run_hook 0 g $op <"$IN"
        assert_silent
    done
}

# --- a site's own sheet ------------------------------------------------------

# site <BODY: etc/vfpool/hostdev.xsl with these templates beside an identity.
site() {
    {
        cat <<'XSL'
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:vfpool="urn:vfpool:1"
    xmlns:exsl="http://exslt.org/common" extension-element-prefixes="exsl" exclude-result-prefixes="vfpool">
XSL
        cat
        cat <<'XSL'
<xsl:template match="@*|node()"><xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template>
</xsl:stylesheet>
XSL
    } >"$ROOT/etc/vfpool/hostdev.xsl"
}

# assert_refused TEXT...: neither door lets the site's sheet through, and nothing changes.
assert_refused() {
    snapshot
    transform 1 "$FIXTURES/domains/hangul.xml" || return
    [[ -z $output ]] || fail "it printed" || return
    assert_one_line /etc/vfpool/hostdev.xsl "$@" || return
    [[ $stderr != *' ' ]] || fail "there is space at the end" || return
    run_hook 1 any prepare <"$FIXTURES/domains/hangul.xml" || return
    [[ -z $output ]] || fail "it printed" || return
    assert_one_line /etc/vfpool/hostdev.xsl "$@" || return
    assert_unchanged && assert_taken && assert_invariants
}

@test "a site's own sheet replaces ours" {
    site <<'XSL'
<xsl:template match="/domain/devices/interface[@type='network']">
  <interface type="hostdev" managed="yes">
    <xsl:copy-of select="mac"/>
    <source><xsl:copy-of select="vfpool:given()/grant[@mac = current()/mac/@address]/address"/></source>
    <xsl:comment><xsl:value-of select="concat(vfpool:given()/@operation, ' on ', vfpool:given()/network/forward/pf/@dev)"/></xsl:comment>
    <vlan><tag id="4000"/></vlan>
  </interface>
</xsl:template>
XSL
    transform 0 "$FIXTURES/domains/hangul.xml"
    assert_get //interface/vlan/tag/@id 4000
    assert_get "//interface/comment()" "prepare on eth3"
    assert_equal "$(vf //interface)" $VF0
    run_hook 0 any prepare <"$FIXTURES/domains/hangul.xml"
    cmp "$STDOUT" "$OUT"
    assert_taken $VF0 6a1f7a70-1f0e-4b8e-9f4d-000000000006
    # A guest of no pool never meets it.
    transform 0 "$FIXTURES/domains/no-pool.xml"
    cmp "$FIXTURES/domains/no-pool.xml" "$OUT"
}

@test "a site's sheet is told of a remap" {
    site <<'XSL'
<xsl:template match="/domain/devices/interface/source/address/@function">
  <xsl:attribute name="function"><xsl:value-of select="vfpool:given()[@operation = 'restore']/remap/address/@function"/></xsl:attribute>
</xsl:template>
XSL
    hold $VF1
    guest g "${UUID[1]}" "$(static_interface $VF1 "${MAC[1]}")" >"$IN"
    transform 0 "$IN" restore
    assert_equal "$(vf //interface)" $VF0
}

@test "a site's sheet that is broken XML is refused" {
    echo '<xsl:stylesheet' >"$ROOT/etc/vfpool/hostdev.xsl"
    assert_refused 'line 1'
    : >"$ROOT/etc/vfpool/hostdev.xsl"
    assert_refused empty
    echo '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>' >"$ROOT/etc/vfpool/hostdev.xsl"
    assert_refused 'document type'
}

@test "a site's sheet that is no style sheet is refused" {
    echo '<domain/>' >"$ROOT/etc/vfpool/hostdev.xsl"
    assert_refused
    site <<<'<xsl:template match="a["/>'
    assert_refused
    site <<<'<xsl:template match="name"><xsl:value-of select="no-such-function()"/></xsl:template>'
    assert_refused no-such-function
    site <<<'<xsl:template match="name"><xsl:call-template name="nowhere"/></xsl:template>'
    assert_refused nowhere
    # Which libxml2 knows, and has words of its own for.
    site <<<'<xsl:template match="name"><xsl:value-of select="vfpool:given(1)"/></xsl:template>'
    assert_refused "Invalid number of arguments"
}

@test "a site's sheet that is no file of ours is refused" {
    echo '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>' >"$ROOT/sheet.xsl"
    ln -s "$ROOT/sheet.xsl" "$ROOT/etc/vfpool/hostdev.xsl"
    assert_refused
    rm "$ROOT/etc/vfpool/hostdev.xsl"
    mkdir "$ROOT/etc/vfpool/hostdev.xsl"
    assert_refused
}

@test "a site's sheet with an empty result is refused" {
    site <<<'<xsl:template match="/"/>'
    assert_refused
    site <<<'<xsl:output method="text"/><xsl:template match="/"/>'
    assert_refused
    site <<<'<xsl:template match="/"><xsl:comment>nothing else</xsl:comment></xsl:template>'
    assert_refused
    site <<<'<xsl:output method="text"/><xsl:template match="/">text</xsl:template>'
    assert_refused
}

@test "a site's sheet that makes another guest of it is refused" {
    site <<<'<xsl:template match="/domain/name/text()">other</xsl:template>'
    assert_refused 한글-게스트 name
    site <<<'<xsl:template match="/domain/uuid/text()">00000000-0000-4000-8000-000000000001</xsl:template>'
    assert_refused UUID
    site <<<'<xsl:template match="/domain/uuid"/>'
    assert_refused UUID
    site <<<'<xsl:template match="/domain"><machine><xsl:apply-templates/></machine></xsl:template>'
    assert_refused domain
    site <<<'<xsl:template match="/domain"><d:domain xmlns:d="urn:d"><xsl:apply-templates/></d:domain></xsl:template>'
    assert_refused domain
    # The same UUID otherwise written is the same guest.
    site <<<'<xsl:template match="/domain/uuid/text()"><xsl:value-of select="translate(., &quot;-abcdef&quot;, &quot;&quot;)"/></xsl:template>'
    assert_refused UUID # half of it is gone
    site <<<'<xsl:template match="/domain/uuid/text()"><xsl:value-of select="translate(., &quot;abcdef&quot;, &quot;ABCDEF&quot;)"/></xsl:template>'
    transform 0 "$FIXTURES/domains/hangul.xml"
    assert_get /domain/uuid 6A1F7A70-1F0E-4B8E-9F4D-000000000006
}

@test "a site's sheet that ends with a message says it in one line" {
    site <<<'<xsl:template match="interface"><xsl:message terminate="yes">no&#10;VFs on&#9;Sundays</xsl:message></xsl:template>'
    assert_refused 'no VFs on Sundays'
    # One that only talks is not an error.
    site <<<'<xsl:template match="interface"><xsl:message>by the way</xsl:message><xsl:copy-of select="."/></xsl:template>'
    transform 0 "$FIXTURES/domains/hangul.xml"
    [[ -z $stderr ]]
}

@test "a site's sheet that never ends is ended" {
    site <<<'<xsl:template name="again"><xsl:call-template name="again"/></xsl:template><xsl:template match="interface"><xsl:call-template name="again"/></xsl:template>'
    assert_refused
}

@test "a site's sheet reaches no file and no network" {
    echo '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="title">stolen</xsl:template></xsl:stylesheet>' \
        >"$ROOT/import.xsl"
    echo '<secret>stolen</secret>' >"$ROOT/secret.xml"
    for body in "<xsl:import href='$ROOT/import.xsl'/>" "<xsl:include href='$ROOT/import.xsl'/>" \
        "<xsl:import href='file://$ROOT/import.xsl'/>" "<xsl:import href='http://127.0.0.1:1/import.xsl'/>" \
        "<xsl:template match='title'><xsl:value-of select='document(\"$ROOT/secret.xml\")'/></xsl:template>" \
        "<xsl:template match='title'><xsl:value-of select='document(\"http://127.0.0.1:1/x\")'/></xsl:template>" \
        "<xsl:template match='title'><exsl:document href='$ROOT/written.xml'><a/></exsl:document></xsl:template>" \
        "<xsl:template match='title'><exsl:document href='$ROOT/new/written.xml'><a/></exsl:document></xsl:template>" \
        "<xsl:template match='title'><exsl:document href='http://127.0.0.1:1/x'><a/></exsl:document></xsl:template>" \
        "<xsl:template match='title'><xsl:document href='$ROOT/written.xml'><a/></xsl:document></xsl:template>" \
        "<xsl:template match='title'><xsl:document href='$ROOT/new/written.xml'><a/></xsl:document></xsl:template>"; do
        site <<<"$body"
        assert_refused
        [[ ! -e $ROOT/written.xml && ! -e $ROOT/new && $stderr != *stolen* ]]
    done
    # Relative to the sheet, the program and nothing at all.
    cp "$ROOT/secret.xml" "$ROOT/import.xsl" "$ROOT/etc/vfpool"
    mv "$ROOT/etc/vfpool/secret.xml" "$ROOT/etc/vfpool/secret"
    site <<<"<xsl:template match='title'><xsl:value-of select='document(\"secret\")'/></xsl:template>"
    assert_refused
    site <<<"<xsl:import href='import.xsl'/>"
    assert_refused
}
