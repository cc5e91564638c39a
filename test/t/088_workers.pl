# The number of workers changes while they run, and follows what the machine has to spare. What is being read is read.
use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Utils;
use PgOcr;

my $server = new_server('workers', 'pg_ocr.workers' => 1);
sub sql { return $server->safe_psql('postgres', @_) }

sub set
{
	my (%settings) = @_;
	sql("ALTER SYSTEM SET $_ = '$settings{$_}'") for keys %settings;
	$server->reload;
}

sub said { return sql("SELECT coalesce(string_agg(status || ': ' || detail, '; '), '') FROM ocr_check() WHERE topic = '$_[0]'") }
sub logged { my $times = () = PostgreSQL::Test::Utils::slurp_file($server->logfile) =~ /$_[0]/g; return $times }

# Eight pages that take a while.
sub book
{
	my @pages = 1 .. 8;
	my @contents = map {
		my $page = $_;
		my $drawing = join "\n", map { "BT /F1 18 Tf 20 " . (780 - 24 * $_) . " Td (Line $_ of page $page that takes a while to be read) Tj ET" } 0 .. 30;
		'<< /Length ' . length($drawing) . " >>\nstream\n$drawing\nendstream"
	} @pages;
	return pdf_of(
		'<< /Type /Catalog /Pages 2 0 R >>',
		'<< /Type /Pages /Count 8 /Kids [' . join(' ', map { 11 + $_ . ' 0 R' } @pages) . '] >>',
		'<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
		@contents,
		(map { '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Resources << /Font << /F1 3 0 R >> >> /Contents ' . (3 + $_) . ' 0 R >>' } @pages));
}
sql('CREATE TABLE book (bytes bytea)');
sql(q{INSERT INTO book VALUES ('\x} . unpack('H*', book()) . q{')});
sub submit_book { return sql(q{SELECT ocr_submit(bytes, text_layer => 'ignore', options => '{"reuse": false}') FROM book}) }

# A worker that is held in the middle of a page.
sub hold_at_page
{
	my ($job) = @_;
	my ($worker, $engine) = wait_for_page($server, $job);
	kill 'STOP', $engine;
	return ($worker, $engine, sql("SELECT page_no FROM ocr.workers WHERE pid = $worker"));
}

# None is wanted any more: the page is read to the end, and the rest is given back.
wait_for_workers($server, 1);
my $book = submit_book();
my ($worker, $engine, $page) = hold_at_page($book);
set('pg_ocr.workers' => 0);
wait_until($server, "SELECT leaving AND state = 'reading' FROM ocr.workers WHERE pid = $worker");
pass('a worker that is not wanted any more says so');
ok(is_running($engine), 'its engine lives');
kill 'CONT', $engine;
wait_for_workers($server, 0);
is(sql("SELECT status FROM ocr.pages WHERE job_id = $book AND page_no = $page"), 'read', 'the page that it was at is read');
is(sql("SELECT status || ' ' || attempts || ' ' || (pages_done < 8) FROM ocr_status($book)"), 'pending 0 true', 'the rest is given back, and no attempt counted');
is(sql("SELECT value FROM ocr.counters() WHERE name = 'engines_lost'"), 0, 'no engine was killed');

# Wanted again before it is gone.
set('pg_ocr.workers' => 1);
($worker, $engine) = hold_at_page($book);
set('pg_ocr.workers' => 0);
wait_until($server, "SELECT leaving FROM ocr.workers WHERE pid = $worker");
set('pg_ocr.workers' => 2);
wait_until($server, "SELECT NOT leaving FROM ocr.workers WHERE pid = $worker");
ok(wait_for_workers($server, 2), 'workers that are wanted again start at once');
kill 'CONT', $engine;
is(ended($server, $book)->{status}, 'completed', 'what was given back is read');
is(sql("SELECT count(*) FROM ocr.workers WHERE pid = $worker AND NOT leaving"), 1, 'by the worker that stayed');

# Idle ones go first.
set('pg_ocr.workers' => 4);
wait_for_workers($server, 4);
$book = submit_book();
($worker, $engine) = hold_at_page($book);
set('pg_ocr.workers' => 1);
ok(wait_for_workers($server, 1), 'fewer workers');
is(sql('SELECT pid FROM ocr.workers'), $worker, 'the one that reads goes on');
kill 'CONT', $engine;
is(ended($server, $book)->{status}, 'completed', 'to the end');

