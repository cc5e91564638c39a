# Schedules, run by the real pg_cron: it begins runs when a minute begins, so all that waits for one waits for the same minute.
use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Utils;
use PgOcr;

my $inbox = PostgreSQL::Test::Utils::tempdir;
PostgreSQL::Test::Utils::append_to_file("$inbox/scan.png", document_bytes('simple.png'));
PostgreSQL::Test::Utils::append_to_file("$inbox/notes.txt", 'no document');

# pg_cron runs jobs as background workers or as sessions; and is loaded before or after pg_ocr.
my %servers;
for my $kind (qw(workers sessions))
{
	my $server = $servers{$kind} = new_server("cron_$kind",
		shared_preload_libraries => $kind eq 'workers' ? 'pg_cron, pg_ocr' : 'pg_ocr, pg_cron',
		'cron.use_background_workers' => $kind eq 'workers' ? 'on' : 'off',
		max_worker_processes => 20,
		max_prepared_transactions => 2,
		fsync => 'off');
	$server->append_conf('postgresql.conf', "cron.host = '" . $server->host . "'\n");
	$server->restart;
	$server->safe_psql('postgres', <<"SQL");
CREATE EXTENSION pg_cron;
CREATE ROLE alice LOGIN;
CREATE ROLE bob LOGIN;
GRANT USAGE ON SCHEMA cron TO alice, bob;
CREATE SERVER inbox FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'file', directory '$inbox');
CREATE SERVER shut FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'file', directory '$inbox');
CREATE SERVER hook FOREIGN DATA WRAPPER ocr_webhook OPTIONS (url 'http://127.0.0.1:1', allow_private_addresses 'true');
GRANT USAGE ON FOREIGN SERVER inbox, shut, hook TO alice;
CREATE TABLE gate ();
CREATE FUNCTION pass_gate() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN LOCK TABLE public.gate; RETURN NEW; END \$\$;
CREATE TRIGGER gate BEFORE INSERT ON ocr.deliveries FOR EACH ROW EXECUTE FUNCTION pass_gate();
CREATE DATABASE other;
SQL
	$server->safe_psql('other', 'CREATE EXTENSION pg_ocr');
}

