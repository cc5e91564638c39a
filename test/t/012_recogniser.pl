# The providers within the engine: our own recogniser by default, Tesseract's where it is wanted.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('recogniser', 'pg_ocr.workers' => 1);

# What read a document's page, and its text.
sub reading
{
	my $job = submit($server, 'phototest.tif');
	is($server->safe_psql('postgres', "SELECT status FROM ocr_wait($job)"), 'completed', 'a document is read');
	my ($engine, $text) = split /\t/, $server->safe_psql('postgres',
		"SELECT engine || E'\\t' || translate(text, E'\\n', '|') FROM ocr_pages($job)");
	return ($engine, $text);
}

sub words_of { return grep { /./ } split /\0/, PostgreSQL::Test::Utils::slurp_file("/proc/$_[0]/cmdline") }

my ($ours, $our_text) = reading();
like($ours, qr/^pg_ocr \S+, layout by tesseract \S+$/, 'our own recogniser reads it, and says so');

$server->safe_psql('postgres', "ALTER SYSTEM SET pg_ocr.balanced_providers = 'tesseract'");
$server->reload;
wait_until($server, "SELECT setting = 'tesseract' FROM pg_settings WHERE name = 'pg_ocr.balanced_providers'");
# The worker has seen the reload once it says so in what it reads.
my ($theirs, $their_text);
($theirs, $their_text) = reading() until ($theirs // '') =~ /^pg_ocr \S+, tesseract \S+$/;
pass('after a reload the worker has Tesseract read, without a restart');
is($their_text, $our_text, 'which finds the same text');

my $engine = $server->safe_psql('postgres', 'SELECT engine_pid FROM ocr.workers');
kill('KILL', $engine);
wait_until($server, "SELECT engine_pid <> $engine AND state = 'idle' FROM ocr.workers");
like(join(' ', words_of($server->safe_psql('postgres', 'SELECT engine_pid FROM ocr.workers'))),
	qr/--recogniser tesseract/, 'a new engine warms up for it');

my $session = $server->background_psql('postgres', on_error_stop => 0);
my $backend = $session->query_safe('SELECT pg_backend_pid()');
for my $recogniser (qw(pg_ocr tesseract))
{
	my $read = $session->query_safe("SET pg_ocr.balanced_providers = $recogniser; BEGIN; SELECT translate(ocr("
		  . document('phototest.tif') . "), E'\\n', '|');");
	is($read, $our_text, "ocr() reads by $recogniser where the session says so");
	like(join(' ', words_of((engines_of($backend))[0])), qr/--recogniser $recogniser\b/, 'in an engine made for it');
	$session->query_safe('COMMIT');
}
$session->quit;

$server->stop;
done_testing();
