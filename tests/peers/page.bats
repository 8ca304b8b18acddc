#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# status --format html in headless Chromium, at 400 and 1280 pixels, light and dark, and printed, with 14 and with 504 VFs:
# screenshots (in $VFPOOL_BUILD/page), and what a machine can see in them.

load ../helpers
load browser

setup() {
    common_setup
    PICTURES=$VFPOOL_BUILD/page
    mkdir -p "$PICTURES"
    browser_start
}

teardown() { browser_stop; }

# looks NAME: in every way
looks() {
    local page=$BATS_TEST_TMPDIR/page.html width way wrong found=''
    "$VFPOOL_BUILD/hook/vfpool" status --format html --output "$page" 2> /dev/null
    # The last is what A4 has between its margins.
    while read -r width way; do
        browser_show "$page" "$width" "$way"
        browser_picture "$PICTURES/$1-$width-$way.png"
        [[ $(head -c 4 "$PICTURES/$1-$width-$way.png") == $'\x89PNG' ]]
        wrong=$(browser_ask "$BATS_TEST_DIRNAME/look.js")
        [[ $wrong == '[]' ]] || found+="$1 $width $way: $wrong"$'\n'
    done <<< $'400 light\n400 dark\n1280 light\n1280 dark\n718 print'
    [[ -z $found ]] || fail "$found"
}

@test "14 VFs: every state, long and strange names, a PF that is down, a pool out of service" {
    host eth3:vfs=7,numa=0 eth4:vfs=7,numa=1,address=0000:01:00.1
    pool passthrough eth3 eth4
    run_hook 0 web prepare < <(guest web "${UUID[1]}" "passthrough:${MAC[1]}")
    for i in 2 3; do
        name="a guest <whose> name & is as long as a name can be, $i, it does not end and hasnotasinglespaceinitanymoreandmore"
        run_hook 0 "$name" prepare < <(guest "$name" "${UUID[$i]}" "passthrough:${MAC[$i]}")
    done
    run_vfpool 0 status --state free --pf eth3 --format json
    run_vfpool 0 drain "$(jq -r '.pools[0].vfs[0].address' "$STDOUT")" --reason "new firmware on Monday evening, please do not move any guests here before that is done"
    echo spoiled > "$ROOT/run/vfpool/guests/${UUID[3]}.xml"
    sed -i 's/state="claimed"/state="held"/' "$ROOT/run/vfpool/guests/${UUID[1]}.xml"
    host down eth4
    echo '<network/>' > "$ROOT/etc/vfpool/broken.xml"
    run_vfpool 0 status --format html
    for state in free claimed held drained unusable quarantined; do grep -q "<g class=\"$state\"" "$STDOUT"; done
    looks 14
}

@test "504 VFs" {
    local i pfs=()
    for i in 0 1 2 3 4 5 6 7; do
        host "ens${i}f0np0:vfs=63,numa=$((i % 2))"
        pfs+=("ens${i}f0np0")
    done
    pool passthrough "${pfs[@]}"
    for i in {1..40}; do
        printf -v uuid '00000000-0000-4000-8000-%012d' "$i"
        "$VFPOOL_BUILD/hook/qemu" "guest-$i" prepare begin - < <(guest "guest-$i" "$uuid" "passthrough:52:54:00:00:01:$(printf %02x "$i")") > /dev/null
    done
    run_vfpool 0 drain ens7f0np0
    looks 504
}
