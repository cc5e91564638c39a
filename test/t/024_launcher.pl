# The launcher shares out what places there are, outlives itself, and leaves databases alone that are closed or wanted.
use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Utils;
use PgOcr;

# A server has places for background workers, and one of them, or two, are taken: the launcher's own, and that of logical
# replication. Four are left.
my $server = new_server('launcher', max_worker_processes => 6, 'pg_ocr.workers' => 4);
ok(wait_for_workers($server, 4, 'postgres'), 'one database takes all places');
for my $database (qw(second third))
{
	$server->safe_psql('postgres', "CREATE DATABASE $database");
	$server->safe_psql($database, 'CREATE EXTENSION pg_ocr');
	my $job = submit($server, 'phototest.tif', undef, database => $database);
	is(ended($server, $job, database => $database)->{status}, 'completed', "and gives one up to the $database");
}
wait_until($server, "SELECT count(*) = 4 AND count(DISTINCT datname) = 3 FROM pg_stat_activity WHERE backend_type = 'pg_ocr worker'");
like(PostgreSQL::Test::Utils::slurp_file($server->logfile), qr/no free slot for \d+ .*HINT:\s+Raise max_worker_processes \(now 6\)/s,
	'the log says what to do for more');
$server->safe_psql('postgres', "DROP DATABASE $_") for qw(second third);
ok(wait_for_workers($server, 4, 'postgres'), 'places of a dropped database are used again');

# A launcher that is replaced adopts the workers it finds.
my $workers = "SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity WHERE backend_type = 'pg_ocr worker'";
my $launcher = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_ocr launcher'";
my $before = $server->safe_psql('postgres', $workers);
my $old = $server->safe_psql('postgres', $launcher);
$server->safe_psql('postgres', "SELECT pg_terminate_backend($old)");
wait_until($server, "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pg_ocr launcher' AND pid <> $old");
$server->append_conf('postgresql.conf', "pg_ocr.workers = 2\n");
$server->reload;
ok(wait_for_workers($server, 2, 'postgres'), 'a new launcher stops workers of the old one');
my %before = map { $_ => 1 } split / /, $before;
is(scalar(grep { !$before{$_} } split / /, $server->safe_psql('postgres', $workers)), 0, 'and starts none beside them');
is(ended($server, submit($server, 'phototest.tif'))->{status}, 'completed', 'those that are left read');

# Who wants a database for itself finds no worker in the way; who closes one sends them away.
$server->safe_psql('postgres', 'CREATE DATABASE moving');
$server->safe_psql('moving', 'CREATE EXTENSION pg_ocr');
ok(wait_for_workers($server, 2, 'moving'), 'a database has its workers');
my $elsewhere = PostgreSQL::Test::Utils::tempdir;
$server->safe_psql('postgres', "CREATE TABLESPACE elsewhere LOCATION '$elsewhere'");
$server->safe_psql('postgres', 'ALTER DATABASE moving SET TABLESPACE elsewhere');
pass('ALTER DATABASE SET TABLESPACE finds nobody connected');
is(ended($server, submit($server, 'phototest.tif', undef, database => 'moving'), database => 'moving')->{status},
	'completed', 'it is served where it has gone');
$server->safe_psql('postgres', 'ALTER DATABASE moving ALLOW_CONNECTIONS false');
ok(wait_for_workers($server, 0, 'moving'), 'a database that is closed to connections has no workers');

# Several at once: no reservation undoes another.
my @databases = map { "database_$_" } 1 .. 4;
$server->safe_psql('postgres', "ALTER DATABASE moving ALLOW_CONNECTIONS true");
$server->safe_psql('postgres', 'DROP DATABASE moving');
for my $database (@databases)
{
	$server->safe_psql('postgres', "CREATE DATABASE $database");
	$server->safe_psql($database, 'CREATE EXTENSION pg_ocr');
}
wait_until($server, "SELECT count(DISTINCT datname) = 4 FROM pg_stat_activity WHERE backend_type = 'pg_ocr worker'");
my @sessions = map { $server->background_psql('postgres', on_error_stop => 0) } @databases;
for my $i (0 .. $#databases)
{
	$sessions[$i]{stdin} .= "DROP DATABASE $databases[$i];\n";
	$sessions[$i]{run}->pump_nb;
}
$_->query('SELECT 1') for @sessions;
is(join('', map { $_->{stderr} =~ s/.*QUERY_SEPARATOR.*\n//r } @sessions), '', 'databases are dropped all at once');
$_->quit for @sessions;

# A worker that looks for the extension just before it is created: nobody is left to wait for ever. It is held up by a lock,
# and the launcher by SIGSTOP.
$server->safe_psql('postgres', 'CREATE DATABASE early');
my $lock = $server->background_psql('early');
$lock->query_safe('BEGIN; LOCK TABLE pg_catalog.pg_extension IN ACCESS EXCLUSIVE MODE');
my $asking = "pg_stat_activity WHERE backend_type = 'pg_ocr worker' AND datname = 'early'";
wait_until($server, "SELECT count(*) > 0 FROM $asking AND wait_event_type = 'Lock'");
$old = $server->safe_psql('postgres', $launcher);
kill('STOP', $old);
$lock->query_safe('COMMIT');
wait_until($server, "SELECT count(*) = 0 FROM $asking");
$server->safe_psql('early', 'CREATE EXTENSION pg_ocr');
kill('CONT', $old);
ok(wait_for_workers($server, 2, 'early'), 'a database has workers though one has just looked for the extension in vain');
$lock->quit;

# No place at all: what is submitted waits until there is one.
my $full = new_server('no_place', max_worker_processes => 2);
my $waiting = submit($full, 'phototest.tif');
wait_for_log($full, qr/no free slot for 2 .*/);
is(status($full, $waiting)->{status}, 'pending', 'a job waits where there is no place for a worker');
$full->append_conf('postgresql.conf', 'max_worker_processes = 4');
$full->restart;
is(ended($full, $waiting)->{status}, 'completed', 'and is read once there is one');
$full->stop;

# pg_upgrade starts its servers with -b: nobody may write into its databases, or hold them.
$server->stop;
$server->append_conf('postgresql.conf', "log_min_messages = debug1\n");
my $log_size = -s $server->logfile;
PostgreSQL::Test::Utils::system_or_bail('pg_ctl', '-w', '-D', $server->data_dir, '-l', $server->logfile, '-o', '-b', 'start');
is($server->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg_ocr%'"), 0,
	'pg_upgrade meets no worker');
PostgreSQL::Test::Utils::system_or_bail('pg_ctl', '-w', '-D', $server->data_dir, 'stop');

done_testing();
