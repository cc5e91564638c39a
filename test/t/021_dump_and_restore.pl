# pg_dump carries jobs in every state, pages, documents and the queue, but no password; what is restored goes on where it
# was.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('dump', 'pg_ocr.workers' => 0);
my $photo = document('phototest.tif');
$server->safe_psql('postgres', qq{
	CREATE TABLE claim AS SELECT * FROM ocr.claim_task(1);
	SELECT ocr_submit('\\x01', batch => 'b', keep_document => true);
	INSERT INTO claim SELECT * FROM ocr.claim_task(1);
	SELECT ocr.record_opened(task_id, fence, 'PDF', 2, 2) FROM claim;
	SELECT ocr.record_page(task_id, fence, 1, 'read', 'ocr', 'text', 95, NULL, 1, 1, 1, 1, 0, 1, 'e', NULL, NULL) FROM claim;
	SELECT ocr.record_page(task_id, fence, 2, 'failed', NULL, NULL, -1, NULL, 0, 0, 0, 0, 0, 5, 'e', 'page_damaged', 'torn') FROM claim;
	SELECT ocr.complete_task(task_id, fence) FROM claim;

	SELECT ocr_submit($photo);
	TRUNCATE claim; INSERT INTO claim SELECT * FROM ocr.claim_task(1);
	SELECT ocr.fail_task(task_id, fence, 'document_encrypted', 'locked', 0) FROM claim;

	SELECT ocr_cancel(ocr_submit('\\x03'));
	SELECT ocr_submit('\\x04', password => 'sesame', run_at => now() + interval '1 day');

	SELECT ocr_submit($photo || '\\x00');
	CREATE TABLE in_flight AS SELECT * FROM ocr.claim_task(1);
	SELECT ocr_submit($photo || '\\x0000', batch => 'b');

	SELECT ocr_submit('\\x07', priority => 1);
	TRUNCATE claim; INSERT INTO claim SELECT * FROM ocr.claim_task(1);
	SELECT ocr.record_opened(task_id, fence, 'PDF', 1, 1) FROM claim;
	SELECT ocr.record_page(task_id, fence, 1, 'read', 'ocr', 'text', 95, NULL, 1, 1, 1, 1, 0, 1, 'e', NULL, NULL) FROM claim;
	SELECT ocr.complete_task(task_id, fence) FROM claim;
});
my $states = q{SELECT string_agg(id || ' ' || status, ', ' ORDER BY id) FROM ocr.jobs};
is($server->safe_psql('postgres', $states),
	'1 completed, 2 failed, 3 cancelled, 4 pending, 5 running, 6 pending, 7 completed', 'there are jobs in every state');
my $file = $server->basedir . '/dump';
$server->command_ok([ 'pg_dump', '-Fc', '-f', $file, 'postgres' ], 'dump');
$server->safe_psql('postgres', 'CREATE DATABASE restored');
$server->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'restored', $file ], 'restore');

# As docs/operations.md says: many processes at once would restore the rows of schema ocr in any order.
$server->safe_psql('postgres', 'CREATE DATABASE in_parts');
$server->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'in_parts', @$_, $file ], "restore in parts: @$_")
  for ['--section=pre-data'], [qw(--section=data --schema=ocr)], [qw(--jobs=2 --section=data --exclude-schema=ocr)],
  [qw(--jobs=2 --section=post-data)];

# Which transaction wrote a task is another matter there.
for my $table (qw(jobs pages documents tasks batches failures fingerprints))
{
	my $rows = "SELECT to_jsonb(t) - 'since' FROM ocr.$table t ORDER BY to_jsonb(t)::text";
	my $before = $server->safe_psql('postgres', $rows);
	isnt($before, '', "there is something in ocr.$table");
	is($server->safe_psql('restored', $rows), $before, "ocr.$table is restored");
	is($server->safe_psql('in_parts', $rows), $before, 'in parts as well');
}
# How fast it goes depends on when one looks.
for my $view (qw(progress dead_letters))
{
	my $rows = "SELECT to_jsonb(v) - '{pages_per_minute,eta}'::text[] FROM ocr.$view v ORDER BY 1";
	is($server->safe_psql('restored', $rows), $server->safe_psql('postgres', $rows), "ocr.$view says the same");
}
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.passwords'), 1, 'there is a password');
is($server->safe_psql('restored', 'SELECT count(*) FROM ocr.passwords'), 0, 'which is not in the dump');
is($server->safe_psql('restored', 'SELECT ocr.rescue_tasks()'), 1, 'what was in flight is pending again');
is($server->safe_psql('restored', q{SELECT ocr_submit('\x05')}), 8, 'the next job has the next number');
is( $server->safe_psql('restored', 'SELECT (SELECT fence FROM ocr.claim_task(2)) > max(fence) FROM in_flight'),
	't', 'a claim does not get a fence that was used before');
is($server->safe_psql('restored', 'SELECT rtrim(ocr_text(1), chr(12))'), 'text', 'the text is there');

# With workers, all that was pending or running is read, and what had failed can be retried.
is($server->safe_psql('restored', 'SELECT ocr_retry(2)'), 't', 'the dead letter is sent round again');
$server->append_conf('postgresql.conf', 'pg_ocr.workers = 2');
$server->reload;
is(ended($server, $_, database => 'restored')->{status}, 'completed', "job $_ is read") for 2, 5, 6;
is($server->safe_psql('restored', 'SELECT status FROM ocr.jobs WHERE id = 4'), 'pending', 'what is for tomorrow waits');

$server->stop;
done_testing();
