# Attached tables of all kinds: URIs, large objects, partitions, keys of several columns, replicas; backfills that are
# paused; workers and servers that are killed; dumps.
use strict;
use warnings;
use File::Temp;
use Test::More;
use PgOcr;

my $server = new_server('attach_kinds', 'pg_ocr.workers' => 1, wal_level => 'logical', max_wal_senders => 5, max_replication_slots => 5);
sub sql { return $server->safe_psql('postgres', join(' ', @_)) }
sub settled
{
	my (%options) = @_;
	wait_until($server, q{SELECT NOT EXISTS (SELECT FROM ocr.attached WHERE waiting > 0 OR backfilling) AND NOT EXISTS (SELECT FROM ocr.jobs WHERE finished_at IS NULL)}, %options);
}

subtest 'URIs' => sub {
	my $folder = File::Temp->newdir;
	chmod 0755, $folder;
	for my $name ('one', 'two')
	{
		open(my $file, '>:raw', "$folder/$name.pdf") or die;
		print $file pack('H*', substr(paper("number $name"), 3) =~ s/'.*//r);
		close $file;
	}
	sql("CREATE SERVER scans FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'file', directory '$folder');
		CREATE TABLE letters (id bigserial PRIMARY KEY, at text, words varchar(200) NOT NULL DEFAULT '', state text);
		INSERT INTO letters (at) VALUES ('file://$folder/one.pdf'), ('file://$folder/none.pdf'), ('file:///etc/passwd'), ('gibberish')");
	sql(q{SELECT ocr_attach('letters', 'at', text => 'words', status => 'state')});
	settled();
	is(sql(q{SELECT string_agg(trim(E'\n' from words) || state, ' ' ORDER BY id) FROM letters}), 'number onecompleted failed failed failed', 'fetched, and what cannot be had');
	is(sql('SELECT string_agg(coalesce(error_code, $$none$$), $$ $$ ORDER BY id) FROM ocr.jobs'), 'none document_missing store_undeclared store_undeclared', 'said why');
	sql("UPDATE letters SET at = 'file://$folder/two.pdf' WHERE id = 1");
	settled();
	is(sql(q{SELECT trim(E'\n' from words) FROM letters WHERE id = 1}), 'number two', 'another URI');
	sql('DROP TABLE letters');
	is(sql('SELECT count(*) FROM ocr.attached'), 0, 'a table that is dropped is attached no more');
};

subtest 'large objects' => sub {
	sql('CREATE DOMAIN picture AS oid; CREATE TABLE pictures (name text, part int, pixels picture, words text, PRIMARY KEY (part, name));
		INSERT INTO pictures VALUES ($$it\'s, {a "\\name"}$$, 2, lo_from_bytea(0, ' . paper('large object') . '))');
	sql(q{SELECT ocr_attach('pictures', 'pixels', text => 'words')});
	settled();
	is(sql(q{SELECT trim(E'\n' from words) FROM pictures}), 'large object', 'read, by a key of several columns');
	is(sql(q{SELECT metadata->'key' = jsonb_build_object('part', '2', 'name', name) FROM ocr.jobs, pictures ORDER BY id DESC LIMIT 1}), 't', 'which its job names');
	sql('UPDATE pictures SET pixels = lo_from_bytea(0, ' . paper('another') . ')');
	settled();
	is(sql(q{SELECT trim(E'\n' from words) FROM pictures}), 'another', 'another one');
	sql(q{SELECT ocr_detach('pictures'); DROP TABLE pictures});
};

subtest 'partitions' => sub {
	sql(q{CREATE TABLE bills (id int, year int, scan bytea, words text, PRIMARY KEY (year, id)) PARTITION BY RANGE (year);
		CREATE TABLE bills_2025 PARTITION OF bills FOR VALUES FROM (2025) TO (2026);
		CREATE TABLE bills_2026 (scan bytea, gone int, words text, year int NOT NULL, id int NOT NULL); ALTER TABLE bills_2026 DROP gone;
		ALTER TABLE bills ATTACH PARTITION bills_2026 FOR VALUES FROM (2026) TO (2027);
		SELECT ocr_attach('bills', 'scan', text => 'words')});
	like(sql_error($server, q{SELECT ocr_attach('bills_2025', 'scan', text => 'words')}), qr/42809.*is a partition/s, 'not a partition by itself');
	sql(q{CREATE TABLE bills_2027 PARTITION OF bills FOR VALUES FROM (2027) TO (2028);
		INSERT INTO bills VALUES (1, 2025, } . paper('first') . '), (2, 2026, ' . paper('second') . '); INSERT INTO bills_2027 VALUES (3, 2027, ' . paper('third') . ')');
	settled();
	is(sql(q{SELECT string_agg(trim(E'\n' from words), ' ' ORDER BY id) FROM bills}), 'first second third', 'in the parent, with other columns, in a later partition');
	sql('UPDATE bills SET year = 2026 WHERE id = 1; UPDATE bills SET scan = ' . paper('changed') . ' WHERE id = 2');
	settled();
	is(sql(q{SELECT string_agg(trim(E'\n' from words) || year, ' ' ORDER BY id) FROM bills}), 'first2026 changed2026 third2027', 'moved, and changed');
	$server->append_conf('postgresql.conf', "pg_ocr.workers = 0\n");
	$server->reload;
	wait_for_workers($server, 0);
	sql('INSERT INTO bills VALUES (4, 2025, ' . paper('fourth') . '); UPDATE bills SET year = 2027 WHERE id = 4');
	$server->append_conf('postgresql.conf', "pg_ocr.workers = 1\n");
	$server->reload;
	settled();
	is(sql(q{SELECT trim(E'\n' from words) FROM bills WHERE id = 4}), 'fourth', 'moved before it was read');
	sql('CREATE TABLE bills_2028 (LIKE bills INCLUDING ALL); INSERT INTO bills_2028 VALUES (5, 2028, ' . paper('fifth') . '); ALTER TABLE bills ATTACH PARTITION bills_2028 FOR VALUES FROM (2028) TO (2029)');
	is(sql(q{SELECT ocr_backfill('bills')}), 'backfill of public.bills.scan', 'a partition that comes with rows');
	settled();
	is(sql(q{SELECT trim(E'\n' from words) FROM bills WHERE id = 5}), 'fifth', 'is read by a backfill');
	sql(q{SELECT ocr_detach('bills'); DROP TABLE bills});
};

subtest 'backfill' => sub {
	my $listener = $server->background_psql('postgres');
	$listener->query_safe('LISTEN ocr');
	sql('CREATE TABLE papers (id int PRIMARY KEY, scan bytea, words text); INSERT INTO papers SELECT n, convert_to(replace(convert_from(' . paper('paper 00000') . q{, 'LATIN1'), '00000', lpad(n::text, 5, '0')), 'LATIN1') FROM generate_series(1, 250) AS n});
	sql(q{BEGIN; SELECT ocr_attach('papers', 'scan', text => 'words'); SELECT ocr_pause('backfill of public.papers.scan'); COMMIT});
	sql('INSERT INTO papers VALUES (1000, ' . paper('urgent') . ')');
	wait_until($server, 'SELECT words IS NOT NULL FROM papers WHERE id = 1000');
	is(sql('SELECT count(words) FROM papers'), 1, 'while it is paused, what is new is read');
	is(sql(q{SELECT ocr_resume('backfill of public.papers.scan')}), 't', 'resumed');
	wait_until($server, 'SELECT count(words) > 20 FROM papers');
	my ($worker) = $server->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_ocr worker'});
	kill 'KILL', $worker;
	wait_until($server, 'SELECT count(words) > 100 FROM papers');
	$server->stop('immediate');
	$server->start;
	settled();
	is(sql(q{SELECT count(*) FROM papers WHERE trim(E'\n' from words) = CASE id WHEN 1000 THEN 'urgent' ELSE 'paper ' || lpad(id::text, 5, '0') END}), 251, 'whoever is killed, all are read');
	is(sql(q{SELECT count(*) || ' ' || count(DISTINCT metadata->'key') FROM ocr.jobs WHERE batch = 'backfill of public.papers.scan'}), '250 250', 'once each');
	wait_until($server, q{SELECT finished_at IS NOT NULL FROM ocr.batches WHERE name = 'backfill of public.papers.scan'});
	is(sql(q{SELECT jobs || ' ' || completed FROM ocr.progress WHERE batch = 'backfill of public.papers.scan'}), '250 250', 'and shown');
	eval { $listener->quit };
};

subtest 'dump and restore' => sub {
	my $dump = $server->basedir . '/dump.sql';
	$server->command_ok([ 'pg_dump', '-f', $dump, $server->connstr('postgres') ], 'dumped');
	sql('CREATE DATABASE other');
	$server->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $server->connstr('other') ], 'restored');
	is($server->safe_psql('other', q{SELECT relation || ' ' || waiting || ' ' || backfilling FROM ocr.attached}), 'papers 0 false', 'attached there');
	$server->safe_psql('other', 'INSERT INTO papers VALUES (2000, ' . paper('restored') . ')');
	wait_until($server, q{SELECT trim(E'\n' from words) = 'restored' FROM papers WHERE id = 2000}, database => 'other');
	ok(1, 'and at work');
	sql('DROP DATABASE other WITH (FORCE)');
};

