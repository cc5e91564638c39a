# ocr_cancel ends running work within a second, and its engine; what was read stays readable.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('cancel', 'pg_ocr.workers' => 1, 'pg_ocr.poll_interval' => '1h');
my $job = submit($server, 'multipage.pdf');
my $behind = submit($server, 'phototest.tif');
my ($worker, $engine) = wait_for_page($server, $job);

my $seconds = seconds(
	sub {
		is($server->safe_psql('postgres', "SELECT ocr_cancel($job)"), 't', 'a running job is cancelled');
		wait_for_end_of($engine);
	});
cmp_ok($seconds, '<', 1, 'its engine is gone within a second');
is(status($server, $job)->{status}, 'cancelled', 'the job says so');
is($server->safe_psql('postgres', "SELECT ocr_cancel($job)"), 'f', 'a second time nothing changes');
is(ended($server, $behind)->{status}, 'completed', 'the worker goes on with the next job');
is($server->safe_psql('postgres', 'SELECT pid FROM ocr.workers'), $worker, 'and is the same process');
is(status($server, $job)->{status}, 'cancelled', 'a cancelled job stays cancelled');
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.tasks'), 0, 'no task is left');
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.documents'), 0, 'and no document');

my $later = submit($server, 'phototest.tif', "run_at => now() + interval '1 hour'");
is($server->safe_psql('postgres', "SELECT ocr_cancel($later)"), 't', 'a pending job is cancelled');
is(status($server, $later)->{status}, 'cancelled', 'and says so');
is($server->safe_psql('postgres', "SELECT ocr_cancel($behind)"), 'f', 'a completed job is not');

# A cancel that is rolled back has not happened.
$job = submit($server, 'multipage.pdf', "pages => '1'");
wait_for_page($server, $job);
$server->safe_psql('postgres', "BEGIN; SELECT ocr_cancel($job); ROLLBACK");
my $status = ended($server, $job);
is("$status->{status} after $status->{attempts}", 'completed after 1', 'a cancel that is rolled back never happened');

$server->stop;
done_testing();
