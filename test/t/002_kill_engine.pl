# An engine killed in the middle of a page costs an attempt, nothing else: not the worker, not the server, no page.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('engine', 'pg_ocr.workers' => 1);
my $slowly = q{options => '{"dpi": 800}'};
my $started = $server->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');

my $job = submit($server, 'multipage.pdf', "pages => '1-3', $slowly");
my ($worker, $engine, $page) = wait_for_page($server, $job);
ok(kill('KILL', $engine), "the engine is killed on page $page");
my $status = ended($server, $job);

is($status->{status}, 'completed', 'the job completes');
is($status->{attempts}, 2, 'the crash was counted as an attempt');
is("$status->{pages_done} of $status->{pages_total}, $status->{pages_failed} failed", '3 of 3, 0 failed',
	'every page is read');
is($status->{error_code}, undef, 'a completed job shows no error');
is($server->safe_psql('postgres', "SELECT count(*), count(DISTINCT page_no) FROM ocr.pages WHERE job_id = $job"),
	'3|3', 'no page is read twice');

is($server->safe_psql('postgres', 'SELECT pid FROM ocr.workers'), $worker, 'the worker is the same process');
isnt($server->safe_psql('postgres', 'SELECT engine_pid FROM ocr.workers'), $engine, 'the engine is another');
is($server->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $started, 'the server was not restarted');
unlike(PostgreSQL::Test::Utils::slurp_file($server->logfile), qr/terminating any other active server processes/,
	'and did not recover from a crash');

# An engine that dies on the same page every time costs that page only.
$server->append_conf('postgresql.conf', 'pg_ocr.max_attempts = 2');
$server->reload;
$job = submit($server, 'multipage.pdf', "pages => '1-2', $slowly");
for my $attempt (1 .. 2)
{
	wait_until($server, "SELECT attempts = $attempt FROM ocr.jobs WHERE id = $job");
	($worker, $engine, $page) = wait_for_page($server, $job);
	is($page, 1, "attempt $attempt is at page 1");
	kill('KILL', $engine);
	wait_for_end_of($engine);
	wait_until($server, "SELECT NOT EXISTS (SELECT FROM ocr.workers WHERE engine_pid = $engine)");
}
$status = ended($server, $job);
is("$status->{status} $status->{pages_done} $status->{pages_failed}", 'completed 2 1', 'one bad page never costs the other');
is($server->safe_psql('postgres', "SELECT string_agg(page_no || ' ' || status || ' ' || coalesce(error_code, '-'), ', ' ORDER BY page_no)
	FROM ocr.pages WHERE job_id = $job"), '1 failed engine_crashed, 2 read -', 'and it says what befell it');

$engine = $server->safe_psql('postgres', 'SELECT engine_pid FROM ocr.workers');
$server->stop;
ok(wait_for_end_of($engine), 'the engine ends with the server');
done_testing();
