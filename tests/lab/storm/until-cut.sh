#!/bin/bash
# Inside the lab's host, which has booted: what storm.bash does to its guests, until the power is cut.
set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=../guard.bash
. "$(dirname "$0")/../guard.bash" || exit
cd "$(dirname "$0")/../../.." || exit
# shellcheck source-path=SCRIPTDIR source=../vfpool.bash
. tests/lab/vfpool.bash
# shellcheck source-path=SCRIPTDIR source=storm.bash
. tests/lab/storm/storm.bash

storm_define
storm_begins "$((${LAB_SEED:-95} + 10 * LAB_CUT))"
touch /host/results/ready
wait "${storm_processes[@]}"
