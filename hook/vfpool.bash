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
    cat "${VFPOOL_ROOT:-}"/run/vfpool/guests/*.xml 2> /dev/null | sed -n '/^<guest uuid="[^"]*" name="/ {
        s/^<guest uuid="[^"]*" name="\([^"]*\)".*/\1/; s/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&amp;/\&/g; p; }'
}
_vfpool_defined() {
    local file
    for file in "${VFPOOL_ROOT:-}"/etc/libvirt/qemu/*.xml; do
        [ ! -e "$file" ] || basename "$file" .xml
    done
}
_vfpool_vfs() { ls "${VFPOOL_ROOT:-}/run/vfpool/vfs" 2> /dev/null; }
_vfpool_all_vfs() {
    local link
    for link in "${VFPOOL_ROOT:-}"/sys/class/net/*/device/virtfn*; do
        [ ! -e "$link" ] || { link=$(readlink "$link") && echo "${link##*/}"; }
    done
}
_vfpool_drained() { ls "${VFPOOL_ROOT:-}/var/lib/vfpool/drained" 2> /dev/null; }
_vfpool_pfs() {
    local file
    for file in "${VFPOOL_ROOT:-}"/sys/class/net/*/device/sriov_totalvfs; do
        file=${file%/device/sriov_totalvfs}
        [ ! -e "$file" ] || echo "${file##*/}"
    done
}

# What may come behind a verb, a line each; of files, those that begin as the second argument does.
_vfpool_options() {
    case $1 in
    transform) echo --op ;;
    status) printf '%s\n' --long --wide --summary --state --pf --guest --watch --color --format --output ;;
    explain) printf '%s\n' --wide --color --format ;;
    doctor) printf '%s\n' --color --format ;;
    needs) echo --format ;;
    history) printf '%s\n' --since --last --guest --vf --pool --follow --color --format ;;
    release) printf '%s\n' --force --dry-run --format ;;
    discover) echo --name ;;
    check | edit) echo --alone ;;
    define) printf '%s\n' --alone --dry-run --format ;;
    drain) printf '%s\n' --reason --wait --dry-run --format ;;
    undrain) printf '%s\n' --dry-run --format ;;
    undefine) printf '%s\n' --force --dry-run --format ;;
    open) printf '%s\n' --settings --dry-run --format ;;
    reconcile) printf '%s\n' --boot --dry-run --wait --format ;;
    esac
}
_vfpool_arguments() {
    case $1 in
    transform | needs | check | define) compgen -f -- "$2" ;;
    explain) _vfpool_defined; compgen -f -- "$2" ;;
    status | dumpxml | network | edit | undefine) _vfpool_pools ;;
    history | release) _vfpool_holders; _vfpool_vfs ;;
    discover) _vfpool_pfs ;;
    drain) _vfpool_pfs; _vfpool_all_vfs ;;
    undrain) _vfpool_drained ;;
    esac
}
_vfpool_candidates() { # WORD-BEFORE VERB CURRENT
    case $1:$3 in
    vfpool:*) printf '%s\n' transform explain status history doctor needs dumpxml network discover check define edit undefine drain undrain release open reconcile --help --version ;;
    --format:*)
        printf '%s\n' table json xml
        [ "$2" != status ] || printf '%s\n' html prometheus
        [ "$2" != needs ] || printf '%s\n' crm pcs
        ;;
    --output:*) compgen -f -- "$3" ;;
    --state:*) printf '%s\n' free claimed held drained unusable quarantined ;;
    --pf:*) _vfpool_pfs ;;
    --guest:*) _vfpool_holders ;;
    --vf:*) _vfpool_vfs ;;
    --pool:*) _vfpool_pools ;;
    --op:*) printf '%s\n' prepare restore migrate ;;
    *:-*) _vfpool_options "$2" ;;
    *) _vfpool_arguments "$2" "$3" ;;
    esac
}

_vfpool() {
    local line=${COMP_LINE:0:COMP_POINT} words current before candidate
    # By spaces alone: to readline, a word begins behind each colon of an address.
    read -ra words <<< "$line"
    [ "${line: -1}" != ' ' ] || words+=('')
    current=${words[${#words[@]} - 1]} before=${words[${#words[@]} - 2]}
    [ ${#words[@]} -gt 2 ] || before=vfpool
    # Not by compgen -W, which expands what it is given: a guest may be called $(anything).
    COMPREPLY=()
    while IFS= read -r candidate; do
        [[ $candidate != "$current"* ]] || COMPREPLY+=("$(printf '%q' "${candidate#"${current%"${current##*:}"}"}")")
    done < <(_vfpool_candidates "$before" "${words[1]-}" "$current")
}
complete -F _vfpool vfpool
