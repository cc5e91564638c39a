# The same bytes with the same options are read once; an engine that has grown is replaced.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('reuse', 'pg_ocr.workers' => 1, 'pg_ocr.engine_memory' => '256MB');
my $again = q{options => '{}'};

my $first = submit($server, 'phototest.tif', $again);
ended($server, $first);
my $engine = $server->safe_psql('postgres', 'SELECT engine_pid FROM ocr.workers');

my $listener = $server->background_psql('postgres');
$listener->query_safe('LISTEN ocr');
my $second = submit($server, 'phototest.tif', "metadata => '{\"copy\": true}', $again");
my $status = ended($server, $second);
is("$status->{status} $status->{pages_done} $status->{pages_total} $status->{attempts}", 'completed 1 1 1', 'it is completed');
is($server->safe_psql('postgres', "SELECT ocr_text($second) = ocr_text($first), result_of FROM ocr.jobs WHERE id = $second"),
	"t|$first", 'with the result of the first, and the row says so');
is($server->safe_psql('postgres', 'SELECT documents, engine_pid FROM ocr.workers'), "1|$engine", 'no engine has seen it');
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.documents'), 0, 'its document is dropped');
like($listener->query_safe('SELECT 1'), qr/"job_id": $second.*"copy": true/, 'a listener is told as of any other');
$listener->quit;

my $third = submit($server, 'phototest.tif');
ended($server, $third);
is($server->safe_psql('postgres', "SELECT result_of IS NULL FROM ocr.jobs WHERE id = $third"), 't', 'one that asks for it is read again');
is($server->safe_psql('postgres', 'SELECT documents FROM ocr.workers'), 2, 'by an engine');

# Tesseract takes memory for each combination of languages, which the engine keeps for the next document.
$server->safe_psql('postgres', "ALTER SYSTEM SET pg_ocr.balanced_providers = 'tesseract'");
$server->reload;
my @languages = ('eng', 'fra', 'deu', 'eng+fra', 'eng+deu', 'fra+deu', 'fra+eng', 'deu+eng', 'deu+fra') x 2;
my $grown = qr/engine \d+ has grown to \d+ MB and is replaced/;
while (@languages && PostgreSQL::Test::Utils::slurp_file($server->logfile) !~ $grown)
{
	ended($server, submit($server, 'phototest.tif', "language => '" . shift(@languages) . q{'}));
}
ok(@languages, 'an engine that has grown to more than a quarter of pg_ocr.engine_memory is replaced');
$status = ended($server, submit($server, 'phototest.tif'));
is($status->{status}, 'completed', 'and the next one reads on');

$server->stop;
done_testing();
