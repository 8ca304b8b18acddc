#!/usr/bin/env bats
# The host of 95-storm.bats has booted after a power cut, with systemd and all its guests. run.sh cuts the power again,
# while storm.bash is at work or earlier.

load ../vfpool
load ../booted/before
load storm

BATS_TEST_TIMEOUT=900

setup_file() { : > "$storm_log"; }
teardown() {
    [ -n "${BATS_TEST_COMPLETED:-}" ] || {
        journalctl --no-pager -b -u vfpool-boot -u vfpool -u "$guests_unit" -n 80 3>&-
        look
    }
}
all_run() { [ "$(virsh -q list --state-running --name | grep -c .)" = "${#storm_guests[@]}" ]; }
has_ended() { [ "$(systemctl show --value -p ActiveState "$1")" = inactive ]; }

@test "after power cut $LAB_CUT: all fourteen guests have their VFs, and all accounts agree" {
    wait_until 60 systemctl -q is-active "$guests_unit"
    wait_until 400 all_run
    wait_until 120 has_ended vfpool.service
    [ "$(systemctl show --value -p Result vfpool-boot.service)" = success ]
    [ "$(systemctl show --value -p Result vfpool.service)" = success ]
    storm_agrees
    [ "$(awk '$5 == "held"' /tmp/storm-ledger | wc -l)" = 17 ]
    storm_complies
    run_ok vfpool reconcile
    [ "$output" = "nothing to repair" ]
}
