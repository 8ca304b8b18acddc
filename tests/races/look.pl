# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Once all has ended: whether ledger, ports and settings are what is known, and what is free can be had. Part of drive.

use strict;
use warnings;
use List::Util qw(first shuffle);
use Time::HiRes qw(time);

our ($tests, $build, $root, $libvirt, $GUESTS, $LONGEST, %POOLS, %pf_of, @vfs, %index);

# --- looking at it all -----------------------------------------------------------

# settled: nobody sets ports behind the hooks' backs any more
sub settled {
    my $deadline = time + $LONGEST;
    select undef, undef, undef, 0.01 while -e "$root/run/vfpool/unsettled" && time < $deadline;
    unlink "$root/run/vfpool/unsettled";    # who was to was killed
    locked("$root/run/vfpool/settle", sub { }) if -e "$root/run/vfpool/settle";
}

sub look_at_ledger {
    my %claimed;
    for my $name (names("$root/run/vfpool/guests")) {
        my $uuid = $name =~ s/\.xml$//r;
        $claimed{$_} = $uuid for slurp("$root/run/vfpool/guests/$name") =~ /<vf address="([^"]*)"/g;
    }
    my %has;
    for my $guest (map { load($_) } 1 .. $GUESTS) {
        for (grep { $_->[3] } @{ $guest->{interfaces} }) {
            $has{ $_->[3] } = $guest->{uuid};
            wrong("the ledger does not know that $guest->{name} has $_->[3]") if ($claimed{ $_->[3] } // '') ne $guest->{uuid};
            wrong("$guest->{name} has $_->[3] with MAC " . kernel_line($_->[3])) unless kernel_line($_->[3]) =~ /^$_->[0] /;
            wrong("$guest->{name} has no port for $_->[3]") unless -e "$libvirt/ports/$_->[1]/$_->[4].xml";
        }
    }
    for my $vf (@vfs) {
        wrong("VF $vf is lost: the ledger has it for $claimed{$vf}") if $claimed{$vf} && !$has{$vf};
        wrong("VF $vf is given, and nobody has it") if -e "$root/given/$vf" && !$has{$vf};
        next if $has{$vf};
        wrong("VF $vf is not set as it was: " . kernel_line($vf)) unless kernel_line($vf) eq own_mac($vf) . ' 0 0 8100 0 0 1 0 0 0';
    }
    for my $pool (keys %POOLS) {
        for my $port (names("$libvirt/ports/$pool")) {
            my ($owner) = slurp("$libvirt/ports/$pool/$port") =~ m{<owner>.*<uuid>(.*?)</uuid></owner>}s;
            wrong("network $pool has port $port of $owner, who does not run") if $owner =~ /^00000000-/ && !grep { $_ eq $owner } values %has;
        }
    }
}

# A start is not refused while there is a VF for it: of each pool, one that nobody has, with a PF that is up, and that is
# reserved for nobody else.
sub try_starts {
    my $guest = first { !$_->{runs} } map { load($_) } shuffle 2 .. $GUESTS;
    return unless $guest;
    for my $pool (sort keys %POOLS) {
        my @free = grep { !-e "$root/given/$_" && !($_ eq $vfs[4]) && hex(slurp("$root/sys/class/net/$pf_of{$_}/flags") =~ s{\s}{}gr) & 1 } listed($pool);
        ($guest->{interfaces}, $guest->{says}) = ([ [ sprintf('52:54:00:0%d:00:01', $guest->{number}), $pool, '', '' ] ], '');
        # Nobody kills it.
        my $input = "$root/input.$$";
        spit($input, domain_xml($guest, 0));
        my ($status, $said) = run($input, undef, "$build/tests/kernel/hook/qemu", $guest->{name}, 'prepare', 'begin', '-');
        wrong("a start on $pool is refused with @free free: $said") if $status && @free;
        wrong("a start on $pool is granted with nothing free") if !$status && !@free;
        run($input, undef, "$build/tests/kernel/hook/qemu", $guest->{name}, 'release', 'end', '-');
        unlink $input;
        settled();
    }
}

# On purpose, to see that it is seen: $LOSE is setting, claim, or twice.
sub lose {
    my $guest = first { $_->{runs} } map { load($_) } 1 .. $GUESTS;
    set_mac((first { !-e "$root/given/$_" } @vfs), '52:54:00:ff:ff:ff') if $ENV{LOSE} eq 'setting';
    return if $ENV{LOSE} eq 'setting' || !$guest;
    my ($mac, $pool, undef, $vf, $port) = @{ $guest->{interfaces}[0] };
    unlink "$root/run/vfpool/guests/$guest->{uuid}.xml", map { "$root/run/vfpool/vfs/$_->[3]" } @{ $guest->{interfaces} };
    return if $ENV{LOSE} eq 'claim';
    forget_port($port, $pool, $vf);
    spit("$libvirt/networks/$pool.count/$_", '') for grep { $_ ne $vf } @vfs;
    give(load(first { $_ != $guest->{number} } 1 .. $GUESTS), [ '52:54:00:00:ff:01', $pool, '', '' ]);
}

# A claim whose hook was killed is its guest's until it is some minutes old, as it may be on its way: they are.
sub grow_old {
    for my $file (glob "$root/run/vfpool/guests/*.xml") {
        spit($file, slurp($file) =~ s/clock="[^"]*"/clock="-600000"/r);
    }
}

sub do_calm {
    settled();
    grow_old();
    vfpool('reconcile');
    settled();
    lose() if $ENV{LOSE};
    my $said = `$tests/checker $root`;
    wrong("tests/checker: $said") if $?;
    look_at_ledger();
    try_starts();
}

1;
