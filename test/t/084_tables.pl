# Tables of real documents, by text layer and by OCR; as CSV, Markdown and JSON, held to programs that are not ours: a reader of
# CSV, GitHub's renderer of Markdown, and a validator of JSON Schema.
use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8 encode_utf8);
use File::Basename;
use File::Spec;
use IPC::Run;
use JSON::PP;
use Test::More;
use PgOcr;

my $server = new_server('tables');
my $here = File::Spec->rel2abs(dirname(__FILE__));
my $folder = $PostgreSQL::Test::Utils::tmp_check;

my %name = (pdf => 'harbour.pdf', scan => 'harbour_scan.png', letter => 'phototest.tif', columns => 'multicolumn.pdf');
my %job = map { $_ => submit($server, $name{$_}, "tier => 'accurate'") } sort keys %name;
$job{balanced} = submit($server, 'harbour.pdf');
ended($server, $_) for values %job;

my @dues = (
	[ 'Ship', 'Home', 'Dues', '' ],
	[ '', '', 'day', 'week' ],
	[ 'Anna Maria', 'Bergen', '12.50', '70.00' ],
	[ "Blue Heron,\nwith two boats", 'Lyon', '8.00', '45.50' ],
	[ '"Old" Peter', 'Ghent', '21.75', '118.00' ]);
my @tons = (
	[ 'Month', 'Salt', 'Timber', 'Wool' ],
	[ 'January', '1,204', '310', '88' ],
	[ 'February', '987', '402', '91' ],
	[ 'March', '1,350', '288', '104' ],
	[ 'April', '1,118', '356', '97' ]);

for my $way ('pdf', 'scan')
{
	my $job = $job{$way};
	is(status($server, $job)->{status}, 'completed', "$way: it is read");
	is(result("SELECT string_agg(DISTINCT page_no || '.' || table_no, ' ') FROM ocr_tables($job)"), '1.1 1.2', "$way: it has two tables");
	is_deeply(plain(csv($job, 1)), plain(\@dues), "$way: the cells of the one with lines are right");
	is_deeply(csv($job, 2), \@tons, "$way: those of the one without lines are right");
	is(result("SELECT string_agg(row_no || '.' || column_no || ':' || row_span || 'x' || column_span, ' ' ORDER BY row_no, column_no)
		FROM ocr_tables($job) WHERE row_span + column_span > 2"), '1.1:2x1 1.2:2x1 1.3:1x2', "$way: cells stretch over others");
	is(result("SELECT count(*) FROM ocr_tables($job) t, ocr_words($job) w WHERE t.text ~ '\\S' AND strpos(t.text, w.text) > 0 AND length(w.text) > 4
		AND w.x + w.width / 2 BETWEEN t.box[1] AND t.box[3] AND w.y + w.height / 2 BETWEEN t.box[2] AND t.box[4]")
			>= 8 ? 'inside' : 'outside', 'inside', "$way: words lie in the boxes of their cells");
	my $shown = output_of('cmark-gfm', '-e', 'table', '-t', 'html', file_of("$way.md", result("SELECT ocr_markdown($job)")));
	is_deeply(plain(rows_of_html($shown)), plain([ map { [ map { s/\n/ /r } @$_ ] } @dues, @tons ]), "$way: Markdown shows the tables");
	like($shown, qr{</table>.*in tons.*<table>.*</table>.*<p>.*crown}s, "$way: and the text between and after them");
	unlike($shown =~ s{<table>.*?</table>}{}gsr, qr/Bergen|January/, "$way: their words are nowhere else");
	my $file = file_of("$way.json", result("SELECT ocr_json($job)"));
	my $held = decode_json(output_of('python3', "$here/../forms/read.py", "$here/../../docs/ocr_json.schema.json", $file));
	is_deeply($held->{$file}, [], "$way: JSON is as its schema says");
}

is(result("SELECT count(*) FROM ocr_tables($job{letter})"), 0, 'text is no table');
is(result("SELECT string_agg(DISTINCT page_no || '.' || table_no, ' ') FROM ocr_tables($job{columns})"), '3.1', 'text in columns is none');
like(csv($job{columns}, 1, 3)->[2][4], qr/^Dutch, French, German$/, 'and has one beside it');
my ($status, $output, $said) = $server->psql('postgres', "SELECT * FROM ocr_tables($job{balanced})", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($said, qr/55000: job \d+ was read in tier balanced.*HINT:  Submit the document with tier => 'accurate'/s, 'another tier is told what to do');

$server->stop;
done_testing();

sub result { return decode_utf8($server->safe_psql('postgres', $_[0])) }

sub file_of
{
	my ($name, $content) = @_;
	open(my $file, '>:encoding(UTF-8)', "$folder/$name") or die "$name: $!\n";
	print $file $content, "\n";
	close($file) or die "$name: $!\n";
	return "$folder/$name";
}

sub output_of
{
	my ($output, $said) = ('', '');
	IPC::Run::run([@_], '<', \undef, '>', \$output, '2>', \$said) or die "$_[0]: $said";
	return decode_utf8($output);
}

# psql takes carriage returns and newlines away at the end.
sub csv
{
	my ($job, $table, $page) = (@_, 1);
	my $csv = result("SELECT replace(ocr_tables_csv($job, $page, $table), E'\\r', '<CR>')") =~ s/<CR>/\r/gr;
	my $rows = '';
	my $reader = 'import csv, io, json, sys; json.dump(list(csv.reader(io.StringIO(sys.stdin.buffer.read().decode(), newline=""), strict=True)), sys.stdout)';
	IPC::Run::run([ 'python3', '-c', $reader ], '<', \encode_utf8($csv), '>', \$rows) or die 'csv';
	return decode_json($rows);
}

# OCR may have other quotes.
sub plain { return [ map { [ map { s/["“”'‘’]//gr } @$_ ] } @{ $_[0] } ] }

sub rows_of_html
{
	my ($html) = @_;
	my @rows = $html =~ m{<tr>(.*?)</tr>}gs;
	return [ map { [ map { s/&quot;/"/gr } m{<t[hd][^>]*>(.*?)</t[hd]>}gs ] } @rows ];
}
