# Documents made to harm: each ends with a reason, within its limits, and nobody else notices.
use strict;
use warnings;
use Compress::Zlib qw(compress deflateInit crc32 Z_FULL_FLUSH Z_OK);
use File::Temp;
use Test::More;
use PgOcr;

my $server = new_server('hostile', 'pg_ocr.page_timeout' => '2s', 'pg_ocr.max_attempts' => 1, 'pg_ocr.max_pages' => 1000);
my $started = $server->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');
my $folder = File::Temp->newdir(DIR => $server->basedir);

sub pages_of { return pdf_of('<< /Type /Catalog /Pages 2 0 R >>', @_) }
sub stream_of { return "<< $_[0] /Length " . length($_[1]) . " >>\nstream\n$_[1]\nendstream" }

# A PDF of one page; the resources may refer to more objects, from number 5.
sub page_of
{
	my ($content, $resources, @more) = @_;
	return pages_of('<< /Type /Pages /Count 1 /Kids [3 0 R] >>',
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 400] /Resources << $resources >> /Contents 4 0 R >>", $content, @more);
}
sub image_of
{
	my ($dictionary, $bytes) = @_;
	return page_of(stream_of('', 'q 400 0 0 400 0 0 cm /I Do Q'), '/XObject << /I 5 0 R >>',
		stream_of("/Type /XObject /Subtype /Image /BitsPerComponent 8 /ColorSpace /DeviceGray $dictionary", $bytes));
}

# What inflates to so many times this text: a block that was flushed stands for itself and can be repeated.
sub bomb_of
{
	my ($text, $times) = @_;
	my ($deflate) = deflateInit(-Level => 9);
	my ($block) = $deflate->deflate($text);
	my ($rest) = $deflate->flush(Z_FULL_FLUSH);
	my $whole = $block . $rest;
	return substr($whole, 0, 2) . substr($whole, 2) x $times . "\x03\x00";
}

sub png_of
{
	my ($width, $height, $data) = @_;
	return "\x89PNG\r\n\x1a\n" . join '', map { pack('N', length $_->[1]) . join('', @$_) . pack('N', crc32(join '', @$_)) }
	  [ 'IHDR', pack('NNC5', $width, $height, 8, 0, 0, 0, 0) ], [ 'IDAT', $data ], [ 'IEND', '' ];
}

# A TIFF of so many directories of one tiny picture, the last of which is followed by that at `next`.
sub tiff_of
{
	my ($directories, $next) = @_;
	my @entries = ([ 256, 10 ], [ 257, 10 ], [ 258, 8 ], [ 259, 1 ], [ 262, 1 ], [ 273, 8 ], [ 277, 1 ], [ 278, 10 ], [ 279, 100 ]);
	my $directory = pack('v', scalar @entries) . join '', map { pack('vvVV', $_->[0], 4, 1, $_->[1]) } @entries;
	my $size = 4 + length $directory;
	return "II*\0\x08\0\0\0" . join '', map { $directory . pack('V', $_ < $directories ? 8 + $size * $_ : $next) } 1 .. $directories;
}

sub jbig2_segment { return pack('NCCCN', $_[0], $_[1], 0, 1, length $_[2]) . $_[2] }

# A JPEG image of so many scans of the whole picture, each of which takes ten bytes of the file.
sub jpeg_of
{
	my ($side, $scans) = @_;
	my $segment = sub { "\xff" . chr($_[0]) . pack('n', 2 + length $_[1]) . $_[1] };
	my $table = sub { $segment->(0xc4, chr($_[0]) . "\x01" . "\0" x 16) };
	return "\xff\xd8" . $segment->(0xdb, "\0" . "\x01" x 64) . $segment->(0xc2, pack('CnnC4', 8, $side, $side, 1, 1, 0x11, 0))
	  . $table->(0) . $table->(0x10) . $segment->(0xda, "\x01\x01\0\0\0\0") . $segment->(0xda, "\x01\x01\0\x01\x3f\0") x $scans . "\xff\xd9";
}

# A JPEG 2000 codestream of one tile, whose contents are noise: read for as long as there is time, which is about what it takes.
sub jpeg2000_of
{
	my ($side) = @_;
	return "\xff\x4f\xff\x51" . pack('nnN8nC3', 41, 0, $side, $side, 0, 0, $side, $side, 0, 0, 1, 7, 1, 1)
	  . "\xff\x52" . pack('nCCnC6', 12, 0, 0, 1, 0, 5, 4, 4, 0, 0) . "\xff\x5c" . pack('nC', 19, 0x40) . "\x40" x 16
	  . "\xff\x90" . pack('nnNCC', 10, 0, 0, 0, 1) . "\xff\x93" . 'noise' x 500 . "\xff\xd9";
}

