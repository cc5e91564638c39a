# What fetches from the network lives beside its worker or backend: kept from one document to the next, ended with whoever
# needed it, and none of its deaths is anybody else's. Secrets stay where they were declared.
use strict;
use warnings;
use Test::More;
use PgOcr;
use Stores;

my $web = start_web();
my $server = new_server('fetch', 'pg_ocr.workers' => 1,
	shared_preload_libraries => 'pg_ocr,auto_explain', 'auto_explain.log_verbose' => 'on',
	'auto_explain.log_nested_statements' => 'on');
my $photo = pack 'H*', $server->safe_psql('postgres', "SELECT encode(" . document('phototest.tif') . ", 'hex')");
$web->put('photo.tif', $photo);
$web->put('large.tif', $photo . "\0" x 3_000_000);  # half a minute at 100 kB/s
$server->safe_psql('postgres', qq{
	CREATE SERVER web FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'https', endpoint '@{[$web->url]}', allow_private_addresses 'true');
	CREATE SERVER bearer FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'https', endpoint '@{[$web->url('/bearer')]}', allow_private_addresses 'true');
	CREATE SERVER silent FOREIGN DATA WRAPPER ocr_store OPTIONS (type 's3', bucket 'silent', endpoint '@{[$web->url('/unruly/silent')]}',
		allow_private_addresses 'true');
	CREATE ROLE alice; GRANT USAGE ON FOREIGN SERVER web, bearer TO alice;
	CREATE USER MAPPING FOR alice SERVER bearer OPTIONS (bearer_token 'the-token')});

