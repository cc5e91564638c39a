# What real documents become in each form, held to programs that are not ours: an XML parser, tesseract's own
# files, a validator of JSON Schema, a renderer of CommonMark, and OCRmyPDF.
use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8);
use File::Basename;
use File::Spec;
use IPC::Run;
use JSON::PP;
use Test::More;
use PgOcr;

my $server = new_server('forms');
my $here = File::Spec->rel2abs(dirname(__FILE__));
my $folder = $PostgreSQL::Test::Utils::tmp_check;

my %arguments = (
	'phototest.tif' => undef,
	'linn.png' => undef,
	'multicolumn.pdf' => undef,
	'stamped_scan.pdf' => undef,
	'no_contents.pdf' => undef,
	'multipage.pdf' => "pages => '1-2'",
	'1912k_18_9f102_default.jpg' => "language => 'fra'",
	'ara.png' => "language => 'ara'",
	'jpn.png' => "language => 'jpn'",
);
my %job = map { $_ => submit($server, $_, $arguments{$_}) } sort keys %arguments;
$ENV{OMP_THREAD_LIMIT} = 1;
ended($server, $_) for values %job;

my %file;
for my $name (sort keys %job)
{
	my $job = $job{$name};
	$file{$name}{$_} = file_of("$name.$_", result("SELECT ocr_$_($job)")) for qw(alto hocr json);
	$file{$name}{html} = file_of("$name.html", output_of('cmark', '-t', 'html', file_of("$name.md", result("SELECT ocr_markdown($job)"))));
}
my $xml = complaints_of('xmllint', '--nonet', '--noout', map { @$_{ 'hocr', 'alto' } } values %file);
is($xml, '', 'hOCR and ALTO are XML');
my $held = decode_json(output_of('python3', "$here/../forms/read.py", "$here/../../docs/ocr_json.schema.json", map { values %$_ } values %file));

for my $name (sort keys %job)
{
	my $job = $job{$name};
	is(status($server, $job)->{status}, 'completed', "$name is read");
	my @words = split /\n/, result("SELECT text FROM ocr_words($job)");
	is_deeply($held->{ $file{$name}{alto} }, \@words, "$name: ALTO has the words");
	is_deeply($held->{ $file{$name}{hocr} }, \@words, "$name: hOCR has the words");
	is_deeply($held->{ $file{$name}{json} }, [], "$name: JSON is as its schema says");
	# The characters that are shown are the same, but for hyphens that are gone, marks of lists and white space.
	is(letters_of($held->{ $file{$name}{html} }), letters_of(join ' ', @words), "$name: Markdown shows the words");
}

# Tesseract counts paragraphs, we do not. The rest is the same: columns, numbers of lines within their block and of words,
# boxes and words.
$server->safe_psql('postgres', q(ALTER SYSTEM SET pg_ocr.balanced_providers = 'tesseract'));
$server->restart;
for my $name ('phototest.tif', 'linn.png')
{
	my $job = submit($server, $name, q(options => '{"reuse": false}'));
	is(ended($server, $job)->{status}, 'completed', "$name is read by tesseract");
	my ($own, $theirs) = (table_of(result("SELECT ocr_tsv($job)")), table_of(tesseract($name)));
	is($own->{columns}, $theirs->{columns}, "$name: the columns are those of tesseract");
	is($own->{rows}[0], $theirs->{rows}[0], "$name: the page's row is the one of tesseract");
	my ($same, $all) = (0, scalar @{ $theirs->{words} });
	is(scalar @{ $own->{words} }, $all, "$name: there are as many words");
	my %own = map { $_ => 1 } @{ $own->{words} };
	$same += exists $own{$_} for @{ $theirs->{words} };
	cmp_ok($same / $all, '>=', 0.98, "$name: $same of $all words have text and box of those of tesseract");
	is_deeply([ grep { (split /\t/, $_, -1) != 12 } @{ $own->{rows} } ], [], "$name: each row has all columns");
}