sub bmp_of { return 'BM' . pack('VVVVVVvvV6', 100, 0, 54, 40, @_, 1, 24, (0) x 6) . "\0" x 100 }
sub webp_of { return 'RIFF' . pack('V', 30) . 'WEBPVP8L' . pack('VCV', 18, 0x2f, 0x0fffffff) . "\0" x 13 }

# A page that is painted with something which is object 5, and names itself or what follows.
sub painted_by { my ($kind, $content, @objects) = @_; return page_of(stream_of('', $content), "/$kind << /X 5 0 R >>", @objects) }
my $text = 'BT /X 12 Tf 20 100 Td (aa) Tj ET';

my $shapes = join '', map { stream_of("/Type /XObject /Subtype /Form /BBox [0 0 400 400] /Resources << /XObject << /F "
		  . ($_ + 1) . ' 0 R >> >>', '/F Do ' x 4) . "\nendobj\n" . ($_ + 1) . " 0 obj\n" } 5 .. 34;
my $page = '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>';

# Name, bytes, and the error code that it must end with; a dot where it may as well be read.
my @made = (
	[ 'a stream that inflates to a gigabyte', page_of(stream_of('/Filter /FlateDecode', bomb_of('q Q ' x 250_000, 1000)), ''), 'page_timeout' ],
	[ 'an image that inflates to four gigabytes', image_of('/Width 65000 /Height 65000 /Filter /FlateDecode', bomb_of("\0" x 4_000_000, 1000)), '.' ],
	[ 'forms that draw each other 4^30 times', page_of(stream_of('', '/F Do'), '/XObject << /F 5 0 R >>', $shapes . '<< >>'), 'page_timeout' ],
	[ 'a form that draws itself', page_of(stream_of('', '/F Do'), '/XObject << /F 5 0 R >>',
		stream_of('/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F 5 0 R >> >>', '/F Do /F Do')), '.' ],
	[ 'a JBIG2 picture of 60000 x 60000', image_of('/Width 60000 /Height 60000 /Filter /JBIG2Decode',
		jbig2_segment(0, 48, pack('NNNNCn', 60000, 60000, 0, 0, 0, 0))
		  . jbig2_segment(1, 38, pack('NNNNCCC8', 60000, 60000, 0, 0, 0, 0, 3, 255, 253, 255, 2, 254, 254, 254) . 'noise' x 500)), '.' ],
	[ 'a page tree that is a circle', pages_of('<< /Type /Pages /Count 10 /Kids [2 0 R 3 0 R] >>', '<< /Type /Pages /Count 10 /Kids [2 0 R] >>'), 'document_damaged|page_damaged' ],
	[ 'a page tree of 2^40 leaves', pages_of((map { '<< /Type /Pages /Count 999999 /Kids [' . ($_ + 1) . ' 0 R ' . ($_ + 1) . ' 0 R] >>' } 2 .. 41), $page), 'document_damaged|page_damaged|too_many_pages' ],
	[ 'two thousand million pages announced', pages_of('<< /Type /Pages /Count 2000000000 /Kids [3 0 R] >>', $page), 'document_damaged|too_many_pages' ],
	[ 'two thousand pages', pages_of('<< /Type /Pages /Count 2000 /Kids [' . join(' ', map { "$_ 0 R" } 3 .. 2002) . '] >>', ($page) x 2000), 'too_many_pages' ],
	[ 'a page of fourteen kilometres', pages_of('<< /Type /Pages /Count 1 /Kids [3 0 R] >>', $page =~ s/100 100/40000000 40000000/r), 'page_too_large' ],
	[ 'arrays in arrays', pages_of('<< /Type /Pages /Count 1 /Kids [3 0 R] /X ' . '[' x 200_000 . ']' x 200_000 . ' >>', $page), '.' ],
	[ 'a PNG image that inflates to more than is allowed', png_of(30000, 30000, bomb_of("\0" x 1_000_000, 900)), 'page_too_large' ],
	[ 'a PNG image of impossible size', png_of(0x7fffffff, 0x7fffffff, compress('none')), 'page_too_large|page_damaged' ],
	[ 'a TIFF image whose directories are a circle', tiff_of(3, 8), '.' ],
	[ 'a TIFF image of two thousand directories', tiff_of(2000, 0), 'too_many_pages' ],
	[ 'a GIF image of impossible size', "GIF89a\xff\xff\xff\xff\xf0\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\x02\x02\x44\x01\0;", 'page_too_large' ],
	[ 'a hundred thousand pages', pages_of('<< /Type /Pages /Count 100000 /Kids [' . join(' ', map { "$_ 0 R" } 3 .. 100_002) . '] >>', ($page) x 100_000), 'too_many_pages' ],
	[ 'a page tree a hundred thousand deep', pages_of((map { "<< /Type /Pages /Count 1 /Kids [$_ 0 R] >>" } 3 .. 100_001), $page), '.' ],
	[ 'a page of a size beyond numbers', pages_of('<< /Type /Pages /Count 1 /Kids [3 0 R] >>', $page =~ s/100 100/'1' . '0' x 300 . ' 100'/er), 'page_too_large' ],
	[ 'a page that is its own parent', pages_of('<< /Type /Pages /Count 1 /Kids [3 0 R] >>', '<< /Type /Page /Parent 3 0 R >>'), '.' ],
	[ 'a table of references that goes back to itself', page_of(stream_of('', ''), '') =~ s/\/Root 1 0 R(?=.*startxref\n(\d+))/\/Root 1 0 R \/Prev $1/sr, '.' ],
	[ 'a stream of objects that extends itself', page_of(stream_of('', ''), '', stream_of('/Type /ObjStm /N 1 /First 4 /Extends 5 0 R', '9 0 << >>')), '.' ],
	[ 'a stream that is as long as itself', pages_of('<< /Type /Pages /Count 1 /Kids [3 0 R] >>', $page =~ s/>>$/\/Contents 4 0 R >>/r, "<< /Length 4 0 R >>\nstream\nq Q\nendstream"), '.' ],
	[ 'a page of three hundred thousand contents', pages_of('<< /Type /Pages /Count 1 /Kids [3 0 R] >>', $page =~ s{>>$}{'/Contents [' . '4 0 R ' x 300_000 . '] >>'}er, stream_of('', 'q 0 0 100 100 re f Q ' x 200)), 'page_timeout' ],
	[ 'two million nested states', page_of(stream_of('', 'q ' x 2_000_000), ''), '.' ],
	[ 'a glyph that is drawn with its own font', painted_by('Font', $text, '<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0]'
		  . ' /CharProcs << /a 6 0 R >> /Encoding << /Differences [97 /a] >> /FirstChar 97 /LastChar 97 /Widths [1] /Resources << /Font << /X 5 0 R >> >> >>',
		stream_of('', "1 0 d0 $text")), '.' ],
	[ 'a pattern that is painted with itself', painted_by('Pattern', '/Pattern cs /X scn 0 0 400 400 re f', stream_of('/PatternType 1 /PaintType 1 /TilingType 1'
		  . ' /BBox [0 0 9 9] /XStep 9 /YStep 9 /Resources << /Pattern << /X 5 0 R >> >>', '/Pattern cs /X scn 0 0 9 9 re f')), '.' ],
	[ 'a pattern of steps too small to see', painted_by('Pattern', '/Pattern cs /X scn 0 0 400 400 re f', stream_of('/PatternType 1 /PaintType 1 /TilingType 1'
		  . ' /BBox [0 0 9 9] /XStep 0.0001 /YStep 0.0001 /Resources << >>', '0 0 9 9 re f')), 'page_timeout' ],
	[ 'a mask that is masked by itself', painted_by('ExtGState', '/X gs 0 0 400 400 re f', '<< /Type /ExtGState /SMask << /S /Luminosity /G 6 0 R >> >>',
		stream_of('/Type /XObject /Subtype /Form /BBox [0 0 400 400] /Group << /S /Transparency /CS /DeviceGray >> /Resources << /ExtGState << /X 5 0 R >> >>',
			'/X gs 0 0 400 400 re f')), '.' ],
	[ 'a function that is made of itself', painted_by('Shading', '/X sh', '<< /ShadingType 2 /ColorSpace /DeviceGray /Coords [0 0 400 400] /Function 6 0 R >>',
		'<< /FunctionType 3 /Domain [0 1] /Bounds [] /Encode [0 1] /Functions [6 0 R] >>'), '.' ],
	[ 'a colour space that is based on itself', painted_by('ColorSpace', '/X cs 1 sc 0 0 400 400 re f', '[/Indexed 5 0 R 1 <0001>]'), '.' ],
	[ 'dashes too short to see', page_of(stream_of('', '[0.0000001] 0 d 0 0 m 400 400 l S'), ''), 'page_timeout' ],
	[ 'a hundred thousand filters', image_of('/Width 9 /Height 9 /Filter [' . '/ASCIIHexDecode ' x 100_000 . ']', '00'), '.' ],
	[ 'a JPEG 2000 picture of 60000 x 60000', image_of('/Width 60000 /Height 60000 /Filter /JPXDecode', jpeg2000_of(60000)), '.' ],
	[ 'a fax of two thousand million lines', image_of('/Width 60000 /Height 2000000000 /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 60000 >>', "\xff" x 1000), '.' ],
	[ 'a JPEG image of twenty thousand scans', jpeg_of(4000, 20_000), 'page_timeout' ],
	[ 'a JPEG image of impossible size', jpeg_of(65500, 1), 'page_too_large' ],
	[ 'a JPEG 2000 image of impossible size', jpeg2000_of(2_000_000_000), 'page_too_large|page_damaged' ],
	[ 'a JPEG 2000 image of noise', jpeg2000_of(10_000), '.' ],
	[ 'a BMP image of impossible size', bmp_of(0x7fffffff, 0x7fffffff), 'page_too_large' ],
	[ 'a BMP image of more pixels than bytes', bmp_of(10_000, 10_000), 'page_damaged' ],
	[ 'a WebP image of more pixels than bytes', webp_of(), 'page_damaged|page_too_large' ],
	[ 'a PNM image of impossible size', "P5 2147483647 2147483647 255\n", 'page_too_large|page_damaged' ],
	[ 'a PNM image of more pixels than bytes', "P5 10000 10000 255\n", 'page_damaged' ],
	[ 'a TIFF image of four hundred thousand empty directories', "II*\0\x08\0\0\0" . join('', map { pack('vV', 0, 8 + 6 * $_) } 1 .. 400_000), 'too_many_pages|document_damaged' ],
	[ 'zeros', "\0" x 1_000_000, 'document_unsupported' ]);

