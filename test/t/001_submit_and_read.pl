# Every kind of document, from ocr_submit to its text, held to what is really written on it.
use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8);
use Test::More;
use PgOcr;

my $server = new_server('reader');

# Document, language, and the highest character error rate; beside it the measured one.
my @documents = (
	[ 'phototest.tif', 'eng', 0.02 ],
	[ 'testocr.png', 'eng', 0.02 ],
	[ 'testocr.jpg', 'eng', 0.02 ],
	[ 'testocr.pbm', 'eng', 0.02 ],
	[ 'simple.bmp', 'eng', 0.10 ],
	[ 'simple.gif', 'eng', 0.10 ],
	[ 'simple.webp', 'eng', 0.10 ],
	[ 'linn.pdf', 'eng', 0.05 ],
	[ 'edgar.pdf', 'eng', 0.35 ],
);

my %job = map { $_->[0] => submit($server, $_->[0], "language => '$_->[1]'") } @documents;
for (@documents)
{
	my ($name, $language, $bound) = @$_;
	my $status = ended($server, $job{$name});
	is($status->{status}, 'completed', "$name is read") or diag($status->{error});
	is($status->{progress}, 1, "$name: its progress is complete");
	my $text = decode_utf8($server->safe_psql('postgres', "SELECT ocr_text($job{$name})"));
	my $rate = character_error_rate($text, true_text($name));
	cmp_ok($rate, '<=', $bound, sprintf('%s: the text is what is written there (%.4f)', $name, $rate));
}

is($server->safe_psql('postgres', "SELECT count(DISTINCT source) || ' ' || min(source) FROM ocr_pages($job{'linn.pdf'})"),
	'1 ocr', 'a scan was read by OCR, and its page says so');
is( $server->safe_psql('postgres',
		"SELECT count(*) > 100 AND bool_and(confidence BETWEEN 0 AND 100 AND width > 0 AND height > 0 AND x >= 0 AND y >= 0)
		   FROM ocr_words($job{'linn.pdf'})"),
	't', 'every word has a box and a confidence');
is( $server->safe_psql('postgres',
		"SELECT bool_and(w.x + w.width <= p.width AND w.y + w.height <= p.height)
		   FROM ocr_words($job{'linn.pdf'}) w JOIN ocr.pages p ON p.job_id = $job{'linn.pdf'} AND p.page_no = w.page_no"),
	't', 'the boxes are within the page');

my $many = submit($server, 'multipage.pdf', "pages => '2-3,6-'");
my $status = ended($server, $many);
is("$status->{status} $status->{pages_total} $status->{pages_done}", 'completed 3 3', 'a selection of pages is read, and no other');
is($server->safe_psql('postgres', "SELECT array_agg(page_no ORDER BY page_no) FROM ocr.pages WHERE job_id = $many"),
	'{2,3,6}', 'the pages keep their numbers');

is($server->safe_psql('postgres', "SELECT count(*) FROM ocr.documents"), 0, 'no document is kept that nobody needs');
is($server->safe_psql('postgres', "SELECT count(*) FROM ocr.tasks"), 0, 'no task is left');

$server->stop;
done_testing();
