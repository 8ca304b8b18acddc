#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Another version's ledger: guests go on through an upgrade. fixtures/ledgers/COMMIT is one that the programs of that
# commit wrote, of a guest vm1 that is being started and a guest vm2 that runs.

load helpers

V=(0000:01:10.0 0000:01:10.2 0000:01:10.4 0000:01:10.6)

setup() {
    common_setup
    host eth3:vfs=4
    pool net eth3
    mkdir -p "$ROOT/run"
    cp -a "$FIXTURES/ledgers/d27f2db" "$ROOT/run/vfpool"
    # The modes are those of the ledger; in a checkout they are whose who made it.
    find "$ROOT/run/vfpool" -type d -exec chmod 700 {} + -o -type f -exec chmod 600 {} +
}

vm1() { guest vm1 "${UUID[1]}" net:"${MAC[17]}" net:"${MAC[18]}"; }
vm2() { guest vm2 "${UUID[2]}" net:"${MAC[33]}"; }
# As libvirt shows a guest that has its VFs.
interface() { # MAC BUS:SLOT.FUNCTION
    echo "<interface type='hostdev' managed='yes'><mac address='$1'/>
        <source><address type='pci' domain='0' bus='0x01' slot='0x10' function='0x$2'/></source></interface>"
}
vm1_runs() { guest vm1 "${UUID[1]}" "$(interface "${MAC[17]}" 0)" "$(interface "${MAC[18]}" 2)"; }
vm2_runs() { guest vm2 "${UUID[2]}" "$(interface "${MAC[33]}" 4)"; }

@test "the ledger of d27f2db: who had VFs has them, starts, and gives them back" {
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[1]}" "${V[2]}" "${UUID[2]}"
    run_vfpool 0 status
    assert_invariants
    # The one that was being started has libvirt's next call after the upgrade, and so has the one that runs.
    run_hook 0 vm1 start < <(vm1_runs)
    run_hook 0 vm2 reconnect < <(vm2_runs)
    run_vfpool 0 reconcile
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[1]}" "${V[2]}" "${UUID[2]}"
    assert_invariants
    # Neither of them gets in the way of a new one.
    run_hook 0 vm3 prepare < <(guest vm3 "${UUID[3]}" net:"${MAC[49]}")
    assert_equal "$(readlink "$ROOT/run/vfpool/vfs/${V[3]}")" "../guests/${UUID[3]}.xml"
    for name in vm1 vm2; do
        run_hook 0 "$name" stopped < <("${name}_runs")
        run_hook 0 "$name" release < <("$name")
    done
    run_hook 0 vm3 release < <(guest vm3 "${UUID[3]}" net:"${MAC[49]}")
    for number in 1 2 3; do assert_released "${UUID[number]}"; done
}

@test "the ledger of d27f2db: a guest that is prepared again gets what it had, and no other one does" {
    run_hook 0 vm1 prepare < <(vm1)
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[1]}" "${V[2]}" "${UUID[2]}"
    run_hook 1 vm3 prepare < <(guest vm3 "${UUID[3]}" net:"${MAC[49]}" net:"${MAC[50]}")
    assert_taken "${V[0]}" "${UUID[1]}" "${V[1]}" "${UUID[1]}" "${V[2]}" "${UUID[2]}"
}
