# Tries from inside what a setting of bide.service forbids. One line for each setting that could be tried:
# `SETTING yes` if it is in force, `SETTING no: WHY` if not. For x86-64; Debian's perl-base is enough.
#
#   perl probe.pl DIRECTORY      a directory that the user may write, such as /var/lib/bide
#
# The machine that it runs on must have /tmp/outside, /dev/outside, and /opt/open, which everybody may write.
use strict;
use warnings;
use Errno qw(EACCES EPERM EROFS EAFNOSUPPORT);
use Socket;

my $dir = $ARGV[0];
$| = 1;

sub tell_of($$$) { my ($setting, $holds, $why) = @_; print "$setting ", $holds ? "yes" : "no: $why", "\n"; }

sub slurp { open(my $file, '<', $_[0]) or return ''; local $/; my $text = <$file>; return $text // ''; }

# A system call that must fail with EPERM, or with EACCES where the kernel itself denies writable code (from systemd 253 on).
sub refused {
    my ($setting, @call) = @_;
    $! = 0;
    my $result = syscall(shift @call, @call);
    my $denied = $! == EPERM || $! == EACCES && $setting eq 'MemoryDenyWriteExecute';
    tell_of($setting, $result == -1 && $denied, "it returned $result, $!");
}

my $status = slurp('/proc/self/status');
tell_of('CapabilityBoundingSet', $status =~ /^CapBnd:\t0+$/m, 'CapBnd is not empty');
tell_of('NoNewPrivileges', $status =~ /^NoNewPrivs:\t1$/m, 'NoNewPrivs is not 1');

# Options of the mount at exactly this place, or "".
sub mount_options {
    my $options = '';
    for (split /\n/, slurp('/proc/self/mountinfo')) { my @field = split / /; $options = $field[5] if $field[4] eq $_[0]; }
    return $options;
}
tell_of('ProtectControlGroups', mount_options('/sys/fs/cgroup') =~ /^ro/, '/sys/fs/cgroup is not mounted read-only');
tell_of('ProtectHome', mount_options('/home') =~ /^ro/ && mount_options('/root') =~ /^ro/, 'nothing is over /home and /root');
tell_of('ProtectKernelModules', mount_options('/usr/lib/modules') =~ /^ro/, 'nothing is over /usr/lib/modules');
tell_of('PrivateTmp', !-e '/tmp/outside', 'it sees /tmp/outside');
tell_of('PrivateDevices', !-e '/dev/outside', 'it sees /dev/outside');
tell_of('ProcSubset', !-e '/proc/meminfo', 'it sees /proc/meminfo');
tell_of('ProtectProc', !-e '/proc/1', 'it sees /proc/1');
tell_of('PrivateUsers', slurp('/proc/self/uid_map') !~ /^\s*0\s+0\s+4294967295/, 'all users are mapped');

$! = 0;
my $written = open(my $file, '>', '/opt/open/file');
tell_of('ProtectSystem', !$written && $! == EROFS, 'it may write /opt/open');

my $own = "$dir/probe";
open($file, '>', $own) or die "$own: $!";
my @stat = stat $own;
tell_of('UMask', ($stat[2] & 0777) == 0600, sprintf('a new file has mode %o', $stat[2] & 0777));
tell_of('RestrictSUIDSGID', !chmod(04700, $own) && $! == EPERM, 'a file was made set-user-ID');
chmod 0600, $own;

tell_of('RestrictAddressFamilies', !socket(my $netlink, 16, SOCK_DGRAM, 0) && $! == EAFNOSUPPORT, 'AF_NETLINK is allowed');
for (AF_INET, AF_INET6, AF_UNIX) { socket(my $one, $_, SOCK_STREAM, 0) or tell_of('RestrictAddressFamilies', 0, "family $_: $!"); }

# Each of these would do something else without the setting, so that EPERM says that it is in force.
refused('SystemCallFilter', 438, syscall(434, $$ + 0, 0), 0, 0);                      # pidfd_getfd of its own file 0
refused('SystemCallFilter-@privileged', 92, my $path = $own, $stat[4], $stat[5]);     # chown to oneself
refused('SystemCallFilter-@resources', 141, 0, 0, 19);                                # setpriority: be nicer
refused('MemoryDenyWriteExecute', 9, 0, 4096, 6, 0x22, -1, 0);                        # mmap
refused('LockPersonality', 135, 0x0400000);                                           # READ_IMPLIES_EXEC
refused('RestrictNamespaces', 272, 0x10000000);                                       # unshare(CLONE_NEWUSER)
my $limit = "\0" x 16;
tell_of('SystemCallFilter-prlimit64', syscall(302, 0, 7, 0, $limit) == 0, "prlimit64: $!");

# The smallest 32-bit program: exit(42).
my $code = "\xb8\x01\0\0\0\xbb\x2a\0\0\0\xcd\x80";
open($file, '>:raw', "$dir/small") or die "$dir/small: $!";
print $file pack('A4C12vvVVVVVvvvvvv', "\x7fELF", 1, 1, 1, (0) x 9, 2, 3, 1, 0x8048054, 52, 0, 0, 52, 32, 1, 0, 0, 0),
    pack('V8', 1, 0, 0x8048000, 0x8048000, 84 + length $code, 84 + length $code, 5, 4096), $code;
close $file;
chmod 0700, "$dir/small";
my $ended = system("$dir/small");
tell_of('SystemCallArchitectures', $ended != 42 << 8, 'a 32-bit program runs') if $ended != -1;
unlink $own, "$dir/small";
