# Documents in a directory of the server: fetched when their turn comes, by rights that hold then, and nothing else of it.
use strict;
use warnings;
use File::Temp;
use Encode 'encode_utf8';
use IPC::Run;
use JSON::PP;
use POSIX 'mkfifo';
use Test::More;
use PgOcr;

my $server = new_server('file_store', 'pg_ocr.workers' => 0);
my $folder = File::Temp->newdir;
my $store = "$folder/scans";
mkdir $store or die "$store: $!\n";

sub write_file
{
	my ($name, $content) = @_;
	open(my $file, '>:raw', "$store/.new") or die "$store/.new: $!\n";
	print $file $content;
	close $file;
	rename "$store/.new", "$store/$name" or die "$name: $!\n";
}

# A PDF of so many pages, each of which says its number and the book's title. High ones take a while.
sub book
{
	my ($title, $pages, $height) = (@_, 100);
	my @objects = (
		'<< /Type /Catalog /Pages 2 0 R >>',
		"<< /Type /Pages /Count $pages /Kids [" . join(' ', map { 2 + 2 * $_ . ' 0 R' } 1 .. $pages) . '] >>',
		'<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>');
	for my $page (1 .. $pages)
	{
		my $drawing = "BT /F1 24 Tf 20 40 Td (Page number $page of $title) Tj ET";
		push @objects, '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 $height] /Resources << /Font << /F1 3 0 R >> >> /Contents '
		  . (3 + 2 * $page) . ' 0 R >>',
		  '<< /Length ' . length($drawing) . " >>\nstream\n$drawing\nendstream";
	}
	return pdf_of(@objects);
}

sub submit_uri
{
	my ($uri, $arguments, $role) = @_;
	my $as = $role ? "SET ROLE $role;" : '';
	return $server->safe_psql('postgres', "$as SELECT ocr_submit('$uri', " . join(', ', $arguments || (), q{text_layer => 'ignore'}) . ')');
}

sub workers
{
	my ($count) = @_;
	$server->append_conf('postgresql.conf', "pg_ocr.workers = $count\n");
	$server->reload;
	wait_for_workers($server, $count);
}

