#compdef vfpool
# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of vfpool(8) for zsh: verbs, options, pools, guests, VFs, PFs. Guests and VFs are root's to see.

local root=${VFPOOL_ROOT:-}

_vfpool_pools() { local -a pools=($root/etc/vfpool/*.xml(N:t:r)); compadd -a pools }
_vfpool_defined() { local -a guests=($root/etc/libvirt/qemu/*.xml(N:t:r)); compadd -a guests }
_vfpool_holders() {
    local -a guests=("${(@f)$(sed -n '/^<guest uuid="[^"]*" name="/ {
        s/^<guest uuid="[^"]*" name="\([^"]*\)".*/\1/; s/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&amp;/\&/g; p; }' \
        $root/run/vfpool/guests/*.xml(N) < /dev/null)}")
    compadd -a guests
}
_vfpool_vfs() { local -a vfs=($root/run/vfpool/vfs/*(N@:t)); compadd -a vfs }
_vfpool_pfs() { local -a pfs=($root/sys/class/net/*/device/sriov_totalvfs(N:h:h:t)); compadd -a pfs }
_vfpool_drained() { local -a devices=($root/var/lib/vfpool/drained/*(N:t)); compadd -a devices }
_vfpool_devices() {
    local -a vfs=($root/sys/class/net/*/device/virtfn*(N:A:t))
    _vfpool_pfs
    compadd -a vfs
}
_vfpool_had() { _vfpool_holders; _vfpool_vfs }
_vfpool_asked() { _vfpool_defined; _files }

local format='--format[the form]:form:(table json xml)' color='--color=-[in colours]:when:(auto always never)'
local -a verbs=(
    'transform:print a domain with the VFs it would get now'
    'explain:say of every VF why a guest got it, or not'
    'status:show every VF, its state and who holds it'
    'history:show who had which VF when'
    'doctor:check host, pools, hooks and libvirt'
    'needs:say how many VFs domains ask for'
    'dumpxml:print the pool as network XML'
    'network:print the network that libvirt has to have'
    'discover:print a ready pool file'
    'check:say what is wrong with pool files'
    'define:check a pool file, put it in its place, and reconcile'
    'edit:edit a pool file'
    'undefine:take a pool file away'
    'drain:give no new guest the VFs of a PF'
    'undrain:give them to guests again'
    'release:take VFs back by hand'
    'open:open what is blocked'
    'reconcile:set up what is missing, repair what a crash left'
)

if ((CURRENT == 2)); then
    _describe -t verbs verb verbs
    compadd -- --help --version
    return
fi
local verb=$words[2]
shift words
((CURRENT--))
case $verb in
transform) _arguments '--op[the operation]:operation:(prepare restore migrate)' ':file:_files' ;;
explain) _arguments $format $color '--wide[a row a VF]' ':guest or file:_vfpool_asked' ;;
status)
    _arguments '--long[also what is set on each VF]' '--wide[all columns]' '--summary[a row a PF]' \
        '--state[VFs of a state]:state:(free claimed held drained unusable quarantined)' '--pf[VFs of a PF]:PF:_vfpool_pfs' \
        '--guest[VFs of a guest]:guest:_vfpool_holders' '--watch[draw it again when it changes]' $color \
        '--format[the form]:form:(table json xml html prometheus)' '--output[into a file]:file:_files' ':pool:_vfpool_pools'
    ;;
history)
    _arguments '--since[not older than]:time or age:' '--last[the last so many]:number:' \
        '--guest[of a guest]:guest:_vfpool_holders' '--vf[of a VF]:VF:_vfpool_vfs' '--pool[of a pool]:pool:_vfpool_pools' \
        '--follow[go on with what happens]' $color $format ':guest or VF:_vfpool_had' ;;
doctor) _arguments $format $color ;;
needs) _arguments '--format[the form]:form:(table json xml crm pcs)' '*:file:_files' ;;
check) _arguments '--alone[without this host]' '*:file:_files' ;;
define) _arguments $format '--alone[without this host]' '--dry-run[say what would be done]' ':file:_files' ;;
edit) _arguments '--alone[without this host]' ':pool:_vfpool_pools' ;;
drain)
    _arguments $format '--reason[why]:text:' '--wait[until no guest has one, at most so many seconds]:seconds:' \
        '--dry-run[say what would be done]' ':PF or VF:_vfpool_devices'
    ;;
undrain) _arguments $format '--dry-run[say what would be done]' ':PF or VF:_vfpool_drained' ;;
undefine)
    _arguments $format '--force[also while guests have its VFs]' '--dry-run[say what would be done]' ':pool:_vfpool_pools'
    ;;
dumpxml | network) _arguments ':pool:_vfpool_pools' ;;
discover) _arguments "--name[the pool's name]:name:" '*:PF:_vfpool_pfs' ;;
release)
    _arguments $format '--force[also from a guest that runs]' '--dry-run[say what would be released]' \
        ':guest or VF:_vfpool_had'
    ;;
open) _arguments $format '--dry-run[say what would be done]' '--settings[also put back what was set on VFs]' ;;
reconcile)
    _arguments $format '--boot[before libvirt starts: what pool files ask of PFs]' '--dry-run[say what would be done]' \
        '--wait[for cards or libvirt, at most so many seconds]:seconds:' ;;
esac
