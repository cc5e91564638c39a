# Submitting takes effect at COMMIT: an idle worker starts at once, and who listens hears of the end.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use PgOcr;

# Whoever polls would poll after the end of this test's patience: only a wake-up can start the work.
my $server = new_server('wakeup', 'pg_ocr.poll_interval' => '1h');
# The first job brings the workers; then each has looked into the queue, and waits.
ended($server, submit($server, 'phototest.tif'));
$server->safe_psql('postgres', 'DELETE FROM ocr.jobs');
wait_until($server, "SELECT count(*) = 2 FROM ocr.workers WHERE state = 'idle'");

my $listener = $server->background_psql('postgres');
$listener->query_safe('LISTEN ocr');

my $session = $server->background_psql('postgres');
$session->query_safe('BEGIN');
my $undone = $session->query_safe('SELECT ocr_submit(' . PgOcr::document('phototest.tif') . ')');
$session->query_safe('ROLLBACK');
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.jobs, ocr.tasks'), 0, 'what was rolled back never happened');
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.documents'), 0, 'nor was its document kept');

$session->query_safe('BEGIN');
my $job = $session->query_safe('SELECT ocr_submit('
	  . PgOcr::document('phototest.tif') . ", batch => 'morning', metadata => '{\"invoice\": 7}')");
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.jobs'), 0, 'nobody sees a job before its COMMIT');
$session->query_safe('COMMIT');
is(ended($server, $job)->{status}, 'completed', 'an idle worker starts at COMMIT');

# psql prints what it heard when it has answered a query.
my $heard = '';
wait_until($server, "SELECT status = 'completed' FROM ocr.jobs WHERE id = $job");
for (1 .. 1000)
{
	$heard .= $listener->query('SELECT 1');
	last if $heard =~ /Asynchronous notification "ocr"/;
	Time::HiRes::usleep(10_000);
}
my ($payload) = $heard =~ /Asynchronous notification "ocr" with payload "(.*)" received/;
ok($payload, 'a listener hears of the end') or diag($heard);
my $said = decode_json($payload // '{}');
is("$said->{job_id} $said->{status} $said->{batch} $said->{metadata}{invoice}", "$job completed morning 7",
	'and what it is about');
ok($said->{verdict}, 'and the verdict');

# ocr_wait ends when the job does, not at its time-out.
my $second = submit($server, 'phototest.tif');
is($server->safe_psql('postgres', "SELECT status FROM ocr_wait($second, '1 hour')"), 'completed', 'ocr_wait sees the end');

# A job for later starts when its time has come, though nobody nudges a worker then.
my $later = submit($server, 'phototest.tif', "run_at => now() + interval '1 second'");
is(ended($server, $later)->{status}, 'completed', 'a job for later runs when its time has come');
is($server->safe_psql('postgres', "SELECT started_at >= run_at FROM ocr.jobs WHERE id = $later"), 't', 'and not before');

$listener->quit;
$session->quit;
$server->stop;
done_testing();
