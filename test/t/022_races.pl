# Sessions that meet: two of them step by step, then submitters, cancellers, retriers and fake workers in a crowd,
# on few documents, so that they do meet. Whatever the order, nothing may be lost, doubled or left behind.
use strict;
use warnings;
use File::Temp;
use IPC::Run;
use Test::More;
use PgOcr;

my $server = new_server('races', 'pg_ocr.workers' => 0, max_connections => 20, log_min_messages => 'error');

# A second session, which the test takes step by step. What blocks where it must not ends in an error after lock_timeout.
my $patient = "SET lock_timeout = '60s'; ";
my ($input, $output, $steps) = ('', '', 0);
my $other = IPC::Run::start([ 'psql', '-XqAt', '-d', $server->connstr('postgres') ], \$input, \$output);
sub other
{
	$input .= "$_[0]\n\\echo step @{[++$steps]}\n";
	$other->pump until $output =~ /^step $steps$/m;
	return $output;
}
sub here { return $server->safe_psql('postgres', $patient . $_[0]) }
my $documents = 'SELECT count(*) FROM ocr.documents';

# The same key at once: the second waits for the first, and gets its job.
my $keyed = q{SELECT ocr_submit('\x00', idempotency_key => 'k')};
other(q{BEGIN;});
my ($job) = other("SELECT 'job ' || ocr_submit('\\x00', idempotency_key => 'k');") =~ /job (\d+)/;
my ($here_in, $here_out) = ("$keyed;\n\\q\n", '');
my $waiting = IPC::Run::start([ 'psql', '-XqAt', '-d', $server->connstr('postgres') ], \$here_in, \$here_out);
$waiting->pump_nb;
wait_until($server, q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%ocr_submit%'});
other('COMMIT;');
$waiting->finish;
is($here_out, "$job\n", 'the same key at once is the same job');
is(here('SELECT count(*) FROM ocr.jobs'), 1, 'submitted once');

# A claim that is not committed: nobody else gets the task, or waits for it.
my $next = here(q{SELECT ocr_submit('\x01')});
other('BEGIN; SELECT FROM ocr.claim_task(1);');
is(here('SELECT job_id FROM ocr.claim_task(2)'), $next, 'another claim gets the next task');
is(here('SELECT count(*) FROM ocr.claim_task(2)'), 0, 'or none');
other('ROLLBACK;');
is(here('SELECT job_id FROM ocr.claim_task(2)'), $job, 'a claim that was rolled back never was');

# A job whose row is locked, as by ocr_cancel(), is passed over.
$job = here(q{SELECT ocr_submit('\x02')});
$next = here(q{SELECT ocr_submit('\x03')});
other("BEGIN; SELECT FROM ocr.jobs WHERE id = $job FOR UPDATE;");
is(here('SELECT job_id FROM ocr.claim_task(2)'), $next, 'a claim passes a locked job over');
other('ROLLBACK;');
other("BEGIN; SELECT FROM ocr.jobs WHERE id = $next FOR UPDATE;");
is(here('SELECT ocr.rescue_tasks()'), 2, 'and so does a rescue, of three that are claimed');
other('ROLLBACK;');

# The last two jobs of a document end at once: neither sees that the other does.
here('SELECT ocr_cancel(id) FROM ocr.jobs');
is(here($documents), 0, 'no document yet');
my @jobs = map { here(q{SELECT ocr_submit('\x04')}) } 1 .. 2;
other("BEGIN; SELECT ocr_cancel($jobs[0]);");
here("SELECT ocr_cancel($jobs[1])");
is(here('SELECT ocr.rescue_tasks()'), 0, 'while one has not committed');
is(here($documents), 1, 'the document stays');
other('COMMIT;');
here('SELECT ocr.rescue_tasks()');
is(here($documents), 0, 'then it is dropped');

# A job ends while another of the same document is being submitted.
for my $end ('COMMIT', 'ROLLBACK')
{
	$job = here(q{SELECT ocr_submit('\x05')});
	other(q{BEGIN; SELECT ocr_submit('\x05');});
	here("SELECT ocr_cancel($job)");
	is(here($documents), 1, 'the document stays, for the job may be committed');
	other("$end;");
	here('SELECT ocr.rescue_tasks()');
	is(here($documents), $end eq 'COMMIT' ? 1 : 0, $end eq 'COMMIT' ? 'it was, and has its document' : 'it was not: no document is left');
	here(q{SELECT ocr_cancel(id) FROM ocr.jobs WHERE status = 'pending'});
}
$input .= "\\q\n";
$other->finish;

my $scripts = File::Temp->newdir;
sub script
{
	my ($name, $text) = @_;
	open(my $file, '>', "$scripts/$name") or die "$scripts/$name: $!\n";
	print $file $text;
	close $file;
	return '-f', "$scripts/$name";
}
my @crowd = (
	script('submit', <<'SQL'), script('roll_back', <<'SQL'), script('cancel', <<'SQL'), script('retry', <<'SQL'), script('work', <<'SQL'));
\set document random(1, 4)
\set key random(1, 300)
SELECT ocr_submit(int4send(:document), idempotency_key => 'k' || :key, batch => 'b' || :document);
SELECT ocr_submit(int4send(:document), run_at => now() - interval '1 s');
SQL
\set document random(1, 4)
BEGIN;
SELECT ocr_submit(int4send(:document));
ROLLBACK;
SQL
\set offset random(0, 5)
SELECT ocr_cancel(id) FROM (SELECT id FROM ocr.jobs WHERE status IN ('pending', 'running') ORDER BY id OFFSET :offset LIMIT 1) AS j;
SQL
SELECT ocr_retry(id) FROM (SELECT id FROM ocr.jobs WHERE status = 'failed' ORDER BY id LIMIT 1) AS j;
SELECT ocr.rescue_tasks();
SQL
\set task 0
\set fence 0
\set luck random(1, 10)
SELECT coalesce(max(task_id), 0) AS task, coalesce(max(fence), 0) AS fence FROM ocr.claim_task(999) \gset
\if :task > 0
SELECT ocr.record_opened(:task, :fence, 'PDF', 2, 2);
SELECT ocr.record_page(:task, :fence, 1, 'read', 'ocr', 'x', 95, NULL, 1, 1, 1, 1, 0, 1, 'e', NULL, NULL);
\if :luck = 1
SELECT ocr.fail_task(:task, :fence, 'document_damaged', 'x', 0);
\elif :luck = 2
SELECT ocr.release_task(:task, :fence);
\elif :luck > 3
SELECT ocr.record_page(:task, :fence, 2, 'read', 'ocr', 'x', 95, NULL, 1, 1, 1, 1, 0, 1, 'e', NULL, NULL);
SELECT ocr.complete_task(:task, :fence);
\endif
\endif
SQL
$server->command_ok([ 'pgbench', '-n', '-c', 8, '-t', 150, @crowd, 'postgres' ], 'nobody in the crowd meets an error or a deadlock');

my %never = (
	'an open job without a task, or an ended one with one' =>
	  q{jobs j WHERE (status IN ('pending', 'running')) <> EXISTS (SELECT FROM ocr.tasks t WHERE t.job_id = j.id)},
	'counters that do not match the pages' => q{jobs j WHERE (pages_done, pages_failed) <> (SELECT count(*),
		count(*) FILTER (WHERE p.status = 'failed') FROM ocr.pages p WHERE p.job_id = j.id)},
	'a completed job that does not account for every page' => q{jobs WHERE status = 'completed' AND pages_done <> pages_total},
	'a job without the document that it needs' => q{jobs WHERE (status IN ('pending', 'running', 'failed')) <> (document_id IS NOT NULL)});
is($server->safe_psql('postgres', "SELECT count(*) FROM ocr.$never{$_}"), 0, "never $_") for sort keys %never;
isnt($server->safe_psql('postgres', "SELECT count(*) FROM ocr.jobs WHERE status = 'completed'"), 0, 'jobs were completed');

# When all is done, no document is left behind.
$server->safe_psql('postgres', "SELECT ocr_cancel(id) FROM ocr.jobs; DELETE FROM ocr.jobs WHERE status = 'failed'; SELECT ocr.rescue_tasks()");
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.documents'), 0, 'no document is left behind');
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.released_documents'), 0, 'and none is still to be looked at');
unlike(slurp($server->logfile), qr/deadlock/, 'no deadlock');

$server->stop;
done_testing();

sub slurp
{
	my ($path) = @_;
	open(my $file, '<', $path) or die "$path: $!\n";
	local $/;
	return scalar <$file>;
}
