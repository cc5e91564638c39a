# The engine is locked in, the log says how, and the engine's own process shows it.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('sandbox', 'pg_ocr.workers' => 1, 'pg_ocr.sandbox' => 'require');
is(ended($server, submit($server, 'phototest.tif'))->{status}, 'completed', 'documents are read where the sandbox is required');

my ($job) = submit($server, 'multipage.pdf');
my ($worker, $engine) = wait_for_page($server, $job);
my $process = PostgreSQL::Test::Utils::slurp_file("/proc/$engine/status");
like($process, qr/^Seccomp:\s+2$/m, 'its system calls are filtered');
like($process, qr/^NoNewPrivs:\s+1$/m, 'it can gain no privilege');
like($process, qr/^Threads:\s+1$/m, 'it has one thread');
like($process, qr/^PPid:\s+$worker$/m, "it is its worker's child");
my $limits = PostgreSQL::Test::Utils::slurp_file("/proc/$engine/limits");
like($limits, qr/^Max file size\s+0\s/m, 'it can write no file');
like($limits, qr/^Max core file size\s+0\s/m, 'it leaves no core');
like($limits, qr/^Max address space\s+\d/m, 'its memory is limited');
like($limits, qr/^Max cpu time\s+\d/m, 'its time is limited');
my @sockets = grep { (readlink($_) // '') =~ /^socket:/ } glob "/proc/$engine/fd/*";
is(scalar(@sockets), 1, 'its only socket is the one to its worker');
is(scalar(grep { (readlink($_) // '') =~ m{/(base|global|pg_wal)/} } glob "/proc/$engine/fd/*"), 0,
	"none of the server's files is open in it");
open(my $environment, '<', "/proc/$engine/environ") or die "environ: $!";
my %variables = map { (split /=/, $_, 2)[0] => 1 } split /\0/, do { local $/; <$environment> };
is(join(' ', grep { /^PG/ } sort keys %variables), '', "nothing of the server's environment is in it");
ended($server, $job);

like(PostgreSQL::Test::Utils::slurp_file($server->logfile), qr/seccomp/, 'the log names the protections');

$server->stop;
done_testing();
