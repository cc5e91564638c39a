# The engine is locked in, the log says how, and the engine's own process shows it.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('sandbox', 'pg_ocr.workers' => 1, 'pg_ocr.sandbox' => 'require');
is(ended($server, submit($server, 'phototest.tif'))->{status}, 'completed', 'documents are read where the sandbox is required');

my $job = submit($server, 'multipage.pdf', "pages => '1'");
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
ok(!opendir(my $descriptors, "/proc/$engine/fd"), 'not even its own user may look into it');
ended($server, $job);

like(PostgreSQL::Test::Utils::slurp_file($server->logfile), qr/seccomp/, 'the log names the protections');

$server->stop;
done_testing();
