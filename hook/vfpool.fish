# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of vfpool(8) for fish: verbs, options, pools, guests, VFs, PFs. Guests and VFs are root's to see.

function __vfpool_names # of XML files
    for file in $argv
        string replace -r '.*/(.*)\.xml$' '$1' -- $file
    end
end
function __vfpool_pools
    set -l files $VFPOOL_ROOT/etc/vfpool/*.xml
    __vfpool_names $files
end
function __vfpool_defined
    set -l files $VFPOOL_ROOT/etc/libvirt/qemu/*.xml
    __vfpool_names $files
end
function __vfpool_had # guests and their VFs
    set -l files $VFPOOL_ROOT/run/vfpool/guests/*.xml
    for file in $files
        string match -rg '^<guest uuid="[^"]*" name="([^"]*)"' < $file | string replace -a '&lt;' '<' |
            string replace -a '&gt;' '>' | string replace -a '&quot;' '"' | string replace -a '&amp;' '&'
    end
    for file in $VFPOOL_ROOT/run/vfpool/vfs/*
        string replace -r '.*/' '' -- $file
    end
end
function __vfpool_pfs
    for file in $VFPOOL_ROOT/sys/class/net/*/device/sriov_totalvfs
        string match -rg '/net/([^/]*)/device/' -- $file
    end
end

function __vfpool_all_vfs
    for link in $VFPOOL_ROOT/sys/class/net/*/device/virtfn*
        string replace -r '.*/' '' -- (readlink $link)
    end
end
function __vfpool_drained
    for file in $VFPOOL_ROOT/var/lib/vfpool/drained/*
        string replace -r '.*/' '' -- $file
    end
end

complete -c vfpool -f
complete -c vfpool -n __fish_use_subcommand -l help -d 'print the commands'
complete -c vfpool -n __fish_use_subcommand -l version -d 'print the version'
complete -c vfpool -n __fish_use_subcommand -a transform -d 'print a domain with the VFs it would get now'
complete -c vfpool -n __fish_use_subcommand -a explain -d 'say of every VF why a guest got it, or not'
complete -c vfpool -n __fish_use_subcommand -a status -d 'show every VF, its state and who holds it'
complete -c vfpool -n __fish_use_subcommand -a history -d 'show who had which VF when'
complete -c vfpool -n __fish_use_subcommand -a doctor -d 'check host, pools, hooks and libvirt'
complete -c vfpool -n __fish_use_subcommand -a needs -d 'say how many VFs domains ask for'
complete -c vfpool -n __fish_use_subcommand -a dumpxml -d 'print the pool as network XML'
complete -c vfpool -n __fish_use_subcommand -a network -d 'print the network that libvirt has to have'
complete -c vfpool -n __fish_use_subcommand -a discover -d 'print a ready pool file'
complete -c vfpool -n __fish_use_subcommand -a check -d 'say what is wrong with pool files'
complete -c vfpool -n __fish_use_subcommand -a define -d 'check a pool file, put it in its place, and reconcile'
complete -c vfpool -n __fish_use_subcommand -a edit -d 'edit a pool file'
complete -c vfpool -n __fish_use_subcommand -a undefine -d 'take a pool file away'
complete -c vfpool -n __fish_use_subcommand -a drain -d 'give no new guest the VFs of a PF'
complete -c vfpool -n __fish_use_subcommand -a undrain -d 'give them to guests again'
complete -c vfpool -n __fish_use_subcommand -a release -d 'take VFs back by hand'
complete -c vfpool -n __fish_use_subcommand -a open -d 'open what is blocked'
complete -c vfpool -n __fish_use_subcommand -a reconcile -d 'set up what is missing, repair what a crash left'

