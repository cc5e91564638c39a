# Attached tables: rows with new documents are read, and their text is written to them by their owner's rights, whatever
# happens to the rows meanwhile, and never over anything newer.
use strict;
use warnings;
use Test::More;
use PgOcr;

my $server = new_server('attach', 'pg_ocr.workers' => 0, max_prepared_transactions => 5);
sub sql { return $server->safe_psql('postgres', join(' ', @_)) }
sub as { my $role = shift; return sql("SET ROLE $role;", @_) }

sub workers
{
	my ($count) = @_;
	$server->append_conf('postgresql.conf', "pg_ocr.workers = $count\n");
	$server->reload;
	wait_for_workers($server, $count);
}
sub settled
{
	wait_until($server, q{SELECT NOT EXISTS (SELECT FROM ocr.attached WHERE waiting > 0 OR backfilling) AND NOT EXISTS (SELECT FROM ocr.jobs WHERE finished_at IS NULL)});
}
sub row { return sql("SELECT concat_ws('|', trim(E'\\n' from words), status, verdict) FROM shop.paper WHERE id = $_[0]") }

sql('CREATE ROLE app LOGIN; CREATE ROLE clerk LOGIN; CREATE SCHEMA shop AUTHORIZATION app; GRANT USAGE ON SCHEMA shop TO clerk');
as('app', 'CREATE TABLE shop.paper (id int PRIMARY KEY, scan bytea, words text, confidence real, verdict text, layout jsonb, status text, job bigint, note text);
	GRANT ALL ON shop.paper TO clerk; INSERT INTO shop.paper (id, scan) VALUES (1, ' . paper('there before') . "), (2, NULL); INSERT INTO shop.paper (id, scan, words) VALUES (3, " . paper('typed by hand') . ", 'typed')");
my $attach = q{SELECT ocr_attach('shop.paper', document => 'scan', text => 'words', confidence => 'confidence', verdict => 'verdict', layout => 'layout', status => 'status', job => 'job')};

subtest 'who may attach what' => sub {
	like(sql_error($server, "SET ROLE clerk; $attach"), qr/42501.*must be owner of table shop.paper/s, 'only the owner');
	for my $case (
		["'shop.paper', 'scam', text => 'words'", qr/42703.*has no column "scam"/s],
		["'shop.paper', 'id', text => 'words'", qr/42804.*is of type integer/s],
		["'shop.paper', 'scan', text => 'confidence'", qr/42804/],
		["'shop.paper', 'scan', text => 'words', status => 'words'", qr/22023.*named twice/s],
		["'shop.paper', 'scan'", qr/22023.*nothing is to be written/s],
		["'shop.paper', 'scan', text => 'words', tier => 'best'", qr/22023.*unknown tier/s],
		["'shop.paper', NULL, text => 'words'", qr/22004/],
		["NULL, 'scan', text => 'words'", qr/22004/],
		["'shop.bare', 'scan', text => 'words'", qr/55000.*no primary key/s],
		["'shop.made', 'scan', text => 'words'", qr/can only be updated to DEFAULT/s],
		["'shop.seen', 'scan', text => 'words'", qr/42809/],
		["'mine', 'scan', text => 'words'", qr/42809.*temporary/s],
		["'ocr.documents', 'bytes', text => 'owner'", qr/42501/],
		["'shop.strict', 'scan', text => 'words', status => 'status'", qr/55000.*NOT NULL/s])
	{
		like(sql_error($server, "SET ROLE app; CREATE TABLE shop.bare (scan bytea, words text); CREATE TABLE shop.made (id int PRIMARY KEY, scan bytea, words text GENERATED ALWAYS AS ('') STORED);
			CREATE TABLE shop.strict (id int PRIMARY KEY, scan bytea, words text, status text NOT NULL);
			CREATE VIEW shop.seen AS SELECT * FROM shop.paper; CREATE TEMP TABLE mine (id int PRIMARY KEY, scan bytea, words text); SELECT ocr_attach($case->[0]);"), $case->[1], $case->[0]);
		as('app', 'DROP TABLE IF EXISTS shop.bare, shop.made, shop.strict; DROP VIEW IF EXISTS shop.seen');
	}
	like(as('app', $attach), qr/^\d+$/, 'attached');
	like(sql_error($server, "SET ROLE app; $attach"), qr/42710.*attached already/s, 'once');
	is(as('clerk', 'SELECT count(*) FROM ocr.attached'), 0, 'others do not see it');
};

workers(1);
subtest 'what was there, what comes, what changes' => sub {
	settled();
	is(row(1), 'there before|completed|approved', 'the row that was there');
	is(row(2), '', 'one without a document');
	is(row(3), 'typed', 'one that has a text');
	is(sql("SELECT confidence = 100 AND layout->0->>'page_no' = '1' AND jsonb_array_length(layout->0->'blocks') = 1 AND job = (SELECT id FROM ocr.jobs) FROM shop.paper WHERE id = 1"), 't', 'all of it');
	is(sql("SELECT concat_ws('|', owner, batch, metadata) FROM ocr.jobs"), 'app|backfill of shop.paper.scan|{"key": {"id": "1"}, "table": "shop.paper"}', 'its job');
	is(sql('SELECT count(*) FROM ocr.documents'), 0, 'its bytes are in no other place');

	as('clerk', 'INSERT INTO shop.paper (id, scan) VALUES (4, ' . paper('new') . '); UPDATE shop.paper SET scan = ' . paper('filled in') . ' WHERE id = 2');
	settled();
	is(row(4), 'new|completed|approved', 'a new row');
	is(row(2), 'filled in|completed|approved', 'a document that comes later');
	is(sql('SELECT string_agg(DISTINCT owner, $$,$$) FROM ocr.jobs'), 'app', 'whoever writes the row, the jobs are its owner\'s');
	my $jobs = sql('SELECT count(*) FROM ocr.jobs');
	as('clerk', "UPDATE shop.paper SET note = 'looked at'; UPDATE shop.paper SET scan = scan");
	settled();
	is(sql('SELECT count(*) FROM ocr.jobs'), $jobs, 'other changes and writing itself are nothing to read');

	as('app', 'UPDATE shop.paper SET scan = NULL WHERE id = 2; UPDATE shop.paper SET scan = $$no paper$$ WHERE id = 4');
	settled();
	is(row(2), '', 'a document that is taken away');
	is(row(4), 'failed', 'one that cannot be read leaves no text of another');
	is(sql("SELECT failed FROM ocr.attached"), 1, 'and is counted');
	as('app', 'UPDATE shop.paper SET scan = ' . paper('mended') . ' WHERE id = 4; UPDATE shop.paper SET scan = ' . paper('new') . ", words = 'said so' WHERE id = 1");
	settled();
	is(row(4), 'mended|completed|approved', 'mended');
	is(row(1), 'said so|completed|approved', 'a text that comes with a document stays');
};

subtest 'transactions' => sub {
	as('app', 'BEGIN; INSERT INTO shop.paper (id, scan) VALUES (10, ' . paper('rolled back') . '); ROLLBACK;
		BEGIN; INSERT INTO shop.paper (id, scan) VALUES (11, ' . paper('eleven') . '); SAVEPOINT s; INSERT INTO shop.paper (id, scan) VALUES (12, ' . paper('twelve') . ');
		ROLLBACK TO s; INSERT INTO shop.paper (id, scan) VALUES (13, ' . paper('thirteen') . '); SAVEPOINT t; INSERT INTO shop.paper (id, scan) VALUES (14, ' . paper('fourteen') . '); RELEASE t; COMMIT;
		DO $do$ BEGIN FOR i IN 15 .. 17 LOOP BEGIN INSERT INTO shop.paper (id, scan) VALUES (i, ' . paper('a loop') . '); IF i = 16 THEN RAISE $$no$$; END IF; EXCEPTION WHEN OTHERS THEN END; END LOOP; END $do$');
	sql('BEGIN; INSERT INTO shop.paper (id, scan) VALUES (18, ' . paper('prepared') . "); PREPARE TRANSACTION 'scan'");
	is(sql("SELECT count(*) FROM shop.paper WHERE id = 18"), 0, 'not there yet');
	sql("COMMIT PREPARED 'scan'");
	settled();
	is(sql(q{SELECT string_agg(id || trim(E'\n' from words), ',' ORDER BY id) FROM shop.paper WHERE id > 9}), '11eleven,13thirteen,14fourteen,15a loop,17a loop,18prepared', 'what was committed is read, and nothing else');
	is(sql('SELECT count(*) FROM ocr.jobs WHERE metadata @> ANY (SELECT jsonb_build_object($$key$$, jsonb_build_object($$id$$, n::text)) FROM unnest($${10,12,16}$$::int[]) n)'), 0, 'of the others there was no job');
};

# What happens to a row between the reading and the writing.
workers(0);
my $worker = $server->background_psql('postgres', on_error_stop => 1);
$worker->query_safe("\\ir " . File::Spec->rel2abs('test/pgtap/fake_worker.psql'));
sub begin_reading
{
	my ($id, $words) = @_;
	as('app', "INSERT INTO shop.paper (id, scan) VALUES ($id, " . paper($words) . ')');
	$worker->query_safe('SELECT ocr.make_attached_jobs()');
	my $job = $worker->query_safe('SELECT pg_temp.claim()');
	$worker->query_safe("SELECT ocr.record_fetched(task_id, fence, '', octet_length(bytes), sha256(bytes)) FROM claim, ocr.row_document(task_id, fence) AS bytes");
	$worker->query_safe('SELECT pg_temp.open(1), pg_temp.read(1)');
	return $job;
}
sub finish { $worker->query_safe('SELECT pg_temp.complete()'); return status($server, $_[0]) }

subtest 'meanwhile' => sub {
	my $job = begin_reading(20, 'plain');
	is(finish($job)->{status}, 'completed', 'nothing happened');
	is(row(20), 'text of page 1|completed|approved', 'written');

	$job = begin_reading(21, 'first');
	as('app', 'UPDATE shop.paper SET scan = ' . paper('second') . ' WHERE id = 21');
	my $ended = finish($job);
	is($ended->{status}, 'cancelled', 'the document has changed');
	like($ended->{error}, qr/changed while it was read/, 'which it says');
	is(row(21), '', 'no text of the first');
	$worker->query_safe('SELECT ocr.make_attached_jobs()');
	is($worker->query_safe('SELECT pg_temp.claim() > 0, pg_temp.fail($$document_damaged$$)'), 't|t', 'the second has a job');

	$job = begin_reading(22, 'deleted');
	as('app', 'DELETE FROM shop.paper WHERE id = 22');
	is(finish($job)->{status}, 'cancelled', 'the row is gone');

	$job = begin_reading(23, 'typed meanwhile');
	as('app', "UPDATE shop.paper SET words = 'by hand' WHERE id = 23");
	is(finish($job)->{status}, 'cancelled', 'somebody wrote a text');
	is(row(23), 'by hand', 'which stays');

	$job = begin_reading(24, 'moved');
	as('app', 'UPDATE shop.paper SET id = 240 WHERE id = 24');
	is(finish($job)->{status}, 'cancelled', 'the row has another key');
	$worker->query_safe('SELECT ocr.make_attached_jobs()');
	is(sql(q{SELECT count(*) FROM ocr.jobs WHERE metadata->'key'->>'id' = '240' AND status = 'pending'}), 1, 'by which it is read again');
	sql('SELECT ocr_cancel(id) FROM ocr.jobs WHERE finished_at IS NULL');

	# A job that waits reads what is there when its turn comes.
	as('app', 'INSERT INTO shop.paper (id, scan) VALUES (25, ' . paper('one') . ')');
	$worker->query_safe('SELECT ocr.make_attached_jobs()');
	as('app', 'UPDATE shop.paper SET scan = ' . paper('two') . ' WHERE id = 25');
	$worker->query_safe('SELECT ocr.make_attached_jobs()');
	is(sql(q{SELECT count(*) FROM ocr.jobs WHERE metadata->'key'->>'id' = '25'}), 1, 'one job for two changes');
	as('app', 'DELETE FROM shop.paper WHERE id = 25');
	$worker->query_safe('SELECT pg_temp.claim(); SELECT ocr.row_document(task_id, fence) FROM claim');
	is(sql(q{SELECT status FROM ocr.jobs WHERE metadata->'key'->>'id' = '25'}), 'cancelled', 'a row that is gone by then is no failure');

	# Locked by somebody: the pages are kept, and it is tried again.
	$job = begin_reading(26, 'locked');
	my $other = $server->background_psql('postgres');
	$other->query_safe('BEGIN; UPDATE shop.paper SET note = $$mine$$ WHERE id = 26');
	$ended = finish($job);
	is("$ended->{status} $ended->{error_code} $ended->{pages_done}", 'pending row_locked 1', 'it waits');
	$other->query_safe('COMMIT');
	$worker->query_safe('UPDATE ocr.tasks SET run_at = now() - interval $$1 s$$');
	is($worker->query_safe('SELECT pg_temp.claim()'), $job, 'claimed again');
	is($worker->query_safe('SELECT done FROM claim, LATERAL ocr.row_document(task_id, fence) AS b'), '{1}', 'with its page done');
	is(finish($job)->{status}, 'completed', 'and written');
	is(row(26), 'text of page 1|completed|approved', 'to the row');
	is(sql('SELECT note FROM shop.paper WHERE id = 26'), 'mine', 'over nothing of the other\'s');

	# Changed by a transaction that commits while the write waits for it.
	$job = begin_reading(27, 'race');
	$other->query_safe('BEGIN; UPDATE shop.paper SET scan = ' . paper('newer') . ' WHERE id = 27');
	is(finish($job)->{status}, 'pending', 'it waits');
	$other->query_safe('COMMIT');
	$worker->query_safe('UPDATE ocr.tasks SET run_at = now() - interval $$1 s$$; SELECT pg_temp.claim()');
	$worker->query_safe("SELECT ocr.record_fetched(task_id, fence, '', octet_length(bytes), sha256(bytes)) FROM claim, ocr.row_document(task_id, fence) AS bytes");
	is(sql("SELECT pages_done FROM ocr.jobs WHERE id = $job"), 0, 'then it begins anew, as the document is another one');
	$worker->query_safe('SELECT pg_temp.open(1), pg_temp.read(1)');
	is(finish($job)->{status}, 'completed', 'and is written');
	$other->quit;
	$worker->query_safe('SELECT ocr.make_attached_jobs(); SELECT ocr_cancel(id) FROM ocr.jobs WHERE finished_at IS NULL');
};

subtest 'the owner\'s triggers and rights' => sub {
	as('app', q{CREATE FUNCTION shop.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today'; END $$;
		CREATE TRIGGER refuse BEFORE UPDATE ON shop.paper FOR EACH ROW EXECUTE FUNCTION shop.refuse()});
	my $job = begin_reading(30, 'refused');
	my $ended = finish($job);
	is("$ended->{status} $ended->{error_code}", 'failed row_refused', 'what the table refuses is a failure');
	like($ended->{error}, qr/could not be written to table shop.paper: not today/, 'in its own words');
	as('app', 'DROP TRIGGER refuse ON shop.paper');
	sql("SELECT ocr_retry($job)");
	$worker->query_safe('SELECT pg_temp.claim(); SELECT ocr.row_document(task_id, fence) FROM claim');
	is($worker->query_safe('SELECT done FROM claim'), '{1}', 'nothing is read again');
	is(finish($job)->{status}, 'completed', 'mended and retried');

	# With the rights of the owner, and no way to others.
	as('app', q{CREATE TABLE shop.seen (who name, path text);
		CREATE FUNCTION shop.look() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			INSERT INTO shop.seen VALUES (current_user, current_setting('search_path'));
			BEGIN SET ROLE postgres; INSERT INTO shop.seen VALUES ('superuser', ''); EXCEPTION WHEN OTHERS THEN END;
			BEGIN RESET ROLE; INSERT INTO shop.seen SELECT 'reset to ' || current_user, '' WHERE current_user <> 'app'; EXCEPTION WHEN OTHERS THEN END;
			PERFORM pg_advisory_unlock_all(); PERFORM set_config('search_path', 'shop', false), set_config('work_mem', '64kB', false);
			RETURN NEW;
		END $$;
		CREATE FUNCTION shop.late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO shop.seen VALUES ('late ' || current_user, ''); RETURN NULL; END $$;
		CREATE TRIGGER look BEFORE UPDATE ON shop.paper FOR EACH ROW EXECUTE FUNCTION shop.look();
		CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON shop.paper DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.late()});
	sql(q{ALTER ROLE app SET search_path = shop, pg_catalog});
	$job = begin_reading(31, 'looked at');
	$ended = finish($job);
	is($ended->{error}, undef, 'written');
	is(sql(q{SELECT string_agg(who || ':' || path, ' ' ORDER BY who) FROM shop.seen}), 'app:shop, pg_catalog late app:', 'as the owner in all of its triggers');
	workers(1);
	as('app', 'INSERT INTO shop.paper (id, scan) VALUES (32, ' . paper('by a worker') . ')');
	settled();
	is(row(32), 'by a worker|completed|approved', 'also by a worker');
	is(sql(q{SELECT count(*) FROM ocr.live_workers() AS l WHERE cardinality(l) = 1}), 1, 'which has its lock still');
	as('app', 'DROP TRIGGER look ON shop.paper; DROP TRIGGER late ON shop.paper; REVOKE UPDATE ON shop.paper FROM app; INSERT INTO shop.paper (id, scan) VALUES (33, ' . paper('no rights') . ')');
	settled();
	is(sql(q{SELECT error_code FROM ocr.jobs ORDER BY id DESC LIMIT 1}), 'row_refused', 'an owner without the right');
	as('app', 'GRANT UPDATE ON shop.paper TO app');
	like(sql_error($server, q{SET ROLE clerk; SELECT * FROM ocr.run_as('postgres'::regrole, 'public', 'SELECT NULL::bytea, NULL::text[]', '{}')}), qr/42501/, 'nobody else can do so');
	like(sql_error($server, q{SET ROLE clerk; CREATE TEMP TABLE t (i int); CREATE TRIGGER t AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION ocr.note_attached_row('1')}), qr/42501/, 'nor note rows of a table of theirs');
};

subtest 'corrected by a person' => sub {
	my $job = sql('SELECT job FROM shop.paper WHERE id = 32');
	sql("SELECT ocr_review($job, 1, 'approved', 'as it should be')");
	is(row(32), 'as it should be|completed|approved', 'the row has the corrected text');
	as('app', q{CREATE FUNCTION shop.tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.words := rtrim(NEW.words, E'\n'); RETURN NEW; END $$;
		CREATE TRIGGER tidy BEFORE UPDATE ON shop.paper FOR EACH ROW EXECUTE FUNCTION shop.tidy()});
	sql("SELECT ocr_review($job, 1, 'approved', 'tidied')");
	sql("SELECT ocr_review($job, 1, 'approved', 'and once more')");
	is(row(32), 'and once more|completed|approved', 'also after a trigger of the table has changed it');
	as('app', 'DROP TRIGGER tidy ON shop.paper');
	as('app', "UPDATE shop.paper SET words = 'typed since' WHERE id = 32");
	sql("SELECT ocr_review($job, 1, 'rejected', 'again')");
	is(row(32), 'typed since|completed|approved', 'but not over what was typed since');
	is(as('app', "SELECT length(ocr_pdf($job)) > 500"), 't', 'its document is the row\'s');
};

subtest 'detached' => sub {
	$worker->quit;
	workers(0);
	as('app', 'INSERT INTO shop.paper (id, scan) VALUES (40, ' . paper('never read') . ')');
	sql('SELECT ocr.make_attached_jobs()');
	as('app', 'INSERT INTO shop.paper (id, scan) VALUES (41, ' . paper('never read') . ')');
	like(sql_error($server, q{SET ROLE clerk; SELECT ocr_detach('shop.paper')}), qr/42501/, 'not by others');
	is(as('app', q{SELECT ocr_detach('shop.paper')}), 1, 'one job is cancelled');
	is(sql('SELECT (SELECT count(*) FROM ocr.attached_changes) || $$ $$ || (SELECT count(*) FROM pg_trigger WHERE tgrelid = $$shop.paper$$::regclass)'), '0 0', 'nothing is left');
	like(sql_error($server, q{SET ROLE app; SELECT ocr_detach('shop.paper')}), qr/42704.*not attached/s, 'once');
	as('app', 'INSERT INTO shop.paper (id, scan) VALUES (42, ' . paper('never read') . ')');
	is(sql('SELECT ocr.attached_rows_wait()'), 'f', 'nothing is noted any more');
};

$server->stop;
done_testing();
