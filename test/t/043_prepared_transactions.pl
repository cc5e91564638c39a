# A submission in a prepared transaction takes effect at COMMIT PREPARED, whatever happens in between, and never at ROLLBACK
# PREPARED. Nobody else is held up meanwhile.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('prepared', max_prepared_transactions => 5, 'pg_ocr.poll_interval' => '1s');

sub prepare
{
	my ($name, $work) = @_;
	return $server->safe_psql('postgres', "BEGIN; $work; PREPARE TRANSACTION '$name'");
}
my $traces = 'SELECT ' . join(' + ', map { "(SELECT count(*) FROM ocr.$_)" } qw(jobs tasks documents passwords batches));

my $photo = document('phototest.tif');
prepare('undone', "SELECT ocr_submit($photo, batch => 'undone', password => 'x', idempotency_key => 'k')");
my $job = prepare('done', 'SELECT ocr_submit(' . document('typewriter.png') . ", batch => 'done', idempotency_key => 'l')");
my $other = submit($server, 'multipage.pdf', "pages => '1'");
is(ended($server, $other)->{status}, 'completed', 'others are read while transactions are prepared');
is($server->safe_psql('postgres', "SELECT count(*) FROM ocr.jobs WHERE id <> $other"), 0, 'what is prepared is not to be seen');

for my $mode ('fast', 'immediate')
{
	$server->stop($mode);
	$server->start;
}
$other = submit($server, 'multipage.pdf', "pages => '2'");
is(ended($server, $other)->{status}, 'completed', 'nor are they held up after restarts');
is($server->safe_psql('postgres', 'SELECT count(*) FROM pg_prepared_xacts'), 2, 'which the transactions have outlived');

$server->safe_psql('postgres', q{COMMIT PREPARED 'done'});
is(ended($server, $job)->{status}, 'completed', 'COMMIT PREPARED submits');
is($server->safe_psql('postgres', "SELECT attempts FROM ocr.jobs WHERE id = $job"), 1, 'once');
$server->safe_psql('postgres', q{ROLLBACK PREPARED 'undone'; DELETE FROM ocr.jobs; DELETE FROM ocr.batches});
wait_until($server, 'SELECT count(*) = 0 FROM ocr.documents');
is($server->safe_psql('postgres', $traces), 0, 'ROLLBACK PREPARED leaves no trace');

# A document that a prepared transaction refers to is kept for it, whatever becomes of the job that brought it.
my $first = submit($server, 'multipage.pdf', q{pages => '1', options => '{"dpi": 800}'});
wait_for_page($server, $first);
$job = prepare('again', 'SELECT ocr_submit(' . document('multipage.pdf') . ", pages => '2')");
is(ended($server, $first)->{status}, 'completed', 'a job ends whose document is wanted by a prepared transaction');
wait_until($server, "SELECT count(*) = 2 FROM ocr.workers WHERE state = 'idle'");
$server->restart;
$server->safe_psql('postgres', q{COMMIT PREPARED 'again'});
is(ended($server, $job)->{status}, 'completed', 'it is still there at COMMIT PREPARED');
wait_until($server, 'SELECT count(*) = 0 FROM ocr.documents');
pass('and gone when nobody needs it any more');

# ocr_retry can be prepared. ocr_cancel cannot: PostgreSQL refuses to prepare a NOTIFY.
my $broken = submit($server, 'broken.pdf');
is(ended($server, $broken)->{status}, 'failed', 'a job fails');
prepare('retry', "SELECT ocr_retry($broken)");
is(status($server, $broken)->{status}, 'failed', 'a retry that is prepared is not to be seen');
$server->safe_psql('postgres', q{COMMIT PREPARED 'retry'});
wait_until($server, "SELECT count(*) = 2 FROM ocr.failures WHERE job_id = $broken");
pass('COMMIT PREPARED sends it round again');
my $later = submit($server, 'phototest.tif', "run_at => now() + '1 d'");
like(sql_error($server, "BEGIN; SELECT ocr_cancel($later); PREPARE TRANSACTION 'cancel'"),
	qr/ERROR:  0A000: cannot PREPARE a transaction that has executed LISTEN, UNLISTEN, or NOTIFY/, 'a transaction that cancels cannot be prepared');
is(status($server, $later)->{status}, 'pending', 'and has cancelled nothing');
is($server->safe_psql('postgres', "SELECT ocr_cancel($later)"), 't', 'a plain one can cancel it');
is($server->safe_psql('postgres', 'SELECT count(*) FROM pg_prepared_xacts'), 0, 'nothing is left prepared');

$server->stop;
done_testing();
