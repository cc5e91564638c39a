# pg_dump carries jobs, pages, documents and the queue, but no password; what is restored goes on where it was.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('dump', 'pg_ocr.workers' => 0);
$server->safe_psql('postgres', q{
	SELECT ocr_submit('\x01', batch => 'b', keep_document => true);
	SELECT ocr_submit('\x02', password => 'sesame');
	SELECT ocr_submit('\x03');
	CREATE TABLE claim AS SELECT * FROM ocr.claim_task(1);
	SELECT ocr.record_opened(task_id, fence, 'PDF', 1, 1) FROM claim;
	SELECT ocr.record_page(task_id, fence, 1, 'read', 'ocr', 'text', 95, NULL, 1, 1, 1, 1, 0, 1, 'e', NULL, NULL) FROM claim;
	SELECT ocr.complete_task(task_id, fence) FROM claim;
	CREATE TABLE in_flight AS SELECT * FROM ocr.claim_task(1);
});
my $file = $server->basedir . '/dump';
$server->command_ok([ 'pg_dump', '-Fc', '-f', $file, 'postgres' ], 'dump');
$server->safe_psql('postgres', 'CREATE DATABASE restored');
$server->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'restored', $file ], 'restore');

for my $table (qw(jobs pages documents tasks batches))
{
	my $rows = "SELECT t::text FROM ocr.$table t ORDER BY 1";
	my $before = $server->safe_psql('postgres', $rows);
	isnt($before, '', "there is something in ocr.$table");
	is($server->safe_psql('restored', $rows), $before, "ocr.$table is restored");
}
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.passwords'), 1, 'there is a password');
is($server->safe_psql('restored', 'SELECT count(*) FROM ocr.passwords'), 0, 'which is not in the dump');
is($server->safe_psql('restored', 'SELECT ocr.rescue_tasks()'), 1, 'what was in flight is pending again');
is($server->safe_psql('restored', q{SELECT ocr_submit('\x04')}), 4, 'the next job has the next number');
is( $server->safe_psql('restored', 'SELECT (SELECT fence FROM ocr.claim_task(2)) > max(fence) FROM in_flight'),
	't', 'a claim does not get a fence that was used before');
is($server->safe_psql('restored', 'SELECT ocr_text(1)'), 'text', 'the text is there');

$server->stop;
done_testing();