complete -c vfpool -n '__fish_seen_subcommand_from status' -l output -r -F -d 'into a file'
complete -c vfpool -n '__fish_seen_subcommand_from status' -l format -x -a 'html prometheus' -d 'the form'
complete -c vfpool -n '__fish_seen_subcommand_from needs' -l format -x -a 'crm pcs' -d 'the form'
complete -c vfpool -n '__fish_seen_subcommand_from explain status history doctor' -l color -d 'auto, always or never'
complete -c vfpool -n '__fish_seen_subcommand_from explain status' -l wide -d 'a row a VF, all columns'
complete -c vfpool -n '__fish_seen_subcommand_from status' -l summary -d 'a row a PF'
complete -c vfpool -n '__fish_seen_subcommand_from status' -l watch -d 'draw it again when it changes'
complete -c vfpool -n '__fish_seen_subcommand_from status' -l state -x -a 'free claimed held drained unusable quarantined' -d 'VFs of a state'
complete -c vfpool -n '__fish_seen_subcommand_from status' -l pf -x -a '(__vfpool_pfs)' -d 'VFs of a PF'
complete -c vfpool -n '__fish_seen_subcommand_from status' -l guest -x -a '(__vfpool_had)' -d 'VFs of a guest'
complete -c vfpool -n '__fish_seen_subcommand_from explain status history doctor needs define undefine drain undrain release open reconcile' -l format -x -a 'table json xml' -d 'the form'
complete -c vfpool -n '__fish_seen_subcommand_from history' -x -l since -d 'not older than'
complete -c vfpool -n '__fish_seen_subcommand_from history' -x -l last -d 'the last so many'
complete -c vfpool -n '__fish_seen_subcommand_from history' -x -l guest -a '(__vfpool_had)' -d 'of a guest'
complete -c vfpool -n '__fish_seen_subcommand_from history' -x -l vf -a '(__vfpool_had)' -d 'of a VF'
complete -c vfpool -n '__fish_seen_subcommand_from history' -x -l pool -a '(__vfpool_pools)' -d 'of a pool'
complete -c vfpool -n '__fish_seen_subcommand_from history' -l follow -d 'go on with what happens'
complete -c vfpool -n '__fish_seen_subcommand_from status' -l long -d 'also what is set on each VF'
complete -c vfpool -n '__fish_seen_subcommand_from transform' -l op -x -a 'prepare restore migrate' -d 'the operation'
complete -c vfpool -n '__fish_seen_subcommand_from release' -l force -d 'also from a guest that runs'
complete -c vfpool -n '__fish_seen_subcommand_from release' -l dry-run -d 'say what would be released'
complete -c vfpool -n '__fish_seen_subcommand_from check define edit' -l alone -d 'without this host'
complete -c vfpool -n '__fish_seen_subcommand_from define undefine drain undrain open' -l dry-run -d 'say what would be done'
complete -c vfpool -n '__fish_seen_subcommand_from undefine' -l force -d 'also while guests have its VFs'
complete -c vfpool -n '__fish_seen_subcommand_from discover' -x -l name -d 'the pool\'s name'
complete -c vfpool -n '__fish_seen_subcommand_from open' -l settings -d 'also put back what was set on VFs'
complete -c vfpool -n '__fish_seen_subcommand_from reconcile' -l boot -d 'before libvirt starts: what pool files ask of PFs'
complete -c vfpool -n '__fish_seen_subcommand_from reconcile' -x -l wait -d 'for cards or libvirt, at most so many seconds'
complete -c vfpool -n '__fish_seen_subcommand_from reconcile' -l dry-run -d 'say what would be done'
complete -c vfpool -n '__fish_seen_subcommand_from status dumpxml network edit undefine' -a '(__vfpool_pools)' -d pool
complete -c vfpool -n '__fish_seen_subcommand_from explain' -a '(__vfpool_defined)' -d guest
complete -c vfpool -n '__fish_seen_subcommand_from history release' -a '(__vfpool_had)'
complete -c vfpool -n '__fish_seen_subcommand_from drain' -x -l reason -d why
complete -c vfpool -n '__fish_seen_subcommand_from drain' -x -l wait -d 'until no guest has one, at most so many seconds'
complete -c vfpool -n '__fish_seen_subcommand_from drain' -a '(__vfpool_pfs) (__vfpool_all_vfs)'
complete -c vfpool -n '__fish_seen_subcommand_from undrain' -a '(__vfpool_drained)'
complete -c vfpool -n '__fish_seen_subcommand_from discover' -a '(__vfpool_pfs)' -d PF
complete -c vfpool -n '__fish_seen_subcommand_from transform explain needs check define' -F
