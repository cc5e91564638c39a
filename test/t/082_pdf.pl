# Searchable PDFs, held to programs that are not ours: qpdf, poppler, pdf.js and mupdf.
use strict;
use warnings;
use utf8;
use Digest::SHA;
use Encode qw(decode_utf8);
use File::Basename;
use File::Spec;
use IPC::Run;
use JSON::PP;
use List::Util qw(max min);
use Test::More;
use PgOcr;

my $server = new_server('pdf');
my $here = File::Spec->rel2abs(dirname(__FILE__));
my $folder = $PostgreSQL::Test::Utils::tmp_check;
$ENV{NODE_PATH} = "$here/../stores/node_modules";
$ENV{OMP_THREAD_LIMIT} = 1;

# Documents that are made of others.
my %made = (
	'mixed.pdf' => made('mixed.pdf', 'qpdf', '--empty', '--pages', path_of('multicolumn.pdf'), '3', path_of('skew.pdf'), '1', '--'),
	'odd_boxes.pdf' => kept('odd_boxes.pdf', odd_boxes()),
	'mended.pdf' => kept('mended.pdf', odd_boxes() =~ s/startxref\s+\d+/startxref\n7/r),
	'shared.pdf' => kept('shared.pdf', shared_parts()));
$made{'secret.pdf'} = made('secret.pdf', 'qpdf', '--encrypt', 'user', 'owner', '256', '--', $made{'odd_boxes.pdf'});
$made{'restricted.pdf'} = made('restricted.pdf', 'qpdf', '--encrypt', '', 'owner', '256', '--modify=none', '--', $made{'odd_boxes.pdf'});

my %arguments = (
	'phototest.tif' => '', 'linn.png' => '', 'testocr.jpg' => '', 'g4-multi.tiff' => '', 'eurotext.tif' => '',
	'skew.pdf' => '', 'rotated_skew.pdf' => '', 'cardinal.pdf' => "pages => '2-3'", 'stamped_scan.pdf' => '',
	'simple-90.jpg' => '', 'baiona_cmyk.jpg' => '', 'multicolumn.pdf' => '',
	'hin.png' => "language => 'hin'", 'rus.png' => "language => 'rus'", 'jpn.png' => "language => 'jpn'",
	'ara.png' => "language => 'ara'", 'ara_numbers.png' => "language => 'ara+eng'", 'heb_numbers.png' => "language => 'heb+eng'",
	'mixed.pdf' => '', 'secret.pdf' => "password => 'user'", 'restricted.pdf' => '', 'mended.pdf' => '', 'odd_boxes.pdf' => '', 'shared.pdf' => '');
my %job;
for my $name (sort keys %arguments)
{
	my $document = "pg_read_binary_file('" . source_of($name) . "')";
	my $more = $arguments{$name} // '';
	my @more = grep { $_ } $more, 'keep_document => true', $more =~ /options/ ? () : q{options => '{"reuse": false}'};
	$job{$name} = $server->safe_psql('postgres', 'SELECT ocr_submit(' . join(', ', $document, @more) . ')');
}
ended($server, $_) for values %job;

my %pdf = map { $_ => pdf_of_job($_, $_ eq 'secret.pdf' ? "password => 'user'" : ()) } sort keys %job;
my %password = ('secret.pdf' => 'user');
my $read = node_texts(map { $_ eq 'secret.pdf' ? () : $pdf{$_} } sort keys %pdf);

