# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Guests, and the libvirt that starts and ends them, on files. Part of drive.

use strict;
use warnings;
use Fcntl qw(O_CREAT O_EXCL O_WRONLY);
use File::Path qw(make_path);
use POSIX ();
use List::Util qw(first max);
use Time::HiRes qw(time);

our ($root, $libvirt, %index);

# --- guests ----------------------------------------------------------------------

sub uuid_of { my ($number) = @_; return sprintf '00000000-0000-4000-8000-0000000000%02d', $number }

# A guest is what is in guests/N: its name, what its interfaces are (MAC, pool, portgroup), and of one that runs,
# which VF each has, and its port.
sub load {
    my ($number) = @_;
    my $text = slurp("$root/guests/$number");
    my %guest = (number => $number, uuid => uuid_of($number), name => "g$number", runs => 0, interfaces => [], says => '');
    for (split /\n/, $text // '') {
        my ($word, @values) = split / /, $_, -1;
        if    ($word eq 'interface') { push @{ $guest{interfaces} }, [@values] }
        elsif ($word eq 'name') { $guest{name} = $values[0] }
        elsif ($word eq 'runs') { $guest{runs} = $values[0] }
        elsif ($word eq 'says') { $guest{says} = "@values" }
    }
    return \%guest;
}
sub save {
    my ($guest) = @_;
    spit("$root/guests/$guest->{number}", join '', "name $guest->{name}\n", "runs $guest->{runs}\n", "says $guest->{says}\n",
        map { 'interface ' . join(' ', map { $_ // '' } @$_[0 .. 4]) . "\n" } @{ $guest->{interfaces} });
}

sub address_xml {
    my ($vf) = @_;
    my ($domain, $bus, $slot, $function) = $vf =~ /^(.{4}):(..):(..)\.(.)$/;
    return "domain='0x$domain' bus='0x$bus' slot='0x$slot' function='0x$function'";
}
# domain_xml GUEST LIVE: as libvirt hands it to a hook; LIVE: with what the interfaces have
sub domain_xml {
    my ($guest, $live) = @_;
    my $text = "<domain type='qemu' id='1'><name>$guest->{name}</name><uuid>$guest->{uuid}</uuid>"
        . ($guest->{says} ? "<metadata><v:guest xmlns:v='urn:vfpool:1' $guest->{says}/></metadata>" : '')
        . "<memory unit='KiB'>65536</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type></os><devices>";
    for (@{ $guest->{interfaces} }) {
        my ($mac, $pool, $group, $vf) = @$_;
        $text .= $live && $vf
            ? "<interface type='hostdev' managed='yes'><mac address='$mac'/><source><address type='pci' " . address_xml($vf) . '/></source></interface>'
            : "<interface type='network'><mac address='$mac'/><source network='$pool'" . ($group ? " portgroup='$group'" : '') . '/></interface>';
    }
    return "$text</devices></domain>\n";
}
sub hook_data {
    my ($guest, $port, $mac, $group, $vf) = @_;
    return "<hookData><network connections='1'><name>network</name><forward mode='hostdev' managed='yes'/></network><networkport>"
        . "<uuid>$port</uuid><owner><name>$guest->{name}</name><uuid>$guest->{uuid}</uuid></owner>"
        . ($group ? "<group>$group</group>" : '') . "<mac address='$mac'/><plug type='hostdev-pci' managed='yes'>"
        . '<address ' . address_xml($vf) . "/></plug></networkport></hookData>\n";
}

# --- libvirt ---------------------------------------------------------------------

# A port's UUID, another one each time: libvirt that lost count gives a guest its own VF again.
sub new_port { my ($guest) = @_; return sprintf 'a%07d-0000-4000-8000-%012x', $guest->{number}, time * 1e5 }
sub count_ports {
    my ($pool, $change) = @_;
    my $file = "$libvirt/networks/$pool.connections";
    spit($file, max(0, (slurp($file) // 0) + $change) . "\n");
}
sub listed {
    my ($pool) = @_;
    my $text = slurp("$libvirt/networks/$pool.active") // '';
    my @listed;
    push @listed, "$1:$2:$3.$4" while $text =~ /<address type=.pci. domain=.0x(....). bus=.0x(..). slot=.0x(..). function=.0x(.)./g;
    return @listed;
}

# give GUEST INTERFACE: libvirt gives it the first VF that it counts free. Return: whether it has one.
sub give {
    my ($guest, $interface) = @_;
    my ($mac, $pool, $group) = @$interface;
    return alone(sub {
        my $vf = first { !-e "$libvirt/networks/$pool.count/$_" } listed($pool);
        return 0 unless $vf;
        my $port = new_port($guest);
        spit("$libvirt/ports/$pool/$port.xml", "<networkport><uuid>$port</uuid><owner><name>$guest->{name}</name><uuid>$guest->{uuid}</uuid></owner>"
            . "<mac address='$mac'/><plug type='hostdev-pci' managed='yes'><driver name='vfio'/><address " . address_xml($vf) . "/></plug></networkport>\n");
        spit("$libvirt/networks/$pool.count/$vf", '');
        count_ports($pool, 1);
        my ($status, $said) = hook('network', hook_data($guest, $port, $mac, $group, $vf), $pool, 'port-created', 'begin', '-');
        if ($status) {
            forget_port($port, $pool, $vf);
            return 0;
        }
        sysopen my $file, "$root/given/$vf", O_CREAT | O_EXCL | O_WRONLY
            or wrong("VF $vf is given to $guest->{name}, and " . (slurp("$root/given/$vf") // '') . " has it");
        print $file $guest->{name};
        close $file;
        @$interface[3, 4] = ($vf, $port);
        return 1;
    });
}
sub forget_port {
    my ($port, $pool, $vf) = @_;
    unlink "$libvirt/networks/$pool.count/$vf";
    count_ports($pool, -1) if unlink "$libvirt/ports/$pool/$port.xml";
}
# take GUEST INTERFACE: it has no use for it any more
sub take {
    my ($guest, $interface) = @_;
    my ($mac, $pool, $group, $vf, $port) = @$interface;
    return unless $vf;
    set_mac($vf, own_mac($vf));
    alone(sub {
        unlink "$root/given/$vf" or wrong("$guest->{name} had $vf, and it is gone");
        # One that lost count, or was ended and made again by reconcile, may not know it.
        my $known = -e "$libvirt/ports/$pool/$port.xml";
        forget_port($port, $pool, $vf);
        hook('network', hook_data($guest, $port, $mac, $group, $vf), $pool, 'port-deleted', 'begin', '-') if $known;
    });
    @$interface[3, 4] = ('', '');
}

# hold VF: QEMU has it open, a process that does nothing else; let_go VF: it has ended
sub hold {
    my ($vf) = @_;
    my $device = "$root/sys/bus/pci/devices/$vf";
    my $group = "$root/dev/vfio/" . (readlink("$device/iommu_group") =~ s{.*/}{}r);
    spit("$root/drivers/$vf", readlink("$device/driver") // '');
    unlink "$device/driver";
    symlink '../vfio-pci', "$device/driver" or die "$device/driver: $!\n";
    spit($group, '') unless -e $group;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        local $^F = 1000;    # what is opened now stays open
        open my $file, '<', $group or POSIX::_exit(99);
        open STDERR, '>', '/dev/null';
        open STDOUT, '>', '/dev/null';
        exec 'sleep', '7200' or POSIX::_exit(99);
    }
    spit("$root/held/$vf", $pid);
}
sub let_go {
    my ($vf) = @_;
    my $pid = slurp("$root/held/$vf") // return;
    kill KILL => $pid;
    waitpid $pid, 0;    # where it is this process's own
    while (my @open = glob "/proc/$pid/fd/*") { select undef, undef, undef, 0.001 }
    my $device = "$root/sys/bus/pci/devices/$vf";
    my $driver = slurp("$root/drivers/$vf");
    unlink "$root/held/$vf", "$root/drivers/$vf", "$device/driver";
    symlink $driver, "$device/driver" if $driver;
}

# over GUEST: what libvirt does when a start failed, or a life is over
sub over {
    my ($guest) = @_;
    let_go($_->[3]) for grep { $_->[3] } @{ $guest->{interfaces} };
    unlink "$libvirt/domains/$guest->{uuid}.xml";
    my $live = domain_xml($guest, 1);
    hook('qemu', $live, $guest->{name}, 'stopped', 'end', '-');
    take($guest, $_) for @{ $guest->{interfaces} };
    hook('qemu', domain_xml($guest, 0), $guest->{name}, 'release', 'end', '-');
    unlink "$root/run/libvirt/qemu/$guest->{name}.xml";
    @$guest{qw(runs)} = (0);
    $guest->{interfaces} = [ grep { $_->[0] !~ /:ff:/ } @{ $guest->{interfaces} } ];    # what was plugged is gone
    save($guest);
}
# start GUEST: Return: whether it runs
sub start {
    my ($guest, $operation) = @_;
    my ($status) = hook('qemu', domain_xml($guest, 0), $guest->{name}, $operation // 'prepare', 'begin', '-');
    my $fine = $status == 0;
    for (@{ $guest->{interfaces} }) { $fine &&= give($guest, $_); set_mac($_->[3], $_->[0]) if $fine }
    if ($fine) {
        # Begun: with a PID file, and what a restart finds.
        spit("$libvirt/domains/$guest->{uuid}.xml", domain_xml($guest, 1));
        spit("$root/run/libvirt/qemu/$guest->{name}.xml", '');
        ($status) = hook('qemu', domain_xml($guest, 1), $guest->{name}, 'start', 'begin', '-');
        $fine = $status == 0;
    }
    if (!$fine) {
        over($guest);
        return 0;
    }
    hold($_->[3]) for @{ $guest->{interfaces} };
    $guest->{runs} = 1;
    save($guest);
    return 1;
}

# witness: libvirt's daemon, which this process is, has found the hooks
sub witness {
    my ($pid, $stat) = ($$, slurp("/proc/$$/stat"));
    my $text = "$pid " . (split / /, $stat =~ s/.*\) //r)[19] . "\n";
    for my $name (qw(daemon network)) {
        my $stamp = `stat -c '%i %.9Y' '$root/etc/libvirt/hooks/$name'` =~ tr/.\n//dr;
        $text .= "$stamp etc/libvirt/hooks/$name\n";
    }
    spit("$root/run/vfpool/witness/daemon", $text);
}

1;
