# A database that had the version before becomes what a fresh one is, with its jobs in every state, and reads on.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('update', 'pg_ocr.workers' => 0);
my $before = '0.1.0';
plan skip_all => "the script that makes version $before is not installed; scripts/test does that"
	if $server->safe_psql('postgres', "SELECT count(*) FROM pg_available_extension_versions WHERE name = 'pg_ocr' AND version = '$before'") == 0;
my ($now) = $server->safe_psql('postgres', 'SELECT ocr.library_version()');

# All that the extension is made of, described so that two databases can be compared.
my %described = (
	objects => q{SELECT pg_describe_object(classid, objid, 0), obj_description(objid, classid::regclass::name)
		FROM pg_depend WHERE deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_ocr')},
	columns => q{SELECT attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attstorage,
			pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)
		FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
		WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'ocr'::regnamespace) AND attnum > 0 AND NOT attisdropped},
	relations => q{SELECT oid::regclass, relkind, reloptions, relrowsecurity, relacl, pg_get_viewdef(oid) FROM pg_class WHERE relnamespace = 'ocr'::regnamespace},
	constraints => q{SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'ocr'::regnamespace},
	indexes => q{SELECT indexdef FROM pg_indexes WHERE schemaname = 'ocr'},
	functions => q{SELECT pg_get_functiondef(p.oid), p.proacl FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass
		WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_ocr')},
	triggers => q{SELECT tgrelid::regclass, pg_get_triggerdef(oid), tgenabled FROM pg_trigger WHERE NOT tgisinternal},
	policies => q{SELECT * FROM pg_policies},
	types => q{SELECT oid::regtype, typtype, typacl FROM pg_type WHERE typnamespace = 'ocr'::regnamespace},
	dumped => q{SELECT unnest(extconfig)::regclass, unnest(extcondition) FROM pg_extension WHERE extname = 'pg_ocr'},
	wrappers => q{SELECT fdwname, fdwhandler, fdwvalidator::regprocedure, fdwacl, fdwoptions FROM pg_foreign_data_wrapper},
	attributes => q{SELECT attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod) FROM pg_attribute
		WHERE attrelid = 'ocr.submission'::regclass},
	codes => q{SELECT * FROM ocr.error_codes},
);
sub described
{
	my ($database, $what) = @_;
	return join "\n", sort split /\n(?=\()/, $server->safe_psql($database, "SELECT x::text FROM ($described{$what}) x");
}

$server->safe_psql('postgres', 'CREATE DATABASE old');
$server->safe_psql('old', "CREATE EXTENSION pg_ocr VERSION '$before'");
my $document = PgOcr::document('phototest.tif');
$server->safe_psql('old', qq{
	SELECT ocr_submit(x, metadata => '{"n": 1}', keep_document => true) FROM (VALUES ($document)) v (x);
	CREATE TABLE claim AS SELECT * FROM ocr.claim_task(1);
	SELECT ocr.record_opened(task_id, fence, 'TIFF', 1, 1) FROM claim;
	SELECT ocr.record_page(task_id, fence, 1, 'read', 'ocr', 'text', 95, NULL, 1, 1, 1, 1, 0, 1, 'e', NULL, NULL) FROM claim;
	SELECT ocr.complete_task(task_id, fence) FROM claim;
	SELECT ocr_submit('\\x02');
	CREATE TABLE lost AS SELECT * FROM ocr.claim_task(1);
	SELECT ocr.fail_task(task_id, fence, 'document_damaged', 'torn', 0) FROM lost;
	SELECT ocr_cancel(ocr_submit('\\x03', batch => 'ended'));
	SELECT ocr_submit(x) FROM (VALUES ($document)) v (x);
	CREATE TABLE in_flight AS SELECT * FROM ocr.claim_task(1);
	SELECT ocr_submit(x, idempotency_key => 'k') FROM (VALUES ($document)) v (x);
});
my $states = 'SELECT array_agg(status ORDER BY id) FROM ocr.jobs';
is($server->safe_psql('old', $states), '{completed,failed,cancelled,running,pending}', 'a job in every state');

# The server has the new library already: workers leave the old database alone and say why.
$server->append_conf('postgresql.conf', "pg_ocr.workers = 2\n");
$server->reload;
my $told = qr/database "old" has version \Q$before\E of the extension, and the server has loaded version \Q$now\E: its documents wait.*ALTER EXTENSION pg_ocr UPDATE/s;
my $give_up = time + 180;
select(undef, undef, undef, 0.1) until PostgreSQL::Test::Utils::slurp_file($server->logfile) =~ $told || time > $give_up;
like(PostgreSQL::Test::Utils::slurp_file($server->logfile), $told, 'the log says what to do');
is($server->safe_psql('old', $states), '{completed,failed,cancelled,running,pending}', 'nothing is touched meanwhile');

$server->safe_psql('old', 'ALTER EXTENSION pg_ocr UPDATE');
is($server->safe_psql('old', "SELECT extversion FROM pg_extension WHERE extname = 'pg_ocr'"), $now, 'updated');
for my $what (sort keys %described)
{
	is(described('old', $what), described('postgres', $what), "$what are those of a fresh database");
}
is($server->safe_psql('old', q{SELECT finished_at IS NOT NULL FROM ocr.batches WHERE name = 'ended'}), 't', 'a batch that has ended has');
is($server->safe_psql('old', q{SELECT jobs, cancelled, progress FROM ocr.progress WHERE batch = 'ended'}), '1|1|1', 'and is counted');
wait_until($server, 'SELECT count(*) = 0 FROM ocr.tasks', database => 'old');
is($server->safe_psql('old', $states), '{completed,failed,cancelled,completed,completed}', 'without a restart, workers read what was waiting');
is($server->safe_psql('old', 'SELECT ocr_text(1)'), 'text', 'results of before are there');
is($server->safe_psql('old', q{SELECT job_id FROM ocr_search('texts', job_id => 1)}), 1, 'and are found');
is($server->safe_psql('old', "SELECT ocr_submit('\\x05', idempotency_key => 'k')"), 5, 'idempotency keys count');
is($server->safe_psql('old', 'SELECT ocr_retry(2)'), 't', 'a failed job can be retried');

$server->stop;
done_testing();
