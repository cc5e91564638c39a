# Whatever users hold, and whatever a database sets for its users, workers go on with everybody else's jobs.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('users', 'pg_ocr.workers' => 1);
$server->safe_psql('postgres', 'CREATE ROLE alice; CREATE ROLE bob; CREATE TABLE scan (name text, document bytea); GRANT SELECT ON scan TO PUBLIC');
$server->safe_psql('postgres', "INSERT INTO scan VALUES ('$_', " . document($_) . ')') for 'multipage.pdf', 'testocr.png';
sub submit_as
{
	my ($role, $name) = @_;
	return $server->safe_psql('postgres', "SET ROLE $role; SELECT ocr_submit(document, pages => CASE WHEN name = 'multipage.pdf' THEN '1-2' END) FROM scan WHERE name = '$name'");
}

# A cancel in a transaction that stays open keeps the job's row locked.
my $held = submit_as('alice', 'multipage.pdf');
wait_for_page($server, $held);
my $alice = $server->background_psql('postgres');
$alice->query_safe("SET ROLE alice; BEGIN; SELECT ocr_cancel($held)");
my $bobs = submit_as('bob', 'testocr.png');
is(ended($server, $bobs)->{status}, 'completed', 'a cancel that is never committed holds up nobody else');
is(status($server, $held)->{status}, 'running', 'and has not happened yet');
$alice->query_safe('COMMIT');
is(ended($server, $held)->{status}, 'cancelled', 'when it is committed it has');
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.tasks'), 0, 'no task is left');

$held = submit_as('alice', 'multipage.pdf');
wait_for_page($server, $held);
$alice->query_safe("BEGIN; SELECT ocr_cancel($held)");
is(ended($server, submit_as('bob', 'testocr.png'))->{status}, 'completed', 'nor does a second one');
$alice->query_safe('ROLLBACK');
my $end = ended($server, $held);
is("$end->{status} $end->{pages_failed} " . ($end->{pages_done} == $end->{pages_total}), 'completed 0 1',
	'and when it is rolled back, its job is read to the end');
$alice->quit;

# What a database or a role sets for sessions of users.
$server->append_conf('postgresql.conf', 'pg_ocr.workers = 0');
$server->reload;
wait_for_workers($server, 0);
my $job = submit_as('bob', 'testocr.png');
$server->safe_psql('postgres', <<'SQL');
ALTER ROLE ALL SET session_replication_role = replica;
ALTER DATABASE postgres SET default_transaction_read_only = on;
ALTER DATABASE postgres SET default_transaction_isolation = serializable;
ALTER DATABASE postgres SET statement_timeout = 1;
ALTER DATABASE postgres SET standard_conforming_strings = off;
ALTER DATABASE postgres SET role = bob;
SQL
$server->append_conf('postgresql.conf', 'pg_ocr.workers = 1');
$server->reload;
$ENV{PGOPTIONS} = '-c statement_timeout=0';
is(ended($server, $job)->{status}, 'completed', 'a worker minds none of it');
is($server->safe_psql('postgres', "SET ROLE postgres; SELECT count(*) FROM ocr.pages WHERE job_id = $job AND search IS NOT NULL"), 1, 'nor does what keeps its page searchable');

# What a user had put into the extension's schema before there was the extension.
$server->safe_psql('template1', 'CREATE DATABASE planted');
$server->safe_psql('planted', <<'SQL');
GRANT CREATE ON SCHEMA public TO alice;
SET ROLE alice;
CREATE FUNCTION public.planted(int, text) RETURNS text LANGUAGE sql AS $$SELECT 'planted'$$;
CREATE FUNCTION public.planted(name, name) RETURNS boolean LANGUAGE sql AS $$SELECT true$$;
CREATE OPERATOR public.|| (LEFTARG = int, RIGHTARG = text, FUNCTION = public.planted);
CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = name, FUNCTION = public.planted);
CREATE FUNCTION public.length(text) RETURNS int LANGUAGE sql AS 'SELECT 4';
RESET ROLE;
CREATE EXTENSION pg_ocr;
SQL
is($server->safe_psql('planted', <<'SQL'), '', 'the extension calls nothing of it');
SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend d
WHERE pg_identify_object(d.refclassid, d.refobjid, 0)::text ~ 'public' AND d.deptype = 'n'
  AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass) AND pg_describe_object(d.classid, d.objid, 0) ~ 'ocr'
  AND NOT EXISTS (SELECT FROM pg_depend own WHERE own.classid = d.refclassid AND own.objid = d.refobjid AND own.deptype = 'e')
SQL

$server->stop;
done_testing();
