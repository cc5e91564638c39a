# What the chaos run submits: short documents, so that many go through, some long ones that are split among the workers,
# and some that fail.
package Chaos::Documents;

use strict;
use warnings;
use Exporter 'import';
use PgOcr;

our @EXPORT_OK = qw(documents);

# Name, how often it is drawn, and:
#   bytes     what is submitted, where it is no file of test/data
#   password  of an encrypted PDF
#   options   arguments of ocr_submit, as SQL
sub documents
{
	return (
		{ name => 'simple.png', weight => 14 },
		{ name => 'simple.jpg', weight => 6 },
		{ name => 'simple.gif', weight => 4, options => "tier => 'fast'" },
		{ name => 'cosmic.png', weight => 2 },
		{ name => 'phototest.tif', weight => 2 },
		{ name => 'note.pdf', weight => 24, bytes => pages_of('Note', 1) },
		{ name => 'leaflet.pdf', weight => 16, bytes => pages_of('Leaflet', 5) },
		{ name => 'book.pdf', weight => 4, bytes => pages_of('Book', 40) },
		{ name => 'chapter.pdf', weight => 2, bytes => pages_of('Chapter', 60), options => "pages => '3-50'" },
		{ name => 'drawn.pdf', weight => 4, bytes => pages_of('Drawn', 3), options => q(text_layer => 'ignore', options => '{"dpi": 70}') },
		{ name => 'pdflatex-4-pages.pdf', weight => 3 },
		{ name => 'libreoffice-writer-password.pdf', weight => 6, password => 'openpassword' },
		{ name => 'broken.pdf', weight => 3 },
		{ name => 'truncated_image.png', weight => 2 },
		{ name => 'no document', weight => 2, bytes => "This is no document.\n" });
}

# A PDF of so many small pages with a text layer, each of which says which it is.
sub pages_of
{
	my ($title, $pages) = @_;
	my @objects = (
		'<< /Type /Catalog /Pages 2 0 R >>',
		"<< /Type /Pages /Count $pages /Kids [" . join(' ', map { 2 + 2 * $_ . ' 0 R' } 1 .. $pages) . '] >>',
		'<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>');
	for my $page (1 .. $pages)
	{
		my $drawing = "BT /F1 24 Tf 20 40 Td ($title, page number $page of $pages) Tj ET";
		push @objects, '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 100] /Resources << /Font << /F1 3 0 R >> >> /Contents '
		  . (3 + 2 * $page) . ' 0 R >>',
		  '<< /Length ' . length($drawing) . " >>\nstream\n$drawing\nendstream";
	}
	return pdf_of(@objects);
}

1;
