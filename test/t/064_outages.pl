# Whatever dies while a document is fetched, be it pg_ocr_http, a worker, the server or the store: the job completes, and
# nothing is left behind.
use strict;
use warnings;
use Test::More;
use List::Util qw(max);
use PostgreSQL::Test::Utils;
use PgOcr;
use Stores;

my $web = start_web();
my $server = new_server('outages', 'pg_ocr.poll_interval' => '1s');
$web->put('page.tif', document_bytes('phototest.tif'));
$web->put('simple.png', document_bytes('simple.png'));

sub sql { return $server->safe_psql('postgres', $_[0]) }
sub submit_gated { my ($gate) = @_; return sql("SELECT ocr_submit('" . $web->unruly_url("/gate/$gate/page.tif") . q{', options => '{"reuse": false}')}) }
sub declare { sql("CREATE SERVER unruly FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'https', endpoint '" . $web->unruly_url . "', allow_private_addresses 'true')") }

# Submits a document of which half is fetched; returns the job and its worker.
sub half_fetched
{
	my ($gate) = @_;
	my $job = submit_gated($gate);
	$web->wait_at_gate($gate, 1);
	return ($job, sql("SELECT pid FROM ocr.workers WHERE job_id = $job"));
}

sub completes
{
	my ($job, $what) = @_;
	my $end = ended($server, $job);
	is("$end->{status} $end->{pages_done}/$end->{pages_total} " . ($end->{error} // ''), 'completed 1/1 ', $what);
	is(sql("SELECT count(*) FROM ocr.pages WHERE job_id = $job"), 1, 'with its page once');
}

sub fetchers_of { return children_of($_[0], 'pg_ocr_http') }

declare();

# What fetches dies.
my ($job, $worker) = half_fetched('http');
my ($fetcher) = fetchers_of($worker);
kill('KILL', $fetcher);
wait_for_end_of($fetcher);
$web->open_gate('http');
completes($job, 'a job whose pg_ocr_http was killed completes');
ok(is_running($worker), 'by a worker that lives on');

# The worker dies; the postmaster ends the other one with it.
($job, $worker) = half_fetched('worker');
($fetcher) = fetchers_of($worker);
kill('KILL', $worker);
wait_for_end_of($fetcher);
pass('no pg_ocr_http outlives its worker');
$web->open_gate('worker');
completes($job, 'a job whose worker was killed completes');

# The server is stopped, fast and at once.
for my $mode (qw(fast immediate))
{
	($job, $worker) = half_fetched($mode);
	($fetcher) = fetchers_of($worker);
	$server->stop($mode);
	wait_for_end_of($fetcher);
	pass("no pg_ocr_http outlives a server that was stopped ($mode)");
	$server->start;
	$web->open_gate($mode);
	completes($job, 'and its job completes after the start');
}

# The owner does not want it any more.
($job, $worker) = half_fetched('cancelled');
is(sql("SELECT ocr_cancel($job)"), 't', 'a job is cancelled while it is fetched');
$web->wait_at_gate('cancelled', 0);
pass('which ends the transfer');
$web->open_gate('cancelled');
wait_until($server, "SELECT count(*) = 2 FROM ocr.workers WHERE job_id IS NULL");
is(sql("SELECT status FROM ocr.jobs WHERE id = $job"), 'cancelled', 'and it stays cancelled');
ok(is_running($worker), 'its worker lives on');

# Nor is the server declared any more, or the extension there.
($job, $worker) = half_fetched('dropped');
sql('DROP SERVER unruly CASCADE');
$web->open_gate('dropped');
my $end = ended($server, $job);
like("$end->{status} " . ($end->{error_code} // ''), qr/^(completed |failed store_undeclared)$/, 'a store is dropped while a document of it is fetched');
declare();
($job, $worker) = half_fetched('extension');
($fetcher) = fetchers_of($worker);
sql('DROP EXTENSION pg_ocr CASCADE');
wait_for_end_of($worker);
wait_for_end_of($fetcher);
pass('no process outlives the extension');
$web->open_gate('extension');
sql('CREATE EXTENSION pg_ocr');
declare();

# A backend that waits for a store can be interrupted.
sql("CREATE SERVER web FOREIGN DATA WRAPPER ocr_store OPTIONS (type 's3', bucket 'any', endpoint '" . $web->url . "', allow_private_addresses 'true')");
$web->freeze;
like(sql_error($server, q{SET statement_timeout = '500ms'; SELECT count(*) FROM ocr_objects('web')}), qr/ERROR:  57014/, 'a listing stops at statement_timeout');
like(sql_error($server, q{SET statement_timeout = '500ms'; SELECT ocr_put('s3://any/x', 'x')}), qr/ERROR:  57014/, 'so does ocr_put');
$web->resume;

# The store is away for a while.
my $submit = "SELECT ocr_submit('" . $web->unruly_url('/unsaid/simple.png') . q{', options => '{"reuse": false}')};
my @jobs = map { sql($submit) } 1 .. 6;
ended($server, $_) for @jobs;
my $descriptors = max(map { descriptors_of($_) } workers());
$web->stop;
push @jobs, map { sql($submit) } 1 .. 14;
wait_until($server, q{SELECT count(*) > 2 FROM ocr.tasks WHERE unavailable > 0});
is(sql(q{SELECT count(*) FROM ocr.jobs WHERE status = 'failed'}), 0, 'while the store is away no job fails');
like(sql(q{SELECT error_code || ': ' || error FROM ocr.jobs WHERE error_code IS NOT NULL LIMIT 1}), qr/^store_unavailable: .*127\.0\.0\.1/, 'and they say what they wait for');
$web->start;
sql(q{UPDATE ocr.tasks SET run_at = now(); SELECT ocr.wake_workers()});
is(ended($server, $_)->{status}, 'completed', 'all complete once it is back') for @jobs;
cmp_ok(max(map { descriptors_of($_) } workers()), '<=', $descriptors, 'no descriptor was left open');
is(sql('SELECT count(*) FROM ocr.tasks'), 0, 'and no task');

sub workers { return sort { $a <=> $b } split /\n/, sql('SELECT pid FROM ocr.workers') }

# Files of tables are PostgreSQL's business, and come and go.
sub descriptors_of { return scalar(grep { (readlink // '') =~ /^(socket|pipe|anon_inode|\/memfd)/ } glob "/proc/$_[0]/fd/*") }

$server->stop;
done_testing();