# Nothing is named in hOCR that tesseract does not name, nor in ALTO but what its 4th version has besides: who made it in
# Processing, a page's confidence (PC).
my %theirs = map { $_ => tesseract_file('phototest.tif', $_) } qw(hocr alto);
my $named = decode_json(output_of('python3', "$here/../forms/names.py", map { @$_{qw(hocr alto)} } values %file, \%theirs));
my @of_alto4 = qw(alto@SCHEMAVERSION Page@PC Page@PROCESSINGREFS Processing Processing@ID processingCategory softwareVersion);
for my $name (sort keys %job)
{
	is_deeply(strange($file{$name}{hocr}, $theirs{hocr}), [], "$name: hOCR names what tesseract's names");
	is_deeply(strange($file{$name}{alto}, $theirs{alto}, @of_alto4), [], "$name: ALTO names what tesseract's names, and what its 4th version has");
}

# OCRmyPDF makes PDFs of hOCR.
for my $name ('phototest.tif', 'linn.png')
{
	output_of('python3', '-m', 'ocrmypdf.hocrtransform', '-r', '300', $file{$name}{hocr}, "$folder/$name.pdf");
	my @words = split /\n/, result("SELECT text FROM ocr_words($job{$name})");
	is(letters_of(output_of('pdftotext', '-raw', "$folder/$name.pdf", '-')), letters_of(join ' ', @words), "$name: OCRmyPDF reads hOCR");
}

# What a person would write.
my $letter = result("SELECT ocr_markdown($job{'linn.png'})");
like($letter, qr/^# The LinnSequencer 32 Track MIDI Sequence Recorder$/m, 'a title is a heading of the first level');
like($letter, qr/^### Recording a Sequence$/m, 'a heading of a section is one of a lower level');
like($letter, qr/^- TEMPO CHANGES may be programmed into a sequence, with smooth transitions if desired\.$/m, 'a list has items');
like($letter, qr/SINGLE STEP function\. To overdub/, 'a hyphenated word is joined');
unlike(result("SELECT ocr_markdown($job{'jpn.png'})"), qr/[\x{3040}-\x{9fff}] [\x{3040}-\x{9fff}]/, 'Japanese has no spaces');

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

# What a checker says of its file, where it fails; where it does not, nothing.
sub complaints_of
{
	my $said = '';
	my $well = IPC::Run::run([@_], '<', \undef, '>&', \$said);
	return $well ? join('', grep { /^not ok/ } split /^/, $said) : $said || "$_[0] failed";
}

sub output_of
{
	my ($output, $said) = ('', '');
	IPC::Run::run([@_], '<', \undef, '>', \$output, '2>', \$said) or die "$_[0]: $said";
	return decode_utf8($output);
}

# Numbers of lists are drawn by whoever shows them.
sub letters_of { return $_[0] =~ s/(?<=[[:alpha:]])-\s+(?=[[:lower:]])//gr =~ s/[^[:alpha:]]//gr }

# What is named in one file, and neither in the other nor in this list.
sub strange
{
	my ($ours, $theirs, @more) = @_;
	my %known = map { $_ => 1 } @{ $named->{$theirs} }, @more;
	return [ grep { !$known{$_} } @{ $named->{$ours} } ];
}

sub tesseract_file
{
	my ($name, $form) = @_;
	output_of('tesseract', PgOcr::document_path($name), "$folder/tesseract_$form", $form);
	return "$folder/tesseract_$form." . ($form eq 'alto' ? 'xml' : $form);
}

sub tesseract
{
	my ($name) = @_;
	return output_of('tesseract', PgOcr::document_path($name), '-', 'tsv');
}

sub table_of
{
	my ($columns, @rows) = split /\n/, $_[0];
	my @words;
	for (@rows)
	{
		my @fields = split /\t/, $_, -1;
		push @words, join ' ', @fields[ 5 .. 9, 11 ] if $fields[0] == 5 && $fields[11] =~ /\S/;
	}
	return { columns => $columns, rows => \@rows, words => \@words };
}
