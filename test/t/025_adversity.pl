# Workers in a database that is set up for something else, or out of order for a while.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('adversity', 'pg_ocr.workers' => 1, 'pg_ocr.max_attempts' => 10);

# A task that can neither be recorded nor given back must not stay with a worker that lives on.
$server->safe_psql('postgres', <<'SQL');
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no room''; END';
CREATE TRIGGER refuse BEFORE UPDATE ON ocr.tasks FOR EACH ROW WHEN (old.worker IS NOT NULL) EXECUTE FUNCTION refuse();
CREATE TRIGGER refuse BEFORE INSERT ON ocr.pages FOR EACH ROW EXECUTE FUNCTION refuse();
SQL
my $worker = $server->safe_psql('postgres', 'SELECT pid FROM ocr.workers');
my $job = submit($server, 'phototest.tif');
wait_for_end_of($worker);
$server->safe_psql('postgres', 'DROP TRIGGER refuse ON ocr.tasks; DROP TRIGGER refuse ON ocr.pages');
is(ended($server, $job)->{status}, 'completed', 'a job is read once the database takes writes again');

# Tables without a key, published with all others.
$server->safe_psql('postgres', 'CREATE PUBLICATION everything FOR ALL TABLES');
$server->safe_psql('postgres', 'INSERT INTO ocr.released_documents VALUES (0)');
wait_until($server, 'SELECT count(*) = 0 FROM ocr.released_documents');
pass('workers drop documents though the tables are published');
$server->safe_psql('postgres', "INSERT INTO ocr.failures VALUES ($job, now(), 1, NULL, 'internal_error', 'planted')");
$server->safe_psql('postgres', "DELETE FROM ocr.jobs WHERE id = $job");
pass('and jobs can be deleted');
$server->safe_psql('postgres', 'DROP PUBLICATION everything');

# Tasks of dead workers that cannot be rescued are no reason not to read.
$server->safe_psql('postgres', <<'SQL');
CREATE TRIGGER refuse BEFORE DELETE ON ocr.released_documents FOR EACH ROW EXECUTE FUNCTION refuse();
INSERT INTO ocr.released_documents VALUES (0);
SQL
my $log_size = -s $server->logfile;
wait_for_log($server, qr/WARNING:  pg_ocr: no room/, after => $log_size);
is(ended($server, submit($server, 'phototest.tif'))->{status}, 'completed', 'a worker reads though its rescues fail');
$server->safe_psql('postgres', 'DROP TRIGGER refuse ON ocr.released_documents');

# Defaults for users' sessions.
$server->safe_psql('postgres', <<'SQL');
ALTER DATABASE postgres SET lock_timeout = '1ms';
ALTER DATABASE postgres SET default_transaction_isolation = 'serializable';
SQL
$server->restart;
my $session = $server->background_psql('postgres');
my $long = submit($server, 'multipage.pdf');
wait_for_page($server, $long);
$session->query_safe("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT FROM ocr.jobs WHERE id = $long FOR UPDATE");
wait_until($server, "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'pg_ocr worker' AND wait_event = 'PgSleep'");
$session->query_safe('COMMIT');
my $end = ended($server, $long);
is("$end->{status} $end->{attempts}", 'completed 1', 'a worker waits for a lock however short lock_timeout is');
$session->quit;

# pg_cancel_backend is for queries.
my $interrupted = submit($server, 'multipage.pdf');
($worker) = wait_for_page($server, $interrupted);
is($server->safe_psql('postgres', "SELECT pg_cancel_backend($worker)"), 't', 'a worker is cancelled');
$end = ended($server, $interrupted);
is("$end->{status} $end->{attempts}", 'completed 1', 'and reads on');

# Encodings.
$server->safe_psql('postgres', "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
like(sql_error($server, 'CREATE EXTENSION pg_ocr', database => 'latin'), qr/0A000.*UTF8.*LATIN1.*HINT:.*ENCODING 'UTF8'/s,
	'a database whose encoding lacks what documents have is refused');
$server->safe_psql('postgres', "CREATE DATABASE bytes ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
$server->safe_psql('bytes', 'CREATE EXTENSION pg_ocr');
is(ended($server, submit($server, 'phototest.tif', undef, database => 'bytes'), database => 'bytes')->{status},
	'completed', 'one without an encoding is not');

$server->stop;
done_testing();