for my $name (sort keys %job)
{
	my @password = $password{$name} ? ("--password=$password{$name}") : ();
	my ($checked, $said) = run('qpdf', @password, '--check', $pdf{$name});
	ok($checked && $said =~ /No syntax or stream encoding errors found/, "$name: qpdf has no complaint") or diag($said);
	my ($drawn, $complaints) = run('mutool', 'draw', '-q', '-F', 'txt', '-o', "$folder/mupdf.text", ($password{$name} ? ('-p', $password{$name}) : ()), $pdf{$name});
	is($complaints =~ s/^warning: ICC support is not available\n//gmr, '', "$name: mupdf has none");
	(undef, $complaints) = run('pdftotext', ($password{$name} ? ('-upw', $password{$name}) : ()), '-raw', $pdf{$name}, "$folder/$name.text");
	is($complaints, '', "$name: nor has poppler");
}

# Text that is selected is the text that was read, whoever selects. What runs from right to left poppler turns round only where
# it is not asked for the order of drawing; and the page of stamped_scan.pdf brings words along.
for my $name (grep { !/^(multicolumn|mixed|cardinal)\.pdf$|^ara|^heb/ } sort keys %job)
{
	my $text = text_of_job($name);
	my $selected = decode_utf8(slurp("$folder/$name.text"));
	$selected = substr(spaced($selected), 0, length spaced($text)) if $name eq 'stamped_scan.pdf';
	is(spaced($selected), spaced($text), "$name: poppler selects what was read");
	next if $name =~ /^(secret|stamped_scan)\.pdf$/;
	# Where a skewed line begins beside the end of the one above, pdf.js sees no new line.
	my $form = $name =~ /skew|cmyk/ ? \&letters : \&spaced;
	is($form->(join ' ', @{ $read->{ $pdf{$name} } }), $form->($text), "$name: pdf.js selects what was read");
}
for my $name ('ara.png', 'ara_numbers.png', 'heb_numbers.png')
{
	my $text = text_of_job($name);
	is(in_words(join ' ', @{ $read->{ $pdf{$name} } }), in_words($text), "$name: pdf.js selects what was read");
	is(in_words(output_of('pdftotext', $pdf{$name}, '-')), in_words($text), "$name: poppler selects what was read");
}
like(text_of_job('ara_numbers.png'), qr/1999.*12\.50.*2024\/05\/01.*Google.*\(5\).*12\..*\(WHO\)/s, 'with all that makes lines from right to left hard');
like(text_of_job('heb_numbers.png'), qr/123.*45\.6.*1999,.*Microsoft.*\(5\).*\[/s, 'in both scripts');
my @mixed = split /\f/, text_of_job('mixed.pdf');
is(letters($read->{ $pdf{'mixed.pdf'} }[1]), letters($mixed[1]), 'beside a page with a text layer a scanned one can be selected');
is(result("SELECT string_agg(source, ' ' ORDER BY page_no) FROM ocr_pages($job{'mixed.pdf'})"), 'text_layer ocr', 'which it was');
my @cardinal = @{ $read->{ $pdf{'cardinal.pdf'} } };
is(join(' ', map { /\S/ ? 1 : 0 } @cardinal), '0 1 1 0', 'pages that were not asked for are there, without text');

# Words stand where their boxes say.
for my $name ('phototest.tif', 'linn.png', 'testocr.jpg', 'eurotext.tif', 'simple-90.jpg', 'odd_boxes.pdf', 'rus.png')
{
	my ($all, $placed) = (0, 0);
	my @found = boxes_of($pdf{$name});
	for my $word (words_of_job($name))
	{
		my ($left, $top, $right, $bottom, $text) = @$word;
		my $height = $bottom - $top;
		$all++;
		$placed++ if grep {
			     $_->{text} eq $text
			  && abs($_->{left} - $left) <= 2 + 0.1 * $height
			  && abs($_->{right} - $right) <= 2 + 0.3 * $height
			  && $_->{top} <= $top + 2
			  && $_->{bottom} >= $bottom - 2
			  && $_->{bottom} - $_->{top} <= 4 * $height + 8
		} @found;
	}
	cmp_ok($placed, '>=', 0.97 * $all, "$name: $placed of $all words are where their boxes say");
}

# Nothing that is to be seen has changed, nor been encoded anew.
for my $name ('skew.pdf', 'rotated_skew.pdf', 'stamped_scan.pdf', 'mixed.pdf', 'cardinal.pdf', 'odd_boxes.pdf', 'secret.pdf')
{
	my @password = $password{$name} ? ('-upw', $password{$name}) : ();
	is(drawn($pdf{$name}, @password), drawn(source_of($name), @password), "$name: its pages look as before");
}
for my $name ('testocr.jpg', 'baiona_cmyk.jpg', 'simple-90.jpg')
{
	output_of('pdfimages', '-all', $pdf{$name}, "$folder/image");
	ok(slurp("$folder/image-000.jpg") eq document_bytes($name), "$name: the JPEG's bytes are in the PDF as they were");
}
like(output_of('pdfimages', '-list', $pdf{'g4-multi.tiff'}), qr/(\n.*ccitt.*){3}/, 'pages of a fax stay what they are');
is(result("SELECT ocr_pdf($job{'multicolumn.pdf'}) = pg_read_binary_file('" . source_of('multicolumn.pdf') . "')"), 't', 'a PDF with text of its own is returned as it is');
is(result("SELECT ocr_pdf($job{'skew.pdf'}) = ocr_pdf($job{'skew.pdf'})"), 't', 'the same call gives the same bytes');
like(output_of('pdfinfo', $pdf{'simple-90.jpg'}), qr/Page rot:\s+90/, 'a photo that was taken turned is shown upright');

# Encrypted as it was, also where everybody may open it and nobody may change it.
for my $name ('secret.pdf', 'restricted.pdf')
{
	my $password = $password{$name} // '';
	my ($before, $after) = map { join "\n", grep { /^(R =|P =|User password|extract|modify|.*encryption method)/ } split /\n/, output_of('qpdf', '--show-encryption', "--password=$password", $_) }
	  source_of($name), $pdf{$name};
	is($after, $before, "$name: what was encrypted is encrypted in the same way");
}
like(sql_error($server, "SELECT ocr_pdf($job{'secret.pdf'})"), qr/28P01.*is encrypted; give its password/s, 'a password is asked for');
like(sql_error($server, "SELECT ocr_pdf($job{'secret.pdf'}, password => 'no')"), qr/28P01.*does not open it/s, 'a wrong one is refused');

# A signature cannot hold in another file: that is said.
my $said = '';
$server->psql('postgres', "SELECT length(ocr_pdf($job{'odd_boxes.pdf'}))", stderr => \$said);
like($said, qr/^psql:.*WARNING: .*job $job{'odd_boxes.pdf'} bears a digital signature.*HINT: /s, 'of a signed document there is a warning');
$server->psql('postgres', "SELECT length(ocr_pdf($job{'skew.pdf'})), length(ocr_pdf($job{'linn.png'}))", stderr => \$said);
is($said, '', 'of others there is none');

# It can be cancelled whatever its engine does, or does not.
my $session = $server->background_psql('postgres');
my $backend = $session->query_safe("BEGIN; SELECT length(ocr_pdf($job{'skew.pdf'})) > 0; SELECT pg_backend_pid();") =~ s/.*\n//r;
my ($engine) = engines_of($backend);
kill 'STOP', $engine;
$session->query_until(qr/asked/, "\\echo asked\nSELECT length(ocr_pdf($job{'skew.pdf'}));\n\\echo ended\n");
wait_until($server, "SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = $backend AND state = 'active' AND wait_event_type = 'Extension'");
$server->safe_psql('postgres', "SELECT pg_cancel_backend($backend)");
$session->query_until(qr/ended/, '');
like($session->{stderr}, qr/canceling statement due to user request/, 'a composition that hangs is cancelled');
wait_for_end_of($engine);
pass('and its engine ends');
$session->quit;

# Where the document comes from.
mkdir "$folder/store";
kept('store/scan.pdf', document_bytes('skew.pdf'));
$server->safe_psql('postgres', "CREATE SERVER scans FOREIGN DATA WRAPPER ocr_store OPTIONS (type 'file', directory '$folder/store');
	CREATE ROLE clerk; GRANT USAGE ON FOREIGN SERVER scans TO clerk;");
my $stored = $server->safe_psql('postgres', "SET ROLE clerk; SELECT ocr_submit('file://$folder/store/scan.pdf')");
ended($server, $stored);
is($server->safe_psql('postgres', "SET ROLE clerk; SELECT length(ocr_pdf($stored)) > 0"), 't', 'it is fetched from its store again');
$server->safe_psql('postgres', 'REVOKE USAGE ON FOREIGN SERVER scans FROM clerk');
like(sql_error($server, "SET ROLE clerk; SELECT ocr_pdf($stored)"), qr/42501/, 'with the rights that hold then');
is(result("SELECT length(ocr_pdf($stored, pg_read_binary_file('$folder/store/scan.pdf'))) > 0"), 't', 'or given');
like(sql_error($server, "SELECT ocr_pdf($stored, " . document('phototest.tif') . ')'), qr/22023.*not the document that job/s, 'another document is not taken');
kept('store/scan.pdf', document_bytes('linn.pdf'));
like(sql_error($server, "SELECT ocr_pdf($stored)"), qr/55000.*has changed in its store/s, 'nor one that has changed');

# Whatever comes in, an error or a PDF comes out.
my $whole = document_bytes('skew.pdf');
srand(7);
my @damaged = map {
	my $bytes = $whole;
	substr($bytes, int(rand(length $bytes)), 1) = chr(int(rand(256))) for 1 .. 400;
	$bytes
} 1 .. 12;
my $damaged = join ', ', map { "'" . unpack('H*', $_ . ' ' x (length($whole) - length $_)) . "'" } @damaged, hostile();
my $answers = $server->safe_psql('postgres', "
	CREATE FUNCTION pdf_or_error(document bytea) RETURNS text LANGUAGE plpgsql AS \$\$
	BEGIN
		RETURN CASE WHEN substr(ocr_pdf($job{'skew.pdf'}, document), 1, 5) = '%PDF-' THEN 'PDF' END;
	EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END \$\$;
	SELECT string_agg(DISTINCT pdf_or_error(decode(d, 'hex')), ' ') FROM unnest(ARRAY[$damaged]) AS d");
like($answers, qr/^(22P03|38000|54000|PDF)( (38000|54000|PDF))*$/, "damaged documents: $answers");

$server->stop;
done_testing();

sub path_of { return PgOcr::document_path($_[0]) }
sub source_of { return $made{ $_[0] } // path_of($_[0]) }

sub slurp
{
	open(my $file, '<:raw', $_[0]) or die "$_[0]: $!\n";
	local $/;
	return scalar <$file>;
}

sub kept
{
	my ($name, $bytes) = @_;
	open(my $file, '>:raw', "$folder/$name") or die "$name: $!\n";
	print $file $bytes;
	close($file) or die "$name: $!\n";
	return "$folder/$name";
}

sub made
{
	my ($name, @program) = @_;
	output_of(@program, "$folder/$name");
	return "$folder/$name";
}

# The page of testocr.jpg with all that a page can have between its image and the paper: turned, cut out, off the origin, in
# units of its own, by attributes of its parent, with q and Q that do not match, and signed.
sub odd_boxes
{
	my $image = document_bytes('testocr.jpg');
	my $drawing = 'q 0 640 -480 0 680 100 cm /Im Do';
	return pdf_of(
		'<< /Type /Catalog /Pages 2 0 R /AcroForm << /SigFlags 3 /Fields [8 0 R] >> >>',
		'<< /Type /Pages /Count 1 /Kids [3 0 R] /MediaBox [100 50 1000 1000] /CropBox [200 100 680 740] /Rotate 90 /Resources 5 0 R >>',
		'<< /Type /Page /Parent 2 0 R /UserUnit 1.5 /Contents 4 0 R >>',
		'<< /Length ' . length($drawing) . " >>\nstream\n$drawing\nendstream",
		'<< /XObject << /Im 6 0 R >> /Font << /PgOcr 7 0 R >> >>',
		'<< /Type /XObject /Subtype /Image /Width 640 /Height 480 /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode /Length '
		  . length($image) . " >>\nstream\n$image\nendstream",
		'<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
		'<< /T (one) /Kids [9 0 R] >>',
		'<< /FT /Sig /T (two) /Parent 8 0 R /V << /Type /Sig /Filter /Adobe.PPKLite /ByteRange [0 10 20 10] /Contents <00> >> >>');
}

# A page that is there twice, and another that shares its content and their resources; on a canvas far off the origin.
sub shared_parts
{
	my $image = document_bytes('testocr.jpg');
	my $drawing = 'q 640 0 0 480 -5000 -5000 cm /Im Do Q';
	return pdf_of(
		'<< /Type /Catalog /Pages 2 0 R >>',
		'<< /Type /Pages /Count 3 /Kids [3 0 R 4 0 R 3 0 R] /MediaBox [-5000 -5000 -4360 -4520] /Resources << /XObject << /Im 6 0 R >> >> >>',
		'<< /Type /Page /Parent 2 0 R /Contents [5 0 R] >>',
		'<< /Type /Page /Parent 2 0 R /Contents 5 0 R /CropBox [-9000 -9000 9000 9000] >>',
		'<< /Length ' . length($drawing) . " >>\nstream\n$drawing\nendstream",
		'<< /Type /XObject /Subtype /Image /Width 640 /Height 480 /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode /Length '
		  . length($image) . " >>\nstream\n$image\nendstream");
}

# PDFs that go round in circles, or are as large as nothing is.
sub hostile
{
	my @catalog = ('<< /Type /Catalog /Pages 2 0 R >>');
	my $page = '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] >>';
	my $pages = '<< /Type /Pages /Count 1 /Kids [3 0 R] >>';
	return (
		pdf_of(@catalog, '<< /Type /Pages /Count 2 /Kids [2 0 R 3 0 R] >>', $page),
		pdf_of(@catalog, '<< /Type /Pages /Count 1 /Kids [4 0 R] >>', $page, '<< /Type /Pages /Count 1 /Parent 4 0 R /Kids [2 0 R] >>'),
		pdf_of(@catalog, '<< /Type /Pages /Count 1000000000 /Kids [3 0 R] >>', $page),
		pdf_of(@catalog, '<< /Type /Pages /Count 1 /Kids 7 >>', $page),
		pdf_of(@catalog, $pages, '<< /Type /Page /Parent 3 0 R >>'),
		(map { pdf_of(@catalog, $pages, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] $_ >>") }
			'/Contents 3 0 R', '/Contents [[[[]]]]', '/Contents 99 0 R', '/Resources 3 0 R', '/Resources << /Font 3 0 R >>', '/Resources [1]', '/Rotate 1e9', '/Rotate (a)', '/UserUnit -1e30',
			'/MediaBox [0 0 1e300 1e300]', '/MediaBox [1 1 1 1]', '/MediaBox [(a) 0 R 1]', '/CropBox [900 900 901 901]'),
		pdf_of('<< /Type /Catalog /Pages 2 0 R /AcroForm 1 0 R /Fields [1 0 R 1 0 R] /Kids [1 0 R 1 0 R] >>', $pages, $page),
		pdf_of('<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields 4 0 R >> >>', $pages, $page, '[4 0 R [4 0 R 4 0 R]]'),
		pdf_of(@catalog, $pages, $page) =~ s/\/Root 1 0 R/\/Root 3 0 R/r,
		pdf_of(@catalog, $pages, $page) =~ s/\/Root 1 0 R/\/Root 1 0 R \/Prev 9/r,
		pdf_of(@catalog, $pages, $page) =~ s/\/Root 1 0 R/\/Root 1 0 R \/Encrypt << \/Filter \/Standard \/V 5 \/R 6 >>/r);
}

sub result { return decode_utf8($server->safe_psql('postgres', $_[0])) }
sub text_of_job { return result("SELECT ocr_text($job{$_[0]})") }
sub spaced { return $_[0] =~ s/\s+/ /gr =~ s/^ | $//gr }
sub in_words { return spaced($_[0] =~ s/[\x{200e}\x{200f}\x{202a}-\x{202c}]//gr) }
sub letters { return $_[0] =~ s/[\s\x{200e}\x{200f}\x{202a}-\x{202c}]//gr }

sub pdf_of_job
{
	my ($name, @arguments) = @_;
	my $bytes = $server->safe_psql('postgres', "SELECT encode(ocr_pdf(" . join(', ', $job{$name}, @arguments) . "), 'hex')");
	return kept("of_$name.pdf", pack('H*', $bytes));
}

# Whether a program ended well, and what it said.
sub run
{
	my $said = '';
	my $well = IPC::Run::run([@_], '<', \undef, '>&', \$said);
	return ($well, $said);
}

sub output_of
{
	my ($output, $said) = ('', '');
	IPC::Run::run([@_], '<', \undef, '>', \$output, '2>', \$said) or die "$_[0]: $said";
	return decode_utf8($output);
}

# What pdf.js gives, by file.
sub node_texts
{
	my @files = @_;
	my @texts = split /\n/, output_of('node', "$here/../pdf/text.mjs", @files);
	return { map { $files[$_] => JSON::PP->new->decode($texts[$_]) } 0 .. $#files };
}

# Pixels of all pages.
sub drawn
{
	my ($path, @password) = @_;
	my $pixels = '';
	IPC::Run::run([ 'pdftoppm', '-r', '60', @password, $path ], '<', \undef, '>', \$pixels) or die "pdftoppm $path failed";
	return Digest::SHA::sha256_hex($pixels);
}

# Words as [left, top, right, bottom, text] in pixels.
sub words_of_job
{
	my ($name) = @_;
	return map { [ split /\t/ ] } split /\n/,
	  result("SELECT concat_ws(E'\\t', x, y, x + width, y + height, text) FROM ocr_words($job{$name}) WHERE page_no = 1");
}

# The words that poppler finds on the first page, in pixels of the image that was read.
sub boxes_of
{
	my ($path) = @_;
	my ($name) = $path =~ m{of_(.*)[.]pdf$};
	my ($width, $height) = split /\|/, result("SELECT width, height FROM ocr_pages($job{$name}) WHERE page_no = 1");
	my ($across, $down, @words);
	for (split /\n/, output_of('pdftotext', '-cropbox', '-bbox', '-l', '1', $path, '-'))
	{
		if (/<page width="([\d.]+)" height="([\d.]+)"/)
		{
			# The page's sides as they are before it is turned; but words where they are afterwards.
			($across, $down) = abs($1 / $2 - $width / $height) < abs($2 / $1 - $width / $height) ? ($1, $2) : ($2, $1);
		}
		next unless /<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">(.*)<\/word>/;
		my %word = (left => $1 * $width / $across, top => $2 * $height / $down, right => $3 * $width / $across, bottom => $4 * $height / $down);
		$word{text} = $5 =~ s/&lt;/</gr =~ s/&gt;/>/gr =~ s/&quot;/"/gr =~ s/&amp;/&/gr;
		push @words, \%word;
	}
	return @words;
}
