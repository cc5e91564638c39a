# CREATE EXTENSION in a database is all it takes for its work to be done, and DROP EXTENSION for the workers to go.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('databases', max_worker_processes => 20);
is(ended($server, submit($server, 'phototest.tif'))->{status}, 'completed', 'the first database is served');
ok(wait_for_workers($server, 2, 'postgres'), 'and has its workers');

$server->safe_psql('postgres', 'CREATE DATABASE second');
$server->safe_psql('second', 'CREATE EXTENSION pg_ocr');
my $job = submit($server, 'phototest.tif', undef, database => 'second');
is(ended($server, $job, database => 'second')->{status}, 'completed', 'CREATE EXTENSION in a second database is enough');
ok(wait_for_workers($server, 2, 'postgres'), "the first one's workers are still there");

$server->safe_psql('second', 'DROP EXTENSION pg_ocr');
ok(wait_for_workers($server, 0, 'second'), 'DROP EXTENSION ends its workers');
is($server->safe_psql('second', "SELECT count(*) FROM pg_namespace WHERE nspname = 'ocr'"), 0, 'nothing is left of it');
is(ended($server, submit($server, 'phototest.tif'))->{status}, 'completed', 'the first database is still served');

$server->safe_psql('second', 'CREATE EXTENSION pg_ocr');
$job = submit($server, 'phototest.tif', undef, database => 'second');
is(ended($server, $job, database => 'second')->{status}, 'completed', 'and again after CREATE EXTENSION');

# In another schema, and while a worker reads.
$server->safe_psql('second', 'DROP EXTENSION pg_ocr; CREATE SCHEMA reading; CREATE EXTENSION pg_ocr SCHEMA reading');
$job = $server->safe_psql('second', 'SELECT reading.ocr_submit(' . document('multipage.pdf') . ')');
wait_until($server, "SELECT count(*) > 0 FROM ocr.workers WHERE job_id = $job AND page_no > 0", database => 'second');
$server->safe_psql('second', 'ALTER SCHEMA reading RENAME TO renamed');
is($server->safe_psql('second', "SELECT count(*) FROM renamed.ocr_wait($job, '0')"), 1, "its functions find each other where the schema has been renamed");
$server->safe_psql('second', 'DROP EXTENSION pg_ocr');
ok(wait_for_workers($server, 0, 'second'), 'DROP EXTENSION with work in flight ends its workers');
$server->safe_psql('postgres', 'DROP DATABASE second');
pass('DROP DATABASE finds nobody connected');
is(ended($server, submit($server, 'phototest.tif'))->{status}, 'completed', 'the first database is still served');

# DROP DATABASE disconnects the workers itself where FORCE tells it to.
$server->safe_psql('postgres', 'CREATE DATABASE third');
$server->safe_psql('third', 'CREATE EXTENSION pg_ocr');
submit($server, 'phototest.tif', undef, database => 'third');
ok(wait_for_workers($server, 2, 'third'), 'a third database has its workers');
$server->safe_psql('postgres', 'DROP DATABASE third WITH (FORCE)');
is($server->safe_psql('postgres', "SELECT count(*) FROM pg_database WHERE datname = 'third'"), 0, 'and is dropped with them');
is(ended($server, submit($server, 'phototest.tif'))->{status}, 'completed', 'the first database is still served');

$server->stop;
done_testing();