subtest 'logical replication' => sub {
	sql('CREATE DATABASE replica');
	$server->safe_psql('replica', 'CREATE EXTENSION pg_ocr; CREATE TABLE papers (id int PRIMARY KEY, scan bytea, words text)');
	$server->safe_psql('replica', q{SELECT ocr_attach('papers', 'scan', text => 'words', on_replica => true)});
	sql(q{SELECT ocr_detach('papers'); UPDATE papers SET words = NULL; DELETE FROM papers WHERE id > 3; CREATE PUBLICATION scans FOR TABLE papers; SELECT pg_create_logical_replication_slot('scans', 'pgoutput')});
	$server->safe_psql('replica', q{CREATE SUBSCRIPTION scans CONNECTION $$} . $server->connstr('postgres') . q{$$ PUBLICATION scans WITH (create_slot = false, slot_name = 'scans')});
	wait_until($server, q{SELECT count(words) = 3 FROM papers}, database => 'replica');
	sql('INSERT INTO papers VALUES (5000, ' . paper('over the wire') . ')');
	wait_until($server, q{SELECT trim(E'\n' from words) = 'over the wire' FROM papers WHERE id = 5000}, database => 'replica');
	is(sql('SELECT count(words) FROM papers'), 0, 'read where it was attached, what was there and what comes');
	$server->safe_psql('replica', 'ALTER SUBSCRIPTION scans DISABLE; ALTER SUBSCRIPTION scans SET (slot_name = NONE); DROP SUBSCRIPTION scans');
};

subtest 'the extension is dropped' => sub {
	sql(q{SELECT ocr_attach('papers', 'scan', text => 'words')});
	settled();
	like(sql_error($server, 'DROP EXTENSION pg_ocr'), qr/2BP01.*trigger ocr_insert_scan on table papers/s, 'not as long as a table is attached');
	sql('BEGIN; INSERT INTO papers VALUES (7000, $$a$$); DROP EXTENSION pg_ocr CASCADE; COMMIT; INSERT INTO papers VALUES (7001, $$b$$)');
	is(sql('SELECT count(*) FROM papers WHERE id >= 7000'), 2, 'the table lives on');
};

$server->stop;
done_testing();
