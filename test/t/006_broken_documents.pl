# A bad document fails with a code and words to act on, while its neighbours are read.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('broken');
my $encrypted = 'libreoffice-writer-password.pdf';

sub fails_with
{
	my ($job, $code, $words, $what) = @_;
	my $status = ended($server, $job);
	is("$status->{status} " . ($status->{error_code} // '-'), "failed $code", "$what: failed, $code");
	like($status->{error} // '', $words, "$what: in words");
	is($status->{pages_total} // 0, $status->{pages_done}, "$what: every page is accounted for");
}

my @good = map { submit($server, 'phototest.tif') } 1 .. 3;
my $broken = submit($server, 'invalid.pdf');
my $locked = submit($server, $encrypted);
my $wrong = submit($server, $encrypted, "password => 'not this one'");
my $right = submit($server, $encrypted, "password => 'openpassword'");
my $text = $server->safe_psql('postgres', "SELECT ocr_submit(convert_to('Only a letter.', 'UTF8'))");
my $archive = $server->safe_psql('postgres', "SELECT ocr_submit('\\x1f8b080000000000000300'::bytea)");
my $beyond = submit($server, 'linn.pdf', "pages => '7-9'");
my $cut = $server->safe_psql('postgres',
	'SELECT ocr_submit(substr(' . PgOcr::document('linn.pdf') . ', 1, 20000))');
push @good, submit($server, 'phototest.tif');

fails_with($broken, 'document_damaged', qr/PDF/, 'a broken PDF');
fails_with($locked, 'document_encrypted', qr/password =>/, 'an encrypted PDF without its password');
fails_with($wrong, 'document_password_wrong', qr/password/, 'an encrypted PDF with another password');
fails_with($text, 'document_unsupported', qr/text.*PDF/si, 'a text');
fails_with($archive, 'document_unsupported', qr/gzip.*PDF/si, 'an archive');
fails_with($beyond, 'no_pages_selected', qr/1 to 1/, 'a selection beyond the end');
is(ended($server, $right)->{status}, 'completed', 'an encrypted PDF with its password is read');
like(ended($server, $cut)->{status}, qr/^(completed|failed)$/, 'a truncated PDF ends');
is(ended($server, $_)->{status}, 'completed', "job $_, a good neighbour, is read") for @good;
is($server->safe_psql('postgres', "SELECT bool_and(attempts = 1) FROM ocr.jobs WHERE status = 'failed'"),
	't', 'what is hopeless is not tried again');

is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.passwords'), 0, 'no password outlives its job');
is($server->safe_psql('postgres', "SELECT count(*) FROM ocr.jobs WHERE row_to_json(jobs)::text LIKE '%openpassword%'"),
	0, 'and none is in the job');
$server->safe_psql('postgres', "SELECT ocr_retry($locked, password => 'openpassword')");
is(ended($server, $locked)->{status}, 'completed', 'a retry can bring the password');
unlike(PostgreSQL::Test::Utils::slurp_file($server->logfile), qr/openpassword/, 'the password is not in the log');

is($server->safe_psql('postgres', "SELECT array_agg(job_id ORDER BY job_id) = ARRAY[$broken, $wrong, $text, $archive, $beyond]::bigint[]
	FROM ocr.dead_letters WHERE job_id <> $cut"), 't', 'the dead letters are those that failed');

$server->stop;
done_testing();