my $phototest = $server->safe_psql('postgres', "SELECT encode(" . document('phototest.tif') . ", 'hex')");
write_file('photo.tif', pack 'H*', $phototest);
write_file("a key with\\ blanks, % signs and 'quotes'.tif", pack 'H*', $phototest);
mkdir "$store/below";
write_file('below/photo.tif', pack 'H*', $phototest);
$server->safe_psql('postgres', "CREATE SERVER scans FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'file', directory '$store');
	CREATE ROLE alice; GRANT USAGE ON FOREIGN SERVER scans TO alice;");

# Each file ends in its text or in its reason.
symlink '/etc/passwd', "$store/link";
symlink $folder, "$store/way_out";
mkfifo("$store/pipe", 0600) or die "mkfifo: $!\n";
write_file('empty', '');
write_file('text', 'hello');
write_file('large', 'x' x 3_000_000);
write_file('forbidden', pack 'H*', $phototest);
chmod 0, "$store/forbidden";
$server->append_conf('postgresql.conf', "pg_ocr.max_document_size = '2MB'\n");
my @expected = (
	[ 'photo.tif', 'completed', undef ],
	[ "a key with\\ blanks, % signs and ''quotes''.tif", 'completed', undef ],
	[ 'below/photo.tif', 'completed', undef ],
	[ 'nothing', 'failed', 'document_missing' ],
	[ 'photo.tif/nothing', 'failed', 'document_missing' ],
	[ 'link', 'failed', 'store_refused' ],
	[ 'way_out/scans/photo.tif', 'failed', 'store_refused' ],
	[ 'pipe', 'failed', 'store_refused' ],
	[ 'below', 'failed', 'store_refused' ],
	[ 'empty', 'failed', 'document_empty' ],
	[ 'text', 'failed', 'document_unsupported' ],
	[ 'large', 'failed', 'document_too_large' ],
	[ 'forbidden', 'failed', 'store_denied' ]);
pop @expected if $> == 0;
my @jobs = map { submit_uri("file://$store/$_->[0]", q{options => '{"reuse": false}'}, 'alice') } @expected;
workers(2);
for my $i (0 .. $#expected)
{
	my ($name, $status, $code) = $expected[$i]->@*;
	my $job = ended($server, $jobs[$i]);
	is("$job->{status} " . ($job->{error_code} // ''), "$status " . ($code // ''), "$name: $status");
	unlike($job->{error} // '', qr/root|^$/, "$name: in words, and nothing of what is behind it") if $code;
}
is($server->safe_psql('postgres', "SELECT trim(split_part(ocr_text($jobs[0]), E'\\n', 1))"),
	'This is a lot of 12 point text to test the', 'the text of a file');
is($server->safe_psql('postgres', 'SELECT count(*) FROM ocr.documents'), 0, 'nothing was stored to be read');
is( $server->safe_psql('postgres', "SELECT document_size = octet_length(d) AND document_sha256 = sha256(d) AND etag <> '' AND store = 'scans'
		FROM ocr.jobs, " . document('phototest.tif') . " AS d WHERE id = $jobs[0]"),
	't', 'the job says which version was read');

# Rights are looked at when it is fetched.
workers(0);
my $job = submit_uri("file://$store/photo.tif", undef, 'alice');
$server->safe_psql('postgres', 'REVOKE USAGE ON FOREIGN SERVER scans FROM alice');
workers(1);
is(ended($server, $job)->{error_code}, 'store_undeclared', 'USAGE that was taken away');
is(status($server, $job)->{error}, 'role "alice" has no USAGE on server "scans"', 'which it says');
$server->safe_psql('postgres', "GRANT USAGE ON FOREIGN SERVER scans TO alice; SELECT ocr_retry($job)");
is(ended($server, $job)->{status}, 'completed', 'granted again, the job can be retried');
is($server->safe_psql('postgres', "SELECT result_of IN ($jobs[0], $jobs[1], $jobs[2]) FROM ocr.jobs WHERE id = $job"), 't', 'and shares the result of the same bytes');

# Kept where that was asked for, as it was read.
$job = submit_uri("file://$store/photo.tif", 'keep_document => true');
is(ended($server, $job)->{status}, 'completed', 'a document to be kept');
is($server->safe_psql('postgres', "SELECT d.bytes = " . document('phototest.tif') . " FROM ocr.jobs j JOIN ocr.documents d ON d.id = j.document_id WHERE j.id = $job"),
	't', 'is stored');
$server->safe_psql('postgres', "DELETE FROM ocr.jobs WHERE id = $job");

# A long document is stored once, as long as workers share it.
workers(2);
$server->safe_psql('postgres', q{
	CREATE TABLE stored (document_id bigint, at int);
	CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.stored VALUES (new.id, 1); RETURN new; END';
	CREATE TRIGGER note AFTER INSERT ON ocr.documents FOR EACH ROW EXECUTE FUNCTION note()});
write_file('book.pdf', book('a book', 50));
$job = submit_uri("file://$store/book.pdf");
my $ended = ended($server, $job);
is("$ended->{status} $ended->{pages_done}/$ended->{pages_total} $ended->{pages_failed}", 'completed 50/50 0', 'a long document is read');
is($server->safe_psql('postgres', "SELECT count(*), count(DISTINCT page_no) FROM ocr.pages WHERE job_id = $job AND text LIKE '%number ' || page_no || ' of a book%'"),
	'50|50', 'each page once');
is($server->safe_psql('postgres', 'SELECT count(*) FROM stored'), 1, 'it was stored once');
wait_until($server, 'SELECT count(*) = 0 FROM ocr.documents');
pass('and is dropped at the end');

# Where it was replaced between two attempts, no page of the first is left.
workers(1);
write_file('draft.pdf', book('the draft', 15, 4000));
$job = submit_uri("file://$store/draft.pdf");
my ($worker, $engine, $page);
do { ($worker, $engine, $page) = wait_for_page($server, $job) } until $page >= 3;
write_file('draft.pdf', book('the final version', 4));
kill 'KILL', $engine;
$ended = ended($server, $job);
is("$ended->{status} $ended->{pages_done}/$ended->{pages_total} $ended->{pages_failed} $ended->{attempts}", 'completed 4/4 0 2',
	'a document that was replaced while it was read is read anew');
is($server->safe_psql('postgres', "SELECT count(*) FILTER (WHERE text LIKE '%of the final version%'), count(*) FROM ocr.pages WHERE job_id = $job"),
	'4|4', 'and its pages are of one version');

# ocr_retry() fetches again.
write_file('late.tif', 'not yet');
$job = submit_uri("file://$store/late.tif");
is(ended($server, $job)->{error_code}, 'document_unsupported', 'a document that cannot be read');
write_file('late.tif', pack 'H*', $phototest);
$server->safe_psql('postgres', "SELECT ocr_retry($job)");
is(ended($server, $job)->{status}, 'completed', 'mended in its store, is read by ocr_retry()');

# A directory that is away comes back.
rename $store, "$folder/away" or die "rename: $!\n";
$job = submit_uri("file://$store/photo.tif");
wait_until($server, "SELECT count(*) > 0 FROM ocr.failures WHERE job_id = $job AND error_code = 'store_unavailable'");
rename "$folder/away", $store or die "rename: $!\n";
is(ended($server, $job)->{status}, 'completed', 'a store that was away for a while costs no job');

# A batch in files, as programs that know nothing of PostgreSQL read it.
workers(0);
my $nasty = qq{=cmd|"x", \\back\\slash \\n "quoted"\r\n\tline \x{fc} \x{4e00}\n};
$server->safe_psql('postgres', "SET ROLE alice; SELECT ocr_submit(document => '\\x01', batch => 'export', metadata => jsonb_build_object('key', 'a \"b\" \\ c'))");
$server->safe_psql('postgres', "UPDATE ocr.jobs SET batch = 'export' WHERE id IN ($jobs[0], $jobs[3])");
$server->safe_psql('postgres', qq{UPDATE ocr.pages SET text = convert_from('\\x} . unpack('H*', encode_utf8($nasty)) . qq{', 'UTF8') WHERE job_id = $jobs[0]});
my %written = map { $_ => "$folder/export." . $_ =~ s/ .*//r } ('jsonl by psql', 'json by psql', 'csv by psql');
for my $what (sort keys %written)
{
	my $format = $what =~ s/ .*//r;
	$server->command_ok([ 'psql', '-XAtq', '-v', 'FETCH_COUNT=2', '-d', 'postgres', '-o', $written{$what}, '-c', "SELECT ocr_export('export', '$format', 'alice')" ], $what);
}
my $plain = q{(FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02', ENCODING 'UTF8')};
$server->safe_psql('postgres', "COPY (SELECT ocr_export('export', owner => 'alice')) TO '$folder/copied.jsonl' $plain");
$server->safe_psql('postgres', qq{SET client_encoding = 'LATIN1';\n\\copy (SELECT ocr_export('export', 'json', 'alice')) TO '$folder/copied.json' $plain});
$server->safe_psql('postgres', "COPY (SELECT * FROM ocr_export_pages('export', 'alice')) TO '$folder/rows.csv' (FORMAT csv, HEADER)");
my $reader = <<'END';
import csv, json, sys
folder = sys.argv[1]
lines = lambda name: [json.loads(line) for line in open(f'{folder}/{name}', encoding='utf-8', newline='\n')]
rows = lambda name: list(csv.DictReader(open(f'{folder}/{name}', encoding='utf-8', newline=''), strict=True))
documents = lines('export.jsonl')
whole = json.load(open(f'{folder}/export.json', encoding='utf-8'))
json.dump({'text': documents[0]['pages'][0]['text'], 'statuses': [d['status'] for d in documents], 'errors': [d['error_code'] for d in documents],
           'key': documents[2]['metadata'], 'whole': whole['documents'] == documents, 'count': whole['summary']['documents'],
           'copied': [lines('copied.jsonl') == documents, json.load(open(f'{folder}/copied.json', encoding='utf-8'))['documents'] == documents],
           'csv': [r['text'] for r in rows('export.csv')], 'csv keys': [json.loads(r['metadata']) for r in rows('export.csv')],
           'rows': [r['text'] for r in rows('rows.csv')], 'columns': rows('export.csv')[0].keys() == rows('rows.csv')[0].keys()}, sys.stdout)
END
my $told = '';
IPC::Run::run([ 'python3', '-c', $reader, $folder ], '>', \$told) or fail('an export is read');
is_deeply(
	decode_json($told),
	{   text => $nasty, statuses => [qw(completed failed pending)], errors => [ undef, 'document_missing', undef ], key => { key => 'a "b" \\ c' },
		whole => JSON::PP::true, count => 3, copied => [ JSON::PP::true, JSON::PP::true ],
		csv => [ "'$nasty", '', '' ], 'csv keys' => [ {}, {}, { key => 'a "b" \\ c' } ], rows => [ $nasty, '', '' ], columns => JSON::PP::true },
	'an export is read by others as it was written');
is(PostgreSQL::Test::Utils::slurp_file("$folder/copied.jsonl"), PostgreSQL::Test::Utils::slurp_file("$folder/export.jsonl"), 'COPY writes the same bytes as psql');

# One at a time.
my $other = $server->background_psql('postgres');
$other->query_safe("BEGIN; SELECT ocr.try_lock(hashtextextended('ocr_export_to file://$store/exports/', 0))");
like(sql_error($server, "SELECT ocr_export_to('export', 'file://$store/exports/', owner => 'alice')"), qr/ERROR:  55006: another session is exporting/, 'two sessions do not export to the same place');
$other->quit;
ok(!-e "$store/exports", 'the second one writes nothing');

# What pg_dump carries.
workers(0);
$server->safe_psql('postgres', "CREATE USER MAPPING FOR PUBLIC SERVER scans");
$job = submit_uri("file://$store/below/photo.tif", undef, 'alice');
my $dump = $server->basedir . '/dump';
$server->command_ok([ 'pg_dump', '-Fc', '-f', $dump, 'postgres' ], 'dump');
$server->safe_psql('postgres', 'CREATE DATABASE restored');
$server->command_ok([ 'pg_restore', '-d', 'restored', $dump ], 'restore');
$server->append_conf('postgresql.conf', "pg_ocr.workers = 1\n");
$server->reload;
is(ended($server, $job, database => 'restored')->{status}, 'completed', 'a job of a URI goes on where it was restored');

$server->stop;
done_testing();