my @neighbours = map { submit($server, $_) } 'phototest.tif', 'testocr.jpg';
for my $document (@made)
{
	my $path = "$folder/document";
	PostgreSQL::Test::Utils::append_to_file($path, $document->[1]);
	push @$document, $server->safe_psql('postgres', "SELECT ocr_submit(pg_read_binary_file('$path'), batch => 'hostile')");
	unlink $path;
}
push @neighbours, submit($server, 'phototest.tif');

for my $document (@made)
{
	my ($name, undef, $expected, $job) = @$document;
	my $status = ended($server, $job);
	note("$name: $status->{status}, ", $status->{error} // 'no error');
	if ($expected eq '.')
	{
		like($status->{status}, qr/^(completed|failed)$/, "$name: ends");
	}
	else
	{
		like("$status->{status} " . ($status->{error_code} // '-'), qr/^failed ($expected)$/, "$name: fails with a fitting code")
		  or diag($status->{error});
	}
}
for my $job (@neighbours)
{
	my $status = ended($server, $job);
	is("$status->{status} $status->{attempts} $status->{pages_failed}", 'completed 1 0', "job $job, a neighbour, is read");
}

sub none
{
	my ($query, $what) = @_;
	is($server->safe_psql('postgres', $query), '', $what);
}
none(q{SELECT j.id, j.error_code, j.error FROM ocr.jobs j LEFT JOIN ocr.error_codes c ON c.code = j.error_code
	WHERE j.status = 'failed' AND (c.code IS NULL OR c.code IN ('internal_error', 'engine_unavailable') OR length(j.error) < 20)},
	'every failure has a code and words');
none(q{SELECT id, pages_total, pages_done FROM ocr.jobs
	WHERE pages_done <> pages_total OR pages_done <> (SELECT count(*) FROM ocr.pages p WHERE p.job_id = jobs.id)},
	'every page is accounted for');
none('SELECT id FROM ocr.tasks', 'no task is left');
none(q{SELECT id FROM ocr.documents d WHERE NOT EXISTS (SELECT FROM ocr.jobs j WHERE j.document_id = d.id AND j.status = 'failed')},
	'no document is kept but those of failed jobs');
none('SELECT document_id FROM ocr.released_documents', 'none is forgotten');

wait_until($server, "SELECT count(*) = 2 FROM ocr.workers WHERE state = 'idle' AND engine_pid IS NOT NULL");
for my $worker (split /\n/, $server->safe_psql('postgres', 'SELECT pid FROM ocr.workers'))
{
	is(scalar(PgOcr::engines_of($worker)), 1, 'a worker has one engine');
	is(scalar(grep { (readlink($_) // '') =~ /memfd/ } glob "/proc/$worker/fd/*"), 0, 'and holds no document');
}
is($server->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $started, 'the server is as old as before');
unlike(PostgreSQL::Test::Utils::slurp_file($server->logfile), qr/server process .* was terminated|PANIC|out of memory for|invalid memory alloc/,
	'and has seen no crash');

$server->stop;
done_testing();
