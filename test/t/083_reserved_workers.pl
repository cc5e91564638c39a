# Reserved workers: of their own tier first, others as well, and the rest of those given back after a page.
use strict;
use warnings;
use IO::Socket::INET;
use Test::More;
use PgOcr;

# Each page takes a while, so that something can come in between: the same lines on each.
sub book
{
	my ($pages) = @_;
	my $drawing = join "\n", map { "BT /F1 18 Tf 20 " . (780 - 24 * $_) . " Td (Line $_ of a page that takes a while to be read) Tj ET" } 0 .. 30;
	return pdf_of(
		'<< /Type /Catalog /Pages 2 0 R >>',
		"<< /Type /Pages /Count $pages /Kids [" . join(' ', map { 4 + $_ . ' 0 R' } 1 .. $pages) . '] >>',
		'<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
		'<< /Length ' . length($drawing) . " >>\nstream\n$drawing\nendstream",
		('<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Resources << /Font << /F1 3 0 R >> >> /Contents 4 0 R >>') x $pages);
}

my $server = new_server('reserved', 'pg_ocr.workers' => 1, 'pg_ocr.reserved_workers' => 'accurate=1');
my $accurate = document('simple.png') . q{, tier => 'accurate', options => '{"reuse": false}'};
$server->safe_psql('postgres', 'CREATE TABLE book (bytes bytea)');
$server->safe_psql('postgres', q{INSERT INTO book VALUES ('\x} . unpack('H*', book(8)) . q{')});

sub reload
{
	my ($reserved) = @_;
	$server->safe_psql('postgres', "ALTER SYSTEM SET pg_ocr.reserved_workers = '$reserved'");
	$server->safe_psql('postgres', 'SELECT pg_reload_conf()');
}

sub wait_for_reserved
{
	my ($expected) = @_;
	return wait_until($server, "SELECT string_agg(coalesce(reserved_for, '-'), ' ' ORDER BY reserved_for) = '$expected' FROM ocr.workers");
}

# A long document of another tier is left at the next page, and goes on afterwards.
ok(wait_for_reserved('accurate'), 'the worker says for what it is reserved');
my $book = $server->safe_psql('postgres', q{SELECT ocr_submit(bytes, tier => 'fast', text_layer => 'ignore') FROM book});
my $behind = submit($server, 'simple.png', q{tier => 'fast'});
wait_for_page($server, $book);
my $job = $server->safe_psql('postgres', "SELECT ocr_submit($accurate)");
is(ended($server, $job)->{status}, 'completed', 'the accurate job completes');
my $left = $server->safe_psql('postgres', "SELECT pages_done < 8 FROM ocr_status($book)");
is($left, 't', 'while the long one is not done') or diag($server->safe_psql('postgres', "SELECT * FROM ocr_status($book)"));
my $whole = ended($server, $book);
is("$whole->{status} $whole->{pages_done}/$whole->{pages_total} $whole->{attempts}", 'completed 8/8 1', 'that goes on, and no attempt was counted');
ended($server, $behind);
is($server->safe_psql('postgres', "SELECT count(*) FROM ocr.failures"), 0, 'nothing failed by it');
is($server->safe_psql('postgres', "SELECT count(*) > 0 FROM ocr.pages WHERE job_id = $book AND read_at < (SELECT started_at FROM ocr.jobs WHERE id = $job)"),
	't', 'the pages that were read before were kept');
is($server->safe_psql('postgres', "SELECT array_agg(id ORDER BY started_at) = '{$book,$job,$behind}' FROM ocr.jobs"),
	't', 'and it kept its place in the queue');

# By its own worker, one of the same tier is not left.
reload('fast=1');
wait_for_reserved('fast');
$book = $server->safe_psql('postgres', q{SELECT ocr_submit(bytes, tier => 'fast', text_layer => 'ignore', options => '{"reuse": false}') FROM book});
wait_for_page($server, $book);
$job = $server->safe_psql('postgres', "SELECT ocr_submit($accurate)");
ended($server, $job);
is($server->safe_psql('postgres', "SELECT status FROM ocr.jobs WHERE id = $book"), 'completed', 'after a reload it is reserved for another tier');

