# ocr() reads here and now, in the caller's backend, and ends with it.
use strict;
use warnings;
use Encode qw(decode_utf8);
use Test::More;
use PgOcr;

my $server = new_server('here_and_now', 'pg_ocr.workers' => 0);
my $text = decode_utf8($server->safe_psql('postgres', 'SELECT ocr(' . document('phototest.tif') . ')'));
cmp_ok(character_error_rate($text, true_text('phototest.tif')), '<=', 0.02, 'ocr() returns the text');
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.jobs'), 0, 'it makes no job');

like(sql_error($server, 'SELECT ocr(' . document('invalid.pdf') . ')'), qr/ERROR:\s+[0-9A-Z]{5}:.*PDF/, 'a broken document is an error');
like(sql_error($server, 'SELECT ocr(' . document('phototest.tif') . ", language => 'tlh')"), qr/tlh.*HINT:/s,
	'a missing language is an error with a hint');

# A backend in the middle of reading, and its engine.
sub reading
{
	my ($session, $prefix) = @_;
	my $backend = $session->query_safe('SELECT pg_backend_pid()');
	$session->{stdin} .= ($prefix // '') . 'SELECT ocr(' . document('multipage.pdf') . ");\n";
	$session->{run}->pump_nb;
	my @engines;
	wait_until($server, "SELECT state = 'active' AND query LIKE '%ocr(%' FROM pg_stat_activity WHERE pid = $backend");
	until (@engines = engines_of($backend)) { $session->{run}->pump_nb; Time::HiRes::usleep(5_000); }
	return ($backend, $engines[0]);
}

my $session = $server->background_psql('postgres', on_error_stop => 0);
my ($backend, $engine) = reading($session);
$server->safe_psql('postgres', "SELECT pg_cancel_backend($backend)");
ok(wait_for_end_of($engine), 'pg_cancel_backend ends the engine');
like(($session->query('SELECT 42'))[0], qr/42/, 'the session goes on');
like($session->{stderr}, qr/canceling statement due to user request/, 'after an ordinary error');
$session->{stderr} = '';

($backend, $engine) = reading($session, "SET statement_timeout = '1500ms'; ");
ok(wait_for_end_of($engine), 'statement_timeout ends the engine');
like(($session->query('SELECT 42'))[0], qr/42/, 'the session goes on');
like($session->{stderr}, qr/canceling statement due to statement timeout/, 'after an ordinary error');
$session->{stderr} = '';
$session->query('RESET statement_timeout');

($backend, $engine) = reading($session);
kill('KILL', $engine);
like(($session->query('SELECT 42'))[0], qr/42/, 'an engine that is killed does not take the session with it');
like($session->{stderr}, qr/ERROR:.*engine/, 'it is an ordinary error');
$session->{stderr} = '';

($backend, $engine) = reading($session);
$server->safe_psql('postgres', "SELECT pg_terminate_backend($backend)");
ok(wait_for_end_of($engine), 'pg_terminate_backend ends the engine');
eval { $session->{run}->finish };

$server->stop;
done_testing();
