#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Who could change what vfpool reads as root could give themselves devices of the host: what others than root may write
# to is refused by its name, and so is a link in the place of what vfpool reads or writes.

load helpers

setup() {
    common_setup
    umask 022
    A=${UUID[1]}
    host eth3:vfs=4
    pool net eth3
    cp "$TESTS/../xslt/hostdev.xsl" "$ROOT/etc/vfpool"
    # One guest has a VF, so that all files of the ledger are there.
    run_hook 0 g2 prepare < <(guest g2 "${UUID[2]}" "net:${MAC[2]}")
    pooled=$BATS_TEST_TMPDIR/pooled.xml plain=$BATS_TEST_TMPDIR/plain.xml
    guest g1 "$A" "net:${MAC[1]}" > "$pooled"
    guest g3 "${UUID[3]}" > "$plain"
}

# assert_refused NAMED: no guest of a pool starts, and no VF is claimed; one without a pool starts.
assert_refused() {
    snapshot
    run_hook 1 g1 prepare < "$pooled"
    assert_one_line "$1" || return
    assert_unchanged || return
    run_hook 0 g3 prepare < "$plain"
}
assert_started() {
    run_hook 0 g1 prepare < "$pooled"
    run_hook 0 g1 release < "$pooled"
}

@test "pool files, style sheet, ledger, and each directory on the way: others may not write, nor own them" {
    local path mode
    for path in '' etc etc/vfpool etc/vfpool/net.xml etc/vfpool/hostdev.xsl run run/vfpool run/vfpool/guests run/vfpool/vfs; do
        mode=$(stat -c %a "$ROOT/$path")
        for change in 'chmod g+w' 'chmod o+w' 'chown 65534'; do
            $change "$ROOT/$path"
            assert_refused "/$path" || fail "$change /$path"
            chown 0 "$ROOT/$path"
            chmod "$mode" "$ROOT/$path"
        done
    done
    assert_started
}

@test "a link in the place of a file or directory of ours is not followed" {
    local path
    for path in etc/vfpool/net.xml etc/vfpool/hostdev.xsl run/vfpool run/vfpool/guests run/vfpool/vfs run/vfpool/lock; do
        mv "$ROOT/$path" "$ROOT/elsewhere"
        ln -s "$ROOT/elsewhere" "$ROOT/$path"
        assert_refused "/$path" || fail "/$path"
        rm "$ROOT/$path"
        mv "$ROOT/elsewhere" "$ROOT/$path"
    done
    assert_started
}

@test "what is kept beside the claims is not written through a link" {
    local name
    echo kept > "$ROOT/elsewhere"
    for name in returned new.xml; do
        rm -f "$ROOT/run/vfpool/$name"
        ln -s "$ROOT/elsewhere" "$ROOT/run/vfpool/$name"
    done
    mkdir -p "$ROOT/var/lib/vfpool"
    chmod 700 "$ROOT/var/lib/vfpool"
    rm -f "$ROOT/var/lib/vfpool/history"
    ln -s "$ROOT/elsewhere" "$ROOT/var/lib/vfpool/history"
    assert_started
    assert_equal "$(cat "$ROOT/elsewhere")" kept
    # Nor is the history of others, where they may write.
    rm "$ROOT/var/lib/vfpool/history"
    chmod o+w "$ROOT/var/lib"
    assert_started
    [[ ! -e $ROOT/var/lib/vfpool/history ]]
}
