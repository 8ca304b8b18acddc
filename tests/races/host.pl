# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The host: two PFs, their VFs as the kernel has them, the hooks, and what pools say. Part of drive.

use strict;
use warnings;
use File::Path qw(make_path);

our ($tests, $build, $root, $libvirt, $GUESTS, %pf_of, %number_of, @vfs, %index);

# --- the host --------------------------------------------------------------------

sub build_host { system("$tests/host/build", $root, @_) == 0 or die "tests/host/build @_\n" }

# What pools say, one of these at a time.
our %POOLS = (
    a => ["<pf dev='eth3' vfs='0-4'><reserve vfs='4' guest='g1'/></pf>", "order='spread' sticky='yes' wait='2'", "order='lru' sticky='yes'", "order='first'"],
    b => ["<pf dev='eth3' vfs='5-7'/><pf dev='eth4' vfs='0-3'/>", "order='lru' separate='require' override='all'", "order='pack' numa='prefer' override='all'"],
    c => ["<pf dev='eth4' vfs='4-7'/>", "order='pack' override='all' wait='1'", "order='first' override='order'", "carrier='require' override='all'"],
);
sub write_pool {
    my ($name, $which) = @_;
    my ($sources, @policies) = @{ $POOLS{$name} };
    my $policy = $policies[ $which % @policies ];
    spit("$root/etc/vfpool/$name.xml", "<network><name>$name</name><forward mode='hostdev' managed='yes'>$sources</forward>"
        . "<portgroup name='fast'/><metadata><v:pool xmlns:v='urn:vfpool:1' $policy><v:settings spoof-check='no' max-rate='100'/>"
        . "<v:settings portgroup='fast' trust='yes' max-rate='1000'/></v:pool></metadata></network>\n");
}

sub set_up {
    make_path("$root/run/libvirt/qemu", "$libvirt/networks", "$libvirt/domains", map { "$root/$_" } qw(usr/sbin given guests kernel bin etc/libvirt/qemu));
    build_host('add', 'eth3:vfs=8,numa=0', 'eth4:vfs=8,numa=1');
    for (`$tests/host/build $root list`) {
        my ($vf, $pf, $number) = split;
        ($pf_of{$vf}, $number_of{$vf}, $index{$vf}) = ($pf, $number, scalar @vfs);
        push @vfs, $vf;
    }
    for my $pf (qw(eth3 eth4)) {
        spit(kernel_file($pf), join '', map { own_mac($_) . " 0 0 8100 0 0 1 0 0 0\n" } grep { $pf_of{$_} eq $pf } @vfs);
    }
    spit("$root/bin/sh", '');
    chmod 0755, "$root/bin/sh";
    for (qw(qemu network daemon)) {
        spit("$root/etc/libvirt/hooks/$_", "#!/bin/sh\n# vfpool\n");
        chmod 0755, "$root/etc/libvirt/hooks/$_";
    }
    spit("$root/run/libvirt/libvirt-sock", '');
    system('cp', "$build/tests/libvirt/gate", "$root/usr/sbin/vfpool-gate") == 0 or die "cp\n";
    write_pool($_, 0) for keys %POOLS;
    witness();
    for my $number (1 .. $GUESTS) {
        my $guest = load($number);
        spit("$libvirt/domains/$guest->{uuid}.inactive", '');
        save($guest);
    }
}

# What the kernel has of a VF, fields of tests/kernel/rtnetlink.c's line.
sub kernel_file { my ($pf) = @_; return "$root/kernel/" . (slurp("$root/sys/class/net/$pf/ifindex") =~ s/\s//gr) }
sub kernel_line { my ($vf) = @_; return (split /\n/, slurp(kernel_file($pf_of{$vf})))[ $number_of{$vf} ] }
sub set_mac {
    my ($vf, $mac) = @_;
    locked("$root/kernel/lock", sub {
        my @lines = split /\n/, slurp(kernel_file($pf_of{$vf}));
        $lines[ $number_of{$vf} ] =~ s/^\S+/$mac/;
        spit(kernel_file($pf_of{$vf}), join '', map { "$_\n" } @lines);
    });
}
sub own_mac { my ($vf) = @_; return sprintf '52:54:00:aa:00:%02x', $index{$vf} }

1;