sub sql { my ($kind, $statement, %options) = @_; return $servers{$kind}->safe_psql($options{database} // 'postgres', $statement) }
sub as_alice { return sql($_[0], "SET SESSION AUTHORIZATION alice; $_[1]") }

for my $kind (sort keys %servers)
{
	my $server = $servers{$kind};
	as_alice($kind, q{SELECT count(ocr_cancel(ocr_submit('\x01', options => '{"reuse": false}'))) FROM generate_series(1, 2100)});
	sql($kind, q{UPDATE ocr.jobs SET finished_at = finished_at - interval '2 days'});
	as_alice($kind, q{SELECT ocr_schedule('ingest', '* * * * *', 'ingest', '{"server": "inbox", "pattern": "[.]png$", "batch": "it''s \\\\ new"}')});
	as_alice($kind, q{SELECT ocr_schedule('purge', '* * * * *', 'purge', '{"older_than": "1 day"}')});
	as_alice($kind, q{SELECT ocr_schedule('it''s refused', '* * * * *', 'ingest', '{"server": "shut"}')});
	as_alice($kind, q{SELECT ocr_schedule('slow', '* * * * *', 'report', '{"webhook": "hook"}')});
	as_alice($kind, q{SELECT ocr_schedule('retry', '* * * * *', 'retry')});
	sql($kind, q{SELECT ocr_schedule('report', '* * * * *', 'report', '{"everyone": true}'), ocr_schedule('night', '* * * * *', 'workers', '{"workers": 3}')});
	sql($kind, q{REVOKE USAGE ON FOREIGN SERVER shut FROM alice});
	sql($kind, q{SELECT cron.schedule('by hand', '* * * * *', $$SELECT ocr_retry_failed()$$)});
	like(sql_error($server, q{SELECT ocr_schedule('by hand', '* * * * *', 'retry')}), qr/42710: pg_cron has another job "by hand"/, "$kind: another job is not taken for one of pg_ocr");

	# A database without pg_cron's tables: what is said there does it.
	my ($said) = sql_error($server, q{SELECT ocr_schedule('it''s', '* * * * *', 'retry')}, database => 'other') =~ /HINT:  Connect to it as a superuser and call (SELECT .*;)/;
	sql($kind, $said);
}

# One that is still running when the next is due.
my %slow;
for my $kind (sort keys %servers)
{
	my $keeper = $servers{$kind}->background_psql('postgres');
	$keeper->query_safe('BEGIN; LOCK TABLE gate');
	my $run = $servers{$kind}->background_psql('postgres', on_error_stop => 0);
	$run->query_safe('SET SESSION AUTHORIZATION alice');
	$run->{stdin} .= qq{CALL ocr.run_schedule('slow', 'report', '{"webhook": "hook"}');\n};
	$run->{run}->pump_nb;
	wait_until($servers{$kind}, q{SELECT status = 'running' FROM ocr.schedules WHERE name = 'slow'});
	sql($kind, q{UPDATE ocr.schedule_runs SET started_at = started_at - interval '10 min' WHERE schedule = 'slow'});
	$slow{$kind} = [ $keeper, $run ];
}

# The minute.
for my $kind (sort keys %servers)
{
	my $server = $servers{$kind};
	wait_until($server, q{SELECT count(*) FILTER (WHERE status IN ('succeeded', 'failed')) = 6 AND count(*) FILTER (WHERE name = 'slow' AND skipped > 0) = 1 FROM ocr.schedules});
	wait_until($server, q{SELECT count(*) = 1 FROM ocr.schedules WHERE status = 'succeeded'}, database => 'other');
	my $outcome = sub { return sql($kind, "SELECT owner || ' ' || status || ': ' || message FROM ocr.schedules WHERE name = '$_[0]'") };
	is($outcome->('ingest'), 'alice succeeded: 1 documents submitted', "$kind: documents are ingested, as who scheduled it");
	is(sql($kind, q{SELECT string_agg(owner || ' ' || batch, ',') FROM ocr.jobs WHERE uri LIKE '%scan.png'}), q{alice it's \ new}, 'with its arguments');
	like($outcome->('purge'), qr/^alice succeeded: 2100 jobs deleted$/, 'jobs are purged, in several commits');
	is($outcome->("it''s refused"), 'alice failed: role "alice" has no USAGE on server "shut"', 'what is refused by then has failed');
	is(sql($kind, q{SELECT count(*) > 0 FROM cron.job_run_details d JOIN cron.job j USING (jobid) WHERE j.jobname = 'it''s refused' AND d.status = 'failed' AND d.return_message LIKE '%shut%'}),
		't', 'for pg_cron as well');
	like($outcome->('report'), qr/^\S+ succeeded: \{.*"everyone": true/, 'a report');
	is($outcome->('retry'), 'alice succeeded: 0 jobs retried', 'failed jobs are retried');
	is($outcome->('night'), sql($kind, 'SELECT current_user') . ' succeeded: pg_ocr.workers is 3', 'the number of workers is set');
	ok(wait_for_workers($server, 3), 'so many run');
	is(sql($kind, q{SELECT status || coalesce(message, '') FROM ocr.schedules WHERE name = 'slow'}), 'running', 'the slow one is still at it');
	my ($keeper, $run) = @{ $slow{$kind} };
	$keeper->query_safe('COMMIT');
	wait_until($server, q{SELECT status = 'succeeded' FROM ocr.schedules WHERE name = 'slow'});
	$_->quit for $keeper, $run;
}

# Who may see and end them.
is(as_alice('workers', 'SELECT count(*), count(DISTINCT owner) FROM ocr.schedules'), '5|1', 'everybody sees their own');
is(as_alice('workers', q{SELECT ocr_unschedule('report'), ocr_unschedule('ingest'), ocr_unschedule('ingest')}), 'f|t|f', 'and ends these');
is(as_alice('workers', q{SELECT count(*) FROM ocr.schedules WHERE name = 'ingest'}), 0, 'nothing is left of it');
is(sql('workers', q{SELECT ocr_unschedule('by hand')}), 'f', 'jobs of others are left alone');
as_alice('workers', q{SELECT ocr_schedule('purge', '0 3 * * *', 'purge', '{"older_than": "1 day"}')});
is(as_alice('workers', q{SELECT schedule || ' ' || arguments FROM ocr.schedules WHERE name = 'purge'}), '0 3 * * * {"older_than": "1 day"}', 'declared anew');

# Many at once: one of them runs.
my $server = $servers{workers};
sql('workers', q{SELECT ocr_schedule('rare', '0 0 29 2 *', 'retry')});
my $script = PostgreSQL::Test::Utils::tempdir . '/run.sql';
PostgreSQL::Test::Utils::append_to_file($script, "CALL ocr.run_schedule('rare', 'retry', '{}');\n");
$server->command_ok([ 'pgbench', '-n', '-c', 8, '-j', 2, '-t', 5, '-f', $script, '-d', $server->connstr('postgres') ], 'forty runs');
is(sql('workers', q{SELECT count(*) FROM ocr.schedule_runs WHERE schedule = 'rare'}), 1, 'do it once');

# A server that crashes in the middle of a run.
sql('workers', q{UPDATE ocr.schedule_runs SET started_at = started_at - interval '10 years'});
my $keeper = $server->background_psql('postgres');
$keeper->query_safe('BEGIN; LOCK TABLE gate');
my $run = $server->background_psql('postgres', on_error_stop => 0);
my $pid = $run->query_safe('SELECT pg_backend_pid()');
$run->{stdin} .= qq{CALL ocr.run_schedule('slow', 'report', '{"webhook": "hook"}');\n};
$run->{run}->pump_nb;
my $slow = q{FROM ocr.schedules WHERE name = 'slow' AND owner = current_user};
wait_until($server, "SELECT status = 'running' $slow");
kill 'KILL', $pid;
wait_until($server, "SELECT status = 'interrupted' $slow");
pass('a run that was killed shows as interrupted');
eval { $_->quit } for $keeper, $run;
sql('workers', q{UPDATE ocr.schedule_runs SET started_at = started_at - interval '1 h' WHERE schedule = 'slow'});
sql('workers', q{CALL ocr.run_schedule('slow', 'retry', '{}')});
is(sql('workers', "SELECT status $slow"), 'succeeded', 'the next one runs');

# One that is cancelled has failed; one within a transaction block is refused.
my $sessions = $servers{sessions};
$keeper = $sessions->background_psql('postgres');
$keeper->query_safe('BEGIN; LOCK TABLE gate');
like(sql_error($sessions, q{SET statement_timeout = '200ms'; CALL ocr.run_schedule('told', 'report', '{"webhook": "hook"}')}),
	qr/57014: canceling statement due to statement timeout/, 'a run that is cancelled');
$keeper->quit;
like(sql('sessions', q{SELECT status || ' ' || message FROM ocr.schedules WHERE name = 'told'}), qr/^failed canceling statement/, 'has failed');
like(sql_error($sessions, q{BEGIN; CALL ocr.run_schedule('told', 'report', '{}')}), qr/2D000/, 'not within a transaction block');

# A role that is gone, of which pg_cron does not like to hear.
sql('sessions', q{SET SESSION AUTHORIZATION bob; SELECT ocr_schedule('of bob', '0 0 1 1 *', 'retry')});
sql('sessions', q{REVOKE USAGE ON SCHEMA cron FROM bob; DROP ROLE bob});
my $gone = q{SELECT %s FROM ocr_check() WHERE topic = 'schedules' AND detail LIKE '%%bob%%'};
is(sql('sessions', sprintf($gone, q{status || ': ' || detail})), 'error: schedule "of bob" belongs to role bob, which does not exist any more: pg_cron may run nothing at all',
	'ocr_check() says that a role is gone');
sql('sessions', sql('sessions', sprintf($gone, 'hint')));
is(sql('sessions', sprintf($gone, 'count(*)')), 0, 'and what to do about it');

# What is left of schedules where the extension goes.
sql('sessions', 'DROP EXTENSION pg_ocr CASCADE');
is(sql('sessions', q{SELECT string_agg(jobname, ',') FROM cron.job WHERE database = 'postgres'}), 'by hand', 'DROP EXTENSION ends its schedules');

$_->stop for values %servers;
done_testing();
