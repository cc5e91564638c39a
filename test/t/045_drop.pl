# DROP EXTENSION and DROP DATABASE in mid-work: nobody is in the way, nothing stays behind, and what comes after is not
# mixed up with what was before.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('drop', max_worker_processes => 20);
my %gone = (database => 'gone');

# Memory files with documents in them, among all processes of the server.
sub documents_in_memory
{
	my @processes = $server->{_pid};
	push @processes, children_of($_) for @processes;
	return grep { (readlink($_) // '') =~ /^\/memfd:/ } map { glob "/proc/$_/fd/*" } @processes;
}

sub nothing_left
{
	my ($worker, $engine, $what) = @_;
	wait_for_end_of($_) for $worker, $engine;
	is($server->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database NOT IN (SELECT oid FROM pg_database WHERE datname = 'postgres')"),
		0, "$what: no lock is left");
	is(scalar(documents_in_memory()), 0, "$what: no document is left in memory");
}

$server->safe_psql('postgres', 'CREATE DATABASE gone');
$server->safe_psql('gone', 'CREATE EXTENSION pg_ocr; CREATE VIEW mine AS SELECT id, status FROM ocr.jobs');

# Thought better of.
my $job = submit($server, 'multipage.pdf', "pages => '1-2'", %gone);
my ($worker, $engine) = wait_for_page($server, $job, %gone);
cmp_ok(scalar(documents_in_memory()), '>', 0, 'a document is in memory while it is read');
my $session = $server->background_psql('gone');
$session->query_safe('BEGIN; SET client_min_messages = error; DROP EXTENSION pg_ocr CASCADE');
wait_until($server, "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'pg_ocr worker' AND datname = 'gone' AND wait_event_type = 'Lock'");
$session->query_safe('ROLLBACK');
$session->quit;
my $end = ended($server, $job, %gone);
is("$end->{status} $end->{pages_done} $end->{attempts}", 'completed 2 1', 'DROP EXTENSION that is rolled back costs nothing but time');

# Done.
$job = submit($server, 'multipage.pdf', undef, %gone);
($worker, $engine) = wait_for_page($server, $job, %gone);
like(sql_error($server, 'DROP EXTENSION pg_ocr', %gone), qr/ERROR:  2BP01.*other objects depend/s, 'what depends on it keeps it from being dropped');
my $refused = 0;
for (1 .. 10)
{
	$server->safe_psql('gone', "SELECT ocr_submit('no document'::bytea, options => '{\"reuse\": false}') FROM generate_series(1, 20)");
	$refused++ if sql_error($server, 'DROP EXTENSION pg_ocr', %gone) =~ /ERROR:  2BP01/;
}
is($refused, 10, 'and never a deadlock with its workers');
$server->safe_psql('gone', 'SET client_min_messages = error; DROP EXTENSION pg_ocr CASCADE');
ok(wait_for_workers($server, 0, 'gone'), 'DROP EXTENSION CASCADE ends its workers');
nothing_left($worker, $engine, 'DROP EXTENSION CASCADE');

# Dropped and made again while a worker reads: it does not take a job of the new one for its own, though the numbers of
# jobs and tasks begin anew.
$server->safe_psql('gone', 'CREATE EXTENSION pg_ocr');
ok(wait_for_workers($server, 2, 'gone'), 'CREATE EXTENSION brings workers');
$job = submit($server, 'multipage.pdf', undef, %gone);
($worker, $engine) = wait_for_page($server, $job, %gone);
my ($task, $fence) = split /\|/, $server->safe_psql('gone', 'SELECT id, fence FROM ocr.tasks');
$server->safe_psql('gone', 'BEGIN; DROP EXTENSION pg_ocr; CREATE EXTENSION pg_ocr; COMMIT');
my $next = submit($server, 'linn.pdf', undef, %gone);
is($next, $job, 'the same number again');
wait_for_page($server, $next, %gone);
is($server->safe_psql('gone', "SELECT ocr.holds_task($task, $fence)"), 'f', 'an old claim is not one of the new task');
wait_for_end_of($engine);
$end = ended($server, $next, %gone);
is("$end->{status} $end->{pages_done}/$end->{pages_total}", 'completed 1/1', 'the next document is read');
cmp_ok(character_error_rate($server->safe_psql('gone', "SELECT ocr_text($next)"), true_text('linn.pdf')), '<', 0.1, 'and has nothing of the other');

# The database.
$job = submit($server, 'multipage.pdf', undef, %gone);
($worker, $engine) = wait_for_page($server, $job, %gone);
$server->safe_psql('postgres', 'DROP DATABASE gone');
pass('DROP DATABASE finds nobody in its way');
nothing_left($worker, $engine, 'DROP DATABASE');
$server->safe_psql('postgres', 'CREATE DATABASE gone');
$server->safe_psql('gone', 'CREATE EXTENSION pg_ocr');
is(ended($server, submit($server, 'phototest.tif', undef, %gone), %gone)->{status}, 'completed', 'one of the same name has workers of its own');
is(ended($server, submit($server, 'phototest.tif'))->{status}, 'completed', 'the other database is served all the while');

$server->stop;
done_testing();
