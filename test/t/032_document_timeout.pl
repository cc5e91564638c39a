# A document has a limit of its own, also where no page has begun or where each page is quick enough.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('document_timeout', 'pg_ocr.workers' => 1, 'pg_ocr.page_timeout' => '1h', 'pg_ocr.document_timeout' => '2s');

# The engine, stopped before it can open the document.
sub stop_engine
{
	wait_until($server, "SELECT count(*) = 1 FROM ocr.workers WHERE state = 'idle' AND engine_pid > 0");
	my $engine = $server->safe_psql('postgres', 'SELECT engine_pid FROM ocr.workers');
	kill('STOP', $engine);
	return $engine;
}
my $engine = stop_engine();
my $status = ended($server, submit($server, 'phototest.tif'));
is("$status->{status} $status->{error_code} $status->{attempts}", 'failed document_timeout 1', 'a document that does not open in time has failed');
like($status->{error}, qr/within 2 s.*ocr_retry.*pg_ocr\.document_timeout/, 'in words');
ok(wait_for_end_of($engine), 'its engine is gone');

# The engine, stopped in the middle of a page.
my $job = submit($server, 'multipage.pdf', "pages => '1-2'");
(undef, $engine) = wait_for_page($server, $job);
kill('STOP', $engine);
$status = ended($server, $job);
is("$status->{status} $status->{error_code}", 'failed document_timeout', 'one that takes too long as a whole has failed');
is($status->{pages_done}, $status->{pages_total}, 'every page is accounted for');
is($server->safe_psql('postgres', "SELECT DISTINCT error_code FROM ocr.pages WHERE job_id = $job AND status <> 'read'"),
	'document_timeout', 'those that are left with this reason');

$server->append_conf('postgresql.conf', "pg_ocr.document_timeout = 0\n");
$server->restart;
is($server->safe_psql('postgres', "SELECT ocr_retry($job)"), 't', 'it can be retried');
$status = ended($server, $job);
is("$status->{status} $status->{pages_failed} " . ($status->{pages_done} == $status->{pages_total}), 'completed 0 1',
	'without a limit it is read to the end');

$server->append_conf('postgresql.conf', "pg_ocr.page_timeout = 1s\npg_ocr.max_attempts = 1\n");
$server->restart;
stop_engine();
$status = ended($server, submit($server, 'phototest.tif'));
is("$status->{status} $status->{error_code}", 'failed page_timeout', 'page_timeout counts for the opening as well');

$server->stop;
done_testing();