# A storm of reloads.
for my $count ((0, 4) x 10)
{
	sql("ALTER SYSTEM SET pg_ocr.workers = $count");
	sql('SELECT pg_reload_conf()');
}
ok(wait_for_workers($server, 4), 'after many reloads there are as many as are wanted');
is(ended($server, submit($server, 'simple.png'))->{status}, 'completed', 'and they read');

# A bound by memory, of all databases together.
set('pg_ocr.memory' => '5GB');
ok(wait_for_workers($server, 2), 'no more workers than pg_ocr.memory has room for');
set('pg_ocr.engine_memory' => '1GB');
ok(wait_for_workers($server, 4), 'smaller engines are more');
set('pg_ocr.engine_memory' => '2GB');
ok(wait_for_workers($server, 2), 'and larger ones fewer');
is(said('memory'), 'warning: pg_ocr.memory has no room for 2 of the workers that pg_ocr.workers asks for', 'which is said');
like(said('workers'), qr/^ok: 2 of 4 workers run/, 'and not taken for a trouble of the workers');
is(logged('pg_ocr.memory has no room for 2 of the workers'), 2, 'in the log once each time');
sql('CREATE DATABASE other');
$server->safe_psql('other', 'CREATE EXTENSION pg_ocr');
ok(wait_for_workers($server, 1, 'other') && wait_for_workers($server, 1), 'they are shared out among the databases');
set('pg_ocr.memory' => '1GB');
wait_until($server, q{SELECT detail LIKE '% no room for 6 of %' FROM ocr_check() WHERE topic = 'memory'});
is(sql(q{SELECT count(*) FROM ocr.workers WHERE NOT leaving}), 2, 'each has one, whatever the bound');
sql('DROP DATABASE other');
set('pg_ocr.memory' => 0, 'pg_ocr.engine_memory' => '100GB');
ok(wait_for_workers($server, 4), 'no bound');
like(said('memory'), qr/^warning: 4 engines may take pg_ocr.engine_memory = 100GB each, and the machine has /, 'more than the machine has');
set('pg_ocr.engine_memory' => '2GB');

# A busy machine, and one that is short of memory. Any load is above the least that can be set.
set('pg_ocr.workers' => 2, 'pg_ocr.max_load' => '0.0001');
ok(wait_for_workers($server, 1), 'a load that is too high leaves one worker');
like(said('held back'), qr/^warning: the machine's load is \S+, and pg_ocr.max_load 0.0001: fewer workers run$/, 'which is said');
like(sql("SELECT query FROM pg_stat_activity WHERE backend_type = 'pg_ocr launcher'"), qr/pg_ocr.max_load/, 'in pg_stat_activity as well');
is(logged(q{pg_ocr: the machine's load is}), 1, 'in the log once');
is(ended($server, submit($server, 'simple.png'))->{status}, 'completed', 'the queue does not stand still');
set('pg_ocr.max_load' => 0);
ok(wait_for_workers($server, 2), 'without a limit all workers come back');
is(said('held back'), '', 'and nothing is said any more');
is(logged('pg_ocr: all workers may run again'), 1, 'but in the log, once');
set('pg_ocr.min_available_memory' => '1000TB');
ok(wait_for_workers($server, 1), 'a machine without memory to spare has one worker');
like(said('held back'), qr/^warning: the machine has \d+ MB of memory to spare, and pg_ocr.min_available_memory is \d+ MB/, 'which is said');
set('pg_ocr.workers' => 0);
ok(wait_for_workers($server, 0), 'none where none is wanted');
set('pg_ocr.workers' => 2, 'pg_ocr.min_available_memory' => '1MB');
ok(wait_for_workers($server, 2), 'with enough of it all of them');

# A database that is to be dropped does not wait for a page.
sql('CREATE DATABASE other');
$server->safe_psql('other', 'CREATE EXTENSION pg_ocr');
wait_for_workers($server, 2, 'other');
my $bytes = unpack('H*', book());
$book = $server->safe_psql('other', qq{SELECT ocr_submit('\\x$bytes'::bytea, text_layer => 'ignore')});
($worker, $engine) = wait_for_page($server, $book, database => 'other');
kill 'STOP', $engine;
set('pg_ocr.workers' => 0);
wait_until($server, "SELECT leaving FROM ocr.workers WHERE pid = $worker");
sql('DROP DATABASE other');
pass('nor for one whose worker is about to leave');

$server->stop;
done_testing();
