# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A node of a cluster. Loaded behind tests/helpers.bash.

# cluster_setup: it has pool p with four VFs, and q with two; the test is in a directory of its own.
cluster_setup() {
    common_setup
    host eth3:vfs=4 eth4:vfs=2
    pool p eth3
    pool q eth4
    cd "$BATS_TEST_TMPDIR" || return
}
