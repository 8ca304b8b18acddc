# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is read and written, and the programs that are tried: they may be killed, and have a clock of their own. Part of drive.

use strict;
use warnings;
use Fcntl qw(:flock);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(time);

our ($build, $root, $libvirt, $LONGEST, %environment);

# --- files -----------------------------------------------------------------------

sub spit {
    my ($path, $text) = @_;
    make_path(dirname($path));
    open my $file, '>', "$path.new" or die "$path: $!\n";
    print $file $text;
    close $file or die "$path: $!\n";
    rename "$path.new", $path or die "$path: $!\n";
}
sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or return;
    local $/;
    return <$file> // '';
}
sub names { my ($path) = @_; return map { s{.*/}{}r } sort glob "$path/*" }

# locked PATH CODE: with the lock of that file, as others take it with flock(2)
sub locked {
    my ($path, $code) = @_;
    open my $lock, '>>', $path or die "$path: $!\n";
    flock $lock, LOCK_EX or die "$path: $!\n";
    my @said = $code->();
    close $lock;
    return wantarray ? @said : $said[0];
}
# What libvirt does itself nobody sees half done, and no hook or gate meanwhile (F32).
sub alone { return locked("$libvirt/lock", @_) }

sub wrong { die "wrong: @_\n" }

# --- programs --------------------------------------------------------------------

# run INPUT KILL COMMAND...: the exit status, and what it said; KILL: after so many seconds it is killed. 137: it was.
sub run {
    my ($input, $kill, @command) = @_;
    my $out = "$root/said.$$";
    my $begin = time;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDIN, '<', $input // '/dev/null' or POSIX::_exit(99);
        open STDOUT, '>', $out or POSIX::_exit(99);
        open STDERR, '>&', \*STDOUT or POSIX::_exit(99);
        %ENV = %environment;
        my $clock = slurp("$root/clock");
        @ENV{'LD_PRELOAD', 'CLOCK_OFFSET'} = ("$build/tests/races/clock.so", $clock) if $clock;
        chdir '/';
        exec { $command[0] } @command or POSIX::_exit(99);
    }
    my $deadline = $begin + ($kill // $LONGEST);
    my $step = 0.001;
    while (waitpid($pid, WNOHANG) == 0) {
        if (time >= $deadline) {
            kill KILL => $pid;
            waitpid $pid, 0;
            wrong("@command took $LONGEST s") unless defined $kill;
            last;
        }
        select undef, undef, undef, $step;
        $step = 0.01 if $step < 0.01 && time > $begin + 0.05;
    }
    my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    my $said = slurp($out) // '';
    unlink $out;
    my $took = time - $begin;
    if (open my $file, '>>', "$root/took") { printf $file "%.3f %s %d\n", $took, "@command[0..1]" =~ s{.*/}{}r, $status }
    wrong("@command: exit status $status: $said") unless grep { $status == $_ } 0, 1, 3 .. 6, 137;
    wrong("@command: exit status $status, and not one line: $said")
        if $status > 0 && $status < 7 && (grep { /^vfpool: (?!note: )/ } split /\n/, $said) != 1 && $command[-1] ne 'status';
    return ($status, $said);
}

# A hook may be killed, where it takes long enough.
sub hook {
    my ($name, $text, @arguments) = @_;
    my $input = "$root/input.$$";
    spit($input, $text);
    my ($status, $said) = run($input, rand() < 1 / 12 ? rand(0.04) : undef, "$build/tests/kernel/hook/$name", @arguments);
    unlink $input;
    return ($status, $said);
}
sub vfpool { return run(undef, undef, "$build/tests/kernel/hook/vfpool", @_) }

1;