# A store that sends nothing for as long as it likes keeps no worker from its tier.
reload('accurate=1');
wait_for_reserved('accurate');
my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 50) or die "no silent store: $!";
my $url = 'http://127.0.0.1:' . $silent->sockport;
$server->safe_psql('postgres', "CREATE SERVER silent FOREIGN DATA WRAPPER ocr_store "
	  . "OPTIONS (type 'https', endpoint '$url', allow_private_addresses 'true', timeout '86400', stall_timeout '86400')");
my $awaited = $server->safe_psql('postgres', "SELECT ocr_submit('$url/scan.pdf', tier => 'fast')");
for my $time ('first', 'second')
{
	ok(wait_until($server, "SELECT count(*) = 1 FROM ocr.workers WHERE state = 'fetching' AND job_id = $awaited"), "the worker waits for a silent store, the $time time");
	is(ended($server, $server->safe_psql('postgres', "SELECT ocr_submit($accurate)"))->{status}, 'completed', 'and reads what is of its tier meanwhile');
}
is($server->safe_psql('postgres', "SELECT attempts <= 1 AND finished_at IS NULL AND NOT EXISTS (SELECT FROM ocr.failures f WHERE f.job_id = j.id) FROM ocr.jobs j WHERE id = $awaited"),
	't', 'what it left costs no attempt');
$server->safe_psql('postgres', "SELECT ocr_cancel($awaited)");

# A worker that dies leaves what it had given back to others.
$book = $server->safe_psql('postgres', q{SELECT ocr_submit(bytes, tier => 'fast', text_layer => 'ignore', options => '{"reuse": false}') FROM book});
wait_for_page($server, $book);
ended($server, $server->safe_psql('postgres', "SELECT ocr_submit($accurate)"));
$server->safe_psql('postgres', 'SELECT pg_terminate_backend(pid) FROM ocr.workers');
$whole = ended($server, $book);
is("$whole->{status} $whole->{pages_done}/$whole->{pages_total}", 'completed 8/8', 'given back, and its worker ends: nothing is lost');

# Which workers are reserved.
$server->safe_psql('postgres', 'ALTER SYSTEM SET pg_ocr.workers = 3');
reload('accurate=1, fast=1');
ok(wait_for_reserved('accurate fast -'), 'the first workers of a database are reserved, the others are not');
my $logged = -s $server->logfile;
reload('accurate=2, fast=5');
ok(wait_for_log($server, qr/reserves 7 workers, and pg_ocr.workers is 3/, after => $logged), 'more than there are: the log says so');
ok(wait_for_reserved('accurate accurate fast'), 'and the last of the list get fewer');
my ($worker) = split /\|/, $server->safe_psql('postgres', "SELECT pid FROM ocr.workers WHERE reserved_for = 'accurate' LIMIT 1");
$server->safe_psql('postgres', "SELECT pg_terminate_backend($worker)");
wait_for_end_of($worker);
ok(wait_for_reserved('accurate accurate fast'), 'another takes the place of one that ends');
reload('');
ok(wait_for_reserved('- - -'), 'empty: none is');

# What the setting takes.
for my $case (
	[ 'quick=1', qr/quick/ ],
	[ 'fast', qr/"fast" is not of the form tier=number/ ],
	[ 'fast=1,', qr/"" is not of the form tier=number/ ],
	[ 'fast=-1', qr/"fast=-1" does not say how many workers, from 0 to 1024/ ],
	[ 'fast=1 2', qr/"fast=1 2" does not say how many/ ],
	[ 'fast=99999999999', qr/does not say how many/ ],
	[ 'fast=1, fast=2', qr/tier fast is named twice/ ])
{
	my ($value, $complaint) = @$case;
	like(sql_error($server, "ALTER SYSTEM SET pg_ocr.reserved_workers = '$value'"), $complaint, "'$value' is refused");
}
is($server->psql('postgres', q{ALTER SYSTEM SET pg_ocr.reserved_workers = ' accurate = 1 ,fast=0 '}), 0, 'blanks do not matter');

$server->stop;
done_testing();
