# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of vfpool(8) for bash: verbs, options, pools, guests, VFs, PFs. Guests and VFs are root's to see.

_vfpool_pools() {
    local file
    for file in "${VFPOOL_ROOT:-}"/etc/vfpool/*.xml; do
        [ ! -e "$file" ] || basename "$file" .xml
    done
}
_vfpool_holders() {
    cat "${VFPOOL_ROOT:-}"/run/vfpool/guests/*.xml 2> /dev/null | sed -n 's/^<guest uuid="[^"]*" name="\([^"]*\)".*/\1/p'
}
_vfpool_defined() {
    local file
    for file in "${VFPOOL_ROOT:-}"/etc/libvirt/qemu/*.xml; do
        [ ! -e "$file" ] || basename "$file" .xml
    done
}
_vfpool_vfs() { ls "${VFPOOL_ROOT:-}/run/vfpool/vfs" 2> /dev/null; }
_vfpool_pfs() {
    local file
    for file in "${VFPOOL_ROOT:-}"/sys/class/net/*/device/sriov_totalvfs; do
        file=${file%/device/sriov_totalvfs}
        [ ! -e "$file" ] || echo "${file##*/}"
    done
}

# What may come behind a verb; $files: files as well.
_vfpool_options() {
    case $1 in
    transform) candidates=--op ;;
    status) candidates='--long --format' ;;
    explain | history | doctor) candidates=--format ;;
    reconcile) candidates=--dry-run ;;
    esac
}
_vfpool_arguments() {
    case $1 in
    transform) files=yes ;;
    explain) candidates=$(_vfpool_defined) files=yes ;;
    status | dumpxml | network) candidates=$(_vfpool_pools) ;;
    history | release) candidates="$(_vfpool_holders) $(_vfpool_vfs)" ;;
    discover) candidates=$(_vfpool_pfs) ;;
    esac
}

_vfpool() {
    local line=${COMP_LINE:0:COMP_POINT} words current before colons candidates='' files=''
    # By spaces alone: to readline, a word begins behind each colon of an address.
    read -ra words <<< "$line"
    [ "${line: -1}" != ' ' ] || words+=('')
    current=${words[${#words[@]} - 1]} before=${words[${#words[@]} - 2]}
    colons=${current%"${current##*:}"}
    if [ ${#words[@]} -le 2 ]; then
        candidates='transform explain status history doctor dumpxml network discover release open reconcile --help --version'
    elif [ "$before" = --format ]; then
        candidates='table json xml'
    elif [ "$before" = --op ]; then
        candidates='prepare restore migrate'
    elif [[ $current == -* ]]; then
        _vfpool_options "${words[1]}"
    else
        _vfpool_arguments "${words[1]}"
    fi
    mapfile -t COMPREPLY < <(compgen -W "$candidates" ${files:+-f} -- "$current")
    COMPREPLY=("${COMPREPLY[@]#"$colons"}")
}
complete -F _vfpool vfpool