sub submit_url
{
	my ($path, %options) = @_;
	my $as = $options{role} ? "SET ROLE $options{role};" : '';
	return $server->safe_psql('postgres', "$as SELECT ocr_submit('" . $web->url($path) . q{', options => '{"reuse": false}')});
}

sub worker { return $server->safe_psql('postgres', 'SELECT pid FROM ocr.workers') }

sub wait_for_fetch
{
	my ($job) = @_;
	wait_until($server, "SELECT count(*) = 1 FROM ocr.workers WHERE state = 'fetching' AND job_id = $job");
	my $worker = worker();
	my @http;
	do { @http = children_of($worker, 'pg_ocr_http') } until @http;
	return ($worker, $http[0]);
}

# One program for many documents.
my $job = submit_url('/open/photo.tif');
is(ended($server, $job)->{status}, 'completed', 'a document from a web server');
my @first = children_of(worker(), 'pg_ocr_http');
is(@first, 1, 'fetched by one program');
ended($server, submit_url('/open/photo.tif'));
is_deeply([ children_of(worker(), 'pg_ocr_http') ], \@first, 'which is kept for the next');
kill 'KILL', @first;
wait_for_end_of($first[0]);
my $ended = ended($server, submit_url('/open/photo.tif'));
is("$ended->{status} $ended->{attempts}", 'completed 1', 'one that died in between costs no attempt');

# Killed in the middle, it is that attempt's failure.
$job = submit_url('/slow/large.tif');
my ($worker, $http) = wait_for_fetch($job);
kill 'KILL', $http;
wait_until($server, "SELECT count(*) = 1 FROM ocr.failures WHERE job_id = $job");
like($server->safe_psql('postgres', "SELECT error_code || ': ' || error FROM ocr.failures WHERE job_id = $job"),
	qr/^store_unavailable: pg_ocr_http was killed by signal 9/, 'killed in the middle of a document, it is missed');
is(worker(), $worker, 'and not by its worker');
is(ended($server, submit_url('/open/photo.tif'))->{status}, 'completed', 'which goes on with others');

# Cancelled in the middle.
(undef, $http) = wait_for_fetch($job);
is($server->safe_psql('postgres', "SELECT ocr_cancel($job)"), 't', 'cancelled while it is fetched');
wait_for_end_of($http);
wait_until($server, "SELECT state = 'idle' FROM ocr.workers");
pass('the fetch ends, and the worker is free');
is(status($server, $job)->{status}, 'cancelled', 'the job is cancelled');

# The worker is told to go in the middle.
$job = submit_url('/slow/large.tif');
($worker, $http) = wait_for_fetch($job);
$server->safe_psql('postgres', "SELECT pg_terminate_backend($worker)");
wait_for_end_of($worker);
wait_for_end_of($http);
my (undef, $next) = wait_for_fetch($job);
is(status($server, $job)->{attempts}, 1, 'a worker that goes gives the job back, its attempt not counted, and takes its program with it');
$server->safe_psql('postgres', "SELECT ocr_cancel($job)");
wait_for_end_of($next);

# Killed without a word, its child does not outlive it.
$job = submit_url('/slow/large.tif');
($worker, $http) = wait_for_fetch($job);
kill 'KILL', $worker;
wait_for_end_of($http);
pass('a worker that is killed leaves no program behind');
wait_until($server, 'SELECT true');
$server->safe_psql('postgres', "SELECT ocr_cancel($job)");

# A backend's own: cancelled, timed out, terminated.
for my $call (q{SELECT * FROM ocr_objects('silent')}, q{SELECT ocr_put('s3://silent/x', '\x01')}, q{SELECT ocr_ingest('silent')})
{
	my $session = $server->background_psql('postgres', on_error_stop => 0);
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	$session->query("SET statement_timeout = '500ms'; $call");
	is_deeply([ children_of($pid, 'pg_ocr_http') ], [], "$call: that times out leaves nothing behind");
	is($session->query("SELECT 'alive'"), 'alive', 'but its session');
	$session->quit;
}
my $session = $server->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query_safe('SELECT pg_backend_pid()');
$session->query_until(qr/^$/, "SELECT * FROM ocr_objects('silent');\n");
wait_until($server, "SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = $pid AND state = 'active'");
my @of_session;
do { @of_session = children_of($pid, 'pg_ocr_http') } until @of_session;
$server->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
wait_for_end_of($_) for $pid, @of_session;
pass('a session that is terminated takes its program with it');
eval { $session->quit };

# Secrets are in no log, no error, no table, no command line.
$server->append_conf('postgresql.conf', "log_statement = 'all'\nlog_min_messages = debug1\nlog_min_duration_statement = 0\nlog_parameter_max_length_on_error = -1\n");
$server->reload;
is(ended($server, submit_url('/bearer/photo.tif', role => 'alice'))->{status}, 'completed', 'a document behind a token');
my ($of_worker) = children_of(worker(), 'pg_ocr_http');
unlike(PostgreSQL::Test::Utils::slurp_file("/proc/$of_worker/cmdline"), qr/the-token/, 'no secret in its command line');
# auto_explain shows the constants of every plan, and what is in a variable of a function becomes one.
$server->append_conf('postgresql.conf', "auto_explain.log_min_duration = 0\n");
$server->reload;
my $before = length PostgreSQL::Test::Utils::slurp_file($server->logfile);
$server->safe_psql('postgres', 'ALTER USER MAPPING FOR alice SERVER bearer OPTIONS (SET bearer_token $$wrong-secret$$)');
$job = submit_url('/bearer/photo.tif', role => 'alice');
is(ended($server, $job)->{error_code}, 'store_denied', 'a wrong token');
unlike($server->safe_psql('postgres', "SELECT j::text, f::text FROM ocr.jobs j JOIN ocr.failures f ON f.job_id = j.id WHERE j.id = $job"),
	qr/wrong-secret/, 'no secret in the job');
my (undef, undef, $error) = $server->psql('postgres', q{SET ROLE alice; SELECT ocr_put('} . $web->url('/bearer/new') . q{', '\x01')});
like($error, qr/ERROR/, 'a call that is denied');
unlike($error, qr/wrong-secret/, 'no secret in its error');
my $logged = substr(PostgreSQL::Test::Utils::slurp_file($server->logfile), $before) =~ s/ statement: ALTER USER MAPPING.*//r;
like($logged, qr/Query Text: .*options_of_server/, 'plans are logged');
unlike($logged, qr/wrong-secret|the-token/, 'no secret in the log');

$server->stop;
done_testing();
