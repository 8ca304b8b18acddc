# Sourced first by all that runs inside the lab's host, and by nothing else: it powers off, kills and changes what it
# runs on. Anywhere else the script that sources this ends here, with one line.
# shellcheck shell=bash

# lab_is_here PROC: booted by boot.sh, and process 1 is the lab's own. A container of the host has neither.
lab_is_here() {
    local proc=$1 first=()
    [ -r "$proc/cmdline" ] && [ -r "$proc/1/cmdline" ] || return 1
    [[ " $(< "$proc/cmdline") " == *[[:space:]]vfpool.lab=1[[:space:]]* ]] || return 1
    mapfile -d '' -t first < "$proc/1/cmdline"
    [[ ${first[1]:-} == /lab-init || ${first[1]:-} == /host/init ]]
}

if ! lab_is_here /proc; then
    echo "${BASH_SOURCE[1]:-$0}: only for the lab's host, which 'make lab' boots: this machine is another one" >&2
    exit 1
fi
